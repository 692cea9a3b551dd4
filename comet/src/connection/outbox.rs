//! What waits for one client, and when the client is behind. Sans-I/O.
//!
//! An outbox that is live and empty is one word and a byte; a box is made when something waits. No frame of a
//! conversation vanishes: it is written, waits within the budget, or is noted in the report of a session that is behind.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::IoSlice;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::delivery::{Chunk, Class, Prepared};
use crate::dialect::Dialect;

/// Bounds of an outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Bytes that may wait.
    pub(crate) bytes_max: usize,
    /// Conversations a report may name.
    pub(crate) rooms_max: usize,
}

/// Memory of one waiting piece beside its bytes, for the budget.
const PIECE_BYTES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client has not been greeted: frames wait until it was.
    Held,
    /// Frames go out.
    Live,
    /// Nothing more goes out but what waits.
    Closed,
}

/// What to do with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Nothing waits: write it, then [`Outbox::keep`] what was not taken.
    Write,
    /// It waits.
    Queued,
    /// It was noted; the session is behind. `began`: only now.
    Behind {
        /// The session was not behind before.
        began: bool,
        /// Frames noted.
        noted: u32,
        /// Frames that are stored nowhere, and lost for this session.
        lost: u32,
    },
    /// The budget is used up and this client cannot be told that it is behind: close it.
    Overflow,
    /// The connection is closing.
    Ignored,
}

/// What a session that was behind must pull.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Report {
    /// Conversation to the highest seq withheld. Empty: everything must be synced.
    pub(crate) heads: HashMap<i64, i64>,
}

#[derive(Debug, Default)]
struct Missed {
    heads: HashMap<i64, i64>,
    /// Those of `heads` of which a cursor or a change was withheld: no greeting makes up for it.
    changed: HashSet<i64>,
    /// More than `heads` can tell.
    everything: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    /// Bytes of `pieces`, with [`PIECE_BYTES`] each.
    bytes: usize,
    held: Vec<Arc<Prepared>>,
    held_bytes: usize,
    missed: Option<Missed>,
}

/// The outgoing side of one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    phase: Phase,
    waiting: Option<Box<Waiting>>,
}

impl Missed {
    fn note(&mut self, frames: &[Arc<Prepared>], rooms_max: usize) -> (u32, u32) {
        let (mut noted, mut lost) = (0, 0);
        for frame in frames {
            match frame.class() {
                Class::Message { conversation, seq } => {
                    noted += 1;
                    if let Some(head) = self.heads.get_mut(&conversation) {
                        *head = seq.max(*head);
                    } else if self.heads.len() < rooms_max {
                        self.heads.insert(conversation, seq);
                    } else {
                        self.everything = true;
                    }
                }
                Class::Cursor { conversation } => {
                    noted += 1;
                    if self.heads.len() < rooms_max || self.heads.contains_key(&conversation) {
                        self.heads.entry(conversation).or_insert(0);
                        self.changed.insert(conversation);
                    } else {
                        self.everything = true;
                    }
                }
                Class::Event => {
                    noted += 1;
                    self.everything = true;
                }
                Class::Transient => lost += 1,
            }
        }
        (noted, lost)
    }
}

impl Outbox {
    /// The outbox of a client that is not greeted yet.
    pub(crate) const fn new() -> Self {
        Self { phase: Phase::Held, waiting: None }
    }

    fn waiting(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_default()
    }

    /// Bytes wait for the socket.
    pub(crate) fn has_backlog(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.pieces.is_empty())
    }

    /// Live with nothing waiting: pieces can be written at once.
    pub(crate) fn is_clear(&self) -> bool {
        self.phase == Phase::Live && self.waiting.is_none()
    }

    /// Offers frames of jobs.
    pub(crate) fn offer(&mut self, chunk: &Chunk, dialect: Dialect, budget: &Budget) -> Offer {
        match (self.phase, &self.waiting) {
            (Phase::Closed, _) => return Offer::Ignored,
            (Phase::Live, None) => return Offer::Write,
            _ => {}
        }
        let bytes = chunk.bytes(dialect);
        if bytes.is_empty() {
            return Offer::Ignored;
        }
        let is_held = self.phase == Phase::Held;
        let waiting = self.waiting();
        if let Some(missed) = &mut waiting.missed {
            let (noted, lost) = missed.note(chunk.frames(), budget.rooms_max);
            return Offer::Behind { began: false, noted, lost };
        }
        let cost = bytes.len() + PIECE_BYTES;
        if waiting.bytes + waiting.held_bytes + cost <= budget.bytes_max {
            if is_held {
                waiting.held.extend_from_slice(chunk.frames());
                waiting.held_bytes += cost;
            } else {
                waiting.pieces.push_back(bytes.clone());
                waiting.bytes += cost;
            }
            return Offer::Queued;
        }
        if !dialect.can_be_behind() {
            return Offer::Overflow;
        }
        let missed = waiting.missed.insert(Missed::default());
        let (held, _) = missed.note(&std::mem::take(&mut waiting.held), budget.rooms_max);
        waiting.held_bytes = 0;
        let (noted, lost) = missed.note(chunk.frames(), budget.rooms_max);
        Offer::Behind { began: true, noted: noted + held, lost }
    }

    /// Offers an answer to the client's own command, or a control frame. They may go out before the greeting.
    pub(crate) fn offer_own(&mut self, bytes: &Bytes, budget: &Budget) -> Offer {
        if self.phase == Phase::Closed || bytes.is_empty() {
            return Offer::Ignored;
        }
        let Some(waiting) = &mut self.waiting else { return Offer::Write };
        if waiting.pieces.is_empty() {
            return Offer::Write;
        }
        let cost = bytes.len() + PIECE_BYTES;
        if waiting.bytes + cost > budget.bytes_max {
            return Offer::Overflow;
        }
        waiting.pieces.push_back(bytes.clone());
        waiting.bytes += cost;
        Offer::Queued
    }

    /// Keeps the rest of a piece that was begun, or could not be, after [`Offer::Write`]. It is kept whatever the budget:
    /// half a frame cannot be taken back.
    pub(crate) fn keep(&mut self, rest: Bytes) {
        if !rest.is_empty() {
            let waiting = self.waiting();
            waiting.bytes += rest.len() + PIECE_BYTES;
            waiting.pieces.push_back(rest);
        }
    }

    /// Ends the hold. `heads` is what the greeting shows; messages in it are not sent again. What is returned goes out
    /// right behind the greeting, in order.
    pub(crate) fn go_live(&mut self, heads: &HashMap<i64, i64>) -> Vec<Arc<Prepared>> {
        if self.phase != Phase::Held {
            return Vec::new();
        }
        self.phase = Phase::Live;
        let is_shown =
            |conversation: &i64, seq: i64| heads.get(conversation).is_some_and(|head| *head >= seq);
        let Some(waiting) = &mut self.waiting else { return Vec::new() };
        if let Some(missed) = &mut waiting.missed {
            let Missed { heads, changed, .. } = missed;
            heads.retain(|conversation, seq| changed.contains(conversation) || !is_shown(conversation, *seq));
            if missed.heads.is_empty() && !missed.everything {
                waiting.missed = None;
            }
        }
        let mut held = std::mem::take(&mut waiting.held);
        waiting.held_bytes = 0;
        held.retain(|frame| match frame.class() {
            Class::Message { conversation, seq } => !is_shown(&conversation, seq),
            Class::Event | Class::Cursor { .. } | Class::Transient => true,
        });
        self.settle();
        held
    }

    /// The pieces that wait, as many as `slices` has places for.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let Some(waiting) = &self.waiting else { return 0 };
        waiting.pieces.iter().zip(slices).fold(0, |count, (piece, slice)| {
            *slice = IoSlice::new(piece);
            count + 1
        })
    }

    /// Takes off what the socket took.
    pub(crate) fn wrote(&mut self, mut count: usize) {
        let Some(waiting) = &mut self.waiting else { return };
        while let Some(piece) = waiting.pieces.front_mut() {
            let taken = count.min(piece.len());
            piece.advance(taken);
            waiting.bytes -= taken;
            count -= taken;
            if !piece.is_empty() {
                return;
            }
            waiting.bytes -= PIECE_BYTES;
            waiting.pieces.pop_front();
        }
    }

    /// After everything was written: what a session that was behind must pull. It is live again from here on.
    pub(crate) fn take_report(&mut self) -> Option<Report> {
        if self.phase != Phase::Live || self.has_backlog() {
            return None;
        }
        let missed = self.waiting.as_mut().and_then(|waiting| waiting.missed.take());
        self.settle();
        missed.map(|missed| Report { heads: if missed.everything { HashMap::new() } else { missed.heads } })
    }

    /// Has the client sync everything: as if it had missed more than can be told. False when it is closed.
    pub(crate) fn miss_everything(&mut self) -> bool {
        if self.phase == Phase::Closed {
            return false;
        }
        self.waiting().missed.get_or_insert_default().everything = true;
        true
    }

    /// Takes nothing more; `last` goes out behind what waits.
    pub(crate) fn close(&mut self, last: Bytes) {
        self.phase = Phase::Closed;
        if let Some(waiting) = &mut self.waiting {
            (waiting.held, waiting.held_bytes, waiting.missed) = (Vec::new(), 0, None);
        }
        self.keep(last);
    }

    /// Forgets everything.
    pub(crate) fn abandon(&mut self) {
        self.phase = Phase::Closed;
        self.waiting = None;
    }

    /// Gives the box back when nothing is in it.
    pub(crate) fn settle(&mut self) {
        let is_empty = |waiting: &Waiting| {
            waiting.pieces.is_empty() && waiting.held.is_empty() && waiting.missed.is_none()
        };
        if self.waiting.as_deref().is_some_and(is_empty) {
            self.waiting = None;
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
