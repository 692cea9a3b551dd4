//! What every process of the system says about itself, for operators.

use serde::{Deserialize, Serialize};

use super::Error;

/// Longest id of a process, bytes.
const ID_BYTES_MAX: usize = 192;
/// Longest entry as JSON, bytes.
const ENTRY_BYTES_MAX: usize = 8 * 1024;

/// A process as it was when it last reported.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeEntry {
    /// Unique per start of a process.
    pub id: String,
    /// Name of the node in the settings.
    pub name: String,
    /// `comet`, `logic`, `job` or `standalone`.
    pub role: String,
    /// Version of the program.
    pub version: String,
    /// ms since the epoch, by its own clock.
    pub started_at_ms: i64,
    /// Where its clients reach it, `host:port`; the admin port of one that has none.
    pub address: String,
    /// It is stopping.
    pub draining: bool,
    /// When it reported, ms since the epoch, by its own clock.
    pub seen_ms: i64,
    /// Connections it holds.
    pub connections: i64,
    /// What it measured since the report before.
    pub metrics: NodeMetrics,
}

/// What a process measured since the report before. What its role does not
/// have is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeMetrics {
    /// Messages committed per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_per_s: Option<f64>,
    /// Transient pushes taken per second; of a job and a comet: deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushes_per_s: Option<f64>,
    /// Frames given to clients per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_s: Option<f64>,
    /// Half of the role's stage took no longer, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 99 of 100 took no longer, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// What waits in the role's queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<i64>,
    /// From publishing a record to reading it, ms, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus_lag_ms: Option<f64>,
    /// Outbox rows of all nodes, as this one saw them last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_rows: Option<i64>,
    /// Age of the oldest of them, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_age_ms: Option<f64>,
    /// From a send of the canary to its frame at a socket, ms; the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_ms: Option<f64>,
    /// How long ago the canary last came through, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_age_ms: Option<f64>,
    /// Use of processors, 100 = one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory it holds, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<i64>,
}

impl NodeEntry {
    /// As it is recorded.
    ///
    /// # Errors
    /// [`Error::Config`] for what is too large or would blur a key.
    pub fn to_json(&self) -> Result<String, Error> {
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX || self.id.chars().any(char::is_control) {
            return Err(Error::Config(format!("a node's id has 1 to {ID_BYTES_MAX} bytes")));
        }
        let json = serde_json::to_string(self).map_err(|error| Error::Config(error.to_string()))?;
        if json.len() > ENTRY_BYTES_MAX {
            return Err(Error::Config(format!("a node's entry has at most {ENTRY_BYTES_MAX} bytes")));
        }
        Ok(json)
    }

    /// As it was recorded; `None` when another version of the program wrote it.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}
