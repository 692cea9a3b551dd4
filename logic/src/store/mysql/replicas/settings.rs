//! Settings of replicas.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// How much longer than it was told to wait an answer may take, ms.
pub(super) const ANSWER_MS: u64 = 250;

/// Replicas that answer reads, and how far they are waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplicaSettings {
    /// `mysql://user:password@host:port/database` of each. None: the primary answers everything.
    pub urls: Vec<SecretString>,
    /// Connections to each at most.
    pub pool_max: usize,
    /// Longest wait for a replica to have what the primary has, ms; then the primary is read.
    pub wait_max_ms: u64,
    /// Longest time of a read at a replica after that wait, ms; then the primary is read.
    pub call_timeout_ms: u64,
    /// How long a replica that was behind or failed is left alone, ms. Then one read tries it.
    pub rest_ms: u64,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self { urls: Vec::new(), pool_max: 16, wait_max_ms: 50, call_timeout_ms: 1_000, rest_ms: 1_000 }
    }
}

impl ReplicaSettings {
    /// Everything wrong with them, where a whole call may last so long.
    pub(in crate::store::mysql) fn faults(&self, call_timeout_ms: u64) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, text: &str| {
            if !ok {
                faults.push(format!("replicas.{text}"));
            }
        };
        for url in &self.urls {
            let url = mysql_async::Opts::from_url(url.expose_secret());
            let is_named = url.is_ok_and(|url| url.db_name().is_some_and(|name| !name.is_empty()));
            check(is_named, "urls: each must be mysql://user:password@host:port/database");
        }
        check(self.urls.len() <= 16, "urls: at most 16");
        check((1..=1_000).contains(&self.pool_max), "pool_max: 1 to 1000");
        check((1..=10_000).contains(&self.wait_max_ms), "wait_max_ms: 1 to 10000");
        check((10..=60_000).contains(&self.call_timeout_ms), "call_timeout_ms: 10 to 60000");
        check((10..=600_000).contains(&self.rest_ms), "rest_ms: 10 to 600000");
        // Otherwise a replica that fails would leave the primary no time.
        check(
            2 * (2 * (self.wait_max_ms + ANSWER_MS) + self.call_timeout_ms) <= call_timeout_ms,
            "wait_max_ms and call_timeout_ms: twice (wait_max_ms + 250), and call_timeout_ms, at most half of call_timeout_ms",
        );
        faults
    }

    pub(super) fn wait_max(&self) -> Duration {
        Duration::from_millis(self.wait_max_ms)
    }

    pub(super) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    pub(super) fn rest(&self) -> Duration {
        Duration::from_millis(self.rest_ms)
    }
}
