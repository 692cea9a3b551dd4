//! What must hold for any `Cookie` header. Called by the fuzz target and by the test that replays its seeds.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use oort_logic::fuzzing::login_cookie;

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let is_readable = value.to_str().is_ok();
    let mut headers = HeaderMap::new();
    headers.append(COOKIE, value);
    let found = login_cookie(&headers).map(str::to_owned);
    if let Some(found) = &found {
        assert!(!found.contains(';'), "of one pair");
        let pair = format!("sid={found}");
        assert!(data.windows(pair.len()).any(|window| window == pair.as_bytes()), "as it was sent");
    }
    headers.append(COOKIE, HeaderValue::from_static("a=b; sid=second"));
    assert_eq!(login_cookie(&headers), Some(found.as_deref().unwrap_or("second")), "the first one counts");

    let with_mine = [b"sid=mine; ", data].concat();
    let Ok(with_mine) = HeaderValue::from_bytes(&with_mine) else { return };
    headers.clear();
    headers.append(COOKIE, with_mine);
    assert_eq!(login_cookie(&headers), is_readable.then_some("mine"), "whatever else was sent along");
}
