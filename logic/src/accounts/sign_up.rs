//! Signing up as people do.

use std::net::IpAddr;

use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::User;

use super::session::user_id;
use super::{Accounts, Proven, Registration, SignUp, names, new_user};
use crate::conversations::check_client_key;
use crate::store::{EarlyKey, Purpose};

impl Accounts {
    /// Creates an account: with the code that was mailed, where that is asked for. A repeat under the same `key` creates
    /// nothing: it is good for as much as a log-in with its name and password.
    ///
    /// # Errors
    /// [`Code::WrongCode`], [`Code::Forbidden`] when nobody may sign up with the address, [`Code::RateLimited`],
    /// [`Code::IdempotencyConflict`] when another account was asked for under the key, and as [`register`](Self::register). A
    /// repeat: as [`check_password`](Self::check_password).
    pub async fn sign_up(
        &self,
        registration: Registration,
        code: Option<&str>,
        key: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<Proven, Refusal> {
        let Some(key) = key else { return Ok(self.create(registration, code, None, address).await?.into()) };
        check_client_key(key)?;
        let Registration { username, email, .. } = &registration;
        let asked = ["create_account", username, email.as_deref().unwrap_or_default()];
        let key = EarlyKey::new(key, &asked, self.client_keys_kept_ms);
        if self.was_created(&key, &registration).await? {
            return self.check_password(&registration.username, &registration.password, address).await;
        }
        match self.create(registration.clone(), code, Some(key.clone()), address).await {
            Ok(user) => Ok(user.into()),
            // The first request may have been under way until now.
            Err(refusal) if is_taken(refusal.code) && self.was_created(&key, &registration).await? => {
                self.check_password(&registration.username, &registration.password, address).await
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn was_created(&self, key: &EarlyKey, registration: &Registration) -> Result<bool, Refusal> {
        let username_key = names::fold_username(&registration.username);
        let Some(found) = self.store.credentials_by_name(&username_key).await? else { return Ok(false) };
        Ok(self.store.was_made(&key.of(user_id(&found.user)?), now_ms()).await?)
    }

    async fn create(
        &self,
        registration: Registration,
        code: Option<&str>,
        key: Option<EarlyKey>,
        address: Option<IpAddr>,
    ) -> Result<User, Refusal> {
        let email = registration.email.as_deref().map(names::fold_email);
        self.check_allowed(email.as_deref())?;
        let created = match (self.config.sign_up, code) {
            (SignUp::Open, None) => {
                let user = new_user(&self.passwords, registration, key).await?;
                self.store.create_user(&user).await?
            }
            (SignUp::Code, None) => {
                return Err(invalid("code: ask for one with your e-mail address first: POST /api/codes"));
            }
            (_, Some(code)) => {
                let email = email.ok_or_else(|| invalid("email: the code was mailed to one"))?;
                let (attempt, guess) = self.begin_guess(Purpose::SignUp, &email, code, address).await?;
                let created = async {
                    let user = new_user(&self.passwords, registration, key).await?;
                    Ok(self.store.create_user_by_code(&user, &guess).await?)
                };
                self.end_guess(&attempt, created.await).await?
            }
        };
        self.metrics.created.inc();
        Ok(created)
    }
}

/// What a request is answered whose repeat came first.
fn is_taken(code: Code) -> bool {
    matches!(code, Code::UsernameTaken | Code::EmailTaken | Code::WrongCode)
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}
