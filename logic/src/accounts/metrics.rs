//! What accounts count.

use oort_api::metrics::{Counter, Registry};

/// Counters of [`super::Accounts`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(super) created: Counter,
    pub(super) logins: Counter,
    pub(super) login_failures: Counter,
    pub(super) login_refusals: Counter,
    pub(super) lockouts: Counter,
    pub(super) logins_replaced: Counter,
    pub(super) second_logins_refused: Counter,
    pub(super) banned_refused: Counter,
    pub(super) hashing_refusals: Counter,
    pub(super) refreshes: Counter,
    pub(super) refresh_reuses: Counter,
    pub(super) token_refusals: Counter,
    pub(super) login_checks: Counter,
    pub(super) codes: Counter,
    pub(super) code_failures: Counter,
    pub(super) code_refusals: Counter,
    pub(super) password_changes: Counter,
    pub(super) deactivated: Counter,
    pub(super) reactivated: Counter,
    pub(super) deleted: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let mut counter =
            |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("accounts_created", "Accounts created", &metrics.created);
        counter("logins", "Log-ins that succeeded", &metrics.logins);
        counter("login_failures", "Log-ins with a wrong name or password", &metrics.login_failures);
        counter(
            "login_refusals",
            "Log-ins refused because of too many attempts on one account from one address",
            &metrics.login_refusals,
        );
        counter(
            "lockouts",
            "Times the next attempt on an account from an address began to have to wait",
            &metrics.lockouts,
        );
        counter(
            "logins_replaced",
            "Log-ins ended because a later one took their place",
            &metrics.logins_replaced,
        );
        counter(
            "second_logins_refused",
            "Log-ins refused because the account was in use on another device",
            &metrics.second_logins_refused,
        );
        counter("banned_refused", "Log-ins refused because the account is banned", &metrics.banned_refused);
        counter(
            "hashing_refusals",
            "Requests refused because all password hashing threads were busy",
            &metrics.hashing_refusals,
        );
        counter("refreshes", "Refresh tokens exchanged", &metrics.refreshes);
        counter("refresh_reuses", "Refresh tokens used twice, each ended a log-in", &metrics.refresh_reuses);
        counter("token_refusals", "Credentials refused: forged, expired or ended", &metrics.token_refusals);
        counter("login_checks", "Times the store was asked whether a log-in is live", &metrics.login_checks);
        counter("codes_mailed", "Codes asked for whose mail was sent", &metrics.codes);
        counter("code_failures", "Mailed codes that were wrong, used or expired", &metrics.code_failures);
        counter(
            "code_refusals",
            "Codes not sent because too many were asked for with one address",
            &metrics.code_refusals,
        );
        counter("password_changes", "Passwords changed or reset", &metrics.password_changes);
        counter("accounts_deactivated", "Accounts deactivated", &metrics.deactivated);
        counter("accounts_reactivated", "Accounts that came back", &metrics.reactivated);
        counter("accounts_deleted", "Accounts deleted", &metrics.deleted);
        metrics
    }
}
