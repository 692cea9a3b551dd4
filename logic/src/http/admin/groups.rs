//! Groups of anybody: what operators may do is in the table of `policy`.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::{ConversationId, UserId};

use super::operator::{ManageGroup, Operator, See};
use crate::http::door::Door;
use crate::http::groups::{GroupPatch, NewMute};
use crate::http::input::{Json, Path, Path2};
use crate::http::refused::Refused;
use crate::http::views::GroupView;
use crate::store::GroupChange;

/// Tells what a group is, its members not.
#[utoipa::path(get, path = "/api/admin/groups/{id}", operation_id = "adminGroup", tag = "admin",
    params(("id" = String, Path, description = "The group")),
    responses((status = 200, description = "The group", body = GroupView)))]
pub(super) async fn group(
    State(door): State<Arc<Door>>,
    operator: Operator<See>,
    Path(id): Path<ConversationId>,
) -> Result<JsonReply<GroupView>, Refused> {
    Ok(JsonReply(door.app.conversations.group_of_operator(operator.id, id).await?.into()))
}

/// Changes what a group shows, or mutes all of it.
#[utoipa::path(patch, path = "/api/admin/groups/{id}", operation_id = "adminEditGroup", tag = "admin",
    params(("id" = String, Path, description = "The group")), request_body = GroupPatch,
    responses((status = 204, description = "It is so")))]
pub(super) async fn edit(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageGroup>,
    Path(id): Path<ConversationId>,
    Json(patch): Json<GroupPatch>,
) -> Result<StatusCode, Refused> {
    change(&door, &operator, id, GroupChange::Edit(patch.into())).await
}

/// Ends a group: its members read on, nobody sends any more.
#[utoipa::path(delete, path = "/api/admin/groups/{id}", operation_id = "adminDissolveGroup", tag = "admin",
    params(("id" = String, Path, description = "The group")),
    responses((status = 204, description = "It is dissolved")))]
pub(super) async fn dissolve(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageGroup>,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode, Refused> {
    change(&door, &operator, id, GroupChange::Dissolve).await
}

/// Removes a member, who is not its owner, from a group.
#[utoipa::path(delete, path = "/api/admin/groups/{id}/members/{userId}", operation_id = "adminRemoveMember", tag = "admin",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    responses((status = 204, description = "They are not a member")))]
pub(super) async fn remove_member(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageGroup>,
    Path2(id, member): Path2<ConversationId, UserId>,
) -> Result<StatusCode, Refused> {
    change(&door, &operator, id, GroupChange::Remove(member)).await
}

/// Keeps a member from sending in a group until a time.
#[utoipa::path(put, path = "/api/admin/groups/{id}/members/{userId}/mute", operation_id = "adminMuteMember", tag = "admin",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    request_body = NewMute,
    responses((status = 204, description = "It is so")))]
pub(super) async fn mute_member(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageGroup>,
    Path2(id, member): Path2<ConversationId, UserId>,
    Json(NewMute { until }): Json<NewMute>,
) -> Result<StatusCode, Refused> {
    change(&door, &operator, id, GroupChange::Mute(member, until)).await
}

async fn change(
    door: &Door,
    operator: &Operator<ManageGroup>,
    group: ConversationId,
    change: GroupChange,
) -> Result<StatusCode, Refused> {
    let app = &door.app;
    app.moderation
        .change_group((&app.operators, &app.conversations), operator.actor(), group, change)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
