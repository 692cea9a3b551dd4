//! Users and their connections.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::Code;
use oort_api::ids::{SessionKey, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operator::{Kick, Operator, See};
use super::sanctions::SanctionView;
use crate::http::door::Door;
use crate::http::input::{Path, Path2, Query};
use crate::http::refused::Refused;
use crate::operators::UserState;
use crate::policy::operators::OperatorRole;
use crate::store::SanctionKind;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AdminFindUsers {
    /// What the user name begins with, without regard to case.
    #[serde(default)]
    query: String,
    /// Most users to answer with.
    limit: Option<u32>,
}

/// Users found.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminUsers)]
pub(super) struct AdminUsersView {
    users: Vec<AdminUserView>,
}

/// A user as operators see them.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminUser)]
struct AdminUserView {
    #[schema(example = "7")]
    id: String,
    username: String,
    /// They look after the server.
    operator: bool,
    /// `viewer`, `moderator` or `administrator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// They have a connection.
    online: bool,
    /// They may not log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    ban: Option<SanctionView>,
    /// They may not send.
    #[serde(skip_serializing_if = "Option::is_none")]
    mute: Option<SanctionView>,
}

/// Connections of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Connections)]
pub(super) struct ConnectionsView {
    connections: Vec<ConnectionView>,
}

/// A connection of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
struct ConnectionView {
    /// Its session key.
    key: String,
    /// Name of the comet that holds it.
    comet: String,
    /// Client's kind.
    platform: String,
}

/// Connections told to close.
#[derive(Serialize, ToSchema)]
#[schema(as = Kicked)]
pub(super) struct KickedView {
    connections: usize,
}

impl From<UserState> for AdminUserView {
    fn from(state: UserState) -> Self {
        let UserState { user, role, is_online, sanctions } = state;
        let (mut ban, mut mute) = (None, None);
        for sanction in sanctions {
            match sanction.kind {
                SanctionKind::Ban => ban = Some(sanction.into()),
                SanctionKind::Mute => mute = Some(sanction.into()),
            }
        }
        Self {
            id: user.id.to_string(),
            username: user.username,
            operator: role.is_some(),
            role: role.map(OperatorRole::as_str),
            online: is_online,
            ban,
            mute,
        }
    }
}

/// Finds users by the beginning of their name.
#[utoipa::path(get, path = "/api/admin/users", operation_id = "adminUsers", tag = "admin", params(AdminFindUsers),
    responses((status = 200, description = "By name", body = AdminUsersView)))]
pub(super) async fn users(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Query(find): Query<AdminFindUsers>,
) -> Result<JsonReply<AdminUsersView>, Refused> {
    let users = door.app.accounts.find_users(&find.query, find.limit).await?;
    let states = door.app.operators.states(users).await?;
    Ok(JsonReply(AdminUsersView { users: states.into_iter().map(AdminUserView::from).collect() }))
}

/// Lists the connections of a user, wherever they are.
#[utoipa::path(get, path = "/api/admin/users/{id}/connections", operation_id = "adminConnections", tag = "admin",
    params(("id" = String, Path, description = "User id")),
    responses((status = 200, description = "By comet and key", body = ConnectionsView)))]
pub(super) async fn connections(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Path(user): Path<UserId>,
) -> Result<JsonReply<ConnectionsView>, Refused> {
    let sessions = door.app.operators.sessions_of(user).await?;
    let connections = sessions.into_iter().map(|session| ConnectionView {
        key: session.key.to_string(),
        comet: session.comet.id,
        platform: session.platform,
    });
    Ok(JsonReply(ConnectionsView { connections: connections.collect() }))
}

/// Closes all connections of a user. Their log-ins go on.
#[utoipa::path(delete, path = "/api/admin/users/{id}/connections", operation_id = "adminKickAll", tag = "admin",
    params(("id" = String, Path, description = "User id")),
    responses((status = 202, description = "The comets are told", body = KickedView)))]
pub(super) async fn kick_all(
    State(door): State<Arc<Door>>,
    operator: Operator<Kick>,
    Path(user): Path<UserId>,
) -> Result<(StatusCode, JsonReply<KickedView>), Refused> {
    door.app.operators.reach(operator.role, user).await?;
    let connections = door.app.operators.kick(&door.app.kicks, operator.id, user, None).await?;
    Ok((StatusCode::ACCEPTED, JsonReply(KickedView { connections })))
}

/// Closes one connection of a user. Its log-in goes on.
#[utoipa::path(delete, path = "/api/admin/users/{id}/connections/{key}", operation_id = "adminKick", tag = "admin",
    params(("id" = String, Path, description = "User id"), ("key" = String, Path, description = "Session key")),
    responses((status = 202, description = "The comet is told", body = KickedView)))]
pub(super) async fn kick(
    State(door): State<Arc<Door>>,
    operator: Operator<Kick>,
    Path2(user, key): Path2<UserId, String>,
) -> Result<(StatusCode, JsonReply<KickedView>), Refused> {
    let key =
        SessionKey::new(key).map_err(|_| Refused::new(Code::InvalidField, "path: not a session key"))?;
    door.app.operators.reach(operator.role, user).await?;
    let connections = door.app.operators.kick(&door.app.kicks, operator.id, user, Some(key)).await?;
    Ok((StatusCode::ACCEPTED, JsonReply(KickedView { connections })))
}
