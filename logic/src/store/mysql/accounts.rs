//! Users.

use std::collections::HashMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::client_keys;
use super::failure::Failure;
use super::sql::{Sql, execute, first, rows};
use crate::store::departures::DELETED;
use crate::store::{Credentials, Error, NewUser};

pub(super) async fn create_user(connection: &mut Conn, user: &NewUser) -> Result<User, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    match insert_user(&mut transaction, user).await {
        Ok(created) => {
            transaction.commit().await?;
            Ok(created)
        }
        Err(failure) => {
            transaction.rollback().await?;
            Err(failure)
        }
    }
}

/// The account and its client's key, inside the transaction.
pub(super) async fn insert_user<Q: Queryable>(connection: &mut Q, user: &NewUser) -> Result<User, Failure> {
    let inserted = execute(
        connection,
        "INSERT INTO users (username, username_key, email_key, password_hash, created_at_ms)
         VALUES (?, ?, ?, ?, ?)",
        (
            user.username.as_str(),
            user.username_key.as_bytes(),
            user.email.as_deref().map(str::as_bytes),
            user.password_hash.as_str(),
            user.created_at_ms,
        ),
    )
    .await;
    let id = match inserted {
        Ok((id, _)) => id,
        Err(failure) => {
            return Err(match failure.duplicate() {
                Some(message) if message.contains("users_username") => Error::UsernameTaken.into(),
                Some(message) if message.contains("users_email") => Error::EmailTaken.into(),
                _ => failure,
            });
        }
    };
    if let (Some(key), Some(id)) = (&user.key, UserId::new(id)) {
        client_keys::write(connection, &key.of(id), &[], user.created_at_ms).await?;
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
pub(super) async fn credentials(connection: &mut Conn, by: By<'_>) -> Result<Option<Credentials>, Failure> {
    const SELECT: &str = "SELECT u.id, u.username, u.password_hash, d.at_ms FROM users u
         LEFT JOIN departures d ON d.user_id = u.id WHERE (d.state IS NULL OR d.state <> ?) AND";
    let found: Option<(i64, String, String, Option<i64>)> = match by {
        By::Name(key) => {
            first(connection, &format!("{SELECT} u.username_key = ?"), (DELETED, key.as_bytes())).await?
        }
        By::Email(key) => {
            first(connection, &format!("{SELECT} u.email_key = ?"), (DELETED, key.as_bytes())).await?
        }
        By::Id(id) => first(connection, &format!("{SELECT} u.id = ?"), (DELETED, id)).await?,
    };
    Ok(found.map(|(id, username, password_hash, deactivated_at_ms)| Credentials {
        user: User { id, username },
        password_hash,
        deactivated_at_ms,
    }))
}

pub(super) async fn user(connection: &mut Conn, id: i64) -> Result<Option<User>, Failure> {
    let found = first(connection, "SELECT id, username FROM users WHERE id = ?", (id,)).await?;
    Ok(found.map(|(id, username)| User { id, username }))
}

/// Goes on a condition on `users`.
pub(super) const NOT_DELETED: &str =
    " AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = users.id AND d.state = 2)";

/// All of them, in the order given; one that was deleted is none.
pub(super) async fn users(connection: &mut Conn, ids: &[UserId]) -> Result<Vec<User>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT id, username FROM users WHERE id IN ").list(ids.iter().map(|id| id.get()));
    sql.raw(NOT_DELETED).end();
    let set = sql.run(connection).await?.remove(0);
    let found: HashMap<i64, String> = set.typed()?.into_iter().collect();
    let user = |id: &UserId| {
        let username = found.get(&id.get()).ok_or(Error::NoUser(id.get()))?;
        Ok(User { id: id.get(), username: username.clone() })
    };
    ids.iter().map(user).collect()
}

pub(super) async fn find_users(
    connection: &mut Conn,
    prefix: &str,
    limit: u32,
) -> Result<Vec<User>, Failure> {
    let end = format!("{prefix}{}", char::MAX);
    let found: Vec<(i64, String)> = rows(
        connection,
        "SELECT id, username FROM users WHERE username_key >= ? AND username_key < ?
         AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.user_id = users.id)
         ORDER BY username_key LIMIT ?",
        (prefix.as_bytes(), end.as_bytes(), limit),
    )
    .await?;
    Ok(found.into_iter().map(|(id, username)| User { id, username }).collect())
}
