//! The one place where this process commits outbox rows.

use std::future::Future;
use std::sync::Arc;

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

    /// Runs one transaction. Not cancel safe: a caller that may be dropped
    /// must run it in a task of its own.
    ///
    /// # Errors
    /// The transaction's.
    pub async fn run<T>(
        &self,
        transaction: impl Future<Output = Result<(T, Option<OutboxRow>), Error>>,
    ) -> Result<T, Error> {
        let _turn = self.one_at_a_time.lock().await;
        let outcome = transaction.await;
        match outcome {
            Ok((value, row)) => {
                if let Some(row) = row {
                    self.publisher.push(row);
                }
                Ok(value)
            }
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
