//! Signatures by which a receiver knows that a call is ours, as Standard Webhooks has them.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Prefix of a secret as text.
pub(crate) const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret, at least and at most.
pub(crate) const SECRET_BYTES: (usize, usize) = (24, 64);

/// What calls are signed with. Never shown.
#[derive(Clone)]
pub(crate) struct Secret(Arc<[u8]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl Secret {
    /// Reads it as people have it; `None` when it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let secret = STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        let is_fine = (SECRET_BYTES.0..=SECRET_BYTES.1).contains(&secret.len());
        is_fine.then(|| Self(secret.into()))
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Now, s since the epoch: signed along, so that a call cannot be played again later.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Headers of a JSON body with its id and signature.
pub(crate) fn headers(secret: &[u8], id: &str, timestamp_s: u64, body: &str) -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), header(id)),
        (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp_s)),
        (HeaderName::from_static("webhook-signature"), header(&signature(secret, id, timestamp_s, body))),
    ])
}

/// A header of what is ASCII by its making; an empty one of what is not.
pub(crate) fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Signs `id.timestamp.body`.
fn signature(secret: &[u8], id: &str, timestamp_s: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, format!("{id}.{timestamp_s}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let secret = Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let signed = signature(
            secret.bytes(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_of_some_length() {
        let of = |bytes: usize| Secret::read(&format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
        assert_eq!([23, 24, 64, 65].map(|bytes| of(bytes).is_some()), [false, true, true, false]);
        assert!(!format!("{:?}", of(24)).contains('7'), "it is not shown");
        assert!(Secret::read("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none(), "without the prefix");
        assert!(Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*").is_none(), "not base64");
    }
}
