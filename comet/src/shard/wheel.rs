//! The timer wheel of a shard: one list of connections per slot of time. Sans-I/O.
//!
//! An entry costs eight bytes and is never moved when a connection is used: at its time the connection is asked what is
//! due, and put in again. One that was put in elsewhere meanwhile knows that, and the entry is dropped.

use super::agenda::Ticket;

/// Slots of the wheel. What lies further ahead is asked early and put in again.
const SLOTS: u32 = 128;

/// A wheel of [`SLOTS`] slots.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Ticket>>,
    /// The slot that is now.
    now: usize,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now: 0 }
    }

    /// How many turns ahead an entry is put that is to come up after so many: at least one, at most a round of the wheel
    /// less one.
    pub(crate) fn ahead(turns: u32) -> u32 {
        turns.clamp(1, SLOTS - 1)
    }

    /// Has a connection come up after so many turns, as [`Wheel::ahead`] gives them.
    pub(crate) fn add(&mut self, ticket: Ticket, ahead: u32) {
        let index = (self.now + ahead as usize) % self.slots.len();
        if let Some(slot) = self.slots.get_mut(index) {
            slot.push(ticket);
        }
    }

    /// Moves on by one slot and returns what is due. Give the list back with [`Wheel::give_back`].
    pub(crate) fn turn(&mut self) -> Vec<Ticket> {
        self.now = (self.now + 1) % self.slots.len();
        self.slots.get_mut(self.now).map(std::mem::take).unwrap_or_default()
    }

    /// Keeps the memory of a list that was dealt with, unless it is large.
    pub(crate) fn give_back(&mut self, mut list: Vec<Ticket>) {
        const KEPT: usize = 128;
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

    fn ticket(slot: u32) -> Ticket {
        Ticket { slot, version: 1 }
    }

    fn add(wheel: &mut Wheel, slot: u32, turns: u32) {
        wheel.add(ticket(slot), Wheel::ahead(turns));
    }

    #[test]
    fn entries_come_up_in_their_time_and_once() {
        let mut wheel = Wheel::new();
        add(&mut wheel, 1, 1);
        add(&mut wheel, 3, 3);
        add(&mut wheel, 0, 0);
        let due: Vec<Vec<Ticket>> = (0..200).map(|_| wheel.turn()).collect();
        assert_eq!(due[0], [ticket(1), ticket(0)]);
        assert_eq!(due[2], [ticket(3)]);
        assert_eq!(due.iter().map(Vec::len).sum::<usize>(), 3);
    }

    #[test]
    fn what_is_far_ahead_is_asked_within_a_round() {
        let mut wheel = Wheel::new();
        add(&mut wheel, 9, 10_000);
        let turn = (1..=SLOTS).find(|_| !wheel.turn().is_empty());
        assert_eq!(turn, Some(SLOTS - 1));
    }
}
