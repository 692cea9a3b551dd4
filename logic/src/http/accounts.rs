//! Accounts and log-ins.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use oort_api::Code;
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, UsersRead, is_same_origin};
use super::door::{ClientAddress, Door};
use super::input::{Json, Query, idempotency_key};
use super::refused::Refused;
use super::views::UserView;
use super::{cookie, device};
use crate::accounts::{Proven, Registration, Session};
use crate::store::{NewDevice, Sought};

/// An account to create.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewAccount {
    /// 2 to 100 characters of any script; unique without regard to case.
    username: String,
    /// Unique; may be used to log in.
    email: Option<String>,
    /// 4 to 1024 bytes.
    password: String,
    /// As it was mailed (`POST /api/codes`); needed where `logic.accounts.sign_up` is `code`.
    code: Option<String>,
    #[serde(flatten)]
    begin: Begin,
}

/// How a log-in begins.
#[derive(Deserialize, ToSchema)]
pub(super) struct Begin {
    /// Sets the cookie `sid` and gives out no tokens: for browsers, whose scripts then hold no secret.
    #[serde(default)]
    cookie: bool,
    /// What the client is to be called in the list of log-ins, at most 64 characters; without it the
    /// `User-Agent` says.
    device: Option<String>,
    /// `web`, `phone`, `tablet`, `desktop` or `other`; without it the `User-Agent` says.
    #[serde(rename = "deviceKind")]
    device_kind: Option<String>,
}

/// A log-in to begin.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewSession {
    /// User name, e-mail address or user id.
    login: String,
    password: String,
    #[serde(flatten)]
    begin: Begin,
}

/// A refresh token to exchange.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefreshSession {
    refresh_token: String,
}

/// A log-in that has begun or goes on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(super) struct SessionView {
    user: UserView,
    /// For `Authorization: Bearer`.
    access_token: String,
    /// ms since the epoch.
    access_expires_at_ms: i64,
    /// Good once; the answer has the next one.
    refresh_token: String,
    /// ms since the epoch.
    refresh_expires_at_ms: i64,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        Self {
            user: session.user.into(),
            access_token: session.access_token,
            access_expires_at_ms: session.access_expires_at_ms,
            refresh_token: session.refresh_token,
            refresh_expires_at_ms: session.refresh_expires_at_ms,
        }
    }
}

/// A log-in that has begun with a cookie.
#[derive(Serialize, ToSchema)]
#[schema(as = CookieSession)]
pub(super) struct CookieSessionView {
    user: UserView,
}

/// A log-in that has begun: with tokens, or with `cookie` the user alone.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = BegunSession)]
pub(super) enum BegunView {
    Tokens(SessionView),
    Cookie(CookieSessionView),
}

/// Users found.
#[derive(Serialize, ToSchema)]
#[schema(as = Users)]
pub(super) struct UsersView {
    users: Vec<UserView>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FindUsers {
    /// What the user name begins with, without regard to case.
    #[serde(default)]
    prefix: String,
    /// The whole e-mail address, instead of `prefix`.
    email: Option<String>,
    /// The id, instead of `prefix`.
    #[param(value_type = Option<String>)]
    id: Option<UserId>,
    /// Most users to answer with.
    limit: Option<u32>,
}

/// Creates an account and begins a log-in.
#[utoipa::path(post, path = "/api/accounts", operation_id = "createAccount", tag = "accounts", security(()),
    params(("idempotency-key" = Option<String>, Header,
        description = "A repeat under the same key logs in to the account that the first one created")),
    request_body = NewAccount,
    responses((status = 201, description = "Created and logged in", body = BegunView)))]
pub(super) async fn create_account(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(new): Json<NewAccount>,
) -> Result<Response, Refused> {
    door.app.rates.login(address)?;
    let NewAccount { username, email, password, code, begin } = new;
    let device = begin.check(&headers, &door)?;
    let registration = Registration { username, email, password };
    let key = idempotency_key(&headers)?;
    let user = door.app.accounts.sign_up(registration, code.as_deref(), key, address).await?;
    Ok((StatusCode::CREATED, begin.session(user, &device, &door).await?).into_response())
}

impl Begin {
    /// The device; refused before anything is done.
    fn check(&self, headers: &HeaderMap, door: &Door) -> Result<NewDevice, Refused> {
        if self.cookie && !is_same_origin(headers, &door.config.allowed_origins) {
            return Err(Refused::new(Code::Forbidden, "cookie: log in with a cookie from the same origin"));
        }
        device::read(self.device.as_deref(), self.device_kind.as_deref(), headers)
    }

    async fn session(&self, user: Proven, device: &NewDevice, door: &Door) -> Result<Response, Refused> {
        let accounts = &door.app.accounts;
        if self.cookie {
            let session = accounts.begin_cookie_session(user, device).await?;
            let cookie = cookie::set(&session, &door.config);
            let view = BegunView::Cookie(CookieSessionView { user: session.user.into() });
            return Ok(([(SET_COOKIE, cookie)], JsonReply(view)).into_response());
        }
        let session = accounts.begin_session(user, device).await?;
        Ok(JsonReply(BegunView::Tokens(session.into())).into_response())
    }
}

/// Begins a log-in with tokens, or with a cookie.
#[utoipa::path(post, path = "/api/sessions", operation_id = "createSession", tag = "accounts", security(()), request_body = NewSession,
    responses((status = 200, description = "Logged in", body = BegunView)))]
pub(super) async fn create_session(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(new): Json<NewSession>,
) -> Result<Response, Refused> {
    door.app.rates.login(address)?;
    let NewSession { login, password, begin } = new;
    let device = begin.check(&headers, &door)?;
    let user = door.app.accounts.check_password(&login, &password, address).await?;
    begin.session(user, &device, &door).await
}

/// Exchanges a refresh token for new tokens. Each is good once; used twice,
/// it ends the log-in.
#[utoipa::path(post, path = "/api/sessions/refresh", operation_id = "refreshSession", tag = "accounts", security(()), request_body = RefreshSession,
    responses((status = 200, description = "New tokens", body = SessionView)))]
pub(super) async fn refresh_session(
    State(door): State<Arc<Door>>,
    Json(refresh): Json<RefreshSession>,
) -> Result<JsonReply<SessionView>, Refused> {
    Ok(JsonReply(door.app.accounts.refresh(&refresh.refresh_token).await?.into()))
}

/// Ends the log-in the request was made with, and the connections it opened.
#[utoipa::path(delete, path = "/api/sessions/current", operation_id = "endSession", tag = "accounts",
    responses((status = 204, description = "Logged out; the cookie is cleared")))]
pub(super) async fn end_session(State(door): State<Arc<Door>>, caller: Caller) -> Result<Response, Refused> {
    door.app.accounts.logout(&caller.identity).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(&door.config))]).into_response())
}

/// Finds users by the beginning of their name, by e-mail address or by id: those who let the caller find them so.
#[utoipa::path(get, path = "/api/users", operation_id = "findUsers", tag = "accounts", params(FindUsers),
    responses((status = 200, description = "By name", body = UsersView)))]
pub(super) async fn find_users(
    State(door): State<Arc<Door>>,
    caller: Caller<UsersRead>,
    Query(find): Query<FindUsers>,
) -> Result<JsonReply<UsersView>, Refused> {
    let limit = find.limit;
    let sought = match find {
        FindUsers { id: Some(id), .. } => Sought::Id(id),
        FindUsers { email: Some(email), .. } => Sought::Email(email),
        FindUsers { prefix, .. } => Sought::Name(prefix),
    };
    let users = door.app.contacts.find(caller.id, sought, limit).await?;
    Ok(JsonReply(UsersView { users: users.into_iter().map(UserView::from).collect() }))
}
