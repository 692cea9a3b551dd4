//! Offsets: gathered from the held partitions and committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::Rebalances;
use super::partition::Hold;

/// Commits one at a time, so that an outage does not pile them up.
#[derive(Debug, Default)]
pub(super) struct Commits {
    under_way_since: Mutex<Option<Instant>>,
}

/// A commit not answered for so long is given up. librdkafka answers each
/// within its own timeouts; this only guards against one that never is.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

impl Commits {
    /// Begins to commit what is done, unless a commit is under way.
    pub(super) fn begin(
        &self,
        consumer: &BaseConsumer<Rebalances>,
        topic: &str,
        holds: &HashMap<i32, Arc<Hold>>,
    ) {
        let mut under_way = self.under_way_since.lock();
        if under_way.is_some_and(|since| since.elapsed() < ANSWER_PATIENCE) {
            return;
        }
        let offsets = to_commit(topic, holds.values());
        if offsets.count() == 0 {
            return;
        }
        match consumer.commit(&offsets, CommitMode::Async) {
            Ok(()) => *under_way = Some(Instant::now()),
            Err(error) => tracing::warn!(%error, "bus commit not begun"),
        }
    }

    /// The answer to [`Commits::begin`].
    pub(super) fn answered(
        &self,
        result: &KafkaResult<()>,
        offsets: &TopicPartitionList,
        holds: &HashMap<i32, Arc<Hold>>,
    ) {
        *self.under_way_since.lock() = None;
        if let Err(error) = result {
            tracing::warn!(%error, "bus commit failed; it is tried again");
            return;
        }
        for element in offsets.elements() {
            if let (Some(hold), Ok(()), Offset::Offset(before)) =
                (holds.get(&element.partition()), element.error(), element.offset())
            {
                hold.committed(before);
            }
        }
    }
}

/// Commits what is done in these partitions and waits for the answer.
pub(super) fn commit_and_wait<'a>(
    consumer: &BaseConsumer<Rebalances>,
    topic: &str,
    holds: impl Iterator<Item = &'a Arc<Hold>>,
) {
    let offsets = to_commit(topic, holds);
    if offsets.count() == 0 {
        return;
    }
    if let Err(error) = consumer.commit(&offsets, CommitMode::Sync) {
        tracing::warn!(%error, "last bus commit failed; its records are read again");
    }
}

fn to_commit<'a>(topic: &str, holds: impl Iterator<Item = &'a Arc<Hold>>) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    for hold in holds {
        if let Some(before) = hold.to_commit()
            && let Err(error) = offsets.add_partition_offset(topic, hold.number(), Offset::Offset(before))
        {
            tracing::error!(%error, partition = hold.number(), "offset out of range");
        }
    }
    offsets
}
