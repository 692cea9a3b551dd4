//! What users change about their accounts: passwords, and whether there is one.

use std::net::IpAddr;
use std::sync::Arc;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::UserId;

use super::guesses::wrong_password;
use super::{Accounts, Identity, OnDelete, names};
use crate::store::{self, Purpose, Store};

impl Accounts {
    /// Changes the caller's password, and ends their other log-ins with the connections those opened.
    ///
    /// # Errors
    /// [`Code::WrongPassword`](oort_api::Code::WrongPassword), [`Code::InvalidField`](oort_api::Code::InvalidField), [`Code::RateLimited`](oort_api::Code::RateLimited), [`Code::Overloaded`](oort_api::Code::Overloaded),
    /// [`Code::Unavailable`](oort_api::Code::Unavailable).
    pub async fn change_password(
        &self,
        identity: &Identity,
        (old, new): (&str, &str),
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        names::check_password(new)?;
        let old_hash = self.confirm_password(&identity.user, old, address).await?;
        let new_hash = self.passwords.hash(new).await?;
        let (user, keep) = (identity.user_id()?, Arc::clone(&identity.login_id));
        let changed = self.end_all(user, move |store| async move {
            store.set_password(user, &old_hash, &new_hash, &keep).await
        });
        // Of two changes at once, one came first.
        changed.await?.ok_or_else(wrong_password)?;
        self.metrics.password_changes.inc();
        Ok(())
    }

    /// Sets a new password by a mailed code, and ends all log-ins of the account.
    ///
    /// # Errors
    /// [`Code::WrongCode`](oort_api::Code::WrongCode), [`Code::InvalidField`](oort_api::Code::InvalidField), [`Code::RateLimited`](oort_api::Code::RateLimited), [`Code::Overloaded`](oort_api::Code::Overloaded),
    /// [`Code::Unavailable`](oort_api::Code::Unavailable).
    pub async fn reset_password(
        &self,
        email: &str,
        code: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        names::check_password(password)?;
        let email = names::fold_email(email);
        names::check_email(&email)?;
        let (attempt, guess) = self.begin_guess(Purpose::Reset, &email, code, address).await?;
        // Computed in any case: the time that the answer takes tells nothing of the code.
        let reset = match self.passwords.hash(password).await {
            Ok(hash) => {
                let (store, kicks) = (Arc::clone(&self.store), Arc::clone(&self.kicks));
                let reset = self.finish(async move {
                    let reset = store.reset_password(&guess, &hash).await?;
                    if let Some(reset) = &reset {
                        kicks.logins_ended(reset.user);
                    }
                    Ok(reset)
                });
                reset.await
            }
            Err(refusal) => Err(refusal),
        };
        let reset = self.end_guess(&attempt, reset).await?;
        reset.ended.iter().for_each(|login| self.live.forget(login));
        self.metrics.password_changes.inc();
        Ok(())
    }

    /// Deactivates the caller's account and ends its log-ins. Logging in again brings it back.
    ///
    /// # Errors
    /// As [`change_password`](Self::change_password).
    pub async fn deactivate(
        &self,
        identity: &Identity,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        self.confirm_password(&identity.user, password, address).await?;
        let user = identity.user_id()?;
        let ended =
            self.end_all(user, move |store| async move { store.deactivate(user, now_ms()).await.map(Some) });
        ended.await?;
        self.metrics.deactivated.inc();
        Ok(())
    }

    /// Deletes the caller's account and ends its log-ins. What it leaves behind is cleared away soon.
    ///
    /// # Errors
    /// As [`change_password`](Self::change_password).
    pub async fn delete(
        &self,
        identity: &Identity,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        self.confirm_password(&identity.user, password, address).await?;
        let (user, erase) = (identity.user_id()?, self.config.on_delete == OnDelete::Erase);
        let ended = self.end_all(user, move |store| async move {
            store.delete_account(user, erase, now_ms()).await.map(Some)
        });
        ended.await?;
        self.metrics.deleted.inc();
        Ok(())
    }

    /// Makes a change that ends log-ins of a user, and ends the connections that those opened; `None` when it was not
    /// made.
    async fn end_all<F, R>(&self, user: UserId, change: F) -> Result<Option<()>, Refusal>
    where
        F: FnOnce(Arc<dyn Store>) -> R,
        R: Future<Output = Result<Option<Vec<String>>, store::Error>> + Send + 'static,
    {
        let (change, kicks) = (change(Arc::clone(&self.store)), Arc::clone(&self.kicks));
        let ended = self.finish(async move {
            let ended = change.await;
            // Not those that were told of: an earlier attempt may have made the change and never been answered.
            if !matches!(ended, Ok(None)) {
                kicks.logins_ended(user);
            }
            Ok(ended?)
        });
        let Some(ended) = ended.await? else { return Ok(None) };
        ended.iter().for_each(|login| self.live.forget(login));
        Ok(Some(()))
    }
}
