//! Rows to publish, and whose they are.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::store::{Error, OutboxRow};

/// Rows of a call whose caller went away: nobody's, so that the next one who
/// adopts publishes them.
const NOBODY: &str = "";

/// Writes a row of the transaction.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    owner: &str,
    payload: Bytes,
    now_ms: i64,
) -> Result<OutboxRow, Error> {
    let id = transaction
        .prepare_cached("INSERT INTO outbox (owner, payload, created_at_ms) VALUES (?, ?, ?)")?
        .insert(params![owner, &payload[..], now_ms])?;
    Ok(OutboxRow { id, payload })
}

pub(super) fn rows(
    connection: &Connection,
    owner: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<OutboxRow>, Error> {
    let mut select = connection
        .prepare_cached("SELECT id, payload FROM outbox WHERE owner = ? AND id > ? ORDER BY id LIMIT ?")?;
    let rows = select.query_map(params![owner, after, limit], |row| {
        Ok(OutboxRow { id: row.get(0)?, payload: row.get::<_, Vec<u8>>(1)?.into() })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes published rows, inside whatever transaction is open.
pub(super) fn delete(connection: &Connection, ids: &[i64]) -> Result<(), Error> {
    let mut delete = connection.prepare_cached("DELETE FROM outbox WHERE id = ?")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}

pub(super) fn disown(connection: &Connection, ids: &[i64]) -> Result<(), Error> {
    let mut update = connection.prepare_cached("UPDATE outbox SET owner = ? WHERE id = ?")?;
    for id in ids {
        update.execute(params![NOBODY, id])?;
    }
    Ok(())
}

pub(super) fn renew(connection: &Connection, owner: &str, lease_until_ms: i64) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO owners (owner, lease_until_ms) VALUES (?1, ?2)
             ON CONFLICT (owner) DO UPDATE SET lease_until_ms = ?2",
        )?
        .execute(params![owner, lease_until_ms])?;
    Ok(())
}

/// Adopted rows are written anew: their ids are above all of this owner's, so
/// that one who reads `after` its last id finds them.
pub(super) fn adopt(connection: &mut Connection, owner: &str, limit: u32, now_ms: i64) -> Result<u64, Error> {
    let transaction = connection.transaction()?;
    let ids: Vec<i64> = {
        let mut select = transaction.prepare_cached(
            "SELECT o.id FROM outbox o LEFT JOIN owners w ON w.owner = o.owner
             WHERE o.owner <> ?1 AND (w.owner IS NULL OR w.lease_until_ms <= ?2)
             ORDER BY o.id LIMIT ?3",
        )?;
        let rows = select.query_map(params![owner, now_ms, limit], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    {
        let mut copy = transaction.prepare_cached(
            "INSERT INTO outbox (owner, payload, created_at_ms)
             SELECT ?, payload, created_at_ms FROM outbox WHERE id = ?",
        )?;
        for id in &ids {
            copy.execute(params![owner, id])?;
        }
    }
    delete(&transaction, &ids)?;
    // Owners that ended and left nothing.
    transaction
        .prepare_cached(
            "DELETE FROM owners WHERE owner <> ?1 AND lease_until_ms <= ?2
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.owner = owners.owner)",
        )?
        .execute(params![owner, now_ms])?;
    transaction.commit()?;
    Ok(ids.len() as u64)
}

pub(super) fn backlog(connection: &Connection, now_ms: i64) -> Result<(u64, i64), Error> {
    let found: Option<(i64, Option<i64>)> = connection
        .prepare_cached(
            "SELECT (SELECT COUNT(*) FROM outbox), (SELECT created_at_ms FROM outbox ORDER BY id LIMIT 1)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (count, oldest) = found.unwrap_or((0, None));
    Ok((u64::try_from(count).unwrap_or(0), oldest.map_or(0, |oldest| (now_ms - oldest).max(0))))
}
