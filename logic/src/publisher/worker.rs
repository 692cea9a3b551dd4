//! The one task that publishes.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use oort_api::bus::{Error, Record};
use oort_api::trail::now_us;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Publisher;
use super::records::records;
use crate::store::OutboxRow;

/// Rows the bus was given together.
struct Handed {
    ids: Vec<i64>,
    records: usize,
    since: Instant,
    outcome: Result<(), Error>,
}

pub(super) struct Worker<'a> {
    publisher: &'a Publisher,
    under_way: FuturesOrdered<BoxFuture<'static, Handed>>,
    /// Rows published from the table that may also wait in memory.
    published_from_table: HashSet<i64>,
    retry: Retry,
}

impl<'a> Worker<'a> {
    pub(super) fn new(publisher: &'a Publisher) -> Self {
        Self {
            publisher,
            under_way: FuturesOrdered::new(),
            published_from_table: HashSet::new(),
            retry: Retry::new(publisher.config.retry_min_ms, publisher.config.retry_max_ms),
        }
    }

    pub(super) async fn run(&mut self, drain: &CancellationToken, abort: &CancellationToken) {
        tokio::select! {
            () = abort.cancelled() => {}
            () = self.work(drain) => {}
        }
    }

    async fn work(&mut self, drain: &CancellationToken) {
        let queue = &self.publisher.queue;
        let window = self.publisher.config.window_publishes;
        loop {
            if !self.publisher.parts.lease.is_live() && !queue.is_empty() {
                // Others may have taken these rows over; the table knows.
                queue.spill();
            }
            if queue.wants_table() && self.under_way.is_empty() {
                self.catch_up().await;
                continue;
            }
            if !queue.wants_table() {
                self.fill(window).await;
            }
            if drain.is_cancelled() && self.under_way.is_empty() && queue.is_empty() && !queue.wants_table() {
                return;
            }
            tokio::select! {
                Some(handed) = self.under_way.next() => self.answered(handed).await,
                () = queue.changed(), if self.under_way.len() < window => {}
                () = drain.cancelled(), if !drain.is_cancelled() => {}
            }
        }
    }

    /// Hands rows to the bus until the window or memory is at its end.
    async fn fill(&mut self, window: usize) {
        while self.under_way.len() < window {
            let (ids, records) = self.gather();
            if ids.is_empty() {
                return;
            }
            self.hand_over(ids, records).await;
        }
    }

    /// The rows that wait, as far as one publish takes them.
    fn gather(&mut self) -> (Vec<i64>, Vec<Record>) {
        let (mut ids, mut all) = (Vec::new(), Vec::new());
        while all.len() < self.publisher.config.publish_records_max
            && let Some(row) = self.publisher.queue.pop()
        {
            if self.published_from_table.remove(&row.id) {
                continue;
            }
            match records(&row) {
                Some(records) => {
                    ids.push(row.id);
                    all.extend(records);
                }
                None => self.give_up_row(row.id),
            }
        }
        (ids, all)
    }

    async fn hand_over(&mut self, ids: Vec<i64>, records: Vec<Record>) {
        let producer = Arc::clone(&self.publisher.parts.producer);
        let patience = self.publisher.config.patience();
        let (count, since) = (records.len(), Instant::now());
        let mut call = async move {
            let outcome = producer.publish(records, patience).await;
            Handed { ids, records: count, since, outcome }
        }
        .boxed();
        // The bus keeps the order in which calls are first polled.
        let call = match futures_util::poll!(&mut call) {
            Poll::Ready(handed) => std::future::ready(handed).boxed(),
            Poll::Pending => call,
        };
        self.under_way.push_back(call);
    }

    async fn answered(&mut self, handed: Handed) {
        #[cfg(feature = "simulation")]
        let handed = match oort_api::planted::is(oort_api::planted::Bug::PublishedBeforeAnswer) {
            true => Handed { outcome: Ok(()), ..handed },
            false => handed,
        };
        match handed.outcome {
            Ok(()) => {
                self.publisher.parts.metrics.publish.observe(handed.since.elapsed().as_secs_f64());
                self.note_published(&handed.ids, handed.records);
                self.retry.reset();
            }
            Err(cause) => {
                self.publisher.parts.metrics.publish_failures.inc();
                tracing::warn!(outbox_ids = ?handed.ids, %cause, "the bus refused; going back to the outbox table");
                // What followed may reach the bus before the failed rows do,
                // so it is published again after it.
                while self.under_way.next().await.is_some() {}
                self.publisher.queue.spill();
                self.retry.wait().await;
            }
        }
    }

    /// Publishes what the table holds, then goes on from memory.
    async fn catch_up(&mut self) {
        while self.publisher.queue.is_behind() {
            self.publisher.queue.spill();
            self.read_far_behind().await;
            self.publisher.queue.admit();
            self.read_the_rest().await;
        }
        if self.publisher.queue.take_recheck() {
            self.read_the_rest().await;
        }
    }

    /// Pages through the table until less than a page is left.
    async fn read_far_behind(&mut self) {
        let mut after = 0;
        loop {
            let (fresh, last) = self.page(after).await;
            let Some(last) = last else { return };
            after = last;
            self.publish_page(fresh).await;
            self.delete_published().await;
        }
    }

    /// Reads everything once more while new rows wait in memory already.
    async fn read_the_rest(&mut self) {
        if self.publisher.queue.is_empty() {
            self.published_from_table.clear();
        }
        let newest = self.publisher.backlog.newest();
        let mut after = 0;
        loop {
            let known = self.publisher.parts.published.snapshot();
            let rows = self.read(after).await;
            let is_last = rows.len() < self.publisher.config.page_rows as usize;
            after = rows.last().map_or(after, |row| row.id);
            let fresh: Vec<OutboxRow> = rows.into_iter().filter(|row| !known.contains(&row.id)).collect();
            self.published_from_table.extend(fresh.iter().map(|row| row.id));
            self.publish_page(fresh).await;
            if is_last {
                self.publisher.backlog.forget_up_to(newest);
            }
            if is_last || self.publisher.queue.is_behind() {
                return;
            }
        }
    }

    /// A full page after `after` without what is published, and its last id;
    /// no id when the page was not full.
    async fn page(&mut self, after: i64) -> (Vec<OutboxRow>, Option<i64>) {
        let known = self.publisher.parts.published.snapshot();
        let mut rows = self.read(after).await;
        if rows.len() < self.publisher.config.page_rows as usize {
            return (Vec::new(), None);
        }
        let last = rows.last().map(|row| row.id);
        rows.retain(|row| !known.contains(&row.id));
        (rows, last)
    }

    async fn read(&mut self, after: i64) -> Vec<OutboxRow> {
        let parts = &self.publisher.parts;
        loop {
            match parts.outbox.outbox(&parts.owner, after, self.publisher.config.page_rows).await {
                Ok(rows) => return rows,
                Err(cause) => {
                    tracing::warn!(%cause, "the outbox table cannot be read; trying again");
                    self.retry.wait().await;
                }
            }
        }
    }

    async fn publish_page(&mut self, rows: Vec<OutboxRow>) {
        if rows.is_empty() {
            return;
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut all = Vec::new();
        for row in &rows {
            match records(row) {
                Some(records) => all.extend(records),
                None => {
                    self.publisher.parts.metrics.publish_undecodable.inc();
                }
            }
        }
        let count = all.len();
        self.publish_until_taken(all).await;
        self.publisher.parts.metrics.publish_reread_rows.inc_by(ids.len() as u64);
        self.note_published(&ids, count);
    }

    /// Publishes in order, for as long as it takes. What is too much at once
    /// is halved; a record that can never be taken is counted and left out.
    async fn publish_until_taken(&mut self, records: Vec<Record>) {
        let parts = &self.publisher.parts;
        let mut parts_left = VecDeque::from([records]);
        while let Some(mut records) = parts_left.pop_front() {
            if records.is_empty() {
                continue;
            }
            match parts.producer.publish(records.clone(), self.publisher.config.patience()).await {
                Ok(()) => self.retry.reset(),
                Err(Error::Full | Error::TooLarge { .. }) if records.len() > 1 => {
                    let second_half = records.split_off(records.len() / 2);
                    parts_left.push_front(second_half);
                    parts_left.push_front(records);
                }
                Err(Error::TooLarge { bytes }) => {
                    parts.metrics.publish_too_large.inc();
                    tracing::error!(bytes, "a record is larger than the bus takes; it is in history only");
                }
                Err(cause) => {
                    parts.metrics.publish_failures.inc();
                    tracing::warn!(%cause, "the bus refused; trying again");
                    parts_left.push_front(records);
                    self.retry.wait().await;
                }
            }
        }
    }

    fn note_published(&self, ids: &[i64], records: usize) {
        self.publisher.parts.metrics.published_rows.inc_by(ids.len() as u64);
        self.publisher.parts.metrics.published_records.inc_by(records as u64);
        let at_us = now_us();
        ids.iter().for_each(|&id| self.publisher.parts.trail.note_row(at_us, id));
        self.publisher.backlog.remove(ids);
        self.publisher.parts.published.add(ids);
    }

    fn give_up_row(&self, id: i64) {
        self.publisher.parts.metrics.publish_undecodable.inc();
        self.publisher.backlog.remove(&[id]);
        self.publisher.parts.published.add(&[id]);
    }

    /// Keeps the list of published ids short while far behind. A failure
    /// leaves them on the list.
    async fn delete_published(&mut self) {
        crate::published::delete_some(
            &*self.publisher.parts.outbox,
            &self.publisher.parts.published,
            &self.publisher.parts.metrics,
        )
        .await;
    }
}

/// Waits that double up to a bound.
struct Retry {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Retry {
    fn new(min_ms: u64, max_ms: u64) -> Self {
        let min = Duration::from_millis(min_ms);
        Self { min, max: Duration::from_millis(max_ms), next: min }
    }

    fn reset(&mut self) {
        self.next = self.min;
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.max);
    }
}
