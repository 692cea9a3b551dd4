//! Changes that publish something: transactions with an outbox row, for whatever
//! is no message and no cursor.

use std::future::Future;
use std::sync::Arc;

use oort_api::error::{Code, Refusal};
use tokio_util::task::TaskTracker;

use crate::lanes::Lanes;
use crate::store::{self, About, OutboxRow, Store};

/// Runs them.
#[derive(Debug)]
pub struct Transactions {
    /// This process, as the owner of outbox rows.
    pub owner: Arc<str>,
    /// Where they are run.
    pub store: Arc<dyn Store>,
    /// Their turn, and where their rows go.
    pub lanes: Arc<Lanes>,
    /// Whoever runs the tier waits for these tasks.
    pub tasks: TaskTracker,
}

impl Transactions {
    /// Runs a transaction about this in a task of its own: an asker that goes away does not stop it between the commit and the
    /// publisher. Returns when the bus has what it publishes, or when that takes too long.
    ///
    /// # Errors
    /// `draining`, `overloaded`, and what the transaction is refused with.
    pub async fn run<T, F, R>(&self, about: About<'_>, transaction: F) -> Result<T, Refusal>
    where
        F: FnOnce(Arc<dyn Store>, Arc<str>) -> R,
        R: Future<Output = Result<(T, Option<OutboxRow>), store::Error>> + Send + 'static,
        T: Send + 'static,
    {
        if self.tasks.is_closed() {
            return Err(Refusal::new(Code::Draining, "this server is shutting down; go to another"));
        }
        let commits = self.lanes.commits(about).await?;
        let transaction = transaction(Arc::clone(&self.store), Arc::clone(&self.owner));
        let task = self.tasks.spawn(async move { commits.run_and_publish(transaction).await });
        match task.await {
            Ok(outcome) => Ok(outcome?),
            Err(cause) => {
                tracing::error!(%cause, "a transaction's task ended");
                Err(Refusal::new(Code::Internal, "internal error"))
            }
        }
    }
}
