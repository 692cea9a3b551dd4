//! What a store counts.

use oort_api::metrics::{Counter, Family, Registry};
use prometheus_client::encoding::EncodeLabelSet;

/// Why a transaction was run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelValue)]
pub enum Cause {
    /// The server chose it as the victim of a deadlock.
    Deadlock,
    /// It waited for a lock for too long.
    LockWait,
    /// Another node inserted the same unique key meanwhile.
    UniqueRace,
    /// The connection was lost.
    ConnectionLost,
}

/// Labels of [`Metrics::retries`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Retry {
    /// Why.
    pub cause: Cause,
}

/// Counters of a store; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Transactions run again.
    pub retries: Family<Retry, Counter>,
    /// Calls refused because the store was unavailable.
    pub unavailable: Counter,
    /// Calls that ended without knowing whether their transaction committed.
    pub outcomes_unknown: Counter,
    /// Outbox rows nobody was told of, left to the relay.
    pub outbox_orphaned: Counter,
}

impl Metrics {
    /// Registers every counter.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("store_retries", "Transactions run again, by cause", metrics.retries.clone());
        registry.register(
            "store_unavailable",
            "Calls refused because the store was unavailable",
            metrics.unavailable.clone(),
        );
        registry.register(
            "store_outcomes_unknown",
            "Calls that ended without knowing whether their transaction committed",
            metrics.outcomes_unknown.clone(),
        );
        registry.register(
            "store_outbox_orphaned",
            "Outbox rows nobody was told of, left to the relay",
            metrics.outbox_orphaned.clone(),
        );
        metrics
    }

    pub(super) fn retry(&self, cause: Cause) {
        self.retries.get_or_create(&Retry { cause }).inc();
    }
}
