//! Groups and their members.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Path, Path2, Query};
use super::refused::Refused;
use super::views::{ConversationView, MemberView};

/// A group to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewGroup {
    name: String,
    /// Besides the caller.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    member_ids: Vec<UserId>,
}

/// Users to add to a group.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMembers {
    /// Those who are members already are passed over.
    #[schema(value_type = Vec<String>)]
    user_ids: Vec<UserId>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListMembers {
    /// Only members whose user id is greater.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
    /// Most members to answer with.
    limit: Option<u32>,
}

/// Members of a group, by user id.
#[derive(Serialize, ToSchema)]
#[schema(as = Members)]
pub(super) struct MembersView {
    members: Vec<MemberView>,
}

/// Members in a page when the request does not say.
const PAGE: u32 = 100;

/// Creates a group with its first members.
#[utoipa::path(post, path = "/api/groups", operation_id = "createGroup", tag = "groups", request_body = NewGroup,
    responses((status = 201, description = "Created", body = ConversationView)))]
pub(super) async fn create_group(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(new): Json<NewGroup>,
) -> Result<(StatusCode, JsonReply<ConversationView>), Refused> {
    let group = door.app.conversations.create_group(&caller.identity.user, &new.name, new.member_ids).await?;
    Ok((StatusCode::CREATED, JsonReply(ConversationView::of(group, None))))
}

/// Lists members, by user id.
#[utoipa::path(get, path = "/api/groups/{id}/members", operation_id = "listMembers", tag = "groups",
    params(("id" = String, Path, description = "The group"), ListMembers),
    responses((status = 200, description = "A page of members", body = MembersView)))]
pub(super) async fn list_members(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<ListMembers>,
) -> Result<JsonReply<MembersView>, Refused> {
    let after = query.after.map_or(0, UserId::get);
    let members = door.app.conversations.members(caller.id, id, after, query.limit.unwrap_or(PAGE)).await?;
    Ok(JsonReply(MembersView { members: members.into_iter().map(MemberView::from).collect() }))
}

/// Adds members.
#[utoipa::path(post, path = "/api/groups/{id}/members", operation_id = "addMembers", tag = "groups",
    params(("id" = String, Path, description = "The group")), request_body = NewMembers,
    responses((status = 204, description = "They are members")))]
pub(super) async fn add_members(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(new): Json<NewMembers>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.add_members(&caller.identity.user, id, new.user_ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member; everyone may remove themselves.
#[utoipa::path(delete, path = "/api/groups/{id}/members/{userId}", operation_id = "removeMember", tag = "groups",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    responses((status = 204, description = "They are no member")))]
pub(super) async fn remove_member(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path2(id, member): Path2<ConversationId, UserId>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.remove_member(&caller.identity.user, id, member).await?;
    Ok(StatusCode::NO_CONTENT)
}
