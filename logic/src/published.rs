//! Outbox rows that the bus has and the table still holds.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::metrics::Metrics;
use crate::store::Outbox;

/// Ids of published rows on their way out of the table. The writer deletes
/// them inside its next transaction; whoever reads the table passes them over.
#[derive(Debug, Default)]
pub struct Published {
    ids: Mutex<Ids>,
    added: Notify,
    /// Who waits for a row to be published.
    awaited: Mutex<HashMap<i64, oneshot::Sender<()>>>,
}

/// Waits of which that many were given up are forgotten before a further one begins.
const GIVEN_UP_MAX: usize = 1024;

#[derive(Debug, Default)]
struct Ids {
    waiting: Vec<i64>,
    /// In a deletion that is under way: still to be passed over.
    leaving: Vec<i64>,
}

impl Published {
    /// These rows are published.
    pub fn add(&self, ids: &[i64]) {
        self.ids.lock().waiting.extend_from_slice(ids);
        self.added.notify_one();
        let mut awaited = self.awaited.lock();
        for told in ids.iter().filter_map(|id| awaited.remove(id)) {
            // Whoever waited may have given up.
            let _ = told.send(());
        }
    }

    /// To be asked for before the row is handed to the publisher: resolves when it is published.
    pub fn of(&self, id: i64) -> oneshot::Receiver<()> {
        let (told, published) = oneshot::channel();
        let mut awaited = self.awaited.lock();
        if awaited.len() >= GIVEN_UP_MAX {
            awaited.retain(|_, told| !told.is_closed());
        }
        awaited.insert(id, told);
        published
    }

    /// Takes at most `max` ids for a deletion, which must end in
    /// [`Self::deleted`] or [`Self::kept`]. One deletion at a time; during
    /// one there is nothing to take.
    pub fn take(&self, max: usize) -> Vec<i64> {
        let mut ids = self.ids.lock();
        if !ids.leaving.is_empty() {
            return Vec::new();
        }
        let count = ids.waiting.len().min(max);
        ids.leaving = ids.waiting.drain(..count).collect();
        ids.leaving.clone()
    }

    /// The deletion was committed.
    pub fn deleted(&self) {
        self.ids.lock().leaving.clear();
    }

    /// The deletion failed, or may have.
    pub fn kept(&self) {
        let mut ids = self.ids.lock();
        let leaving = std::mem::take(&mut ids.leaving);
        ids.waiting.splice(..0, leaving);
    }

    /// Ids that a reader of the table must pass over. Taken *before* reading:
    /// what is deleted in between is then not in the table.
    pub fn snapshot(&self) -> HashSet<i64> {
        let ids = self.ids.lock();
        ids.waiting.iter().chain(&ids.leaving).copied().collect()
    }

    /// How many wait for a deletion.
    pub fn waiting(&self) -> usize {
        self.ids.lock().waiting.len()
    }

    /// Returns when something waits for a deletion.
    pub async fn wait(&self) {
        while self.waiting() == 0 {
            self.added.notified().await;
        }
    }
}

/// Rows deleted in one statement.
pub(crate) const DELETE_ROWS_MAX: usize = 1024;

/// Deletes what waits, outside a batch's transaction; `false` when it failed
/// and is to be tried again.
pub(crate) async fn delete_some(outbox: &dyn Outbox, published: &Published, metrics: &Metrics) -> bool {
    let ids = published.take(DELETE_ROWS_MAX);
    if ids.is_empty() {
        return true;
    }
    metrics.outbox_deletes.inc();
    match outbox.outbox_delete(&ids).await {
        Ok(()) => {
            published.deleted();
            true
        }
        Err(cause) => {
            metrics.outbox_delete_failures.inc();
            tracing::debug!(%cause, "published outbox rows stay for now");
            published.kept();
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_row_is_told_once_it_is_published() {
        let published = Published::default();
        let (mut first, second) = (published.of(1), published.of(2));
        published.add(&[2, 3]);
        assert_eq!(second.await, Ok(()));
        assert!(first.try_recv().is_err(), "not yet");
        published.add(&[1]);
        assert_eq!(first.await, Ok(()));
        for id in 10..5000 {
            drop(published.of(id));
        }
        assert!(published.awaited.lock().len() <= GIVEN_UP_MAX, "what was given up is forgotten");
    }

    #[test]
    fn an_id_stays_known_until_its_deletion_is_committed() {
        let published = Published::default();
        published.add(&[1, 2, 3]);
        assert_eq!(published.take(2), [1, 2]);
        assert_eq!(published.take(2), Vec::<i64>::new());
        assert_eq!(published.snapshot().len(), 3);
        published.kept();
        assert_eq!(published.take(9), [1, 2, 3]);
        published.deleted();
        assert!(published.snapshot().is_empty());
    }
}
