//! Messages whose time ends, and how long those of a conversation stay.
//!
//! What is over is left out by whoever reads ([`oort_api::expiry`]); here is kept what is still to be erased.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{ConversationKind, User};
use serde_json::json;
use tonic::async_trait;

use super::plan::{Head, Sender};
use super::{Appended, Error, OutboxRow};
use crate::policy::{self, Operation, Role};

/// How long messages of a direct conversation are to stay, as one of the two asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectExpiry {
    /// Which.
    pub conversation: ConversationId,
    /// Who asks.
    pub actor: User,
    /// For messages sent from now on, ms; 0 = for ever.
    pub expires_in_ms: i64,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// What was done about a message that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpirySettled {
    /// Where.
    pub conversation: ConversationId,
    /// Which.
    pub seq: Seq,
    /// When something else of it is to be erased, ms since the epoch; `None` = never.
    pub next_ms: Option<i64>,
}

/// Messages whose time ends.
#[async_trait]
pub trait Expiries: Send + Sync {
    /// Messages of which something is to be erased by now, those due for longest first, at most `limit`. They are put off
    /// for `hold_ms`, so that no other node takes them meanwhile.
    async fn take_expiries(
        &self,
        now_ms: i64,
        hold_ms: i64,
        limit: u32,
    ) -> Result<Vec<(ConversationId, Seq)>, Error>;
    /// Forgets messages of which nothing more is to be erased, and puts off the others.
    async fn settle_expiries(&self, settled: &[ExpirySettled]) -> Result<(), Error>;
    /// Says how long messages of a direct conversation stay, with a SYSTEM message. No row: it was so already.
    async fn set_direct_expiry(&self, owner: &str, asked: &DirectExpiry) -> Result<Option<OutboxRow>, Error>;
}

/// Decides whether the actor may, and whether it changes anything.
pub(super) fn judge(asked: &DirectExpiry, head: &Head, member: Option<&Sender>) -> Result<bool, Error> {
    if head.kind != ConversationKind::Direct {
        return Err(Error::NoConversation);
    }
    // Both look after it.
    let role = if member.is_some() { Role::Admin } else { Role::Stranger };
    policy::check(Operation::SetExpiry, role, None, false).map_err(Error::Refused)?;
    if head.expires_in_ms == asked.expires_in_ms {
        return Ok(false);
    }
    match head.refuses(asked.actor.id, member, asked.now_ms) {
        None => Ok(true),
        Some(Appended::Blocked) => Err(Error::Blocked),
        Some(_) => Err(Error::Refused(Refusal::new(Code::Forbidden, "you may not send here"))),
    }
}

/// Content of the SYSTEM message about how long messages stay from now on.
pub(super) fn content(expires_in_ms: i64) -> String {
    json!({ "event": "expiry_changed", "expiresInMs": expires_in_ms }).to_string()
}
