//! What becomes of messages after they were sent.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::ChangeEvent;
use oort_api::pb::oort::v1::change_event::Kind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, MessagesSend};
use super::door::Door;
use super::input::{Json, Path, Path2, Path3, Query};
use super::refused::Refused;
use super::views::{MessageView, UserView, message_id};
use crate::store::ChangePage;

/// Changes in a page when the request does not say.
const PAGE: u32 = 100;

/// Another text for a message.
#[derive(Deserialize, ToSchema)]
pub(super) struct EditedMessage {
    content: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListChanges {
    /// Only changes after this one.
    #[serde(default)]
    after: i64,
    /// Most changes to answer with.
    limit: Option<u32>,
}

/// A message was changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageChange)]
pub(crate) struct ChangeView {
    /// 1, 2, 3, … for each conversation.
    change_seq: i64,
    /// `<conversationId>-<seq>`.
    message_id: String,
    /// The message.
    seq: i64,
    kind: ChangeKindView,
    /// ms since the epoch.
    at: i64,
    /// Absent: the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<UserView>,
    /// `edited`: the text as it is now; absent when it is gone by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// `reacted`, `unreacted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    /// `reacted`, `unreacted`: users who react so now.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
}

/// What was done to a message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MessageChangeKind)]
enum ChangeKindView {
    /// Its text is another.
    Edited,
    /// It was taken back.
    Recalled,
    /// Somebody reacts.
    Reacted,
    /// Somebody reacts no longer.
    Unreacted,
    /// The server removed it.
    Erased,
    /// Its time was over: the server erased it.
    Expired,
}

/// Changes of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageChanges)]
struct ChangesView {
    /// Oldest first.
    changes: Vec<ChangeView>,
    /// The conversation's newest change; 0 = none yet.
    head: i64,
    /// There is more after these.
    has_more: bool,
}

impl From<ChangeEvent> for ChangeView {
    fn from(event: ChangeEvent) -> Self {
        let kind = event.kind();
        let is_reaction = matches!(kind, Kind::Reacted | Kind::Unreacted);
        Self {
            change_seq: event.change_seq,
            message_id: message_id(event.conversation, event.seq),
            seq: event.seq,
            kind: match kind {
                Kind::Edited => ChangeKindView::Edited,
                Kind::Recalled => ChangeKindView::Recalled,
                Kind::Reacted => ChangeKindView::Reacted,
                Kind::Unreacted => ChangeKindView::Unreacted,
                Kind::Erased => ChangeKindView::Erased,
                Kind::Expired => ChangeKindView::Expired,
            },
            at: event.at_ms,
            by: event.actor.filter(|actor| actor.id > 0).map(UserView::from),
            content: (kind == Kind::Edited && !event.content.is_empty()).then_some(event.content),
            emoji: is_reaction.then_some(event.emoji),
            count: is_reaction.then_some(event.count),
        }
    }
}

impl From<ChangePage> for ChangesView {
    fn from(page: ChangePage) -> Self {
        let changes = page.changes.into_iter().map(ChangeView::from).collect();
        Self { changes, head: page.head, has_more: page.has_more }
    }
}

pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(edit_message, hide_message))
        .routes(routes!(recall_message))
        .routes(routes!(react, unreact))
        .routes(routes!(list_changes))
}

/// Gives a message of the caller another text; the same once more changes nothing.
#[utoipa::path(patch, path = "/api/conversations/{id}/messages/{seq}", operation_id = "editMessage", tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message")),
    request_body = EditedMessage,
    responses((status = 200, description = "The message as it is now, stored", body = MessageView)))]
async fn edit_message(
    State(door): State<Arc<Door>>,
    caller: Caller<MessagesSend>,
    Path2(id, seq): Path2<ConversationId, Seq>,
    Json(edited): Json<EditedMessage>,
) -> Result<JsonReply<MessageView>, Refused> {
    let message = door.app.messages.edit(&caller.identity.user, id, seq, edited.content).await?;
    Ok(JsonReply(message.into()))
}

/// Removes a message for the caller alone, on all their devices.
#[utoipa::path(delete, path = "/api/conversations/{id}/messages/{seq}", operation_id = "hideMessage", tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message")),
    responses((status = 204, description = "The caller is shown nothing of it but its place")))]
async fn hide_message(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path2(id, seq): Path2<ConversationId, Seq>,
) -> Result<StatusCode, Refused> {
    door.app.messages.hide(caller.id, id, seq).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a message back: nothing of what was sent is kept. Owner and admins of a group and whoever
/// created a room may take back any.
#[utoipa::path(post, path = "/api/conversations/{id}/messages/{seq}/recall", operation_id = "recallMessage",
    tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message")),
    responses((status = 200, description = "The message as it is now, stored", body = MessageView)))]
async fn recall_message(
    State(door): State<Arc<Door>>,
    caller: Caller<MessagesSend>,
    Path2(id, seq): Path2<ConversationId, Seq>,
) -> Result<JsonReply<MessageView>, Refused> {
    Ok(JsonReply(door.app.messages.recall(&caller.identity.user, id, seq).await?.into()))
}

/// Reacts to a message.
#[utoipa::path(put, path = "/api/conversations/{id}/messages/{seq}/reactions/{emoji}", operation_id = "react",
    tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message"),
        ("emoji" = String, Path, description = "The reaction")),
    responses((status = 200, description = "The message as it is now, stored", body = MessageView)))]
async fn react(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path3(id, seq, emoji): Path3<ConversationId, Seq, String>,
) -> Result<JsonReply<MessageView>, Refused> {
    Ok(JsonReply(door.app.messages.react(&caller.identity.user, id, seq, emoji, true).await?.into()))
}

/// Takes a reaction of the caller away.
#[utoipa::path(delete, path = "/api/conversations/{id}/messages/{seq}/reactions/{emoji}", operation_id = "unreact",
    tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message"),
        ("emoji" = String, Path, description = "The reaction")),
    responses((status = 200, description = "The message as it is now, stored", body = MessageView)))]
async fn unreact(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path3(id, seq, emoji): Path3<ConversationId, Seq, String>,
) -> Result<JsonReply<MessageView>, Refused> {
    Ok(JsonReply(door.app.messages.react(&caller.identity.user, id, seq, emoji, false).await?.into()))
}

/// Lists changes of messages, oldest first: for what a device missed. They say what is so now, so the last one of a
/// message counts.
#[utoipa::path(get, path = "/api/conversations/{id}/changes", operation_id = "listChanges", tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ListChanges),
    responses((status = 200, description = "A page of changes", body = ChangesView)))]
async fn list_changes(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<ListChanges>,
) -> Result<JsonReply<ChangesView>, Refused> {
    let page = door.app.messages.changes(caller.id, id, query.after, query.limit.unwrap_or(PAGE)).await?;
    Ok(JsonReply(page.into()))
}
