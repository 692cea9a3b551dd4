//! What the operator's hooks need.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::SqliteStore;
use crate::store::events::kind;
use crate::store::hooks::{DueRow, due, place};
use crate::store::{Asking, Error, HookBacklog, HookDue, HookKinds, HookPlace, HookSettled, HookStore};

#[async_trait]
impl HookStore for SqliteStore {
    fn want_hooks(&self, kinds: HookKinds) {
        self.hooks.set(kinds);
    }

    async fn askings(
        &self,
        sender: UserId,
        messages: &[(ConversationId, String)],
    ) -> Result<Vec<Asking>, Error> {
        let messages = messages.to_vec();
        self.read(move |connection| askings(connection, sender, &messages)).await
    }

    async fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<HookDue>, Error> {
        if !self.is_due("SELECT 1 FROM hook_queue WHERE due_at_ms <= ?", now_ms).await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| take(connection, now_ms, lease_ms, limit)).await
    }

    async fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> Result<u64, Error> {
        let place = *place;
        self.write(move |connection| settle(connection, &place, settled, now_ms)).await
    }

    async fn hook_backlog(&self, now_ms: i64, count_max: u32) -> Result<HookBacklog, Error> {
        self.read(move |connection| backlog(connection, now_ms, count_max)).await
    }

    async fn oldest_hooks(&self, limit: u32) -> Result<Vec<HookPlace>, Error> {
        self.read(move |connection| oldest(connection, limit)).await
    }
}

/// Puts conversations into the queue that are not in it, as they are before what is said or changed is written.
pub(super) fn enqueue(
    transaction: &Transaction<'_>,
    conversations: &[i64],
    now_ms: i64,
) -> Result<(), Error> {
    if conversations.is_empty() {
        return Ok(());
    }
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO hook_queue (conversation_id, seq, change_seq, attempts, due_at_ms, since_ms)
         SELECT id, last_seq, change_seq, 0, ?2, ?2 FROM conversations WHERE id = ?1",
    )?;
    for id in conversations {
        insert.execute(params![id, now_ms])?;
    }
    Ok(())
}

fn askings(
    connection: &Connection,
    sender: UserId,
    messages: &[(ConversationId, String)],
) -> Result<Vec<Asking>, Error> {
    let mut kinds = connection.prepare_cached(
        "SELECT c.kind, EXISTS (SELECT 1 FROM members m WHERE m.conversation_id = c.id AND m.user_id = ?2)
         FROM conversations c WHERE c.id = ?1",
    )?;
    let mut stored =
        connection.prepare_cached("SELECT 1 FROM messages WHERE sender_id = ? AND client_msg_id = ?")?;
    let mut asking = |(conversation, id): &(ConversationId, String)| -> Result<Asking, Error> {
        let found = kinds
            .query_row(params![conversation.get(), sender.get()], |row| {
                Ok((kind(row.get(0)?), row.get::<_, bool>(1)?))
            })
            .optional()?;
        let known = found.filter(|&(kind, is_in)| is_in || kind == ConversationKind::Room);
        let is_stored = stored.exists(params![sender.get(), id])?;
        Ok(Asking { kind: known.map(|(kind, _)| kind), is_stored })
    };
    messages.iter().map(&mut asking).collect()
}

fn take(connection: &mut Connection, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<HookDue>, Error> {
    let transaction = connection.transaction()?;
    let taken: Vec<DueRow> = {
        let mut due = transaction.prepare_cached(
            "SELECT q.conversation_id, q.seq, q.change_seq, c.kind, q.attempts, q.since_ms
             FROM hook_queue q JOIN conversations c ON c.id = q.conversation_id
             WHERE q.due_at_ms <= ? ORDER BY q.due_at_ms LIMIT ?",
        )?;
        due.query_map(params![now_ms, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })?
        .collect::<Result<_, _>>()?
    };
    {
        let mut put_off =
            transaction.prepare_cached("UPDATE hook_queue SET due_at_ms = ? WHERE conversation_id = ?")?;
        for row in &taken {
            put_off.execute(params![now_ms + lease_ms, row.0])?;
        }
    }
    transaction.commit()?;
    taken.into_iter().map(due).collect()
}

fn settle(
    connection: &mut Connection,
    place: &HookPlace,
    settled: HookSettled,
    now_ms: i64,
) -> Result<u64, Error> {
    let HookPlace { conversation, seq, change_seq } = *place;
    let transaction = connection.transaction()?;
    let (told_seq, told_change) = match settled {
        HookSettled::Told { seq, change_seq } => (seq, change_seq),
        HookSettled::Dropped => (i64::MAX, i64::MAX),
        HookSettled::Again { due_at_ms } => {
            transaction
                .prepare_cached(
                    "UPDATE hook_queue SET due_at_ms = ?, attempts = attempts + 1
                     WHERE conversation_id = ? AND seq = ? AND change_seq = ?",
                )?
                .execute(params![due_at_ms, conversation.get(), seq, change_seq])?;
            transaction.commit()?;
            return Ok(0);
        }
    };
    let heads: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT last_seq, change_seq FROM conversations WHERE id = ?")?
        .query_row([conversation.get()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last_seq, last_change) = heads.unwrap_or((0, 0));
    let changed = if told_seq >= last_seq && told_change >= last_change {
        transaction
            .prepare_cached(
                "DELETE FROM hook_queue WHERE conversation_id = ? AND seq = ? AND change_seq = ?",
            )?
            .execute(params![conversation.get(), seq, change_seq])?
    } else {
        transaction
            .prepare_cached(
                "UPDATE hook_queue SET seq = ?1, change_seq = ?2, attempts = 0, due_at_ms = ?3, since_ms = ?3
                 WHERE conversation_id = ?4 AND seq = ?5 AND change_seq = ?6",
            )?
            .execute(params![told_seq, told_change, now_ms, conversation.get(), seq, change_seq])?
    };
    transaction.commit()?;
    let is_lost = changed > 0 && settled == HookSettled::Dropped;
    let waited = (last_seq - seq).saturating_add(last_change - change_seq);
    Ok(if is_lost { u64::try_from(waited).unwrap_or(0) } else { 0 })
}

fn backlog(connection: &Connection, now_ms: i64, count_max: u32) -> Result<HookBacklog, Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM hook_queue LIMIT ?)),
                      (SELECT MIN(since_ms) FROM hook_queue)";
    let (count, oldest): (i64, Option<i64>) =
        connection.prepare_cached(sql)?.query_row([count_max], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(HookBacklog {
        conversations: u64::try_from(count).unwrap_or(0),
        oldest_ms: oldest.map_or(0, |oldest| (now_ms - oldest).max(0)),
    })
}

fn oldest(connection: &Connection, limit: u32) -> Result<Vec<HookPlace>, Error> {
    let mut oldest = connection.prepare_cached(
        "SELECT conversation_id, seq, change_seq FROM hook_queue ORDER BY since_ms LIMIT ?",
    )?;
    let found: Vec<(i64, i64, i64)> = oldest
        .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    found.into_iter().map(place).collect()
}
