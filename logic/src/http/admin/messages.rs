//! Messages of anybody.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::ids::{ConversationId, Seq};

use super::operator::{EraseMessage, Operator};
use crate::http::door::Door;
use crate::http::input::Path2;
use crate::http::refused::Refused;
use crate::http::views::MessageView;

/// Removes a message for everybody: nothing of what was sent is kept, its place is. Once more it changes nothing.
#[utoipa::path(delete, path = "/api/admin/messages/{conversation}/{seq}", operation_id = "adminEraseMessage", tag = "admin",
    params(("conversation" = String, Path, description = "The conversation"), ("seq" = i64, Path, description = "The message")),
    responses((status = 200, description = "The message as it is now, stored", body = MessageView)))]
pub(super) async fn erase(
    State(door): State<Arc<Door>>,
    operator: Operator<EraseMessage>,
    Path2(conversation, seq): Path2<ConversationId, Seq>,
) -> Result<JsonReply<MessageView>, Refused> {
    let app = &door.app;
    let erased =
        app.moderation.erase((&app.operators, &app.messages), operator.actor(), conversation, seq).await?;
    Ok(JsonReply(erased.into()))
}
