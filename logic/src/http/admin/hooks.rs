//! How the operator's hooks are.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::{Operator, See};
use crate::hooks::{After, Before, OnFailure};
use crate::http::door::Door;
use crate::http::refused::Refused;

/// The operator's hooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Hooks)]
pub(super) struct HooksView {
    /// The one that is asked before a message is stored; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<BeforeView>,
    /// The one that is told after a message was stored; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<AfterView>,
}

/// What the node that answers did with the hook before a send, since its start.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HookBefore)]
struct BeforeView {
    /// What becomes of a message when there is no answer: `open` or `closed`.
    on_failure: &'static str,
    /// Messages and edits that were stored as they were.
    allowed: u64,
    /// In their place another text was stored.
    replaced: u64,
    /// Refused.
    refused: u64,
    /// There was no answer, and they were stored.
    passed_unasked: u64,
    /// There was no answer, and they were refused.
    refused_unasked: u64,
}

/// What the hook after a send was told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HookAfter)]
struct AfterView {
    /// Messages and changes it took from the node that answers, since its start.
    told: u64,
    /// Messages this node gave up.
    dropped: u64,
    /// Conversations of which something waits, on all nodes; counted up to the bound.
    conversations: u64,
    /// How long nothing was taken of the one that waits for longest, ms; 0 = none waits.
    oldest_ms: i64,
}

impl From<&Before> for BeforeView {
    fn from(before: &Before) -> Self {
        let counted = before.counted();
        Self {
            on_failure: match before.on_failure() {
                OnFailure::Open => "open",
                OnFailure::Closed => "closed",
            },
            allowed: counted.allowed,
            replaced: counted.replaced,
            refused: counted.refused,
            passed_unasked: counted.passed_unasked,
            refused_unasked: counted.refused_unasked,
        }
    }
}

/// Tells how the operator's hooks are: counts of the node that answers, and what waits on all.
#[utoipa::path(get, path = "/api/admin/hooks", operation_id = "adminHooks", tag = "admin",
    responses((status = 200, description = "Those that are set up", body = HooksView)))]
pub(super) async fn hooks(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
) -> Result<JsonReply<HooksView>, Refused> {
    let hooks = &door.app.hooks;
    let after = match &hooks.after {
        Some(after) => Some(view(after).await?),
        None => None,
    };
    Ok(JsonReply(HooksView { before: hooks.before.as_deref().map(BeforeView::from), after }))
}

async fn view(after: &After) -> Result<AfterView, Refused> {
    let counted = after.counted();
    let backlog = after.backlog().await.map_err(oort_api::error::Refusal::from)?;
    Ok(AfterView {
        told: counted.told,
        dropped: counted.dropped,
        conversations: backlog.conversations,
        oldest_ms: backlog.oldest_ms,
    })
}
