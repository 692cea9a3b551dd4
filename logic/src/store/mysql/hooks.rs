//! What the operator's hooks need.

use std::collections::{BTreeMap, HashSet};

use mysql_async::{Conn, TxOpts};
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::sql::{Sql, execute, first, rows};
use super::store::{pooled, retried};
use crate::store::events::kind;
use crate::store::hooks::{DueRow, due, place};
use crate::store::{Asking, Error, HookBacklog, HookDue, HookKinds, HookPlace, HookSettled, HookStore};

#[async_trait]
impl HookStore for MysqlStore {
    fn want_hooks(&self, kinds: HookKinds) {
        self.hooks.set(kinds);
    }

    async fn askings(
        &self,
        sender: UserId,
        messages: &[(ConversationId, String)],
    ) -> Result<Vec<Asking>, Error> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        pooled!(self, |connection| askings(connection, sender.get(), messages))
    }

    async fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<HookDue>, Error> {
        retried!(self, |connection| take(connection, now_ms, lease_ms, limit))
    }

    async fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> Result<u64, Error> {
        retried!(self, |connection| settle(connection, place, settled, now_ms))
    }

    async fn hook_backlog(&self, now_ms: i64, count_max: u32) -> Result<HookBacklog, Error> {
        pooled!(self, |connection| backlog(connection, now_ms, count_max))
    }

    async fn oldest_hooks(&self, limit: u32) -> Result<Vec<HookPlace>, Error> {
        pooled!(self, |connection| oldest(connection, limit))
    }
}

/// Puts conversations into the queue that are not in it, as they are before what is said or changed is written: a part
/// of the packet that does so. They are locked, so whoever settles a row comes before this or after the commit.
pub(super) fn enqueue(sql: &mut Sql, conversations: &[i64], now_ms: i64) {
    if conversations.is_empty() {
        return;
    }
    sql.raw(
        "INSERT INTO hook_queue (conversation_id, seq, change_seq, attempts, due_at_ms, since_ms)
         SELECT id, last_seq, change_seq, 0,",
    );
    sql.int(now_ms).raw(",").int(now_ms).raw(" FROM conversations FORCE INDEX (PRIMARY) WHERE id IN ");
    sql.list(conversations.iter().copied());
    sql.raw(" ORDER BY id ON DUPLICATE KEY UPDATE attempts = hook_queue.attempts").end();
}

async fn askings(
    connection: &mut Conn,
    sender: i64,
    messages: &[(ConversationId, String)],
) -> Result<Vec<Asking>, Failure> {
    let mut sql = Sql::default();
    let mut kinds: BTreeMap<i64, Option<ConversationKind>> =
        messages.iter().map(|(conversation, _)| (conversation.get(), None)).collect();
    for &conversation in kinds.keys() {
        sql.raw("SELECT c.kind, m.user_id FROM conversations c LEFT JOIN members m");
        sql.raw(" ON m.conversation_id = c.id AND m.user_id = ").int(sender);
        sql.raw(" WHERE c.id = ").int(conversation).end();
    }
    sql.raw("SELECT client_msg_id FROM messages FORCE INDEX (messages_client_msg_id) WHERE sender_id = ");
    sql.int(sender).raw(" AND client_msg_id IN ");
    sql.separated("(", messages, |sql, (_, id)| {
        sql.bytes(id.as_bytes());
    });
    let stored = sql.raw(")").end();
    let mut sets = sql.run(connection).await?;
    let stored = sets.remove(stored).typed::<(Vec<u8>,)>()?;
    let stored: HashSet<Vec<u8>> = stored.into_iter().map(|(id,)| id).collect();
    for (known, set) in kinds.values_mut().zip(sets) {
        let found = set.typed::<(i64, Option<i64>)>()?.into_iter().next();
        let found = found.map(|(raw, member)| (kind(raw), member.is_some()));
        *known = found.filter(|&(kind, is_in)| is_in || kind == ConversationKind::Room).map(|(kind, _)| kind);
    }
    let asking = |(conversation, id): &(ConversationId, String)| Asking {
        kind: kinds.get(&conversation.get()).copied().flatten(),
        is_stored: stored.contains(id.as_bytes()),
    };
    Ok(messages.iter().map(asking).collect())
}

async fn take(
    connection: &mut Conn,
    now_ms: i64,
    lease_ms: i64,
    limit: u32,
) -> Result<Vec<HookDue>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let taken: Vec<(i64,)> = rows(
        &mut transaction,
        "SELECT conversation_id FROM hook_queue FORCE INDEX (hook_queue_due)
         WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ? FOR UPDATE SKIP LOCKED",
        (now_ms, limit),
    )
    .await?;
    if taken.is_empty() {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    for &(id,) in &taken {
        sql.raw("UPDATE hook_queue SET due_at_ms = ").int(now_ms + lease_ms);
        sql.raw(" WHERE conversation_id = ").int(id).end();
    }
    for &(id,) in &taken {
        sql.raw("SELECT q.conversation_id, q.seq, q.change_seq, c.kind, q.attempts, q.since_ms");
        sql.raw(" FROM hook_queue q JOIN conversations c ON c.id = q.conversation_id");
        sql.raw(" WHERE q.conversation_id = ").int(id).end();
    }
    let sets = sql.run(&mut transaction).await?;
    transaction.commit().await?;
    let mut found = Vec::with_capacity(taken.len());
    for set in sets.into_iter().skip(taken.len()) {
        found.extend(set.typed::<DueRow>()?);
    }
    found.into_iter().map(|row| Ok(due(row)?)).collect()
}

async fn settle(
    connection: &mut Conn,
    place: &HookPlace,
    settled: HookSettled,
    now_ms: i64,
) -> Result<u64, Failure> {
    let HookPlace { conversation, seq, change_seq } = *place;
    // What stands elsewhere by now is another's.
    let at = (conversation.get(), seq, change_seq);
    let (told_seq, told_change) = match settled {
        HookSettled::Told { seq, change_seq } => (seq, change_seq),
        HookSettled::Dropped => (i64::MAX, i64::MAX),
        HookSettled::Again { due_at_ms } => {
            let sql = "UPDATE hook_queue SET due_at_ms = ?, attempts = attempts + 1
                       WHERE conversation_id = ? AND seq = ? AND change_seq = ?";
            execute(connection, sql, (due_at_ms, at.0, at.1, at.2)).await?;
            return Ok(0);
        }
    };
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    // In the order of those who write into the conversation: it first.
    let sql = "SELECT last_seq, change_seq FROM conversations WHERE id = ? FOR UPDATE";
    let heads: Option<(i64, i64)> = first(&mut transaction, sql, (at.0,)).await?;
    let (last_seq, last_change) = heads.unwrap_or((0, 0));
    let changed = if told_seq >= last_seq && told_change >= last_change {
        let sql = "DELETE FROM hook_queue WHERE conversation_id = ? AND seq = ? AND change_seq = ?";
        execute(&mut transaction, sql, at).await?.1
    } else {
        let sql = "UPDATE hook_queue SET seq = ?, change_seq = ?, attempts = 0, due_at_ms = ?, since_ms = ?
                   WHERE conversation_id = ? AND seq = ? AND change_seq = ?";
        let to = (told_seq, told_change, now_ms, now_ms, at.0, at.1, at.2);
        execute(&mut transaction, sql, to).await?.1
    };
    transaction.commit().await?;
    let is_lost = changed > 0 && settled == HookSettled::Dropped;
    let waited = (last_seq - seq).saturating_add(last_change - change_seq);
    Ok(if is_lost { u64::try_from(waited).unwrap_or(0) } else { 0 })
}

async fn backlog(connection: &mut Conn, now_ms: i64, count_max: u32) -> Result<HookBacklog, Failure> {
    let sql = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM hook_queue LIMIT ?) q),
                      (SELECT since_ms FROM hook_queue ORDER BY since_ms LIMIT 1)";
    let found: Option<(u64, Option<i64>)> = first(connection, sql, (count_max,)).await?;
    let (conversations, oldest) = found.unwrap_or_default();
    Ok(HookBacklog { conversations, oldest_ms: oldest.map_or(0, |oldest| (now_ms - oldest).max(0)) })
}

async fn oldest(connection: &mut Conn, limit: u32) -> Result<Vec<HookPlace>, Failure> {
    let sql = "SELECT conversation_id, seq, change_seq FROM hook_queue FORCE INDEX (hook_queue_age) ORDER BY since_ms LIMIT ?";
    let found: Vec<(i64, i64, i64)> = rows(connection, sql, (limit,)).await?;
    found.into_iter().map(|row| Ok(place(row)?)).collect()
}
