//! Settings of files.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of [`super::Files`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the bytes of files are: `file:FOLDER`, which all nodes of a cluster share, or `s3:BUCKET`. Empty: in the
    /// data folder of a standalone process; a cluster then keeps no files.
    pub url: String,
    /// How the bucket is reached.
    pub s3: S3,
    /// Largest file, bytes.
    pub bytes_max: u64,
    /// Bytes of all files of one user.
    pub user_bytes_max: u64,
    /// Files of one user.
    pub user_files_max: u64,
    /// Bytes stored together: what is lost of an upload that is cut off is less than this, and this is what an upload
    /// or download has in memory.
    pub part_bytes: u32,
    /// Requests of one node that upload at the same time; more are refused with `overloaded`.
    pub uploads_max: usize,
    /// Downloads of one node at the same time; more are refused with `overloaded`.
    pub downloads_max: usize,
    /// Longest wait for further bytes of an upload, or for a reader to take some, ms.
    pub stall_timeout_ms: u64,
    /// Longest time of one request that uploads, ms; it goes on where it was with the next one.
    pub upload_timeout_ms: u64,
    /// Longest time of one call of the folder or bucket, ms.
    pub store_timeout_ms: u64,
    /// Time without a new part after which an upload is given up, ms.
    pub unfinished_ms: u64,
    /// Time after which a file that no message carries is deleted, ms.
    pub unreferenced_ms: u64,
    /// How often a node looks for files that are needed no more, ms.
    pub sweep_interval_ms: u64,
    /// Files looked at in one round.
    pub sweep_page: u32,
    /// Small pictures of images.
    pub thumbnails: Thumbnails,
}

/// How a bucket is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// `https://host:port`; empty = AWS, by region. `http://` only where nobody listens.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Who asks.
    pub access_key_id: String,
    /// Their secret.
    pub access_key_secret: SecretString,
}

/// Settings of thumbnails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thumbnails {
    /// Longest edge, pixels.
    pub edge_px: u32,
    /// Largest image that gets one, bytes.
    pub source_bytes_max: u64,
    /// Largest image that gets one, pixels: each takes up to 8 bytes of memory while it is made.
    pub pixels_max: u64,
    /// Made at the same time by one node; further ones wait.
    pub at_once: usize,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: no files are kept.
    Nowhere,
    /// A folder.
    Folder(PathBuf),
    /// A bucket.
    Bucket(String),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            s3: S3::default(),
            bytes_max: 100 << 20,
            user_bytes_max: 1 << 30,
            user_files_max: 10_000,
            part_bytes: 1 << 20,
            uploads_max: 64,
            downloads_max: 128,
            stall_timeout_ms: 30_000,
            upload_timeout_ms: 600_000,
            store_timeout_ms: 20_000,
            unfinished_ms: 24 * 3_600_000,
            unreferenced_ms: 24 * 3_600_000,
            sweep_interval_ms: 60_000,
            sweep_page: 100,
            thumbnails: Thumbnails::default(),
        }
    }
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key_id: String::new(),
            access_key_secret: SecretString::from(""),
        }
    }
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self { edge_px: 320, source_bytes_max: 20 << 20, pixels_max: 40_000_000, at_once: 2 }
    }
}

/// Most parts of a file: their names are in its row, 8 bytes each.
const PARTS_MAX: u64 = 100_000;

/// Ten years.
const TIME_CEILING_MS: u64 = 10 * 365 * 24 * 3_600_000;

impl Config {
    /// Where the bytes are; `None` when the URL says nothing that is known.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        if self.url.is_empty() {
            return Some(Place::Nowhere);
        }
        let (scheme, rest) = self.url.split_once(':').filter(|(_, rest)| !rest.is_empty())?;
        match scheme {
            "file" => Some(Place::Folder(PathBuf::from(rest))),
            "s3" => Some(Place::Bucket(rest.to_owned())),
            _ => None,
        }
    }

    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match self.place() {
            None => faults.push("url is neither file:FOLDER nor s3:BUCKET".to_owned()),
            Some(Place::Bucket(_)) => faults.extend(self.s3.faults()),
            Some(Place::Nowhere | Place::Folder(_)) => {}
        }
        let Thumbnails { edge_px, source_bytes_max, pixels_max, at_once } = self.thumbnails;
        let bounds = [
            ("bytes_max", self.bytes_max, 1, 1 << 40),
            ("user_bytes_max", self.user_bytes_max, 1, 1 << 50),
            ("user_files_max", self.user_files_max, 1, 1_000_000),
            ("part_bytes", self.part_bytes.into(), 4096, 64 << 20),
            ("uploads_max", self.uploads_max as u64, 1, 100_000),
            ("downloads_max", self.downloads_max as u64, 1, 100_000),
            ("stall_timeout_ms", self.stall_timeout_ms, 1, 3_600_000),
            ("upload_timeout_ms", self.upload_timeout_ms, 1, 24 * 3_600_000),
            ("store_timeout_ms", self.store_timeout_ms, 1, 600_000),
            ("unfinished_ms", self.unfinished_ms, 1, TIME_CEILING_MS),
            ("unreferenced_ms", self.unreferenced_ms, 1, TIME_CEILING_MS),
            ("sweep_interval_ms", self.sweep_interval_ms, 1, 24 * 3_600_000),
            ("sweep_page", self.sweep_page.into(), 1, 10_000),
            ("thumbnails.edge_px", edge_px.into(), 16, 4096),
            ("thumbnails.source_bytes_max", source_bytes_max, 1, 1 << 30),
            ("thumbnails.pixels_max", pixels_max, 1, 1_000_000_000),
            ("thumbnails.at_once", at_once as u64, 1, 64),
        ];
        faults.extend(crate::bounds::faults(bounds));
        if self.bytes_max.div_ceil(u64::from(self.part_bytes.max(1))) > PARTS_MAX {
            faults.push(format!("bytes_max is more than {PARTS_MAX} times part_bytes"));
        }
        faults
    }

    pub(super) fn store_timeout(&self) -> Duration {
        Duration::from_millis(self.store_timeout_ms)
    }

    pub(super) fn stall_timeout(&self) -> Duration {
        Duration::from_millis(self.stall_timeout_ms)
    }
}

impl S3 {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let is_http = ["https://", "http://"].iter().any(|scheme| self.endpoint.starts_with(scheme));
        if !self.endpoint.is_empty() && !is_http {
            faults.push("s3.endpoint is not like https://host:port".to_owned());
        }
        if self.region.is_empty() {
            faults.push("s3.region is empty".to_owned());
        }
        if self.access_key_id.is_empty() || self.access_key_secret.expose_secret().is_empty() {
            faults.push("s3.access_key_id and s3.access_key_secret: a bucket needs both".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config {
            url: "ftp:x".to_owned(),
            part_bytes: 0,
            uploads_max: 0,
            thumbnails: Thumbnails { edge_px: 0, ..Thumbnails::default() },
            ..Config::default()
        };
        assert_eq!(bad.faults().len(), 5, "{:?}", bad.faults());
        let bucket = Config { url: "s3:b".to_owned(), ..Config::default() };
        assert_eq!(bucket.faults().len(), 1);
    }

    #[test]
    fn places() {
        let place = |url: &str| Config { url: url.to_owned(), ..Config::default() }.place();
        assert_eq!(place(""), Some(Place::Nowhere));
        assert_eq!(place("file:/a/b"), Some(Place::Folder("/a/b".into())));
        assert_eq!(place("s3:bucket"), Some(Place::Bucket("bucket".to_owned())));
        for none in ["file:", "s3:", "/a", "gs:b"] {
            assert_eq!(place(none), None, "{none}");
        }
    }
}
