//! What goes in and comes out of accounts.

use std::fmt;
use std::sync::Arc;

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

/// Who asks, and by which log-in.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The user.
    pub user: User,
    /// The log-in.
    pub login_id: Arc<str>,
    /// When the credential ends, ms since the epoch.
    pub expires_at_ms: i64,
}

impl Identity {
    /// The user's id.
    ///
    /// # Errors
    /// [`Code::Internal`] when the store gave a user without a positive id.
    pub fn user_id(&self) -> Result<UserId, Refusal> {
        user_id(&self.user)
    }
}

/// A user who has proved who they are.
#[derive(Clone, PartialEq)]
pub struct Proven {
    /// Who.
    pub user: User,
    /// The hash of the password it was proved by.
    pub(super) password_hash: Option<String>,
}

impl From<User> for Proven {
    /// By something else than a password.
    fn from(user: User) -> Self {
        Self { user, password_hash: None }
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// What a client holds after logging in with tokens.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// Who.
    pub user: User,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// ms since the epoch.
    pub access_expires_at_ms: i64,
    /// Good for one refresh.
    pub refresh_token: String,
    /// ms since the epoch.
    pub refresh_expires_at_ms: i64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// What a client holds after logging in with a cookie.
#[derive(Clone, PartialEq)]
pub struct CookieSession {
    /// Who.
    pub user: User,
    /// Value of the cookie.
    pub sid: String,
    /// Life of the cookie, seconds.
    pub max_age_s: u64,
}

impl fmt::Debug for CookieSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieSession").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// An account as asked for.
#[derive(Clone)]
pub struct Registration {
    /// As typed.
    pub username: String,
    /// As typed.
    pub email: Option<String>,
    /// As typed.
    pub password: String,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("username", &self.username).finish_non_exhaustive()
    }
}

pub(super) fn user_id(user: &User) -> Result<UserId, Refusal> {
    UserId::new(user.id).ok_or_else(|| {
        tracing::error!(id = user.id, "the store gave a user without a positive id");
        Refusal::new(Code::Internal, "internal error")
    })
}
