//! Settings of what JSON clients watch.

use serde::Deserialize;

/// What a JSON client may watch, and how often it may tell of its typing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// Conversations one connection watches, at most 64.
    pub rooms_max: usize,
    /// Users whose presence one connection watches, at most 1000.
    pub users_max: usize,
    /// Typing of one connection in one conversation is passed on once in this time, ms.
    pub typing_interval_ms: u64,
    /// Connections and conversations remembered for that, on each shard; beyond it typing is dropped and counted.
    pub typing_remembered_max: usize,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { rooms_max: 4, users_max: 100, typing_interval_ms: 2_000, typing_remembered_max: 100_000 }
    }
}

impl WatchConfig {
    /// Everything that is wrong, each fault in a sentence that names the field.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.rooms_max > 64 {
            faults.push("rooms_max: at most 64".to_owned());
        }
        if self.users_max > 1000 {
            faults.push("users_max: at most 1000".to_owned());
        }
        faults
    }
}
