//! Whom operators keep out, and whom they keep from sending.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use serde_json::json;
use tonic::async_trait;

use super::{Error, NewUserEvent, OutboxRow};
use crate::conversations::silenced;

/// What somebody is kept from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SanctionKind {
    /// Logging in. All their log-ins ended when it began.
    Ban,
    /// Sending, editing and reacting, in all conversations.
    Mute,
}

impl SanctionKind {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Ban => 1,
            Self::Mute => 2,
        }
    }

    pub(super) const fn of_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Ban),
            2 => Some(Self::Mute),
            _ => None,
        }
    }
}

/// What somebody is kept from, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanction {
    /// Who.
    pub user: User,
    /// From what.
    pub kind: SanctionKind,
    /// ms since the epoch; 0 = without end.
    pub until_ms: i64,
    /// For the user and other operators.
    pub reason: String,
    /// The operator.
    pub actor_id: i64,
    /// Since when, ms since the epoch.
    pub at_ms: i64,
}

/// One to put in force, instead of an earlier one of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSanction {
    /// Who.
    pub user: UserId,
    /// From what.
    pub kind: SanctionKind,
    /// ms since the epoch; 0 = without end.
    pub until_ms: i64,
    /// Why, at most 1024 characters.
    pub reason: String,
    /// The operator.
    pub actor_id: i64,
    /// ms since the epoch.
    pub now_ms: i64,
}

/// What became of a [`NewSanction`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sanctioned {
    /// Log-ins that a ban ended.
    pub ended: Vec<String>,
    /// What tells the user's devices of a mute.
    pub row: Option<OutboxRow>,
}

/// Whether what ends then is in force.
pub(super) const fn is_in_force(until_ms: i64, now_ms: i64) -> bool {
    until_ms == 0 || until_ms > now_ms
}

/// Refuses words of whom an operator muted until then.
pub(super) fn refuse_silenced(until_ms: Option<i64>, now_ms: i64) -> Result<(), Error> {
    match until_ms.filter(|&until_ms| is_in_force(until_ms, now_ms)) {
        Some(until_ms) => Err(Error::Refused(silenced(until_ms))),
        None => Ok(()),
    }
}

/// Bans and mutes.
#[async_trait]
pub trait Sanctions: Send + Sync {
    /// Puts one in force. A ban ends the user's log-ins in the same transaction; of a mute that is another than before the
    /// user's devices are told.
    async fn sanction(&self, owner: &str, new: &NewSanction) -> Result<Sanctioned, Error>;
    /// Takes one back; `false` when there was none in force. The end of a mute is told to the user's devices.
    async fn lift(
        &self,
        owner: &str,
        kind: SanctionKind,
        user: UserId,
        now_ms: i64,
    ) -> Result<(bool, Option<OutboxRow>), Error>;
    /// What is in force of these users, by kind and user.
    async fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Error>;
    /// Those of a kind that are in force, by user, after this one, at most `limit`.
    async fn sanctions(
        &self,
        kind: SanctionKind,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Sanction>, Error>;
}

/// What the user's devices are told of a mute; `None` = it is over.
pub(super) fn mute_changed(user: UserId, mute: Option<(i64, &str)>) -> NewUserEvent {
    let data = match mute {
        Some((until_ms, reason)) => json!({ "muted": true, "until": until_ms, "reason": reason }),
        None => json!({ "muted": false }),
    };
    NewUserEvent { user, kind: "mute_changed", data }
}
