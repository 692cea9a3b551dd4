//! Reads of clients that connect, for many of them at once: is the log-in live,
//! which rooms, how far is each, what came last, how many events.
//!
//! A client that connects asks five times. When thousands come at once, most of
//! them wait anyway; those that wait together are answered by one query
//! (`group.rs`), which costs the store a fraction of as many queries.

use std::sync::Arc;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::Conversation;
use serde::Deserialize;
use tokio_util::task::TaskTracker;
use tonic::async_trait;

use crate::metrics::Metrics;
use crate::store::{self, Entry, Filling, Store};

mod group;

use group::{Group, Query};

/// Settings of [`Reads`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Askers answered by one query.
    pub group_max: usize,
    /// Conversations whose newest messages one query reads, unless one asker
    /// alone has more.
    pub conversations_max: usize,
    /// Queries of one kind under way at once; what is asked meanwhile waits
    /// and goes in the next one, together.
    pub under_way_max: usize,
    /// Askers of one kind that wait; further ones are refused with `overloaded`.
    pub waiting_max: usize,
    /// Longest wait for a query to begin, ms; then it is refused with `overloaded`.
    pub wait_max_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            group_max: 64,
            conversations_max: 2_048,
            under_way_max: 2,
            waiting_max: 16_384,
            wait_max_ms: 4_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("group_max", self.group_max, 1_024),
            ("conversations_max", self.conversations_max, 16_384),
            ("under_way_max", self.under_way_max, 64),
            ("waiting_max", self.waiting_max, 1 << 20),
            ("wait_max_ms", usize::try_from(self.wait_max_ms).unwrap_or(usize::MAX), 60_000),
        ];
        bounds
            .into_iter()
            .filter(|&(_, value, max)| !(1..=max).contains(&value))
            .map(|(name, value, max)| format!("{name} is {value}, not within 1 to {max}"))
            .collect()
    }
}

/// What [`Reads`] work with.
#[derive(Debug)]
pub struct Parts {
    /// Where it is read.
    pub store: Arc<dyn Store>,
    /// Open rooms that everyone is in: the oldest ones.
    pub open_rooms_max: u32,
    /// Whoever runs the tier waits for these tasks.
    pub tasks: TaskTracker,
    /// Counters.
    pub metrics: Metrics,
}

/// Reads of clients that connect. Each answer is of a query that began after
/// its question was asked.
#[derive(Debug)]
pub struct Reads {
    logins: Arc<Group<Logins>>,
    rooms: Arc<Group<Rooms>>,
    entries: Arc<Group<Entries>>,
    fillings: Arc<Group<Fillings>>,
    event_heads: Arc<Group<EventHeads>>,
}

impl Reads {
    /// Reads that begin when they are asked for.
    #[must_use]
    pub fn new(config: &Config, parts: &Parts) -> Self {
        let store = || Arc::clone(&parts.store);
        let rooms_max = parts.open_rooms_max;
        Self {
            logins: group(config, Logins(store()), parts),
            rooms: group(config, Rooms(store(), rooms_max), parts),
            entries: group(config, Entries(store(), rooms_max), parts),
            fillings: group(config, Fillings(store()), parts),
            event_heads: group(config, EventHeads(store()), parts),
        }
    }

    /// Whose log-in this is, when it is live.
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn login(&self, id: Arc<str>) -> Result<Option<UserId>, Refusal> {
        self.logins.ask(id).await
    }

    /// See [`Store::rooms_of`].
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn rooms(&self, user: UserId) -> Result<Vec<ConversationId>, Refusal> {
        self.rooms.ask(user).await
    }

    /// See [`Store::entries_of`].
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn entries(&self, user: UserId) -> Result<Vec<Entry>, Refusal> {
        self.entries.ask(user).await
    }

    /// See [`Store::filled`].
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn filled(&self, filling: Filling) -> Result<Vec<Conversation>, Refusal> {
        self.fillings.ask(filling).await
    }

    /// seq of the user's newest event, 0 = none.
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn event_head(&self, user: UserId) -> Result<i64, Refusal> {
        self.event_heads.ask(user).await
    }
}

fn group<Q: Query>(config: &Config, query: Q, parts: &Parts) -> Arc<Group<Q>> {
    Group::new(config.clone(), query, parts.tasks.clone(), parts.metrics.clone())
}

struct Logins(Arc<dyn Store>);

#[async_trait]
impl Query for Logins {
    type Question = Arc<str>;
    type Answer = Option<UserId>;

    async fn ask(&self, ids: &[Arc<str>]) -> Result<Vec<Option<UserId>>, store::Error> {
        self.0.live_logins(ids, now_ms()).await
    }
}

struct Rooms(Arc<dyn Store>, u32);

#[async_trait]
impl Query for Rooms {
    type Question = UserId;
    type Answer = Vec<ConversationId>;

    async fn ask(&self, users: &[UserId]) -> Result<Vec<Vec<ConversationId>>, store::Error> {
        self.0.rooms_of_all(users, self.1).await
    }
}

struct Entries(Arc<dyn Store>, u32);

#[async_trait]
impl Query for Entries {
    type Question = UserId;
    type Answer = Vec<Entry>;

    async fn ask(&self, users: &[UserId]) -> Result<Vec<Vec<Entry>>, store::Error> {
        self.0.entries_of_all(users, self.1).await
    }
}

struct EventHeads(Arc<dyn Store>);

#[async_trait]
impl Query for EventHeads {
    type Question = UserId;
    type Answer = i64;

    async fn ask(&self, users: &[UserId]) -> Result<Vec<i64>, store::Error> {
        self.0.event_heads(users).await
    }
}

struct Fillings(Arc<dyn Store>);

#[async_trait]
impl Query for Fillings {
    type Question = Filling;
    type Answer = Vec<Conversation>;

    fn weight(&self, filling: &Filling) -> usize {
        filling.list.len()
    }

    async fn ask(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, store::Error> {
        self.0.filled_all(fillings).await
    }
}
