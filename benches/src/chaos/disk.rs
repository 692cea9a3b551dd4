//! A small disk that is filled and freed.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use http::Method;
use rustix::fs::statvfs;
use serde_json::json;

use crate::system::{Api, System};

/// A larger one is nobody's to fill.
const SIZE_MAX_BYTES: u64 = 4 << 30;
/// Longest time until a full disk is noticed.
const NOTICED: Duration = Duration::from_secs(300);
/// What is freed meanwhile is filled again.
const EVERY: Duration = Duration::from_millis(100);
/// A disk that is full is noticed when something has to grow. The crowd's texts are short, these are not.
const TEXT_BYTES: usize = 8_000;

/// The disk under a store.
#[derive(Debug)]
pub(crate) struct Disk {
    filler: PathBuf,
}

impl Disk {
    /// The file system on which `folder` lies.
    ///
    /// # Errors
    /// When it is too large to be one that was made to be filled.
    pub(crate) fn under(folder: &Path) -> anyhow::Result<Self> {
        let found = statvfs(folder).with_context(|| format!("{} cannot be looked at", folder.display()))?;
        let bytes = found.f_blocks * found.f_frsize;
        ensure!(
            bytes <= SIZE_MAX_BYTES,
            "the file system of {} has {bytes} bytes: mount a small one there",
            folder.display()
        );
        Ok(Self { filler: folder.join("filler") })
    }

    /// Keeps it full for `hold`, and until one of the writes of `writer` was refused because of it.
    pub(crate) async fn keep_full(&self, hold: Duration, writer: &Writer) -> anyhow::Result<()> {
        tokio::task::block_in_place(|| self.fill())?;
        let begun = Instant::now();
        let full = async {
            while begun.elapsed() < hold || writer.refused.load(Ordering::Relaxed) == 0 {
                ensure!(begun.elapsed() < NOTICED, "the disk is full for {NOTICED:?}, and nobody noticed");
                tokio::time::sleep(EVERY).await;
                tokio::task::block_in_place(|| self.fill())?;
            }
            Ok(())
        };
        writer.refused.store(0, Ordering::Relaxed);
        let kept = tokio::select! {
            kept = full => kept,
            // Ends only when it fails.
            failed = writer.write() => failed.map(|never| match never {}),
        };
        fs::remove_file(&self.filler).context("the disk cannot be freed")?;
        kept
    }

    /// Until nothing more fits.
    fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.filler)?;
        for piece in [1 << 20, 4096, 1] {
            let zeroes = vec![0; piece];
            // The error is what is wanted.
            while file.write_all(&zeroes).is_ok() {}
        }
        Ok(())
    }
}

/// Somebody who writes long texts to a conversation of their own, which is none of the run.
#[derive(Debug)]
pub(crate) struct Writer {
    api: Api,
    path: String,
    token: String,
    refused: AtomicU64,
}

impl Writer {
    /// A new account with a group of its own.
    pub(crate) async fn new(system: &System) -> anyhow::Result<Self> {
        let api = system.apis[0].clone();
        let account = api.account().await?;
        let group = api.group(&account, &[]).await?;
        let path = format!("/api/conversations/{group}/messages");
        Ok(Self { api, path, token: account.token, refused: AtomicU64::new(0) })
    }

    /// One text after the other.
    async fn write(&self) -> anyhow::Result<Infallible> {
        let body = json!({ "content": "x".repeat(TEXT_BYTES) });
        loop {
            let (status, answer) = self.api.call(Method::POST, &self.path, &self.token, &body).await?;
            match status {
                200 => {}
                503 => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(EVERY).await;
                }
                _ => bail!("a full disk was told as {status}: {}", String::from_utf8_lossy(&answer)),
            }
        }
    }
}
