//! Messages that users had removed for themselves.

use oort_api::ids::{ConversationId, Seq, UserId};
use rusqlite::{Connection, params};
use tonic::async_trait;

use super::{SqliteStore, conversations, outbox, user_events};
use crate::store::hidden::event;
use crate::store::{Error, Hid, Hidden, OutboxRow, Stretch};

#[async_trait]
impl Hidden for SqliteStore {
    async fn hide(
        &self,
        owner: &str,
        user: UserId,
        conversation: ConversationId,
        seq: Seq,
        now_ms: i64,
    ) -> Result<(Hid, Option<OutboxRow>), Error> {
        let owner = owner.to_owned();
        self.publish(
            move |connection| hide(connection, &owner, (user, conversation, seq), now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn hidden_of(&self, user: UserId, stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error> {
        let stretches = stretches.to_vec();
        self.read(move |connection| hidden_of(connection, user, &stretches)).await
    }
}

fn hide(
    connection: &mut Connection,
    owner: &str,
    (user, id, seq): (UserId, ConversationId, Seq),
    now_ms: i64,
) -> Result<(Hid, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    match conversations::conversation(&transaction, id, user)? {
        None => return Ok((Hid::NoConversation, None)),
        Some((_, false)) => return Ok((Hid::NotMember, None)),
        Some((_, true)) => {}
    }
    let is_there = transaction
        .prepare_cached("SELECT 1 FROM messages WHERE conversation_id = ? AND seq = ?")?
        .exists([id.get(), seq.get()])?;
    if !is_there {
        return Ok((Hid::NoMessage, None));
    }
    let added = transaction
        .prepare_cached("INSERT OR IGNORE INTO hidden (user_id, conversation_id, seq) VALUES (?, ?, ?)")?
        .execute([user.get(), id.get(), seq.get()])?;
    if added == 0 {
        return Ok((Hid::Stands, None));
    }
    let records = user_events::append(&transaction, &[event(user, id, seq)], now_ms)?;
    let row = outbox::insert(&transaction, owner, crate::outbox::encode(records), now_ms)?;
    transaction.commit()?;
    Ok((Hid::Stands, Some(row)))
}

fn hidden_of(connection: &Connection, user: UserId, stretches: &[Stretch]) -> Result<Vec<(i64, i64)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT seq FROM hidden WHERE user_id = ? AND conversation_id = ? AND seq BETWEEN ? AND ?",
    )?;
    let mut found = Vec::new();
    for &Stretch { conversation, first, last } in stretches {
        let seqs = select.query_map(params![user.get(), conversation, first, last], |row| row.get(0))?;
        for seq in seqs {
            found.push((conversation, seq?));
        }
    }
    Ok(found)
}
