//! Where the bytes of files are: objects in a folder or a bucket, each written whole, never changed.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, RetryConfig};
use oort_api::ids::FileId;
use secrecy::ExposeSecret;

use super::config::{Config, Place};
use super::s3::HyperConnector;

/// Repeats of a call of a bucket that failed.
const RETRIES_MAX: usize = 2;

/// Why the folder or bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It does not answer, is full, or refuses.
    #[error("{0}")]
    Store(#[from] object_store::Error),
    /// It did not answer in time.
    #[error("no answer in time")]
    Timeout,
}

/// A folder or bucket.
#[derive(Debug)]
pub(super) struct Blobs {
    store: Arc<dyn ObjectStore>,
    timeout: Duration,
}

/// What an object is of its file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// A part: its number and its name.
    Part(u64, u64),
    /// The thumbnail.
    Thumbnail,
}

impl Blobs {
    /// As the settings say; `None` where no files are kept. A folder is made when there is none.
    pub(super) fn open(config: &Config) -> Result<Option<Self>, String> {
        let store: Arc<dyn ObjectStore> = match config.place() {
            None => return Err("files.url is neither file:FOLDER nor s3:BUCKET".to_owned()),
            Some(Place::Nowhere) => return Ok(None),
            Some(Place::Folder(folder)) => {
                let told = |cause: &dyn std::fmt::Display| {
                    format!("files.url: the folder {} cannot be used: {cause}", folder.display())
                };
                std::fs::create_dir_all(&folder).map_err(|cause| told(&cause))?;
                let store = LocalFileSystem::new_with_prefix(&folder).map_err(|cause| told(&cause))?;
                Arc::new(store.with_fsync(true).with_automatic_cleanup(true))
            }
            Some(Place::Bucket(bucket)) => {
                let s3 = &config.s3;
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_region(&s3.region)
                    .with_access_key_id(&s3.access_key_id)
                    .with_secret_access_key(s3.access_key_secret.expose_secret())
                    .with_http_connector(HyperConnector)
                    .with_retry(RetryConfig {
                        max_retries: RETRIES_MAX,
                        retry_timeout: config.store_timeout(),
                        ..RetryConfig::default()
                    });
                if !s3.endpoint.is_empty() {
                    let is_plain = s3.endpoint.starts_with("http://");
                    builder = builder.with_endpoint(&s3.endpoint).with_allow_http(is_plain);
                }
                Arc::new(builder.build().map_err(|cause| format!("files.s3: {cause}"))?)
            }
        };
        Ok(Some(Self { store, timeout: config.store_timeout() }))
    }

    /// Writes an object; it is there for good when this returns.
    pub(super) async fn put(&self, file: FileId, piece: Piece, bytes: Bytes) -> Result<(), Fault> {
        let path = path(file, piece);
        self.bounded(async { Ok(self.store.put(&path, bytes.into()).await.map(drop)?) }).await
    }

    /// Bytes of an object.
    pub(super) async fn get(&self, file: FileId, piece: Piece, range: Range<u64>) -> Result<Bytes, Fault> {
        let path = path(file, piece);
        self.bounded(async { Ok(self.store.get_range(&path, range).await?) }).await
    }

    /// All of an object, which is small.
    pub(super) async fn whole(&self, file: FileId, piece: Piece) -> Result<Bytes, Fault> {
        let path = path(file, piece);
        self.bounded(async { Ok(self.store.get(&path).await?.bytes().await?) }).await
    }

    /// Deletes one object.
    pub(super) async fn delete(&self, file: FileId, piece: Piece) -> Result<(), Fault> {
        let path = path(file, piece);
        self.bounded(async { Ok(self.store.delete(&path).await?) }).await
    }

    /// Deletes every object of a file, also those that no row names.
    pub(super) async fn clear(&self, file: FileId) -> Result<(), Fault> {
        let folder = Path::from(file.to_string());
        let mut found = self.store.list(Some(&folder));
        while let Some(object) = self.bounded(async { Ok(found.try_next().await?) }).await? {
            self.bounded(async { Ok(self.store.delete(&object.location).await?) }).await?;
        }
        Ok(())
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::time::timeout(self.timeout, call).await.unwrap_or(Err(Fault::Timeout))
    }
}

fn path(file: FileId, piece: Piece) -> Path {
    Path::from(match piece {
        Piece::Part(number, name) => format!("{file}/{number}-{name:016x}"),
        Piece::Thumbnail => format!("{file}/thumbnail"),
    })
}
