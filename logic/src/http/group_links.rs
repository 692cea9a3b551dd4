//! Links by which people come into groups.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use oort_api::ids::ConversationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{Caller, GroupsWrite};
use super::door::Door;
use super::input::{Json, Path, Path2, idempotency_key};
use super::refused::Refused;
use super::views::{ConversationView, UserView};
use crate::conversations::LinkTerms;
use crate::store::GroupLink;

/// A link to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewLink {
    /// How long it lets people in, ms; absent = until it is revoked.
    expires_in_ms: Option<i64>,
    /// How many may come in by it; absent = any number.
    uses_max: Option<i64>,
}

/// A link, without its token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupLink)]
pub(super) struct LinkView {
    id: String,
    creator: UserView,
    /// ms since the epoch.
    created_at_ms: i64,
    /// ms since the epoch; absent = until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    /// How many may come in by it; absent = any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    uses_max: Option<i64>,
    /// How many came in by it.
    uses: i64,
}

impl From<GroupLink> for LinkView {
    fn from(link: GroupLink) -> Self {
        Self {
            id: link.id.to_string(),
            creator: link.creator.into(),
            created_at_ms: link.created_at_ms,
            expires_at_ms: Some(link.expires_at_ms).filter(|&ms| ms > 0),
            uses_max: Some(link.uses_max).filter(|&uses| uses > 0),
            uses: link.uses,
        }
    }
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedGroupLink)]
pub(super) struct CreatedLinkView {
    /// What lets people in; it is not shown again.
    token: String,
    link: LinkView,
}

/// Links of a group, by id.
#[derive(Serialize, ToSchema)]
#[schema(as = GroupLinks)]
pub(super) struct LinksView {
    links: Vec<LinkView>,
}

/// What lets the caller in.
#[derive(Deserialize, ToSchema)]
pub(super) struct Token {
    token: String,
}

/// Makes a link by which others come in.
#[utoipa::path(post, path = "/api/groups/{id}/links", operation_id = "createGroupLink", tag = "groups",
    params(("id" = String, Path, description = "The group"),
        ("idempotency-key" = Option<String>, Header, description = "A repeat under the same key makes nothing")),
    request_body = NewLink,
    responses((status = 201, description = "Made", body = CreatedLinkView)))]
pub(super) async fn create_link(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
    headers: HeaderMap,
    Json(NewLink { expires_in_ms, uses_max }): Json<NewLink>,
) -> Result<(StatusCode, JsonReply<CreatedLinkView>), Refused> {
    let key = idempotency_key(&headers)?;
    let terms = LinkTerms { expires_in_ms, uses_max };
    let (link, token) = door.app.conversations.create_link(&caller.identity.user, id, terms, key).await?;
    Ok((StatusCode::CREATED, JsonReply(CreatedLinkView { token, link: link.into() })))
}

/// Lists the links of a group, by id.
#[utoipa::path(get, path = "/api/groups/{id}/links", operation_id = "listGroupLinks", tag = "groups",
    params(("id" = String, Path, description = "The group")),
    responses((status = 200, description = "Its links", body = LinksView)))]
pub(super) async fn list_links(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path(id): Path<ConversationId>,
) -> Result<JsonReply<LinksView>, Refused> {
    let links = door.app.conversations.links(caller.id, id).await?;
    Ok(JsonReply(LinksView { links: links.into_iter().map(LinkView::from).collect() }))
}

/// Revokes a link: nobody comes in by it any more.
#[utoipa::path(delete, path = "/api/groups/{id}/links/{linkId}", operation_id = "revokeGroupLink", tag = "groups",
    params(("id" = String, Path, description = "The group"), ("linkId" = String, Path, description = "The link")),
    responses((status = 204, description = "There is no such link")))]
pub(super) async fn revoke_link(
    State(door): State<Arc<Door>>,
    caller: Caller<GroupsWrite>,
    Path2(id, link): Path2<ConversationId, i64>,
) -> Result<StatusCode, Refused> {
    door.app.conversations.revoke_link(caller.id, id, link).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets the caller into the group of a link, unless they are in it already.
#[utoipa::path(post, path = "/api/groups/join", operation_id = "joinGroup", tag = "groups", request_body = Token,
    responses((status = 200, description = "The group", body = ConversationView)))]
pub(super) async fn join(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(Token { token }): Json<Token>,
) -> Result<JsonReply<ConversationView>, Refused> {
    let group = door.app.conversations.join(&caller.identity.user, &token).await?;
    Ok(JsonReply(ConversationView::of(group, None)))
}
