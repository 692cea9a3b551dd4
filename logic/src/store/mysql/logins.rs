//! Log-ins and signing keys.

use std::collections::HashMap;
use std::sync::Arc;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, TxOpts};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::failure::Failure;
use super::sanctions::ban;
use super::sql::{Sql, execute, first, rows};
use crate::store::devices::{Held, admit};
use crate::store::{Admission, Begun, DeviceKind, Error, Login, NewDevice, Rotation, SigningKey};

/// id, user_id, refresh_hash, cookie_hash, created_at_ms, expires_at_ms.
type Columns = (Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>, i64, i64);
/// The same with the user's name.
type WithName = (Vec<u8>, i64, Vec<u8>, Option<Vec<u8>>, i64, i64, String);

pub(super) async fn create_login(
    connection: &mut Conn,
    login: &Login,
    device: &NewDevice,
    admission: &Admission,
) -> Result<Begun, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    // Of two that begin at the same time, one sees the other.
    let user: Option<(i64,)> =
        first(&mut transaction, "SELECT id FROM users WHERE id = ? FOR UPDATE", (login.user_id.get(),))
            .await?;
    if user.is_none() {
        transaction.rollback().await?;
        return Err(Error::NoUser(login.user_id.get()).into());
    }
    if let Some((until_ms, reason)) = ban(&mut transaction, login.user_id, login.created_at_ms).await? {
        transaction.rollback().await?;
        return Ok(Begun::Banned(until_ms, reason));
    }
    let sql = "SELECT user_id FROM logins WHERE id = ?";
    let recorded: Option<(i64,)> = first(&mut transaction, sql, (login.id.as_bytes(),)).await?;
    if recorded.is_some() {
        transaction.rollback().await?;
        return Ok(Begun::Found);
    }
    // What this user left behind: nobody else clears it away.
    execute(
        &mut transaction,
        "DELETE FROM logins WHERE user_id = ? AND expires_at_ms <= ?",
        (login.user_id.get(), login.created_at_ms),
    )
    .await?;
    let begun = admit(admission, device.kind, &held(&mut transaction, login.user_id).await?);
    let Begun::Admitted { ended } = &begun else {
        transaction.rollback().await?;
        return Ok(begun);
    };
    delete(&mut transaction, ended).await?;
    execute(
        &mut transaction,
        "INSERT INTO logins (id, user_id, refresh_hash, cookie_hash, created_at_ms, expires_at_ms)
         VALUES (?, ?, ?, ?, ?, ?)",
        (
            login.id.as_bytes(),
            login.user_id.get(),
            &login.refresh_hash[..],
            login.cookie_hash.as_ref().map(|hash| &hash[..]),
            login.created_at_ms,
            login.expires_at_ms,
        ),
    )
    .await?;
    execute(
        &mut transaction,
        "INSERT INTO login_devices (login_id, device, kind, last_seen_ms) VALUES (?, ?, ?, ?)",
        (login.id.as_bytes(), &device.name, device.kind.number(), login.created_at_ms),
    )
    .await?;
    transaction.commit().await?;
    Ok(begun)
}

pub(super) async fn end_others(
    connection: &mut Conn,
    user: UserId,
    keep: &str,
) -> Result<Vec<String>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let _: Option<(i64,)> =
        first(&mut transaction, "SELECT id FROM users WHERE id = ? FOR UPDATE", (user.get(),)).await?;
    let ended = end_logins(&mut transaction, user.get(), keep).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Ends all log-ins of a user but one; answers those that were ended. The user's row is locked.
pub(super) async fn end_logins<Q: Queryable>(
    transaction: &mut Q,
    user: i64,
    keep: &str,
) -> Result<Vec<String>, Failure> {
    let sql = "SELECT id FROM logins WHERE user_id = ? AND id <> ? FOR UPDATE";
    let ids: Vec<(Vec<u8>,)> = rows(transaction, sql, (user, keep.as_bytes())).await?;
    let sql = "DELETE FROM logins WHERE user_id = ? AND id <> ?";
    execute(transaction, sql, (user, keep.as_bytes())).await?;
    ids.into_iter().map(|(id,)| ascii(id)).collect()
}

/// The log-ins of a user, the newest first.
async fn held<Q: Queryable>(transaction: &mut Q, user: UserId) -> Result<Vec<Held>, Failure> {
    let found: Vec<(Vec<u8>, i64)> = rows(
        transaction,
        "SELECT l.id, COALESCE(d.kind, 0) FROM logins l LEFT JOIN login_devices d ON d.login_id = l.id
         WHERE l.user_id = ? ORDER BY l.created_at_ms DESC, l.id",
        (user.get(),),
    )
    .await?;
    let held = |(id, kind)| Ok(Held { id: ascii(id)?, kind: DeviceKind::of_number(kind) });
    found.into_iter().map(held).collect()
}

async fn delete<Q: Queryable>(transaction: &mut Q, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::default();
    sql.raw("DELETE FROM logins WHERE id IN ");
    sql.separated("(", ids, |sql, id| {
        sql.bytes(id.as_bytes());
    });
    sql.raw(")").end();
    sql.run(transaction).await.map(drop)
}

pub(super) async fn login(
    connection: &mut Conn,
    id: &str,
    now_ms: i64,
) -> Result<Option<(Login, User)>, Failure> {
    let found: Option<WithName> = first(
        connection,
        "SELECT l.id, l.user_id, l.refresh_hash, l.cookie_hash, l.created_at_ms, l.expires_at_ms, u.username
         FROM logins l JOIN users u ON u.id = l.user_id WHERE l.id = ? AND l.expires_at_ms > ?",
        (id.as_bytes(), now_ms),
    )
    .await?;
    found.map(with_user).transpose()
}

pub(super) async fn live_logins(
    connection: &mut Conn,
    ids: &[Arc<str>],
    now_ms: i64,
) -> Result<Vec<Option<UserId>>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT id, user_id FROM logins WHERE id IN ");
    sql.separated("(", ids, |sql, id| {
        sql.bytes(id.as_bytes());
    });
    sql.raw(") AND expires_at_ms > ").int(now_ms).end();
    let found: Vec<(Vec<u8>, i64)> = sql.run(connection).await?.remove(0).typed()?;
    let owners: HashMap<Vec<u8>, i64> = found.into_iter().collect();
    ids.iter().map(|id| owners.get(id.as_bytes()).map(|owner| user(*owner)).transpose()).collect()
}

pub(super) async fn login_by_cookie(
    connection: &mut Conn,
    hash: &[u8; 32],
    now_ms: i64,
) -> Result<Option<(Login, User)>, Failure> {
    let found: Option<WithName> = first(
        connection,
        "SELECT l.id, l.user_id, l.refresh_hash, l.cookie_hash, l.created_at_ms, l.expires_at_ms, u.username
         FROM logins l JOIN users u ON u.id = l.user_id WHERE l.cookie_hash = ? AND l.expires_at_ms > ?",
        (&hash[..], now_ms),
    )
    .await?;
    found.map(with_user).transpose()
}

pub(super) async fn rotate_refresh(
    connection: &mut Conn,
    old: &[u8; 32],
    new: &[u8; 32],
    now_ms: i64,
    expires_at_ms: i64,
) -> Result<Rotation, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let live: Option<Columns> = first(
        &mut transaction,
        "SELECT id, user_id, refresh_hash, cookie_hash, created_at_ms, expires_at_ms
         FROM logins WHERE refresh_hash = ? AND expires_at_ms > ? FOR UPDATE",
        (&old[..], now_ms),
    )
    .await?;
    let outcome = if let Some(columns) = live {
        let login = read(columns)?;
        let id = login.id.as_bytes();
        execute(
            &mut transaction,
            "DELETE FROM spent_refreshes WHERE login_id = ? AND expires_at_ms <= ?",
            (id, now_ms),
        )
        .await?;
        execute(
            &mut transaction,
            "INSERT INTO spent_refreshes (refresh_hash, login_id, expires_at_ms) VALUES (?, ?, ?)",
            (&old[..], id, login.expires_at_ms),
        )
        .await?;
        execute(
            &mut transaction,
            "UPDATE logins SET refresh_hash = ?, expires_at_ms = ? WHERE id = ?",
            (&new[..], expires_at_ms, id),
        )
        .await?;
        Rotation::Rotated(Login { refresh_hash: *new, expires_at_ms, ..login })
    } else if let Some(columns) = made(&mut transaction, new).await? {
        Rotation::Rotated(read(columns)?)
    } else {
        let spent: Option<(Vec<u8>, i64)> = first(
            &mut transaction,
            "SELECT s.login_id, l.user_id FROM spent_refreshes s JOIN logins l ON l.id = s.login_id
             WHERE s.refresh_hash = ? AND s.expires_at_ms > ?",
            (&old[..], now_ms),
        )
        .await?;
        match spent {
            Some((id, user_id)) => {
                let (_, ended) = execute(
                    &mut transaction,
                    "DELETE FROM logins WHERE id = ? AND expires_at_ms > ?",
                    (&id, now_ms),
                )
                .await?;
                if ended > 0 {
                    Rotation::Reused { login_id: ascii(id)?, user_id: user(user_id)? }
                } else {
                    Rotation::Unknown
                }
            }
            None => Rotation::Unknown,
        }
    };
    transaction.commit().await?;
    Ok(outcome)
}

/// The log-in that an earlier attempt gave this token, which nobody else has.
async fn made<Q: Queryable>(transaction: &mut Q, new: &[u8; 32]) -> Result<Option<Columns>, Failure> {
    let sql = "SELECT id, user_id, refresh_hash, cookie_hash, created_at_ms, expires_at_ms
         FROM logins WHERE refresh_hash = ?";
    first(transaction, sql, (&new[..],)).await
}

pub(super) async fn end_login(connection: &mut Conn, id: &str, user: UserId) -> Result<bool, Failure> {
    let sql = "DELETE FROM logins WHERE id = ? AND user_id = ?";
    let (_, ended) = execute(connection, sql, (id.as_bytes(), user.get())).await?;
    Ok(ended > 0)
}

pub(super) async fn signing_keys(
    connection: &mut Conn,
    candidate: &SigningKey,
) -> Result<Vec<SigningKey>, Failure> {
    let keys = all_keys(connection).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    // A row that is always there, so that of many nodes at their first start one inserts.
    let _: Option<(i64,)> =
        first(&mut transaction, "SELECT version FROM schema_migrations WHERE version = ? FOR UPDATE", (1,))
            .await?;
    execute(
        &mut transaction,
        "INSERT INTO signing_keys (id, secret, created_at_ms)
         SELECT ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
        (candidate.id.as_bytes(), &candidate.secret[..], candidate.created_at_ms),
    )
    .await?;
    transaction.commit().await?;
    all_keys(connection).await
}

async fn all_keys(connection: &mut Conn) -> Result<Vec<SigningKey>, Failure> {
    let keys: Vec<(Vec<u8>, Vec<u8>, i64)> = rows(
        connection,
        "SELECT id, secret, created_at_ms FROM signing_keys ORDER BY created_at_ms DESC, id",
        (),
    )
    .await?;
    keys.into_iter()
        .map(|(id, secret, created_at_ms)| Ok(SigningKey { id: ascii(id)?, secret, created_at_ms }))
        .collect()
}

fn read((id, user_id, refresh, cookie, created_at_ms, expires_at_ms): Columns) -> Result<Login, Failure> {
    Ok(Login {
        id: ascii(id)?,
        user_id: user(user_id)?,
        refresh_hash: hash(&refresh)?,
        cookie_hash: cookie.as_deref().map(hash).transpose()?,
        created_at_ms,
        expires_at_ms,
    })
}

fn with_user(row: WithName) -> Result<(Login, User), Failure> {
    let (id, user_id, refresh, cookie, created_at_ms, expires_at_ms, username) = row;
    let login = read((id, user_id, refresh, cookie, created_at_ms, expires_at_ms))?;
    Ok((login, User { id: user_id, username }))
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], Failure> {
    bytes.try_into().map_err(|_| Error::Internal("a hash is not 32 bytes long".into()).into())
}

pub(super) fn user(id: i64) -> Result<UserId, Failure> {
    UserId::new(id).ok_or_else(|| Error::Internal(format!("user id {id}")).into())
}

pub(super) fn ascii(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Error::Internal("an id is not text".into()).into())
}
