//! Keys that clients give to requests that are not idempotent by themselves, so that a repeat does nothing again and is
//! answered as the first was. The key is written in the transaction that does what was asked.

use oort_api::ids::{ConversationId, UserId};
use sha2::{Digest, Sha256};

use super::Error;

/// A request under its client's key. The store has only the hash of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Whose key; each user has keys of their own.
    pub user: UserId,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// SHA-256 of what was asked: another request under the same key is refused.
    pub fingerprint: [u8; 32],
    /// How long keys are kept, ms; later the key is as new.
    pub kept_ms: i64,
}

/// The key of a request by somebody whose id is not known yet: who signs up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyKey {
    hash: [u8; 32],
    fingerprint: [u8; 32],
    kept_ms: i64,
}

impl EarlyKey {
    /// As [`ClientKey::new`].
    #[must_use]
    pub fn new(key: &str, parts: &[&str], kept_ms: i64) -> Self {
        let mut fingerprint = Sha256::new();
        for part in parts {
            fingerprint.update(part.len().to_be_bytes());
            fingerprint.update(part);
        }
        Self { hash: Sha256::digest(key).into(), fingerprint: fingerprint.finalize().into(), kept_ms }
    }

    /// The key, once it is known whose it is.
    #[must_use]
    pub fn of(&self, user: UserId) -> ClientKey {
        let Self { hash, fingerprint, kept_ms } = *self;
        ClientKey { user, hash, fingerprint, kept_ms }
    }
}

impl ClientKey {
    /// The key of a request: `parts` are all that it asks for, its name first.
    #[must_use]
    pub fn new(user: UserId, key: &str, parts: &[&str], kept_ms: i64) -> Self {
        EarlyKey::new(key, parts, kept_ms).of(user)
    }

    /// Keys written at or before this time are forgotten.
    pub(super) fn forgotten_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.kept_ms)
    }
}

/// Forgotten keys deleted whenever one is written.
pub(super) const SWEPT: u32 = 8;

/// The conversation that a key remembers as its subject.
pub(super) fn conversation_of(subject: &[u8]) -> Result<ConversationId, Error> {
    let id = subject.try_into().ok().map(i64::from_be_bytes).and_then(ConversationId::new);
    id.ok_or_else(|| Error::Internal("a client's key remembers no conversation".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let user = UserId::new(1).expect("positive");
        let key = |parts: &[&str]| ClientKey::new(user, "k", parts, 1).fingerprint;
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab"]), key(&["ab", ""]));
    }
}
