//! Operators and their audit.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::failure::Failure;
use super::sql::{execute, first, rows};
use crate::policy::operators::OperatorRole;
use crate::store::{Audit, Error, NewAudit, Operator};

pub(super) async fn grant(
    connection: &mut Conn,
    user: UserId,
    role: OperatorRole,
    now_ms: i64,
) -> Result<bool, Failure> {
    // In this order: what is set first is what the second looks at.
    let sql = "INSERT INTO operators (user_id, granted_at_ms, role) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE
               granted_at_ms = IF(role = VALUES(role), granted_at_ms, VALUES(granted_at_ms)), role = VALUES(role)";
    match execute(connection, sql, (user.get(), now_ms, role.stored())).await {
        Ok((_, rows)) => Ok(rows > 0),
        Err(failure) if failure.no_parent() => Err(Error::NoUser(user.get()).into()),
        Err(failure) => Err(failure),
    }
}

pub(super) async fn revoke<Q: Queryable>(connection: &mut Q, user: UserId) -> Result<bool, Failure> {
    let (_, rows) = execute(connection, "DELETE FROM operators WHERE user_id = ?", (user.get(),)).await?;
    Ok(rows > 0)
}

pub(super) async fn role(connection: &mut Conn, user: UserId) -> Result<Option<OperatorRole>, Failure> {
    let found: Option<(i64,)> =
        first(connection, "SELECT role FROM operators WHERE user_id = ?", (user.get(),)).await?;
    Ok(found.map(|(role,)| OperatorRole::of(role)))
}

pub(super) async fn operators(connection: &mut Conn, limit: u32) -> Result<Vec<Operator>, Failure> {
    let found: Vec<(i64, String, i64, i64)> = rows(
        connection,
        "SELECT o.user_id, u.username, o.granted_at_ms, o.role FROM operators o JOIN users u ON u.id = o.user_id
         ORDER BY o.user_id LIMIT ?",
        (limit,),
    )
    .await?;
    let operator = |(id, username, granted_at_ms, role)| Operator {
        user: User { id, username },
        role: OperatorRole::of(role),
        granted_at_ms,
    };
    Ok(found.into_iter().map(operator).collect())
}

pub(super) async fn add_audit<Q: Queryable>(connection: &mut Q, audit: &NewAudit) -> Result<i64, Failure> {
    let NewAudit { at_ms, actor_id, action, subject, details } = audit;
    let (id, _) = execute(
        connection,
        "INSERT INTO audit (at_ms, actor_id, action, subject, details) VALUES (?, ?, ?, ?, ?)",
        (at_ms, actor_id, action, subject, details),
    )
    .await?;
    Ok(id)
}

pub(super) async fn audit(connection: &mut Conn, before: i64, limit: u32) -> Result<Vec<Audit>, Failure> {
    let found: Vec<(i64, i64, i64, String, String, String, String)> = rows(
        connection,
        "SELECT a.id, a.at_ms, a.actor_id, COALESCE(u.username, ''), a.action, a.subject, a.details
         FROM audit a LEFT JOIN users u ON u.id = a.actor_id WHERE a.id < ? ORDER BY a.id DESC LIMIT ?",
        (before, limit),
    )
    .await?;
    let audit = |(id, at_ms, actor_id, actor_name, action, subject, details)| Audit {
        id,
        at_ms,
        actor_id,
        actor_name,
        action,
        subject,
        details,
    };
    Ok(found.into_iter().map(audit).collect())
}
