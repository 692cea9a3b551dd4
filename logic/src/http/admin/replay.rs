//! Messages delivered once more.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::Code;
use oort_api::ids::{ConversationId, Seq, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::{Operator, Replay};
use crate::http::door::Door;
use crate::http::input::Json;
use crate::http::refused::Refused;
use crate::http::trace::Trace;
use crate::replays::{Order, Replayed, Scope};

/// What is to be delivered once more: messages of a conversation from a seq on, or of a user since a time.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Replay)]
pub(super) struct ReplayOrder {
    /// A conversation, with `fromSeq`.
    #[schema(value_type = Option<String>)]
    conversation_id: Option<ConversationId>,
    /// The first of them.
    from_seq: Option<i64>,
    /// The last of them; absent = the conversation's newest.
    to_seq: Option<i64>,
    /// To this user alone; without a conversation, of all of the user's, with `sinceMs`.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// Messages written from then on, ms since the epoch.
    since_ms: Option<i64>,
    /// Also to clients that do not know `oort.v1` and may show them twice.
    #[serde(default)]
    to_all_clients: bool,
}

/// What the bus has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replayed)]
pub(super) struct ReplayedView {
    messages: usize,
    conversations: usize,
    /// There were more than `logic.replays.messages_max`.
    has_more: bool,
    /// Give this as `fromSeq` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_seq: Option<i64>,
}

impl From<Replayed> for ReplayedView {
    fn from(replayed: Replayed) -> Self {
        let Replayed { messages, conversations, has_more, next_seq } = replayed;
        Self { messages, conversations, has_more, next_seq }
    }
}

impl ReplayOrder {
    fn into_order(self) -> Result<Order, Refused> {
        let seq = |name: &str, raw: i64| {
            Seq::new(raw).ok_or_else(|| Refused::new(Code::InvalidField, format!("{name}: counts from 1")))
        };
        let scope = match (self.conversation_id, self.from_seq, self.user_id, self.since_ms) {
            (Some(id), Some(from), user, None) => Scope::Conversation {
                id,
                from: seq("fromSeq", from)?,
                to: self.to_seq.map(|to| seq("toSeq", to)).transpose()?,
                user,
            },
            (None, None, Some(user), Some(since_ms)) if self.to_seq.is_none() => {
                Scope::User { user, since_ms }
            }
            _ => {
                return Err(Refused::new(
                    Code::InvalidField,
                    "either conversationId with fromSeq (and toSeq, userId), or userId with sinceMs",
                ));
            }
        };
        Ok(Order { scope, to_all_clients: self.to_all_clients })
    }
}

/// Delivers messages once more to whoever is online, marked as a replay. They are not stored again; what a client has, it drops.
#[utoipa::path(post, path = "/api/admin/replay", operation_id = "adminReplay", tag = "admin", request_body = ReplayOrder,
    responses((status = 202, description = "The bus has them", body = ReplayedView)))]
pub(super) async fn replay(
    State(door): State<Arc<Door>>,
    operator: Operator<Replay>,
    trace: Trace,
    Json(order): Json<ReplayOrder>,
) -> Result<(StatusCode, JsonReply<ReplayedView>), Refused> {
    let order = order.into_order()?;
    let app = &door.app;
    let replayed = app.replays.run(&app.operators, operator.id.get(), order, &trace.0).await?;
    Ok((StatusCode::ACCEPTED, JsonReply(replayed.into())))
}
