//! Which offset of a partition may be committed. Sans-I/O.

use std::collections::VecDeque;

use oort_api::bus::DoneAhead;
use tokio::time::Instant;

/// Records of one partition between reading and committing.
///
/// A record starts with one share, the pipeline's own; routing adds one for
/// each comet. It is finished when all its shares are, and it is done when it
/// and everything before it is finished.
#[derive(Debug, Default)]
pub(crate) struct OffsetTracker {
    /// In the order of offsets.
    records: VecDeque<Tracked>,
    bytes: usize,
    routed: usize,
}

#[derive(Debug)]
struct Tracked {
    offset: i64,
    shares: u32,
    bytes: usize,
    is_routed: bool,
    begun_at: Instant,
}

impl OffsetTracker {
    /// Takes a record. Offsets rise; a lower one than before is ignored and
    /// answered with `false`.
    pub(crate) fn begin(&mut self, offset: i64, bytes: usize, now: Instant) -> bool {
        if self.records.back().is_some_and(|last| last.offset >= offset) {
            return false;
        }
        self.records.push_back(Tracked { offset, shares: 1, bytes, is_routed: false, begun_at: now });
        self.bytes += bytes;
        true
    }

    /// The record was routed: it waits for `shares` comets, and for its
    /// pipeline's own share no longer. Answers with its begin when that
    /// finished it.
    pub(crate) fn routed(&mut self, offset: i64, shares: u32) -> Option<Instant> {
        #[cfg(feature = "simulation")]
        let shares = match oort_api::planted::is(oort_api::planted::Bug::OffsetBeforeAck) {
            true => 0,
            false => shares,
        };
        let record = self.find(offset)?;
        if !record.is_routed && record.shares > 0 {
            record.is_routed = true;
            record.shares += shares;
            self.routed += 1;
        }
        self.finish(offset)
    }

    /// Adds shares to a record that is not finished.
    pub(crate) fn add(&mut self, offset: i64, shares: u32) {
        if let Some(record) = self.find(offset)
            && record.shares > 0
        {
            record.shares += shares;
        }
    }

    /// One share of the record is finished. Answers with its begin when that
    /// finished it.
    pub(crate) fn finish(&mut self, offset: i64) -> Option<Instant> {
        let record = self.find(offset)?;
        if record.shares == 0 {
            return None;
        }
        record.shares -= 1;
        if record.shares > 0 {
            return None;
        }
        let (is_routed, begun_at) = (record.is_routed, record.begun_at);
        self.routed -= usize::from(is_routed);
        Some(begun_at)
    }

    /// The highest offset that became done since the last call.
    pub(crate) fn take_done(&mut self) -> Option<i64> {
        let mut done = None;
        while let Some(first) = self.records.front()
            && first.shares == 0
        {
            done = Some(first.offset);
            self.bytes -= first.bytes;
            self.records.pop_front();
        }
        done
    }

    /// The first record that is not done, if any, and what is finished behind it.
    pub(crate) fn ahead(&self) -> (Option<i64>, DoneAhead) {
        let mut ahead = DoneAhead::default();
        let mut unfinished = self.records.iter().skip_while(|record| record.shares == 0).peekable();
        let first = unfinished.peek().map(|record| record.offset);
        unfinished.filter(|record| record.shares == 0).for_each(|record| ahead.push(record.offset));
        (first, ahead)
    }

    /// Records that are not done.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// When the oldest record that is not finished was read.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.records.iter().find(|record| record.shares > 0).map(|record| record.begun_at)
    }

    /// Bytes of records that are not done.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records that were routed and are not finished.
    pub(crate) fn routed_unfinished(&self) -> usize {
        self.routed
    }

    fn find(&mut self, offset: i64) -> Option<&mut Tracked> {
        let index = self.records.binary_search_by_key(&offset, |record| record.offset).ok()?;
        self.records.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hole_holds_back_what_is_finished_behind_it() {
        let mut tracker = OffsetTracker::default();
        let now = Instant::now();
        for offset in [3, 5, 9] {
            assert!(tracker.begin(offset, 10, now));
        }
        assert!(!tracker.begin(9, 10, now));
        tracker.routed(5, 0);
        tracker.routed(9, 1);
        assert_eq!(tracker.take_done(), None);
        tracker.routed(3, 2);
        tracker.finish(3);
        assert_eq!((tracker.take_done(), tracker.len(), tracker.bytes()), (None, 3, 30));
        tracker.finish(3);
        assert_eq!(tracker.take_done(), Some(5));
        tracker.finish(9);
        assert_eq!(tracker.take_done(), Some(9));
        assert_eq!((tracker.len(), tracker.bytes(), tracker.routed_unfinished()), (0, 0, 0));
    }

    proptest! {
        /// Against a model: done is exactly the longest finished prefix.
        #[test]
        fn done_is_the_longest_finished_prefix(
            gaps in prop::collection::vec(1_i64..5, 1..40),
            steps in prop::collection::vec((0_usize..40, 0_u32..4, 0_u8..3), 0..200),
        ) {
            let mut tracker = OffsetTracker::default();
            let mut model: BTreeMap<i64, (u32, bool)> = BTreeMap::new();
            let mut offset = 0;
            for gap in gaps {
                offset += gap;
                tracker.begin(offset, 1, Instant::now());
                model.insert(offset, (1, false));
            }
            let offsets: Vec<i64> = model.keys().copied().collect();
            let mut committed = 0;
            for (index, shares, kind) in steps {
                let offset = offsets[index % offsets.len()];
                let entry = model.get_mut(&offset).expect("known");
                if entry.0 > 0 {
                    match kind {
                        0 if !entry.1 => {
                            tracker.routed(offset, shares);
                            *entry = (entry.0 + shares - 1, true);
                        }
                        1 => { tracker.add(offset, shares); entry.0 += shares; }
                        _ => { tracker.finish(offset); entry.0 -= 1; }
                    }
                } else {
                    prop_assert!(tracker.finish(offset).is_none());
                }
                let prefix = model.iter().take_while(|(_, (shares, _))| *shares == 0).last().map_or(0, |(o, _)| *o);
                if let Some(done) = tracker.take_done() {
                    prop_assert!(done > committed);
                    committed = done;
                }
                prop_assert_eq!(committed, prefix);
                let (first, ahead) = tracker.ahead();
                prop_assert_eq!(first, model.iter().find(|(_, (shares, _))| *shares > 0).map(|(o, _)| *o));
                for (offset, (shares, _)) in &model {
                    prop_assert_eq!(ahead.contains(*offset), *shares == 0 && *offset > committed);
                }
                prop_assert_eq!(tracker.len(), model.range(committed + 1..).count());
                prop_assert_eq!(tracker.bytes(), tracker.len());
                prop_assert_eq!(
                    tracker.routed_unfinished(),
                    model.values().filter(|(shares, routed)| *shares > 0 && *routed).count()
                );
            }
        }
    }
}
