//! What a store counts.

use std::sync::atomic::AtomicU64;

use oort_api::metrics::{Counter, Family, Gauge, Registry};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::registry::Unit;

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

/// Why a read that a replica could have answered went to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelValue)]
pub enum WhyPrimary {
    /// All replicas rest, as they were behind or failed a moment ago.
    Resting,
    /// The primary told no position.
    NoPosition,
    /// The primary did not tell its position in time.
    Late,
    /// The replica did not get as far as the primary in time.
    Behind,
    /// The replica takes writes, or has other data.
    Unfit,
    /// The replica gave no answer in time.
    Unreachable,
    /// The replica had what it should, and failed while it was read.
    Failed,
    /// The replica had what it should, and took too long over the read.
    Slow,
    /// All connections to the replica are in use.
    Busy,
}

/// Labels of [`Metrics::primary_reads`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AtPrimary {
    /// Why.
    pub why: WhyPrimary,
}

/// Labels of what is told of each replica.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AtReplica {
    /// Its host and port.
    pub replica: String,
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
    /// Reads that a replica answered.
    pub replica_reads: Family<AtReplica, Counter>,
    /// Reads that went to the primary though there are replicas.
    pub primary_reads: Family<AtPrimary, Counter>,
    /// How far each replica was behind at most when it was last asked, seconds.
    pub replica_lag: Family<AtReplica, Gauge<f64, AtomicU64>>,
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
        registry.register(
            "store_replica_reads",
            "Reads that a replica answered",
            metrics.replica_reads.clone(),
        );
        registry.register(
            "store_primary_reads",
            "Reads that went to the primary though there are replicas, by reason",
            metrics.primary_reads.clone(),
        );
        registry.register_with_unit(
            "store_replica_lag",
            "How far a replica was behind at most when it was last asked",
            Unit::Seconds,
            metrics.replica_lag.clone(),
        );
        metrics
    }

    pub(super) fn retry(&self, cause: Cause) {
        self.retries.get_or_create(&Retry { cause }).inc();
    }
}
