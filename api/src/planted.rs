//! Bugs that a simulation plants, to see that it finds them. Compiled in with the feature `simulation` only, and even
//! then absent but on a thread that planted one.

use std::cell::Cell;

/// A bug: what some server of this kind got wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The job takes a record for done as soon as it is routed, before any comet acknowledged it.
    OffsetBeforeAck,
    /// A place once given out is remembered, though its transaction failed.
    SeqOutsideTransaction,
    /// A disconnect removes what is recorded, without comparing epoch and version.
    DisconnectWithoutVersion,
    /// The publisher takes a row for published when it is handed over, whatever the bus answers.
    PublishedBeforeAnswer,
    /// The greeting reads the heads before the session's rooms are entered.
    HeadsBeforeRooms,
    /// A comet takes sessions before its lease is recorded.
    SessionsBeforeLease,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug on this thread, in place of the one before; `None` = none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this thread has the bug.
#[must_use]
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
