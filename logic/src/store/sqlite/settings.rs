//! Settings of the SQLite store.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Where the file is and how it is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The database file. Beside it lie its log (`-wal`, `-shm`) and `.lock`.
    pub path: PathBuf,
    /// Longest wait for another process that has the file, ms.
    pub busy_timeout_ms: u64,
    /// Log pages (of 4 KiB) after which the log is written back into the file.
    /// More pages: more throughput, longer worst-case commits.
    pub checkpoint_pages: u32,
    /// Threads that read.
    pub readers: usize,
    /// Page cache of each connection, KiB.
    pub cache_kib: u32,
    /// Calls that may wait for the writer, and as many for the readers.
    pub queue_max: usize,
    /// Longest time of one call, waiting included, ms.
    pub call_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: "oort.db".into(),
            busy_timeout_ms: 2_000,
            checkpoint_pages: 4_096,
            readers: 2,
            cache_kib: 16_384,
            queue_max: 4_096,
            call_timeout_ms: 10_000,
        }
    }
}

impl Settings {
    /// Everything wrong with them.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, text: &str| {
            if !ok {
                faults.push(text.to_owned());
            }
        };
        check(!self.path.as_os_str().is_empty(), "path: must name a file");
        check(self.busy_timeout_ms <= 60_000, "busy_timeout_ms: at most 60000");
        check((1..=1_000_000).contains(&self.checkpoint_pages), "checkpoint_pages: 1 to 1000000");
        check((1..=64).contains(&self.readers), "readers: 1 to 64");
        check((1_024..=1_048_576).contains(&self.cache_kib), "cache_kib: 1024 to 1048576");
        check((1..=1_000_000).contains(&self.queue_max), "queue_max: 1 to 1000000");
        check((100..=600_000).contains(&self.call_timeout_ms), "call_timeout_ms: 100 to 600000");
        faults
    }

    pub(in crate::store) fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }

    pub(super) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
}
