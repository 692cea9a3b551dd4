//! The reading side: members of a group and the partitions they hold.

use std::sync::Arc;

use tokio::sync::Notify;
use tonic::async_trait;

use super::group::Group;
use super::{Shared, State};
use crate::bus::{Consumed, Consumer, DoneAhead, Partition};

/// A member of a group.
#[derive(Debug)]
pub(super) struct MemoryConsumer {
    shared: Arc<Shared>,
    group: Arc<str>,
    member: u64,
    told: Arc<Notify>,
}

impl MemoryConsumer {
    pub(super) fn join(shared: Arc<Shared>, group: &str) -> Self {
        let group: Arc<str> = group.into();
        let (member, told) = {
            let mut state = shared.state.lock();
            let State { partitions, groups, next_member, .. } = &mut *state;
            let member = *next_member;
            *next_member += 1;
            let joined = groups.entry(group.clone()).or_insert_with(|| Group::new(partitions)).join(member);
            shared.tell_holders(&joined.1);
            (member, joined.0)
        };
        Self { shared, group, member, told }
    }

    fn leave(&self) {
        let mut state = self.shared.state.lock();
        if let Some(group) = state.groups.get_mut(&self.group) {
            self.shared.tell_holders(&group.leave(self.member));
        }
    }
}

impl Shared {
    fn tell_holders(&self, partitions: &[usize]) {
        for &partition in partitions {
            self.changed[partition].notify_waiters();
        }
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        self.leave();
    }
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next_partition(&mut self) -> Option<Box<dyn Partition>> {
        loop {
            {
                let mut state = self.shared.state.lock();
                let State { groups, .. } = &mut *state;
                let group = groups.get_mut(&self.group)?;
                if !group.has_member(self.member) {
                    return None;
                }
                if let Some((partition, generation)) = group.next_given(self.member) {
                    return Some(Box::new(MemoryPartition {
                        shared: self.shared.clone(),
                        group: self.group.clone(),
                        partition,
                        generation,
                        next: group.done_before(partition),
                        found: group.ahead(partition),
                    }));
                }
            }
            self.told.notified().await;
        }
    }

    async fn close(&mut self) {
        self.leave();
    }
}

/// One generation of a partition.
#[derive(Debug)]
struct MemoryPartition {
    shared: Arc<Shared>,
    group: Arc<str>,
    partition: usize,
    generation: u64,
    /// Offset to read next.
    next: i64,
    found: DoneAhead,
}

impl MemoryPartition {
    /// Everything below `before` is done, unless that is said too late.
    fn advance(&self, before: i64, ahead: Option<DoneAhead>) {
        let mut state = self.shared.state.lock();
        let State { groups, partitions, .. } = &mut *state;
        let end = partitions[self.partition].end();
        match groups.get_mut(&self.group) {
            Some(group) if group.is_held(self.partition, self.generation) => {
                group.advance(self.partition, end.min(before));
                if let Some(ahead) = ahead {
                    group.keep_ahead(self.partition, ahead);
                }
            }
            _ => return,
        }
        self.shared.trim(&mut state, self.partition);
    }
}

#[async_trait]
impl Partition for MemoryPartition {
    fn number(&self) -> i32 {
        i32::try_from(self.partition).unwrap_or(i32::MAX)
    }

    async fn next_batch(&mut self, max: usize) -> Option<Vec<Consumed>> {
        let changed = self.shared.changed[self.partition].clone();
        loop {
            let mut notified = std::pin::pin!(changed.notified());
            // Registered before looking, so what comes in between is noticed.
            notified.as_mut().enable();
            {
                let state = self.shared.state.lock();
                if !state.groups.get(&self.group)?.is_held(self.partition, self.generation) {
                    return None;
                }
                let batch = state.partitions[self.partition].read(self.next, max.max(1));
                if let Some(last) = batch.last() {
                    self.next = last.offset + 1;
                    return Some(batch);
                }
            }
            notified.await;
        }
    }

    fn done(&mut self, offset: i64) {
        self.advance(offset.saturating_add(1), None);
    }

    fn found_ahead(&self) -> DoneAhead {
        self.found.clone()
    }

    fn hand_over(&mut self, before: i64, ahead: DoneAhead) {
        self.advance(before, Some(ahead));
    }
}
