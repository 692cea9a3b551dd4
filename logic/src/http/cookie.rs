//! The log-in cookie as the server sets it.

use super::Config;
use super::caller::COOKIE_NAME;
use crate::accounts::CookieSession;

/// Sets the cookie for as long as the log-in lives.
pub(super) fn set(session: &CookieSession, config: &Config) -> String {
    build(&session.sid, session.max_age_s, config)
}

/// Removes the cookie.
pub(super) fn clear(config: &Config) -> String {
    build("", 0, config)
}

fn build(value: &str, max_age_s: u64, config: &Config) -> String {
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; HttpOnly; Max-Age={max_age_s}; SameSite=Strict; Path=/{secure}")
}
