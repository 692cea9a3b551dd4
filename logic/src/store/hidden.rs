//! Messages that users had removed for themselves: others see them as before.

use oort_api::ids::{ConversationId, Seq, UserId};
use serde_json::json;
use tonic::async_trait;

use super::{Error, NewUserEvent, OutboxRow};

/// What became of a message that a user wants to see no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hid {
    /// It is hidden from them, now or since earlier.
    Stands,
    /// They are not a member.
    NotMember,
    /// There is no such message.
    NoMessage,
    /// There is no such conversation.
    NoConversation,
}

/// Messages of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Which.
    pub conversation: i64,
    /// From this seq on.
    pub first: i64,
    /// Up to this seq.
    pub last: i64,
}

/// Hidden messages.
#[async_trait]
pub trait Hidden: Send + Sync {
    /// Hides a message from a user for good, and tells all their devices.
    async fn hide(
        &self,
        owner: &str,
        user: UserId,
        conversation: ConversationId,
        seq: Seq,
        now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error>;
    /// The messages among these that are hidden from the user, as (conversation, seq).
    async fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error>;
}

/// What the user's devices are told.
pub(super) fn event(user: UserId, conversation: ConversationId, seq: Seq) -> NewUserEvent {
    let data = json!({ "conversationId": conversation.to_string(), "seq": seq.get() });
    NewUserEvent { user, kind: "message_hidden", data }
}
