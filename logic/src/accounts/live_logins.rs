//! Remembers for a short time which log-ins the store called live, so that
//! not every request asks it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::secret::Hash;
use super::{Config, Identity};
use oort_api::generations::Generations;

/// While one request asks the store about a log-in that is due, the others go
/// on with the old answer for this long.
const ASKING: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct LiveLogins {
    check: Duration,
    by_id: Mutex<Generations<Arc<str>, Instant>>,
    by_cookie: Mutex<Generations<Hash, Identity>>,
}

impl LiveLogins {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            check: config.login_check(),
            by_id: Mutex::new(Generations::new(config.login_cache_max)),
            by_cookie: Mutex::new(Generations::new(config.login_cache_max)),
        }
    }

    /// `true` when the store need not be asked.
    pub(super) fn is_live(&self, login_id: &str, now: Instant) -> bool {
        let mut by_id = self.by_id.lock();
        let Some(ask_at) = by_id.get_mut(login_id) else { return false };
        if now < *ask_at {
            return true;
        }
        *ask_at = now + ASKING.min(self.check);
        false
    }

    /// The store called it live at `asked_at`.
    pub(super) fn set_live(&self, login_id: Arc<str>, asked_at: Instant) {
        if !self.check.is_zero() {
            self.by_id.lock().insert(login_id, asked_at + self.check);
        }
    }

    /// It is ended.
    pub(super) fn forget(&self, login_id: &str) {
        self.by_id.lock().remove(login_id);
    }

    /// Whose cookie this was, whether or not the log-in is live.
    pub(super) fn of_cookie(&self, hash: &Hash) -> Option<Identity> {
        self.by_cookie.lock().get_mut(hash).map(|identity| identity.clone())
    }

    pub(super) fn set_cookie(&self, hash: Hash, identity: Identity) {
        self.by_cookie.lock().insert(hash, identity);
    }

    pub(super) fn forget_cookie(&self, hash: &Hash) {
        self.by_cookie.lock().remove(hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_for_a_while_and_one_request_renews_it() {
        let logins = LiveLogins::new(&Config { login_check_ms: 2000, ..Config::default() });
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!logins.is_live("a", start));
        logins.set_live("a".into(), start);
        assert!(logins.is_live("a", at(1999)));
        assert!(!logins.is_live("a", at(2000)), "this one asks");
        assert!(logins.is_live("a", at(2001)), "this one does not wait for it");
        assert!(!logins.is_live("a", at(2500)), "nobody answered");
        logins.forget("a");
        assert!(!logins.is_live("a", at(2501)));
    }
}
