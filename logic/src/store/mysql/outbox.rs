//! Rows to publish, and whose they are.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now};
use super::sql::{Sql, execute, first, rows};
use crate::store::OutboxRow;

/// The server's clock, ms since the epoch.
const NOW_MS: &str = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
/// Owners looked at by one adoption.
const OWNERS_MAX: u32 = 64;
/// How long the lease of an owner without rows is over before it is forgotten, ms.
const FORGET_AFTER_MS: i64 = 3_600_000;
/// Deletes that travel in one packet.
const DELETES_PER_PACKET: usize = 512;

pub(super) async fn outbox(
    connection: &mut Conn,
    owner: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<OutboxRow>, Failure> {
    let found: Vec<(i64, Vec<u8>)> = rows(
        connection,
        "SELECT id, payload FROM outbox FORCE INDEX (outbox_owner)
         WHERE owner = ? AND id > ? ORDER BY id LIMIT ?",
        (owner.as_bytes(), after, limit),
    )
    .await?;
    Ok(found.into_iter().map(|(id, payload)| OutboxRow { id, payload: payload.into() }).collect())
}

pub(super) async fn delete(connection: &mut Conn, ids: &[i64]) -> Result<(), Failure> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    for chunk in ids.chunks(DELETES_PER_PACKET) {
        let mut transaction = connection.start_transaction(TxOpts::default()).await?;
        let mut sql = Sql::default();
        for &id in chunk {
            sql.raw("DELETE FROM outbox WHERE id = ").int(id).end();
        }
        sql.run(&mut transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

pub(super) async fn renew(connection: &mut Conn, owner: &str, lease_ms: i64) -> Result<(), Failure> {
    let sql = format!(
        "INSERT INTO owners (owner, lease_until_ms) VALUES (?, {NOW_MS} + ?)
         ON DUPLICATE KEY UPDATE lease_until_ms = VALUES(lease_until_ms)"
    );
    execute(connection, &sql, (owner.as_bytes(), lease_ms)).await.map(drop)
}

pub(super) async fn backlog(connection: &mut Conn, now_ms: i64) -> Result<(u64, i64), Failure> {
    // The count takes the small index, the oldest row is the first one; together they would read every row.
    let sql = "SELECT (SELECT COUNT(*) FROM outbox), (SELECT created_at_ms FROM outbox ORDER BY id LIMIT 1)";
    let found: Option<(u64, Option<i64>)> = first(connection, sql, ()).await?;
    let (count, oldest) = found.unwrap_or((0, None));
    Ok((count, oldest.map_or(0, |oldest| (now_ms - oldest).max(0))))
}

/// See [`crate::store::Store::outbox_adopt`]. Adopted rows are written anew:
/// their ids are above all of this owner's, so that one who reads `after` its
/// last id finds them.
#[derive(Debug)]
pub(super) struct Adopt {
    pub(super) limit: u32,
}

#[async_trait]
impl Work for Adopt {
    type Output = u64;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<u64>, Failure> {
        let dead = dead_owners(connection, owner).await?;
        if dead.is_empty() {
            forget(connection, owner).await?;
            return Ok(Done { value: 0, last_row: None });
        }
        begin_now(connection, owner).await?;
        let ids = self.lock_rows(connection, &dead).await?;
        let mut sql = Sql::default();
        for &id in &ids {
            sql.raw("INSERT INTO outbox (owner, payload, created_at_ms) SELECT ").bytes(owner.as_bytes());
            sql.raw(", payload, created_at_ms FROM outbox WHERE id = ").int(id).end();
        }
        for &id in &ids {
            sql.raw("DELETE FROM outbox WHERE id = ").int(id).end();
        }
        sql.raw("COMMIT").end();
        let sets = sql.run(connection).await?;
        let last_row = sets.iter().map(|set| set.insert_id).max().filter(|&id| id > 0);
        Ok(Done { value: ids.len() as u64, last_row })
    }
}

impl Adopt {
    /// Locks rows of the owners, by id; passes over those another node has.
    async fn lock_rows(&self, connection: &mut Conn, owners: &[Vec<u8>]) -> Result<Vec<i64>, Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut ids: Vec<i64> = Vec::new();
        for owner in owners {
            let left = limit.saturating_sub(ids.len());
            if left == 0 {
                break;
            }
            let found: Vec<(i64,)> = rows(
                connection,
                "SELECT id FROM outbox FORCE INDEX (outbox_owner)
                 WHERE owner = ? ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED",
                (&owner[..], left as u64),
            )
            .await?;
            ids.extend(found.into_iter().map(|(id,)| id));
        }
        ids.sort_unstable();
        Ok(ids)
    }
}

/// Owners of rows whose lease is over or never was.
async fn dead_owners(connection: &mut Conn, owner: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let sql = format!(
        "SELECT DISTINCT o.owner FROM outbox o LEFT JOIN owners w ON w.owner = o.owner
         WHERE o.owner <> ? AND (w.owner IS NULL OR w.lease_until_ms <= {NOW_MS}) LIMIT {OWNERS_MAX}"
    );
    let found: Vec<(Vec<u8>,)> = rows(connection, &sql, (owner.as_bytes(),)).await?;
    Ok(found.into_iter().map(|(owner,)| owner).collect())
}

/// Deletes owners that ended long ago and left nothing.
async fn forget(connection: &mut Conn, owner: &str) -> Result<(), Failure> {
    let sql = format!(
        "SELECT w.owner FROM owners w LEFT JOIN outbox o ON o.owner = w.owner
         WHERE w.owner <> ? AND w.lease_until_ms <= {NOW_MS} - {FORGET_AFTER_MS} AND o.id IS NULL
         LIMIT {OWNERS_MAX}"
    );
    let ended: Vec<(Vec<u8>,)> = rows(connection, &sql, (owner.as_bytes(),)).await?;
    for (ended,) in ended {
        let sql =
            format!("DELETE FROM owners WHERE owner = ? AND lease_until_ms <= {NOW_MS} - {FORGET_AFTER_MS}");
        connection.exec_drop(sql, (ended,)).await?;
    }
    Ok(())
}
