//! Settings of hooks.

use oort_api::pb::oort::v1::ConversationKind;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::store::HookKinds;
use crate::webhook::guard::Guard;
use crate::webhook::signature::Secret;

/// Settings of [`super::Hooks`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What calls are signed with: `whsec_` and 24 to 64 bytes in base64.
    pub secret: SecretString,
    /// File of certificates (PEM) that are believed beside the public ones; empty = none.
    pub roots_file: String,
    /// Asked before a message is stored.
    pub before: Before,
    /// Told after a message was stored.
    pub after: After,
}

/// A kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Between two people.
    Direct,
    /// Of members.
    Group,
    /// Open to everybody.
    Room,
}

/// What becomes of a message when the hook gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It is stored as it is.
    Open,
    /// It is refused, and may be sent again.
    Closed,
}

/// Settings of [`super::Before`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Before {
    /// Where it is; empty = there is none.
    pub url: String,
    /// Longest time of a call, ms.
    pub timeout_ms: u64,
    /// Calls under way at the same time, from one node; what is more counts as failed at once.
    pub calls_max: usize,
    /// Texts of one sender that are asked about together, bytes; what is more is asked about in another call at the same
    /// time.
    pub call_bytes_max: usize,
    /// Largest answer, bytes; a larger one counts as none.
    pub answer_bytes_max: usize,
    /// What becomes of a message when there is no answer.
    pub on_failure: OnFailure,
    /// Conversations it is asked about.
    pub kinds: Vec<Kind>,
    /// Characters of its reason that a sender is shown.
    pub reason_chars_max: usize,
}

/// Settings of [`super::After`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct After {
    /// Where it is; empty = there is none.
    pub url: String,
    /// Longest time of a call, ms.
    pub timeout_ms: u64,
    /// How often a node looks for what is to be told, ms.
    pub interval_ms: u64,
    /// How long what a node took is left to it, ms: when it died, another takes it then.
    pub lease_ms: u64,
    /// Messages in one call, and as many changes.
    pub messages_max: u32,
    /// Calls under way at the same time, from one node; each is about one conversation.
    pub calls_max: usize,
    /// Conversations it is told of.
    pub kinds: Vec<Kind>,
    /// Shortest wait after a call that failed, ms; it doubles each time.
    pub retry_min_ms: u64,
    /// Longest wait, ms; also of those a receiver asks for by `Retry-After`.
    pub retry_max_ms: u64,
    /// How long a conversation of which nothing is taken waits, ms; then what waits of it is given up.
    pub kept_ms: u64,
    /// Conversations that wait; beyond it those that wait for longest are given up.
    pub conversations_max: u32,
}

const ALL: [Kind; 3] = [Kind::Direct, Kind::Group, Kind::Room];

impl Default for Before {
    fn default() -> Self {
        Self {
            url: String::new(),
            timeout_ms: 1_000,
            calls_max: 256,
            call_bytes_max: 256 * 1024,
            answer_bytes_max: 1024 * 1024,
            on_failure: OnFailure::Closed,
            kinds: ALL.into(),
            reason_chars_max: 200,
        }
    }
}

impl Default for After {
    fn default() -> Self {
        Self {
            url: String::new(),
            timeout_ms: 10_000,
            interval_ms: 200,
            lease_ms: 60_000,
            messages_max: 100,
            calls_max: 16,
            kinds: ALL.into(),
            retry_min_ms: 1_000,
            retry_max_ms: 60_000,
            kept_ms: 3 * 24 * 3_600_000,
            conversations_max: 100_000,
        }
    }
}

/// The kinds of a list.
pub(super) fn kinds(list: &[Kind]) -> HookKinds {
    HookKinds::of(list.iter().map(|kind| match kind {
        Kind::Direct => ConversationKind::Direct,
        Kind::Group => ConversationKind::Group,
        Kind::Room => ConversationKind::Room,
    }))
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let (before, after) = (&self.before, &self.after);
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let bounds = [
            // A comet gives a call to logic up after its `rpc_timeout_ms`, 5,000.
            ("before.timeout_ms", before.timeout_ms, 10, 4_000),
            ("before.calls_max", wide(before.calls_max), 1, 100_000),
            ("before.call_bytes_max", wide(before.call_bytes_max), 1_024, 64 * 1024 * 1024),
            ("before.answer_bytes_max", wide(before.answer_bytes_max), 64, 64 * 1024 * 1024),
            ("before.reason_chars_max", wide(before.reason_chars_max), 0, 1_000),
            ("after.timeout_ms", after.timeout_ms, 10, 600_000),
            ("after.interval_ms", after.interval_ms, 10, 60_000),
            ("after.lease_ms", after.lease_ms, 1_000, 3_600_000),
            ("after.messages_max", after.messages_max.into(), 1, 1_000),
            ("after.calls_max", wide(after.calls_max), 1, 10_000),
            ("after.retry_min_ms", after.retry_min_ms, 1, 3_600_000),
            ("after.retry_max_ms", after.retry_max_ms, after.retry_min_ms, 24 * 3_600_000),
            ("after.kept_ms", after.kept_ms, 1_000, 1 << 40),
            ("after.conversations_max", after.conversations_max.into(), 1, 10_000_000),
        ];
        let mut faults = crate::bounds::faults(bounds);
        for (name, url, kinds) in
            [("before", &before.url, &before.kinds), ("after", &after.url, &after.kinds)]
        {
            if url.is_empty() {
                continue;
            }
            if let Err(fault) = Guard::Any.check(url) {
                faults.push(format!("{name}.url {fault}"));
            }
            if kinds.is_empty() {
                faults.push(format!("{name}.kinds is empty: of which conversations?"));
            }
        }
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(after.lease_ms >= 2 * after.timeout_ms, "after.lease_ms is less than twice after.timeout_ms");
        let secret = self.secret.expose_secret();
        let is_needed = !before.url.is_empty() || !after.url.is_empty();
        check(
            Secret::read(secret).is_some() || (secret.is_empty() && !is_needed),
            "secret is not whsec_ and 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them",
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let fine = Config {
            secret: SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            before: Before { url: "http://127.0.0.1:9/".to_owned(), ..Before::default() },
            after: After { url: "https://hook.example/after".to_owned(), ..After::default() },
            ..Config::default()
        };
        assert_eq!(fine.faults(), Vec::<String>::new());
        let short = SecretString::from("whsec_c2hvcnQ=");
        let bad = Config {
            secret: short.clone(),
            before: Before {
                url: "hook".to_owned(),
                timeout_ms: 0,
                kinds: Vec::new(),
                ..fine.before.clone()
            },
            after: After { url: "ftp://x/".to_owned(), lease_ms: 2_000, ..fine.after.clone() },
            ..Config::default()
        };
        assert_eq!(bad.faults().len(), 6, "{:?}", bad.faults());
        for secret in [short, SecretString::default()] {
            assert_eq!(Config { secret, ..fine.clone() }.faults().len(), 1);
        }
        assert!(!format!("{fine:?}").contains("MfKQ9r8G"), "a secret is not shown");
    }
}
