//! From the outbox to the bus, in commit order.
//!
//! Committed rows are handed over in memory ([`Publisher::push`]) and go to
//! the bus with several under way at a time. The table stays the truth: when
//! memory is full or the bus fails, the copies in memory are dropped and this
//! owner's rows are read back from the table, in id order, until nothing is
//! left there. So nothing is lost, reordered or piled up.
//!
//! After a failure nothing that followed the failed row counts as published:
//! the end of what the bus gets is always in order.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::Producer;
use oort_api::trail::Ring;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::backlog::{self, Backlog};
use crate::metrics::Metrics;
use crate::published::Published;
use crate::relay::Lease;
use crate::store::{Outbox, OutboxRow};

mod queue;
mod records;
mod worker;

use queue::Queue;

/// Settings of [`Publisher`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Outbox rows held in memory; beyond it they are read back from the table.
    pub queue_rows_max: usize,
    /// Bytes of outbox rows held in memory; beyond it they are read back.
    pub queue_bytes_max: usize,
    /// Publishes the bus was given and has not answered. What is committed
    /// meanwhile waits and goes in the next one, together: the bus pays per
    /// request, and alone a row never waits.
    pub window_publishes: usize,
    /// Records after which a publish takes no further row.
    pub publish_records_max: usize,
    /// Rows read back from the table at a time.
    pub page_rows: u32,
    /// Longest wait for the bus per attempt, ms.
    pub patience_ms: u64,
    /// Wait after a first failure, ms; doubles with each further one.
    pub retry_min_ms: u64,
    /// Longest wait between attempts, ms.
    pub retry_max_ms: u64,
    /// Longest time that the answer to a change of rooms or members waits for the bus to have it, ms; 0 = it does not.
    pub told_wait_ms: u64,
    /// How much may wait for a bus that is away.
    pub backlog: backlog::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queue_rows_max: 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            window_publishes: 2,
            publish_records_max: 4096,
            page_rows: 16,
            patience_ms: 5_000,
            retry_min_ms: 20,
            retry_max_ms: 2_000,
            told_wait_ms: 2_000,
            backlog: backlog::Config::default(),
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let at_least_one = [
            ("queue_rows_max", self.queue_rows_max),
            ("queue_bytes_max", self.queue_bytes_max),
            ("window_publishes", self.window_publishes),
            ("publish_records_max", self.publish_records_max),
            ("page_rows", self.page_rows as usize),
        ];
        let mut faults: Vec<String> = at_least_one
            .iter()
            .filter(|(_, value)| *value == 0)
            .map(|(name, _)| format!("{name} is 0"))
            .collect();
        if self.patience_ms == 0 || self.retry_min_ms == 0 || self.retry_max_ms < self.retry_min_ms {
            faults.push(
                "patience_ms and retry_min_ms must be at least 1, retry_max_ms at least retry_min_ms"
                    .to_owned(),
            );
        }
        faults.extend(self.backlog.faults().into_iter().map(|fault| format!("backlog: {fault}")));
        faults
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

/// What the publisher works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Whose rows: this process.
    pub owner: Arc<str>,
    /// Where the rows are.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub producer: Arc<dyn Producer>,
    /// Where published ids are told.
    pub published: Arc<Published>,
    /// Whether the rows are still this owner's.
    pub lease: Arc<Lease>,
    /// Where it is noted what was committed and published.
    pub trail: Arc<Ring>,
    /// Counters.
    pub metrics: Metrics,
}

/// Publishes this owner's outbox rows. One task runs [`Self::run`].
#[derive(Debug)]
pub struct Publisher {
    config: Config,
    parts: Parts,
    queue: Queue,
    backlog: Backlog,
}

impl Publisher {
    /// A publisher with nothing to do.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let queue = Queue::new(config.queue_rows_max, config.queue_bytes_max, parts.metrics.clone());
        let backlog = Backlog::new(config.backlog.clone(), parts.metrics.clone());
        Self { config, parts, queue, backlog }
    }

    /// Takes over a committed row. Never waits: what does not fit is read
    /// back from the table later. Call it in commit order.
    pub fn push(&self, row: OutboxRow) {
        self.backlog.add(&row);
        self.queue.push(row);
    }

    /// The same; what is returned resolves when the bus has the row.
    pub fn push_and_watch(&self, row: OutboxRow) -> oneshot::Receiver<()> {
        self.backlog.add(&row);
        let published = self.parts.published.of(row.id);
        self.queue.push(row);
        published
    }

    /// As much waits for the bus as may: nothing that adds to it is to be committed.
    pub fn is_full(&self) -> bool {
        self.backlog.is_full()
    }

    /// The table holds so many rows of all nodes.
    pub(crate) fn seen_in_table(&self, rows: u64) {
        self.backlog.seen_in_table(rows.saturating_sub(self.parts.published.waiting() as u64));
    }

    /// Where hops are noted.
    pub(crate) fn trail(&self) -> &Ring {
        &self.parts.trail
    }

    /// How long an answer may wait for the bus.
    #[must_use]
    pub fn told_wait(&self) -> Duration {
        Duration::from_millis(self.config.told_wait_ms)
    }

    /// The table may hold rows of this owner that were never handed over: the
    /// outcome of a transaction is in doubt, or rows were adopted.
    pub fn recheck(&self) {
        self.queue.recheck();
    }

    /// Publishes until `abort`, or until nothing is left after `drain`.
    pub async fn run(&self, drain: CancellationToken, abort: CancellationToken) {
        worker::Worker::new(self).run(&drain, &abort).await;
    }
}
