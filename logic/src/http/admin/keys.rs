//! Keys of servers.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::Code;
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::{ManageKeys, Operator};
use crate::http::door::Door;
use crate::http::input::{Json, Path};
use crate::http::refused::Refused;
use crate::http::views::UserView;
use crate::keys::KeyTerms;
use crate::policy::keys::KeyScope;
use crate::store::ApiKey;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKey {
    /// What it is called: 1 to 64 characters.
    name: String,
    /// `messages:send`, `users:read`, `groups:write`, `push`.
    scopes: Vec<String>,
    /// The account it acts as; needed but for `push`.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// How long it lives, ms; absent = until it is revoked.
    expires_in_ms: Option<i64>,
}

/// A key, without what is secret of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(super) struct KeyView {
    id: String,
    name: String,
    /// Its beginning.
    prefix: String,
    scopes: Vec<&'static str>,
    /// The account it acts as.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserView>,
    /// The operator who made it.
    creator_id: String,
    /// ms since the epoch.
    created_at_ms: i64,
    /// ms since the epoch; absent = it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    /// When it was last used, to the minute, ms since the epoch; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at_ms: Option<i64>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        let some_time = |ms: i64| Some(ms).filter(|&ms| ms > 0);
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.into_iter().map(KeyScope::as_str).collect(),
            user: key.user.map(UserView::from),
            creator_id: key.creator_id.to_string(),
            created_at_ms: key.created_at_ms,
            expires_at_ms: some_time(key.expires_at_ms),
            used_at_ms: some_time(key.used_at_ms),
        }
    }
}

/// Keys of servers.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeys)]
pub(super) struct KeysView {
    keys: Vec<KeyView>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(super) struct CreatedKeyView {
    /// For `Authorization: Bearer`; it is not shown again.
    secret: String,
    key: KeyView,
}

/// Makes a key for a server. It is shown this once.
#[utoipa::path(post, path = "/api/admin/keys", operation_id = "adminCreateKey", tag = "admin", request_body = NewKey,
    responses((status = 201, description = "Made", body = CreatedKeyView)))]
pub(super) async fn create(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageKeys>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, JsonReply<CreatedKeyView>), Refused> {
    let unknown = |name: &str| Refused::new(Code::InvalidField, format!("scopes: there is no {name:?}"));
    let scopes = new.scopes.iter().map(|name| KeyScope::parse(name).ok_or_else(|| unknown(name)));
    let terms = KeyTerms {
        scopes: scopes.collect::<Result<_, _>>()?,
        name: new.name,
        user: new.user_id,
        expires_in_ms: new.expires_in_ms,
    };
    let app = &door.app;
    let (key, secret) = app.keys.create(&app.operators, (operator.id, operator.role), terms).await?;
    Ok((StatusCode::CREATED, JsonReply(CreatedKeyView { secret, key: key.into() })))
}

/// Lists the keys of servers, by id.
#[utoipa::path(get, path = "/api/admin/keys", operation_id = "adminKeys", tag = "admin",
    responses((status = 200, description = "By id", body = KeysView)))]
pub(super) async fn list(
    State(door): State<Arc<Door>>,
    _: Operator<ManageKeys>,
) -> Result<JsonReply<KeysView>, Refused> {
    let keys = door.app.keys.list().await?;
    Ok(JsonReply(KeysView { keys: keys.into_iter().map(KeyView::from).collect() }))
}

/// Revokes a key: it opens nothing any more, at once.
#[utoipa::path(delete, path = "/api/admin/keys/{id}", operation_id = "adminRevokeKey", tag = "admin",
    params(("id" = String, Path, description = "The key")),
    responses((status = 204, description = "There is no such key")))]
pub(super) async fn revoke(
    State(door): State<Arc<Door>>,
    operator: Operator<ManageKeys>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Refused> {
    door.app.keys.revoke(&door.app.operators, operator.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
