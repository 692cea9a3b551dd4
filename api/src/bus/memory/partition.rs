//! The records of one partition.

use std::collections::VecDeque;

use super::Settings;
use super::producer::Tickets;
use crate::bus::{Consumed, Record};
use crate::clock::now_ms;

/// Records in order, and behind them those that wait for room.
#[derive(Debug, Default)]
pub(super) struct PartitionLog {
    /// Offset of the oldest record held.
    first: i64,
    records: VecDeque<Consumed>,
    bytes: usize,
    waiting: VecDeque<(u64, Record)>,
}

impl PartitionLog {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Offset of the oldest record held.
    pub(super) fn first(&self) -> i64 {
        self.first
    }

    /// Offset the next record gets.
    pub(super) fn end(&self) -> i64 {
        self.first + as_offset(self.records.len())
    }

    /// Whether `count` more may stand in line.
    pub(super) fn line_takes(&self, count: usize, settings: &Settings) -> bool {
        self.waiting.is_empty() || self.waiting.len() + count <= settings.records_max_per_partition
    }

    /// Takes the record, or puts it in line behind others that wait. Tells
    /// whether it was taken.
    pub(super) fn push(&mut self, record: Record, ticket: u64, settings: &Settings) -> bool {
        let taken = self.waiting.is_empty() && self.has_room(record.value.len(), settings);
        if taken {
            self.append(record);
        } else {
            self.waiting.push_back((ticket, record));
        }
        taken
    }

    /// Takes what waits under this ticket out of the line.
    pub(super) fn withdraw(&mut self, ticket: u64) {
        self.waiting.retain(|(of, _)| *of != ticket);
    }

    /// Lets in what there is room for; tells whether anything came in.
    pub(super) fn admit(&mut self, settings: &Settings, tickets: &mut Tickets) -> bool {
        let mut any = false;
        while let Some((_, record)) = self.waiting.front()
            && self.has_room(record.value.len(), settings)
            && let Some((ticket, record)) = self.waiting.pop_front()
        {
            self.append(record);
            tickets.taken(ticket);
            any = true;
        }
        any
    }

    /// Forgets everything before `done`; tells whether waiting records came in.
    pub(super) fn trim(&mut self, done: i64, settings: &Settings, tickets: &mut Tickets) -> bool {
        while self.first < done
            && let Some(record) = self.records.pop_front()
        {
            self.bytes -= record.value.len();
            self.first += 1;
        }
        self.admit(settings, tickets)
    }

    /// At most `max` records from `offset` on.
    pub(super) fn read(&self, offset: i64, max: usize) -> Vec<Consumed> {
        let skip = usize::try_from(offset - self.first).unwrap_or(0);
        self.records.range(skip.min(self.records.len())..).take(max).cloned().collect()
    }

    fn has_room(&self, bytes: usize, settings: &Settings) -> bool {
        self.records.len() < settings.records_max_per_partition
            && (self.records.is_empty() || self.bytes + bytes <= settings.bytes_max_per_partition)
    }

    fn append(&mut self, record: Record) {
        let Record { key, value, traceparent } = record;
        let offset = self.end();
        self.bytes += value.len();
        self.records.push_back(Consumed { offset, key, value, published_at_ms: now_ms(), traceparent });
    }
}

fn as_offset(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
