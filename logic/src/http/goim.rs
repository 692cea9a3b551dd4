//! goim's paths, so that servers which push through it need no change: the
//! raw body is the message, the rest stands in the query, and every answer is
//! `{code, message, data}` with HTTP status 200, but 400 for a bad query.
//! Source: goim's `internal/logic/http`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use oort_api::Code;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::caller::PushServer;
use super::door::Door;
use super::input::Body;
use super::refused::{Refused, headers};
use super::trace::Trace;
use crate::pushes::Push;

mod arguments;
mod nodes;

use arguments::{Arguments, invalid};
use nodes::{instance_json, nodes_json};

/// goim's answer to everything.
#[derive(Serialize, ToSchema)]
#[schema(as = GoimReply)]
pub(super) struct Reply {
    /// 0 = done, -400 = the request is wrong, -500 = the server is.
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

const OK: i32 = 0;
const REQUEST_ERROR: i32 = -400;
const SERVER_ERROR: i32 = -500;

/// A refusal in goim's shape.
pub(super) struct GoimRefused(Refused);

impl<E: Into<Refused>> From<E> for GoimRefused {
    fn from(refused: E) -> Self {
        Self(refused.into())
    }
}

impl IntoResponse for GoimRefused {
    fn into_response(self) -> Response {
        let Self(Refused(refusal)) = self;
        let code = if refusal.code.http_status() < 500 { REQUEST_ERROR } else { SERVER_ERROR };
        let status = match refusal.code {
            Code::InvalidRequest | Code::InvalidField => StatusCode::BAD_REQUEST,
            // goim has no such refusal, so nothing that knows goim is misled.
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            _ => StatusCode::OK,
        };
        let headers: HeaderMap = headers(&refusal);
        let reply = Reply { code, message: refusal.message, data: None };
        let mut response = (status, headers, JsonReply(reply)).into_response();
        response.extensions_mut().insert(refusal.code);
        response
    }
}

type Replied = Result<JsonReply<Reply>, GoimRefused>;

fn done(data: Option<Value>) -> Replied {
    Ok(JsonReply(Reply { code: OK, message: String::new(), data }))
}

/// Whoever may use goim's paths: a server with a token, or anyone when they are open.
pub(super) struct GoimServer;

impl FromRequestParts<Arc<Door>> for GoimServer {
    type Rejection = GoimRefused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, GoimRefused> {
        if !door.config.goim_open {
            PushServer::from_request_parts(parts, door).await?;
        }
        Ok(Self)
    }
}

fn push(operation: i32, body: Bytes, trace: &Trace) -> Push {
    Push { operation, body, traceparent: trace.0.to_string() }
}

/// Pushes to sessions by key.
#[utoipa::path(post, path = "/goim/push/keys", operation_id = "goimPushKeys", tag = "goim", security(("server" = [])),
    params(("operation" = i32, Query), ("keys" = Vec<String>, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The bus has it, or a refusal", body = Reply)))]
pub(super) async fn push_keys(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
    trace: Trace,
    body: Result<Body, Refused>,
) -> Replied {
    let operation = arguments.number("operation")?;
    let keys = arguments.targets("keys", |text| SessionKey::new(text).ok())?;
    let Body(body) = body?;
    if !keys.is_empty() {
        door.app.pushes.to_keys(keys, push(operation, body, &trace)).await?;
    }
    done(None)
}

/// Pushes to users.
#[utoipa::path(post, path = "/goim/push/mids", operation_id = "goimPushMids", tag = "goim", security(("server" = [])),
    params(("operation" = i32, Query), ("mids" = Vec<i64>, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The bus has it, or a refusal", body = Reply)))]
pub(super) async fn push_mids(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
    trace: Trace,
    body: Result<Body, Refused>,
) -> Replied {
    let operation = arguments.number("operation")?;
    let users = arguments.targets("mids", |text| text.parse::<UserId>().ok())?;
    let Body(body) = body?;
    if !users.is_empty() {
        door.app.pushes.to_users(users, push(operation, body, &trace)).await?;
    }
    done(None)
}

/// Pushes to a room, `type://room`.
#[utoipa::path(post, path = "/goim/push/room", operation_id = "goimPushRoom", tag = "goim", security(("server" = [])),
    params(("operation" = i32, Query), ("type" = String, Query), ("room" = String, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The bus has it, or a refusal", body = Reply)))]
pub(super) async fn push_room(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
    trace: Trace,
    body: Result<Body, Refused>,
) -> Replied {
    let operation = arguments.required_number("operation")?;
    let room = format!("{}://{}", arguments.required("type")?, arguments.required("room")?);
    let room = RoomKey::new(room).map_err(|error| invalid(format!("room: {error}")))?;
    let Body(body) = body?;
    door.app.pushes.to_room(room, push(operation, body, &trace)).await?;
    done(None)
}

/// Pushes to everyone online.
#[utoipa::path(post, path = "/goim/push/all", operation_id = "goimPushAll", tag = "goim", security(("server" = [])),
    params(("operation" = i32, Query), ("speed" = Option<i32>, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "The bus has it, or a refusal", body = Reply)))]
pub(super) async fn push_all(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
    trace: Trace,
    body: Result<Body, Refused>,
) -> Replied {
    let operation = arguments.required_number("operation")?;
    let speed = arguments.number("speed")?;
    if speed < 0 {
        return Err(invalid("speed: is 0 or more".to_owned()).into());
    }
    let Body(body) = body?;
    door.app.pushes.to_all(speed, push(operation, body, &trace)).await?;
    done(None)
}

/// Rooms of a type with the most members.
#[utoipa::path(get, path = "/goim/online/top", operation_id = "goimOnlineTop", tag = "goim", security(("server" = [])),
    params(("type" = String, Query), ("limit" = i32, Query)),
    responses((status = 200, description = "data: [{room_id, count}]", body = Reply)))]
pub(super) async fn online_top(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
) -> Replied {
    let limit = arguments.required_number("limit")?;
    let limit = usize::try_from(limit).map_err(|_| invalid("limit: is 1 or more".to_owned()))?;
    let top = door.app.online.top(arguments.required("type")?, limit).await?;
    let rooms = top.into_iter().map(|room| json!({"room_id": room.room_id, "count": room.count}));
    done(Some(rooms.collect()))
}

/// Members of rooms of a type.
#[utoipa::path(get, path = "/goim/online/room", operation_id = "goimOnlineRoom", tag = "goim", security(("server" = [])),
    params(("type" = String, Query), ("rooms" = Vec<String>, Query)),
    responses((status = 200, description = "data: {room: count}", body = Reply)))]
pub(super) async fn online_room(
    State(door): State<Arc<Door>>,
    _: GoimServer,
    arguments: Arguments,
) -> Replied {
    let kind = arguments.required("type")?;
    arguments.required("rooms")?;
    let rooms = arguments.targets("rooms", |text| Some(text.to_owned()))?;
    let counts: BTreeMap<String, i64> = door.app.online.rooms(kind, &rooms).await?;
    done(Some(json!(counts)))
}

/// All connections and client addresses.
#[utoipa::path(get, path = "/goim/online/total", operation_id = "goimOnlineTotal", tag = "goim", security(("server" = [])),
    responses((status = 200, description = "data: {ip_count, conn_count}", body = Reply)))]
pub(super) async fn online_total(State(door): State<Arc<Door>>, _: GoimServer) -> Replied {
    let total = door.app.online.total().await?;
    done(Some(json!({"ip_count": total.addresses, "conn_count": total.connections})))
}

/// Nodes a client should connect to, best first. Open: clients ask before they have anything.
#[utoipa::path(get, path = "/goim/nodes/weighted", operation_id = "goimNodesWeighted", tag = "goim", security(()),
    params(("platform" = Option<String>, Query, description = "`web` for WebSocket hosts")),
    responses((status = 200, description = "data: where and how to connect", body = Reply)))]
pub(super) async fn nodes_weighted(State(door): State<Arc<Door>>, arguments: Arguments) -> Replied {
    let nodes = door.app.online.nodes_weighted(arguments.first("platform").unwrap_or_default()).await?;
    done(Some(nodes_json(&nodes)))
}

/// Every comet, as a discovery instance.
#[utoipa::path(get, path = "/goim/nodes/instances", operation_id = "goimNodesInstances", tag = "goim", security(("server" = [])),
    responses((status = 200, description = "data: instances", body = Reply)))]
pub(super) async fn nodes_instances(State(door): State<Arc<Door>>, _: GoimServer) -> Replied {
    let comets = door.app.online.nodes().await?;
    done(Some(comets.iter().map(instance_json).collect()))
}
