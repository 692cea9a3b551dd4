//! The stream between job and comet in one process: a direct call.

use std::fmt;

use oort_api::directory::CometInfo;
use oort_api::pb::oort::v1::PushBatch;
use oort_comet::Handle;
use oort_job::{AckStream, CometDialer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, async_trait};

/// Dials the one comet of this process.
pub(super) struct LocalDialer(pub(super) Handle);

impl fmt::Debug for LocalDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalDialer")
    }
}

#[async_trait]
impl CometDialer for LocalDialer {
    async fn open(
        &self,
        _comet: &CometInfo,
        batches: mpsc::Receiver<PushBatch>,
    ) -> Result<AckStream, Status> {
        Ok(Box::pin(self.0.push(ReceiverStream::new(batches))))
    }
}
