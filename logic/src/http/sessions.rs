//! The log-ins of the caller, one per device.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::directory::LoginTag;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::cookie;
use super::door::Door;
use super::input::Path;
use super::refused::Refused;
use crate::store::Device;

/// A log-in as its owner sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogIn)]
pub(super) struct LogInView {
    id: String,
    /// What its client is called; may be empty.
    device: String,
    /// `web`, `phone`, `tablet`, `desktop` or `other`.
    device_kind: &'static str,
    /// ms since the epoch.
    created_at_ms: i64,
    /// ms since the epoch, about; now while it has a connection.
    last_seen_ms: i64,
    /// The one this request was made with.
    current: bool,
}

/// Log-ins, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = LogIns)]
pub(super) struct LogInsView {
    sessions: Vec<LogInView>,
}

/// Lists the caller's log-ins: the newest first, at most `logic.accounts.logins_listed_max`.
#[utoipa::path(get, path = "/api/sessions", operation_id = "listSessions", tag = "accounts",
    responses((status = 200, description = "The newest first", body = LogInsView)))]
pub(super) async fn list_sessions(
    State(door): State<Arc<Door>>,
    caller: Caller,
) -> Result<JsonReply<LogInsView>, Refused> {
    let devices = door.app.accounts.devices(caller.id).await?;
    // Soft state: the list is right without it, only less fresh.
    let connected = door.app.directory.sessions(caller.id).await.unwrap_or_default();
    let connected: HashSet<LoginTag> = connected.into_iter().filter_map(|session| session.login).collect();
    let view = |Device { login_id, name, kind, created_at_ms, last_seen_ms }| LogInView {
        last_seen_ms: if connected.contains(&LoginTag::of(&login_id)) { now_ms() } else { last_seen_ms },
        current: *login_id == *caller.identity.login_id,
        id: login_id,
        device: name,
        device_kind: kind.as_str(),
        created_at_ms,
    };
    Ok(JsonReply(LogInsView { sessions: devices.into_iter().map(view).collect() }))
}

/// Ends a log-in of the caller, and the connections it opened.
#[utoipa::path(delete, path = "/api/sessions/{id}", operation_id = "endSessionById", tag = "accounts",
    params(("id" = String, Path, description = "As listed")),
    responses((status = 204, description = "Ended")))]
pub(super) async fn end_session_of(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    if !door.app.accounts.end(caller.id, &id).await? {
        return Err(Refused::new(Code::NotFound, "you have no such log-in; it may have ended"));
    }
    let is_current = *id == *caller.identity.login_id;
    if !is_current {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(&door.config))]).into_response())
}

/// How many log-ins were ended.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedLogIns)]
pub(super) struct EndedView {
    ended: usize,
}

/// Ends all log-ins of the caller but the one this request is made with, and the connections they opened.
#[utoipa::path(delete, path = "/api/sessions", operation_id = "endOtherSessions", tag = "accounts",
    responses((status = 200, description = "Ended", body = EndedView)))]
pub(super) async fn end_others(
    State(door): State<Arc<Door>>,
    caller: Caller,
) -> Result<JsonReply<EndedView>, Refused> {
    Ok(JsonReply(EndedView { ended: door.app.accounts.end_others(&caller.identity).await? }))
}
