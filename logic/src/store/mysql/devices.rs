//! What log-ins and users are seen by.

use mysql_async::Conn;
use oort_api::ids::UserId;

use super::failure::Failure;
use super::logins::{ascii, user};
use super::sql::{Sql, rows};
use crate::store::{Device, DeviceKind, Sightings};

pub(super) async fn of_user(
    connection: &mut Conn,
    user: UserId,
    now_ms: i64,
    limit: u32,
) -> Result<Vec<Device>, Failure> {
    let found: Vec<(Vec<u8>, String, i64, i64, i64)> = rows(
        connection,
        "SELECT l.id, COALESCE(d.device, ''), COALESCE(d.kind, 0), l.created_at_ms,
                GREATEST(l.created_at_ms, COALESCE(d.last_seen_ms, 0))
         FROM logins l LEFT JOIN login_devices d ON d.login_id = l.id
         WHERE l.user_id = ? AND l.expires_at_ms > ? ORDER BY l.created_at_ms DESC, l.id LIMIT ?",
        (user.get(), now_ms, limit),
    )
    .await?;
    let device = |(id, name, kind, created_at_ms, last_seen_ms)| {
        let kind = DeviceKind::of_number(kind);
        Ok(Device { login_id: ascii(id)?, name, kind, created_at_ms, last_seen_ms })
    };
    found.into_iter().map(device).collect()
}

/// One packet: nothing holds a lock between two round trips.
pub(super) async fn note_seen(connection: &mut Conn, seen: &Sightings) -> Result<(), Failure> {
    let mut sql = Sql::default();
    if !seen.logins.is_empty() {
        // IGNORE passes over log-ins that ended meanwhile.
        sql.raw("INSERT IGNORE INTO login_devices (login_id, device, last_seen_ms) VALUES ");
        sql.separated("", &seen.logins, |sql, (id, at_ms)| {
            sql.raw("(").bytes(id.as_bytes()).raw(",'',").int(*at_ms).raw(")");
        });
        sql.raw(" ON DUPLICATE KEY UPDATE last_seen_ms = GREATEST(last_seen_ms, VALUES(last_seen_ms))").end();
    }
    if !seen.users.is_empty() {
        sql.raw("INSERT IGNORE INTO users_seen (user_id, last_seen_ms) VALUES ");
        sql.separated("", &seen.users, |sql, (id, at_ms)| {
            sql.raw("(").int(id.get()).raw(",").int(*at_ms).raw(")");
        });
        sql.raw(" ON DUPLICATE KEY UPDATE last_seen_ms = GREATEST(last_seen_ms, VALUES(last_seen_ms))").end();
    }
    if sql.len() > 0 {
        sql.run(connection).await?;
    }
    Ok(())
}

pub(super) async fn last_seen(
    connection: &mut Conn,
    users: &[UserId],
) -> Result<Vec<(UserId, i64)>, Failure> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT user_id, last_seen_ms FROM users_seen WHERE user_id IN ");
    sql.list(users.iter().map(|id| id.get())).end();
    let Some(set) = sql.run(connection).await?.pop() else { return Ok(Vec::new()) };
    let found: Vec<(i64, i64)> = set.typed()?;
    found.into_iter().map(|(id, at_ms)| Ok((user(id)?, at_ms))).collect()
}
