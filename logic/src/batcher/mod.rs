//! Group commit: one writer that takes everything that waited while its
//! previous transaction ran. There is no timer: alone, a message is committed
//! at once; under load, batches grow by themselves.

use std::iter::repeat_n;
use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::trail::{self, Mark};
use serde::Deserialize;
use tokio::time::Instant;

use crate::commits::Commits;
use crate::failpoint::{AFTER_COMMIT_BEFORE_PUBLISH, Failpoints};
use crate::metrics::Metrics;
use crate::published::{DELETE_ROWS_MAX, Published, delete_some};
use crate::search::Indexer;
use crate::store::{Appended, Error, NewMessage, Outbox, Store};

#[doc(hidden)]
pub mod bench;
mod queue;

pub use queue::Answer;
use queue::{Queue, Request};

/// Settings of [`Batcher`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Messages in one transaction.
    pub rows_max: usize,
    /// Bytes of messages in one transaction.
    pub transaction_bytes_max: usize,
    /// Messages that wait for the writer; further requests are refused with `overloaded`.
    pub queue_messages_max: usize,
    /// Bytes of messages that wait for the writer; further requests are refused.
    pub queue_bytes_max: usize,
    /// Longest wait for the writer, ms; then the request is refused with `overloaded`.
    pub wait_max_ms: u64,
    /// With nothing to write, published outbox rows are deleted after so
    /// long, ms; otherwise they go in the next transaction.
    pub idle_delete_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rows_max: 1024,
            transaction_bytes_max: 2 * 1024 * 1024,
            queue_messages_max: 16 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            wait_max_ms: 5_000,
            idle_delete_ms: 200,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=10_000).contains(&self.rows_max) {
            faults.push("rows_max is not within 1 to 10000".to_owned());
        }
        if self.queue_messages_max < self.rows_max || self.queue_bytes_max < self.transaction_bytes_max {
            faults.push("the queue is smaller than one transaction".to_owned());
        }
        if self.transaction_bytes_max == 0 || self.wait_max_ms == 0 || self.idle_delete_ms == 0 {
            faults
                .push("transaction_bytes_max, wait_max_ms and idle_delete_ms must be at least 1".to_owned());
        }
        faults
    }
}

/// What the writer works with.
#[derive(Debug)]
pub struct Parts {
    /// This process, as the owner of outbox rows.
    pub owner: Arc<str>,
    /// Where messages go.
    pub store: Arc<dyn Store>,
    /// Where its outbox rows are.
    pub outbox: Arc<dyn Outbox>,
    /// Where outbox rows are committed and handed over.
    pub commits: Arc<Commits>,
    /// Published rows that the next transaction deletes.
    pub published: Arc<Published>,
    /// Who makes messages findable when they are committed.
    pub indexer: Arc<Indexer>,
    /// Where a test makes the process die.
    pub failpoints: Failpoints,
    /// Counters.
    pub metrics: Metrics,
}

/// A transaction that was committed.
struct Committed {
    appended: Vec<Appended>,
    /// Its outbox row; 0 = none.
    row: i64,
    at: Instant,
    at_us: i64,
}

/// The batch writer. One task runs [`Self::run`].
#[derive(Debug)]
pub struct Batcher {
    config: Config,
    parts: Parts,
    queue: Queue,
}

impl Batcher {
    /// A writer with nothing to do.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let queue = Queue::new(&config, parts.metrics.clone());
        Self { config, parts, queue }
    }

    /// Stores messages: adjacent, in order, in one transaction. Returns when
    /// they are committed; dropping the call does not take them back. At most
    /// `rows_max` at a time.
    ///
    /// # Errors
    /// `overloaded` when the queue is full or the wait too long, `draining`
    /// while stopping, `unavailable` when the store is.
    pub async fn append(&self, messages: Vec<NewMessage>) -> Answer {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.queue.submit(messages)?;
        answer.await.unwrap_or_else(|_| Err(queue::draining()))
    }

    /// Stores groups of messages in order, each adjacent: as many together as one transaction takes, the next when those
    /// are committed. What follows a failure is not tried but refused alike: a caller that repeats all of it must not
    /// find the first behind the last.
    pub async fn append_all(&self, groups: Vec<Vec<NewMessage>>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(groups.len());
        let mut rest = groups.into_iter();
        let mut failed = None;
        while !rest.as_slice().is_empty() {
            let groups = self.queue.fitting(rest.as_slice());
            let mut counts = Vec::with_capacity(groups);
            let mut messages = Vec::new();
            for mut group in rest.by_ref().take(groups) {
                counts.push(group.len());
                messages.append(&mut group);
            }
            let outcome = match failed.take() {
                Some(refusal) => Err(refusal),
                None => self.append(messages).await,
            };
            failed = outcome.as_ref().err().cloned();
            answers.extend(divide(outcome, &counts));
        }
        answers
    }

    /// Takes nothing more; [`Self::run`] ends when what waits is done.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Writes until closed and empty.
    pub async fn run(&self) {
        let mut idle = Duration::from_millis(self.config.idle_delete_ms);
        loop {
            // Asked first: what was taken in before it closed is still written.
            let is_closed = self.queue.is_closed();
            let batch = self.queue.take();
            if !batch.is_empty() {
                self.write(batch).await;
                continue;
            }
            if is_closed {
                return;
            }
            tokio::select! {
                () = self.queue.changed() => {}
                () = self.idle(idle) => {
                    let done = delete_some(&*self.parts.outbox, &self.parts.published, &self.parts.metrics).await;
                    idle = Duration::from_millis(self.config.idle_delete_ms);
                    if !done {
                        idle = idle.max(Duration::from_secs(1));
                    }
                }
            }
        }
    }

    async fn idle(&self, wait: Duration) {
        self.parts.published.wait().await;
        tokio::time::sleep(wait).await;
    }

    async fn write(&self, mut batch: Vec<Request>) {
        let started = Instant::now();
        let mut messages = Vec::with_capacity(batch.iter().map(|request| request.messages.len()).sum());
        let mut counts = Vec::with_capacity(batch.len());
        for request in &mut batch {
            self.parts.metrics.batch_wait.observe((started - request.since).as_secs_f64());
            counts.push(request.messages.len());
            messages.append(&mut request.messages);
        }
        let outcome = self.transaction(&messages).await;
        self.parts.metrics.batch_transaction.observe(started.elapsed().as_secs_f64());
        let outcome = outcome.map(|committed| {
            let accepted =
                batch.iter().zip(&counts).flat_map(|(request, &count)| repeat_n(request.since, count));
            self.note(&messages, accepted, &committed);
            committed.appended
        });
        self.answer(batch, &counts, outcome);
    }

    /// Notes where the messages have been.
    fn note(&self, messages: &[NewMessage], accepted: impl Iterator<Item = Instant>, committed: &Committed) {
        let trail = self.parts.commits.trail();
        let batch = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        for ((message, accepted), outcome) in messages.iter().zip(accepted).zip(&committed.appended) {
            let Appended::Stored { seq, .. } = outcome else { continue };
            let (conversation, seq) = (message.conversation.get(), seq.get());
            let waited = committed.at.saturating_duration_since(accepted).as_micros();
            let accepted_us = committed.at_us - i64::try_from(waited).unwrap_or(0);
            let trace_id = trail::trace_id(&message.traceparent);
            trail.note(accepted_us, conversation, seq, Mark::Accepted { trace_id });
            trail.note(committed.at_us, conversation, seq, Mark::Committed { row: committed.row, batch });
        }
    }

    async fn transaction(&self, messages: &[NewMessage]) -> Result<Committed, Refusal> {
        let parts = &self.parts;
        let deletions = parts.published.take(DELETE_ROWS_MAX);
        let outcome = parts
            .commits
            .run(async {
                let (appended, row) =
                    parts.store.append(&parts.owner, messages, &deletions, now_ms()).await?;
                // Before the row is handed over: nothing is published earlier than it is committed.
                let (at, at_us) = (Instant::now(), trail::now_us());
                parts.failpoints.hit(AFTER_COMMIT_BEFORE_PUBLISH);
                let id = row.as_ref().map_or(0, |row| row.id);
                Ok((Committed { appended, row: id, at, at_us }, row))
            })
            .await;
        match outcome {
            Ok(committed) => {
                if !deletions.is_empty() {
                    parts.published.deleted();
                }
                parts
                    .metrics
                    .batch_rows
                    .observe(f64::from(u32::try_from(messages.len()).unwrap_or(u32::MAX)));
                self.count(&committed.appended);
                let outcomes = messages.iter().zip(&committed.appended);
                let stored = outcomes.filter(|(_, outcome)| matches!(outcome, Appended::Stored { .. }));
                parts.indexer.stored(stored.map(|(message, _)| message.conversation));
                Ok(committed)
            }
            Err(error) => {
                if !deletions.is_empty() {
                    parts.published.kept();
                }
                if matches!(error, Error::OutboxFull) {
                    // No transaction comes by to do it.
                    delete_some(&*parts.outbox, &parts.published, &parts.metrics).await;
                }
                tracing::warn!(cause = %error, messages = messages.len(), "a batch was not committed");
                Err(error.into())
            }
        }
    }

    fn count(&self, appended: &[Appended]) {
        for outcome in appended {
            match outcome {
                Appended::Stored { .. } => self.parts.metrics.messages_stored.inc(),
                Appended::Duplicate { .. } => self.parts.metrics.messages_repeated.inc(),
                Appended::Conflict
                | Appended::NotMember
                | Appended::Muted(_)
                | Appended::Silenced(_)
                | Appended::Dissolved
                | Appended::Blocked
                | Appended::NoConversation
                | Appended::NoQuoted
                | Appended::MentionedNotMember(_)
                | Appended::NoFile
                | Appended::NoOriginal
                | Appended::FileUnknown => 0,
            };
        }
    }

    #[allow(clippy::unused_self, reason = "reads as a step of the writer")]
    fn answer(&self, batch: Vec<Request>, counts: &[usize], outcome: Result<Vec<Appended>, Refusal>) {
        for (request, answer) in batch.into_iter().zip(divide(outcome, counts)) {
            // A sender that no longer waits has its message stored all the same.
            request.answer.send(answer).ok();
        }
    }
}

/// What became of all, as so many parts of these lengths.
fn divide(outcome: Answer, counts: &[usize]) -> impl Iterator<Item = Answer> {
    let mut appended = outcome.map(Vec::into_iter);
    counts.iter().map(move |&count| match &mut appended {
        Ok(rest) => Ok(rest.take(count).collect()),
        Err(refusal) => Err(refusal.clone()),
    })
}
