//! Receipts, and what is not shown of users.

use mysql_async::Conn;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::sql::{Sql, first, rows};
use super::store::{pooled, replicated};
use crate::store::events::kind;
use crate::store::{Error, Reader, ReceiptOf, ReceiptPlace, Receipts};

#[async_trait]
impl Receipts for MysqlStore {
    async fn receipt_place(
        &self,
        id: ConversationId,
        seq: Seq,
        user: UserId,
    ) -> Result<Option<ReceiptPlace>, Error> {
        replicated!(self, |connection| place(connection, id, seq, user))
    }

    async fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Result<Vec<Reader>, Error> {
        replicated!(self, |connection| readers(connection, of, after, limit))
    }

    async fn count_readers(&self, of: ReceiptOf, max: u32) -> Result<u32, Error> {
        replicated!(self, |connection| count(connection, of, max))
    }

    async fn invisible(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::default();
        sql.raw("SELECT user_id, invisible_since_ms FROM contact_settings WHERE user_id IN ");
        sql.list(users.iter().map(|user| user.get())).raw(" AND invisible_since_ms <> 0").end();
        let found = pooled!(self, |connection| pairs(connection, &sql))?;
        Ok(found.into_iter().filter_map(|(user, since_ms)| Some((UserId::new(user)?, since_ms))).collect())
    }

    async fn blocked_by(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::default();
        sql.raw("SELECT user_id, peer_id FROM contacts FORCE INDEX (contacts_blocked) WHERE user_id IN ");
        sql.list(users.iter().map(|user| user.get())).raw(" AND blocked = 1 LIMIT ").int(limit.into()).end();
        Ok(both(pooled!(self, |connection| pairs(connection, &sql))?))
    }

    async fn blockers_of(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::default();
        sql.raw("SELECT user_id, peer_id FROM contacts FORCE INDEX (contacts_blockers) WHERE peer_id IN ");
        sql.list(users.iter().map(|user| user.get())).raw(" AND blocked = 1 LIMIT ").int(limit.into()).end();
        Ok(both(pooled!(self, |connection| pairs(connection, &sql))?))
    }

    async fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Result<Vec<UserId>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::default();
        sql.raw("SELECT user_id, peer_id FROM contacts FORCE INDEX (PRIMARY) WHERE peer_id = ");
        sql.int(blocked.get()).raw(" AND blocked = 1 AND user_id IN ");
        sql.list(users.iter().map(|user| user.get())).end();
        let found = pooled!(self, |connection| pairs(connection, &sql))?;
        Ok(both(found).into_iter().map(|(blocker, _)| blocker).collect())
    }
}

fn both(pairs: Vec<(i64, i64)>) -> Vec<(UserId, UserId)> {
    pairs.into_iter().filter_map(|(one, other)| Some((UserId::new(one)?, UserId::new(other)?))).collect()
}

async fn pairs(connection: &mut Conn, sql: &Sql) -> Result<Vec<(i64, i64)>, Failure> {
    sql.run(connection).await?.remove(0).typed()
}

async fn place(
    connection: &mut Conn,
    id: ConversationId,
    seq: Seq,
    user: UserId,
) -> Result<Option<ReceiptPlace>, Failure> {
    let found: Option<(i64, i64, i64, i64)> = first(
        connection,
        "SELECT c.kind, c.members_count, m.sender_id,
                COALESCE((SELECT s.sends_receipts FROM contact_settings s WHERE s.user_id = ?), 1)
         FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = ? WHERE c.id = ?",
        (user.get(), seq.get(), id.get()),
    )
    .await?;
    let place = |(raw, members, sender, is_shown)| ReceiptPlace {
        kind: kind(raw),
        members,
        sender,
        is_shown: is_shown != 0,
    };
    Ok(found.map(place))
}

async fn readers(
    connection: &mut Conn,
    ReceiptOf { conversation, seq, sender }: ReceiptOf,
    after: i64,
    limit: u32,
) -> Result<Vec<Reader>, Failure> {
    let id = conversation.get();
    let found: Vec<(i64, String, i64)> = rows(
        connection,
        "SELECT m.user_id, u.username, k.read_seq FROM members m FORCE INDEX (PRIMARY)
         JOIN cursors k FORCE INDEX (PRIMARY)
             ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id AND k.read_seq >= ?
         JOIN users u ON u.id = m.user_id
         LEFT JOIN contact_settings s ON s.user_id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? AND m.user_id <> ? AND COALESCE(s.sends_receipts, 1) = 1
           AND (m.joined_at_ms <= (SELECT x.created_at_ms FROM messages x WHERE x.conversation_id = ? AND x.seq = ?)
                OR m.joined_at_ms = (SELECT c.created_at_ms FROM conversations c WHERE c.id = ?))
         ORDER BY m.user_id LIMIT ?",
        (seq.get(), id, after, sender, id, seq.get(), id, limit),
    )
    .await?;
    let reader = |(id, username, read_seq)| Reader { user: User { id, username }, read_seq };
    Ok(found.into_iter().map(reader).collect())
}

/// Members only: who left keeps a cursor. And not who came after the message: their cursor begins at the head.
async fn count(
    connection: &mut Conn,
    ReceiptOf { conversation, seq, sender }: ReceiptOf,
    max: u32,
) -> Result<u32, Failure> {
    let id = conversation.get();
    let found: Option<(u32,)> = first(
        connection,
        "SELECT COUNT(*) FROM (
             SELECT 1 FROM cursors k FORCE INDEX (cursors_read)
             JOIN members m ON m.conversation_id = k.conversation_id AND m.user_id = k.user_id
             LEFT JOIN contact_settings s ON s.user_id = k.user_id
             WHERE k.conversation_id = ? AND k.read_seq >= ? AND k.user_id <> ?
               AND COALESCE(s.sends_receipts, 1) = 1
               AND (m.joined_at_ms <= (SELECT x.created_at_ms FROM messages x WHERE x.conversation_id = ? AND x.seq = ?)
                    OR m.joined_at_ms = (SELECT c.created_at_ms FROM conversations c WHERE c.id = ?))
             LIMIT ?
         ) readers",
        (id, seq.get(), sender, id, seq.get(), id, max),
    )
    .await?;
    Ok(found.map_or(0, |(count,)| count))
}
