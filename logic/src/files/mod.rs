//! Files: uploaded in parts, carried by messages, read by those who may read such a message.
//!
//! What a file is stands in the store, its bytes are objects in a folder or a bucket. A part is an object of its own,
//! written whole before the store has its name: whatever dies, what the store names is there, and an upload goes on
//! after the last part, at any node. Objects that no row names go when their file goes.

use std::sync::Arc;

use bytes::Bytes;
use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::ids::{FileId, UserId};
use tokio::sync::Semaphore;

use crate::store::{ClientKey, Discard, Discarded, FileState, NewFile, Store, StoredFile};

mod blobs;
mod config;
mod download;
mod images;
mod metrics;
mod s3;
mod sweep;
mod upload;

pub use config::{Config, Place, S3, Thumbnails};
pub use download::Content;
pub use metrics::Metrics;

use blobs::{Blobs, Fault, Piece};

/// Longest name, characters: what the store's column holds.
const NAME_CHARS_MAX: usize = 255;

/// A file as its owner announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What it is called.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of it, when they know it: then what arrives is held against it.
    pub digest: Option<[u8; 32]>,
}

/// Files of users.
#[derive(Debug)]
pub struct Files {
    config: Config,
    store: Arc<dyn Store>,
    blobs: Option<Arc<Blobs>>,
    uploads: Semaphore,
    downloads: Arc<Semaphore>,
    thumbnails: Semaphore,
    client_keys_kept_ms: u64,
    metrics: Metrics,
}

impl Files {
    /// In the folder or bucket of the settings. Keys of clients are kept for so long, ms.
    ///
    /// # Errors
    /// What is wrong with the folder or bucket.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        client_keys_kept_ms: u64,
        metrics: Metrics,
    ) -> Result<Self, String> {
        Ok(Self {
            blobs: Blobs::open(&config)?.map(Arc::new),
            uploads: Semaphore::new(config.uploads_max),
            downloads: Arc::new(Semaphore::new(config.downloads_max)),
            thumbnails: Semaphore::new(config.thumbnails.at_once),
            store,
            client_keys_kept_ms,
            metrics,
            config,
        })
    }

    /// Begins an upload; once under one `key`.
    ///
    /// # Errors
    /// `invalid_field`, `too_large`, `limit_reached`, `idempotency_conflict`, `not_found` (no files are kept here),
    /// `unavailable`.
    pub async fn create(
        &self,
        owner: UserId,
        announced: Announced,
        key: Option<&str>,
    ) -> Result<StoredFile, Refusal> {
        self.blobs()?;
        let Announced { name, size, digest } = announced;
        check_name(&name)?;
        if size == 0 {
            return Err(Refusal::new(Code::InvalidField, "size: at least 1"));
        }
        if size > self.config.bytes_max {
            self.metrics.refuse("size");
            let text = format!("a file has at most {} bytes", self.config.bytes_max);
            return Err(Refusal::new(Code::TooLarge, text));
        }
        let key = key.map(|key| self.client_key(owner, key, &name, size, digest)).transpose()?;
        let now_ms = now_ms();
        let new = NewFile {
            owner,
            name,
            size,
            part_bytes: self.config.part_bytes.into(),
            digest,
            key,
            files_max: self.config.user_files_max,
            bytes_max: self.config.user_bytes_max,
            now_ms,
            due_ms: later(now_ms, self.config.unfinished_ms),
        };
        let created = self.store.create_file(&new).await.map_err(Refusal::from);
        created.inspect_err(|refusal| {
            if refusal.code == Code::LimitReached {
                self.metrics.refuse("quota");
            }
        })
    }

    /// A file, for its owner or for who may read it.
    ///
    /// # Errors
    /// `not_found` (also what is not for this user), `unavailable`.
    pub async fn of_reader(&self, user: UserId, id: FileId) -> Result<StoredFile, Refusal> {
        let file = self.store.file(id).await?.ok_or_else(not_found)?;
        let is_readable = file.owner == user || self.store.may_read_file(id, user).await?;
        if is_readable { Ok(file) } else { Err(not_found()) }
    }

    /// Deletes a file of the user's that no message carries, also one that is not whole.
    ///
    /// # Errors
    /// `not_found`, `forbidden` (messages carry it), `unavailable`.
    pub async fn delete(&self, user: UserId, id: FileId) -> Result<(), Refusal> {
        match self.store.discard_file(id, Discard::Owner(user)).await? {
            Discarded::Yes => Ok(()),
            Discarded::Carried => {
                Err(Refusal::new(Code::Forbidden, "messages carry this file; take those back instead"))
            }
            Discarded::No => Err(not_found()),
        }
    }

    /// The small picture of an image, and its type.
    ///
    /// # Errors
    /// `not_found` (also when it has none), `unavailable`.
    pub async fn thumbnail(&self, user: UserId, id: FileId) -> Result<(StoredFile, Bytes), Refusal> {
        let file = self.of_reader(user, id).await?;
        if file.state != FileState::Ready || file.finished.thumbnail.is_empty() {
            return Err(Refusal::new(Code::NotFound, "this file has no thumbnail"));
        }
        let bytes = self.blobs()?.whole(id, Piece::Thumbnail).await.map_err(|fault| self.refusal(&fault))?;
        Ok((file, bytes))
    }

    /// Longest time of a request that uploads, ms.
    #[must_use]
    pub fn upload_timeout_ms(&self) -> u64 {
        self.config.upload_timeout_ms
    }

    fn blobs(&self) -> Result<&Arc<Blobs>, Refusal> {
        self.blobs.as_ref().ok_or_else(|| Refusal::new(Code::NotFound, "this server keeps no files"))
    }

    /// What a client is told when the folder or bucket failed; the log has why.
    fn refusal(&self, fault: &Fault) -> Refusal {
        self.metrics.store_failures.inc();
        tracing::warn!(%fault, "files: the folder or bucket did not do what was asked");
        Refusal::new(Code::Unavailable, "files cannot be stored or read at the moment; try again")
    }

    fn client_key(
        &self,
        owner: UserId,
        key: &str,
        name: &str,
        size: u64,
        digest: Option<[u8; 32]>,
    ) -> Result<ClientKey, Refusal> {
        crate::conversations::check_client_key(key)?;
        let (size, digest) = (size.to_string(), format!("{digest:?}"));
        let kept_ms = i64::try_from(self.client_keys_kept_ms).unwrap_or(i64::MAX);
        Ok(ClientKey::new(owner, key, &["create_file", name, &size, &digest], kept_ms))
    }
}

/// A name for people, which is no path.
fn check_name(name: &str) -> Result<(), Refusal> {
    let is_fine = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'))
        && !matches!(name, "." | "..");
    if is_fine {
        return Ok(());
    }
    let text = format!("name: 1 to {NAME_CHARS_MAX} characters, no path, no control characters");
    Err(Refusal::new(Code::InvalidField, text))
}

fn not_found() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such file, or it is not for you")
}

fn later(now_ms: i64, ms: u64) -> i64 {
    now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        for good in ["a", "photo of me.png", "写真.png", &"x".repeat(255)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0", &"x".repeat(256)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
