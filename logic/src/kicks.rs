//! Ends connections of a user on whatever comets they are.
//!
//! The directory says where a user's sessions are and by which log-in they were
//! opened; each comet with some of them is sent one record with their keys.
//! Who connects while a log-in ends is refused by a look at the store after the
//! session was recorded (`grpc/authenticate.rs`), so one of the two sees it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::{Producer, Record};
use oort_api::clock::now_ms;
use oort_api::directory::{CometRef, Directory, LoginTag};
use oort_api::ids::{SessionKey, UserId};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use parking_lot::Mutex;
use prost::Message as _;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::store::Store;

/// Settings of [`Kicks`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest wait for the bus, ms; then it is tried again.
    pub patience_ms: u64,
    /// Wait before what failed is tried again, ms.
    pub retry_ms: u64,
    /// Endings that wait for the directory or the bus; beyond it the oldest is dropped and counted.
    pub waiting_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { patience_ms: 1_000, retry_ms: 1_000, waiting_max: 10_000 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let fields = [("patience_ms", self.patience_ms), ("retry_ms", self.retry_ms)];
        let mut faults: Vec<String> = fields
            .into_iter()
            .filter(|&(_, value)| value == 0)
            .map(|(name, _)| format!("{name} is 0"))
            .collect();
        if self.waiting_max == 0 {
            faults.push("waiting_max is 0".to_owned());
        }
        faults
    }
}

/// What a client is told, as the reason of close code 1008.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its log-in ended.
    SessionEnded,
    /// An operator ended the connection.
    Kicked,
}

impl Reason {
    /// The body of the record, and the reason in the close frame.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionEnded => op::KICK_SESSION_ENDED,
            Self::Kicked => op::KICK_BY_OPERATOR,
        }
    }
}

/// Which of a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    All,
    Key(SessionKey),
    Login(LoginTag),
    /// Of log-ins that the store does not have.
    Ended,
}

#[derive(Debug, Clone)]
struct Kick {
    user: UserId,
    which: Which,
    reason: Reason,
}

/// Ends connections.
#[derive(Debug)]
pub struct Kicks {
    config: Config,
    store: Arc<dyn Store>,
    directory: Arc<dyn Directory>,
    producer: Arc<dyn Producer>,
    waiting: Mutex<VecDeque<Kick>>,
    wake: Notify,
    metrics: Metrics,
}

impl Kicks {
    /// Finds sessions in `directory` and tells comets by way of `producer`; `store` has the log-ins.
    #[must_use]
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        directory: Arc<dyn Directory>,
        producer: Arc<dyn Producer>,
        metrics: Metrics,
    ) -> Self {
        Self { config, store, directory, producer, waiting: Mutex::default(), wake: Notify::new(), metrics }
    }

    /// Ends the connections of a user, or the one with `key`: soon, by [`run`](Self::run).
    pub fn kick(&self, user: UserId, key: Option<SessionKey>, reason: Reason) {
        let which = key.map_or(Which::All, Which::Key);
        self.add(Kick { user, which, reason });
    }

    /// Ends the connections that were opened by a log-in, which ended: soon, by [`run`](Self::run).
    pub fn login_ended(&self, user: UserId, login_id: &str) {
        let which = Which::Login(LoginTag::of(login_id));
        self.add(Kick { user, which, reason: Reason::SessionEnded });
    }

    /// Ends the connections of a user whose log-ins are over by now: soon, by [`run`](Self::run). For those who do not
    /// know which those are, as the answer to their change was lost.
    pub fn logins_ended(&self, user: UserId) {
        self.add(Kick { user, which: Which::Ended, reason: Reason::SessionEnded });
    }

    fn add(&self, kick: Kick) {
        let mut waiting = self.waiting.lock();
        waiting.push_back(kick);
        self.bound(&mut waiting);
        drop(waiting);
        self.wake.notify_one();
    }

    fn bound(&self, waiting: &mut VecDeque<Kick>) {
        let excess = waiting.len().saturating_sub(self.config.waiting_max);
        waiting.drain(..excess);
        self.metrics.kicks_dropped.inc_by(excess as u64);
    }

    async fn publish(&self, kick: &Kick) -> Result<(), String> {
        let sessions = self.directory.sessions(kick.user).await.map_err(|cause| cause.to_string())?;
        // Asked after the directory: whoever is in there and not in here is over.
        let live = match &kick.which {
            Which::Ended if !sessions.is_empty() => self.live(kick.user).await?,
            _ => HashSet::new(),
        };
        let mut of_comet: BTreeMap<CometRef, Vec<String>> = BTreeMap::new();
        for session in sessions {
            let is_meant = match &kick.which {
                Which::All => true,
                Which::Key(key) => session.key == *key,
                Which::Login(tag) => session.login == Some(*tag),
                Which::Ended => session.login.is_some_and(|tag| !live.contains(&tag)),
            };
            if is_meant {
                of_comet.entry(session.comet).or_default().push(session.key.as_str().to_owned());
            }
        }
        if of_comet.is_empty() {
            return Ok(());
        }
        let ended: usize = of_comet.values().map(Vec::len).sum();
        let records = of_comet.into_iter().map(|(comet, keys)| record(comet, keys, kick.reason)).collect();
        let patience = Duration::from_millis(self.config.patience_ms);
        self.producer.publish(records, patience).await.map_err(|cause| cause.to_string())?;
        self.metrics.kicks.inc_by(ended as u64);
        Ok(())
    }

    async fn live(&self, user: UserId) -> Result<HashSet<LoginTag>, String> {
        // As many as a user may have.
        let logins =
            self.store.devices_of(user, now_ms(), u32::MAX).await.map_err(|cause| cause.to_string())?;
        Ok(logins.iter().map(|login| LoginTag::of(&login.login_id)).collect())
    }

    /// Ends what is to be ended, and tries again what failed, until `stop`; then once more.
    pub async fn run(&self, stop: CancellationToken) {
        let pause = Duration::from_millis(self.config.retry_ms);
        while !stop.is_cancelled() {
            let is_idle = self.waiting.lock().is_empty();
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause), if !is_idle => {}
            }
            self.round().await;
        }
    }

    async fn round(&self) {
        // Those that come meanwhile are for the next round.
        let mut round = std::mem::take(&mut *self.waiting.lock());
        while let Some(kick) = round.pop_front() {
            if let Err(cause) = self.publish(&kick).await {
                self.metrics.kick_failures.inc();
                tracing::warn!(%cause, "connections could not be ended at once; it is tried again");
                round.push_front(kick);
                break;
            }
        }
        if !round.is_empty() {
            let mut waiting = self.waiting.lock();
            round.append(&mut waiting);
            *waiting = round;
            self.bound(&mut waiting);
        }
    }
}

/// Sent to the comet by its name: keys that a comet chose are not listed in the directory by themselves.
fn record(comet: CometRef, keys: Vec<String>, reason: Reason) -> Record {
    let key = format!("kick-{}", comet.id);
    let message = PushMsg {
        r#type: Type::Push.into(),
        operation: op::KICK,
        server: comet.id,
        keys,
        msg: reason.as_str().as_bytes().into(),
        created_at_ms: now_ms(),
        ..PushMsg::default()
    };
    Record { key, value: message.encode_to_vec().into(), traceparent: None }
}
