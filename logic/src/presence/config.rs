//! Settings of presence and typing.

use serde::Deserialize;

/// Settings of [`super::Presence`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Somebody who went is shown as gone after this time, if they are not back by then, ms.
    pub grace_ms: u64,
    /// Wait for what comes at the same time, so that it is looked up and told together, ms.
    pub gather_ms: u64,
    /// Changes, and typing, told in one go.
    pub batch_max: usize,
    /// Users whose change, and typing that, may wait to be told; what is beyond is dropped and counted.
    pub waiting_max: usize,
    /// Longest wait for the bus, ms; then it is dropped and counted.
    pub patience_ms: u64,
    /// Users in one request for presence.
    pub users_max: usize,
    /// Blocks looked at for what is told in one go; if there are more it is dropped and counted.
    pub blocks_max: u32,
    /// Members of direct conversations remembered, so that the store is not asked at each key they press.
    pub members_cached_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grace_ms: 5_000,
            gather_ms: 20,
            batch_max: 256,
            waiting_max: 100_000,
            patience_ms: 500,
            users_max: 100,
            blocks_max: 20_000,
            members_cached_max: 100_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("grace_ms", self.grace_ms, 0, 600_000),
            ("gather_ms", self.gather_ms, 0, 1_000),
            ("batch_max", self.batch_max as u64, 1, 10_000),
            ("waiting_max", self.waiting_max as u64, 1, 10_000_000),
            ("patience_ms", self.patience_ms, 1, 60_000),
            ("users_max", self.users_max as u64, 1, 10_000),
            ("blocks_max", self.blocks_max.into(), 1, 1_000_000),
            ("members_cached_max", self.members_cached_max as u64, 2, 100_000_000),
        ];
        crate::bounds::faults(bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let broken = Config { batch_max: 0, patience_ms: 0, users_max: 0, ..Config::default() };
        assert_eq!(broken.faults().len(), 3);
    }
}
