//! Who is online.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::Code;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::Presence;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::door::Door;
use super::input::Query;
use super::refused::Refused;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AskPresence {
    /// Ids of users, with commas between.
    #[param(example = "3,9")]
    users: String,
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
}

/// Who is online of those asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = UsersPresence)]
pub(super) struct UsersPresenceView {
    users: Vec<PresenceView>,
}

impl From<Presence> for PresenceView {
    fn from(Presence { user_id, online, last_seen_ms }: Presence) -> Self {
        Self { id: user_id.to_string(), online, last_seen_ms }
    }
}

/// Tells who of these users is online: at most `logic.presence.users_max`.
#[utoipa::path(get, path = "/api/presence", operation_id = "presence", tag = "accounts", params(AskPresence),
    responses((status = 200, description = "In the order asked for", body = UsersPresenceView)))]
pub(super) async fn presence(
    State(door): State<Arc<Door>>,
    _: Caller,
    Query(ask): Query<AskPresence>,
) -> Result<JsonReply<UsersPresenceView>, Refused> {
    let ids: Result<Vec<UserId>, _> = ask.users.split(',').map(|id| id.trim().parse()).collect();
    let ids =
        ids.map_err(|_| Refused::new(Code::InvalidField, "users: ids with commas between, such as 3,9"))?;
    let users = door.app.presence.asked(&ids).await?;
    Ok(JsonReply(UsersPresenceView { users: users.into_iter().map(PresenceView::from).collect() }))
}
