//! The one place where this process commits outbox rows.

use std::future::Future;
use std::sync::Arc;

use oort_api::trail::Ring;
use tokio::sync::Mutex;

use crate::metrics::Metrics;
use crate::publisher::Publisher;
use crate::store::{Error, OutboxRow};

/// Runs transactions that write outbox rows one after the other, and hands
/// each row over before the next transaction begins: so rows reach the
/// publisher in commit order, whoever wrote them.
#[derive(Debug)]
pub struct Commits {
    one_at_a_time: Mutex<()>,
    publisher: Arc<Publisher>,
    metrics: Metrics,
}

impl Commits {
    /// Rows go to `publisher`.
    #[must_use]
    pub fn new(publisher: Arc<Publisher>, metrics: Metrics) -> Self {
        Self { one_at_a_time: Mutex::new(()), publisher, metrics }
    }

    /// Where hops are noted.
    pub(crate) fn trail(&self) -> &Ring {
        self.publisher.trail()
    }

    /// Runs one transaction. Not cancel safe: a caller that may be dropped
    /// must run it in a task of its own.
    ///
    /// # Errors
    /// The transaction's.
    pub async fn run<T>(
        &self,
        transaction: impl Future<Output = Result<(T, Option<OutboxRow>), Error>>,
    ) -> Result<T, Error> {
        Ok(self.commit(transaction, Publisher::push).await?.0)
    }

    /// The same, and waits until the bus has the row, but no longer than `logic.publisher.told_wait_ms`. What the asker
    /// does next then comes after it on the bus, whichever node does it: members of a new group are in it when its first
    /// message passes.
    ///
    /// # Errors
    /// The transaction's. That the wait is over is none: the row follows.
    pub async fn run_and_publish<T>(
        &self,
        transaction: impl Future<Output = Result<(T, Option<OutboxRow>), Error>>,
    ) -> Result<T, Error> {
        let (value, published) = self.commit(transaction, Publisher::push_and_watch).await?;
        if let Some(published) = published
            && tokio::time::timeout(self.publisher.told_wait(), published).await.is_err()
        {
            self.metrics.told_waits_expired.inc();
        }
        Ok(value)
    }

    async fn commit<T, H>(
        &self,
        transaction: impl Future<Output = Result<(T, Option<OutboxRow>), Error>>,
        hand_over: impl FnOnce(&Publisher, OutboxRow) -> H,
    ) -> Result<(T, Option<H>), Error> {
        let _turn = self.one_at_a_time.lock().await;
        if self.publisher.is_full() {
            self.metrics.outbox_refusals.inc();
            return Err(Error::OutboxFull);
        }
        let outcome = transaction.await;
        match outcome {
            Ok((value, row)) => Ok((value, row.map(|row| hand_over(&self.publisher, row)))),
            Err(error) => {
                if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
                    // It may have been committed all the same.
                    self.metrics.commits_in_doubt.inc();
                    self.publisher.recheck();
                }
                Err(error)
            }
        }
    }
}
