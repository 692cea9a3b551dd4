//! Leases on outbox rows: this owner's is renewed, rows of dead owners are
//! taken over and published.

use oort_api::clock::now_ms;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::publisher::Publisher;
use crate::store::Outbox;

/// Settings of [`Relay`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Life of this owner's lease without a renewal, ms: for so long rows of
    /// a node that died wait before another takes them over.
    pub lease_ms: u64,
    /// How often the lease is renewed and rows of dead owners are looked for, ms.
    pub interval_ms: u64,
    /// Rows taken over by one transaction. While there are more the next follows, for an interval at most.
    pub adopt_rows_max: u32,
    /// Every so many intervals the table is read for rows of this owner whose
    /// commit nobody heard of.
    pub recheck_intervals: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { lease_ms: 5_000, interval_ms: 1_000, adopt_rows_max: 256, recheck_intervals: 10 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.interval_ms == 0 || self.lease_ms < 3 * self.interval_ms || self.lease_ms > 3_600_000 {
            faults.push(
                "lease_ms must be at least three times interval_ms (itself at least 1) and at most an hour"
                    .to_owned(),
            );
        }
        if self.adopt_rows_max == 0 {
            faults.push("adopt_rows_max is 0".to_owned());
        }
        if self.recheck_intervals == 0 {
            faults.push("recheck_intervals is 0".to_owned());
        }
        faults
    }
}

/// Until when this owner may take its rows for its own, by this machine's
/// steady clock.
#[derive(Debug)]
pub struct Lease {
    started: Instant,
    until_ms: AtomicU64,
}

impl Default for Lease {
    fn default() -> Self {
        Self { started: Instant::now(), until_ms: AtomicU64::new(0) }
    }
}

impl Lease {
    /// It was renewed by a request sent at `asked`.
    pub fn renewed(&self, asked: Instant, lease: Duration) {
        let until = asked.saturating_duration_since(self.started) + lease;
        self.until_ms.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Nobody else has taken the rows.
    pub fn is_live(&self) -> bool {
        self.started.elapsed().as_millis() < u128::from(self.until_ms.load(Ordering::Acquire))
    }
}

/// Renews the lease and takes over rows of dead owners.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Settings.
    pub config: Config,
    /// This process: new with each start.
    pub owner: Arc<str>,
    /// Where leases and rows are.
    pub outbox: Arc<dyn Outbox>,
    /// This owner's lease.
    pub lease: Arc<Lease>,
    /// Who publishes what was taken over.
    pub publisher: Arc<Publisher>,
    /// Counters.
    pub metrics: Metrics,
}

impl Relay {
    /// Renews the lease once.
    ///
    /// # Errors
    /// As the store has it.
    pub async fn renew(&self) -> Result<(), crate::store::Error> {
        let asked = Instant::now();
        let lease_ms = i64::try_from(self.config.lease_ms).unwrap_or(i64::MAX);
        self.outbox.outbox_renew(&self.owner, lease_ms).await?;
        self.lease.renewed(asked, Duration::from_millis(self.config.lease_ms));
        Ok(())
    }

    /// Renews and takes over until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.config.interval_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tick: u32 = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(cause) = self.once(tick).await {
                self.metrics.lease_failures.inc();
                tracing::warn!(%cause, "the outbox lease could not be renewed");
            }
            tick = tick.wrapping_add(1);
        }
    }

    /// Lets others take over at once what is left of this owner.
    pub async fn release(&self) {
        if let Err(cause) = self.outbox.outbox_renew(&self.owner, 0).await {
            tracing::debug!(%cause, "the outbox lease ends by itself");
        }
    }

    async fn once(&self, tick: u32) -> Result<(), crate::store::Error> {
        self.renew().await?;
        let begun = Instant::now();
        let interval = Duration::from_millis(self.config.interval_ms);
        loop {
            let adopted = self.outbox.outbox_adopt(&self.owner, self.config.adopt_rows_max).await?;
            if adopted > 0 {
                tracing::info!(rows = adopted, "took over outbox rows of a node that is gone");
                self.metrics.outbox_adopted.inc_by(adopted);
                self.publisher.recheck();
            }
            // A whole backlog is somebody's: as much as there is time for before the lease is due again.
            if adopted < u64::from(self.config.adopt_rows_max) || begun.elapsed() >= interval {
                break;
            }
        }
        if tick % self.config.recheck_intervals == self.config.recheck_intervals - 1 {
            self.publisher.recheck();
        }
        let (rows, oldest_ms) = self.outbox.outbox_backlog(now_ms()).await?;
        self.publisher.seen_in_table(rows);
        self.metrics.outbox_rows.set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.metrics
            .outbox_oldest
            .set(Duration::from_millis(u64::try_from(oldest_ms).unwrap_or(0)).as_secs_f64());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lives_from_the_request_on() {
        let lease = Lease::default();
        assert!(!lease.is_live());
        lease.renewed(Instant::now(), Duration::from_secs(60));
        assert!(lease.is_live());
        lease.renewed(Instant::now(), Duration::ZERO);
        assert!(!lease.is_live());
    }
}
