//! Who is online.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::Code;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{Presence, PresentDevice};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, UsersRead};
use super::door::Door;
use super::input::{Json, Query};
use super::refused::Refused;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AskPresence {
    /// Ids of users, with commas between.
    #[param(example = "3,9")]
    users: String,
}

/// Users whose presence is wanted.
#[derive(Deserialize, ToSchema)]
#[schema(as = AskPresence)]
pub(super) struct AskPresenceOf {
    /// Their ids.
    #[schema(value_type = Vec<String>, example = json!(["3", "9"]))]
    users: Vec<UserId>,
}

/// A kind of device somebody is online with.
#[derive(Serialize, ToSchema)]
#[schema(as = PresentDevice)]
pub(super) struct DeviceView {
    /// `web`, `phone`, `tablet`, `desktop`, `other`, or what a client of the packet protocol says.
    kind: String,
    /// Every device of the kind is left alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    away: bool,
}

/// Whether a user is online.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserPresence)]
pub(super) struct PresenceView {
    id: String,
    online: bool,
    /// ms since the epoch, about; 0 = never, or not known.
    last_seen_ms: i64,
    /// Online, but every device is left alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    away: bool,
    /// The kinds of devices they are online with, each once, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<DeviceView>,
}

/// Who is online of those asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = UsersPresence)]
pub(super) struct UsersPresenceView {
    users: Vec<PresenceView>,
}

impl From<Presence> for PresenceView {
    fn from(Presence { user_id, online, last_seen_ms, away, devices }: Presence) -> Self {
        let device = |PresentDevice { kind, away }| DeviceView { kind, away };
        let devices = devices.into_iter().map(device).collect();
        Self { id: user_id.to_string(), online, last_seen_ms, away, devices }
    }
}

/// Tells who of these users is online: at most `logic.presence.users_max`.
#[utoipa::path(get, path = "/api/presence", operation_id = "presence", tag = "accounts", params(AskPresence),
    responses((status = 200, description = "In the order asked for", body = UsersPresenceView)))]
pub(super) async fn presence(
    State(door): State<Arc<Door>>,
    caller: Caller<UsersRead>,
    Query(ask): Query<AskPresence>,
) -> Result<JsonReply<UsersPresenceView>, Refused> {
    let ids: Result<Vec<UserId>, _> = ask.users.split(',').map(|id| id.trim().parse()).collect();
    let ids =
        ids.map_err(|_| Refused::new(Code::InvalidField, "users: ids with commas between, such as 3,9"))?;
    let users = door.app.presence.asked(caller.id, &ids).await?;
    Ok(JsonReply(UsersPresenceView { users: users.into_iter().map(PresenceView::from).collect() }))
}

/// As the other, for more users than fit into an address.
#[utoipa::path(post, path = "/api/presence", operation_id = "askPresence", tag = "accounts", request_body = AskPresenceOf,
    responses((status = 200, description = "In the order asked for", body = UsersPresenceView)))]
pub(super) async fn ask_presence(
    State(door): State<Arc<Door>>,
    caller: Caller<UsersRead>,
    Json(ask): Json<AskPresenceOf>,
) -> Result<JsonReply<UsersPresenceView>, Refused> {
    let users = door.app.presence.asked(caller.id, &ask.users).await?;
    Ok(JsonReply(UsersPresenceView { users: users.into_iter().map(PresenceView::from).collect() }))
}
