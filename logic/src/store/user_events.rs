//! Events of users: what changed for a user and is no message of a
//! conversation. Each user has a list of them with a dense seq, written in the
//! transaction that changes what the event tells of.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{OutboxRecord, UserEvent};
use serde_json::Value;
use tonic::async_trait;

use super::{Error, OutboxRow};
use crate::outbox;

/// An event to append.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUserEvent {
    /// Whose devices learn it.
    pub user: UserId,
    /// What happened: a stable name in `lower_snake_case`, at most 64 bytes.
    pub kind: &'static str,
    /// More, a JSON object.
    pub data: Value,
}

/// A page of a user's events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventPage {
    /// Oldest first.
    pub events: Vec<UserEvent>,
    /// seq of the user's newest event when the page was read, 0 = none.
    pub head: i64,
}

/// Events of users.
#[async_trait]
pub trait UserEvents: Send + Sync {
    /// Appends events in a transaction of their own; each goes to all sessions of its user. `None` when there are none.
    async fn add_user_events(
        &self,
        owner: &str,
        events: &[NewUserEvent],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error>;
    /// seq of each user's newest event, 0 = none. In the order of `users`.
    async fn event_heads(&self, users: &[UserId]) -> Result<Vec<i64>, Error>;
    /// Events of a user after this seq, oldest first, at most `limit`.
    async fn user_events(&self, user: UserId, after: i64, limit: u32) -> Result<EventPage, Error>;
    /// Deletes at most `limit` events that are older; tells how many.
    async fn forget_user_events(&self, before_ms: i64, limit: u32) -> Result<u64, Error>;
}

/// The place after `last` (seq, ms): times rise with places.
pub(super) fn next(last: (i64, i64), now_ms: i64) -> (i64, i64) {
    (last.0 + 1, now_ms.max(last.1))
}

/// What is stored and what is published of an event.
pub(super) fn placed(new: &NewUserEvent, (seq, at_ms): (i64, i64)) -> (String, OutboxRecord) {
    let data = new.data.to_string();
    let event = UserEvent { seq, at_ms, kind: new.kind.to_owned(), data: data.clone() };
    (data, outbox::user_event_record(&event, new.user))
}
