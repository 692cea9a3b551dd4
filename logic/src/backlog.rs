//! What this node committed and the bus does not have yet, and the bound on it: a bus that stays away must not fill the store's disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use serde::Deserialize;

use crate::metrics::Metrics;
use crate::store::OutboxRow;

/// Settings of what may wait for the bus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Outbox rows that may wait for the bus, those of all nodes; beyond it whatever writes one is refused with `overloaded`.
    pub rows_max: u64,
    /// Bytes of outbox rows of this node that may wait for the bus; beyond it likewise.
    pub bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { rows_max: 1_000_000, bytes_max: 2 * 1024 * 1024 * 1024 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=10_000_000).contains(&self.rows_max) {
            faults.push("rows_max is not within 1 to 10000000".to_owned());
        }
        if self.bytes_max == 0 {
            faults.push("bytes_max is 0".to_owned());
        }
        faults
    }
}

/// Rows committed and not published.
#[derive(Debug)]
pub(crate) struct Backlog {
    config: Config,
    metrics: Metrics,
    state: Mutex<State>,
    /// Rows of all nodes that were not published when the table was last looked at.
    in_table: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// By id, so in commit order.
    rows: BTreeMap<i64, Row>,
    bytes: u64,
}

#[derive(Debug)]
struct Row {
    bytes: u32,
    at: Instant,
}

impl Backlog {
    pub(crate) fn new(config: Config, metrics: Metrics) -> Self {
        Self { config, metrics, state: Mutex::default(), in_table: AtomicU64::new(0) }
    }

    /// Nothing may be added: what is committed next would wait as well.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.state.lock();
        let rows = self.in_table.load(Ordering::Relaxed).max(state.rows.len() as u64);
        rows >= self.config.rows_max || state.bytes >= self.config.bytes_max
    }

    /// A row was committed.
    pub(crate) fn add(&self, row: &OutboxRow) {
        let bytes = u32::try_from(row.payload.len()).unwrap_or(u32::MAX);
        let mut state = self.state.lock();
        state.bytes += u64::from(bytes);
        state.rows.insert(row.id, Row { bytes, at: Instant::now() });
        self.note(&state);
    }

    /// The bus has these rows, or never will.
    pub(crate) fn remove(&self, ids: &[i64]) {
        let mut state = self.state.lock();
        for id in ids {
            let removed = state.rows.remove(id).map_or(0, |row| row.bytes);
            state.bytes -= u64::from(removed);
        }
        self.note(&state);
    }

    /// Id of the row committed last; 0 = nothing waits.
    pub(crate) fn newest(&self) -> i64 {
        self.state.lock().rows.last_key_value().map_or(0, |(&id, _)| id)
    }

    /// The table was read, and holds nothing of this owner up to `id` that is not published: other nodes took the rest over.
    pub(crate) fn forget_up_to(&self, id: i64) {
        let mut state = self.state.lock();
        state.rows = state.rows.split_off(&id.saturating_add(1));
        state.bytes = state.rows.values().map(|row| u64::from(row.bytes)).sum();
        self.note(&state);
    }

    /// So many rows of all nodes are in the table and not published.
    pub(crate) fn seen_in_table(&self, rows: u64) {
        self.in_table.store(rows, Ordering::Relaxed);
        self.note(&self.state.lock());
    }

    fn note(&self, state: &State) {
        self.metrics.unpublished_rows.set(i64::try_from(state.rows.len()).unwrap_or(i64::MAX));
        self.metrics.unpublished_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
        let oldest = state.rows.first_key_value().map_or(0.0, |(_, row)| row.at.elapsed().as_secs_f64());
        self.metrics.unpublished_oldest.set(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, bytes: usize) -> OutboxRow {
        OutboxRow { id, payload: vec![0; bytes].into() }
    }

    fn backlog(rows_max: u64, bytes_max: u64) -> Backlog {
        Backlog::new(Config { rows_max, bytes_max }, Metrics::default())
    }

    #[test]
    fn rows_and_bytes_are_bounded_until_the_bus_has_them() {
        let backlog = backlog(3, 100);
        (1..=2).for_each(|id| backlog.add(&row(id, 10)));
        assert!(!backlog.is_full());
        backlog.add(&row(3, 10));
        assert!(backlog.is_full(), "rows");
        backlog.remove(&[1, 2, 99]);
        assert!(!backlog.is_full());
        backlog.add(&row(4, 90));
        assert!(backlog.is_full(), "bytes");
        assert_eq!(
            (backlog.metrics.unpublished_rows.get(), backlog.metrics.unpublished_bytes.get()),
            (2, 100)
        );
        assert_eq!(backlog.newest(), 4);
        backlog.remove(&[4]);
        assert!(!backlog.is_full());
    }

    #[test]
    fn rows_of_other_nodes_count_as_well() {
        let backlog = backlog(10, 100);
        backlog.seen_in_table(10);
        assert!(backlog.is_full());
        backlog.seen_in_table(9);
        assert!(!backlog.is_full());
    }

    #[test]
    fn what_others_took_over_is_forgotten() {
        let backlog = backlog(10, 100);
        (1..=4).for_each(|id| backlog.add(&row(id, 10)));
        backlog.forget_up_to(3);
        assert_eq!(
            (backlog.metrics.unpublished_rows.get(), backlog.metrics.unpublished_bytes.get()),
            (1, 10)
        );
        assert_eq!(backlog.newest(), 4);
    }
}
