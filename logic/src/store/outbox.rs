//! Rows that were committed and are to be published.

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::{Error, NewGroup, OutboxRow};

/// The outbox of one server. (Of several together, where one is asked of all of them.)
#[async_trait]
pub trait Outbox: Send + Sync + std::fmt::Debug + 'static {
    /// Rows of this owner after `after`, by id, at most `limit`.
    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error>;
    /// Deletes published rows.
    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error>;
    /// Renews this owner's lease, by the store's clock.
    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error>;
    /// Takes over rows whose owner's lease is over (or never was): they become
    /// this owner's; returns how many (at most `limit`). Two nodes never get the same row.
    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error>;
    /// Rows waiting and the age of the oldest, ms.
    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error>;
}

/// What a transaction is about: by it [`Store::server_about`](super::Store::server_about) knows its server.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// Users, and what they made for themselves.
    Users,
    /// A conversation there is.
    Conversation(ConversationId),
    /// A room to be, by its name.
    Room(&'a str),
    /// The direct conversation of these two, if it is made.
    Pair(UserId, UserId),
    /// A group to be.
    Group(&'a NewGroup),
    /// The group of a link, by the hash of its token.
    Link(&'a [u8; 32]),
    /// Remains of somebody's account at this server.
    Server(usize),
}
