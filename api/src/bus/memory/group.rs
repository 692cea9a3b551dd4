//! Who of a consumer group holds which partition, and how far it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use super::partition::PartitionLog;
use crate::bus::DoneAhead;

/// One consumer group.
#[derive(Debug)]
pub(super) struct Group {
    holds: Vec<Hold>,
    members: BTreeMap<u64, Member>,
}

/// How one partition stands in the group.
#[derive(Debug)]
struct Hold {
    /// Everything before this offset is done.
    done_before: i64,
    /// … and of what is behind it, by the last word of a reader.
    ahead: DoneAhead,
    owner: Option<u64>,
    /// Rises each time the partition changes hands.
    generation: u64,
}

#[derive(Debug, Default)]
struct Member {
    /// Partitions given and not yet fetched, each with its generation.
    given: VecDeque<(usize, u64)>,
    told: Arc<Notify>,
}

impl Group {
    /// A group that starts with the oldest record of each partition.
    pub(super) fn new(partitions: &[PartitionLog]) -> Self {
        let hold = |log: &PartitionLog| Hold {
            done_before: log.first(),
            ahead: DoneAhead::default(),
            owner: None,
            generation: 0,
        };
        Self { holds: partitions.iter().map(hold).collect(), members: BTreeMap::new() }
    }

    pub(super) fn done_before(&self, partition: usize) -> i64 {
        self.holds[partition].done_before
    }

    pub(super) fn ahead(&self, partition: usize) -> DoneAhead {
        self.holds[partition].ahead.clone()
    }

    pub(super) fn has_member(&self, member: u64) -> bool {
        self.members.contains_key(&member)
    }

    /// Whether this generation of the partition is still held.
    pub(super) fn is_held(&self, partition: usize, generation: u64) -> bool {
        let hold = &self.holds[partition];
        hold.owner.is_some() && hold.generation == generation
    }

    /// Marks done; never goes back.
    pub(super) fn advance(&mut self, partition: usize, done_before: i64) {
        let hold = &mut self.holds[partition];
        hold.done_before = hold.done_before.max(done_before);
    }

    /// Keeps what is done behind that for the next reader.
    pub(super) fn keep_ahead(&mut self, partition: usize, ahead: DoneAhead) {
        self.holds[partition].ahead = ahead;
    }

    /// Adds a member; returns what tells it of partitions given to it, and
    /// the partitions that changed hands.
    pub(super) fn join(&mut self, member: u64) -> (Arc<Notify>, Vec<usize>) {
        let told = self.members.entry(member).or_default().told.clone();
        (told, self.rebalance())
    }

    /// Removes a member; returns the partitions that changed hands.
    pub(super) fn leave(&mut self, member: u64) -> Vec<usize> {
        if let Some(gone) = self.members.remove(&member) {
            gone.told.notify_one();
        }
        self.rebalance()
    }

    /// The next partition given to this member that is still its own.
    pub(super) fn next_given(&mut self, member: u64) -> Option<(usize, u64)> {
        let given = &mut self.members.get_mut(&member)?.given;
        while let Some((partition, generation)) = given.pop_front() {
            let hold = &self.holds[partition];
            if hold.owner == Some(member) && hold.generation == generation {
                return Some((partition, generation));
            }
        }
        None
    }

    /// Divides the partitions evenly and moves as few as that allows.
    fn rebalance(&mut self) -> Vec<usize> {
        let mut room = self.quotas();
        let mut free = Vec::new();
        for (partition, hold) in self.holds.iter().enumerate() {
            match hold.owner.and_then(|owner| room.get_mut(&owner)) {
                Some(left) if *left > 0 => *left -= 1,
                _ => free.push(partition),
            }
        }
        let mut takers = room.iter().flat_map(|(&member, &left)| std::iter::repeat_n(member, left));
        for &partition in &free {
            let hold = &mut self.holds[partition];
            hold.owner = takers.next();
            hold.generation += 1;
            if let Some(member) = hold.owner.and_then(|owner| self.members.get_mut(&owner)) {
                member.given.push_back((partition, hold.generation));
                member.told.notify_one();
            }
        }
        for (id, member) in &mut self.members {
            let holds = &self.holds;
            member.given.retain(|&(partition, generation)| {
                holds[partition].owner == Some(*id) && holds[partition].generation == generation
            });
        }
        free
    }

    /// How many partitions each member is to hold: those with the most now
    /// get what does not divide evenly.
    fn quotas(&self) -> BTreeMap<u64, usize> {
        let count = self.members.len().max(1);
        let (each, rest) = (self.holds.len() / count, self.holds.len() % count);
        let held = |member: u64| self.holds.iter().filter(|hold| hold.owner == Some(member)).count();
        let mut ids: Vec<u64> = self.members.keys().copied().collect();
        ids.sort_by_key(|&id| std::cmp::Reverse(held(id)));
        ids.into_iter().enumerate().map(|(place, id)| (id, each + usize::from(place < rest))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whoever joins and leaves: every partition has one owner, loads
        /// differ by one at most, and only free or surplus partitions move.
        #[test]
        fn partitions_stay_divided(steps in proptest::collection::vec((any::<bool>(), 0u64..6), 1..40)) {
            let logs: Vec<PartitionLog> = (0..7).map(|_| PartitionLog::default()).collect();
            let mut group = Group::new(&logs);
            for (joins, id) in steps {
                let before: Vec<Option<u64>> = group.holds.iter().map(|hold| hold.owner).collect();
                let moved = if joins && !group.members.contains_key(&id) {
                    group.join(id).1
                } else {
                    group.leave(id)
                };
                let mut loads: BTreeMap<u64, usize> = group.members.keys().map(|&id| (id, 0)).collect();
                for (partition, hold) in group.holds.iter().enumerate() {
                    prop_assert_eq!(hold.owner.is_some(), !group.members.is_empty());
                    if let Some(owner) = hold.owner {
                        *loads.get_mut(&owner).expect("a member") += 1;
                    }
                    prop_assert!(hold.owner == before[partition] || moved.contains(&partition));
                }
                if let (Some(most), Some(least)) = (loads.values().max(), loads.values().min()) {
                    prop_assert!(most - least <= 1);
                }
            }
        }
    }
}
