//! Log-ins and signing keys.

use std::sync::Arc;

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::fault::foreign_key;
use super::sanctions::ban;
use crate::store::devices::{Held, admit};
use crate::store::{Admission, Begun, DeviceKind, Error, Login, NewDevice, Rotation, SigningKey};

const COLUMNS: &str = "l.id, l.user_id, l.refresh_hash, l.cookie_hash, l.created_at_ms, l.expires_at_ms";

pub(super) fn create_login(
    connection: &mut Connection,
    login: &Login,
    device: &NewDevice,
    admission: &Admission,
) -> Result<Begun, Error> {
    let transaction = connection.transaction()?;
    if let Some((until_ms, reason)) = ban(&transaction, login.user_id, login.created_at_ms)? {
        return Ok(Begun::Banned(until_ms, reason));
    }
    // What this user left behind: nobody else clears it away.
    transaction
        .prepare_cached("DELETE FROM logins WHERE user_id = ? AND expires_at_ms <= ?")?
        .execute(params![login.user_id.get(), login.created_at_ms])?;
    let begun = admit(admission, device.kind, &held(&transaction, login.user_id)?);
    let Begun::Admitted { ended } = &begun else { return Ok(begun) };
    delete(&transaction, ended)?;
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO logins (id, user_id, refresh_hash, cookie_hash, created_at_ms, expires_at_ms)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            login.id,
            login.user_id.get(),
            login.refresh_hash,
            login.cookie_hash,
            login.created_at_ms,
            login.expires_at_ms
        ]);
    match inserted {
        Ok(_) => {}
        Err(error) if foreign_key(&error) => return Err(Error::NoUser(login.user_id.get())),
        Err(error) => return Err(error.into()),
    }
    transaction
        .prepare_cached(
            "INSERT INTO login_devices (login_id, device, kind, last_seen_ms) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![login.id, device.name, device.kind.number(), login.created_at_ms])?;
    transaction.commit()?;
    Ok(begun)
}

pub(super) fn end_others(
    connection: &mut Connection,
    user: UserId,
    keep: &str,
) -> Result<Vec<String>, Error> {
    let transaction = connection.transaction()?;
    let ended = end_logins(&transaction, user, keep)?;
    transaction.commit()?;
    Ok(ended)
}

/// Ends all log-ins of a user but one; answers those that were ended.
pub(super) fn end_logins(connection: &Connection, user: UserId, keep: &str) -> Result<Vec<String>, Error> {
    let mut delete =
        connection.prepare_cached("DELETE FROM logins WHERE user_id = ? AND id <> ? RETURNING id")?;
    let ended = delete.query_map(params![user.get(), keep], |row| row.get(0))?;
    Ok(ended.collect::<Result<_, _>>()?)
}

/// The log-ins of a user, the newest first.
fn held(connection: &Connection, user: UserId) -> Result<Vec<Held>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT l.id, COALESCE(d.kind, 0) FROM logins l LEFT JOIN login_devices d ON d.login_id = l.id
         WHERE l.user_id = ? ORDER BY l.created_at_ms DESC, l.id",
    )?;
    let rows = select.query_map([user.get()], |row| {
        Ok(Held { id: row.get(0)?, kind: DeviceKind::of_number(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn delete(connection: &Connection, ids: &[String]) -> Result<(), Error> {
    let mut delete = connection.prepare_cached("DELETE FROM logins WHERE id = ?")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}

pub(super) fn login(connection: &Connection, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, u.username FROM logins l JOIN users u ON u.id = l.user_id
         WHERE l.id = ? AND l.expires_at_ms > ?"
    );
    Ok(connection.prepare_cached(&sql)?.query_row(params![id, now_ms], with_user).optional()?)
}

pub(super) fn live_logins(
    connection: &Connection,
    ids: &[Arc<str>],
    now_ms: i64,
) -> Result<Vec<Option<UserId>>, Error> {
    let mut select =
        connection.prepare_cached("SELECT user_id FROM logins WHERE id = ? AND expires_at_ms > ?")?;
    let mut owner =
        |id: &Arc<str>| Ok(select.query_row(params![&**id, now_ms], |row| user(row, 0)).optional()?);
    ids.iter().map(&mut owner).collect()
}

pub(super) fn login_by_cookie(
    connection: &Connection,
    hash: &[u8; 32],
    now_ms: i64,
) -> Result<Option<(Login, User)>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, u.username FROM logins l JOIN users u ON u.id = l.user_id
         WHERE l.cookie_hash = ? AND l.expires_at_ms > ?"
    );
    Ok(connection.prepare_cached(&sql)?.query_row(params![hash, now_ms], with_user).optional()?)
}

pub(super) fn rotate_refresh(
    connection: &mut Connection,
    old: &[u8; 32],
    new: &[u8; 32],
    now_ms: i64,
    expires_at_ms: i64,
) -> Result<Rotation, Error> {
    let transaction = connection.transaction()?;
    let sql = format!("SELECT {COLUMNS} FROM logins l WHERE l.refresh_hash = ? AND l.expires_at_ms > ?");
    let live = transaction.prepare_cached(&sql)?.query_row(params![old, now_ms], read).optional()?;
    let outcome = if let Some(login) = live {
        transaction
            .prepare_cached("DELETE FROM spent_refreshes WHERE login_id = ? AND expires_at_ms <= ?")?
            .execute(params![login.id, now_ms])?;
        transaction
            .prepare_cached(
                "INSERT INTO spent_refreshes (refresh_hash, login_id, expires_at_ms) VALUES (?, ?, ?)",
            )?
            .execute(params![old, login.id, login.expires_at_ms])?;
        transaction
            .prepare_cached("UPDATE logins SET refresh_hash = ?, expires_at_ms = ? WHERE id = ?")?
            .execute(params![new, expires_at_ms, login.id])?;
        Rotation::Rotated(Login { refresh_hash: *new, expires_at_ms, ..login })
    } else {
        transaction
            .prepare_cached(
                "DELETE FROM logins WHERE expires_at_ms > ?1 AND id =
                 (SELECT login_id FROM spent_refreshes WHERE refresh_hash = ?2 AND expires_at_ms > ?1)
                 RETURNING id, user_id",
            )?
            .query_row(params![now_ms, old], |row| {
                Ok(Rotation::Reused { login_id: row.get(0)?, user_id: user(row, 1)? })
            })
            .optional()?
            .unwrap_or(Rotation::Unknown)
    };
    transaction.commit()?;
    Ok(outcome)
}

pub(super) fn end_login(connection: &Connection, id: &str, user: UserId) -> Result<bool, Error> {
    let sql = "DELETE FROM logins WHERE id = ? AND user_id = ?";
    Ok(connection.prepare_cached(sql)?.execute(params![id, user.get()])? > 0)
}

pub(super) fn signing_keys(
    connection: &mut Connection,
    candidate: &SigningKey,
) -> Result<Vec<SigningKey>, Error> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO signing_keys (id, secret, created_at_ms)
         SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
        params![candidate.id, candidate.secret, candidate.created_at_ms],
    )?;
    let keys = known_signing_keys(&transaction)?;
    transaction.commit()?;
    Ok(keys)
}

/// The keys that are there, newest first.
pub(super) fn known_signing_keys(connection: &Connection) -> Result<Vec<SigningKey>, Error> {
    let mut select = connection
        .prepare("SELECT id, secret, created_at_ms FROM signing_keys ORDER BY created_at_ms DESC, id")?;
    let rows = select.query_map([], |row| {
        Ok(SigningKey { id: row.get(0)?, secret: row.get(1)?, created_at_ms: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Login> {
    Ok(Login {
        id: row.get(0)?,
        user_id: user(row, 1)?,
        refresh_hash: row.get(2)?,
        cookie_hash: row.get(3)?,
        created_at_ms: row.get(4)?,
        expires_at_ms: row.get(5)?,
    })
}

pub(super) fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let id: i64 = row.get(column)?;
    UserId::new(id).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, id))
}

fn with_user(row: &Row<'_>) -> rusqlite::Result<(Login, User)> {
    let login = read(row)?;
    let user = User { id: login.user_id.get(), username: row.get(6)? };
    Ok((login, user))
}
