//! Where a message has been: each process notes the hops of the messages that pass it, in memory that never grows, and tells them
//! when an operator asks.
//!
//! [`Ring`] is what is written all the time; [`Hop`] is what is told. A message is known by its conversation and seq.

mod ring;

pub use ring::{NameId, Ring};

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Microseconds since the epoch; 0 on a clock that stands before it.
#[must_use]
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// What is noted of a hop: a few numbers, so that it fits a place of the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Logic took the message in.
    Accepted {
        /// The trace id of its `traceparent`; 0 = none.
        trace_id: u128,
    },
    /// Its transaction was committed.
    Committed {
        /// The outbox row it is in; 0 = none.
        row: i64,
        /// Messages of the transaction.
        batch: u32,
    },
    /// The bus has its outbox row. Noted by row ([`Ring::note_row`]).
    Published,
    /// A job read its record.
    Taken {
        /// Of the bus.
        partition: i32,
        /// In the partition.
        offset: i64,
    },
    /// The job looked up whom it goes to.
    Routed {
        /// Comets that get it.
        comets: u32,
        /// Users, sessions and rooms that are nowhere.
        absent: u32,
    },
    /// The job sent it to a comet.
    Pushed {
        /// Which, by its id.
        comet: NameId,
    },
    /// The comet acknowledged it.
    Acked {
        /// Which, by its id.
        comet: NameId,
        /// Users, sessions and rooms it did not have.
        missing: u32,
    },
    /// A shard of the comet gave it to its sessions: it lies in their sockets, or waits within their budget.
    Written {
        /// Sessions that got it.
        sessions: u32,
        /// Sessions that are behind and pull it.
        behind: u32,
    },
}

/// A hop as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// When, in microseconds since the epoch, by the clock of the process.
    #[serde(rename = "atUs")]
    pub at_us: i64,
    /// What happened.
    #[serde(flatten)]
    pub step: Step,
}

/// What happened at a hop; as [`Mark`] with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "as those of `Mark`")]
pub enum Step {
    Accepted { trace_id: String },
    Committed { batch: u32 },
    Published,
    Taken { partition: i32, offset: i64 },
    Routed { comets: u32, absent: u32 },
    Pushed { comet: String },
    Acked { comet: String, missing: u32 },
    Written { sessions: u32, behind: u32 },
}

/// What a ring knows of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// In the order of their times.
    pub hops: Vec<Hop>,
    /// Everything from this time on is remembered, µs since the epoch; 0 = nothing was noted yet.
    pub since_us: i64,
}

impl Trail {
    /// The same with what another ring of the process knows; at most `hops_max` hops, the earliest.
    #[must_use]
    pub fn with(mut self, other: Self, hops_max: usize) -> Self {
        self.hops.extend(other.hops);
        self.hops.sort_by_key(|hop| hop.at_us);
        self.hops.truncate(hops_max);
        self.since_us = self.since_us.max(other.since_us);
        self
    }
}

/// The trace id of a W3C `traceparent`; 0 when it has none.
#[must_use]
pub fn trace_id(traceparent: &str) -> u128 {
    let id = traceparent.get(3..35).filter(|_| traceparent.starts_with("00-"));
    id.and_then(|id| u128::from_str_radix(id, 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_is_told_flat() {
        let hop = Hop { at_us: 7, step: Step::Acked { comet: "c1".to_owned(), missing: 2 } };
        let json = serde_json::to_string(&hop).expect("JSON");
        assert_eq!(json, r#"{"atUs":7,"step":"acked","comet":"c1","missing":2}"#);
        assert_eq!(serde_json::from_str::<Hop>(&json).expect("reads"), hop);
    }

    #[test]
    fn the_trace_id_is_read_from_a_traceparent() {
        assert_eq!(trace_id("00-0000000000000000000000000000002a-0000000000000001-01"), 42);
        for none in [
            "",
            "00-",
            "01-0000000000000000000000000000002a-01",
            "00-zz",
            "00-é000000000000000000000000000000000",
        ] {
            assert_eq!(trace_id(none), 0, "{none}");
        }
    }

    #[test]
    fn the_rings_of_a_process_are_one_trail() {
        let trail = |at_us, since_us| Trail { hops: vec![Hop { at_us, step: Step::Published }], since_us };
        let both = trail(9, 3).with(trail(4, 5), 8);
        assert_eq!(both.hops.iter().map(|hop| hop.at_us).collect::<Vec<_>>(), [4, 9]);
        assert_eq!(both.since_us, 5, "only since then all of it");
        assert_eq!(trail(9, 3).with(trail(4, 5), 1).hops.len(), 1);
    }
}
