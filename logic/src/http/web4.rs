//! The log-in of the older web4 page: a cookie, no tokens; a refusal is
//! `400 {id, message}`. Source: `client/web4` of that chat room.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use oort_api::Code;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{cookie as cookie_of, is_same_origin};
use super::door::{ClientAddress, Door};
use super::input::{Body, is_json, parse};
use super::refused::{Refused, headers, status};
use super::{cookie, device};
use crate::accounts::{Proven, Registration};

/// A refusal as the page reads it.
pub(super) struct Web4Refused(Refused);

/// A refusal as the page reads it.
#[derive(Serialize, ToSchema)]
#[schema(as = Web4Error)]
pub(super) struct Web4ErrorView {
    /// `LOGIN_FAILED`, `EMAIL_EXISTS`, `USERNAME_EXISTS`, or empty.
    id: &'static str,
    message: String,
}

impl<E: Into<Refused>> From<E> for Web4Refused {
    fn from(refused: E) -> Self {
        Self(refused.into())
    }
}

impl IntoResponse for Web4Refused {
    fn into_response(self) -> Response {
        let Self(Refused(refusal)) = self;
        let id = match refusal.code {
            Code::LoginFailed => "LOGIN_FAILED",
            Code::EmailTaken => "EMAIL_EXISTS",
            Code::UsernameTaken => "USERNAME_EXISTS",
            _ => "",
        };
        // The page knows 400 only; what says when to come back keeps its status.
        let status = if refusal.code.is_retryable() || refusal.code == Code::Internal {
            status(refusal.code)
        } else {
            StatusCode::BAD_REQUEST
        };
        let mut headers = headers(&refusal);
        headers.remove(http::header::WWW_AUTHENTICATE);
        let view = Web4ErrorView { id, message: refusal.message };
        let mut response = (status, headers, JsonReply(view)).into_response();
        response.extensions_mut().insert(refusal.code);
        response
    }
}

/// JSON however it is declared: command-line clients declare nothing. What a
/// browser sends from another origin must be declared, for then it asks first.
pub(super) struct Web4Json<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<Door>> for Web4Json<T> {
    type Rejection = Web4Refused;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Web4Refused> {
        if !is_json(request.headers()) && !is_same_origin(request.headers(), &door.config.allowed_origins) {
            return Err(Refused::new(
                Code::Forbidden,
                "the body must be sent as content-type: application/json",
            )
            .into());
        }
        let Body(body) = Body::from_request(request, door).await?;
        Ok(Self(parse(&body)?))
    }
}

/// An account to create.
#[derive(Deserialize, ToSchema)]
pub(super) struct Web4Account {
    username: String,
    email: String,
    /// The page sends the MD5 of what was typed, in hexadecimal.
    password: String,
}

/// A log-in to begin.
#[derive(Deserialize, ToSchema)]
pub(super) struct Web4Login {
    email: String,
    password: String,
}

/// Creates an account and sets the log-in cookie.
#[utoipa::path(post, path = "/api/create-account", operation_id = "web4CreateAccount", tag = "web4", security(()), request_body = Web4Account,
    responses((status = 204, description = "Created; the cookie `sid` is set"),
        (status = 400, description = "Refused", body = Web4ErrorView)))]
pub(super) async fn create_account(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Web4Json(new): Web4Json<Web4Account>,
) -> Result<Response, Web4Refused> {
    door.app.rates.login(address)?;
    let Web4Account { username, email, password } = new;
    // The page knows of no codes: where they are needed, it is refused.
    let registration = Registration { username, email: Some(email), password };
    let user = door.app.accounts.sign_up(registration, None, None, address).await?;
    begin(&door, user, &headers).await
}

/// Checks e-mail address and password and sets the log-in cookie.
#[utoipa::path(post, path = "/api/login", operation_id = "web4Login", tag = "web4", security(()), request_body = Web4Login,
    responses((status = 204, description = "Logged in; the cookie `sid` is set"),
        (status = 400, description = "Refused", body = Web4ErrorView)))]
pub(super) async fn login(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Web4Json(new): Web4Json<Web4Login>,
) -> Result<Response, Web4Refused> {
    door.app.rates.login(address)?;
    let user = door.app.accounts.check_password(&new.email, &new.password, address).await?;
    begin(&door, user, &headers).await
}

async fn begin(door: &Door, user: Proven, headers: &HeaderMap) -> Result<Response, Web4Refused> {
    let device = device::read(None, None, headers)?;
    let session = door.app.accounts.begin_cookie_session(user, &device).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::set(&session, &door.config))]).into_response())
}

/// Ends the cookie's log-in and clears the cookie, also when there is none.
#[utoipa::path(post, path = "/api/logout", operation_id = "web4Logout", tag = "web4", security(()),
    responses((status = 204, description = "Logged out")))]
pub(super) async fn logout(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
) -> Result<Response, Web4Refused> {
    if !is_same_origin(&headers, &door.config.allowed_origins) {
        return Err(Refused::new(Code::Forbidden, "log out from the same origin").into());
    }
    if let Some(sid) = cookie_of(&headers) {
        match door.app.accounts.authenticate_cookie(sid).await {
            Ok(identity) => door.app.accounts.logout(&identity).await?,
            Err(refusal) if refusal.code == Code::Unauthenticated => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::clear(&door.config))]).into_response())
}
