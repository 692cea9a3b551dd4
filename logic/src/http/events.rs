//! What changed for the caller while a device was away.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::pb::oort::v1::UserEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::conversations::ConversationsView;
use super::door::Door;
use super::input::Query;
use super::refused::Refused;
use crate::events::Missed;

/// Events in a page when the request does not say.
const PAGE: u32 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListEvents {
    /// Only events after this seq.
    #[serde(default)]
    after: i64,
    /// Most events to answer with.
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct Since {
    /// Newest messages wanted of each conversation.
    #[serde(default)]
    latest: u32,
    /// The `cursor` of an earlier list of conversations.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    since: String,
    /// Only events after this seq.
    #[serde(default)]
    events_after: i64,
}

/// Something that changed for the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
struct EventView {
    /// 1, 2, 3, … for each user.
    seq: i64,
    /// ms since the epoch.
    at: i64,
    /// What happened; see docs/events.md. Pass over what you do not know.
    kind: String,
    #[schema(value_type = Object)]
    data: Value,
}

/// Events of the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Events)]
pub(super) struct EventsView {
    /// Oldest first.
    events: Vec<EventView>,
    /// seq of the newest one.
    head: i64,
    /// There is more after these.
    has_more: bool,
    /// Some after the place asked for are no longer kept: read your lists anew.
    truncated: bool,
}

/// Everything that changed.
#[derive(Serialize, ToSchema)]
#[schema(as = Changes)]
pub(super) struct SyncView {
    #[serde(flatten)]
    conversations: ConversationsView,
    events: EventsView,
}

impl From<UserEvent> for EventView {
    fn from(event: UserEvent) -> Self {
        let data = serde_json::from_str(&event.data).unwrap_or_default();
        Self { seq: event.seq, at: event.at_ms, kind: event.kind, data }
    }
}

impl From<Missed> for EventsView {
    fn from(missed: Missed) -> Self {
        Self {
            events: missed.events.into_iter().map(EventView::from).collect(),
            head: missed.head,
            has_more: missed.has_more,
            truncated: missed.is_truncated,
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new().routes(routes!(list_events)).routes(routes!(sync))
}

/// Lists what changed for the caller beside messages, oldest first.
#[utoipa::path(get, path = "/api/events", operation_id = "listEvents", tag = "events", params(ListEvents),
    responses((status = 200, description = "A page of events", body = EventsView)))]
async fn list_events(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(query): Query<ListEvents>,
) -> Result<JsonReply<EventsView>, Refused> {
    let missed = door.app.events.after(caller.id, query.after, query.limit.unwrap_or(PAGE)).await?;
    Ok(JsonReply(missed.into()))
}

/// Everything that changed since: the conversations with their newest messages, and the caller's events.
#[utoipa::path(get, path = "/api/sync", operation_id = "sync", tag = "events", params(Since),
    responses((status = 200, description = "What changed", body = SyncView)))]
async fn sync(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(query): Query<Since>,
) -> Result<JsonReply<SyncView>, Refused> {
    // Events first: what they tell of shows in a list that is read later.
    let missed = door.app.events.after(caller.id, query.events_after, PAGE).await?;
    let listing = door.app.conversations.list(caller.id, query.latest, &query.since).await?;
    Ok(JsonReply(SyncView { conversations: listing.into(), events: missed.into() }))
}
