//! Settings of the keys of servers.

use oort_api::rate::Rate;
use serde::Deserialize;

/// Settings of [`super::Keys`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Keys there may be at a time.
    pub keys_max: u32,
    /// Requests one key may make per second on average; 0 = no limit.
    pub requests_per_second: u32,
    /// Requests one key may make at once after a pause.
    pub requests_burst: u32,
    /// How exactly it is noted when a key was last used, ms.
    pub used_every_ms: u64,
}

/// All are listed in one answer.
const KEYS_CEILING: u32 = 1_000;

impl Default for Config {
    fn default() -> Self {
        Self { keys_max: 100, requests_per_second: 200, requests_burst: 1_000, used_every_ms: 60_000 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.keys_max > KEYS_CEILING {
            faults.push(format!("keys_max is more than {KEYS_CEILING}"));
        }
        if self.requests_burst == 0 {
            faults.push("requests_burst is 0: nothing could be done".to_owned());
        }
        if !(1..=86_400_000).contains(&self.used_every_ms) {
            faults.push("used_every_ms is not within 1 ms to 1 day".to_owned());
        }
        faults
    }

    pub(super) const fn rate(&self) -> Rate {
        Rate { per_second: self.requests_per_second, burst: self.requests_burst }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad =
            Config { keys_max: KEYS_CEILING + 1, requests_burst: 0, used_every_ms: 0, ..Config::default() };
        assert_eq!(bad.faults().len(), 3);
    }
}
