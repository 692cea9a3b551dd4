//! The bytes of a file as they come.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::ids::{FileId, UserId};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::blobs::{Blobs, Piece};
use super::images::{SNIFFED_BYTES, Thumbnail, format, sniff, thumbnail};
use super::{Files, later, not_found};
use crate::store::{Discard, FileState, Finished, NewPart, StoredFile};

impl Files {
    /// Adds bytes to an upload of the user's, `offset` bytes of which are stored. Whole parts are stored as they come,
    /// and the last one; of a body that breaks off, the rest is lost. With its last byte the file is made ready.
    ///
    /// A file all of whose bytes are stored is made ready by a body without bytes, should that have been cut short.
    ///
    /// # Errors
    /// `not_found`, `wrong_offset`, `too_large` (more than was announced; all of it was stored), `invalid_field` (not
    /// what its digest says: the upload is over), `invalid_request` (the body broke off), `overloaded`, `unavailable`.
    pub async fn append<E>(
        &self,
        user: UserId,
        id: FileId,
        offset: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<StoredFile, Refusal> {
        let blobs = Arc::clone(self.blobs()?);
        let Ok(_slot) = self.uploads.try_acquire() else {
            self.metrics.refuse("uploads");
            return Err(Refusal::new(Code::Overloaded, "too many uploads at the moment; try again"));
        };
        let file = self.store.file(id).await?.filter(|file| file.owner == user).ok_or_else(not_found)?;
        if file.state == FileState::Ready && offset == file.size {
            return Ok(file);
        }
        if file.state != FileState::Uploading || file.received != offset {
            return Err(wrong_offset(file.received));
        }
        let mut writer = Writer { files: self, blobs: &blobs, part: BytesMut::new(), file };
        writer.take(body).await?;
        if writer.file.received < writer.file.size {
            return Ok(writer.file);
        }
        self.finish(&blobs, id).await
    }

    /// Makes out what a whole file is, and makes it ready.
    async fn finish(&self, blobs: &Blobs, id: FileId) -> Result<StoredFile, Refusal> {
        let file = self.store.file(id).await?.ok_or_else(not_found)?;
        if file.state == FileState::Ready {
            return Ok(file);
        }
        if let Some(digest) = file.digest
            && self.digest(blobs, &file).await? != digest
        {
            self.store.discard_file(id, Discard::Spoilt).await?;
            let text = "sha256: the bytes that came are others; upload the file anew";
            return Err(Refusal::new(Code::InvalidField, text));
        }
        let start = self.part(blobs, &file, 0).await?;
        let mime = sniff(&start[..start.len().min(SNIFFED_BYTES)]);
        let mut finished = Finished { mime: mime.to_owned(), ..Finished::default() };
        if let Some(made) = self.make_thumbnail(blobs, &file, mime).await? {
            blobs.put(id, Piece::Thumbnail, made.bytes).await.map_err(|fault| self.refusal(&fault))?;
            (finished.width, finished.height) = (made.width, made.height);
            made.mime.clone_into(&mut finished.thumbnail);
        }
        let due_ms = later(now_ms(), self.config.unreferenced_ms);
        if self.store.finish_file(id, &finished, due_ms).await? {
            self.metrics.finished.inc();
        }
        let now = self.store.file(id).await?.filter(|file| file.state == FileState::Ready);
        if now.is_none()
            && let Err(fault) = blobs.delete(id, Piece::Thumbnail).await
        {
            tracing::debug!(%fault, "a thumbnail of a file that was deleted meanwhile may be left");
        }
        now.ok_or_else(not_found)
    }

    async fn make_thumbnail(
        &self,
        blobs: &Blobs,
        file: &StoredFile,
        mime: &str,
    ) -> Result<Option<Thumbnail>, Refusal> {
        let config = self.config.thumbnails.clone();
        let Some(format) = format(mime).filter(|_| file.size <= config.source_bytes_max) else {
            return Ok(None);
        };
        // It is never closed.
        let Ok(_turn) = self.thumbnails.acquire().await else { return Ok(None) };
        let mut bytes = BytesMut::new();
        for number in 0..file.parts.len() {
            bytes.extend_from_slice(&self.part(blobs, file, number).await?);
        }
        let bytes = bytes.freeze();
        let made = tokio::task::spawn_blocking(move || thumbnail(&bytes, format, &config)).await;
        match made.unwrap_or_else(|cause| Err(cause.to_string())) {
            Ok(made) => {
                self.metrics.thumbnails.inc();
                Ok(Some(made))
            }
            Err(cause) => {
                self.metrics.thumbnail_failures.inc();
                tracing::debug!(%cause, file = file.id.get(), "an image gets no thumbnail");
                Ok(None)
            }
        }
    }

    async fn digest(&self, blobs: &Blobs, file: &StoredFile) -> Result<[u8; 32], Refusal> {
        let mut digest = Sha256::new();
        for number in 0..file.parts.len() {
            digest.update(self.part(blobs, file, number).await?);
        }
        Ok(digest.finalize().into())
    }

    async fn part(&self, blobs: &Blobs, file: &StoredFile, number: usize) -> Result<Bytes, Refusal> {
        let internal = || Refusal::new(Code::Internal, "internal error");
        let name = *file.parts.get(number).ok_or_else(internal)?;
        let piece = Piece::Part(number as u64, name);
        blobs.whole(file.id, piece).await.map_err(|fault| self.refusal(&fault))
    }
}

/// Stores an upload part by part.
struct Writer<'a> {
    files: &'a Files,
    blobs: &'a Blobs,
    /// Bytes that are not stored yet: less than a part.
    part: BytesMut,
    file: StoredFile,
}

impl Writer<'_> {
    async fn take<E>(
        &mut self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Refusal> {
        let stall = self.files.config.stall_timeout();
        loop {
            let next = timeout(stall, body.next()).await.map_err(|_| {
                self.files.metrics.refuse("stalled");
                Refusal::new(Code::InvalidRequest, "the body stalled; go on from what is stored")
            })?;
            let Some(bytes) = next else { return Ok(()) };
            let mut bytes = bytes.map_err(|_| {
                Refusal::new(Code::InvalidRequest, "the body broke off; go on from what is stored")
            })?;
            while !bytes.is_empty() {
                let wanted = self.wanted();
                if wanted == 0 {
                    return Err(Refusal::new(Code::TooLarge, "the body has more bytes than were announced"));
                }
                let some = bytes.split_to(bytes.len().min(wanted));
                self.part.extend_from_slice(&some);
                if some.len() == wanted {
                    self.store_part().await?;
                }
            }
        }
    }

    /// Bytes that the part at hand still takes.
    fn wanted(&self) -> usize {
        let left = self.file.size.saturating_sub(self.file.received).min(self.file.part_bytes);
        usize::try_from(left).unwrap_or(usize::MAX).saturating_sub(self.part.len())
    }

    async fn store_part(&mut self) -> Result<(), Refusal> {
        let bytes = self.part.split().freeze();
        let (offset, len) = (self.file.received, bytes.len() as u64);
        let name = random_name()?;
        let piece = Piece::Part(offset / self.file.part_bytes.max(1), name);
        self.blobs.put(self.file.id, piece, bytes).await.map_err(|fault| self.files.refusal(&fault))?;
        let due_ms = later(now_ms(), self.files.config.unfinished_ms);
        let part = NewPart { offset, len, name, due_ms };
        let is_added = self.files.store.add_part(self.file.id, &part).await?;
        let found = if is_added { None } else { self.files.store.file(self.file.id).await? };
        // An earlier attempt may have added it, and its answer have been lost.
        let was_added = found.as_ref().is_some_and(|file| file.parts.contains(&name));
        if is_added || was_added {
            self.files.metrics.bytes_received.inc_by(len);
            self.file.received = offset.saturating_add(len);
            self.file.parts.push(name);
            return Ok(());
        }
        // Another was here first, or it was deleted: nobody will ever ask for this one.
        if let Err(fault) = self.blobs.delete(self.file.id, piece).await {
            tracing::debug!(%fault, "a part that lost is left until its file goes");
        }
        Err(wrong_offset(found.ok_or_else(not_found)?.received))
    }
}

fn random_name() -> Result<u64, Refusal> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| Refusal::new(Code::Internal, "internal error"))?;
    Ok(u64::from_be_bytes(bytes))
}

fn wrong_offset(received: u64) -> Refusal {
    Refusal::new(Code::WrongOffset, format!("the next byte is number {received}, counted from 0"))
}
