//! What log-ins and users are seen by.

use oort_api::ids::UserId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{Device, DeviceKind, Error, Sightings};

pub(super) fn of_user(
    connection: &Connection,
    user: UserId,
    now_ms: i64,
    limit: u32,
) -> Result<Vec<Device>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT l.id, COALESCE(d.device, ''), COALESCE(d.kind, 0), l.created_at_ms,
                MAX(l.created_at_ms, COALESCE(d.last_seen_ms, 0))
         FROM logins l LEFT JOIN login_devices d ON d.login_id = l.id
         WHERE l.user_id = ? AND l.expires_at_ms > ? ORDER BY l.created_at_ms DESC, l.id LIMIT ?",
    )?;
    let rows = select.query_map(params![user.get(), now_ms, limit], |row| {
        Ok(Device {
            login_id: row.get(0)?,
            name: row.get(1)?,
            kind: DeviceKind::of_number(row.get(2)?),
            created_at_ms: row.get(3)?,
            last_seen_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn note_seen(connection: &mut Connection, seen: &Sightings) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    {
        // Only of log-ins and users that are there.
        let mut login = transaction.prepare_cached(
            "INSERT INTO login_devices (login_id, device, last_seen_ms) SELECT id, '', ?2 FROM logins WHERE id = ?1
             ON CONFLICT (login_id) DO UPDATE SET last_seen_ms = MAX(last_seen_ms, excluded.last_seen_ms)",
        )?;
        for (id, at_ms) in &seen.logins {
            login.execute(params![id, at_ms])?;
        }
        let mut user = transaction.prepare_cached(
            "INSERT INTO users_seen (user_id, last_seen_ms) SELECT id, ?2 FROM users WHERE id = ?1
             ON CONFLICT (user_id) DO UPDATE SET last_seen_ms = MAX(last_seen_ms, excluded.last_seen_ms)",
        )?;
        for (id, at_ms) in &seen.users {
            user.execute(params![id.get(), at_ms])?;
        }
    }
    Ok(transaction.commit()?)
}

pub(super) fn last_seen(connection: &Connection, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
    let mut select = connection.prepare_cached("SELECT last_seen_ms FROM users_seen WHERE user_id = ?")?;
    let mut found = Vec::new();
    for user in users {
        if let Some(at_ms) = select.query_row([user.get()], |row| row.get(0)).optional()? {
            found.push((*user, at_ms));
        }
    }
    Ok(found)
}
