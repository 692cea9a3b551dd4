//! What must hold for any text that claims to be an access token: nobody's own text is one, and what is signed
//! with our key is one only when it says what a token has to. Called by the fuzz target and by the test that
//! replays its seeds.

use std::time::{SystemTime, UNIX_EPOCH};

use oort_logic::fuzzing::access_token::{AUDIENCE, ISSUER, KEY_ID, signed, verify_user};
use serde_json::Value;

/// A header, a newline, claims. Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(verify_user(text), None, "nobody else has the key");
    }
    let Some((header, claims)) = data.iter().position(|&byte| byte == b'\n').map(|at| data.split_at(at))
    else {
        return;
    };
    let Some((user, exp)) = signed(header, claims).and_then(|token| verify_user(&token)) else { return };
    let header: Value = serde_json::from_slice(header).expect("an accepted header is JSON");
    let claims: Value = serde_json::from_slice(claims).expect("accepted claims are JSON");
    assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("HS256"), Some(KEY_ID)));
    assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some(ISSUER), Some(AUDIENCE)));
    assert_eq!((claims["sub"].as_str(), claims["exp"].as_u64()), (Some(user.as_str()), Some(exp)));
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    assert!(exp >= now_s.saturating_sub(1), "expired");
    assert!(claims["nbf"].as_u64().is_none_or(|nbf| nbf <= now_s), "not valid yet");
}
