//! Error codes: stable names that clients may match on, with the HTTP status
//! and gRPC status each travels as.

use tonic::Status;

macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $http:literal, $grpc:ident, $retry:literal; )*) => {
        /// A stable error code. Clients match on the text; it never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $( $(#[doc = $doc])+ $variant, )* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[ $( Self::$variant, )* ];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// What it means, in a sentence or two.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc),+), )* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $( Self::$variant => $http, )* }
            }

            /// The same request may succeed later.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $( Self::$variant => $retry, )* }
            }

            const fn grpc(self) -> tonic::Code {
                match self { $( Self::$variant => tonic::Code::$grpc, )* }
            }
        }
    };
}

codes! {
    /// The request cannot be read: malformed JSON, wrong type, bad UTF-8.
    InvalidRequest = "invalid_request", 400, InvalidArgument, false;
    /// A field's value is outside its limits; the message names the field.
    InvalidField = "invalid_field", 400, InvalidArgument, false;
    /// The message speaks to somebody who is not in the conversation; the message names them.
    MentionedNotMember = "mentioned_not_member", 400, InvalidArgument, false;
    /// No credential, or one that is wrong, ended or revoked.
    Unauthenticated = "unauthenticated", 401, Unauthenticated, false;
    /// User name, e-mail or password is wrong.
    LoginFailed = "login_failed", 401, Unauthenticated, false;
    /// The password that was to confirm this is wrong.
    WrongPassword = "wrong_password", 403, PermissionDenied, false;
    /// The mailed code is wrong, was used, has expired, or was tried too often.
    WrongCode = "wrong_code", 403, PermissionDenied, false;
    /// A refresh token was used twice; all its sessions are ended.
    RefreshReused = "refresh_reused", 401, Unauthenticated, false;
    /// The account is in use on another device, and may not be on a second.
    AlreadyLoggedIn = "already_logged_in", 409, FailedPrecondition, false;
    /// The account is banned, for a time or for good; the message says why.
    Banned = "banned", 403, PermissionDenied, false;
    /// The caller may not do this.
    Forbidden = "forbidden", 403, PermissionDenied, false;
    /// The caller is not a member of the conversation.
    NotMember = "not_member", 403, PermissionDenied, false;
    /// The caller may not send, for a time, while all are muted, or until an operator says so.
    Muted = "muted", 403, PermissionDenied, false;
    /// The group was dissolved: it can be read, and that is all.
    Dissolved = "dissolved", 403, PermissionDenied, false;
    /// One of the two people blocks the other.
    Blocked = "blocked", 403, PermissionDenied, false;
    /// A rule of the operator refuses what was to be said; the message says why.
    Rejected = "rejected", 403, PermissionDenied, false;
    /// The time in which this could be done is over.
    TooLate = "too_late", 403, PermissionDenied, false;
    /// There is no such thing, or the caller may not know of it.
    NotFound = "not_found", 404, NotFound, false;
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, Unimplemented, false;
    /// The user name is taken.
    UsernameTaken = "username_taken", 409, AlreadyExists, false;
    /// The e-mail address is taken.
    EmailTaken = "email_taken", 409, AlreadyExists, false;
    /// The room name is taken.
    RoomNameTaken = "room_name_taken", 409, AlreadyExists, false;
    /// The group has as many members as it may.
    GroupFull = "group_full", 409, FailedPrecondition, false;
    /// There are as many of these as there may be; remove one first.
    LimitReached = "limit_reached", 409, FailedPrecondition, false;
    /// The same client message id or idempotency key was used with another payload.
    IdempotencyConflict = "idempotency_conflict", 409, AlreadyExists, false;
    /// The upload is at another place; the file's state says at which.
    WrongOffset = "wrong_offset", 409, FailedPrecondition, false;
    /// The message was taken back or erased, or its time is over.
    MessageGone = "message_gone", 410, NotFound, false;
    /// The body or message is larger than allowed.
    TooLarge = "too_large", 413, OutOfRange, false;
    /// The file has no such bytes.
    RangeNotSatisfiable = "range_not_satisfiable", 416, OutOfRange, false;
    /// Too many requests; wait as long as Retry-After says.
    RateLimited = "rate_limited", 429, ResourceExhausted, true;
    /// A fault of the server; the log has it under the request's trace.
    Internal = "internal", 500, Internal, false;
    /// A queue is full; wait as long as Retry-After says.
    Overloaded = "overloaded", 503, ResourceExhausted, true;
    /// The store, the bus, the directory or a hook of the operator's cannot be reached; nothing was
    /// accepted. Wait as long as Retry-After says.
    Unavailable = "unavailable", 503, Unavailable, true;
    /// The server is shutting down; go to another.
    Draining = "draining", 503, Unavailable, true;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is told to whoever asked: a code and a text for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// What to do about it, in a sentence.
    pub message: String,
    /// When to try again, ms; set for retryable codes.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal; retryable codes get a retry time of one second.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: code.is_retryable().then_some(1000) }
    }

    /// Reads back what [`Status::from`] wrote. Anything else becomes
    /// [`Code::Unavailable`] (the peer cannot be reached) or [`Code::Internal`].
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let text = status.message();
        if let Some((head, tail)) = text.split_once(": ")
            && let Some(code) = Code::ALL.iter().copied().find(|code| code.as_str() == head)
            && code.grpc() == status.code()
        {
            return Self::new(code, tail);
        }
        if is_of_the_way(status) {
            Self::new(Code::Unavailable, "a part of the server cannot be reached; try again")
        } else {
            Self::new(Code::Internal, "internal error")
        }
    }
}

/// Whether the way to the peer is the trouble, not the call: a connection that broke under a call is told as
/// [`tonic::Code::Unknown`], and what has a source was made on this side, whatever its code.
#[must_use]
pub fn is_of_the_way(status: &Status) -> bool {
    use tonic::Code::{Cancelled, DeadlineExceeded, Unavailable, Unknown};
    matches!(status.code(), Unavailable | DeadlineExceeded | Cancelled | Unknown)
        || std::error::Error::source(status).is_some()
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code.grpc(), refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_grpc() {
        for &code in Code::ALL {
            let refusal = Refusal::new(code, "do this: then that");
            assert_eq!(Refusal::from_status(&Status::from(refusal.clone())), refusal);
        }
    }

    #[test]
    fn a_foreign_status_is_not_trusted() {
        let forged = Status::new(tonic::Code::Internal, "not_member: hm");
        assert_eq!(Refusal::from_status(&forged).code, Code::Internal);
        assert_eq!(Refusal::from_status(&Status::unavailable("tcp connect error")).code, Code::Unavailable);
    }

    #[test]
    fn a_connection_that_breaks_under_a_call_may_be_tried_again() {
        let broken = Status::unknown("h2 protocol error: error reading a body from connection");
        let reset = Status::from_error(Box::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe)));
        for status in [broken, reset] {
            let refusal = Refusal::from_status(&status);
            assert_eq!(
                (refusal.code, refusal.retry_after_ms.is_some()),
                (Code::Unavailable, true),
                "{status:?}"
            );
        }
    }
}
