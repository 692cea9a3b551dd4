//! Conversations of the caller: the list, open rooms, direct ones.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::ConversationKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Query};
use super::refused::Refused;
use super::views::ConversationView;
use crate::conversations::Listing;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListConversations {
    /// Newest messages wanted of each.
    #[serde(default)]
    latest: u32,
    /// The `cursor` of an earlier answer, for what changed since; without one,
    /// or with one that is not known, everything comes.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    since: String,
}

/// Conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversations)]
pub(super) struct ConversationsView {
    conversations: Vec<ConversationView>,
    /// Names this reading, for `since`: at most 64 characters.
    cursor: String,
    /// `conversations` has only what changed since; keep the others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// Partial only, when conversations came or went: the ids of all. Drop the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
}

impl From<Listing> for ConversationsView {
    fn from(listing: Listing) -> Self {
        let ids = || listing.places.iter().map(|place| place.conversation.to_string()).collect();
        Self {
            ids: listing.set_changed.then(ids),
            conversations: listing.conversations.into_iter().map(ConversationView::from).collect(),
            cursor: listing.cursor,
            partial: listing.partial,
        }
    }
}

/// Open rooms.
#[derive(Serialize, ToSchema)]
#[schema(as = Rooms)]
pub(super) struct RoomsView {
    rooms: Vec<ConversationView>,
}

/// A room to create.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewRoom {
    /// Unique among open rooms.
    name: String,
}

/// A direct conversation to have.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewDirect {
    /// The other user.
    #[schema(value_type = String, example = "7")]
    user_id: UserId,
}

/// Lists the caller's conversations, open rooms, groups and direct ones, by id: all, or what changed since.
#[utoipa::path(get, path = "/api/conversations", operation_id = "listConversations", tag = "conversations", params(ListConversations),
    responses((status = 200, description = "All of them, or those that changed", body = ConversationsView)))]
pub(super) async fn list_conversations(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(query): Query<ListConversations>,
) -> Result<JsonReply<ConversationsView>, Refused> {
    let listing = door.app.conversations.list(caller.id, query.latest, &query.since).await?;
    Ok(JsonReply(listing.into()))
}

/// Lists the open rooms, by id.
#[utoipa::path(get, path = "/api/rooms", operation_id = "listRooms", tag = "conversations",
    responses((status = 200, description = "Open rooms", body = RoomsView)))]
pub(super) async fn list_rooms(
    State(door): State<Arc<Door>>,
    caller: Caller,
) -> Result<JsonReply<RoomsView>, Refused> {
    let conversations = door.app.conversations.list(caller.id, 0, "").await?.conversations;
    let rooms =
        conversations.into_iter().filter(|conversation| conversation.kind() == ConversationKind::Room);
    Ok(JsonReply(RoomsView { rooms: rooms.map(ConversationView::from).collect() }))
}

/// Creates an open room; everyone is in it.
#[utoipa::path(post, path = "/api/rooms", operation_id = "createRoom", tag = "conversations", request_body = NewRoom,
    responses((status = 201, description = "Created", body = ConversationView)))]
pub(super) async fn create_room(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(new): Json<NewRoom>,
) -> Result<(StatusCode, JsonReply<ConversationView>), Refused> {
    let room = door.app.conversations.create_room(&caller.identity.user, &new.name).await?;
    Ok((StatusCode::CREATED, JsonReply(ConversationView::of(room, None))))
}

/// The direct conversation with another user; created when there is none.
#[utoipa::path(post, path = "/api/direct", operation_id = "openDirect", tag = "conversations", request_body = NewDirect,
    responses((status = 200, description = "The conversation", body = ConversationView)))]
pub(super) async fn direct(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(new): Json<NewDirect>,
) -> Result<JsonReply<ConversationView>, Refused> {
    let peer = door.app.users.get(new.user_id).await?;
    let conversation = door.app.conversations.direct(&caller.identity.user, new.user_id).await?;
    Ok(JsonReply(ConversationView::of(conversation, Some(&peer))))
}
