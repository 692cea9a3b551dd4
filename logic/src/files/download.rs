//! The bytes of a file, for those who may have them.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use oort_api::error::{Code, Refusal};
use oort_api::ids::{FileId, UserId};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::blobs::{Blobs, Piece};
use super::images::{is_shown, told};
use super::{Files, Metrics};
use crate::store::{FileState, StoredFile};

/// A file to be read.
#[derive(Debug)]
pub struct Content {
    /// Which.
    pub file: StoredFile,
    /// The type to tell.
    pub mime: String,
    /// A browser may show it by itself.
    pub is_shown: bool,
}

impl Content {
    /// What the bytes are known by: they never change.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.file.id, self.file.created_at_ms)
    }
}

impl Files {
    /// A file that is ready, for who may read it.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn content(&self, user: UserId, id: FileId) -> Result<Content, Refusal> {
        let file = self.of_reader(user, id).await?;
        if file.state != FileState::Ready {
            return Err(Refusal::new(Code::NotFound, "this file is not uploaded yet"));
        }
        let mime = &file.finished.mime;
        Ok(Content { mime: told(mime).to_owned(), is_shown: is_shown(mime), file })
    }

    /// Bytes of a file, a part at a time. When the folder or bucket fails, or the reader takes nothing for too long, it
    /// breaks off.
    ///
    /// # Errors
    /// `overloaded`, `unavailable` (the first bytes cannot be read).
    pub async fn read(
        &self,
        file: StoredFile,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, Refusal>> + Send + use<>, Refusal> {
        let blobs = Arc::clone(self.blobs()?);
        let Ok(slot) = Arc::clone(&self.downloads).try_acquire_owned() else {
            self.metrics.refuse("downloads");
            return Err(Refusal::new(Code::Overloaded, "too many downloads at the moment; try again"));
        };
        self.metrics.downloads.inc();
        let (metrics, stall) = (self.metrics.clone(), self.config.stall_timeout());
        // Read before the answer begins, so that a bucket that is away is told as such.
        let mut next = range.start;
        let first = match next < range.end {
            true => Some(piece(&blobs, &metrics, &file, &mut next, range.end).await?),
            false => None,
        };
        let (sender, receiver) = mpsc::channel(1);
        let reading = tokio::spawn(async move {
            let _slot = slot;
            let mut ready = first.map(Ok);
            while let Some(bytes) = ready {
                let is_end = bytes.is_err();
                if sender.send_timeout(bytes, stall).await.is_err() {
                    if !sender.is_closed() {
                        metrics.stalled.inc();
                    }
                    return;
                }
                ready = match next < range.end && !is_end {
                    true => Some(piece(&blobs, &metrics, &file, &mut next, range.end).await),
                    false => None,
                };
            }
        });
        let state = (receiver, AbortOnDropHandle::new(reading));
        Ok(futures_util::stream::unfold(state, |(mut receiver, reading)| async move {
            receiver.recv().await.map(|bytes| (bytes, (receiver, reading)))
        }))
    }
}

/// What is wanted of the part in which `next` is.
async fn piece(
    blobs: &Blobs,
    metrics: &Metrics,
    file: &StoredFile,
    next: &mut u64,
    end: u64,
) -> Result<Bytes, Refusal> {
    let part_bytes = file.part_bytes.max(1);
    let number = *next / part_bytes;
    let begin = number.saturating_mul(part_bytes);
    let name = usize::try_from(number).ok().and_then(|number| file.parts.get(number).copied());
    let name = name.ok_or_else(|| Refusal::new(Code::Internal, "internal error"))?;
    let range = next.saturating_sub(begin)..end.saturating_sub(begin).min(part_bytes);
    *next = begin.saturating_add(range.end);
    blobs.get(file.id, Piece::Part(number, name), range).await.map_err(|fault| {
        metrics.store_failures.inc();
        tracing::warn!(%fault, file = file.id.get(), "files: a part cannot be read");
        Refusal::new(Code::Unavailable, "files cannot be read at the moment; try again")
    })
}
