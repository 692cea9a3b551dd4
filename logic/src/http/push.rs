//! Pushes by servers of the operator's: transient, answered when the bus has them.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::StatusCode;
use oort_api::ids::{RoomKey, UserId};
use oort_api::{Code, op};
use serde::Deserialize;
use utoipa::ToSchema;

use super::caller::PushServer;
use super::door::Door;
use super::input::Json;
use super::refused::Refused;
use super::trace::Trace;
use crate::pushes::Push;

/// What is pushed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushBody {
    /// Operation of the frame; 4 (a message) when absent.
    operation: Option<i32>,
    /// The frame's body as text. Either this or `bodyBase64`.
    body: Option<String>,
    /// The frame's body as base64.
    body_base64: Option<String>,
}

/// A push to every session of one user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserPush {
    #[schema(value_type = String, example = "7")]
    user_id: UserId,
    #[serde(flatten)]
    push: PushBody,
}

/// Several pushes, each to every session of one user.
#[derive(Deserialize, ToSchema)]
pub(super) struct BatchPush {
    /// In order: of two to one user the first arrives first.
    pushes: Vec<UserPush>,
}

/// A push to every session of some users.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsersPush {
    #[schema(value_type = Vec<String>)]
    user_ids: Vec<UserId>,
    #[serde(flatten)]
    push: PushBody,
}

/// A push to the members of a room who are online.
#[derive(Deserialize, ToSchema)]
pub(super) struct RoomPush {
    /// Id of a room or group, or goim's `type://id`.
    #[schema(example = "3")]
    room: String,
    #[serde(flatten)]
    push: PushBody,
}

/// A push to everyone online.
#[derive(Deserialize, ToSchema)]
pub(super) struct AllPush {
    /// Frames per second over all comets; 0 = at once.
    #[serde(default)]
    speed: i32,
    #[serde(flatten)]
    push: PushBody,
}

impl PushBody {
    pub(super) fn into_push(self, trace: &Trace) -> Result<Push, Refused> {
        let body = match (self.body, self.body_base64) {
            (Some(text), None) => Bytes::from(text),
            (None, Some(base64)) => match BASE64.decode(base64) {
                Ok(bytes) => Bytes::from(bytes),
                Err(_) => return Err(Refused::new(Code::InvalidField, "bodyBase64: is not base64")),
            },
            _ => return Err(Refused::new(Code::InvalidField, "body: give either body or bodyBase64")),
        };
        let operation = self.operation.unwrap_or(op::SEND_MESSAGE);
        Ok(Push { operation, body, traceparent: trace.0.to_string() })
    }
}

/// Pushes to one user.
#[utoipa::path(post, path = "/push/user", operation_id = "pushUser", tag = "push", security(("server" = [])), request_body = UserPush,
    responses((status = 204, description = "The bus has it")))]
pub(super) async fn push_user(
    State(door): State<Arc<Door>>,
    _: PushServer,
    trace: Trace,
    Json(order): Json<UserPush>,
) -> Result<StatusCode, Refused> {
    door.app.pushes.to_users(vec![order.user_id], order.push.into_push(&trace)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pushes several things, each to one user. When one of them cannot be pushed, none is.
#[utoipa::path(post, path = "/push/batch", operation_id = "pushBatch", tag = "push", security(("server" = [])), request_body = BatchPush,
    responses((status = 204, description = "The bus has all of them")))]
pub(super) async fn push_batch(
    State(door): State<Arc<Door>>,
    _: PushServer,
    trace: Trace,
    Json(order): Json<BatchPush>,
) -> Result<StatusCode, Refused> {
    let pushes = order.pushes.into_iter().map(|one| Ok((one.user_id, one.push.into_push(&trace)?)));
    door.app.pushes.to_each(pushes.collect::<Result<_, Refused>>()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pushes to some users.
#[utoipa::path(post, path = "/push/users", operation_id = "pushUsers", tag = "push", security(("server" = [])), request_body = UsersPush,
    responses((status = 204, description = "The bus has it")))]
pub(super) async fn push_users(
    State(door): State<Arc<Door>>,
    _: PushServer,
    trace: Trace,
    Json(order): Json<UsersPush>,
) -> Result<StatusCode, Refused> {
    door.app.pushes.to_users(order.user_ids, order.push.into_push(&trace)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pushes to a room.
#[utoipa::path(post, path = "/push/room", operation_id = "pushRoom", tag = "push", security(("server" = [])), request_body = RoomPush,
    responses((status = 204, description = "The bus has it")))]
pub(super) async fn push_room(
    State(door): State<Arc<Door>>,
    _: PushServer,
    trace: Trace,
    Json(order): Json<RoomPush>,
) -> Result<StatusCode, Refused> {
    let room = RoomKey::new(&order.room).ok();
    let room = room.filter(|room| room.conversation().is_some() || room.as_str().contains("://"));
    let room =
        room.ok_or_else(|| Refused::new(Code::InvalidField, "room: is neither an id nor type://id"))?;
    door.app.pushes.to_room(room, order.push.into_push(&trace)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pushes to everyone.
#[utoipa::path(post, path = "/push/all", operation_id = "pushAll", tag = "push", security(("server" = [])), request_body = AllPush,
    responses((status = 204, description = "The bus has it")))]
pub(super) async fn push_all(
    State(door): State<Arc<Door>>,
    _: PushServer,
    trace: Trace,
    Json(order): Json<AllPush>,
) -> Result<StatusCode, Refused> {
    if order.speed < 0 {
        return Err(Refused::new(Code::InvalidField, "speed: is 0 or more"));
    }
    door.app.pushes.to_all(order.speed, order.push.into_push(&trace)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
