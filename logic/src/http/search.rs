//! Finding messages by their words.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::Code;
use oort_api::ids::ConversationId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::door::Door;
use super::input::Query;
use super::refused::Refused;
use super::views::MessageView;
use crate::search::{Ask, Found, Hit, Place};

/// Messages in a page when the request does not say.
const PAGE: u32 = 20;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchMessages {
    /// What is looked for: whole words, in any order, all of them in one message. Case and accents do not count. Of
    /// Chinese and other scripts without blanks: characters next to each other.
    q: String,
    /// Only in this conversation.
    #[param(value_type = Option<String>)]
    conversation: Option<ConversationId>,
    /// `next` of the page before.
    before: Option<String>,
    /// Most messages to answer with; 20 when absent.
    limit: Option<u32>,
}

/// A message that was found.
#[derive(Serialize, ToSchema)]
#[schema(as = FoundMessage)]
struct HitView {
    message: MessageView,
    /// Where the words are in `content`, in order: from and to before, in UTF-16 code units as JavaScript counts.
    #[schema(value_type = Vec<Vec<usize>>)]
    ranges: Vec<[usize; 2]>,
}

/// Messages that were found.
#[derive(Serialize, ToSchema)]
#[schema(as = FoundMessages)]
struct FoundView {
    /// Newest first. May be fewer than were asked for, or none, also when there are more.
    results: Vec<HitView>,
    /// Send it as `before` for what was written earlier. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Hit> for HitView {
    fn from(Hit { message, spans }: Hit) -> Self {
        let ranges = spans.into_iter().map(|span| [span.start, span.end]).collect();
        Self { message: message.into(), ranges }
    }
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        let results = found.hits.into_iter().map(HitView::from).collect();
        Self { results, next: found.next.map(|place| place.to_string()) }
    }
}

pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new().routes(routes!(search_messages))
}

/// Finds messages in the caller's conversations and the open rooms, newest first. What was just sent is found a moment
/// later; what was taken back or edited is not found by its old words from then on.
#[utoipa::path(get, path = "/api/search", operation_id = "searchMessages", tag = "messages",
    params(SearchMessages),
    responses((status = 200, description = "A page of messages", body = FoundView)))]
async fn search_messages(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(query): Query<SearchMessages>,
) -> Result<JsonReply<FoundView>, Refused> {
    let after = query.before.map(|place| place.parse::<Place>()).transpose();
    let after = after.map_err(|()| Refused::new(Code::InvalidField, "before: must be `next` of a page"))?;
    let ask =
        Ask { query: query.q, conversation: query.conversation, after, limit: query.limit.unwrap_or(PAGE) };
    Ok(JsonReply(door.app.searches.search(caller.id, &ask).await?.into()))
}
