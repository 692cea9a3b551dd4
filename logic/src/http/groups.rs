//! Groups: their members, what they show, and what users make of conversations for themselves.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use oort_api::ids::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, GroupsWrite};
use super::door::Door;
use super::group_links;
use super::input::{Json, Path, Path2, Query, idempotency_key};
use super::refused::Refused;
use super::views::{ConversationView, GroupView, MemberView, RoleView};
use crate::policy::Role;
use crate::store::GroupEdit;

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

/// What is to be another; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupPatch {
    name: Option<String>,
    /// Address or file id of its picture; empty = none.
    avatar: Option<String>,
    /// What everybody is to know; empty = nothing.
    announcement: Option<String>,
    /// Only admins and the owner may send.
    mute_all: Option<bool>,
}

impl From<GroupPatch> for GroupEdit {
    fn from(GroupPatch { name, avatar, announcement, mute_all }: GroupPatch) -> Self {
        Self { name, avatar, announcement, is_muted_all: mute_all, expires_in_ms: None }
    }
}

/// Who becomes the owner.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewOwner {
    /// A member.
    #[schema(value_type = String, example = "7")]
    user_id: UserId,
}

/// What a member becomes.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewRole {
    /// `admin` or `member`.
    role: RoleView,
}

/// Until when a member may not send.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMute {
    /// ms since the epoch; 0 = may send.
    pub(super) until: i64,
}

/// What the caller makes of a conversation; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SettingsPatch {
    /// Shown before others.
    pinned: Option<bool>,
    /// Notifies of nothing until then, ms since the epoch; 0 = notifies.
    muted_until: Option<i64>,
}

/// What the caller made of a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationSettings)]
pub(super) struct SettingsView {
    /// Shown before others.
    pinned: bool,
    /// Notifies of nothing until then, ms since the epoch; 0 = notifies.
    muted_until: i64,
}

/// How long messages of a conversation are to stay.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewExpiry {
    /// For those sent from now on, ms; 0 = for ever.
    expires_in_ms: i64,
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

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(create_group))
        .routes(routes!(group, edit_group, dissolve_group))
        .routes(routes!(hand_over))
        .routes(routes!(list_members, add_members))
        .routes(routes!(remove_member))
        .routes(routes!(set_role))
        .routes(routes!(mute_member))
        .routes(routes!(group_links::join))
        .routes(routes!(group_links::list_links, group_links::create_link))
        .routes(routes!(group_links::revoke_link))
        .routes(routes!(put_settings))
        .routes(routes!(put_expiry))
}

/// Creates a group with its first members; the caller owns it.
#[utoipa::path(post, path = "/api/groups", operation_id = "createGroup", tag = "groups",
    params(("idempotency-key" = Option<String>, Header, description = "A repeat under the same key creates nothing")),
    request_body = NewGroup,
    responses((status = 201, description = "Created", body = ConversationView)))]
pub(super) async fn create_group(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    headers: HeaderMap,
    Json(new): Json<NewGroup>,
) -> Result<(StatusCode, JsonReply<ConversationView>), Refused> {
    let key = idempotency_key(&headers)?;
    let creator = &caller.identity.user;
    let group = door.app.conversations.create_group(creator, &new.name, new.member_ids, key).await?;
    Ok((StatusCode::CREATED, JsonReply(ConversationView::of(group, None))))
}

/// A group, as its members see it.
#[utoipa::path(get, path = "/api/groups/{id}", operation_id = "getGroup", tag = "groups",
    params(("id" = String, Path, description = "The group")),
    responses((status = 200, description = "The group", body = GroupView)))]
pub(super) async fn group(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
) -> Result<JsonReply<GroupView>, Refused> {
    Ok(JsonReply(door.app.conversations.group(caller.id, id).await?.into()))
}

/// Changes name, picture, announcement, or whether all are muted.
#[utoipa::path(patch, path = "/api/groups/{id}", operation_id = "editGroup", tag = "groups",
    params(("id" = String, Path, description = "The group")), request_body = GroupPatch,
    responses((status = 204, description = "It is so now")))]
pub(super) async fn edit_group(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
    Json(patch): Json<GroupPatch>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.edit_group(&caller.identity.user, id, patch.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Dissolves a group: its members read on, nobody sends any more.
#[utoipa::path(delete, path = "/api/groups/{id}", operation_id = "dissolveGroup", tag = "groups",
    params(("id" = String, Path, description = "The group")),
    responses((status = 204, description = "It is dissolved")))]
pub(super) async fn dissolve_group(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.dissolve(&caller.identity.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes another member the owner; the caller becomes an admin.
#[utoipa::path(post, path = "/api/groups/{id}/owner", operation_id = "handOverGroup", tag = "groups",
    params(("id" = String, Path, description = "The group")), request_body = NewOwner,
    responses((status = 204, description = "They own it")))]
pub(super) async fn hand_over(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
    Json(new): Json<NewOwner>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.hand_over(&caller.identity.user, id, new.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists members, by user id.
#[utoipa::path(get, path = "/api/groups/{id}/members", operation_id = "listMembers", tag = "groups",
    params(("id" = String, Path, description = "The group"), ListMembers),
    responses((status = 200, description = "A page of members", body = MembersView)))]
pub(super) async fn list_members(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
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
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
    Json(new): Json<NewMembers>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.add_members(&caller.identity.user, id, new.user_ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a member; everyone but the owner may remove themselves.
#[utoipa::path(delete, path = "/api/groups/{id}/members/{userId}", operation_id = "removeMember", tag = "groups",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    responses((status = 204, description = "They are no member")))]
pub(super) async fn remove_member(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path2(id, member): Path2<ConversationId, UserId>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.remove_member(&caller.identity.user, id, member).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a member an admin, or an admin a member.
#[utoipa::path(put, path = "/api/groups/{id}/members/{userId}/role", operation_id = "setRole", tag = "groups",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    request_body = NewRole, responses((status = 204, description = "They are that")))]
pub(super) async fn set_role(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path2(id, member): Path2<ConversationId, UserId>,
    Json(new): Json<NewRole>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.set_role(&caller.identity.user, id, member, Role::from(new.role)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a member from sending until a time, or no more.
#[utoipa::path(put, path = "/api/groups/{id}/members/{userId}/mute", operation_id = "muteMember", tag = "groups",
    params(("id" = String, Path, description = "The group"), ("userId" = String, Path, description = "The member")),
    request_body = NewMute, responses((status = 204, description = "It is so")))]
pub(super) async fn mute_member(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path2(id, member): Path2<ConversationId, UserId>,
    Json(new): Json<NewMute>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.mute_member(&caller.identity.user, id, member, new.until).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says how long messages sent to a group or direct conversation from now on stay.
#[utoipa::path(put, path = "/api/conversations/{id}/expiry", operation_id = "putExpiry", tag = "conversations",
    params(("id" = String, Path, description = "A group that the caller looks after, or a direct conversation")),
    request_body = NewExpiry, responses((status = 204, description = "It is so")))]
pub(super) async fn put_expiry(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(new): Json<NewExpiry>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.set_expiry(&caller.identity.user, id, new.expires_in_ms).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pins or mutes a conversation for the caller, on all their devices.
#[utoipa::path(put, path = "/api/conversations/{id}/settings", operation_id = "putConversationSettings",
    tag = "conversations", params(("id" = String, Path, description = "Any conversation of the caller")),
    request_body = SettingsPatch,
    responses((status = 200, description = "As it is now, stored", body = SettingsView)))]
pub(super) async fn put_settings(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(new): Json<SettingsPatch>,
) -> Result<JsonReply<SettingsView>, Refused> {
    let settings = door.app.conversations.set_for_user(caller.id, id, new.pinned, new.muted_until).await?;
    Ok(JsonReply(SettingsView { pinned: settings.is_pinned, muted_until: settings.muted_until_ms }))
}
