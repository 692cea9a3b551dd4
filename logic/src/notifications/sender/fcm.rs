//! To Android, by Firebase Cloud Messaging's HTTP v1 API: with an access token
//! of the service account, got by its signature (RFC 7523).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::RsaKeyPair;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Outcome, header, jwt};
use crate::notifications::config;
use crate::notifications::notice::Notice;
use crate::store::Target;
use crate::webhook::client::{Answer, Client, post};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long an assertion is good, s.
const ASSERTION_S: u64 = 3_600;
/// An access token that ends within this is not used any more.
const SPARE: Duration = Duration::from_secs(60);

/// The file that Firebase's console gives, as far as it is needed.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key_id: Option<String>,
    private_key: String,
    token_uri: String,
}

/// Tells Android devices.
#[derive(Debug)]
pub(in crate::notifications) struct Fcm {
    client: Client,
    key: RsaKeyPair,
    key_id: Option<String>,
    email: String,
    token_uri: Uri,
    send_uri: Uri,
    token: Mutex<Option<(String, Instant)>>,
}

/// Whether the file is there and can be used.
pub(in crate::notifications) fn is_readable(config: &config::Fcm) -> bool {
    read(config).is_ok()
}

fn read(config: &config::Fcm) -> Result<(Account, RsaKeyPair), String> {
    let text = std::fs::read(&config.service_account_file).map_err(|error| error.to_string())?;
    // The reason is not told: it may quote the key.
    let account: Account = serde_json::from_slice(&text).map_err(|_| "not a service account".to_owned())?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(account.private_key.as_bytes());
    let der = der.map_err(|_| "private_key is no PEM".to_owned())?;
    let key =
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| "private_key is not RSA".to_owned())?;
    Ok((account, key))
}

impl Fcm {
    /// `None` without an account.
    pub(super) fn new(config: &config::Fcm, client: Client) -> Result<Option<Self>, String> {
        if config.service_account_file.is_empty() {
            return Ok(None);
        }
        let (account, key) = read(config).map_err(|fault| format!("fcm.service_account_file: {fault}"))?;
        let send =
            format!("{}/v1/projects/{}/messages:send", config.url.trim_end_matches('/'), account.project_id);
        Ok(Some(Self {
            client,
            key,
            key_id: account.private_key_id,
            email: account.client_email,
            token_uri: account.token_uri.parse().map_err(|_| "fcm: token_uri is not a URL".to_owned())?,
            send_uri: send.parse().map_err(|_| "fcm.url is not a URL".to_owned())?,
            token: Mutex::default(),
        }))
    }

    /// Tells one.
    pub(super) async fn send(&self, target: &Target, notice: &Notice) -> Outcome {
        let token = match self.token().await {
            Ok(token) => token,
            Err(outcome) => return outcome,
        };
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, header(&format!("Bearer {token}"))),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let body = message(&target.address, notice).to_string();
        let answer = match self.client.send(post(self.send_uri.clone(), headers, body)).await {
            Ok(answer) => answer,
            Err(cause) => return Outcome::again(cause),
        };
        if answer.status == StatusCode::UNAUTHORIZED {
            self.token.lock().await.take();
        }
        meaning(&answer)
    }

    /// The access token; a new one when the old one ends. Those who need it meanwhile wait for the same.
    async fn token(&self) -> Result<String, Outcome> {
        let mut held = self.token.lock().await;
        if let Some((token, until)) = held.as_ref()
            && Instant::now() + SPARE < *until
        {
            return Ok(token.clone());
        }
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri.to_string(),
            "iat": now_s, "exp": now_s + ASSERTION_S,
        });
        let assertion = jwt::rs256(&self.key, self.key_id.as_deref(), &claims);
        let assertion = assertion.map_err(|_| Outcome::again("crypto"))?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        // Neither needs to be escaped.
        let body =
            format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
        let asked = Instant::now();
        let answer = self.client.send(post(self.token_uri.clone(), headers, body)).await;
        let answer = answer.map_err(Outcome::again)?;
        let token: Option<Granted> = serde_json::from_slice(&answer.body).ok();
        match token.filter(|_| answer.status.is_success()) {
            Some(Granted { access_token, expires_in }) => {
                *held = Some((access_token.clone(), asked + Duration::from_secs(expires_in)));
                Ok(access_token)
            }
            None => Err(Outcome::Again { cause: "token", after: answer.retry_after }),
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

/// What the API takes: shown by the system, and the same as data for the app.
fn message(token: &str, notice: &Notice) -> Value {
    let collapse = format!("c{}", notice.conversation_id);
    let data = json!({
        "id": notice.id, "userId": notice.user_id, "conversationId": notice.conversation_id,
        "conversationKind": notice.conversation_kind, "seq": notice.seq.to_string(), "kind": notice.kind,
        "unread": notice.unread.to_string(), "atMs": notice.at_ms.to_string(),
    });
    let mut message = json!({
        "token": token,
        "data": data,
        "android": { "priority": "HIGH", "collapse_key": collapse, "notification": { "tag": collapse } },
    });
    if !notice.title.is_empty() {
        message["notification"] = json!({ "title": notice.title, "body": notice.shown() });
    }
    json!({ "message": message })
}

fn meaning(answer: &Answer) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let details = body["error"]["details"].as_array().map_or(&[][..], Vec::as_slice);
    let code = details.iter().find_map(|detail| detail["errorCode"].as_str()).unwrap_or_default();
    match (answer.status, code) {
        (_, "UNREGISTERED" | "SENDER_ID_MISMATCH") => Outcome::Gone,
        (_, "INVALID_ARGUMENT") => Outcome::Refused("invalid"),
        // Of the project, not of the device.
        (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Outcome::again("client"),
        _ => Outcome::of(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_device_removes_it() {
        let of = |status, body: &'static str| {
            let status = StatusCode::from_u16(status).expect("a status");
            meaning(&Answer { status, retry_after: None, body: body.into() })
        };
        let error = r#"{"error":{"details":[{"@type":"x"},{"errorCode":"UNREGISTERED"}]}}"#;
        assert_eq!(of(404, error), Outcome::Gone);
        assert_eq!(of(404, "no such project"), Outcome::again("client"));
        assert_eq!(
            of(400, r#"{"error":{"details":[{"errorCode":"INVALID_ARGUMENT"}]}}"#),
            Outcome::Refused("invalid")
        );
        assert_eq!(
            of(503, r#"{"error":{"details":[{"errorCode":"UNAVAILABLE"}]}}"#),
            Outcome::again("server")
        );
        assert_eq!(of(200, r#"{"name":"projects/p/messages/1"}"#), Outcome::Taken);
    }
}
