//! Files that are needed no more go: uploads given up, files that no message carries, files of who erased their account.
//!
//! Every node looks. The row goes last, so that what one node left is found by the next; done twice it does nothing.

use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::FileId;
use tokio_util::sync::CancellationToken;

use super::Files;
use super::blobs::Blobs;
use crate::store::{Discard, Discarded};

impl Files {
    /// Looks now and then, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let Some(blobs) = &self.blobs else {
            stop.cancelled().await;
            return;
        };
        let interval = Duration::from_millis(self.config.sweep_interval_ms);
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            if let Err(cause) = self.round(blobs, &stop).await {
                tracing::warn!(%cause, "files that are needed no more could not be looked for; it is tried again");
            }
        }
    }

    async fn round(&self, blobs: &Blobs, stop: &CancellationToken) -> Result<(), Refusal> {
        for id in self.store.due_files(now_ms(), self.config.sweep_page).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            // One that stays must not keep the others.
            if let Err(cause) = self.clear(blobs, id).await {
                tracing::warn!(%cause, file = id.get(), "a file is not cleared away yet");
            }
        }
        Ok(())
    }

    async fn clear(&self, blobs: &Blobs, id: FileId) -> Result<(), Refusal> {
        if self.store.discard_file(id, Discard::Due(now_ms())).await? != Discarded::Yes {
            return Ok(());
        }
        blobs.clear(id).await.map_err(|fault| self.refusal(&fault))?;
        self.store.forget_file(id).await?;
        self.metrics.discarded.inc();
        Ok(())
    }
}
