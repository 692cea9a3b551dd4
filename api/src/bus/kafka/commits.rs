//! Offsets: gathered from the held partitions, stored with librdkafka, which commits them.
//!
//! Not `commit(.., CommitMode::Async)`: rdkafka 0.39 takes librdkafka's answers as events, and librdkafka 2.12 makes none
//! of a manual commit unless a callback is set in its configuration, so nobody learns when it is answered.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::Rebalances;
use super::partition::Hold;

/// Tells librdkafka what is done; it commits the newest of it every `commit_interval_ms`.
pub(super) fn store(consumer: &BaseConsumer<Rebalances>, topic: &str, holds: &HashMap<i32, Arc<Hold>>) {
    for hold in holds.values() {
        let Some(before) = hold.to_commit() else { continue };
        let Some(offsets) = offsets(topic, [(hold, before)]) else { continue };
        match consumer.store_offsets(&offsets) {
            Ok(()) => hold.stored(before),
            // It is being taken away: whoever gets it reads again what is not committed then.
            Err(error) => tracing::debug!(%error, partition = hold.number(), "offset not stored"),
        }
    }
}

/// Commits what is done in these partitions and waits for the answer.
pub(super) fn commit_and_wait<'a>(
    consumer: &BaseConsumer<Rebalances>,
    topic: &str,
    holds: impl Iterator<Item = &'a Arc<Hold>>,
) {
    let done = holds.filter_map(|hold| Some((hold, hold.done()?)));
    let Some(offsets) = offsets(topic, done) else { return };
    if let Err(error) = consumer.commit(&offsets, CommitMode::Sync) {
        tracing::warn!(%error, "last bus commit failed; its records are read again");
    }
}

fn offsets<'a>(
    topic: &str,
    done: impl IntoIterator<Item = (&'a Arc<Hold>, i64)>,
) -> Option<TopicPartitionList> {
    let mut offsets = TopicPartitionList::new();
    for (hold, before) in done {
        if let Err(error) = offsets.add_partition_offset(topic, hold.number(), Offset::Offset(before)) {
            tracing::error!(%error, partition = hold.number(), "offset out of range");
        }
    }
    (offsets.count() > 0).then_some(offsets)
}
