//! Settings of notifications.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::sender::{apns, fcm, vapid};

/// Settings of [`super::Notifications`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether a client may name a webhook.
    pub webhooks: bool,
    /// How often a node looks for what is to be sent, ms.
    pub interval_ms: u64,
    /// Time from a message to its notification, ms: who reads it elsewhere meanwhile is not notified.
    pub delay_ms: u64,
    /// How long what a node took is left to it, ms: when it died, another takes it then.
    pub lease_ms: u64,
    /// Transactions of sends looked at together.
    pub feed_rows_max: u32,
    /// Transactions of sends that wait to be looked at; beyond it the oldest are given up.
    pub feed_waiting_max: u32,
    /// Members of a conversation looked at together.
    pub members_page: u32,
    /// Notifications under way at the same time, from one node.
    pub sending_max: usize,
    /// The same to one host.
    pub sending_per_host_max: usize,
    /// Longest time of one attempt, ms.
    pub timeout_ms: u64,
    /// Shortest wait after an attempt that failed, ms; it doubles each time.
    pub retry_min_ms: u64,
    /// Longest wait, ms; also of those a receiver asks for by `Retry-After`.
    pub retry_max_ms: u64,
    /// How long it is tried, ms; then it is given up.
    pub kept_ms: u64,
    /// Conversations that wait for one device; beyond it the one that waits for longest is given up.
    pub device_rows_max: u32,
    /// Characters of a message that are sent along; 0 = none, and no names either.
    pub preview_chars: usize,
    /// Longest address of a target, bytes.
    pub address_bytes_max: usize,
    /// Lets clients name addresses without TLS and inside this network. **Only for tests**: whoever has an account
    /// could have the server talk to its neighbours.
    pub private_networks: bool,
    /// File of certificates (PEM) that are believed beside the public ones; empty = none.
    pub roots_file: String,
    /// To browsers.
    pub webpush: WebPush,
    /// To Android.
    pub fcm: Fcm,
    /// To Apple's devices.
    pub apns: Apns,
}

/// Web Push (RFC 8030); off without a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebPush {
    /// Private key of the application server (RFC 8292), as `oort push keys` prints it.
    pub private_key: SecretString,
    /// How push services reach whoever runs this server: `mailto:` or `https:`.
    pub subject: String,
    /// How long a push service keeps a notification for a browser that is away, s.
    pub ttl_s: u32,
}

/// Firebase Cloud Messaging; off without an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fcm {
    /// JSON file of the service account.
    pub service_account_file: String,
    /// Where messages are sent to.
    pub url: String,
}

/// Apple Push Notification service; off without a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Apns {
    /// File of the signing key (.p8).
    pub key_file: String,
    /// Its id, 10 characters.
    pub key_id: String,
    /// Id of the team, 10 characters.
    pub team_id: String,
    /// Bundle id of the app.
    pub topic: String,
    /// Where notifications are sent to; `https://api.sandbox.push.apple.com` for apps under development.
    pub url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            webhooks: true,
            interval_ms: 500,
            delay_ms: 1_000,
            lease_ms: 60_000,
            feed_rows_max: 64,
            feed_waiting_max: 100_000,
            members_page: 500,
            sending_max: 64,
            sending_per_host_max: 16,
            timeout_ms: 10_000,
            retry_min_ms: 1_000,
            retry_max_ms: 900_000,
            kept_ms: 3 * 24 * 3_600_000,
            device_rows_max: 100,
            preview_chars: 120,
            address_bytes_max: 2_048,
            private_networks: false,
            roots_file: String::new(),
            webpush: WebPush::default(),
            fcm: Fcm::default(),
            apns: Apns::default(),
        }
    }
}

impl Default for WebPush {
    fn default() -> Self {
        Self { private_key: SecretString::default(), subject: String::new(), ttl_s: 3 * 24 * 3_600 }
    }
}

impl Default for Fcm {
    fn default() -> Self {
        Self { service_account_file: String::new(), url: "https://fcm.googleapis.com".to_owned() }
    }
}

impl Default for Apns {
    fn default() -> Self {
        Self {
            key_file: String::new(),
            key_id: String::new(),
            team_id: String::new(),
            topic: String::new(),
            url: "https://api.push.apple.com".to_owned(),
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let bounds = [
            ("interval_ms", self.interval_ms, 10, 60_000),
            ("delay_ms", self.delay_ms, 0, 3_600_000),
            ("lease_ms", self.lease_ms, 1_000, 3_600_000),
            ("feed_rows_max", self.feed_rows_max.into(), 1, 1_000),
            ("feed_waiting_max", self.feed_waiting_max.into(), 1_000, 100_000_000),
            ("members_page", self.members_page.into(), 1, 10_000),
            ("sending_max", wide(self.sending_max), 1, 10_000),
            ("sending_per_host_max", wide(self.sending_per_host_max), 1, 10_000),
            ("timeout_ms", self.timeout_ms, 10, 600_000),
            ("retry_min_ms", self.retry_min_ms, 1, 3_600_000),
            ("retry_max_ms", self.retry_max_ms, self.retry_min_ms, 24 * 3_600_000),
            ("kept_ms", self.kept_ms, 1_000, 1 << 40),
            ("device_rows_max", self.device_rows_max.into(), 1, 10_000),
            ("preview_chars", wide(self.preview_chars), 0, 400),
            ("address_bytes_max", wide(self.address_bytes_max), 64, 4_096),
            ("webpush.ttl_s", self.webpush.ttl_s.into(), 0, 28 * 24 * 3_600),
        ];
        let mut faults = crate::bounds::faults(bounds);
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(self.lease_ms >= 2 * self.timeout_ms, "lease_ms is less than twice timeout_ms");
        let key = self.webpush.private_key.expose_secret();
        if !key.is_empty() {
            check(
                vapid::Key::read(key).is_some(),
                "webpush.private_key is not one that `oort push keys` printed",
            );
            let subject = &self.webpush.subject;
            check(
                subject.starts_with("mailto:") || subject.starts_with("https://"),
                "webpush.subject is neither mailto: nor https: how does a push service reach you?",
            );
        }
        if !self.fcm.service_account_file.is_empty() {
            check(
                fcm::is_readable(&self.fcm),
                "fcm.service_account_file is not the JSON of a service account",
            );
        }
        if !self.apns.key_file.is_empty() {
            check(apns::is_readable(&self.apns), "apns.key_file is not a signing key (.p8)");
            let ids = [&self.apns.key_id, &self.apns.team_id, &self.apns.topic];
            check(ids.iter().all(|id| !id.is_empty()), "apns: key_id, team_id and topic belong to key_file");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config {
            interval_ms: 0,
            lease_ms: 1_000,
            webpush: WebPush { private_key: SecretString::from("x"), ..WebPush::default() },
            fcm: Fcm { service_account_file: "/nowhere".to_owned(), ..Fcm::default() },
            apns: Apns { key_file: "/nowhere".to_owned(), ..Apns::default() },
            ..Config::default()
        };
        assert_eq!(bad.faults().len(), 7, "{:?}", bad.faults());
    }
}
