//! The bus inside one process.
//!
//! Holds each record until every consumer group marked it done. Nothing
//! survives the process: what must survive is in the store's outbox.

mod consumer;
mod dead_letters;
mod group;
mod partition;
mod producer;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use super::DeadLetter;
use super::{Consumer, Producer};
use group::Group;
use partition::PartitionLog;

/// Bounds of the bus inside one process.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Independent pipelines.
    pub partitions: u16,
    /// Records one partition holds that some group has not marked done;
    /// beyond it publishing waits.
    pub records_max_per_partition: usize,
    /// Bytes of values one partition holds; beyond it publishing waits.
    pub bytes_max_per_partition: usize,
    /// Largest value taken, in bytes.
    pub record_bytes_max: usize,
    /// Dead letters kept to be looked at; beyond it the oldest goes, and
    /// [`MemoryBus::dead_letters_forgotten`] rises.
    pub dead_letters_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 4,
            records_max_per_partition: 65_536,
            bytes_max_per_partition: 64 << 20,
            record_bytes_max: 1_000_000,
            dead_letters_max: 256,
        }
    }
}

impl Settings {
    /// Every value that cannot work.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("partitions", usize::from(self.partitions)),
            ("records_max_per_partition", self.records_max_per_partition),
            ("record_bytes_max", self.record_bytes_max),
            ("dead_letters_max", self.dead_letters_max),
        ] {
            if value == 0 {
                faults.push(format!("{name} must be at least 1"));
            }
        }
        if self.bytes_max_per_partition < self.record_bytes_max {
            faults.push("bytes_max_per_partition must be at least record_bytes_max".to_owned());
        }
        faults
    }
}

/// The bus inside one process. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// One for each partition: told when records arrive or its holder changes.
    changed: Vec<Arc<Notify>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    partitions: Vec<PartitionLog>,
    groups: HashMap<Arc<str>, Group>,
    /// Publishes that wait for room, by ticket.
    tickets: producer::Tickets,
    next_member: u64,
    dead_letters: dead_letters::DeadLetterLog,
}

impl MemoryBus {
    /// An empty bus. Zero partitions count as one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let count = settings.partitions.max(1);
        let partitions = (0..count).map(|_| PartitionLog::default()).collect();
        let changed = (0..count).map(|_| Arc::default()).collect();
        let state = Mutex::new(State { partitions, ..State::default() });
        Self { shared: Arc::new(Shared { settings, changed, state }) }
    }

    /// The writing side.
    #[must_use]
    pub fn producer(&self) -> Arc<dyn Producer> {
        Arc::new(self.clone())
    }

    /// Joins a group as a new member. A group begins with the oldest record
    /// held when its first member joins, and keeps its place for as long as
    /// the bus lives. Dropping the consumer leaves the group.
    #[must_use]
    pub fn consumer(&self, group: &str) -> Box<dyn Consumer> {
        Box::new(consumer::MemoryConsumer::join(self.shared.clone(), group))
    }

    /// The newest dead letters, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.state.lock().dead_letters.all()
    }

    /// Dead letters no longer kept, since the start.
    #[must_use]
    pub fn dead_letters_forgotten(&self) -> u64 {
        self.shared.state.lock().dead_letters.forgotten
    }

    /// Records held that some group has not marked done.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.shared.state.lock().partitions.iter().map(PartitionLog::len).sum()
    }
}

impl Shared {
    fn partition_of(&self, key: &str) -> usize {
        // FNV-1a, 64 bits: the same in every build and process.
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let count = self.changed.len() as u64;
        usize::try_from(hash % count).unwrap_or(0)
    }

    /// Forgets what every group is done with in a partition, lets waiting
    /// publishes in, and tells readers of what came in.
    fn trim(&self, state: &mut State, partition: usize) {
        let Some(done) = state.groups.values().map(|group| group.done_before(partition)).min() else {
            return;
        };
        let State { partitions, tickets, .. } = state;
        if partitions[partition].trim(done, &self.settings, tickets) {
            self.changed[partition].notify_waiters();
        }
    }
}
