//! Keys of servers.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tonic::async_trait;

use super::SqliteStore;
use super::sanctions::ban;
use crate::policy::keys::KeyScope;
use crate::store::{ApiKey, ApiKeys, Error, NewApiKey};

const SELECT: &str =
    "SELECT k.id, k.name, k.prefix, k.scopes, k.user_id, COALESCE(u.username, ''), k.creator_id,
            k.created_at_ms, k.expires_at_ms, k.used_at_ms
     FROM api_keys k LEFT JOIN users u ON u.id = k.user_id";

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn create_api_key(&self, new: &NewApiKey) -> Result<Option<ApiKey>, Error> {
        let new = new.clone();
        self.write(move |connection| create(connection, &new)).await
    }

    async fn api_key(&self, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Error> {
        let hash = *hash;
        self.read(move |connection| by_hash(connection, &hash, now_ms)).await
    }

    async fn note_api_key(&self, id: i64, now_ms: i64) -> Result<(), Error> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE api_keys SET used_at_ms = ?1 WHERE id = ?2 AND used_at_ms < ?1")?
                .execute([now_ms, id])?;
            Ok(())
        })
        .await
    }

    async fn api_keys(&self, limit: u32) -> Result<Vec<ApiKey>, Error> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(&format!("{SELECT} ORDER BY k.id LIMIT ?"))?;
            let rows = select.query_map([limit], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn revoke_api_key(&self, id: i64) -> Result<bool, Error> {
        self.write(move |connection| {
            Ok(connection.prepare_cached("DELETE FROM api_keys WHERE id = ?")?.execute([id])? > 0)
        })
        .await
    }
}

fn create(connection: &mut Connection, new: &NewApiKey) -> Result<Option<ApiKey>, Error> {
    let transaction = connection.transaction()?;
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO api_keys (name, prefix, key_hash, scopes, user_id, creator_id, created_at_ms, expires_at_ms)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT COUNT(*) FROM api_keys) < ?9",
        )?
        .execute(params![
            new.name,
            new.prefix,
            new.hash,
            KeyScope::join(&new.scopes),
            new.user.map_or(0, UserId::get),
            new.creator_id,
            new.now_ms,
            new.expires_at_ms,
            new.keys_max
        ])?;
    if inserted == 0 {
        return Ok(None);
    }
    let id = transaction.last_insert_rowid();
    let key = transaction.prepare_cached(&format!("{SELECT} WHERE k.id = ?"))?.query_row([id], read)?;
    transaction.commit()?;
    Ok(Some(key))
}

fn by_hash(connection: &Connection, hash: &[u8; 32], now_ms: i64) -> Result<Option<ApiKey>, Error> {
    let sql = format!(
        "{SELECT} LEFT JOIN departures d ON d.user_id = k.user_id
         WHERE k.key_hash = ? AND (k.expires_at_ms = 0 OR k.expires_at_ms > ?) AND d.user_id IS NULL"
    );
    let found = connection.prepare_cached(&sql)?.query_row(params![hash, now_ms], read).optional()?;
    let user = found.as_ref().and_then(|key| UserId::new(key.user.as_ref()?.id));
    let is_banned = match user {
        Some(user) => ban(connection, user, now_ms)?.is_some(),
        None => false,
    };
    Ok(found.filter(|_| !is_banned))
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let (scopes, user): (String, i64) = (row.get(3)?, row.get(4)?);
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        prefix: row.get(2)?,
        scopes: KeyScope::split(&scopes),
        user: (user > 0).then_some(User { id: user, username: row.get(5)? }),
        creator_id: row.get(6)?,
        created_at_ms: row.get(7)?,
        expires_at_ms: row.get(8)?,
        used_at_ms: row.get(9)?,
    })
}
