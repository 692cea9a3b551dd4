//! Receipts: who has read a message. And what is not shown of users: that they
//! are there, to anybody or to whom they block.

use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};
use tonic::async_trait;

use super::Error;

/// A message whose readers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptOf {
    /// Where it is.
    pub conversation: ConversationId,
    /// Its place.
    pub seq: Seq,
    /// Who sent it: no reader of it.
    pub sender: i64,
}

/// What is to be known before readers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptPlace {
    /// Kind of the conversation.
    pub kind: ConversationKind,
    /// Members of a group; of others 0.
    pub members: i64,
    /// Who sent the message; 0 = the server.
    pub sender: i64,
    /// Who asks sends receipts, and so is shown those of others.
    pub is_shown: bool,
}

/// A member who has read a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub user: User,
    /// Has read messages up to here.
    pub read_seq: i64,
}

/// Who has read what, and what is not shown of users.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// A message and its conversation, as the user may be told of its readers. `None`: there is no such message.
    async fn receipt_place(
        &self,
        id: ConversationId,
        seq: Seq,
        user: UserId,
    ) -> Result<Option<ReceiptPlace>, Error>;
    /// Members who have read a message and send receipts, by id, after `after`, at most `limit`. Work that grows with the
    /// members.
    async fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Result<Vec<Reader>, Error>;
    /// How many those are; it stops counting at `max`.
    async fn count_readers(&self, of: ReceiptOf, max: u32) -> Result<u32, Error>;
    /// Those of these users who appear offline, and since when (ms since the epoch).
    async fn invisible(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error>;
    /// Whom these users block, as (who blocks, who is blocked), at most `limit` in all.
    async fn blocked_by(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error>;
    /// By whom these users are blocked, as (who blocks, who is blocked), at most `limit` in all.
    async fn blockers_of(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error>;
    /// Those of these users who block this one.
    async fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Result<Vec<UserId>, Error>;
}
