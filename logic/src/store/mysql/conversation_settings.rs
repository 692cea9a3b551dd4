//! What users made of conversations for themselves.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_api::Code;
use oort_api::error::Refusal;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::sql::{execute, first};
use super::{conversations, user_events};
use crate::outbox;
use crate::store::{ConversationSettings, Error, OutboxRow, SettingsChange};

/// See [`GroupStore::set_for_user`](crate::store::GroupStore::set_for_user).
#[derive(Debug)]
pub(super) struct SetForUser<'a> {
    pub(super) change: &'a SettingsChange,
    /// The user is in the conversation: it need not be looked for.
    pub(super) is_member: bool,
}

#[async_trait]
impl Work for SetForUser<'_> {
    type Output = (ConversationSettings, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let Self { change, is_member } = *self;
        let (user, conversation) = (change.user.get(), change.conversation.get());
        if !is_member {
            match conversations::conversation(connection, change.conversation, change.user).await? {
                Some((_, true)) => {}
                Some((_, false)) => return Err(Error::Refused(not_member()).into()),
                None => return Err(Error::NoConversation.into()),
            }
        }
        // Makes the row when there is none, and locks it.
        execute(
            connection,
            "INSERT INTO conversation_settings (user_id, conversation_id, pinned, muted_until_ms, changed_at_ms)
             VALUES (?, ?, 0, 0, 0) ON DUPLICATE KEY UPDATE user_id = user_id",
            (user, conversation),
        )
        .await?;
        let held: Option<(bool, i64)> = first(
            connection,
            "SELECT pinned, muted_until_ms FROM conversation_settings
             WHERE user_id = ? AND conversation_id = ? FOR UPDATE",
            (user, conversation),
        )
        .await?;
        let (is_pinned, muted_until_ms) = held.unwrap_or_default();
        let held = ConversationSettings { is_pinned, muted_until_ms };
        let Some((new, event)) = change.apply(held) else {
            connection.query_drop("ROLLBACK").await?;
            return Ok(Done { value: (held, None), last_row: None });
        };
        execute(
            connection,
            "UPDATE conversation_settings SET pinned = ?, muted_until_ms = ?, changed_at_ms = ?
             WHERE user_id = ? AND conversation_id = ?",
            (new.is_pinned, new.muted_until_ms, change.now_ms, user, conversation),
        )
        .await?;
        let records = user_events::append(connection, &[event], change.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), change.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (new, Some(row)) })
    }
}

pub(in crate::store) fn not_member() -> Refusal {
    Refusal::new(Code::NotMember, "you are not a member of this conversation")
}
