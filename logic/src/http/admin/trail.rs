//! Where is my message?

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::ids::{ConversationId, Seq};
use oort_api::trail::{Hop, Step};
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::{Operator, See};
use crate::http::door::Door;
use crate::http::input::Path2;
use crate::http::refused::Refused;
use crate::trails::Found;

/// Where a message has been.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageTrace)]
pub(super) struct TraceView {
    conversation_id: String,
    seq: i64,
    /// When it was stored, ms since the epoch.
    created_at_ms: i64,
    /// Who sent it; `0` = the server.
    sender_id: String,
    /// W3C trace id of the request that sent it; absent = not known any longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// By time. Clocks of processes may differ.
    hops: Vec<HopView>,
    /// Readers of a group or direct conversation; all 0 in an open room.
    members: MembersView,
    /// Processes that answered, and since when they remember everything.
    answered: Vec<AnsweredView>,
    /// Processes that reported lately and did not answer in time.
    silent: Vec<ProcessView>,
}

/// Something that happened to the message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageHop)]
struct HopView {
    /// µs since the epoch, by the clock of the process.
    at_us: i64,
    /// `accepted`, `committed` and `published` by a logic; `taken`, `routed`, `pushed` and `acked` by a job; `written` by a comet.
    step: &'static str,
    /// Name of the process's node.
    node: String,
    /// `comet`, `logic`, `job` or `standalone`.
    role: String,
    /// `pushed`, `acked`: to and by which comet.
    #[serde(skip_serializing_if = "Option::is_none")]
    comet: Option<String>,
    /// `taken`: of the bus.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<i32>,
    /// `taken`: in the partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    /// `committed`: messages of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u32>,
    /// `routed`: comets it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    comets: Option<u32>,
    /// `routed`: users and rooms that are nowhere; `acked`: that the comet did not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u32>,
    /// `written`: sessions that have it in their sockets, or waiting for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<u32>,
    /// `written`: sessions that are behind and pull it.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u32>,
}

/// How far readers have got, the sender left out.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageMembers)]
struct MembersView {
    known: usize,
    /// Their clients said that they have it.
    delivered: usize,
    read: usize,
}

/// A process.
#[derive(Serialize, ToSchema)]
#[schema(as = TraceProcess)]
struct ProcessView {
    node: String,
    role: String,
}

/// A process that answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TraceAnswered)]
struct AnsweredView {
    node: String,
    role: String,
    /// It remembers everything from here on, µs since the epoch; 0 = nothing has passed it.
    since_us: i64,
}

impl HopView {
    fn new(node: &str, role: &str, hop: Hop) -> Self {
        let mut view = Self {
            at_us: hop.at_us,
            step: "",
            node: node.to_owned(),
            role: role.to_owned(),
            comet: None,
            partition: None,
            offset: None,
            batch: None,
            comets: None,
            missing: None,
            sessions: None,
            behind: None,
        };
        match hop.step {
            Step::Accepted { .. } => view.step = "accepted",
            Step::Committed { batch } => (view.step, view.batch) = ("committed", Some(batch)),
            Step::Published => view.step = "published",
            Step::Taken { partition, offset } => {
                (view.step, view.partition, view.offset) = ("taken", Some(partition), Some(offset));
            }
            Step::Routed { comets, absent } => {
                (view.step, view.comets, view.missing) = ("routed", Some(comets), Some(absent));
            }
            Step::Pushed { comet } => (view.step, view.comet) = ("pushed", Some(comet)),
            Step::Acked { comet, missing } => {
                (view.step, view.comet, view.missing) = ("acked", Some(comet), Some(missing));
            }
            Step::Written { sessions, behind } => {
                (view.step, view.sessions, view.behind) = ("written", Some(sessions), Some(behind));
            }
        }
        view
    }
}

impl From<Found> for TraceView {
    fn from(found: Found) -> Self {
        let Found { message, answers, silent, members } = found;
        let trace_id = answers.iter().flat_map(|answer| &answer.hops).find_map(|hop| match &hop.step {
            Step::Accepted { trace_id } if !trace_id.is_empty() => Some(trace_id.clone()),
            _ => None,
        });
        let mut answered = Vec::with_capacity(answers.len());
        let mut hops = Vec::new();
        for answer in answers {
            hops.extend(answer.hops.into_iter().map(|hop| HopView::new(&answer.name, &answer.role, hop)));
            answered.push(AnsweredView { node: answer.name, role: answer.role, since_us: answer.since_us });
        }
        hops.sort_by_key(|hop| hop.at_us);
        answered.sort_by(|a, b| (&a.role, &a.node).cmp(&(&b.role, &b.node)));
        Self {
            conversation_id: message.conversation.to_string(),
            seq: message.seq,
            created_at_ms: message.created_at_ms,
            sender_id: message.sender.map_or(0, |sender| sender.id).to_string(),
            trace_id,
            hops,
            members: MembersView { known: members.known, delivered: members.delivered, read: members.read },
            answered,
            silent: silent.into_iter().map(|node| ProcessView { node: node.name, role: node.role }).collect(),
        }
    }
}

/// Tells where a message has been: asks every process, which takes up to `logic.trail_wait_ms`.
#[utoipa::path(get, path = "/api/admin/messages/{conversation}/{seq}/trace", operation_id = "adminTrace", tag = "admin",
    params(("conversation" = String, Path, description = "Its id"), ("seq" = i64, Path, description = "The message's place there")),
    responses((status = 200, description = "What is still remembered of its way", body = TraceView)))]
pub(super) async fn trace(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Path2(conversation, seq): Path2<ConversationId, Seq>,
) -> Result<JsonReply<TraceView>, Refused> {
    Ok(JsonReply(door.app.trails.of(conversation, seq).await?.into()))
}
