//! Offsets: gathered from the held partitions, stored with librdkafka, which commits them.
//!
//! Not `commit(.., CommitMode::Async)`: rdkafka 0.39 takes librdkafka's answers as events, and librdkafka 2.12 makes none
//! of a manual commit unless a callback is set in its configuration, so nobody learns when it is answered.
//!
//! What is done behind a record that is not goes with the last commit of a partition, as its metadata, and whoever gets
//! the partition next reads it there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::Rebalances;
use super::partition::Hold;
use crate::bus::DoneAhead;

/// Most of a commit's metadata, bytes. Brokers take 4,096 unless `offset.metadata.max.bytes` says less.
const METADATA_BYTES_MAX: usize = 4_000;

/// Tells librdkafka what is done; it commits the newest of it every `commit_interval_ms`.
pub(super) fn store(consumer: &BaseConsumer<Rebalances>, topic: &str, holds: &HashMap<i32, Arc<Hold>>) {
    for hold in holds.values() {
        let Some(before) = hold.to_commit() else { continue };
        let Some(offsets) = offsets(topic, [(hold.number(), before, DoneAhead::default())]) else { continue };
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
    let done: Vec<(i32, i64, DoneAhead)> = holds
        .filter_map(|hold| {
            let without = || Some((hold.done()?, DoneAhead::default()));
            let (before, ahead) = hold.handed_over().or_else(without)?;
            Some((hold.number(), before, ahead))
        })
        .collect();
    let commit = |done: Vec<(i32, i64, DoneAhead)>| {
        let Some(offsets) = offsets(topic, done) else { return Ok(()) };
        // librdkafka commits what is stored of a partition once more as it lets go of it: an earlier offset, if this one
        // were not stored too.
        if let Err(error) = consumer.store_offsets(&offsets) {
            tracing::debug!(%error, "last offsets not stored");
        }
        consumer.commit(&offsets, CommitMode::Sync)
    };
    let committed = match commit(done.clone()) {
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OffsetMetadataTooLarge)) => {
            tracing::warn!(
                "the brokers' offset.metadata.max.bytes is below 4096: what moves is repeated in part"
            );
            commit(
                done.into_iter().map(|(number, before, _)| (number, before, DoneAhead::default())).collect(),
            )
        }
        committed => committed,
    };
    if let Err(error) = committed {
        tracing::warn!(%error, "last bus commit failed; its records are read again");
    }
}

/// Has each of these partitions know what the reader before did ahead.
pub(super) fn find_ahead<'a>(
    consumer: &BaseConsumer<Rebalances>,
    topic: &str,
    holds: impl Iterator<Item = &'a Arc<Hold>>,
    patience: Duration,
) {
    let holds: HashMap<i32, &Arc<Hold>> = holds.map(|hold| (hold.number(), hold)).collect();
    if holds.is_empty() {
        return;
    }
    let mut partitions = TopicPartitionList::new();
    for number in holds.keys() {
        partitions.add_partition(topic, *number);
    }
    let committed = match consumer.committed_offsets(partitions, patience) {
        Ok(committed) => committed,
        Err(error) => {
            tracing::warn!(%error, "not told what was done ahead; some of it may be pushed again");
            return;
        }
    };
    for element in committed.elements() {
        if let (Some(hold), Offset::Offset(before)) = (holds.get(&element.partition()), element.offset()) {
            tracing::info!(partition = hold.number(), committed = before, "bus partition taken over");
            hold.found(DoneAhead::parse(before, element.metadata()));
        }
    }
}

fn offsets(topic: &str, done: impl IntoIterator<Item = (i32, i64, DoneAhead)>) -> Option<TopicPartitionList> {
    let mut offsets = TopicPartitionList::new();
    for (number, before, ahead) in done {
        let mut place = offsets.add_partition(topic, number);
        if let Err(error) = place.set_offset(Offset::Offset(before)) {
            tracing::error!(%error, partition = number, "offset out of range");
        }
        if !ahead.is_empty() {
            place.set_metadata(ahead.to_text(before, METADATA_BYTES_MAX));
        }
    }
    (offsets.count() > 0).then_some(offsets)
}
