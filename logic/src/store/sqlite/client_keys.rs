//! Keys of clients' requests.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::client_keys::SWEPT;
use crate::store::{ClientKey, Error};

/// What came of the request when it was made before.
pub(super) fn find(connection: &Connection, key: &ClientKey, now_ms: i64) -> Result<Option<Vec<u8>>, Error> {
    let found: Option<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT fingerprint, subject FROM client_keys WHERE user_id = ? AND key_hash = ? AND at_ms > ?",
        )?
        .query_row(params![key.user.get(), &key.hash[..], key.forgotten_ms(now_ms)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match found {
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Err(Error::KeyConflict),
        found => Ok(found.map(|(_, subject)| subject)),
    }
}

/// Writes what came of it, inside the transaction.
pub(super) fn write(
    connection: &Connection,
    key: &ClientKey,
    subject: &[u8],
    now_ms: i64,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO client_keys (user_id, key_hash, fingerprint, subject, at_ms)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![key.user.get(), &key.hash[..], &key.fingerprint[..], subject, now_ms])?;
    connection
        .prepare_cached(
            "DELETE FROM client_keys WHERE (user_id, key_hash) IN
             (SELECT user_id, key_hash FROM client_keys WHERE at_ms <= ? ORDER BY at_ms LIMIT ?)",
        )?
        .execute(params![key.forgotten_ms(now_ms), SWEPT])?;
    Ok(())
}
