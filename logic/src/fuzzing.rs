//! Doors to decoders that are private otherwise, for the checks under `fuzz/`.

/// Access tokens.
pub mod access_token {
    pub use crate::accounts::fuzzing::{AUDIENCE, ISSUER, KEY_ID, signed, verify_user};
}

/// The value of the log-in cookie among these headers.
#[must_use]
pub fn login_cookie(headers: &http::HeaderMap) -> Option<&str> {
    crate::http::login_cookie(headers)
}

/// A cursor of the list of conversations, read and written again.
#[must_use]
pub fn list_cursor(cursor: &str) -> Option<String> {
    crate::conversations::reread_list_cursor(cursor)
}
