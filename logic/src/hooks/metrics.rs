//! What hooks count.

use oort_api::metrics::{Counter, Family, Gauge, Histogram, Registry, SECONDS_BUCKETS};

/// Labels of a counter by one thing.
type By = [(&'static str, &'static str); 1];

/// Counters and gauges of [`super::Hooks`].
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) asked: Family<By, Counter>,
    pub(super) before_failures: Family<By, Counter>,
    pub(super) before_call: Histogram,
    pub(super) told: Counter,
    pub(super) after_failures: Family<By, Counter>,
    pub(super) dropped: Family<By, Counter>,
    pub(super) round_failures: Counter,
    pub(super) waiting: Gauge,
    pub(super) oldest: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            asked: Family::default(),
            before_failures: Family::default(),
            before_call: Histogram::new(SECONDS_BUCKETS),
            told: Counter::default(),
            after_failures: Family::default(),
            dropped: Family::default(),
            round_failures: Counter::default(),
            waiting: Gauge::default(),
            oldest: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "hook_before_messages",
            "Messages and edits by what became of them at the hook that is asked before",
            metrics.asked.clone(),
        );
        registry.register(
            "hook_before_failures",
            "Calls of the hook that is asked before that gave no answer, by cause",
            metrics.before_failures.clone(),
        );
        registry.register(
            "hook_before_call_seconds",
            "Time of a call of the hook that is asked before, with or without an answer",
            metrics.before_call.clone(),
        );
        registry.register(
            "hook_after_told",
            "Messages and changes that the hook that is told after took",
            metrics.told.clone(),
        );
        registry.register(
            "hook_after_failures",
            "Calls of the hook that is told after that failed and are made again, by cause",
            metrics.after_failures.clone(),
        );
        registry.register(
            "hook_after_dropped",
            "Messages that the hook that is told after never took, by reason",
            metrics.dropped.clone(),
        );
        registry.register(
            "hook_after_round_failures",
            "Looks for what is to be told that failed; it is looked again",
            metrics.round_failures.clone(),
        );
        registry.register(
            "hook_after_conversations",
            "Conversations of which something waits to be told, of all nodes; up to the bound",
            metrics.waiting.clone(),
        );
        registry.register(
            "hook_after_oldest_seconds",
            "Time since anything was taken of the conversation that waits for longest",
            metrics.oldest.clone(),
        );
        metrics
    }

    pub(super) fn asked(&self, outcome: &'static str, count: u64) {
        if count > 0 {
            self.asked.get_or_create(&[("outcome", outcome)]).inc_by(count);
        }
    }

    pub(super) fn drop(&self, reason: &'static str, count: u64) {
        if count > 0 {
            self.dropped.get_or_create(&[("reason", reason)]).inc_by(count);
        }
    }
}
