//! Processes of the system.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::directory::{NodeEntry, NodeMetrics};
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::{Operator, See};
use crate::http::door::Door;
use crate::http::refused::Refused;

/// Processes that reported lately.
#[derive(Serialize, ToSchema)]
#[schema(as = Nodes)]
pub(super) struct NodesView {
    nodes: Vec<NodeView>,
}

/// A process as it was when it last reported.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
struct NodeView {
    /// Unique per start of the process.
    id: String,
    /// Name of the node in its settings.
    name: String,
    /// `comet`, `logic`, `job` or `standalone`.
    role: String,
    version: String,
    /// ms since the epoch, by its own clock.
    started_at_ms: i64,
    /// Where its clients reach it; a job's is its admin port.
    address: String,
    /// It is stopping.
    draining: bool,
    /// When it reported, ms since the epoch, by its own clock.
    seen_ms: i64,
    /// Connections it holds.
    connections: i64,
    metrics: NodeMetricsView,
}

/// What a process measured between its last two reports. What its role does not have is absent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeMetrics)]
struct NodeMetricsView {
    /// Messages committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sends_per_s: Option<f64>,
    /// Transient pushes; of a job and a comet: deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pushes_per_s: Option<f64>,
    /// Frames given to clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames_per_s: Option<f64>,
    /// Half took no longer: a comet's fan-out, a logic's transaction, a job's record from reading to its last ack.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    /// 99 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ms: Option<f64>,
    /// Messages waiting for a logic's writer; records under way in a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<i64>,
    /// From publishing a record to a job reading it, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    bus_lag_ms: Option<f64>,
    /// Outbox rows of all nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox_rows: Option<i64>,
    /// Age of the oldest outbox row.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox_age_ms: Option<f64>,
    /// From a send of the canary to its frame at a socket; the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary_ms: Option<f64>,
    /// How long ago the canary last came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary_age_ms: Option<f64>,
    /// 100 = one processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
    /// Memory held.
    #[serde(skip_serializing_if = "Option::is_none")]
    rss_bytes: Option<i64>,
}

impl From<NodeEntry> for NodeView {
    fn from(node: NodeEntry) -> Self {
        let NodeEntry {
            id,
            name,
            role,
            version,
            started_at_ms,
            address,
            draining,
            seen_ms,
            connections,
            metrics,
        } = node;
        let metrics = metrics.into();
        Self { id, name, role, version, started_at_ms, address, draining, seen_ms, connections, metrics }
    }
}

impl From<NodeMetrics> for NodeMetricsView {
    fn from(metrics: NodeMetrics) -> Self {
        Self {
            sends_per_s: metrics.sends_per_s,
            pushes_per_s: metrics.pushes_per_s,
            frames_per_s: metrics.frames_per_s,
            p50_ms: metrics.p50_ms,
            p99_ms: metrics.p99_ms,
            queue: metrics.queue,
            bus_lag_ms: metrics.bus_lag_ms,
            outbox_rows: metrics.outbox_rows,
            outbox_age_ms: metrics.outbox_age_ms,
            canary_ms: metrics.canary_ms,
            canary_age_ms: metrics.canary_age_ms,
            cpu_percent: metrics.cpu_percent,
            rss_bytes: metrics.rss_bytes,
        }
    }
}

/// Lists the processes of the system, by role and name.
#[utoipa::path(get, path = "/api/admin/nodes", operation_id = "adminNodes", tag = "admin",
    responses((status = 200, description = "Processes that reported lately", body = NodesView)))]
pub(super) async fn nodes(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
) -> Result<JsonReply<NodesView>, Refused> {
    let nodes = door.app.operators.nodes().await?;
    Ok(JsonReply(NodesView { nodes: nodes.into_iter().map(NodeView::from).collect() }))
}
