//! Bans and mutes.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operator::{Ban, Call, Mute, Operator, See};
use crate::http::door::Door;
use crate::http::input::{Json, Path, Query};
use crate::http::refused::Refused;
use crate::http::views::UserView;
use crate::moderation::{Actor, Terms};
use crate::store::{Sanction, SanctionKind};

/// What a user is to be kept from, and why.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewSanction {
    /// 1 to 500 characters, for the user and for other operators.
    reason: String,
    /// ms since the epoch; absent = without end.
    until: Option<i64>,
}

impl From<NewSanction> for Terms {
    fn from(NewSanction { reason, until }: NewSanction) -> Self {
        Self { reason, until_ms: until }
    }
}

/// What a user is kept from, and why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sanction)]
pub(super) struct SanctionView {
    user: UserView,
    reason: String,
    /// ms since the epoch; absent = without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    /// Since when, ms since the epoch.
    at_ms: i64,
    /// The operator.
    actor_id: String,
}

impl From<Sanction> for SanctionView {
    fn from(sanction: Sanction) -> Self {
        Self {
            user: sanction.user.into(),
            reason: sanction.reason,
            until: Some(sanction.until_ms).filter(|&ms| ms > 0),
            at_ms: sanction.at_ms,
            actor_id: sanction.actor_id.to_string(),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListSanctions {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
    /// Most of them to answer with.
    limit: Option<u32>,
}

/// Users who are kept from something.
#[derive(Serialize, ToSchema)]
#[schema(as = Sanctions)]
pub(super) struct SanctionsView {
    sanctions: Vec<SanctionView>,
    /// There are more; give this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<C: Call> Operator<C> {
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { user: &self.user, role: self.role }
    }
}

/// Bans a user: they are logged out everywhere at once and cannot log in. Once more, with another reason or end, it
/// takes the place of the ban before.
#[utoipa::path(put, path = "/api/admin/users/{id}/ban", operation_id = "adminBan", tag = "admin",
    params(("id" = String, Path, description = "User id")), request_body = NewSanction,
    responses((status = 204, description = "In force; the comets are told")))]
pub(super) async fn ban(
    State(door): State<Arc<Door>>,
    operator: Operator<Ban>,
    Path(user): Path<UserId>,
    Json(new): Json<NewSanction>,
) -> Result<StatusCode, Refused> {
    let app = &door.app;
    app.moderation.ban((&app.operators, &app.accounts), operator.actor(), user, new.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a ban back.
#[utoipa::path(delete, path = "/api/admin/users/{id}/ban", operation_id = "adminUnban", tag = "admin",
    params(("id" = String, Path, description = "User id")),
    responses((status = 204, description = "There is no ban")))]
pub(super) async fn unban(
    State(door): State<Arc<Door>>,
    operator: Operator<Ban>,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Refused> {
    door.app.moderation.lift(&door.app.operators, operator.actor(), user, SanctionKind::Ban).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mutes a user in all conversations: they read on, and send, edit and react no more. Their devices get the event
/// `mute_changed`.
#[utoipa::path(put, path = "/api/admin/users/{id}/mute", operation_id = "adminMute", tag = "admin",
    params(("id" = String, Path, description = "User id")), request_body = NewSanction,
    responses((status = 204, description = "In force")))]
pub(super) async fn mute(
    State(door): State<Arc<Door>>,
    operator: Operator<Mute>,
    Path(user): Path<UserId>,
    Json(new): Json<NewSanction>,
) -> Result<StatusCode, Refused> {
    door.app.moderation.mute(&door.app.operators, operator.actor(), user, new.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a mute back.
#[utoipa::path(delete, path = "/api/admin/users/{id}/mute", operation_id = "adminUnmute", tag = "admin",
    params(("id" = String, Path, description = "User id")),
    responses((status = 204, description = "There is no mute")))]
pub(super) async fn unmute(
    State(door): State<Arc<Door>>,
    operator: Operator<Mute>,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Refused> {
    door.app.moderation.lift(&door.app.operators, operator.actor(), user, SanctionKind::Mute).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists bans in force, by user.
#[utoipa::path(get, path = "/api/admin/bans", operation_id = "adminBans", tag = "admin", params(ListSanctions),
    responses((status = 200, description = "By user id", body = SanctionsView)))]
pub(super) async fn list_bans(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Query(query): Query<ListSanctions>,
) -> Result<JsonReply<SanctionsView>, Refused> {
    list(&door, SanctionKind::Ban, query).await
}

/// Lists mutes in force, by user.
#[utoipa::path(get, path = "/api/admin/mutes", operation_id = "adminMutes", tag = "admin", params(ListSanctions),
    responses((status = 200, description = "By user id", body = SanctionsView)))]
pub(super) async fn list_mutes(
    State(door): State<Arc<Door>>,
    _: Operator<See>,
    Query(query): Query<ListSanctions>,
) -> Result<JsonReply<SanctionsView>, Refused> {
    list(&door, SanctionKind::Mute, query).await
}

async fn list(
    door: &Door,
    kind: SanctionKind,
    query: ListSanctions,
) -> Result<JsonReply<SanctionsView>, Refused> {
    let after = query.after.map_or(0, UserId::get);
    let (found, has_more) = door.app.moderation.list(&door.app.operators, kind, after, query.limit).await?;
    let next = found.last().map(|last| last.user.id.to_string()).filter(|_| has_more);
    Ok(JsonReply(SanctionsView { sanctions: found.into_iter().map(SanctionView::from).collect(), next }))
}
