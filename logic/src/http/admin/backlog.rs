//! What waits, and what was given up on.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::Code;
use oort_api::bus::{DeadLetter, LetterPlace};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operator::{Operator, See};
use crate::http::door::Door;
use crate::http::input::Query;
use crate::http::refused::Refused;

/// Committed and not yet known to be published.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Outbox)]
pub(super) struct OutboxView {
    /// Rows of all nodes.
    rows: u64,
    /// Age of the oldest, ms; 0 = there is none.
    oldest_ms: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListDeadLetters {
    /// `next` of the page before.
    after: Option<String>,
    /// Most letters to answer with.
    limit: Option<u32>,
}

/// Records of the bus given up on.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub(super) struct DeadLettersView {
    letters: Vec<DeadLetterView>,
    /// There are more; give this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A record given up on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
struct DeadLetterView {
    partition: i32,
    offset: i64,
    reason: String,
    /// The key it was published with.
    key: String,
    /// When it was given up on, ms since the epoch.
    at_ms: i64,
    /// Size of its value.
    bytes: usize,
}

impl From<&DeadLetter> for DeadLetterView {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            partition: letter.place.partition,
            offset: letter.place.offset,
            reason: letter.reason.clone(),
            key: letter.record.key.clone(),
            at_ms: letter.at_ms,
            bytes: letter.record.value.len(),
        }
    }
}

/// Tells how much is committed and not yet known to be published.
#[utoipa::path(get, path = "/api/admin/outbox", operation_id = "adminOutbox", tag = "admin",
    responses((status = 200, description = "As the store has it", body = OutboxView)))]
pub(super) async fn outbox(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
) -> Result<JsonReply<OutboxView>, Refused> {
    let (rows, oldest_ms) = door.app.operators.outbox().await?;
    Ok(JsonReply(OutboxView { rows, oldest_ms }))
}

/// Lists records of the bus that could not be read or made no sense, oldest first.
#[utoipa::path(get, path = "/api/admin/dead-letters", operation_id = "adminDeadLetters", tag = "admin", params(ListDeadLetters),
    responses((status = 200, description = "Oldest first", body = DeadLettersView)))]
pub(super) async fn dead_letters(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Query(query): Query<ListDeadLetters>,
) -> Result<JsonReply<DeadLettersView>, Refused> {
    let after = query.after.as_deref().map(str::parse::<LetterPlace>).transpose();
    let after = after.map_err(|error| Refused::new(Code::InvalidField, format!("after: {error}")))?;
    let page = door.app.operators.dead_letters(after, query.limit).await?;
    let last = page.letters.last().map(|letter| letter.place.to_string());
    let letters = page.letters.iter().map(DeadLetterView::from).collect();
    Ok(JsonReply(DeadLettersView { letters, next: last.filter(|_| page.has_more) }))
}
