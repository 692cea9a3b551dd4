//! The caller's own account and profile, and what others see of a user.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt as _;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, SET_COOKIE};
use oort_api::Code;
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, UsersRead};
use super::cookie;
use super::door::{ClientAddress, Door};
use super::input::{Json, Path};
use super::refused::Refused;
use super::views::UserView;
use crate::policy::operators::OperatorRole;
use crate::store::{Person, Profile, ProfileChange, Sex};

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(me, change_me, delete_me))
        .routes(routes!(deactivate_me))
        .routes(routes!(export_me))
        .routes(routes!(user))
}

/// What a user tells of themselves.
#[derive(Serialize, ToSchema)]
#[schema(as = Profile)]
pub(super) struct ProfileView {
    /// Shown instead of the user name; empty = none.
    nick: String,
    /// An http(s) URL, or the id of a file; empty = none.
    avatar: String,
    /// `female`, `male`, `other`; empty = not said.
    sex: &'static str,
    description: String,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile { nick, avatar, sex, description } = profile;
        Self { nick, avatar, sex: sex.as_str(), description }
    }
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me)]
pub(super) struct MeView {
    user: UserView,
    profile: ProfileView,
    /// Nobody else is shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// When the account was created, ms since the epoch.
    created_at_ms: i64,
    /// When the credential ends, ms since the epoch.
    expires_at_ms: i64,
    /// The caller may use `/api/admin`.
    operator: bool,
    /// `viewer`, `moderator` or `administrator`: what the caller may do there.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_role: Option<&'static str>,
}

/// A user as everybody sees them.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
pub(super) struct PersonView {
    user: UserView,
    profile: ProfileView,
}

/// What is to change; what is absent stays, what is empty is taken away.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewProfile {
    /// At most 64 characters and 256 bytes.
    nick: Option<String>,
    /// At most 1024 bytes.
    avatar: Option<String>,
    /// `female`, `male`, `other`, or empty.
    sex: Option<String>,
    /// At most 500 characters and 2000 bytes.
    description: Option<String>,
}

/// The caller's password, to be sure.
#[derive(Deserialize, ToSchema)]
pub(super) struct Confirmation {
    password: String,
}

/// Tells who the caller is.
#[utoipa::path(get, path = "/api/me", operation_id = "me", tag = "accounts",
    responses((status = 200, description = "The caller", body = MeView)))]
pub(super) async fn me(State(door): State<Arc<Door>>, caller: Caller) -> Result<JsonReply<MeView>, Refused> {
    let person = door.app.profiles.of(caller.id).await?;
    Ok(JsonReply(view(&door, &caller, person).await?))
}

/// Changes the caller's profile; their devices get the event `profile_changed`.
#[utoipa::path(patch, path = "/api/me", operation_id = "changeMe", tag = "accounts", request_body = NewProfile,
    responses((status = 200, description = "The caller, as they are now", body = MeView)))]
pub(super) async fn change_me(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(new): Json<NewProfile>,
) -> Result<JsonReply<MeView>, Refused> {
    let unknown = || Refused::new(Code::InvalidField, "sex: female, male, other, or empty");
    let sex = new.sex.map(|sex| Sex::of(&sex).ok_or_else(unknown)).transpose()?;
    let change = ProfileChange { nick: new.nick, avatar: new.avatar, sex, description: new.description };
    let person = door.app.profiles.change(caller.id, change).await?;
    Ok(JsonReply(view(&door, &caller, person).await?))
}

async fn view(door: &Door, caller: &Caller, person: Person) -> Result<MeView, Refused> {
    let role = door.app.operators.role(caller.id).await?;
    Ok(MeView {
        user: person.user.into(),
        profile: person.profile.into(),
        email: person.email,
        created_at_ms: person.created_at_ms,
        expires_at_ms: caller.identity.expires_at_ms,
        operator: role.is_some(),
        operator_role: role.map(OperatorRole::as_str),
    })
}

/// Deletes the caller's account for ever. Their messages stay or are erased, as `logic.accounts.on_delete` says.
#[utoipa::path(delete, path = "/api/me", operation_id = "deleteMe", tag = "accounts", request_body = Confirmation,
    responses((status = 204, description = "Deleted; all log-ins are ended")))]
pub(super) async fn delete_me(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    caller: Caller,
    Json(confirmation): Json<Confirmation>,
) -> Result<Response, Refused> {
    door.app.rates.login(address)?;
    door.app.accounts.delete(&caller.identity, &confirmation.password, address).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(&door.config))]).into_response())
}

/// Deactivates the caller's account: nobody finds it, until its user logs in again.
#[utoipa::path(post, path = "/api/me/deactivation", operation_id = "deactivateMe", tag = "accounts", request_body = Confirmation,
    responses((status = 204, description = "Deactivated; all log-ins are ended")))]
pub(super) async fn deactivate_me(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    caller: Caller,
    Json(confirmation): Json<Confirmation>,
) -> Result<Response, Refused> {
    door.app.rates.login(address)?;
    door.app.accounts.deactivate(&caller.identity, &confirmation.password, address).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(&door.config))]).into_response())
}

/// All that is kept of the caller, as one JSON text: account, profile, log-ins, conversations, and every message they wrote.
#[utoipa::path(get, path = "/api/me/export", operation_id = "exportMe", tag = "accounts",
    responses((status = 200, description = "As long as it is; one that breaks off is no JSON", content_type = "application/json", body = String)))]
pub(super) async fn export_me(State(door): State<Arc<Door>>, caller: Caller) -> Result<Response, Refused> {
    let text = door.app.exports.of(caller.id).await?.inspect_err(|refusal| {
        tracing::warn!(%refusal, "an export broke off");
    });
    let headers =
        [(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, "attachment; filename=\"export.json\"")];
    Ok((headers, Body::from_stream(text)).into_response())
}

/// Tells who a user is.
#[utoipa::path(get, path = "/api/users/{id}", operation_id = "user", tag = "accounts",
    params(("id" = String, Path, description = "User id")),
    responses((status = 200, description = "The user", body = PersonView)))]
pub(super) async fn user(
    State(door): State<Arc<Door>>,
    _: Caller<UsersRead>,
    Path(id): Path<UserId>,
) -> Result<JsonReply<PersonView>, Refused> {
    let Person { user, profile, .. } = door.app.profiles.of(id).await?;
    Ok(JsonReply(PersonView { user: user.into(), profile: profile.into() }))
}
