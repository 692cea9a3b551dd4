//! Receipts, and what is not shown of users.

use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, params};
use tonic::async_trait;

use super::SqliteStore;
use crate::store::events::kind;
use crate::store::{Error, Reader, ReceiptOf, ReceiptPlace, Receipts};

#[async_trait]
impl Receipts for SqliteStore {
    async fn receipt_place(
        &self,
        id: ConversationId,
        seq: Seq,
        user: UserId,
    ) -> Result<Option<ReceiptPlace>, Error> {
        self.read(move |connection| place(connection, id, seq, user)).await
    }

    async fn readers(&self, of: ReceiptOf, after: i64, limit: u32) -> Result<Vec<Reader>, Error> {
        self.read(move |connection| readers(connection, of, after, limit)).await
    }

    async fn count_readers(&self, of: ReceiptOf, max: u32) -> Result<u32, Error> {
        self.read(move |connection| count(connection, of, max)).await
    }

    async fn invisible(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        let users = users.to_vec();
        self.read(move |connection| invisible(connection, &users)).await
    }

    async fn blocked_by(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        let (users, sql) = (
            users.to_vec(),
            "SELECT user_id, peer_id FROM contacts WHERE user_id = ? AND blocked = 1 LIMIT ?",
        );
        self.read(move |connection| blocks(connection, sql, &users, limit)).await
    }

    async fn blockers_of(&self, users: &[UserId], limit: u32) -> Result<Vec<(UserId, UserId)>, Error> {
        let (users, sql) = (
            users.to_vec(),
            "SELECT user_id, peer_id FROM contacts WHERE peer_id = ? AND blocked = 1 LIMIT ?",
        );
        self.read(move |connection| blocks(connection, sql, &users, limit)).await
    }

    async fn blockers_among(&self, users: &[UserId], blocked: UserId) -> Result<Vec<UserId>, Error> {
        let users = users.to_vec();
        self.read(move |connection| blockers_among(connection, &users, blocked)).await
    }
}

fn place(
    connection: &Connection,
    id: ConversationId,
    seq: Seq,
    user: UserId,
) -> Result<Option<ReceiptPlace>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT c.kind, c.members_count, m.sender_id,
                    COALESCE((SELECT s.sends_receipts FROM contact_settings s WHERE s.user_id = ?), 1)
             FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = ? WHERE c.id = ?",
        )?
        .query_row([user.get(), seq.get(), id.get()], |row| {
            Ok(ReceiptPlace {
                kind: kind(row.get(0)?),
                members: row.get(1)?,
                sender: row.get(2)?,
                is_shown: row.get(3)?,
            })
        });
    Ok(found.optional()?)
}

fn readers(
    connection: &Connection,
    ReceiptOf { conversation, seq, sender }: ReceiptOf,
    after: i64,
    limit: u32,
) -> Result<Vec<Reader>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT m.user_id, u.username, k.read_seq FROM members m
         CROSS JOIN cursors k ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id AND k.read_seq >= ?
         JOIN users u ON u.id = m.user_id
         LEFT JOIN contact_settings s ON s.user_id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? AND m.user_id <> ? AND COALESCE(s.sends_receipts, 1) = 1
           AND (m.joined_at_ms <= (SELECT x.created_at_ms FROM messages x WHERE x.conversation_id = ? AND x.seq = ?)
                OR m.joined_at_ms = (SELECT c.created_at_ms FROM conversations c WHERE c.id = ?))
         ORDER BY m.user_id LIMIT ?",
    )?;
    let id = conversation.get();
    let bounds = [seq.get(), id, after, sender, id, seq.get(), id, limit.into()];
    let rows = select.query_map(bounds, |row| {
        Ok(Reader { user: User { id: row.get(0)?, username: row.get(1)? }, read_seq: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Members only: who left keeps a cursor. And not who came after the message: their cursor begins at the head.
fn count(
    connection: &Connection,
    ReceiptOf { conversation, seq, sender }: ReceiptOf,
    max: u32,
) -> Result<u32, Error> {
    let id = conversation.get();
    let count = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM (
                 SELECT 1 FROM cursors k INDEXED BY cursors_read
                 CROSS JOIN members m ON m.conversation_id = k.conversation_id AND m.user_id = k.user_id
                 LEFT JOIN contact_settings s ON s.user_id = k.user_id
                 WHERE k.conversation_id = ? AND k.read_seq >= ? AND k.user_id <> ?
                   AND COALESCE(s.sends_receipts, 1) = 1
                   AND (m.joined_at_ms <= (SELECT x.created_at_ms FROM messages x WHERE x.conversation_id = ? AND x.seq = ?)
                        OR m.joined_at_ms = (SELECT c.created_at_ms FROM conversations c WHERE c.id = ?))
                 LIMIT ?
             )",
        )?
        .query_row(params![id, seq.get(), sender, id, seq.get(), id, max], |row| row.get(0))?;
    Ok(count)
}

fn invisible(connection: &Connection, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT invisible_since_ms FROM contact_settings WHERE user_id = ? AND invisible_since_ms <> 0",
    )?;
    let mut found = Vec::new();
    for user in users {
        let since_ms = select.query_row([user.get()], |row| row.get(0)).optional()?;
        found.extend(since_ms.map(|since_ms| (*user, since_ms)));
    }
    Ok(found)
}

/// `sql`: of a user and a limit, who blocks and who is blocked.
fn blocks(
    connection: &Connection,
    sql: &str,
    users: &[UserId],
    limit: u32,
) -> Result<Vec<(UserId, UserId)>, Error> {
    let mut select = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for user in users {
        let left = i64::from(limit) - i64::try_from(found.len()).unwrap_or(i64::MAX);
        let rows = select.query_map([user.get(), left.max(0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (blocker, blocked): (i64, i64) = row?;
            found.extend(UserId::new(blocker).zip(UserId::new(blocked)));
        }
    }
    Ok(found)
}

fn blockers_among(connection: &Connection, users: &[UserId], blocked: UserId) -> Result<Vec<UserId>, Error> {
    let mut select = connection
        .prepare_cached("SELECT 1 FROM contacts WHERE user_id = ? AND peer_id = ? AND blocked = 1")?;
    let mut found = Vec::new();
    for user in users {
        if select.exists([user.get(), blocked.get()])? {
            found.push(*user);
        }
    }
    Ok(found)
}
