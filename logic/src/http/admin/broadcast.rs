//! A push to everyone online.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::operator::{Broadcast as ToAll, Operator};
use crate::http::door::Door;
use crate::http::input::Json;
use crate::http::push::PushBody;
use crate::http::refused::Refused;
use crate::http::trace::Trace;

/// A push to everyone online.
#[derive(Deserialize, ToSchema)]
pub(super) struct Broadcast {
    /// Frames per second over all comets; 0 = at once.
    #[serde(default)]
    speed: i32,
    #[serde(flatten)]
    push: PushBody,
}

/// Pushes to everyone online. It is not stored.
#[utoipa::path(post, path = "/api/admin/broadcast", operation_id = "adminBroadcast", tag = "admin", request_body = Broadcast,
    responses((status = 202, description = "The bus has it")))]
pub(super) async fn broadcast(
    State(door): State<Arc<Door>>,
    operator: Operator<ToAll>,
    trace: Trace,
    Json(order): Json<Broadcast>,
) -> Result<StatusCode, Refused> {
    let push = order.push.into_push(&trace)?;
    let details = json!({ "operation": push.operation, "bytes": push.body.len(), "speed": order.speed });
    door.app.operators.record(operator.id, "broadcast", "everyone", &details).await?;
    door.app.pushes.to_all(order.speed, push).await?;
    Ok(StatusCode::ACCEPTED)
}
