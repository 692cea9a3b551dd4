//! Messages that users had removed for themselves.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_api::ids::{ConversationId, Seq, UserId};
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::sql::{Sql, execute, first};
use super::store::replicated;
use super::{MysqlStore, conversations, user_events};
use crate::outbox;
use crate::store::hidden::event;
use crate::store::{Error, Hid, Hidden, OutboxRow, Stretch};

#[async_trait]
impl Hidden for MysqlStore {
    async fn hide(
        &self,
        owner: &str,
        user: UserId,
        conversation: ConversationId,
        seq: Seq,
        now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error> {
        self.transact(owner, &Hide { user, conversation, seq, now_ms, is_seen: false }).await
    }

    async fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error> {
        if stretches.is_empty() {
            return Ok(Vec::new());
        }
        replicated!(self, |connection| hidden_of(connection, user, stretches))
    }
}

/// See [`Hidden::hide`]. Of two that hide the same message one waits for the other, and finds it done.
#[derive(Debug)]
pub(super) struct Hide {
    pub(super) user: UserId,
    pub(super) conversation: ConversationId,
    pub(super) seq: Seq,
    pub(super) now_ms: i64,
    /// The user can see it: it need not be looked for.
    pub(super) is_seen: bool,
}

#[async_trait]
impl Work for Hide {
    type Output = (Hid, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let (user, id, seq) = (self.user.get(), self.conversation.get(), self.seq.get());
        begin_now(connection, owner).await?;
        let answer = if self.is_seen { None } else { self.look(connection).await? };
        let sql = "INSERT IGNORE INTO hidden (user_id, conversation_id, seq) VALUES (?, ?, ?)";
        let is_new = answer.is_none() && execute(connection, sql, (user, id, seq)).await?.1 > 0;
        if !is_new {
            connection.query_drop("COMMIT").await?;
            return Ok(Done { value: (answer.unwrap_or(Hid::Stands), None), last_row: None });
        }
        let event = event(self.user, self.conversation, self.seq);
        let records = user_events::append(connection, &[event], self.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (Hid::Stands, Some(row)) })
    }
}

impl Hide {
    /// Why it cannot be hidden.
    async fn look(&self, connection: &mut Conn) -> Result<Option<Hid>, Failure> {
        Ok(match conversations::conversation(connection, self.conversation, self.user).await? {
            None => Some(Hid::NoConversation),
            Some((_, false)) => Some(Hid::NotMember),
            Some((_, true)) => {
                let sql = "SELECT seq FROM messages WHERE conversation_id = ? AND seq = ?";
                let place = (self.conversation.get(), self.seq.get());
                let found: Option<(i64,)> = first(connection, sql, place).await?;
                found.is_none().then_some(Hid::NoMessage)
            }
        })
    }
}

async fn hidden_of(
    connection: &mut Conn,
    user: UserId,
    stretches: &[Stretch],
) -> Result<Vec<(i64, i64)>, Failure> {
    let mut sql = Sql::default();
    for &Stretch { conversation, first, last } in stretches {
        sql.raw("SELECT conversation_id, seq FROM hidden WHERE user_id = ").int(user.get());
        sql.raw(" AND conversation_id = ").int(conversation);
        sql.raw(" AND seq BETWEEN ").int(first).raw(" AND ").int(last).end();
    }
    let mut found = Vec::new();
    for set in sql.run(connection).await? {
        found.extend(set.typed::<(i64, i64)>()?);
    }
    Ok(found)
}
