//! Codes sent by mail, and passwords.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::door::{ClientAddress, Door};
use super::input::Json;
use super::refused::Refused;
use crate::store;

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(mail_code))
        .routes(routes!(reset_password))
        .routes(routes!(change_password))
}

/// What a code is for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    /// `POST /api/accounts`.
    SignUp,
    /// `POST /api/password-resets`.
    Reset,
}

/// A code to mail.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewCode {
    purpose: Purpose,
    email: String,
}

/// A code that was mailed, or a mail that says why there is none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailedCode)]
pub(super) struct MailedCodeView {
    /// ms since the epoch.
    expires_at_ms: i64,
}

/// A password to reset.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewReset {
    email: String,
    /// As it was mailed.
    code: String,
    /// The new one: 4 to 1024 bytes.
    password: String,
}

/// A password to change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPassword {
    old_password: String,
    /// 4 to 1024 bytes.
    new_password: String,
}

/// Mails a code. The answer is the same whether or not there is an account with the address; the mail says it.
#[utoipa::path(post, path = "/api/codes", operation_id = "mailCode", tag = "accounts", security(()), request_body = NewCode,
    responses((status = 202, description = "The mail is on its way", body = MailedCodeView)))]
pub(super) async fn mail_code(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    Json(new): Json<NewCode>,
) -> Result<(StatusCode, JsonReply<MailedCodeView>), Refused> {
    door.app.rates.login(address)?;
    let purpose = match new.purpose {
        Purpose::SignUp => store::Purpose::SignUp,
        Purpose::Reset => store::Purpose::Reset,
    };
    let expires_at_ms = door.app.accounts.mail_code(purpose, &new.email).await?;
    Ok((StatusCode::ACCEPTED, JsonReply(MailedCodeView { expires_at_ms })))
}

/// Sets a new password by a mailed code. Ends all log-ins of the account, and the connections they opened.
#[utoipa::path(post, path = "/api/password-resets", operation_id = "resetPassword", tag = "accounts", security(()), request_body = NewReset,
    responses((status = 204, description = "The new password is the only one")))]
pub(super) async fn reset_password(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    Json(new): Json<NewReset>,
) -> Result<StatusCode, Refused> {
    door.app.rates.login(address)?;
    door.app.accounts.reset_password(&new.email, &new.code, &new.password, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the caller's password. Ends the caller's other log-ins, and the connections they opened.
#[utoipa::path(put, path = "/api/me/password", operation_id = "changePassword", tag = "accounts", request_body = NewPassword,
    responses((status = 204, description = "The new password is the only one")))]
pub(super) async fn change_password(
    State(door): State<Arc<Door>>,
    ClientAddress(address): ClientAddress,
    caller: Caller,
    Json(new): Json<NewPassword>,
) -> Result<StatusCode, Refused> {
    door.app.rates.login(address)?;
    let passwords = (new.old_password.as_str(), new.new_password.as_str());
    door.app.accounts.change_password(&caller.identity, passwords, address).await?;
    Ok(StatusCode::NO_CONTENT)
}
