//! The connections of a shard that have something to do. A connection adds itself, from wherever that turns out; the shard's
//! one task for all of them takes them in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Waker};

/// One connection: its slot, and the lower half of its version, which tells it from others that had the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) slot: u32,
    pub(crate) version: u32,
}

impl Ticket {
    /// In one word, as the system hands it back.
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.version) << 32 | u64::from(self.slot)
    }

    /// Reads back [`Ticket::pack`].
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
    pub(crate) fn unpack(word: u64) -> Self {
        Self { slot: word as u32, version: (word >> 32) as u32 }
    }
}

/// Room for so many is kept when nothing is to be done.
const KEPT: usize = 1024;

/// Who is to be looked at. No longer than there are connections: each notes that it waits here.
#[derive(Default)]
pub(crate) struct Agenda {
    waiting: RefCell<VecDeque<Ticket>>,
    /// Of the task, while it sleeps.
    sleeper: Cell<Option<Waker>>,
}

impl Agenda {
    /// Adds a connection, and wakes the task if it sleeps.
    pub(crate) fn add(&self, ticket: Ticket) {
        self.waiting.borrow_mut().push_back(ticket);
        if let Some(sleeper) = self.sleeper.take() {
            sleeper.wake();
        }
    }

    /// The next one.
    pub(crate) fn next(&self) -> Option<Ticket> {
        let mut waiting = self.waiting.borrow_mut();
        let next = waiting.pop_front();
        if next.is_none() && waiting.capacity() > KEPT {
            waiting.shrink_to(KEPT);
        }
        next
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Nothing is to be done: has the task woken by the next that is added.
    pub(crate) fn sleep(&self, context: &Context<'_>) {
        self.sleeper.set(Some(context.waker().clone()));
    }
}

impl std::fmt::Debug for Agenda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agenda").field("waiting", &self.waiting.borrow().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_the_system() {
        for ticket in [Ticket { slot: 0, version: u32::MAX }, Ticket { slot: 70_000, version: 1 }] {
            assert_eq!(Ticket::unpack(ticket.pack()), ticket);
        }
    }

    #[test]
    fn they_come_in_order_and_a_burst_leaves_no_memory() {
        let agenda = Agenda::default();
        for slot in 0..100_000 {
            agenda.add(Ticket { slot, version: 7 });
        }
        for slot in 0..100_000 {
            assert_eq!(agenda.next().map(|ticket| ticket.slot), Some(slot));
        }
        assert_eq!(agenda.next(), None);
        assert!(agenda.waiting.borrow().capacity() <= 2 * KEPT);
    }
}
