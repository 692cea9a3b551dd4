//! Order and duplicates of one conversation, by its dense seqs. Sans-I/O.
//!
//! A reader that sees seqs from several writers may see them out of order for
//! a moment, or twice. [`SeqWindow`] says what to do with each: pass it on,
//! hold it until an earlier one arrives, or drop it as seen.

use std::collections::{BTreeMap, BTreeSet};

/// What [`SeqWindow::offer`] decided.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// Pass these on now, in this order.
    Deliver(Vec<T>),
    /// It waits for an earlier seq.
    Held,
    /// It was passed on before.
    Duplicate,
}

/// The window of one conversation. Starts with the first seq it is shown.
#[derive(Debug)]
pub struct SeqWindow<T> {
    /// The next seq to pass on; 0 = nothing seen yet.
    next: i64,
    /// Nothing is known of seqs below this one: they pass as new.
    known_from: i64,
    held: BTreeMap<i64, T>,
    /// Seqs below `next` that never came: given up, but welcome when late.
    skipped: BTreeSet<i64>,
}

/// Most seqs remembered as given up. Beyond it the oldest are forgotten, and
/// everything up to them passes as new: a duplicate at worst, never a loss.
const SKIPPED_MAX: i64 = 1024;

impl<T> Default for SeqWindow<T> {
    fn default() -> Self {
        Self { next: 0, known_from: 0, held: BTreeMap::new(), skipped: BTreeSet::new() }
    }
}

impl<T> SeqWindow<T> {
    /// Takes one item.
    pub fn offer(&mut self, seq: i64, item: T) -> Verdict<T> {
        if self.next == 0 {
            self.known_from = seq;
            self.next = seq + 1;
            return Verdict::Deliver(vec![item]);
        }
        if seq < self.next {
            let is_new = seq < self.known_from || self.skipped.remove(&seq);
            return if is_new { Verdict::Deliver(vec![item]) } else { Verdict::Duplicate };
        }
        if seq > self.next {
            return if self.held.insert(seq, item).is_some() { Verdict::Duplicate } else { Verdict::Held };
        }
        self.next += 1;
        let mut ready = vec![item];
        self.take_ready(&mut ready);
        Verdict::Deliver(ready)
    }

    /// Stops waiting: passes on all that is held and remembers the holes.
    pub fn give_up(&mut self) -> Vec<T> {
        let mut ready = Vec::new();
        while let Some((&seq, _)) = self.held.first_key_value() {
            let gap_end_remembered = seq.saturating_sub(SKIPPED_MAX);
            if gap_end_remembered > self.next {
                self.known_from = gap_end_remembered;
                self.skipped.clear();
            }
            self.skipped.extend(self.next.max(gap_end_remembered)..seq);
            self.next = seq;
            self.take_ready(&mut ready);
        }
        while self.skipped.len() > SKIPPED_MAX as usize {
            if let Some(forgotten) = self.skipped.pop_first() {
                self.known_from = forgotten + 1;
            }
        }
        ready
    }

    /// Items waiting for an earlier seq.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.held.len()
    }

    fn take_ready(&mut self, ready: &mut Vec<T>) {
        while let Some(item) = self.held.remove(&self.next) {
            ready.push(item);
            self.next += 1;
        }
    }
}
