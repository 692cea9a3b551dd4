//! The writer of cursors: one transaction for the changes of many users, and
//! of several changes of one cursor only the furthest. It shares the owner's
//! turn at the store with the batch writer, so it pauses between transactions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use serde::Deserialize;

use crate::commits::Commits;
use crate::metrics::Metrics;
use crate::store::{CursorMove, Moved, Standing, Store};

mod queue;

use queue::{Asked, Queue};

/// Settings of [`Cursors`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Members of a group up to which they are told of each other's cursors.
    pub told_members_max: u32,
    /// Cursors moved in one transaction.
    pub rows_max: usize,
    /// Changes that wait for the writer; further ones are refused with `overloaded`.
    pub queue_max: usize,
    /// Longest wait for the writer, ms; then the change is refused with `overloaded`.
    pub wait_max_ms: u64,
    /// Least time from one transaction to the next, ms: sends go between.
    pub pause_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { told_members_max: 50, rows_max: 512, queue_max: 16_384, wait_max_ms: 5_000, pause_ms: 10 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.told_members_max > 1000 {
            faults.push("told_members_max is more than 1000".to_owned());
        }
        if !(1..=10_000).contains(&self.rows_max) {
            faults.push("rows_max is not within 1 to 10000".to_owned());
        }
        if self.queue_max < self.rows_max {
            faults.push("queue_max is less than rows_max".to_owned());
        }
        if self.wait_max_ms == 0 || self.pause_ms >= self.wait_max_ms {
            faults.push("wait_max_ms is not more than pause_ms".to_owned());
        }
        faults
    }
}

/// What the writer works with.
#[derive(Debug)]
pub struct Parts {
    /// This process, as the owner of outbox rows.
    pub owner: Arc<str>,
    /// Where cursors are.
    pub store: Arc<dyn Store>,
    /// Where outbox rows are committed and handed over.
    pub commits: Arc<Commits>,
    /// Counters.
    pub metrics: Metrics,
}

/// The writer of cursors. One task runs [`Self::run`].
#[derive(Debug)]
pub struct Cursors {
    config: Config,
    parts: Parts,
    queue: Queue,
}

impl Cursors {
    /// A writer with nothing to do.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let queue = Queue::new(&config, parts.metrics.clone());
        Self { config, parts, queue }
    }

    /// Members of a group up to which they are told of each other's cursors.
    #[must_use]
    pub fn told_members_max(&self) -> u32 {
        self.config.told_members_max
    }

    /// Moves a cursor. Returns when that is committed; dropping the call does
    /// not take it back.
    ///
    /// # Errors
    /// `not_member`, `not_found`; `overloaded` when the queue is full or the
    /// wait too long, `draining` while stopping, `unavailable` when the store is.
    pub async fn advance(&self, step: CursorMove) -> Result<Standing, Refusal> {
        let answer = self.queue.submit(step)?;
        match answer.await.unwrap_or_else(|_| Err(queue::draining()))? {
            Moved::Stands(standing) => Ok(standing),
            Moved::NotMember => {
                Err(Refusal::new(Code::NotMember, "you are not a member of this conversation"))
            }
            Moved::NoConversation => Err(Refusal::new(Code::NotFound, "there is no such conversation")),
        }
    }

    /// Takes nothing more; [`Self::run`] ends when what waits is done.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Writes until closed and empty.
    pub async fn run(&self) {
        loop {
            // Asked first: what was taken in before it closed is still written.
            let is_closed = self.queue.is_closed();
            let batch = self.queue.take();
            if batch.is_empty() {
                if is_closed {
                    return;
                }
                self.queue.changed().await;
                continue;
            }
            self.write(batch).await;
            if !is_closed {
                tokio::time::sleep(Duration::from_millis(self.config.pause_ms)).await;
            }
        }
    }

    async fn write(&self, batch: Vec<Asked>) {
        let Parts { owner, store, commits, metrics } = &self.parts;
        let started = Instant::now();
        let (moves, answers): (Vec<CursorMove>, Vec<_>) =
            batch.into_iter().map(|asked| (asked.step, asked.answers)).unzip();
        let outcome = commits
            .run(store.move_cursors(owner, &moves, self.config.told_members_max, now_ms()))
            .await
            .map_err(|error| {
                tracing::warn!(cause = %error, cursors = moves.len(), "cursors were not committed");
                Refusal::from(error)
            });
        metrics.cursor_transaction.observe(started.elapsed().as_secs_f64());
        match outcome {
            Ok(moved) => {
                let stands = |moved: &&Moved| matches!(moved, Moved::Stands(standing) if standing.moved);
                metrics.cursors_moved.inc_by(moved.iter().filter(stands).count() as u64);
                for (answers, moved) in answers.into_iter().zip(moved) {
                    // One that no longer waits has its cursor moved all the same.
                    answers.into_iter().for_each(|answer| drop(answer.send(Ok(moved))));
                }
            }
            Err(refusal) => {
                for answer in answers.into_iter().flatten() {
                    answer.send(Err(refusal.clone())).ok();
                }
            }
        }
    }
}
