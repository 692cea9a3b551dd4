//! Keys by which servers of the operator's use the API: each has scopes, and acts as one account.
//!
//! The store has their hashes only, and is asked at each request: who revokes a key need not wait for anything.

use std::sync::Arc;

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::metrics::{Counter, Registry};
use oort_api::pb::oort::v1::User;
use oort_api::rate::Buckets;
use serde_json::json;

use crate::accounts::secret;
use crate::operators::Operators;
use crate::policy::keys::KeyScope;
use crate::policy::operators::OperatorRole;
use crate::store::{ApiKey, NewApiKey, Store};

mod config;

pub use config::Config;

/// What every key begins with.
pub const BEGINNING: &str = "oort_";
/// Characters of a key by which people know it again.
const PREFIX_CHARS: usize = 12;
/// Longest name of a key, characters.
const NAME_CHARS_MAX: usize = 64;
/// Longest life of a key, ms: what is longer has no end.
const EXPIRES_MS_MAX: i64 = 1 << 40;

/// Counters of [`Keys`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    requests: Counter,
    refusals: Counter,
    limited: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let mut counter = |name, help, counter: &Counter| registry.register(name, help, counter.clone());
        counter("api_key_requests", "Requests made with a key of a server", &metrics.requests);
        counter(
            "api_key_refusals",
            "Keys of servers refused: unknown, ended, or without the scope",
            &metrics.refusals,
        );
        counter("api_key_limited", "Requests refused because a key made too many", &metrics.limited);
        metrics
    }
}

/// A key to make, as an operator asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerms {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<KeyScope>,
    /// The account it acts as.
    pub user: Option<UserId>,
    /// How long it lives, ms; `None` = until it is revoked.
    pub expires_in_ms: Option<i64>,
}

impl KeyTerms {
    fn check(&mut self) -> Result<(), Refusal> {
        let invalid = |text: String| Err(Refusal::new(Code::InvalidField, text));
        self.name = self.name.trim().to_owned();
        if !(1..=NAME_CHARS_MAX).contains(&self.name.chars().count())
            || self.name.chars().any(char::is_control)
        {
            return invalid(format!(
                "name: 1 to {NAME_CHARS_MAX} characters, none of them a control character"
            ));
        }
        self.scopes.sort_unstable();
        self.scopes.dedup();
        if self.scopes.is_empty() {
            return invalid("scopes: name at least one".to_owned());
        }
        if let Some(scope) = self.scopes.iter().find(|scope| scope.needs_account() && self.user.is_none()) {
            return invalid(format!("userId: {} is done as an account", scope.as_str()));
        }
        if self.expires_in_ms.is_some_and(|ms| !(1..=EXPIRES_MS_MAX).contains(&ms)) {
            return invalid("expiresInMs: a whole number from 1, or none".to_owned());
        }
        Ok(())
    }
}

/// Makes, knows and ends keys.
#[derive(Debug)]
pub struct Keys {
    config: Config,
    store: Arc<dyn Store>,
    /// By key id.
    rates: Option<Buckets<i64>>,
    metrics: Metrics,
}

impl Keys {
    /// Keys in this store.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        let rates = Buckets::new(config.rate(), (config.keys_max as usize).max(2));
        Self { config, store, rates, metrics }
    }

    /// Makes a key, and answers it, which nobody is told again.
    ///
    /// # Errors
    /// `invalid_field`, `not_found` (the account), `forbidden` (an account of the same or a higher role),
    /// `limit_reached`, `unavailable`.
    pub async fn create(
        &self,
        operators: &Operators,
        (actor, role): (UserId, OperatorRole),
        mut terms: KeyTerms,
    ) -> Result<(ApiKey, String), Refusal> {
        terms.check()?;
        if let Some(user) = terms.user {
            if self.store.user(user).await?.is_none() {
                return Err(Refusal::new(Code::NotFound, "userId: there is no such user"));
            }
            if user != actor {
                operators.reach(role, user).await?;
            }
        }
        let (secret, hash) = secret::generate()?;
        let key = format!("{BEGINNING}{secret}");
        let prefix: String = key.chars().take(PREFIX_CHARS).collect();
        let details = json!({
            "name": terms.name,
            "scopes": KeyScope::join(&terms.scopes),
            "user": terms.user.map(|user| user.to_string()),
        });
        operators.record(actor, "key_created", format!("key {prefix}"), &details).await?;
        let now_ms = now_ms();
        let new = NewApiKey {
            name: terms.name,
            prefix,
            hash,
            scopes: terms.scopes,
            user: terms.user,
            creator_id: actor.get(),
            now_ms,
            expires_at_ms: terms.expires_in_ms.map_or(0, |ms| now_ms.saturating_add(ms)),
            keys_max: self.config.keys_max,
        };
        let made = self.store.create_api_key(&new).await?.ok_or_else(|| {
            Refusal::new(
                Code::LimitReached,
                format!("there are {} keys; revoke one first", self.config.keys_max),
            )
        })?;
        Ok((made, key))
    }

    /// All keys, by id.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn list(&self) -> Result<Vec<ApiKey>, Refusal> {
        Ok(self.store.api_keys(u32::MAX).await?)
    }

    /// Ends a key, at once on every node. Nothing happens when there is none.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn revoke(&self, operators: &Operators, actor: UserId, id: i64) -> Result<(), Refusal> {
        operators.record(actor, "key_revoked", format!("key {id}"), &json!({})).await?;
        self.store.revoke_api_key(id).await?;
        Ok(())
    }

    /// Which key this is, when it allows `scope`; it is counted and noted.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden`, `rate_limited`, `unavailable`.
    pub async fn authorise(&self, key: &str, scope: KeyScope) -> Result<ApiKey, Refusal> {
        let hash = key.strip_prefix(BEGINNING).and_then(secret::hash_of);
        let now_ms = now_ms();
        let found = match hash {
            Some(hash) => self.store.api_key(&hash, now_ms).await?,
            None => None,
        };
        let found = found.ok_or_else(|| {
            self.refuse(
                Code::Unauthenticated,
                "the key is unknown, expired or revoked, or its account is closed",
            )
        })?;
        if !found.scopes.contains(&scope) {
            return Err(self.refuse(Code::Forbidden, format!("the key has not the scope {}", scope.as_str())));
        }
        self.take(found.id)?;
        let is_noted = u64::try_from(now_ms.saturating_sub(found.used_at_ms))
            .is_ok_and(|since_ms| since_ms < self.config.used_every_ms);
        if !is_noted {
            self.store.note_api_key(found.id, now_ms).await?;
        }
        self.metrics.requests.inc();
        Ok(found)
    }

    /// Whose account a key acts as.
    ///
    /// # Errors
    /// As [`authorise`](Self::authorise).
    pub async fn account(&self, key: &str, scope: KeyScope) -> Result<User, Refusal> {
        let key = self.authorise(key, scope).await?;
        key.user.ok_or_else(|| self.refuse(Code::Forbidden, "the key acts as no account"))
    }

    fn take(&self, id: i64) -> Result<(), Refusal> {
        let Some(rates) = &self.rates else { return Ok(()) };
        rates.take(id, 1).map_err(|wait| {
            self.metrics.limited.inc();
            // A moment more than nothing, or who waits as told would be refused again.
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            let text = "the key makes too many requests; wait, then try again";
            Refusal { retry_after_ms: Some(wait_ms), ..Refusal::new(Code::RateLimited, text) }
        })
    }

    fn refuse(&self, code: Code, text: impl Into<String>) -> Refusal {
        self.metrics.refusals.inc();
        Refusal::new(code, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_bounded_and_name_whom_the_key_acts_as() {
        let fine = KeyTerms {
            name: " bot ".to_owned(),
            scopes: vec![KeyScope::Push, KeyScope::MessagesSend, KeyScope::Push],
            user: UserId::new(7),
            expires_in_ms: Some(1),
        };
        let mut checked = fine.clone();
        assert_eq!(checked.check(), Ok(()));
        assert_eq!((checked.name.as_str(), checked.scopes.len()), ("bot", 2));
        for bad in [
            KeyTerms { name: String::new(), ..fine.clone() },
            KeyTerms { name: "x".repeat(NAME_CHARS_MAX + 1), ..fine.clone() },
            KeyTerms { name: "a\nb".to_owned(), ..fine.clone() },
            KeyTerms { scopes: Vec::new(), ..fine.clone() },
            KeyTerms { user: None, ..fine.clone() },
            KeyTerms { expires_in_ms: Some(0), ..fine.clone() },
        ] {
            let code = bad.clone().check().map_err(|refusal| refusal.code);
            assert_eq!(code, Err(Code::InvalidField), "{bad:?}");
        }
        let mut pushes = KeyTerms { scopes: vec![KeyScope::Push], user: None, ..fine };
        assert_eq!(pushes.check(), Ok(()), "nobody pushes as an account");
    }
}
