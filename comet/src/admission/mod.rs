//! How many clients are let in at once. A session costs logic several calls until it is live; when thousands come at the same
//! moment, a bounded number is under way, a bounded number waits, and the rest is told when to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::Metrics;

mod retry;

use retry::RetryTimes;

/// Settings of how clients are let in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionConfig {
    /// Sessions being opened with logic at once: each is authenticated, enters its rooms, and is greeted.
    pub under_way_max: usize,
    /// Clients that wait for that; further ones are told when to come again.
    pub waiting_max: usize,
    /// Longest wait, ms; then a client is told when to come again.
    pub wait_max_ms: u64,
    /// Shortest time after which a client is told to come again, ms.
    pub retry_min_ms: u64,
    /// Longest such time, ms. Clients are given times one after the other, as fast as clients were let in of late.
    pub retry_max_ms: u64,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            under_way_max: 256,
            waiting_max: 4_096,
            wait_max_ms: 4_000,
            retry_min_ms: 1_000,
            retry_max_ms: 30_000,
        }
    }
}

impl AdmissionConfig {
    /// Everything that cannot work, each fault in a sentence that names the field.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=1 << 20).contains(&self.under_way_max) {
            faults.push("under_way_max: 1 to 1048576".to_owned());
        }
        if self.waiting_max > 1 << 20 {
            faults.push("waiting_max: at most 1048576".to_owned());
        }
        if self.wait_max_ms == 0 {
            faults.push("wait_max_ms: above 0".to_owned());
        }
        if self.retry_min_ms == 0 || self.retry_max_ms <= self.retry_min_ms || self.retry_max_ms > 3_600_000 {
            faults.push("retry_min_ms: above 0 and below retry_max_ms, which is at most 3600000".to_owned());
        }
        faults
    }
}

/// The door of a comet.
#[derive(Debug)]
pub(crate) struct Admission {
    config: AdmissionConfig,
    gate: Arc<Semaphore>,
    /// Clients that wait or are under way.
    inside: AtomicUsize,
    times: Mutex<RetryTimes>,
    started: Instant,
    metrics: Metrics,
}

/// A client's place in the queue; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct QueuePlace(Arc<Admission>);

/// The right to open a session; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Opening {
    place: QueuePlace,
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub(crate) fn new(config: AdmissionConfig, metrics: Metrics) -> Self {
        Self {
            gate: Arc::new(Semaphore::new(config.under_way_max)),
            inside: AtomicUsize::new(0),
            times: Mutex::new(RetryTimes::new(config.retry_min_ms, config.retry_max_ms)),
            started: Instant::now(),
            config,
            metrics,
        }
    }

    /// A place in the queue; `None` = there is none, which is counted.
    pub(crate) fn place(self: &Arc<Self>) -> Option<QueuePlace> {
        let places = self.config.under_way_max + self.config.waiting_max;
        let taken = self.inside.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |inside| {
            (inside < places).then_some(inside + 1)
        });
        if taken.is_err() {
            self.metrics.refuse("admission");
            return None;
        }
        self.metrics.openings.inc();
        Some(QueuePlace(Arc::clone(self)))
    }

    /// When a client that is refused now should come again, from now, ms: another time for each.
    pub(crate) fn retry_after_ms(&self) -> u64 {
        self.times.lock().next(self.now_us(), self.inside.load(Ordering::Relaxed))
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl QueuePlace {
    /// Waits for its turn; `None` = for too long, which is counted.
    pub(crate) async fn enter(self) -> Option<Opening> {
        let admission = &self.0;
        let turn = Arc::clone(&admission.gate).acquire_owned();
        let wait = Duration::from_millis(admission.config.wait_max_ms);
        // The gate is never closed.
        let Ok(Ok(permit)) = tokio::time::timeout(wait, turn).await else {
            admission.metrics.refuse("admission_wait");
            return None;
        };
        Some(Opening { place: self, _permit: permit })
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.openings.dec();
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let admission = &self.place.0;
        let is_busy = admission.inside.load(Ordering::Relaxed) > admission.config.under_way_max;
        admission.times.lock().let_in(admission.now_us(), is_busy);
    }
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::Registry;

    use super::*;

    fn door(under_way_max: usize, waiting_max: usize, wait_max_ms: u64) -> Arc<Admission> {
        let config =
            AdmissionConfig { under_way_max, waiting_max, wait_max_ms, ..AdmissionConfig::default() };
        Arc::new(Admission::new(config, Metrics::register(&mut Registry::default())))
    }

    #[tokio::test]
    async fn some_are_under_way_some_wait_and_the_rest_is_refused() {
        let door = door(1, 2, 60_000);
        let first = door.place().expect("a place").enter().await.expect("its turn");
        let (second, third) = (door.place().expect("a place"), door.place().expect("a place"));
        assert!(door.place().is_none());
        assert_eq!((door.metrics.refused_for("admission"), door.metrics.openings.get()), (1, 3));
        let mut turn = Box::pin(second.enter());
        assert!(futures_util::poll!(&mut turn).is_pending());
        drop(first);
        let second = turn.await.expect("its turn");
        assert!(door.place().is_some(), "the first one's place is free");
        drop((second, third));
        assert_eq!((door.inside.load(Ordering::Relaxed), door.metrics.openings.get()), (0, 0));
    }

    #[tokio::test]
    async fn a_wait_ends() {
        let door = door(1, 2, 1);
        let _held = door.place().expect("a place").enter().await.expect("its turn");
        assert!(door.place().expect("a place").enter().await.is_none());
        assert_eq!((door.metrics.refused_for("admission_wait"), door.inside.load(Ordering::Relaxed)), (1, 1));
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(AdmissionConfig::default().faults(), Vec::<String>::new());
        let config = AdmissionConfig {
            under_way_max: 0,
            wait_max_ms: 0,
            retry_min_ms: 5,
            retry_max_ms: 5,
            ..AdmissionConfig::default()
        };
        assert_eq!(config.faults().len(), 3);
    }
}
