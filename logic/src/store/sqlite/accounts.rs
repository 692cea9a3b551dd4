//! Users.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::client_keys;
use super::fault::unique_column;
use crate::store::departures::DELETED;
use crate::store::{Credentials, Error, NewUser};

pub(super) fn create_user(connection: &mut Connection, user: &NewUser) -> Result<User, Error> {
    let transaction = connection.transaction()?;
    let created = insert_user(&transaction, user)?;
    transaction.commit()?;
    Ok(created)
}

/// The account and its client's key, inside the transaction.
pub(super) fn insert_user(connection: &Connection, user: &NewUser) -> Result<User, Error> {
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
    let id = inserted.map_err(|error| match unique_column(&error) {
        Some("users.username_key") => Error::UsernameTaken,
        Some("users.email_key") => Error::EmailTaken,
        _ => error.into(),
    })?;
    if let (Some(key), Some(id)) = (&user.key, UserId::new(id)) {
        client_keys::write(connection, &key.of(id), &[], user.created_at_ms)?;
    }
    Ok(User { id, username: user.username.clone() })
}

/// What finds credentials.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    Name(&'a str),
    Email(&'a str),
    Id(i64),
}

/// Of an account that was not deleted.
pub(super) fn credentials(connection: &Connection, by: By<'_>) -> Result<Option<Credentials>, Error> {
    let (column, key): (_, &dyn ToSql) = match &by {
        By::Name(key) => ("username_key", key),
        By::Email(key) => ("email_key", key),
        By::Id(id) => ("id", id),
    };
    let sql = format!(
        "SELECT u.id, u.username, u.password_hash, d.at_ms FROM users u
         LEFT JOIN departures d ON d.user_id = u.id
         WHERE u.{column} = ? AND (d.state IS NULL OR d.state <> ?)"
    );
    let found = connection.prepare_cached(&sql)?.query_row(params![key, DELETED], |row| {
        Ok(Credentials {
            user: User { id: row.get(0)?, username: row.get(1)? },
            password_hash: row.get(2)?,
            deactivated_at_ms: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

pub(super) fn user(connection: &Connection, id: i64) -> Result<Option<User>, Error> {
    let found = connection
        .prepare_cached("SELECT id, username FROM users WHERE id = ?")?
        .query_row([id], |row| Ok(User { id: row.get(0)?, username: row.get(1)? }));
    Ok(found.optional()?)
}

/// All of them, in the order given; one that was deleted is none.
pub(super) fn users(connection: &Connection, ids: &[UserId]) -> Result<Vec<User>, Error> {
    ids.iter().map(|&id| present(connection, id)?.ok_or(Error::NoUser(id.get()))).collect()
}

/// A user who was not deleted.
pub(super) fn present(connection: &Connection, id: UserId) -> Result<Option<User>, Error> {
    let mut deleted =
        connection.prepare_cached("SELECT 1 FROM departures WHERE user_id = ? AND state = ?")?;
    match deleted.exists(params![id.get(), DELETED])? {
        true => Ok(None),
        false => user(connection, id.get()),
    }
}

pub(super) fn find_users(connection: &Connection, prefix: &str, limit: u32) -> Result<Vec<User>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT id, username FROM users WHERE username_key >= ?1 AND username_key < ?2
         AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = users.id)
         ORDER BY username_key LIMIT ?3",
    )?;
    let end = format!("{prefix}{}", char::MAX);
    let rows = select
        .query_map(params![prefix, end, limit], |row| Ok(User { id: row.get(0)?, username: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
