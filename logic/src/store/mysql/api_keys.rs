//! Keys of servers.

use mysql_async::{Conn, Row};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::sql::{column, execute, first, rows};
use super::store::pooled;
use crate::policy::keys::KeyScope;
use crate::store::{ApiKey, ApiKeys, Error, NewApiKey};

const SELECT: &str = "SELECT k.id, k.name, k.prefix, k.scopes, k.user_id, COALESCE(u.username, ''), k.creator_id, \
     k.created_at_ms, k.expires_at_ms, k.used_at_ms FROM api_keys k LEFT JOIN users u ON u.id = k.user_id";

#[async_trait]
impl ApiKeys for MysqlStore {
    async fn create_api_key(&self, new: &NewApiKey) -> Result<Option<ApiKey>, Error> {
        pooled!(self, |connection| create(connection, new))
    }

    async fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Error> {
        pooled!(self, |connection| by_hash(connection, hash, now_ms))
    }

    async fn note_api_key(&self, id: i64, now_ms: i64) -> Result<(), Error> {
        pooled!(self, |connection| note(connection, id, now_ms))
    }

    async fn api_keys(&self, limit: u32) -> Result<Vec<ApiKey>, Error> {
        pooled!(self, |connection| all(connection, limit))
    }

    async fn revoke_api_key(&self, id: i64) -> Result<bool, Error> {
        pooled!(self, |connection| revoke(connection, id))
    }
}

async fn create(connection: &mut Conn, new: &NewApiKey) -> Result<Option<ApiKey>, Failure> {
    // Of keys made at the same moment on two nodes one may be too many; that does no harm.
    let (id, inserted) = execute(
        connection,
        "INSERT INTO api_keys (name, prefix, key_hash, scopes, user_id, creator_id, created_at_ms, expires_at_ms)
         SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL WHERE (SELECT COUNT(*) FROM api_keys held) < ?",
        (
            &new.name,
            new.prefix.as_bytes(),
            &new.hash[..],
            KeyScope::join(&new.scopes).into_bytes(),
            new.user.map_or(0, UserId::get),
            new.creator_id,
            new.now_ms,
            new.expires_at_ms,
            new.keys_max,
        ),
    )
    .await?;
    if inserted == 0 {
        return Ok(None);
    }
    first::<_, Row>(connection, &format!("{SELECT} WHERE k.id = ?"), (id,)).await?.map(read).transpose()
}

async fn by_hash(connection: &mut Conn, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Failure> {
    let sql = format!(
        "{SELECT} LEFT JOIN departures d ON d.user_id = k.user_id
         LEFT JOIN sanctions s ON s.kind = 1 AND s.user_id = k.user_id AND (s.until_ms = 0 OR s.until_ms > ?)
         WHERE k.key_hash = ? AND (k.expires_at_ms = 0 OR k.expires_at_ms > ?)
         AND d.user_id IS NULL AND s.user_id IS NULL"
    );
    first::<_, Row>(connection, &sql, (now_ms, &hash[..], now_ms)).await?.map(read).transpose()
}

async fn note(connection: &mut Conn, id: i64, now_ms: i64) -> Result<(), Failure> {
    let sql = "UPDATE api_keys SET used_at_ms = ? WHERE id = ? AND used_at_ms < ?";
    execute(connection, sql, (now_ms, id, now_ms)).await.map(drop)
}

async fn all(connection: &mut Conn, limit: u32) -> Result<Vec<ApiKey>, Failure> {
    let found: Vec<Row> = rows(connection, &format!("{SELECT} ORDER BY k.id LIMIT ?"), (limit,)).await?;
    found.into_iter().map(read).collect()
}

async fn revoke(connection: &mut Conn, id: i64) -> Result<bool, Failure> {
    let (_, rows) = execute(connection, "DELETE FROM api_keys WHERE id = ?", (id,)).await?;
    Ok(rows > 0)
}

fn read(mut row: Row) -> Result<ApiKey, Failure> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let user: i64 = column(&mut row, 4)?;
    let username: String = column(&mut row, 5)?;
    Ok(ApiKey {
        id: column(&mut row, 0)?,
        name: column(&mut row, 1)?,
        prefix: text(column(&mut row, 2)?),
        scopes: KeyScope::split(&text(column(&mut row, 3)?)),
        user: (user > 0).then_some(User { id: user, username }),
        creator_id: column(&mut row, 6)?,
        created_at_ms: column(&mut row, 7)?,
        expires_at_ms: column(&mut row, 8)?,
        used_at_ms: column(&mut row, 9)?,
    })
}
