//! Why the server ends a connection, and what it tells the client.

use bytes::Bytes;
use oort_api::error::{Code, Refusal};
use oort_api::op;

use crate::framing::{Violation, close_frame};

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// No credential, or one that is no good.
    BadSession,
    /// It was not authenticated in time.
    HandshakeTimeout,
    /// Nothing was heard for too long.
    Silent,
    /// It did not read what was sent to it.
    TooSlow,
    /// It broke the WebSocket protocol.
    Violation(Violation),
    /// It broke the packet protocol.
    BadPacket,
    /// A binary message where text is spoken.
    NotText,
    /// It sends too much.
    RateLimited,
    /// It is in more rooms than a connection may be in.
    TooManyRooms,
    /// Another connection took its key.
    Replaced,
    /// Frames for it were lost and it cannot be told; it is to connect again.
    Resync,
    /// Logic cannot be reached, or is full.
    Unavailable,
    /// Too many clients are being let in.
    Busy,
    /// A fault of the server.
    Internal,
    /// The token that opened it has ended.
    TokenEnded,
    /// The log-in that opened it ended.
    SessionEnded,
    /// An operator ended it.
    Kicked,
    /// The server is going down.
    Draining,
}

impl CloseReason {
    /// The WebSocket close code and words, and the name in metrics.
    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadSession => (1008, "unauthenticated", "bad_session"),
            Self::HandshakeTimeout => (1008, "not authenticated in time", "handshake_timeout"),
            Self::Silent => (1001, "nothing was heard for too long", "silent"),
            Self::TooSlow => (1013, "too slow to read; connect again", "too_slow"),
            Self::Violation(violation) => (violation.close_code(), "", violation.label()),
            Self::BadPacket => (1002, "not a packet", "bad_packet"),
            Self::NotText => (1003, "only text is understood here", "not_text"),
            Self::RateLimited => (1008, "rate_limited", "rate_limited"),
            Self::TooManyRooms => (1008, "in too many rooms", "too_many_rooms"),
            Self::Replaced => (1008, "another connection took this key", "replaced"),
            Self::Resync => (1012, "frames were lost; connect again", "resync"),
            Self::Unavailable => (1013, "unavailable; try again later", "unavailable"),
            Self::Busy => (1013, "too many clients are connecting; come again later", "busy"),
            Self::Internal => (1011, "internal error", "internal"),
            Self::TokenEnded => (1008, "unauthenticated", "token_ended"),
            Self::SessionEnded => (1008, op::KICK_SESSION_ENDED, "session_ended"),
            Self::Kicked => (1008, op::KICK_BY_OPERATOR, "kicked"),
            Self::Draining => (1001, "the server is shutting down", "draining"),
        }
    }

    /// For metrics and logs.
    pub(crate) fn label(self) -> &'static str {
        self.parts().2
    }

    /// The WebSocket close frame that says so.
    pub(crate) fn frame(self) -> Bytes {
        let (code, words, _) = self.parts();
        match self {
            Self::Violation(violation) => close_frame(code, &violation.to_string()),
            _ => close_frame(code, words),
        }
    }

    /// What the body of a [`op::KICK`] says.
    pub(crate) fn of_kick(body: &[u8]) -> Self {
        if body == op::KICK_SESSION_ENDED.as_bytes() { Self::SessionEnded } else { Self::Kicked }
    }

    /// Why a session could not be opened.
    pub(crate) fn of_refusal(refusal: &Refusal) -> Self {
        match refusal.code {
            Code::Internal => Self::Internal,
            code if code.is_retryable() => Self::Unavailable,
            _ => Self::BadSession,
        }
    }
}
