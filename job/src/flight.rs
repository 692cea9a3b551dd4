//! Records of one partition between the pipeline and the comets: who still
//! owes what.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use oort_api::directory::CometRef;
use oort_api::pb::oort::v1::Missing;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::decode::Record;
use crate::metrics::Metrics;
use crate::offsets::OffsetTracker;
use crate::routing::Found;
use crate::split::only_routed;

/// The records under way of one partition. Links finish shares here, the
/// pipeline of the partition watches.
#[derive(Debug)]
pub(crate) struct Flight {
    state: Mutex<State>,
    changed: Notify,
    is_closed: AtomicBool,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct State {
    tracker: OffsetTracker,
    missed: Vec<Missed>,
}

/// The flights of all partitions held, for how long their records are under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<Vec<Weak<Flight>>>);

impl Flights {
    /// The flight of a partition that was taken over.
    pub(crate) fn begin(&self, metrics: Metrics) -> Arc<Flight> {
        let flight = Flight::new(metrics);
        let mut flights = self.0.lock();
        flights.retain(|flight| flight.strong_count() > 0);
        flights.push(Arc::downgrade(&flight));
        flight
    }

    /// When the oldest record that comets still owe an ack for was read.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let flights = self.0.lock();
        let held = flights
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|flight| !flight.is_closed.load(Ordering::Acquire));
        held.filter_map(|flight| flight.track(|tracker| tracker.oldest())).min()
    }

    /// Shows it again and again; never ends.
    pub(crate) async fn show_age(&self, metrics: &Metrics) {
        loop {
            let age = self.oldest().map_or(0.0, |begun_at| begun_at.elapsed().as_secs_f64());
            metrics.in_flight_oldest_seconds.set(age);
            sleep(AGE_SHOWN_EVERY).await;
        }
    }
}

/// Between two looks for the oldest record.
const AGE_SHOWN_EVERY: Duration = Duration::from_millis(500);

/// A record that was routed.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) record: Record,
    /// What it was sent by, shared with the records of the same look-up.
    pub(crate) found: Arc<Found>,
}

/// What one comet owes for one record: an ack. Dropped without one, the
/// record stays unfinished and is read again by the partition's next reader.
#[derive(Debug)]
#[must_use = "a share that is not finished holds back its partition"]
pub(crate) struct Share {
    flight: Arc<Flight>,
    routed: Arc<Routed>,
    is_second_try: bool,
    /// The directory did not say all of the comet: it was given the whole
    /// record, and it means nothing that it lacks some.
    is_guess: bool,
}

/// A share whose comet did not have all it was sent for.
#[derive(Debug)]
pub(crate) struct Missed {
    pub(crate) share: Share,
    pub(crate) comet: CometRef,
    pub(crate) missing: Missing,
}

impl Flight {
    pub(crate) fn new(metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            changed: Notify::new(),
            is_closed: AtomicBool::new(false),
            metrics,
        })
    }

    /// Waits until a share was finished or missed since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Something of the tracker, under its lock.
    pub(crate) fn track<R>(&self, act: impl FnOnce(&mut OffsetTracker) -> R) -> R {
        act(&mut self.state.lock().tracker)
    }

    /// The record needs no comet any longer.
    pub(crate) fn finish(&self, offset: i64) {
        self.observe(self.track(|tracker| tracker.finish(offset)));
    }

    /// The record was routed to `shares` comets.
    pub(crate) fn routed(&self, offset: i64, shares: u32) {
        self.observe(self.track(|tracker| tracker.routed(offset, shares)));
    }

    /// Takes the shares that were missed since the last call.
    pub(crate) fn take_missed(&self) -> Vec<Missed> {
        mem::take(&mut self.state.lock().missed)
    }

    /// They are still to be looked for.
    pub(crate) fn give_back(&self, mut missed: Vec<Missed>) {
        let mut state = self.state.lock();
        missed.append(&mut state.missed);
        state.missed = missed;
    }

    /// Nobody watches any longer: what is not sent yet is the partition's
    /// next reader's to send, and nobody looks again for who was missed.
    pub(crate) fn close(&self) {
        let missed = {
            let mut state = self.state.lock();
            self.is_closed.store(true, Ordering::Release);
            mem::take(&mut state.missed)
        };
        drop(missed);
    }

    fn observe(&self, begun_at: Option<Instant>) {
        if let Some(begun_at) = begun_at {
            self.metrics.record_seconds.observe(begun_at.elapsed().as_secs_f64());
        }
    }
}

impl Share {
    pub(crate) fn new(flight: &Arc<Flight>, routed: &Arc<Routed>, is_guess: bool) -> Self {
        Self { flight: Arc::clone(flight), routed: Arc::clone(routed), is_second_try: false, is_guess }
    }

    /// A share of the same record for another comet, after this one missed.
    /// The caller adds it to the tracker.
    pub(crate) fn second_try(&self, is_guess: bool) -> Self {
        let (flight, routed) = (Arc::clone(&self.flight), Arc::clone(&self.routed));
        Self { flight, routed, is_second_try: true, is_guess }
    }

    /// The comet's part is done, whichever way.
    pub(crate) fn finish(self) {
        self.flight.finish(self.routed.record.offset);
        self.flight.changed.notify_one();
    }

    /// The comet did not have all it was sent for. The first time the
    /// pipeline looks again, then that was all.
    pub(crate) fn miss(self, comet: &CometRef, missing: Missing) {
        if self.is_second_try {
            if !self.is_guess {
                self.flight.metrics.not_online.inc_by(missing_count(&missing));
            }
            self.finish();
            return;
        }
        let missing = match self.is_guess {
            true => only_routed(missing, comet, &self.routed),
            false => missing,
        };
        if missing_count(&missing) == 0 {
            self.finish();
            return;
        }
        let flight = Arc::clone(&self.flight);
        let mut state = flight.state.lock();
        // Shares hold their flight, so a closed one must not hold shares.
        if flight.is_closed.load(Ordering::Acquire) {
            return;
        }
        state.missed.push(Missed { share: self, comet: comet.clone(), missing });
        drop(state);
        flight.changed.notify_one();
    }

    pub(crate) fn routed(&self) -> &Routed {
        &self.routed
    }

    /// It belongs to this partition's reader.
    pub(crate) fn is_of(&self, flight: &Arc<Flight>) -> bool {
        Arc::ptr_eq(&self.flight, flight)
    }

    /// Its partition has another reader by now, or soon.
    pub(crate) fn is_closed(&self) -> bool {
        self.flight.is_closed.load(Ordering::Acquire)
    }
}

fn missing_count(missing: &Missing) -> u64 {
    (missing.user_ids.len() + missing.keys.len()) as u64 + u64::from(missing.room)
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::Registry;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_all_partitions_is_known_until_it_is_finished() {
        let metrics = Metrics::register(&mut Registry::default());
        let flights = Flights::default();
        assert_eq!(flights.oldest(), None);
        let (one, other) = (flights.begin(metrics.clone()), flights.begin(metrics.clone()));
        let first = Instant::now();
        one.track(|tracker| tracker.begin(5, 1, first));
        tokio::time::advance(Duration::from_secs(3)).await;
        let second = Instant::now();
        other.track(|tracker| tracker.begin(1, 1, second));
        other.track(|tracker| tracker.begin(2, 1, second));
        assert_eq!(flights.oldest(), Some(first));
        one.finish(5);
        other.finish(1);
        assert_eq!(flights.oldest(), Some(second), "the first of the other is finished, the second is not");
        let shown = tokio::time::timeout(Duration::from_secs(2), flights.show_age(&metrics));
        assert!(shown.await.is_err(), "it goes on");
        assert!(metrics.in_flight_oldest_seconds.get() >= 1.0);
        other.close();
        drop(one);
        assert_eq!(flights.oldest(), None);
    }
}
