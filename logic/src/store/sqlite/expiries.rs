//! Messages whose time ends.

use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{Message, MessageKind};
use rusqlite::{Connection, Transaction, params};
use tonic::async_trait;

use super::{SqliteStore, append, outbox};
use crate::outbox::{encode, message_record};
use crate::store::expiries::{content, judge};
use crate::store::{DirectExpiry, Error, Expiries, ExpirySettled, OutboxRow};

#[async_trait]
impl Expiries for SqliteStore {
    async fn take_expiries(
        &self,
        now_ms: i64,
        hold_ms: i64,
        limit: u32,
    ) -> Result<Vec<(ConversationId, Seq)>, Error> {
        // Mostly there is nothing: then nobody who writes waits.
        if !self.read(move |connection| is_due(connection, now_ms)).await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| take(connection, now_ms, hold_ms, limit)).await
    }

    async fn settle_expiries(&self, settled: &[ExpirySettled]) -> Result<(), Error> {
        let settled = settled.to_vec();
        self.write(move |connection| settle(connection, &settled)).await
    }

    async fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Result<Option<OutboxRow>, Error> {
        let (owner, asked) = (owner.to_owned(), asked.clone());
        self.publish(
            move |connection| set_direct(connection, &owner, &asked),
            |row| row.as_ref().map(|row| row.id),
        )
        .await
    }
}

fn is_due(connection: &Connection, now_ms: i64) -> Result<bool, Error> {
    Ok(connection.prepare_cached("SELECT 1 FROM expiries WHERE due_ms <= ? LIMIT 1")?.exists([now_ms])?)
}

fn take(
    connection: &mut Connection,
    now_ms: i64,
    hold_ms: i64,
    limit: u32,
) -> Result<Vec<(ConversationId, Seq)>, Error> {
    let transaction = connection.transaction()?;
    let taken: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT conversation_id, seq FROM expiries WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
        )?
        .query_map(params![now_ms, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for &(conversation, seq) in &taken {
        put_off(&transaction, conversation, seq, now_ms.saturating_add(hold_ms))?;
    }
    transaction.commit()?;
    let place = |(conversation, seq)| Some((ConversationId::new(conversation)?, Seq::new(seq)?));
    Ok(taken.into_iter().filter_map(place).collect())
}

fn settle(connection: &mut Connection, settled: &[ExpirySettled]) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    for &ExpirySettled { conversation, seq, next_ms } in settled {
        match next_ms {
            Some(next_ms) => put_off(&transaction, conversation.get(), seq.get(), next_ms)?,
            None => {
                transaction
                    .prepare_cached("DELETE FROM expiries WHERE conversation_id = ? AND seq = ?")?
                    .execute([conversation.get(), seq.get()])?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn put_off(transaction: &Transaction<'_>, conversation: i64, seq: i64, due_ms: i64) -> Result<(), Error> {
    transaction
        .prepare_cached("UPDATE expiries SET due_ms = ? WHERE conversation_id = ? AND seq = ?")?
        .execute([due_ms, conversation, seq])?;
    Ok(())
}

/// Notes what is to be erased, and when: conversation, seq, ms since the epoch.
pub(super) fn note(transaction: &Transaction<'_>, expiries: &[(i64, i64, i64)]) -> Result<(), Error> {
    for &(conversation, seq, due_ms) in expiries {
        transaction
            .prepare_cached("INSERT INTO expiries (conversation_id, seq, due_ms) VALUES (?, ?, ?)")?
            .execute([conversation, seq, due_ms])?;
    }
    Ok(())
}

fn set_direct(
    connection: &mut Connection,
    owner: &str,
    asked: &DirectExpiry,
) -> Result<Option<OutboxRow>, Error> {
    let (id, actor) = (asked.conversation.get(), &asked.actor);
    let transaction = connection.transaction()?;
    let mut head = append::head(&transaction, id)?.ok_or(Error::NoConversation)?;
    let member = append::member(&transaction, id, actor.id)?;
    if !judge(asked, &head, member.as_ref())? {
        return Ok(None);
    }
    let (seq, created_at_ms) = head.next(asked.now_ms);
    let said = Message {
        conversation: id,
        seq,
        sender: Some(actor.clone()),
        content: content(asked.expires_in_ms),
        created_at_ms,
        kind: MessageKind::System.into(),
        ..Message::default()
    };
    transaction
        .prepare_cached("UPDATE conversations SET expires_in_ms = ? WHERE id = ?")?
        .execute([asked.expires_in_ms, id])?;
    append::bump(&transaction, id, seq, created_at_ms)?;
    transaction
        .prepare_cached(
            "INSERT INTO messages
             (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content, created_at_ms)
             VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
        )?
        .execute(params![id, seq, actor.id, actor.username, said.kind, said.content, created_at_ms])?;
    let payload = encode(vec![message_record(&said, &head.audience(), "")]);
    let row = outbox::insert(&transaction, owner, payload, asked.now_ms)?;
    transaction.commit()?;
    Ok(Some(row))
}
