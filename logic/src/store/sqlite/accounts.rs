//! Users.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::unique_column;
use crate::store::{Credentials, Error, NewUser};

pub(super) fn create_user(connection: &Connection, user: &NewUser) -> Result<User, Error> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (username, username_key, email_key, password_hash, created_at_ms)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .insert(params![
            user.username,
            user.username_key,
            user.email,
            user.password_hash,
            user.created_at_ms
        ]);
    match inserted {
        Ok(id) => Ok(User { id, username: user.username.clone() }),
        Err(error) => Err(match unique_column(&error) {
            Some("users.username_key") => Error::UsernameTaken,
            Some("users.email_key") => Error::EmailTaken,
            _ => error.into(),
        }),
    }
}

/// Which column finds credentials.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    Name,
    Email,
}

pub(super) fn credentials(connection: &Connection, by: By, key: &str) -> Result<Option<Credentials>, Error> {
    let sql = match by {
        By::Name => "SELECT id, username, password_hash FROM users WHERE username_key = ?",
        By::Email => "SELECT id, username, password_hash FROM users WHERE email_key = ?",
    };
    let found = connection.prepare_cached(sql)?.query_row([key], |row| {
        Ok(Credentials { user: User { id: row.get(0)?, username: row.get(1)? }, password_hash: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub(super) fn user(connection: &Connection, id: i64) -> Result<Option<User>, Error> {
    let found = connection
        .prepare_cached("SELECT id, username FROM users WHERE id = ?")?
        .query_row([id], |row| Ok(User { id: row.get(0)?, username: row.get(1)? }));
    Ok(found.optional()?)
}

/// All of them, in the order given.
pub(super) fn users(connection: &Connection, ids: &[UserId]) -> Result<Vec<User>, Error> {
    ids.iter().map(|id| user(connection, id.get())?.ok_or(Error::NoUser(id.get()))).collect()
}

pub(super) fn find_users(connection: &Connection, prefix: &str, limit: u32) -> Result<Vec<User>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT id, username FROM users WHERE username_key >= ?1 AND username_key < ?2
         ORDER BY username_key LIMIT ?3",
    )?;
    let end = format!("{prefix}{}", char::MAX);
    let rows = select
        .query_map(params![prefix, end, limit], |row| Ok(User { id: row.get(0)?, username: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
