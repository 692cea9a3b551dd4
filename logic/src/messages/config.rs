//! Settings of what may be done to messages.

use serde::Deserialize;

/// Settings of [`super::Messages`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long after it was sent a message may be edited, ms; 0 = never.
    pub edit_within_ms: u64,
    /// How long after it was sent its sender may take a message back, ms; 0 = never. Whoever created the group or
    /// room always may.
    pub recall_within_ms: u64,
    /// Longest reaction, bytes; at most 64.
    pub emoji_bytes_max: usize,
    /// Different reactions to one message.
    pub reaction_kinds_max: usize,
}

/// What the store's columns hold.
const EMOJI_BYTES_CEILING: usize = 64;
/// All reactions travel with their message.
const REACTION_KINDS_CEILING: usize = 100;
/// Ten years.
const TIME_CEILING_MS: u64 = 10 * 365 * 24 * 3_600_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            edit_within_ms: 24 * 3_600_000,
            recall_within_ms: 24 * 3_600_000,
            emoji_bytes_max: 32,
            reaction_kinds_max: 20,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.edit_within_ms.max(self.recall_within_ms) > TIME_CEILING_MS {
            faults.push("edit_within_ms and recall_within_ms are at most ten years".to_owned());
        }
        if !(1..=EMOJI_BYTES_CEILING).contains(&self.emoji_bytes_max) {
            faults.push(format!("emoji_bytes_max is not within 1 to {EMOJI_BYTES_CEILING}"));
        }
        if !(1..=REACTION_KINDS_CEILING).contains(&self.reaction_kinds_max) {
            faults.push(format!("reaction_kinds_max is not within 1 to {REACTION_KINDS_CEILING}"));
        }
        faults
    }

    /// What the store needs of it.
    pub(super) fn bounds(&self) -> crate::store::ChangeBounds {
        crate::store::ChangeBounds {
            edit_within_ms: i64::try_from(self.edit_within_ms).unwrap_or(i64::MAX),
            recall_within_ms: i64::try_from(self.recall_within_ms).unwrap_or(i64::MAX),
            reaction_kinds_max: self.reaction_kinds_max,
        }
    }
}
