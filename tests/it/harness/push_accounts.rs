//! Who a server under test is to the push services: keys made for this run.

use std::path::Path;
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::receiver::Receiver;

/// Keys of this run.
pub(crate) struct PushAccounts {
    /// Of Web Push, private and public, as `oort push keys` prints them.
    pub(crate) vapid: (String, String),
    fcm: RsaKeyPair,
    apns: EcdsaKeyPair,
}

impl PushAccounts {
    /// The same for every system.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<PushAccounts> = OnceLock::new();
        SHARED.get_or_init(|| Self {
            vapid: oort_logic::notifications::generate_vapid_key().expect("a key"),
            fcm: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            apns: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
        })
    }

    /// Verifies what the service account signed.
    pub(crate) fn fcm_public(&self) -> &[u8] {
        self.fcm.public_key().as_ref()
    }

    /// Verifies what the team's key signed.
    pub(crate) fn apns_public(&self) -> &[u8] {
        self.apns.public_key().as_ref()
    }

    /// Settings of a server that sends everything to the receiver. Writes its files into the folder.
    pub(crate) fn settings(&self, receiver: &Receiver, folder: &Path) -> Vec<(String, String)> {
        let fcm: Pkcs8V1Der<'_> = self.fcm.as_der().expect("DER");
        let account = json!({
            "type": "service_account",
            "project_id": "oort-test",
            "private_key_id": "key-1",
            "private_key": pem(fcm.as_ref()),
            "client_email": "oort@oort-test.example",
            "token_uri": receiver.url("/token"),
        });
        let apns = self.apns.to_pkcs8v1().expect("DER");
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).expect("writes");
            path.to_string_lossy().into_owned()
        };
        let (fcm, apns) = (write("fcm.json", &account.to_string()), write("apns.p8", &pem(apns.as_ref())));
        let of = |(name, value): (&str, String)| (format!("OORT_LOGIC__NOTIFICATIONS__{name}"), value);
        [
            ("PRIVATE_NETWORKS", "true".to_owned()),
            ("INTERVAL_MS", "50".to_owned()),
            ("DELAY_MS", "50".to_owned()),
            ("RETRY_MIN_MS", "20".to_owned()),
            ("RETRY_MAX_MS", "2000".to_owned()),
            ("WEBPUSH__PRIVATE_KEY", self.vapid.0.clone()),
            ("WEBPUSH__SUBJECT", "mailto:ops@chat.example".to_owned()),
            ("FCM__SERVICE_ACCOUNT_FILE", fcm),
            ("FCM__URL", receiver.url("")),
            ("APNS__KEY_FILE", apns),
            ("APNS__KEY_ID", "KEY1234567".to_owned()),
            ("APNS__TEAM_ID", "TEAM456789".to_owned()),
            ("APNS__TOPIC", "example.chat".to_owned()),
            ("APNS__URL", receiver.h2_url("")),
        ]
        .map(of)
        .into()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
