//! What notifications count.

use oort_api::metrics::{Counter, Family, Gauge, Registry};

use crate::store::TargetKind;

/// Labels of a counter by one thing.
type By = [(&'static str, &'static str); 1];
/// By two.
type By2 = [(&'static str, &'static str); 2];

/// Counters and gauges of [`super::Notifications`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    pub(super) sent: Family<By, Counter>,
    failures: Family<By2, Counter>,
    pub(super) dropped: Family<By, Counter>,
    pub(super) targets_removed: Family<By, Counter>,
    pub(super) round_failures: Counter,
    pub(super) feed: Gauge,
    pub(super) queued: Gauge,
    pub(super) oldest: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "notifications_sent",
            "Notifications that were taken, by kind of target",
            metrics.sent.clone(),
        );
        registry.register(
            "notification_failures",
            "Attempts that failed, or could not be made, and are made again, by kind of target and cause",
            metrics.failures.clone(),
        );
        registry.register(
            "notifications_dropped",
            "Notifications that were not sent, by reason",
            metrics.dropped.clone(),
        );
        registry.register(
            "notification_targets_removed",
            "Targets that were gone for good, by kind",
            metrics.targets_removed.clone(),
        );
        registry.register(
            "notification_round_failures",
            "Looks for what is to be sent that failed; it is looked again",
            metrics.round_failures.clone(),
        );
        registry.register(
            "notification_feed_rows",
            "Transactions of sends not yet looked at for notifications, of all nodes; up to 10,000",
            metrics.feed.clone(),
        );
        registry.register(
            "notifications_queued",
            "Notifications that wait, of all nodes; up to 10,000",
            metrics.queued.clone(),
        );
        registry.register(
            "notifications_oldest_seconds",
            "Age of the notification that waits for longest",
            metrics.oldest.clone(),
        );
        metrics
    }

    /// One that is tried another time.
    pub(super) fn again(&self, kind: TargetKind, cause: &'static str) {
        self.failures.get_or_create(&[("kind", kind.as_str()), ("cause", cause)]).inc();
    }

    pub(super) fn drop(&self, reason: &'static str, count: u64) {
        if count > 0 {
            self.dropped.get_or_create(&[("reason", reason)]).inc_by(count);
        }
    }
}
