//! Settings of the MySQL store.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::ReplicaSettings;

/// Which server and how it is used.
///
/// What the server must do by itself: sync its log at each commit
/// (`innodb_flush_log_at_trx_commit = 1`, and `sync_binlog = 1` where a replica
/// takes over), log rows (`binlog_format = ROW` or `MIXED`), and take packets of
/// `packet_bytes_max` and of the largest batch (`max_allowed_packet`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `mysql://user:password@host:port/database`. TLS: `?require_ssl=true`.
    pub url: SecretString,
    /// Connections kept open.
    pub pool_min: usize,
    /// Connections at most, beside one per owner that writes.
    pub pool_max: usize,
    /// Time after which a connection above `pool_min` that is not used is closed, ms.
    pub idle_ttl_ms: u64,
    /// Longest wait for a new connection, ms.
    pub connect_timeout_ms: u64,
    /// Longest time of one call, waiting and retries included, ms.
    pub call_timeout_ms: u64,
    /// Longest wait of one statement for a lock, s.
    pub lock_wait_s: u32,
    /// How often a transaction is tried that loses against another node.
    pub attempts_max: u32,
    /// Size at which the statements of one transaction are sent in more than
    /// one packet.
    pub packet_bytes_max: usize,
    /// Ids of open rooms remembered, so that membership is not asked for there.
    pub rooms_cached_max: usize,
    /// Replicas that answer reads.
    pub replicas: ReplicaSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: SecretString::default(),
            pool_min: 2,
            pool_max: 16,
            idle_ttl_ms: 60_000,
            connect_timeout_ms: 3_000,
            call_timeout_ms: 10_000,
            lock_wait_s: 3,
            attempts_max: 8,
            packet_bytes_max: 4 << 20,
            rooms_cached_max: 100_000,
            replicas: ReplicaSettings::default(),
        }
    }
}

impl Settings {
    /// The defaults with this URL.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: SecretString::from(url.into()), ..Self::default() }
    }

    /// Everything wrong with them.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |ok: bool, text: &str| {
            if !ok {
                faults.push(text.to_owned());
            }
        };
        let url = mysql_async::Opts::from_url(self.url.expose_secret());
        let named = url.is_ok_and(|url| url.db_name().is_some_and(|name| !name.is_empty()));
        check(named, "url: must be mysql://user:password@host:port/database");
        check(self.pool_max >= 1 && self.pool_max <= 1_000, "pool_max: 1 to 1000");
        check(self.pool_min <= self.pool_max, "pool_min: at most pool_max");
        check((1_000..=3_600_000).contains(&self.idle_ttl_ms), "idle_ttl_ms: 1000 to 3600000");
        check((100..=60_000).contains(&self.connect_timeout_ms), "connect_timeout_ms: 100 to 60000");
        check((100..=600_000).contains(&self.call_timeout_ms), "call_timeout_ms: 100 to 600000");
        check((1..=60).contains(&self.lock_wait_s), "lock_wait_s: 1 to 60");
        check((1..=100).contains(&self.attempts_max), "attempts_max: 1 to 100");
        check((64 << 10..=1 << 30).contains(&self.packet_bytes_max), "packet_bytes_max: 65536 to 1073741824");
        check(self.rooms_cached_max <= 100_000_000, "rooms_cached_max: at most 100000000");
        faults.extend(self.replicas.faults(self.call_timeout_ms));
        faults
    }

    pub(in crate::store) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(in crate::store) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
}
