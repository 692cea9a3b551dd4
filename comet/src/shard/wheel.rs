//! The timer wheel of a shard: one list of connections per slot of time. Sans-I/O.
//!
//! An entry costs sixteen bytes and is never moved when a connection is used:
//! at its time the connection is asked what is due, and put in again.

/// Who is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Slot of the connection in the shard's slab.
    pub(crate) slot: u32,
    /// Which of the connections that had this slot.
    pub(crate) version: i64,
}

/// Slots of the wheel. What lies further ahead is asked early and put in again.
const SLOTS: usize = 128;

/// A wheel of [`SLOTS`] slots.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Entry>>,
    /// The slot that is now.
    now: usize,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now: 0 }
    }

    /// Has `entry` come up after `slots` more turns: at least one, at most a round of the wheel less one.
    pub(crate) fn add(&mut self, entry: Entry, slots: u64) {
        let ahead = usize::try_from(slots).unwrap_or(SLOTS).clamp(1, SLOTS - 1);
        let index = (self.now + ahead) % SLOTS;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.push(entry);
        }
    }

    /// Moves on by one slot and returns what is due. Give the list back with [`Wheel::give_back`].
    pub(crate) fn turn(&mut self) -> Vec<Entry> {
        self.now = (self.now + 1) % SLOTS;
        self.slots.get_mut(self.now).map(std::mem::take).unwrap_or_default()
    }

    /// Keeps the memory of a list that was dealt with, unless it is large.
    pub(crate) fn give_back(&mut self, mut list: Vec<Entry>) {
        const KEPT: usize = 1024;
        let slot = self.slots.get_mut(self.now);
        if let Some(slot) = slot.filter(|slot| slot.is_empty() && list.capacity() <= KEPT) {
            list.clear();
            *slot = list;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(slot: u32) -> Entry {
        Entry { slot, version: 1 }
    }

    #[test]
    fn entries_come_up_in_their_time_and_once() {
        let mut wheel = Wheel::new();
        wheel.add(entry(1), 1);
        wheel.add(entry(3), 3);
        wheel.add(entry(0), 0);
        let due: Vec<Vec<Entry>> = (0..200).map(|_| wheel.turn()).collect();
        assert_eq!(due[0], [entry(1), entry(0)]);
        assert_eq!(due[2], [entry(3)]);
        assert_eq!(due.iter().map(Vec::len).sum::<usize>(), 3);
    }

    #[test]
    fn what_is_far_ahead_is_asked_within_a_round() {
        let mut wheel = Wheel::new();
        wheel.add(entry(9), 10_000);
        let turn = (1..=SLOTS).find(|_| !wheel.turn().is_empty());
        assert_eq!(turn, Some(SLOTS - 1));
    }
}
