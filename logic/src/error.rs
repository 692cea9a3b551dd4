//! Why the tier could not start or had to stop.

use std::net::SocketAddr;

use oort_api::Code;
use oort_api::error::Refusal;

/// Why the logic tier could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot work; every fault is listed.
    #[error("logic settings: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The store refused at start.
    #[error("logic store: {0}")]
    Store(#[from] crate::store::Error),
    /// Accounts could not start.
    #[error("logic accounts: {0}")]
    Accounts(String),
    /// An address is not free or not ours.
    #[error("logic cannot listen on {address}: {source}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A server ended by itself.
    #[error("logic server: {0}")]
    Server(String),
    /// A task of the tier ended that never should.
    #[error("logic task {0} ended")]
    Task(&'static str),
}

impl From<crate::store::Error> for Refusal {
    /// What the asker is told. A fault of ours is logged here, with its cause,
    /// and nowhere else.
    fn from(error: crate::store::Error) -> Self {
        use crate::store::Error as Store;
        let text = error.to_string();
        match error {
            Store::Unavailable(cause) => {
                tracing::debug!(%cause, "store unavailable");
                Self::new(Code::Unavailable, "the store does not answer; nothing was accepted, try again")
            }
            Store::OutboxFull => Self::new(
                Code::Overloaded,
                "the bus is away and no more may wait for it; nothing was accepted, try again",
            ),
            Store::UsernameTaken => Self::new(Code::UsernameTaken, text),
            Store::EmailTaken => Self::new(Code::EmailTaken, text),
            Store::RoomNameTaken => Self::new(Code::RoomNameTaken, text),
            Store::Blocked => Self::new(Code::Blocked, text),
            Store::Refused(refusal) => refusal,
            Store::KeyConflict => Self::new(Code::IdempotencyConflict, text),
            Store::NoUser(_) | Store::NoConversation => Self::new(Code::NotFound, text),
            Store::Schema(cause) | Store::Internal(cause) => {
                tracing::error!(%cause, "the store failed");
                Self::new(Code::Internal, "internal error")
            }
        }
    }
}

/// What the asker is told when the directory refuses.
pub(crate) fn directory_refusal(error: oort_api::directory::Error) -> Refusal {
    use oort_api::directory::Error as Directory;
    match error {
        Directory::Unavailable(cause) | Directory::Config(cause) => {
            tracing::debug!(%cause, "directory unavailable");
            Refusal::new(Code::Unavailable, "the directory does not answer; try again")
        }
        Directory::Superseded { .. } => Refusal::new(Code::Forbidden, error.to_string()),
    }
}
