//! Accounts that are deactivated or deleted, and what deleted ones leave behind.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{Message, MessageExtra, User};
use prost::Message as _;
use serde_json::json;
use tonic::async_trait;

use super::{Error, NewAudit, OutboxRow};

/// `departures.state` of an account that may come back.
pub(super) const DEACTIVATED: i64 = 1;
/// `departures.state` of one that does not.
pub(super) const DELETED: i64 = 2;

/// A deleted account that has left things behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// Who.
    pub user: User,
    /// Their messages are to be erased.
    pub erase: bool,
}

/// One step of erasing messages.
#[derive(Debug, Clone, PartialEq)]
pub enum Erased {
    /// There may be more.
    Some(Option<OutboxRow>),
    /// There was nothing left.
    All,
}

/// The end of accounts.
#[async_trait]
pub trait Departures: Send + Sync {
    /// Deactivates an account, and ends its log-ins; answers those.
    async fn deactivate(&self, user: UserId, now_ms: i64) -> Result<Vec<String>, Error>;
    /// Takes the deactivation back.
    async fn reactivate(&self, user: UserId) -> Result<(), Error>;
    /// Deletes an account and ends its log-ins; answers those. Its profile and its operator role (which the audit
    /// tells) are gone and its address is free; with `erase` its name as well, and its messages are to be erased.
    async fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Result<Vec<String>, Error>;
    /// Accounts deleted before then that have left things behind, by id, at most `limit`.
    async fn departing(&self, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Error>;
    /// Groups the user is in, by id, at most `limit`.
    async fn groups_of(&self, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Error>;
    /// Erases at most `limit` further messages of a deleted account, all of one conversation; with the last of a
    /// conversation, a SYSTEM message there. Their places stay.
    async fn erase_messages(
        &self,
        owner: &str,
        server: usize,
        user: &User,
        limit: u32,
        now_ms: i64,
    ) -> Result<Erased, Error>;
    /// Nothing is left behind any more.
    async fn departed(&self, user: UserId) -> Result<(), Error>;
    /// What the user wrote after a place (conversation, seq; 0, 0 = from the start), in the order of places, at most
    /// `limit`.
    async fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Result<Vec<Message>, Error>;
}

/// What the audit says of an operator who deletes the account, and with it the role.
pub(super) fn revoked(user: UserId, now_ms: i64) -> NewAudit {
    NewAudit {
        at_ms: now_ms,
        actor_id: user.get(),
        action: "operator_revoked",
        subject: user.to_string(),
        details: json!({ "cause": "account_deleted" }).to_string(),
    }
}

/// Name of an account whose messages were erased.
pub(super) fn erased_name(user: UserId) -> String {
    format!("deleted-{user}")
}

/// Its unique key: a form that no user name has.
pub(super) fn erased_key(user: UserId) -> String {
    format!("\n{user}")
}

/// What erased messages have beside their text.
pub(super) fn erased_extra() -> Vec<u8> {
    MessageExtra { gone: Gone::Erased.into(), ..MessageExtra::default() }.encode_to_vec()
}

/// Content of the SYSTEM message where messages were erased.
pub(super) fn erased_content(user: &User) -> String {
    let users = [json!({ "id": user.id.to_string(), "username": user.username })];
    json!({ "event": "messages_erased", "users": users }).to_string()
}
