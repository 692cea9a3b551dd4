//! What operators did.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::operator::{Operator, See};
use crate::http::door::Door;
use crate::http::input::Query;
use crate::http::refused::Refused;
use crate::store::Audit;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListAudit {
    /// `next` of the page before.
    before: Option<String>,
    /// Most entries to answer with.
    limit: Option<u32>,
}

/// What operators did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(super) struct AuditPageView {
    entries: Vec<AuditView>,
    /// There are more; give this as `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Something an operator did, or tried to: it is written before it is done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Audit)]
struct AuditView {
    id: String,
    /// ms since the epoch.
    at_ms: i64,
    /// Who; `0` = the command line.
    actor_id: String,
    /// Their user name; empty = the command line.
    actor: String,
    /// `kick`, `ban`, `unban`, `mute`, `unmute`, `message_erased`, `group_changed`, `group_dissolved`, `member_removed`,
    /// `member_muted`, `broadcast`, `replay`, `operator_granted`, `operator_revoked`, `key_created`, `key_revoked`.
    action: String,
    /// To whom or what: a user id, `everyone`, or `conversation`, `message`, `group` or
    /// `key` and its id.
    subject: String,
    /// More, by action.
    #[schema(value_type = Object)]
    details: Value,
}

impl From<Audit> for AuditView {
    fn from(audit: Audit) -> Self {
        Self {
            id: audit.id.to_string(),
            at_ms: audit.at_ms,
            actor_id: audit.actor_id.to_string(),
            actor: audit.actor_name,
            action: audit.action,
            subject: audit.subject,
            details: serde_json::from_str(&audit.details).unwrap_or_default(),
        }
    }
}

/// Lists what operators did, newest first.
#[utoipa::path(get, path = "/api/admin/audit", operation_id = "adminAudit", tag = "admin", params(ListAudit),
    responses((status = 200, description = "Newest first", body = AuditPageView)))]
pub(super) async fn audit(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Query(query): Query<ListAudit>,
) -> Result<JsonReply<AuditPageView>, Refused> {
    let before = query.before.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| Refused::new(Code::InvalidField, "before: is not a number"))?;
    let (found, has_more) = door.app.operators.audit(before, query.limit).await?;
    let entries: Vec<AuditView> = found.into_iter().map(AuditView::from).collect();
    let next = entries.last().map(|entry| entry.id.clone()).filter(|_| has_more);
    Ok(JsonReply(AuditPageView { entries, next }))
}
