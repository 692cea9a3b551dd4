//! Settings of accounts.

use std::time::Duration;

use oort_api::directory::AttemptRules;
use serde::{Deserialize, Serialize};

use super::{CodesConfig, names};
use crate::store::DevicePolicy;

/// Settings of [`super::Accounts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `iss` of every token; the same on all logic nodes of a cluster.
    pub issuer: String,
    /// Life of an access token, ms.
    pub access_ttl_ms: u64,
    /// Life of a refresh token, ms; each refresh starts it anew.
    pub refresh_ttl_ms: u64,
    /// Life of a cookie log-in, ms.
    pub cookie_ttl_ms: u64,
    /// Argon2id memory per hash, KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes over the memory.
    pub argon2_passes: u32,
    /// Argon2id lanes.
    pub argon2_lanes: u32,
    /// Password hashes computed at the same time, each on its own thread; 0 = one per CPU.
    pub hashing_threads: usize,
    /// Requests that may wait for a hashing thread; more are refused with `overloaded`.
    pub hashing_waiters_max: usize,
    /// Longest wait for a hashing thread, ms; then `overloaded`.
    pub hashing_wait_ms: u64,
    /// For how long a log-in found live is taken for live without asking the
    /// store again, ms. A log-out on another node takes effect within this time.
    pub login_check_ms: u64,
    /// Log-ins remembered as live; beyond it the ones not used for longest are forgotten.
    pub login_cache_max: usize,
    /// How many devices a user may be logged in on.
    pub devices: DevicePolicy,
    /// Log-ins that a user may have whatever the policy; a further one ends the oldest.
    pub logins_max: u32,
    /// Log-ins of one user that a list of them has: the newest ones.
    pub logins_listed_max: u32,
    /// Wrong passwords for one account from one address before the next attempt has to wait.
    pub attempts_free: u32,
    /// The first wait, ms; it doubles with each further wrong password.
    pub attempts_wait_min_ms: u64,
    /// Longest wait, ms.
    pub attempts_wait_max_ms: u64,
    /// Time without an attempt after which the wrong ones are forgotten, ms. The right password forgives at once.
    pub attempts_forget_ms: u64,
    /// Pairs of account and address remembered in one process, and by a logic node while Redis does not answer; beyond
    /// it the ones not seen for longest are forgotten.
    pub attempts_watched_max: usize,
    /// Users that one search answers with.
    pub users_found_max: u32,
    /// What people must do to sign up.
    pub sign_up: SignUp,
    /// Who may sign up: e-mail addresses and their domains (`ada@example.org`, `example.org`). Empty = everyone, also
    /// without an address.
    pub email_allowed: Vec<String>,
    /// For how long a deactivated account comes back when its user logs in, ms. 0 = for ever.
    pub reactivation_ms: u64,
    /// What becomes of the messages of an account that is deleted.
    pub on_delete: OnDelete,
    /// Codes sent by mail.
    pub codes: CodesConfig,
}

/// What people must do to sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Choose a name and a password; an e-mail address is believed.
    Open,
    /// Give an e-mail address, and the code that was sent to it.
    Code,
}

/// What becomes of the messages of an account that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// They stay, and with them the name, which nobody else can take.
    Keep,
    /// Their texts and the name are erased; their places stay.
    Erase,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "oort".to_owned(),
            access_ttl_ms: 15 * 60 * 1000,
            refresh_ttl_ms: 30 * 24 * 3600 * 1000,
            cookie_ttl_ms: 24 * 3600 * 1000,
            // The second of OWASP's recommended settings for Argon2id.
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            argon2_lanes: 1,
            hashing_threads: 0,
            hashing_waiters_max: 256,
            hashing_wait_ms: 5_000,
            login_check_ms: 2_000,
            login_cache_max: 200_000,
            devices: DevicePolicy::Multi,
            logins_max: 100,
            logins_listed_max: 100,
            attempts_free: 5,
            attempts_wait_min_ms: 1_000,
            attempts_wait_max_ms: 15 * 60 * 1000,
            attempts_forget_ms: 3600 * 1000,
            attempts_watched_max: 100_000,
            users_found_max: 50,
            sign_up: SignUp::Open,
            email_allowed: Vec::new(),
            reactivation_ms: 0,
            on_delete: OnDelete::Keep,
            codes: CodesConfig::default(),
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check(!self.issuer.is_empty(), "issuer is empty");
        check(self.access_ttl_ms >= 1000, "access_ttl_ms is less than a second");
        check(self.refresh_ttl_ms >= self.access_ttl_ms, "refresh_ttl_ms is less than access_ttl_ms");
        check(self.cookie_ttl_ms >= 1000, "cookie_ttl_ms is less than a second");
        check(
            [self.access_ttl_ms, self.refresh_ttl_ms, self.cookie_ttl_ms]
                .iter()
                .all(|&ttl| ttl <= TTL_MS_MAX),
            "a life of more than ten years",
        );
        check(
            super::passwords::parameters(self).is_ok(),
            "argon2_memory_kib, argon2_passes and argon2_lanes do not go together (memory >= 8 x lanes, passes and lanes >= 1)",
        );
        check(self.hashing_waiters_max >= 1, "hashing_waiters_max is 0: nobody could log in");
        check(self.login_cache_max >= 2, "login_cache_max is less than 2");
        check((1..=10_000).contains(&self.logins_max), "logins_max is not within 1 to 10000");
        check((1..=10_000).contains(&self.logins_listed_max), "logins_listed_max is not within 1 to 10000");
        check(self.attempts_free >= 1, "attempts_free is 0: nobody could log in");
        check(self.attempts_wait_min_ms >= 1, "attempts_wait_min_ms is 0: nothing would grow");
        check(
            (self.attempts_wait_min_ms..=TTL_MS_MAX).contains(&self.attempts_wait_max_ms),
            "attempts_wait_max_ms is less than attempts_wait_min_ms, or more than ten years",
        );
        check(
            (1..=TTL_MS_MAX).contains(&self.attempts_forget_ms),
            "attempts_forget_ms is 0, or more than ten years",
        );
        check(self.attempts_watched_max >= 2, "attempts_watched_max is less than 2");
        check(self.users_found_max >= 1, "users_found_max is 0");
        check(self.reactivation_ms <= TTL_MS_MAX, "reactivation_ms is more than ten years");
        for allowed in &self.email_allowed {
            let address = if allowed.contains('@') { allowed.clone() } else { format!("a@{allowed}") };
            if names::fold_email(&address) != address || names::check_email(&address).is_err() {
                faults.push(format!(
                    "email_allowed: {allowed:?} is not like ada@example.org or example.org, in small letters"
                ));
            }
        }
        faults.extend(self.codes.faults().into_iter().map(|fault| format!("codes: {fault}")));
        faults
    }

    /// How wrong passwords and codes are answered.
    pub(super) fn attempts(&self) -> AttemptRules {
        AttemptRules {
            free: self.attempts_free,
            wait_min: Duration::from_millis(self.attempts_wait_min_ms),
            wait_max: Duration::from_millis(self.attempts_wait_max_ms),
            forget_after: Duration::from_millis(self.attempts_forget_ms),
            remembered_max: self.attempts_watched_max,
        }
    }

    /// Whether an account may be made with this address.
    pub(super) fn is_email_allowed(&self, email: Option<&str>) -> bool {
        let is_allowed = |email: &str| {
            let Some((_, domain)) = email.rsplit_once('@') else { return false };
            self.email_allowed.iter().any(|allowed| allowed == email || allowed == domain)
        };
        self.email_allowed.is_empty() || email.is_some_and(is_allowed)
    }

    /// Whether an account that was deactivated then may still come back.
    pub(super) fn may_return(&self, deactivated_at_ms: i64, now_ms: i64) -> bool {
        let gone_ms = u64::try_from(now_ms.saturating_sub(deactivated_at_ms)).unwrap_or(0);
        self.reactivation_ms == 0 || gone_ms < self.reactivation_ms
    }

    pub(super) fn hashing_wait(&self) -> Duration {
        Duration::from_millis(self.hashing_wait_ms)
    }

    pub(super) fn login_check(&self) -> Duration {
        Duration::from_millis(self.login_check_ms)
    }
}

/// Ten years: keeps sums of times far from overflow.
pub(super) const TTL_MS_MAX: u64 = 10 * 366 * 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_allowed_by_themselves_and_by_domain() {
        assert!(Config::default().is_email_allowed(None));
        let email_allowed = vec!["example.org".to_owned(), "bob@other.example".to_owned()];
        let config = Config { email_allowed, ..Config::default() };
        assert_eq!(config.faults(), Vec::<String>::new());
        assert!(config.is_email_allowed(Some("ada@example.org")));
        assert!(config.is_email_allowed(Some("bob@other.example")));
        for no in ["eve@other.example", "ada@sub.example.org", "ada@example.org.evil", "example.org"] {
            assert!(!config.is_email_allowed(Some(no)), "{no}");
        }
        assert!(!config.is_email_allowed(None));
        let bad = Config { email_allowed: vec!["@".to_owned(), "Example.org".to_owned()], ..config };
        assert_eq!(bad.faults().len(), 2);
    }

    #[test]
    fn a_deactivated_account_comes_back_within_its_time() {
        assert!(Config::default().may_return(0, i64::MAX));
        let config = Config { reactivation_ms: 1_000, ..Config::default() };
        assert!(config.may_return(5_000, 5_999) && !config.may_return(5_000, 6_000));
        assert!(config.may_return(5_000, 4_000), "the clock went back");
    }
}
