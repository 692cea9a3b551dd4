//! Operators and their audit.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::foreign_key;
use crate::policy::operators::OperatorRole;
use crate::store::{Audit, Error, NewAudit, Operator};

pub(super) fn grant(
    connection: &Connection,
    user: UserId,
    role: OperatorRole,
    now_ms: i64,
) -> Result<bool, Error> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO operators (user_id, granted_at_ms, role) VALUES (?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE SET granted_at_ms = excluded.granted_at_ms, role = excluded.role
             WHERE role <> excluded.role",
        )?
        .execute(params![user.get(), now_ms, role.stored()]);
    match inserted {
        Ok(rows) => Ok(rows > 0),
        Err(error) if foreign_key(&error) => Err(Error::NoUser(user.get())),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn revoke(connection: &Connection, user: UserId) -> Result<bool, Error> {
    let rows = connection.prepare_cached("DELETE FROM operators WHERE user_id = ?")?.execute([user.get()])?;
    Ok(rows > 0)
}

pub(super) fn role(connection: &Connection, user: UserId) -> Result<Option<OperatorRole>, Error> {
    let found = connection
        .prepare_cached("SELECT role FROM operators WHERE user_id = ?")?
        .query_row([user.get()], |row| row.get(0).map(OperatorRole::of));
    Ok(found.optional()?)
}

pub(super) fn operators(connection: &Connection, limit: u32) -> Result<Vec<Operator>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT o.user_id, u.username, o.granted_at_ms, o.role FROM operators o JOIN users u ON u.id = o.user_id
         ORDER BY o.user_id LIMIT ?",
    )?;
    let rows = select.query_map([limit], |row| {
        Ok(Operator {
            user: User { id: row.get(0)?, username: row.get(1)? },
            granted_at_ms: row.get(2)?,
            role: OperatorRole::of(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn add_audit(connection: &Connection, audit: &NewAudit) -> Result<i64, Error> {
    let id = connection
        .prepare_cached(
            "INSERT INTO audit (at_ms, actor_id, action, subject, details) VALUES (?, ?, ?, ?, ?)",
        )?
        .insert(params![audit.at_ms, audit.actor_id, audit.action, audit.subject, audit.details])?;
    Ok(id)
}

pub(super) fn audit(connection: &Connection, before: i64, limit: u32) -> Result<Vec<Audit>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT a.id, a.at_ms, a.actor_id, COALESCE(u.username, ''), a.action, a.subject, a.details
         FROM audit a LEFT JOIN users u ON u.id = a.actor_id WHERE a.id < ? ORDER BY a.id DESC LIMIT ?",
    )?;
    let rows = select.query_map(params![before, limit], |row| {
        Ok(Audit {
            id: row.get(0)?,
            at_ms: row.get(1)?,
            actor_id: row.get(2)?,
            actor_name: row.get(3)?,
            action: row.get(4)?,
            subject: row.get(5)?,
            details: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
