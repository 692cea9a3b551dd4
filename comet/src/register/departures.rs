//! Sessions that ended and rooms that emptied, on their way to logic: batched, repeated until answered, bounded.
//!
//! What is dropped at the bound harms nobody for long: the entries name this comet and its epoch, jobs that follow them
//! are told that nobody is here, and the directory forgets them with the comet.

use std::collections::VecDeque;
use std::time::Duration;

use oort_api::metrics::Counter;
use oort_api::pb::oort::v1::{RoomRef, SessionRef};
use parking_lot::Mutex;
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Inner {
    sessions: VecDeque<SessionRef>,
    rooms: VecDeque<RoomRef>,
}

/// Departures that logic has not been told of.
#[derive(Debug)]
pub(crate) struct Departures {
    inner: Mutex<Inner>,
    wake: Notify,
    /// Who tells logic has it, until it answered.
    turn: tokio::sync::Mutex<()>,
    count_max: usize,
    dropped: Counter,
}

/// What goes in one round.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) sessions: Vec<SessionRef>,
    pub(crate) rooms: Vec<RoomRef>,
}

impl Departures {
    pub(crate) fn new(count_max: usize, dropped: Counter) -> Self {
        Self {
            inner: Mutex::default(),
            wake: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            count_max,
            dropped,
        }
    }

    /// Adds a session that ended and rooms that emptied.
    pub(crate) fn add(&self, session: Option<SessionRef>, rooms: impl IntoIterator<Item = RoomRef>) {
        let mut inner = self.inner.lock();
        inner.sessions.extend(session);
        inner.rooms.extend(rooms);
        self.bound(&mut inner);
        drop(inner);
        self.wake.notify_one();
    }

    fn bound(&self, inner: &mut Inner) {
        let excess = |len: usize| len.saturating_sub(self.count_max);
        let (sessions, rooms) = (excess(inner.sessions.len()), excess(inner.rooms.len()));
        inner.sessions.drain(..sessions);
        inner.rooms.drain(..rooms);
        self.dropped.inc_by((sessions + rooms) as u64);
    }

    /// Waits for something to tell, and then `delay` for what comes with it.
    pub(crate) async fn gathered(&self, delay: Duration) {
        self.wake.notified().await;
        tokio::time::sleep(delay).await;
    }

    /// To be held from [`Self::take`] until logic has answered: whoever gets it then knows that nothing is under way.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The oldest, at most so many of each; `None` = nothing is left.
    pub(crate) fn take(&self, count_max: usize) -> Option<Batch> {
        let mut inner = self.inner.lock();
        let sessions = inner.sessions.len().min(count_max);
        let rooms = inner.rooms.len().min(count_max);
        let sessions: Vec<_> = inner.sessions.drain(..sessions).collect();
        let rooms: Vec<_> = inner.rooms.drain(..rooms).collect();
        (!sessions.is_empty() || !rooms.is_empty()).then_some(Batch { sessions, rooms })
    }

    /// Puts back what could not be told.
    pub(crate) fn put_back(&self, batch: Batch) {
        let mut inner = self.inner.lock();
        batch.sessions.into_iter().rev().for_each(|session| inner.sessions.push_front(session));
        batch.rooms.into_iter().rev().for_each(|room| inner.rooms.push_front(room));
        self.bound(&mut inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(version: i64) -> SessionRef {
        SessionRef { version, ..SessionRef::default() }
    }

    #[test]
    fn order_survives_a_failure_and_the_oldest_are_dropped_at_the_bound() {
        let departures = Departures::new(3, Counter::default());
        (1..=3).for_each(|version| departures.add(Some(session(version)), []));
        let batch = departures.take(2).unwrap();
        departures.put_back(batch);
        departures.add(Some(session(4)), []);
        let left: Vec<i64> = departures.take(9).unwrap().sessions.iter().map(|s| s.version).collect();
        assert_eq!(left, [2, 3, 4]);
        assert_eq!(departures.dropped.get(), 1);
        assert!(departures.take(9).is_none());
    }
}
