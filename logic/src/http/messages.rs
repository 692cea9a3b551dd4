//! Sending and reading messages.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::HeaderMap;
use oort_api::Code;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Details, MessageKind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, MessagesSend};
use super::door::Door;
use super::input::{Json, Path, Query};
use super::refused::Refused;
use super::trace::Trace;
use super::views::{MessageView, message_id};
use crate::conversations::Outgoing;
use crate::store::Range;

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMessage {
    /// The sender's id for it, 1 to 64 bytes: a repeat with the same id stores
    /// it once. The header `Idempotency-Key` says the same.
    client_msg_id: Option<String>,
    /// Absent or empty: only with an attachment.
    #[serde(default)]
    content: String,
    /// `text` when absent.
    #[serde(default)]
    kind: NewKind,
    /// Its fields are those of the kind, see docs/messages.md.
    #[schema(value_type = Option<Object>)]
    attachment: Option<Box<RawValue>>,
    /// seq of the message that it answers.
    reply_to: Option<i64>,
    /// Users it speaks to.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<UserId>,
    /// It speaks to everybody.
    #[serde(default)]
    mentions_all: bool,
    /// How long it stays, ms; absent, or longer than the conversation says: as long as that.
    expires_in_ms: Option<i64>,
    /// A message that is sent on, instead of all this but `expiresInMs`.
    forward: Option<Forwarded>,
}

/// A message to send on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Forwarded {
    #[schema(value_type = String)]
    conversation_id: ConversationId,
    seq: i64,
}

/// What a message is.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum NewKind {
    #[default]
    Text,
    Image,
    Voice,
    Video,
    File,
    Location,
    Custom,
}

impl From<NewKind> for MessageKind {
    fn from(kind: NewKind) -> Self {
        match kind {
            NewKind::Text => Self::Text,
            NewKind::Image => Self::Image,
            NewKind::Voice => Self::Voice,
            NewKind::Video => Self::Video,
            NewKind::File => Self::File,
            NewKind::Location => Self::Location,
            NewKind::Custom => Self::Custom,
        }
    }
}

impl NewMessage {
    fn details(&self) -> Details {
        Details {
            kind: MessageKind::from(self.kind).into(),
            attachment: self.attachment.as_ref().map(|raw| raw.get().to_owned()).unwrap_or_default(),
            reply_to: self.reply_to.unwrap_or(0),
            mentions: self.mentions.iter().map(|user| user.get()).collect(),
            mentions_all: self.mentions_all,
            forwarded: None,
            expires_in_ms: 0,
        }
    }
}

/// Where a message was committed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sent)]
pub(super) struct SentView {
    conversation_id: String,
    /// Place in the conversation: 1, 2, 3, … without holes.
    seq: i64,
    /// `<conversationId>-<seq>`.
    id: String,
    client_msg_id: String,
    /// ms since the epoch; rises with seq.
    created_at_ms: i64,
    /// An earlier attempt had stored it.
    duplicate: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadMessages {
    /// Only messages older than this seq, newest first.
    before: Option<i64>,
    /// Only messages newer than this seq (0 = from the start), oldest first.
    after: Option<i64>,
    /// Most messages to answer with.
    limit: Option<u32>,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Messages)]
pub(super) struct MessagesView {
    /// Newest first; with `after`, oldest first.
    messages: Vec<MessageView>,
    /// There is more in that direction.
    has_more: bool,
    /// seq of the conversation's newest message; 0 = none yet.
    head: i64,
    /// Changes of messages up to it are in the page; 0 = none yet.
    change_seq: i64,
}

/// Messages in a page when the request does not say.
const PAGE: u32 = 50;

/// Sends a message. A 200 means that it is stored and will not be lost.
#[utoipa::path(post, path = "/api/conversations/{id}/messages", operation_id = "sendMessage", tag = "messages",
    params(("id" = String, Path, description = "The conversation"),
        ("idempotency-key" = Option<String>, Header, description = "The same as clientMsgId")),
    request_body = NewMessage,
    responses((status = 200, description = "Committed", body = SentView)))]
pub(super) async fn send(
    State(door): State<Arc<Door>>,
    caller: Caller<MessagesSend>,
    Path(id): Path<ConversationId>,
    Trace(traceparent): Trace,
    headers: HeaderMap,
    Json(new): Json<NewMessage>,
) -> Result<JsonReply<SentView>, Refused> {
    let expires_in_ms = new.expires_in_ms.unwrap_or(0);
    if new.expires_in_ms == Some(0) {
        return Err(Refused::new(Code::InvalidField, "expiresInMs: leave it out for as long as others stay"));
    }
    let own = new.details();
    let client_msg_id = client_msg_id(&headers, new.client_msg_id)?;
    let outgoing = match new.forward {
        None => {
            let details = Details { expires_in_ms, ..own };
            let details = (details != Details::default()).then(|| Box::new(details));
            Outgoing { client_msg_id, content: new.content, details }
        }
        Some(_) if own != Details::default() || !new.content.is_empty() => {
            return Err(Refused::new(Code::InvalidField, "forward: not together with a message of your own"));
        }
        Some(Forwarded { conversation_id, seq }) => {
            let seq = Seq::new(seq)
                .ok_or_else(|| Refused::new(Code::InvalidField, "forward.seq: is a seq, 1 or more"))?;
            let origin = (conversation_id, seq);
            let mut copy = door.app.messages.copy(caller.id, origin, id, client_msg_id).await?;
            if let Some(details) = &mut copy.details {
                details.expires_in_ms = expires_in_ms;
            }
            copy
        }
    };
    let outcomes = door.app.conversations.send(&caller.identity.user, id, vec![outgoing], &traceparent).await;
    let outcome = outcomes.into_iter().next();
    let (client_msg_id, sent) = outcome.ok_or_else(|| Refused::new(Code::Internal, "internal error"))?;
    let sent = sent?;
    Ok(JsonReply(SentView {
        conversation_id: id.to_string(),
        seq: sent.seq.get(),
        id: message_id(id.get(), sent.seq.get()),
        client_msg_id,
        created_at_ms: sent.created_at_ms,
        duplicate: sent.duplicate,
    }))
}

/// The id of the body or of the header; both only when they agree.
fn client_msg_id(headers: &HeaderMap, body: Option<String>) -> Result<Option<String>, Refused> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(body) };
    let header =
        header.to_str().map_err(|_| Refused::new(Code::InvalidField, "idempotency-key: is not ASCII"))?;
    match body {
        Some(body) if body != header => {
            Err(Refused::new(Code::InvalidField, "idempotency-key: differs from the body's clientMsgId"))
        }
        _ => Ok(Some(header.to_owned())),
    }
}

/// Reads a page of messages: the newest, or those before or after a seq.
#[utoipa::path(get, path = "/api/conversations/{id}/messages", operation_id = "readMessages", tag = "messages",
    params(("id" = String, Path, description = "The conversation"), ReadMessages),
    responses((status = 200, description = "A page", body = MessagesView)))]
pub(super) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<ReadMessages>,
) -> Result<JsonReply<MessagesView>, Refused> {
    let range = match (query.before, query.after) {
        (None, None) => Range::Newest,
        (Some(before), None) => Range::Before(
            Seq::new(before)
                .ok_or_else(|| Refused::new(Code::InvalidField, "before: is a seq, 1 or more"))?,
        ),
        (None, Some(after)) if after >= 0 => Range::After(after),
        (None, Some(_)) => return Err(Refused::new(Code::InvalidField, "after: is a seq, 0 or more")),
        (Some(_), Some(_)) => {
            return Err(Refused::new(Code::InvalidField, "after: not together with before"));
        }
    };
    let page = door.app.conversations.history(caller.id, id, range, query.limit.unwrap_or(PAGE)).await?;
    Ok(JsonReply(MessagesView {
        messages: page.messages.into_iter().map(MessageView::from).collect(),
        has_more: page.has_more,
        head: page.head,
        change_seq: page.change_seq,
    }))
}
