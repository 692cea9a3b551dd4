//! Who publishes an outbox row whose caller went away before it was told.

use std::sync::Arc;

use parking_lot::Mutex;

/// Ids of rows nobody was told of. They become nobody's with the next write,
/// so that the relay adopts them. Holds at most the calls in flight between
/// two writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Orphans(Arc<Mutex<Vec<i64>>>);

impl Orphans {
    /// Takes what has gathered.
    pub(super) fn take(&self) -> Vec<i64> {
        std::mem::take(&mut self.0.lock())
    }

    /// Puts back what could not be disowned.
    pub(super) fn restore(&self, ids: Vec<i64>) {
        self.0.lock().extend(ids);
    }
}

/// A result on its way from the writer to its caller: dropped unclaimed, its
/// row is an orphan.
#[derive(Debug)]
pub(super) struct Claim<T> {
    value: Option<T>,
    row: Option<i64>,
    orphans: Orphans,
}

impl<T> Claim<T> {
    pub(super) fn new(value: T, row: Option<i64>, orphans: Orphans) -> Self {
        Self { value: Some(value), row, orphans }
    }

    /// The caller has it now.
    pub(super) fn claim(mut self) -> Option<T> {
        self.row = None;
        self.value.take()
    }
}

impl<T> Drop for Claim<T> {
    fn drop(&mut self) {
        if let Some(id) = self.row {
            self.orphans.0.lock().push(id);
        }
    }
}
