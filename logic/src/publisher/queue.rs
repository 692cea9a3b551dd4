//! Rows on their way, and whether the table must be read.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::store::OutboxRow;

#[derive(Debug)]
pub(super) struct Queue {
    rows_max: usize,
    bytes_max: usize,
    metrics: Metrics,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    rows: VecDeque<(OutboxRow, Instant)>,
    bytes: usize,
    /// Rows went past memory: only the table has them.
    behind: bool,
    /// The table may hold rows that never came by.
    recheck: bool,
}

impl Queue {
    pub(super) fn new(rows_max: usize, bytes_max: usize, metrics: Metrics) -> Self {
        Self { rows_max, bytes_max, metrics, state: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn push(&self, row: OutboxRow) {
        let mut state = self.state.lock();
        let fits = state.rows.is_empty()
            || (state.rows.len() < self.rows_max && state.bytes + row.payload.len() <= self.bytes_max);
        if state.behind || !fits {
            state.behind = true;
            self.metrics.publish_spills.inc();
        } else {
            state.bytes += row.payload.len();
            state.rows.push_back((row, Instant::now()));
        }
        self.note(&state);
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn pop(&self) -> Option<OutboxRow> {
        let mut state = self.state.lock();
        let (row, _) = state.rows.pop_front()?;
        state.bytes -= row.payload.len();
        self.note(&state);
        Some(row)
    }

    /// Drops what memory holds; from now on everything goes past it.
    pub(super) fn spill(&self) {
        let mut state = self.state.lock();
        self.metrics.publish_spills.inc_by(state.rows.len() as u64);
        state.rows.clear();
        state.bytes = 0;
        state.behind = true;
        self.note(&state);
    }

    /// From now on rows wait in memory again. The caller then reads the table
    /// once more: a row committed before is there, one committed after is here.
    pub(super) fn admit(&self) {
        let mut state = self.state.lock();
        state.behind = false;
        self.note(&state);
    }

    pub(super) fn recheck(&self) {
        self.state.lock().recheck = true;
        self.changed.notify_one();
    }

    pub(super) fn take_recheck(&self) -> bool {
        std::mem::take(&mut self.state.lock().recheck)
    }

    pub(super) fn is_behind(&self) -> bool {
        self.state.lock().behind
    }

    /// The table must be read before what memory holds goes on.
    pub(super) fn wants_table(&self) -> bool {
        let state = self.state.lock();
        state.behind || state.recheck
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().rows.is_empty()
    }

    /// Returns after the next change, or at once when one was not seen yet.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn note(&self, state: &State) {
        self.metrics.publish_queue_rows.set(i64::try_from(state.rows.len()).unwrap_or(i64::MAX));
        self.metrics.publish_queue_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
        self.metrics.publish_behind.set(i64::from(state.behind));
        let oldest = state.rows.front().map_or(0.0, |(_, since)| since.elapsed().as_secs_f64());
        self.metrics.publish_oldest.set(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, bytes: usize) -> OutboxRow {
        OutboxRow { id, payload: vec![0; bytes].into() }
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_table_with_all_that_follows() {
        let queue = Queue::new(2, 100, Metrics::default());
        for id in 1..=3 {
            queue.push(row(id, 1));
        }
        assert_eq!(queue.pop().map(|row| row.id), Some(1));
        queue.push(row(4, 1));
        assert_eq!(queue.pop().map(|row| row.id), Some(2));
        assert_eq!(queue.pop(), None);
        assert!(queue.wants_table());
        queue.admit();
        queue.push(row(5, 1));
        assert_eq!(queue.pop().map(|row| row.id), Some(5));
    }

    #[test]
    fn bytes_bound_it_too_but_one_row_always_fits() {
        let queue = Queue::new(10, 100, Metrics::default());
        queue.push(row(1, 500));
        assert!(!queue.is_behind());
        queue.push(row(2, 1));
        assert!(queue.is_behind());
    }
}
