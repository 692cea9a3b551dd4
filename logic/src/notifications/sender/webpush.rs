//! To browsers, by the push service each of them names (RFC 8030).

use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use secrecy::ExposeSecret as _;

use super::aes128gcm::{POINT_BYTES, TEXT_BYTES_MAX, encrypt};
use super::{Outcome, header, vapid};
use crate::notifications::config;
use crate::notifications::notice::Notice;
use crate::store::Target;
use crate::webhook::client::{Client, post};

/// Tells browsers.
#[derive(Debug)]
pub(super) struct WebPush {
    client: Client,
    key: vapid::Key,
    subject: String,
    ttl_s: u32,
}

impl WebPush {
    /// `None` without a key.
    pub(super) fn new(config: &config::WebPush, client: Client) -> Option<Self> {
        let key = vapid::Key::read(config.private_key.expose_secret())?;
        Some(Self { client, key, subject: config.subject.clone(), ttl_s: config.ttl_s })
    }

    pub(super) fn public_key(&self) -> &str {
        self.key.public()
    }

    /// Tells one.
    pub(super) async fn send(&self, target: &Target, notice: &Notice) -> Outcome {
        let (Ok(uri), Some((browser, auth))) =
            (target.address.parse::<Uri>(), target.secret.split_at_checked(POINT_BYTES))
        else {
            return Outcome::Gone;
        };
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let Ok(authorization) = self.key.authorization(&origin(&uri), &self.subject, now_s) else {
            return Outcome::again("crypto");
        };
        let Ok(body) = encrypt(&text(notice), browser, auth) else {
            return Outcome::Refused("crypto");
        };
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, header(&authorization)),
            (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (HeaderName::from_static("ttl"), HeaderValue::from(self.ttl_s)),
            (HeaderName::from_static("urgency"), HeaderValue::from_static("high")),
            // A push service that holds an earlier one of the conversation replaces it.
            (HeaderName::from_static("topic"), header(&format!("c{}", notice.conversation_id))),
        ]);
        match self.client.send(post(uri, headers, body)).await {
            Ok(answer) => Outcome::of(&answer),
            Err(cause) => Outcome::again(cause),
        }
    }
}

/// The notice, within what fits: names may be long where previews are.
fn text(notice: &Notice) -> Vec<u8> {
    let whole = serde_json::to_vec(notice).unwrap_or_default();
    if whole.len() <= TEXT_BYTES_MAX {
        return whole;
    }
    serde_json::to_vec(&Notice { text: String::new(), ..notice.clone() }).unwrap_or_default()
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> String {
    format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |at| at.as_str()))
}
