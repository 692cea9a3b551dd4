//! How far users have got in conversations.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::CursorEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Path};
use super::refused::Refused;
use crate::store::MemberCursor;

/// How far the caller has got; what is absent stays. A seq above the head counts as the head, one below
/// where the cursor is changes nothing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCursor {
    /// Has been given messages up to here.
    #[serde(default)]
    delivered_seq: Option<i64>,
    /// Has read messages up to here.
    #[serde(default)]
    read_seq: Option<i64>,
}

/// How far the caller has got.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cursor)]
pub(super) struct CursorView {
    conversation_id: String,
    /// Has been given messages up to here.
    delivered_seq: i64,
    /// Has read messages up to here.
    read_seq: i64,
    /// seq of the newest message when `unread` was counted.
    head: i64,
    /// Messages above `readSeq`, up to `head`, that the caller did not send.
    unread: i64,
}

impl From<CursorEvent> for CursorView {
    fn from(event: CursorEvent) -> Self {
        Self {
            conversation_id: event.conversation.to_string(),
            delivered_seq: event.delivered_seq,
            read_seq: event.read_seq,
            head: event.head,
            unread: event.unread,
        }
    }
}

/// How far a member has got.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MemberCursor)]
pub(super) struct MemberCursorView {
    user_id: String,
    /// Has been given messages up to here.
    delivered_seq: i64,
    /// Has read messages up to here.
    read_seq: i64,
}

impl From<MemberCursor> for MemberCursorView {
    fn from(cursor: MemberCursor) -> Self {
        let MemberCursor { user, delivered_seq, read_seq, .. } = cursor;
        Self { user_id: user.to_string(), delivered_seq, read_seq }
    }
}

/// Cursors of members, by user id.
#[derive(Serialize, ToSchema)]
#[schema(as = Cursors)]
pub(super) struct CursorsView {
    cursors: Vec<MemberCursorView>,
}

/// Says how far the caller has read and been given messages.
#[utoipa::path(put, path = "/api/conversations/{id}/cursor", operation_id = "putCursor", tag = "conversations",
    params(("id" = String, Path, description = "Conversation")), request_body = NewCursor,
    responses((status = 200, description = "The cursor as it is now, stored", body = CursorView)))]
pub(super) async fn put_cursor(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(new): Json<NewCursor>,
) -> Result<JsonReply<CursorView>, Refused> {
    let at = (new.delivered_seq.unwrap_or(0), new.read_seq.unwrap_or(0));
    Ok(JsonReply(door.app.conversations.advance(caller.id, id, at, None).await?.into()))
}

/// Lists how far the members of a direct conversation or small group have got.
#[utoipa::path(get, path = "/api/conversations/{id}/cursors", operation_id = "listCursors", tag = "conversations",
    params(("id" = String, Path, description = "Direct conversation or group")),
    responses((status = 200, description = "Cursors of all members", body = CursorsView)))]
pub(super) async fn list_cursors(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<JsonReply<CursorsView>, Refused> {
    let cursors = door.app.conversations.cursors(caller.id, id).await?;
    Ok(JsonReply(CursorsView { cursors: cursors.into_iter().map(MemberCursorView::from).collect() }))
}
