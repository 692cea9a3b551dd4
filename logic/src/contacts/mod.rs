//! Contacts: who knows whom, who blocks whom, and who finds whom. What one may
//! do is in [`policy`]; the store does it on both sides at once and tells both.

use std::sync::Arc;

use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use serde::Deserialize;

use crate::accounts::names;
use crate::rates::Rates;
use crate::store::{
    About, Bound, Contact, ContactAct, ContactBounds, ContactList, ContactStep, Privacy, Sought, Stepped,
};
use crate::transactions::Transactions;

pub mod policy;

use policy::Operation;

/// Settings of [`Contacts`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Contacts of one user.
    pub contacts_max: u32,
    /// Open requests of one user, and as many to one user.
    pub requests_max: u32,
    /// Users one user blocks.
    pub blocks_max: u32,
    /// How long a request is open, ms.
    pub request_ttl_ms: u64,
    /// Whether who asked is told that they were refused. If not, their request
    /// looks open to them until it ends.
    pub tell_refusals: bool,
    /// Longest message with a request, characters.
    pub message_chars_max: usize,
    /// The same in bytes.
    pub message_bytes_max: usize,
    /// Longest remark about a contact, characters.
    pub remark_chars_max: usize,
    /// The same in bytes.
    pub remark_bytes_max: usize,
    /// Contacts, or blocked users, in one page.
    pub page_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            contacts_max: 5_000,
            requests_max: 100,
            blocks_max: 5_000,
            request_ttl_ms: 30 * 24 * 3_600_000,
            tell_refusals: true,
            message_chars_max: 200,
            message_bytes_max: 800,
            remark_chars_max: 64,
            remark_bytes_max: 256,
            page_max: 200,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("contacts_max", u64::from(self.contacts_max), 100_000),
            ("requests_max", u64::from(self.requests_max), 1_000),
            ("blocks_max", u64::from(self.blocks_max), 100_000),
            ("request_ttl_ms", self.request_ttl_ms, 1 << 40),
            // The store's columns hold 1024 and 255 characters.
            ("message_chars_max", self.message_chars_max as u64, 1024),
            ("message_bytes_max", self.message_bytes_max as u64, 4096),
            ("remark_chars_max", self.remark_chars_max as u64, 255),
            ("remark_bytes_max", self.remark_bytes_max as u64, 1020),
            ("page_max", u64::from(self.page_max), 1000),
        ];
        bounds
            .into_iter()
            .filter(|&(_, value, max)| !(1..=max).contains(&value))
            .map(|(name, value, max)| format!("{name} is {value}, not within 1 to {max}"))
            .collect()
    }
}

/// What contacts work with.
#[derive(Debug)]
pub struct Parts {
    /// Where changes are committed, and the store behind them.
    pub transactions: Arc<Transactions>,
    /// How often a user may change something.
    pub rates: Arc<Rates>,
    /// Users one search answers with.
    pub found_max: u32,
}

/// Contacts of all users.
#[derive(Debug)]
pub struct Contacts {
    config: Config,
    parts: Parts,
}

/// Open requests of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// By who asks.
    pub incoming: Vec<Contact>,
    /// By who is asked.
    pub outgoing: Vec<Contact>,
}

impl Contacts {
    /// Contacts within limits.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        Self { config, parts }
    }

    /// Asks somebody to be a contact. When they asked already, both are now.
    ///
    /// # Errors
    /// `invalid_field`, `not_found` (the user), `blocked`, `limit_reached`,
    /// `rate_limited`, `unavailable`.
    pub async fn request(&self, actor: &User, peer: UserId, message: &str) -> Result<Contact, Refusal> {
        let bounds = (self.config.message_chars_max, self.config.message_bytes_max);
        let message = text("message", message, bounds)?;
        self.step(actor, peer, ContactAct::Request(message)).await
    }

    /// Takes somebody's request.
    ///
    /// # Errors
    /// `not_found` (the user or the request), `limit_reached`, `rate_limited`,
    /// `unavailable`.
    pub async fn accept(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        self.step(actor, peer, ContactAct::Plain(Operation::Accept)).await
    }

    /// Refuses somebody's request; `logic.contacts.tell_refusals` says whether
    /// they are told.
    ///
    /// # Errors
    /// `not_found` (the user, or they are contacts), `rate_limited`, `unavailable`.
    pub async fn refuse(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        let operation = if self.config.tell_refusals { Operation::Refuse } else { Operation::Shelve };
        self.step(actor, peer, ContactAct::Plain(operation)).await
    }

    /// Takes the own request back.
    ///
    /// # Errors
    /// `not_found` (the user, or they are contacts), `rate_limited`, `unavailable`.
    pub async fn withdraw(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        self.step(actor, peer, ContactAct::Plain(Operation::Withdraw)).await
    }

    /// Notes something about a contact, for the actor alone.
    ///
    /// # Errors
    /// `invalid_field`, `not_found` (the contact), `rate_limited`, `unavailable`.
    pub async fn remark(&self, actor: &User, peer: UserId, remark: &str) -> Result<Contact, Refusal> {
        let bounds = (self.config.remark_chars_max, self.config.remark_bytes_max);
        let remark = text("remark", remark, bounds)?;
        self.step(actor, peer, ContactAct::Remark(remark)).await
    }

    /// Ends being contacts, on both sides.
    ///
    /// # Errors
    /// `not_found` (the user), `rate_limited`, `unavailable`.
    pub async fn delete(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        self.step(actor, peer, ContactAct::Plain(Operation::Delete)).await
    }

    /// Takes nothing from somebody any more: no request and no message in
    /// their direct conversation. They stay a contact when they were.
    ///
    /// # Errors
    /// `not_found` (the user), `limit_reached`, `rate_limited`, `unavailable`.
    pub async fn block(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        self.step(actor, peer, ContactAct::Plain(Operation::Block)).await
    }

    /// Ends that.
    ///
    /// # Errors
    /// `not_found` (the user), `rate_limited`, `unavailable`.
    pub async fn unblock(&self, actor: &User, peer: UserId) -> Result<Contact, Refusal> {
        self.step(actor, peer, ContactAct::Plain(Operation::Unblock)).await
    }

    /// The user's contacts by id, after `after` (0 = from the start).
    ///
    /// # Errors
    /// `invalid_field`, `unavailable`.
    pub async fn list(&self, user: UserId, after: i64, limit: Option<u32>) -> Result<Vec<Contact>, Refusal> {
        self.page(user, ContactList::Contacts, after, limit).await
    }

    /// Whom the user blocks by id, after `after` (0 = from the start).
    ///
    /// # Errors
    /// `invalid_field`, `unavailable`.
    pub async fn blocked(
        &self,
        user: UserId,
        after: i64,
        limit: Option<u32>,
    ) -> Result<Vec<Contact>, Refusal> {
        self.page(user, ContactList::Blocked, after, limit).await
    }

    /// All open requests to and of the user: their number is bounded.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn requests(&self, user: UserId) -> Result<Requests, Refusal> {
        let (store, max, now_ms) = (&self.parts.transactions.store, self.config.requests_max, now_ms());
        Ok(Requests {
            incoming: store.contacts(user, ContactList::Asking, 0, max, now_ms).await?,
            outgoing: store.contacts(user, ContactList::Asked, 0, max, now_ms).await?,
        })
    }

    /// Who finds the user.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn privacy(&self, user: UserId) -> Result<Privacy, Refusal> {
        Ok(self.parts.transactions.store.privacy(user).await?)
    }

    /// Says who finds the user.
    ///
    /// # Errors
    /// `rate_limited`, `unavailable`.
    pub async fn set_privacy(&self, user: UserId, privacy: Privacy) -> Result<(), Refusal> {
        self.parts.rates.send(user.get(), 1)?;
        self.parts
            .transactions
            .run(About::Users, move |store, owner| async move {
                let row = store.set_privacy(&owner, user, privacy, now_ms()).await?;
                Ok(((), row))
            })
            .await
    }

    /// Users who let this one find them so, by name.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn find(
        &self,
        reader: UserId,
        sought: Sought,
        limit: Option<u32>,
    ) -> Result<Vec<User>, Refusal> {
        let sought = match sought {
            Sought::Name(prefix) if prefix.chars().count() > *names::USERNAME_CHARS.end() => {
                return Ok(Vec::new());
            }
            Sought::Name(prefix) => Sought::Name(names::fold_username(&prefix)),
            Sought::Email(email) => Sought::Email(names::fold_email(&email)),
            Sought::Id(id) => Sought::Id(id),
        };
        let limit = limit.unwrap_or(self.parts.found_max).min(self.parts.found_max);
        Ok(self.parts.transactions.store.find_people(reader, &sought, limit).await?)
    }

    async fn page(
        &self,
        user: UserId,
        list: ContactList,
        after: i64,
        limit: Option<u32>,
    ) -> Result<Vec<Contact>, Refusal> {
        if limit == Some(0) {
            return Err(Refusal::new(Code::InvalidField, "limit is 0"));
        }
        let limit = limit.unwrap_or(self.config.page_max).min(self.config.page_max);
        Ok(self.parts.transactions.store.contacts(user, list, after, limit, now_ms()).await?)
    }

    async fn step(&self, actor: &User, peer: UserId, act: ContactAct) -> Result<Contact, Refusal> {
        if actor.id == peer.get() {
            return Err(Refusal::new(Code::InvalidField, "userId: name somebody else"));
        }
        self.parts.rates.send(actor.id, 1)?;
        let bounds = ContactBounds {
            contacts_max: self.config.contacts_max,
            requests_max: self.config.requests_max,
            blocks_max: self.config.blocks_max,
            request_ttl_ms: i64::try_from(self.config.request_ttl_ms).unwrap_or(i64::MAX),
        };
        let step = ContactStep { actor: actor.clone(), peer, act, bounds };
        let stepped = self
            .parts
            .transactions
            .run(About::Users, move |store, owner| async move {
                store.step_contact(&owner, &step, now_ms()).await
            })
            .await?;
        match stepped {
            Stepped::Stands(contact) => Ok(contact),
            Stepped::Missing => {
                Err(Refusal::new(Code::NotFound, "there is no such request, or they are no contact"))
            }
            Stepped::Blocked => Err(Refusal::new(Code::Blocked, "this request cannot be delivered")),
            Stepped::Full(bound) => Err(self.full(bound)),
        }
    }

    fn full(&self, bound: Bound) -> Refusal {
        let Config { contacts_max, requests_max, blocks_max, .. } = self.config;
        let text = match bound {
            Bound::Requests => format!("you have {requests_max} open requests; withdraw some"),
            Bound::RequestsOfPeer => "this user has too many open requests".to_owned(),
            Bound::Contacts => format!("you have {contacts_max} contacts, which is as many as there may be"),
            Bound::ContactsOfPeer => "this user has as many contacts as there may be".to_owned(),
            Bound::Blocks => format!("you block {blocks_max} users, which is as many as there may be"),
        };
        Refusal::new(Code::LimitReached, text)
    }
}

/// The text without white space around it, within its bounds.
fn text(name: &str, text: &str, (chars_max, bytes_max): (usize, usize)) -> Result<String, Refusal> {
    let text = text.trim();
    let fault = if text.chars().count() > chars_max || text.len() > bytes_max {
        format!("{name}: at most {chars_max} characters and {bytes_max} bytes")
    } else if text.chars().any(|c| c.is_control() && c != '\n') {
        format!("{name}: no control characters but line ends")
    } else {
        return Ok(text.to_owned());
    };
    Err(Refusal::new(Code::InvalidField, fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let config = Config { requests_max: 0, remark_chars_max: 256, ..Config::default() };
        assert_eq!(config.faults().len(), 2);
    }

    #[test]
    fn texts_are_bounded_in_characters_and_in_bytes() {
        let bounds = (4, 8);
        assert_eq!(text("message", " a\nb \n", bounds).as_deref(), Ok("a\nb"));
        assert_eq!(text("message", "", bounds).as_deref(), Ok(""));
        assert_eq!(text("message", "äöüß", bounds).as_deref(), Ok("äöüß"));
        for bad in ["abcde", "漢字漢", "a\tb", "a\0"] {
            let refused = text("message", bad, bounds).expect_err("refused");
            assert_eq!(refused.code, Code::InvalidField, "{bad:?}");
        }
    }
}
