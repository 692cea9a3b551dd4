//! Passwords as somebody gave them, and how many wrong ones.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use oort_api::client_address::ClientNetwork;
use oort_api::clock::now_ms;
use oort_api::directory::{Attempt, Settled};
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::session::user_id;
use super::{Accounts, Proven, lockout, names};
use crate::store::{Credentials, NewAudit};

/// What a password was held against.
struct Compared {
    /// The account of the name.
    account: Option<Credentials>,
    /// The password is the account's.
    is_right: bool,
}

pub(super) fn login_failed() -> Refusal {
    Refusal::new(Code::LoginFailed, "user name, e-mail address, id or password is wrong")
}

impl Accounts {
    /// Checks user name, e-mail address or user id, and password. `address` is the client's, for limiting guesses; a
    /// client that is not known shares what all such clients may. An account that was deactivated comes back.
    ///
    /// # Errors
    /// [`Code::LoginFailed`], [`Code::RateLimited`], [`Code::Overloaded`], [`Code::Unavailable`].
    pub async fn check_password(
        &self,
        login: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Proven, Refusal> {
        let name = names::fold_username(login.trim());
        let compared = async { self.compare(self.find(&name).await?, password).await };
        let found = self.guess(&name, address, compared).await?.ok_or_else(login_failed)?;
        if let Some(since_ms) = found.deactivated_at_ms {
            if !self.config.may_return(since_ms, now_ms()) {
                return Err(login_failed());
            }
            self.store.reactivate(user_id(&found.user)?).await?;
            self.metrics.reactivated.inc();
        }
        self.metrics.logins.inc();
        Ok(Proven { user: found.user, password_hash: Some(found.password_hash) })
    }

    /// Checks the password of a user who is logged in; answers its hash. Counted with the log-ins by user name.
    ///
    /// # Errors
    /// [`Code::WrongPassword`], and as [`check_password`](Self::check_password).
    pub(super) async fn confirm_password(
        &self,
        user: &User,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<String, Refusal> {
        let id = user_id(user)?;
        let compared = async { self.compare(self.store.credentials_by_id(id).await?, password).await };
        let found = self.guess(&names::fold_username(&user.username), address, compared).await?;
        found.map(|found| found.password_hash).ok_or_else(wrong_password)
    }

    /// Whose password it was; `None` when it was wrong, which is counted for the name.
    async fn guess(
        &self,
        name: &str,
        address: Option<IpAddr>,
        compared: impl Future<Output = Result<Compared, Refusal>> + Send,
    ) -> Result<Option<Credentials>, Refusal> {
        let guess = lockout::key(name, address);
        let made = match self.lockout.attempt(&guess).await {
            Attempt::Admitted(made) => made,
            Attempt::Wait(wait) => {
                self.metrics.login_refusals.inc();
                return Err(must_wait(
                    wait,
                    "too many failed attempts for this account; wait, then try again",
                ));
            }
        };
        match compared.await {
            Ok(Compared { account: Some(account), is_right: true }) => {
                self.lockout.settle(&guess, Settled::Right).await;
                Ok(Some(account))
            }
            Ok(Compared { account, .. }) => {
                self.metrics.login_failures.inc();
                if self.lockout.begins_with(made) {
                    self.metrics.lockouts.inc();
                    self.tell_operators(account.map(|account| account.user), address);
                }
                Ok(None)
            }
            Err(refusal) => {
                self.lockout.settle(&guess, Settled::NotMade).await;
                Err(refusal)
            }
        }
    }

    /// Records that somebody guesses at an account, if there is one. Not waited for: the time that the answer takes
    /// must not tell whether there is.
    fn tell_operators(&self, account: Option<User>, address: Option<IpAddr>) {
        let Some(user) = account else { return };
        let address = address.map(|address| ClientNetwork::from(address).to_string());
        let audit = NewAudit {
            at_ms: now_ms(),
            actor_id: 0,
            action: "login_locked",
            subject: user.id.to_string(),
            details: serde_json::json!({ "address": address, "wrong": self.config.attempts_free })
                .to_string(),
        };
        let store = Arc::clone(&self.store);
        self.tasks.spawn(async move {
            if let Err(cause) = store.add_audit(&audit).await {
                tracing::warn!(%cause, "it was not recorded that somebody guesses at an account");
            }
        });
    }

    /// Whether the password is the account's. Takes as long when there is no account.
    async fn compare(&self, account: Option<Credentials>, password: &str) -> Result<Compared, Refusal> {
        // What cannot be a password is nobody's, and costs the same.
        let can_be = names::check_password(password).is_ok();
        let phc = account.as_ref().filter(|_| can_be).map(|found| found.password_hash.as_str());
        let is_right = self.passwords.verify(password, phc).await?;
        Ok(Compared { account, is_right })
    }

    async fn find(&self, name: &str) -> Result<Option<Credentials>, Refusal> {
        let is_sane = name.len() <= names::EMAIL_BYTES_MAX.max(4 * names::USERNAME_CHARS.end());
        if !is_sane || name.is_empty() {
            return Ok(None);
        }
        if name.contains('@')
            && let Some(found) = self.store.credentials_by_email(name).await?
        {
            return Ok(Some(found));
        }
        // A name of digits alone is a name first.
        if let Some(found) = self.store.credentials_by_name(name).await? {
            return Ok(Some(found));
        }
        match name.parse::<UserId>() {
            Ok(id) => self.store.credentials_by_id(id).await.map_err(Refusal::from),
            Err(_) => Ok(None),
        }
    }
}

pub(super) fn wrong_password() -> Refusal {
    Refusal::new(Code::WrongPassword, "password: it is wrong")
}

/// The refusal of an attempt that comes too early.
pub(super) fn must_wait(wait: Duration, text: &str) -> Refusal {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    Refusal { retry_after_ms: Some(wait_ms), ..Refusal::new(Code::RateLimited, text) }
}
