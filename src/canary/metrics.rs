//! What the canary counts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry, SECONDS_BUCKETS};
use parking_lot::Mutex;

/// Where a message did not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The pair's accounts and their conversation.
    LogIn,
    /// No comet is known.
    Comet,
    /// No connection to it.
    Connect,
    /// The API did not take it.
    Send,
    /// It did not come in time, or the connection broke.
    Receive,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log_in",
            Self::Comet => "comet",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

/// Counters of the canary.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    pub(super) answer: Histogram,
    delivery: Histogram,
    last: Gauge<f64, AtomicU64>,
    age: Gauge<f64, AtomicU64>,
    failures: Family<[(&'static str, &'static str); 1], Counter>,
    /// Since the last success, or the start.
    since: Arc<Mutex<Instant>>,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            answer: Histogram::new(SECONDS_BUCKETS),
            delivery: Histogram::new(SECONDS_BUCKETS),
            last: Gauge::default(),
            age: Gauge::default(),
            failures: Family::default(),
            since: Arc::new(Mutex::new(Instant::now())),
        };
        let text = "Seconds from a send by the API to the frame at a comet's socket";
        registry.register("delivery_seconds", text, metrics.delivery.clone());
        registry.register("answer_seconds", "Seconds from a send to its answer", metrics.answer.clone());
        registry.register(
            "last_delivery_seconds",
            "The same of the last message that came",
            metrics.last.clone(),
        );
        let text = "Seconds since a message last came, or since the start";
        registry.register("last_success_age_seconds", text, metrics.age.clone());
        registry.register(
            "failures",
            "Messages that did not come through, by step",
            metrics.failures.clone(),
        );
        metrics
    }

    /// A message came.
    pub(super) fn came_through(&self, took: Duration) {
        self.delivery.observe(took.as_secs_f64());
        self.last.set(took.as_secs_f64());
        *self.since.lock() = Instant::now();
        self.show_age();
    }

    /// One did not.
    pub(super) fn failed(&self, step: Step) {
        self.failures.get_or_create(&[("step", step.name())]).inc();
    }

    /// Shows how long ago the last success was.
    pub(super) fn show_age(&self) {
        self.age.set(self.since.lock().elapsed().as_secs_f64());
    }
}
