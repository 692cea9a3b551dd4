//! Slows guessing down: wrong passwords for one account from one address make the next attempt wait, each time twice
//! as long.
//!
//! Counted in the directory, so that all nodes know of an attempt at once and nothing is written to the store for it.
//! That it may be wiped gives an attacker a few guesses more. While it does not answer, each node counts for itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use oort_api::client_address::ClientNetwork;
use oort_api::directory::attempts::Attempts;
use oort_api::directory::{Attempt, AttemptKey, AttemptRules, Directory, Settled};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Attempts on accounts, by account and address: so a stranger who guesses keeps nobody else out.
#[derive(Debug)]
pub(super) struct Lockout {
    directory: Arc<dyn Directory>,
    rules: AttemptRules,
    /// Counts while the directory does not answer.
    alone: Mutex<Attempts>,
}

/// The account by the name that was typed, whether or not there is such an account.
pub(super) fn key(account: &str, address: Option<IpAddr>) -> AttemptKey {
    let mut hash = Sha256::new();
    hash.update(account.as_bytes());
    hash.update([0]);
    hash.update(address.map(|address| ClientNetwork::from(address).to_string()).unwrap_or_default());
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    AttemptKey(digest)
}

impl Lockout {
    pub(super) fn new(directory: Arc<dyn Directory>, rules: AttemptRules) -> Self {
        Self { directory, rules, alone: Mutex::new(Attempts::new(rules.remembered_max)) }
    }

    /// Whether an attempt may be made; it is counted then.
    pub(super) async fn attempt(&self, key: &AttemptKey) -> Attempt {
        match self.directory.attempt(key, &self.rules).await {
            Ok(attempt) => attempt,
            Err(cause) => {
                tracing::debug!(%cause, "attempts are counted by this node alone");
                self.alone.lock().attempt(*key, &self.rules, Instant::now())
            }
        }
    }

    /// What became of it, unless it was wrong.
    pub(super) async fn settle(&self, key: &AttemptKey, settled: Settled) {
        self.alone.lock().settle(*key, settled, Instant::now());
        if let Err(cause) = self.directory.settle(key, settled).await {
            tracing::debug!(%cause, "an attempt stays counted");
        }
    }

    /// Whether this is the attempt after which the next one has to wait for the first time.
    pub(super) fn begins_with(&self, made: u32) -> bool {
        made == self.rules.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_address_do_not_run_together() {
        let address = |text: &str| Some(text.parse().expect("an address"));
        assert_ne!(key("a", None), key("b", None));
        assert_ne!(key("a", address("10.0.0.1")), key("a", address("10.0.0.2")));
        assert_ne!(key("a", address("10.0.0.1")), key("a1", address("0.0.0.1")));
        assert_eq!(key("a", address("2001:db8::1")), key("a", address("2001:db8::2")), "one client's /64");
    }
}
