//! Keys of clients' requests. Of two requests under one key at the same time one hits the primary key, is run again, and
//! finds what the other did.

use mysql_async::prelude::Queryable;

use super::failure::Failure;
use super::sql::{execute, first};
use crate::store::client_keys::SWEPT;
use crate::store::{ClientKey, Error};

/// What came of the request when it was made before.
pub(super) async fn find<Q: Queryable>(
    connection: &mut Q,
    key: &ClientKey,
    now_ms: i64,
) -> Result<Option<Vec<u8>>, Failure> {
    let found: Option<(Vec<u8>, Vec<u8>)> = first(
        connection,
        "SELECT fingerprint, subject FROM client_keys WHERE user_id = ? AND key_hash = ? AND at_ms > ?",
        (key.user.get(), &key.hash[..], key.forgotten_ms(now_ms)),
    )
    .await?;
    match found {
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Err(Error::KeyConflict.into()),
        found => Ok(found.map(|(_, subject)| subject)),
    }
}

/// Writes what came of it, inside the transaction.
pub(super) async fn write<Q: Queryable>(
    connection: &mut Q,
    key: &ClientKey,
    subject: &[u8],
    now_ms: i64,
) -> Result<(), Failure> {
    let (user, forgotten_ms) = (key.user.get(), key.forgotten_ms(now_ms));
    execute(
        connection,
        "DELETE FROM client_keys WHERE user_id = ? AND key_hash = ? AND at_ms <= ?",
        (user, &key.hash[..], forgotten_ms),
    )
    .await?;
    execute(
        connection,
        "INSERT INTO client_keys (user_id, key_hash, fingerprint, subject, at_ms) VALUES (?, ?, ?, ?, ?)",
        (user, &key.hash[..], &key.fingerprint[..], subject, now_ms),
    )
    .await?;
    execute(
        connection,
        "DELETE FROM client_keys WHERE at_ms <= ? ORDER BY at_ms LIMIT ?",
        (forgotten_ms, SWEPT),
    )
    .await?;
    Ok(())
}
