//! One partition: read, check, order, route, push, commit.
//!
//! One task owns the partition. It reads only while what is under way is
//! within its bounds, looks up each poll in one call, and hands each comet its
//! share; the links say when shares are finished. An offset is marked done
//! when everything before it is.
//!
//! A record with an effect is a fence: it is routed when everything routed
//! before it is finished, and nothing after it is routed before it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_util::future::join_all;
use oort_api::bus::{Consumed, DoneAhead, Partition};
use oort_api::clock::now_ms;
use oort_api::directory::CometRef;
use oort_api::trail::{Mark, Ring, now_us};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::comet_link::Enqueued;
use crate::config::{Config, ms};
use crate::dead_letters::DeadLetters;
use crate::decode::{Record, decode};
use crate::flight::{Flight, Flights, Missed, Routed, Share};
use crate::links::Links;
use crate::metrics::{Metrics, Raised};
use crate::queue::Item;
use crate::reorder::{Bounds, Offer, Released, Reorder};
use crate::routing::{Found, Routing};
use crate::split::{Lookups, Split, split, split_missing};

/// What the pipelines of a tier share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) links: Arc<Links>,
    pub(crate) routing: Routing,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) trail: Arc<Ring>,
    /// Of the partitions held.
    pub(crate) flights: Flights,
    pub(crate) metrics: Metrics,
}

/// Told to stop.
#[derive(Debug)]
struct Stopped;

/// The pipeline of one partition.
#[derive(Debug)]
pub(crate) struct Pipeline {
    shared: Arc<Shared>,
    partition: Box<dyn Partition>,
    stop: CancellationToken,
    /// What the reader before did and could not commit.
    done_ahead: DoneAhead,
    /// The last offset read.
    read_to: Option<i64>,
    flight: Arc<Flight>,
    reorder: Reorder<Record>,
    /// In order, not yet routed: empty but for what waits for a fence.
    ready: VecDeque<Record>,
    /// When a fence was waited for long enough.
    fence_deadline: Option<Instant>,
    /// A fence is routed and not finished.
    is_fenced: bool,
    /// As many records or bytes under way as allowed; until when to bear it.
    full_deadline: Option<Instant>,
    in_flight_gauge: Raised,
    held_gauge: Raised,
}

/// Items for each comet.
type Shares = BTreeMap<CometRef, VecDeque<Item<Share>>>;

impl Pipeline {
    pub(crate) fn new(shared: Arc<Shared>, partition: Box<dyn Partition>, stop: CancellationToken) -> Self {
        let config = &shared.config.pipeline;
        let reorder = Reorder::new(Bounds {
            wait: ms(config.reorder_wait_ms),
            start_wait: ms(config.start_wait_ms),
            held_max: config.held_records_max,
            conversations_max: config.conversations_max,
        });
        Self {
            done_ahead: partition.found_ahead(),
            read_to: None,
            partition,
            stop,
            flight: shared.flights.begin(shared.metrics.clone()),
            reorder,
            ready: VecDeque::new(),
            fence_deadline: None,
            is_fenced: false,
            full_deadline: None,
            in_flight_gauge: Raised::new(&shared.metrics.records_in_flight),
            held_gauge: Raised::new(&shared.metrics.records_held),
            shared,
        }
    }

    /// Runs until the partition is taken away, or `stop` and drained.
    pub(crate) async fn run(mut self) {
        let mut partitions = Raised::new(&self.shared.metrics.partitions);
        partitions.set(1);
        self.shared.metrics.partitions_assigned.inc();
        info!(partition = self.partition.number(), "partition assigned");
        if self.read().await.is_ok() {
            self.shared.metrics.partitions_revoked.inc();
            info!(partition = self.partition.number(), "partition taken away");
        }
        self.drain().await;
        self.hand_over();
        self.flight.close();
    }

    async fn read(&mut self) -> Result<(), Stopped> {
        let stop = self.stop.clone();
        loop {
            if stop.is_cancelled() {
                return Err(Stopped);
            }
            self.advance().await?;
            let records_max = self.records_wanted();
            let deadline = self.deadline();
            tokio::select! {
                () = stop.cancelled() => return Err(Stopped),
                () = self.flight.changed() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => self.on_deadline(),
                batch = self.partition.next_batch(records_max), if records_max > 0 => match batch {
                    Some(batch) => self.take(batch).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Waits for what is under way; what was not routed yet is read again by
    /// the partition's next reader.
    async fn drain(&mut self) {
        let wait = ms(self.shared.config.drain_ms);
        let drained = timeout(wait, async {
            loop {
                self.commit();
                let missed = self.flight.take_missed();
                if !missed.is_empty() {
                    let found = self.shared.routing.find(lookups_of(&missed)).await;
                    self.reroute(missed, &found).await;
                }
                if self.flight.track(|tracker| tracker.routed_unfinished()) == 0 {
                    break;
                }
                self.flight.changed().await;
            }
        })
        .await;
        self.commit();
        if drained.is_err() {
            let unfinished = self.flight.track(|tracker| tracker.routed_unfinished());
            warn!(
                partition = self.partition.number(),
                unfinished, "not drained in time; the rest is read again"
            );
        }
    }

    /// What is done now need not be done again by the partition's next reader.
    fn hand_over(&mut self) {
        let Some(read_to) = self.read_to else { return };
        let (first, mut ahead) = self.flight.track(|tracker| tracker.ahead());
        ahead.extend_beyond(read_to, &self.done_ahead);
        let before = first.unwrap_or(read_to.saturating_add(1));
        info!(partition = self.partition.number(), read_to, before, "partition handed over");
        self.partition.hand_over(before, ahead);
    }

    /// Does everything that can be done without reading more.
    async fn advance(&mut self) -> Result<(), Stopped> {
        self.commit();
        let missed = self.flight.take_missed();
        if !missed.is_empty() {
            let found = tokio::select! {
                () = self.stop.cancelled() => {
                    // Looked for as the rest drains: a share that went lost would hold that up.
                    self.flight.give_back(missed);
                    return Err(Stopped);
                }
                found = self.shared.routing.find(lookups_of(&missed)) => found,
            };
            self.reroute(missed, &found).await;
        }
        self.route_ready().await?;
        self.commit();
        Ok(())
    }

    fn commit(&mut self) {
        let (done, in_flight) = self.flight.track(|tracker| (tracker.take_done(), tracker.len()));
        if let Some(offset) = done {
            self.partition.done(offset);
        }
        self.in_flight_gauge.set(in_flight);
        self.held_gauge.set(self.reorder.held_len());
    }

    /// How many records to read now; 0 while too much is under way.
    fn records_wanted(&mut self) -> usize {
        let config = &self.shared.config.pipeline;
        if !self.ready.is_empty() || self.is_fenced {
            return 0;
        }
        let (records, bytes) = self.flight.track(|tracker| (tracker.len(), tracker.bytes()));
        // Full until half of it is done: one comet that lags must not set the
        // pace for the others record by record.
        let part = if self.full_deadline.is_some() { 2 } else { 1 };
        if records < config.in_flight_records_max.div_ceil(part)
            && bytes < config.in_flight_bytes_max.div_ceil(part)
        {
            self.full_deadline = None;
            return config.poll_records_max.min(config.in_flight_records_max - records);
        }
        if self.full_deadline.is_none() {
            self.full_deadline = Some(Instant::now() + ms(config.slow_comet_wait_ms));
            self.shared.links.give_up(&self.flight, true);
        }
        0
    }

    fn deadline(&mut self) -> Option<Instant> {
        [self.reorder.deadline(), self.fence_deadline, self.full_deadline].into_iter().flatten().min()
    }

    fn on_deadline(&mut self) {
        let now = Instant::now();
        let config = &self.shared.config.pipeline;
        if self.fence_deadline.is_some_and(|deadline| deadline <= now) {
            self.fence_deadline = Some(now + ms(config.fence_wait_ms));
            self.shared.metrics.fence_give_ups.inc();
            self.shared.links.give_up(&self.flight, false);
        }
        if self.full_deadline.is_some_and(|deadline| deadline <= now) {
            self.full_deadline = Some(now + ms(config.slow_comet_wait_ms).max(ms(1)));
            self.shared.links.give_up(&self.flight, false);
        }
        let released = self.reorder.expire(now);
        self.release(released);
    }

    /// Takes what one poll gave.
    async fn take(&mut self, batch: Vec<Consumed>) -> Result<(), Stopped> {
        let now = Instant::now();
        self.shared.metrics.records_consumed.inc_by(batch.len() as u64);
        let (now_ms, now_us, partition) = (now_ms(), now_us(), self.partition.number());
        let mut offers = Vec::with_capacity(batch.len());
        let mut dead = Vec::new();
        for consumed in batch {
            let (offset, bytes) = (consumed.offset, consumed.value.len());
            if !self.flight.track(|tracker| tracker.begin(offset, bytes, now)) {
                debug!(partition = self.partition.number(), offset, "offset read twice");
                continue;
            }
            if self.read_to.is_none() && !self.done_ahead.is_of_log_at(offset) {
                warn!(
                    partition,
                    offset, "the bus lost the end of this partition; all that it has now is pushed"
                );
                self.done_ahead = DoneAhead::default();
            }
            self.read_to = Some(offset);
            let was_pushed = self.done_ahead.contains(offset);
            if bytes == 0 {
                // A producer warmed up.
                self.flight.finish(offset);
                continue;
            }
            if consumed.published_at_ms > 0 {
                self.shared.metrics.bus_seconds.observe(seconds_between(consumed.published_at_ms, now_ms));
            }
            match decode(&consumed, self.shared.config.pipeline.record_bytes_max) {
                Ok(record) => {
                    // Its place in the order is taken all the same.
                    let record = Record { was_pushed, ..record };
                    let (conversation, seq) = (record.push.conversation, record.push.seq);
                    self.shared.trail.note(now_us, conversation, seq, Mark::Taken { partition, offset });
                    offers.push(Offer { conversation, seq: record.order(), item: record });
                }
                Err(_) if was_pushed => self.flight.finish(offset),
                Err(reason) => dead.push((consumed, reason)),
            }
        }
        let released = self.reorder.offer(offers, now);
        self.release(released);
        for (consumed, reason) in dead {
            let offset = consumed.offset;
            tokio::select! {
                () = self.stop.cancelled() => return Err(Stopped),
                () = self.shared.dead_letters.bury(self.partition.number(), consumed, reason) => {}
            }
            self.flight.finish(offset);
        }
        Ok(())
    }

    fn release(&mut self, released: Released<Record>) {
        let metrics = &self.shared.metrics;
        metrics.duplicates.inc_by(released.duplicates.len() as u64);
        metrics.reordered.inc_by(released.held as u64);
        metrics.held_give_ups.inc_by(released.give_ups as u64);
        for duplicate in released.duplicates {
            self.flight.finish(duplicate.offset);
        }
        for record in released.ready {
            if record.was_pushed {
                metrics.passed_over.inc();
                self.flight.finish(record.offset);
            } else {
                self.ready.push_back(record);
            }
        }
    }

    /// Routes what is ready, up to the first fence that must wait.
    async fn route_ready(&mut self) -> Result<(), Stopped> {
        loop {
            let unfinished = self.flight.track(|tracker| tracker.routed_unfinished());
            if self.is_fenced && unfinished == 0 {
                self.is_fenced = false;
                self.fence_deadline = None;
            }
            if self.is_fenced {
                return Ok(());
            }
            let Some(first) = self.ready.front() else { return Ok(()) };
            let fence_deadline = Instant::now() + ms(self.shared.config.pipeline.fence_wait_ms);
            let count = if !first.is_fence {
                self.ready.iter().take_while(|record| !record.is_fence).count()
            } else if unfinished == 0 {
                self.is_fenced = true;
                self.fence_deadline = Some(fence_deadline);
                1
            } else {
                self.fence_deadline.get_or_insert(fence_deadline);
                return Ok(());
            };
            let group: Vec<Record> = self.ready.drain(..count).collect();
            self.route(group).await?;
        }
    }

    async fn route(&mut self, group: Vec<Record>) -> Result<(), Stopped> {
        let mut lookups = Lookups::default();
        for record in &group {
            lookups.add(&record.audience);
        }
        let found = tokio::select! {
            () = self.stop.cancelled() => return Err(Stopped),
            found = self.shared.routing.find(lookups) => found,
        };
        let (mut shares, now_us) = (Shares::new(), now_us());
        for record in group {
            let Split { deliveries, not_online, unsettled } = split(&record, &found);
            self.shared.metrics.not_online.inc_by(not_online);
            self.shared.metrics.unsettled_shares.inc_by(unsettled);
            let count = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
            let offset = record.offset;
            let absent = u32::try_from(not_online).unwrap_or(u32::MAX);
            let mark = Mark::Routed { comets: count, absent };
            self.shared.trail.note(now_us, record.push.conversation, record.push.seq, mark);
            let routed = Arc::new(Routed { record, found: Arc::clone(&found) });
            self.flight.routed(offset, count);
            for (comet, delivery) in deliveries {
                let share = Share::new(&self.flight, &routed, found.unsettled.contains(&comet));
                shares.entry(comet).or_default().push_back(Item::new(delivery, share));
            }
        }
        self.dispatch(shares).await;
        Ok(())
    }

    /// Looks again for those a comet did not have, once, and follows a route
    /// that is new.
    async fn reroute(&mut self, missed: Vec<Missed>, found: &Found) {
        let mut shares = Shares::new();
        for Missed { share, comet, missing } in missed {
            let Routed { record, found: first } = share.routed();
            let Split { deliveries, not_online, unsettled } =
                split_missing(record, &missing, &comet, first, found);
            self.shared.metrics.unsettled_shares.inc_by(unsettled);
            self.shared.metrics.not_online.inc_by(not_online);
            self.shared.metrics.rerouted.inc_by(deliveries.len() as u64);
            let count = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
            self.flight.track(|tracker| tracker.add(record.offset, count));
            for (comet, delivery) in deliveries {
                let again = share.second_try(found.unsettled.contains(&comet));
                shares.entry(comet).or_default().push_back(Item::new(delivery, again));
            }
            share.finish();
        }
        self.dispatch(shares).await;
    }

    /// Gives each comet its share: first to all what fits their queues, then
    /// to those that are slow, for which it waits a bounded time in all.
    async fn dispatch(&mut self, shares: Shares) {
        let mut slow = Vec::new();
        for (comet, mut items) in shares {
            let Some(link) = self.shared.links.get(&comet) else {
                self.shared.metrics.shares_abandoned.inc_by(items.len() as u64);
                items.into_iter().filter_map(|item| item.share).for_each(Share::finish);
                continue;
            };
            if link.enqueue(&mut items) != Enqueued::All {
                slow.push((link, items));
            }
        }
        let deadline = Instant::now() + ms(self.shared.config.pipeline.slow_comet_wait_ms);
        // All at once: the wait for one must not use up another's.
        join_all(slow.iter_mut().map(|(link, items)| link.enqueue_all(items, deadline))).await;
    }
}

/// Asks for those whom comets did not have.
fn lookups_of(missed: &[Missed]) -> Lookups {
    let mut lookups = Lookups::default();
    for one in missed {
        lookups.add_missing(&one.share.routed().record, &one.missing);
    }
    lookups
}

/// 0 when the clocks disagree.
fn seconds_between(from_ms: i64, to_ms: i64) -> f64 {
    let ms = u32::try_from(to_ms.saturating_sub(from_ms).max(0)).unwrap_or(u32::MAX);
    f64::from(ms) / 1e3
}
