//! One incarnation of a process.

use std::future::pending;

use tokio_util::sync::CancellationToken;

/// Until it dies. Nothing that goes through [`Life::guard`] comes back afterwards, so tasks of the dead that are still
/// there do no harm.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life(CancellationToken);

impl Life {
    pub(crate) fn end(&self) {
        self.0.cancel();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) async fn ended(&self) {
        self.0.cancelled().await;
    }

    /// What the process waits for. If it dies meanwhile it is left off where it stands, and nobody hears of it.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.ended() => pending().await,
            done = work => done,
        }
    }
}
