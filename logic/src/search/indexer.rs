//! Takes what was sent into the index: after it was committed, in the background, and never for longer than its share
//! of the time.
//!
//! A node takes in what it stored itself: it notes the conversations in memory. What is forgotten there, because a node
//! ended or because there was too much, and what was there before there was an index, is found by comparing the
//! conversations with their index, a few at a time; one node of all does that.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::ids::ConversationId;
use oort_api::metrics::{Counter, Gauge, Registry};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Config;
use crate::store::{Error, Store};

/// Counters of the index.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    indexed: Counter,
    failures: Counter,
    forgotten: Counter,
    behind: Counter,
    waiting: Gauge,
    lag: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "search_indexed",
            "Messages taken into the index of words",
            metrics.indexed.clone(),
        );
        registry.register(
            "search_index_failures",
            "Steps of the index that failed; they are tried again",
            metrics.failures.clone(),
        );
        registry.register(
            "search_forgotten",
            "Conversations that did not fit among those that wait for the index; the comparison finds them",
            metrics.forgotten.clone(),
        );
        registry.register(
            "search_behind",
            "Conversations that the comparison found behind their messages",
            metrics.behind.clone(),
        );
        registry.register("search_waiting", "Conversations that wait for the index", metrics.waiting.clone());
        registry.register_with_unit(
            "search_lag",
            "How long the oldest of them has waited",
            prometheus_client::registry::Unit::Seconds,
            metrics.lag.clone(),
        );
        metrics
    }
}

/// Conversations with messages that are not in the index, each once, in the order in which they came.
#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<ConversationId>,
    since: HashMap<ConversationId, Instant>,
}

/// Takes messages into the index.
#[derive(Debug)]
pub struct Indexer {
    config: Config,
    store: Arc<dyn Store>,
    /// This process.
    owner: Arc<str>,
    waiting: Mutex<Waiting>,
    /// Messages stored by this node since the last step.
    sent: AtomicU64,
    wake: Notify,
    metrics: Metrics,
}

impl Indexer {
    /// An indexer of this store with nothing to do yet.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, owner: Arc<str>, metrics: Metrics) -> Self {
        let (waiting, sent, wake) = (Mutex::default(), AtomicU64::new(0), Notify::new());
        Self { config, store, owner, waiting, sent, wake, metrics }
    }

    /// Messages were stored, each in the conversation that is named. Never waits.
    pub fn stored(&self, ids: impl IntoIterator<Item = ConversationId>) {
        let mut count = 0;
        self.add(ids.into_iter().inspect(|_| count += 1), Instant::now());
        self.sent.fetch_add(count, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// Takes in what there is, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.index(&stop), self.compare(&stop));
    }

    fn add(&self, ids: impl IntoIterator<Item = ConversationId>, now: Instant) {
        let mut waiting = self.waiting.lock();
        for id in ids {
            if waiting.since.contains_key(&id) {
                continue;
            }
            if waiting.order.len() >= self.config.waiting_max {
                self.metrics.forgotten.inc();
                continue;
            }
            waiting.order.push_back(id);
            waiting.since.insert(id, now);
        }
        self.note(&waiting);
    }

    fn take(&self) -> Vec<(ConversationId, Instant)> {
        let mut waiting = self.waiting.lock();
        let count = waiting.order.len().min(self.config.batch_conversations_max);
        let ids: Vec<ConversationId> = waiting.order.drain(..count).collect();
        let taken = ids.into_iter().filter_map(|id| Some((id, waiting.since.remove(&id)?))).collect();
        self.note(&waiting);
        taken
    }

    fn note(&self, waiting: &Waiting) {
        let oldest = waiting.order.front().and_then(|id| waiting.since.get(id));
        self.metrics.waiting.set(i64::try_from(waiting.order.len()).unwrap_or(i64::MAX));
        self.metrics.lag.set(oldest.map_or(0.0, |since| since.elapsed().as_secs_f64()));
    }

    fn is_idle(&self) -> bool {
        self.waiting.lock().order.is_empty()
    }

    async fn index(&self, stop: &CancellationToken) {
        let delay = Duration::from_millis(self.config.delay_ms);
        let mut last = Instant::now();
        loop {
            let next = async {
                while self.is_idle() {
                    self.wake.notified().await;
                    // What follows goes with it.
                    sleep(delay).await;
                }
            };
            if stop.run_until_cancelled(next).await.is_none() {
                return;
            }
            let began = Instant::now();
            let pause = match self.step().await {
                Ok(()) => self.pause_after(began.elapsed(), last.elapsed()),
                Err(cause) => {
                    self.metrics.failures.inc();
                    tracing::warn!(%cause, "messages could not be taken into the index; it is tried again");
                    Duration::from_millis(self.config.retry_ms)
                }
            };
            last = Instant::now();
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// As long as it takes for the work not to be more than its share of the time.
    fn pause_after(&self, work: Duration, since_last: Duration) -> Duration {
        let sent = self.sent.swap(0, Ordering::Relaxed);
        let millis = u64::try_from(since_last.as_millis()).unwrap_or(u64::MAX);
        let is_busy = sent.saturating_mul(1_000) > self.config.busy_sends_per_second.saturating_mul(millis);
        let duty = if is_busy { self.config.busy_duty_percent } else { self.config.duty_percent };
        let duty = duty.clamp(1, 100);
        work * (100 - duty) / duty
    }

    /// One transaction.
    async fn step(&self) -> Result<(), Error> {
        let taken = self.take();
        let ids: Vec<ConversationId> = taken.iter().map(|&(id, _)| id).collect();
        let outcome = self.store.index(&ids, self.config.batch_messages_max).await;
        let (left, outcome) = match outcome {
            Ok(indexed) => {
                self.metrics.indexed.inc_by(indexed.messages.into());
                (indexed.unfinished, Ok(()))
            }
            Err(cause) => (ids, Err(cause)),
        };
        for (id, since) in taken {
            if left.contains(&id) {
                self.add([id], since);
            }
        }
        outcome
    }

    async fn compare(&self, stop: &CancellationToken) {
        loop {
            let pause = match self.compare_some().await {
                Ok(true) => self.config.compare_pause_ms,
                Ok(false) => self.config.compare_rest_ms,
                Err(cause) => {
                    self.metrics.failures.inc();
                    tracing::warn!(%cause, "conversations could not be compared with the index");
                    self.config.retry_ms
                }
            };
            if stop.run_until_cancelled(sleep(Duration::from_millis(pause))).await.is_none() {
                return;
            }
        }
    }

    /// Compares some conversations; `false`: there is nothing to do for a while.
    async fn compare_some(&self) -> Result<bool, Error> {
        let lease_ms = i64::try_from(self.config.compare_lease_ms).unwrap_or(i64::MAX);
        let lease = self.store.lease_sweep(&self.owner, now_ms(), lease_ms, None).await?;
        // What waits is taken in first, so that nothing that is found is forgotten.
        let Some(after) = lease.filter(|_| self.is_idle()) else { return Ok(lease.is_some()) };
        let compared = self.store.compare(after, self.config.compare_page).await?;
        if !compared.behind.is_empty() {
            self.metrics.behind.inc_by(compared.behind.len() as u64);
            self.add(compared.behind, Instant::now());
            self.wake.notify_one();
        }
        let at = compared.last.map_or(0, ConversationId::get);
        self.store.lease_sweep(&self.owner, now_ms(), lease_ms, Some(at)).await?;
        Ok(at > 0)
    }
}
