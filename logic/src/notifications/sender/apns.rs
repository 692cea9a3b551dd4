//! To Apple's devices, over HTTP/2, with a token signed by the team's key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Outcome, header, jwt};
use crate::notifications::config;
use crate::notifications::notice::Notice;
use crate::store::Target;
use crate::webhook::client::{Answer, Client, post};

/// A token is good for an hour, and must not be renewed within 20 minutes.
const TOKEN_USED: Duration = Duration::from_secs(40 * 60);

/// Tells Apple's devices.
#[derive(Debug)]
pub(in crate::notifications) struct Apns {
    client: Client,
    key: EcdsaKeyPair,
    key_id: String,
    team_id: String,
    topic: String,
    url: String,
    token: Mutex<Option<(String, Instant)>>,
}

/// Whether the file is there and can be used.
pub(in crate::notifications) fn is_readable(config: &config::Apns) -> bool {
    read(config).is_ok()
}

fn read(config: &config::Apns) -> Result<EcdsaKeyPair, String> {
    let der = PrivatePkcs8KeyDer::from_pem_file(&config.key_file).map_err(|error| error.to_string())?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
        .map_err(|_| "not a key of P-256".to_owned())
}

impl Apns {
    /// `None` without a key.
    pub(super) fn new(config: &config::Apns, client: Client) -> Result<Option<Self>, String> {
        if config.key_file.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            client,
            key: read(config).map_err(|fault| format!("apns.key_file: {fault}"))?,
            key_id: config.key_id.clone(),
            team_id: config.team_id.clone(),
            topic: config.topic.clone(),
            url: config.url.trim_end_matches('/').to_owned(),
            token: Mutex::default(),
        }))
    }

    /// Tells one.
    pub(super) async fn send(&self, target: &Target, notice: &Notice) -> Outcome {
        let Some(token) = self.token() else { return Outcome::again("crypto") };
        let Ok(uri) = format!("{}/3/device/{}", self.url, target.address).parse() else {
            return Outcome::Gone;
        };
        let name = HeaderName::from_static;
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, header(&format!("bearer {token}"))),
            (name("apns-id"), header(&uuid_of(&notice.id))),
            (name("apns-topic"), header(&self.topic)),
            (name("apns-push-type"), HeaderValue::from_static("alert")),
            (name("apns-priority"), HeaderValue::from_static("10")),
            (name("apns-collapse-id"), header(&format!("c{}", notice.conversation_id))),
        ]);
        let answer = match self.client.send(post(uri, headers, payload(notice).to_string())).await {
            Ok(answer) => answer,
            Err(cause) => return Outcome::again(cause),
        };
        if answer.status == StatusCode::FORBIDDEN {
            self.token.lock().take();
        }
        meaning(&answer)
    }

    fn token(&self) -> Option<String> {
        let mut held = self.token.lock();
        if let Some((token, made)) = held.as_ref()
            && made.elapsed() < TOKEN_USED
        {
            return Some(token.clone());
        }
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({ "iss": self.team_id, "iat": now_s });
        let token = jwt::es256(&self.key, Some(&self.key_id), &claims).ok()?;
        *held = Some((token.clone(), Instant::now()));
        Some(token)
    }
}

fn payload(notice: &Notice) -> Value {
    let alert = match notice.title.is_empty() {
        // The app words it in the language of its user.
        true => json!({ "loc-key": "NEW_MESSAGE" }),
        false => json!({ "title": notice.title, "body": notice.shown() }),
    };
    json!({
        "aps": { "alert": alert, "sound": "default", "thread-id": notice.conversation_id },
        "oort": {
            "id": notice.id, "userId": notice.user_id, "conversationId": notice.conversation_id,
            "conversationKind": notice.conversation_kind, "seq": notice.seq, "kind": notice.kind,
            "unread": notice.unread, "atMs": notice.at_ms,
        },
    })
}

/// Ids are UUIDs here: the same of the same id.
fn uuid_of(id: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    Uuid::new_v8(half).to_string()
}

fn meaning(answer: &Answer) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, body["reason"].as_str().unwrap_or_default()) {
        (StatusCode::GONE, _) => Outcome::Gone,
        (_, "BadDeviceToken" | "DeviceTokenNotForTopic" | "Unregistered") => Outcome::Gone,
        (StatusCode::NOT_FOUND, _) => Outcome::again("client"),
        _ => Outcome::of(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered() {
        let of = |status, body: &'static str| {
            let status = StatusCode::from_u16(status).expect("a status");
            meaning(&Answer { status, retry_after: None, body: body.into() })
        };
        assert_eq!(of(410, r#"{"reason":"Unregistered","timestamp":1}"#), Outcome::Gone);
        assert_eq!(of(400, r#"{"reason":"BadDeviceToken"}"#), Outcome::Gone);
        assert_eq!(of(404, r#"{"reason":"BadPath"}"#), Outcome::again("client"));
        assert_eq!(of(403, r#"{"reason":"ExpiredProviderToken"}"#), Outcome::again("forbidden"));
        assert_eq!(of(429, r#"{"reason":"TooManyRequests"}"#), Outcome::again("too_many"));
        assert_eq!(of(200, ""), Outcome::Taken);
        assert_eq!(uuid_of("a"), uuid_of("a"));
        assert_ne!(uuid_of("a"), uuid_of("b"));
    }
}
