//! Messages of one partition in the order of their seqs. Sans-I/O.
//!
//! Two logic nodes that write to one conversation publish independently, so
//! seq 8 may stand before seq 7. What comes too early waits here for a moment;
//! what was seen before is dropped. Records without a seq (events, transient
//! pushes) keep their place behind the messages of their conversation that
//! came before them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem;
use std::time::Duration;

use oort_api::seq_window::{SeqWindow, Verdict};
use tokio::time::Instant;

/// One record offered; `conversation` 0 = it has no order to keep, `seq` 0 =
/// it has no place of its own.
#[derive(Debug)]
pub(crate) struct Offer<T> {
    pub(crate) conversation: i64,
    pub(crate) seq: i64,
    pub(crate) item: T,
}

/// What comes out.
#[derive(Debug)]
pub(crate) struct Released<T> {
    /// To be passed on, in this order.
    pub(crate) ready: Vec<T>,
    /// Seen before.
    pub(crate) duplicates: Vec<T>,
    /// Items that have to wait.
    pub(crate) held: usize,
    /// Conversations that waited no longer.
    pub(crate) give_ups: usize,
}

impl<T> Default for Released<T> {
    fn default() -> Self {
        Self { ready: Vec::new(), duplicates: Vec::new(), held: 0, give_ups: 0 }
    }
}

/// Bounds of [`Reorder`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Longest wait of an item for one that is missing for certain.
    pub(crate) wait: Duration,
    /// Longest wait for the first seq of a conversation that may have gone
    /// before this reader came.
    pub(crate) start_wait: Duration,
    /// Items waiting.
    pub(crate) held_max: usize,
    /// Conversations remembered.
    pub(crate) conversations_max: usize,
}

/// The windows of the conversations of one partition.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    bounds: Bounds,
    /// Conversations used lately, and before that: when the first map holds
    /// half of what may be remembered, it takes the place of the second.
    recent: HashMap<i64, Lane<T>>,
    older: HashMap<i64, Lane<T>>,
    /// Conversations with items waiting, by when they wait no longer. An
    /// entry may be out of date; the lane knows.
    waiting: BTreeSet<(Instant, i64)>,
    held: usize,
}

/// A conversation first seen at a seq up to this one has just begun: its first
/// messages may have been overtaken on the way, so they are waited for. (One
/// that is merely quiet waits as long, once for each reader of its partition.)
const YOUNG_SEQ_MAX: i64 = 64;

#[derive(Debug)]
struct Lane<T> {
    window: SeqWindow<i64>,
    held: BTreeMap<i64, T>,
    /// Items without a seq, each behind the seq given.
    parked: VecDeque<(i64, T)>,
    /// When what is held waits no longer.
    deadline: Option<Instant>,
    /// It waits for the first seq of all, which may never come.
    is_starting: bool,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            window: SeqWindow::default(),
            held: BTreeMap::new(),
            parked: VecDeque::new(),
            deadline: None,
            is_starting: false,
        }
    }
}

impl<T> Lane<T> {
    fn waiting(&self) -> usize {
        self.held.len() + self.parked.len()
    }

    fn offer(&mut self, seq: i64, item: T, released: &mut Released<T>) {
        if seq == 0 {
            match self.held.last_key_value() {
                Some((&last, _)) => {
                    released.held += 1;
                    self.parked.push_back((last, item));
                }
                None => released.ready.push(item),
            }
            return;
        }
        if self.window.is_fresh() && (2..=YOUNG_SEQ_MAX).contains(&seq) {
            self.window = SeqWindow::from_first();
            self.is_starting = true;
        }
        match self.window.offer(seq, seq) {
            Verdict::Duplicate => released.duplicates.push(item),
            Verdict::Held => {
                released.held += 1;
                self.held.insert(seq, item);
            }
            Verdict::Deliver(seqs) => {
                if std::mem::take(&mut self.is_starting) {
                    self.deadline = None;
                }
                released.ready.push(item);
                self.emit(&seqs, released);
            }
        }
    }

    fn give_up(&mut self, released: &mut Released<T>) {
        let seqs = self.window.give_up();
        self.is_starting = false;
        self.emit(&seqs, released);
    }

    fn emit(&mut self, seqs: &[i64], released: &mut Released<T>) {
        for &seq in seqs {
            if let Some(item) = self.held.remove(&seq) {
                self.emit_parked(seq - 1, released);
                released.ready.push(item);
            }
        }
        let first_held = self.held.first_key_value().map_or(i64::MAX, |(&seq, _)| seq);
        self.emit_parked(first_held - 1, released);
        if self.held.is_empty() {
            self.deadline = None;
        }
    }

    /// Passes on what stands behind `last` or an earlier seq.
    fn emit_parked(&mut self, last: i64, released: &mut Released<T>) {
        while self.parked.front().is_some_and(|(behind, _)| *behind <= last) {
            released.ready.extend(self.parked.pop_front().map(|(_, item)| item));
        }
    }
}

impl<T> Reorder<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, recent: HashMap::new(), older: HashMap::new(), waiting: BTreeSet::new(), held: 0 }
    }

    /// Takes the records of one poll.
    ///
    /// A window starts with the first seq it is shown. To start it with the
    /// lowest one of the poll, what stands before that one is offered after it.
    pub(crate) fn offer(&mut self, offers: Vec<Offer<T>>, now: Instant) -> Released<T> {
        let mut released = Released::default();
        let mut starts = self.starts(&offers);
        for offer in offers {
            let Some(start) = starts.get_mut(&offer.conversation) else {
                self.offer_one(offer, now, &mut released);
                continue;
            };
            if offer.seq != start.lowest {
                start.early.push(offer);
                continue;
            }
            let early = starts.remove(&offer.conversation).map(|start| start.early).unwrap_or_default();
            self.offer_one(offer, now, &mut released);
            for offer in early {
                self.offer_one(offer, now, &mut released);
            }
        }
        self.enforce_bound(&mut released);
        released
    }

    /// Passes on what has waited long enough.
    pub(crate) fn expire(&mut self, now: Instant) -> Released<T> {
        let mut released = Released::default();
        while let Some(deadline) = self.deadline()
            && deadline <= now
        {
            self.give_up_first(&mut released);
        }
        released
    }

    /// When [`Reorder::expire`] has something to do, at the latest.
    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        while let Some(&(deadline, conversation)) = self.waiting.first() {
            if self.peek(conversation).is_some_and(|lane| lane.deadline == Some(deadline)) {
                return Some(deadline);
            }
            self.waiting.pop_first();
        }
        None
    }

    /// Items waiting.
    pub(crate) fn held_len(&self) -> usize {
        self.held
    }

    /// Conversations whose window starts with this poll and whose lowest seq
    /// is not the first.
    fn starts(&self, offers: &[Offer<T>]) -> HashMap<i64, Start<T>> {
        let mut seen: HashMap<i64, (i64, i64)> = HashMap::new();
        for offer in offers.iter().filter(|offer| offer.conversation != 0 && offer.seq != 0) {
            let (_, lowest) = seen.entry(offer.conversation).or_insert((offer.seq, offer.seq));
            *lowest = (*lowest).min(offer.seq);
        }
        seen.into_iter()
            .filter(|(conversation, (first, lowest))| first != lowest && self.peek(*conversation).is_none())
            .map(|(conversation, (_, lowest))| (conversation, Start { lowest, early: Vec::new() }))
            .collect()
    }

    fn offer_one(&mut self, offer: Offer<T>, now: Instant, released: &mut Released<T>) {
        if offer.conversation == 0 || (offer.seq == 0 && self.peek(offer.conversation).is_none()) {
            released.ready.push(offer.item);
            return;
        }
        let Bounds { wait, start_wait, .. } = self.bounds;
        let lane = self.lane(offer.conversation);
        let before = lane.waiting();
        lane.offer(offer.seq, offer.item, released);
        let after = lane.waiting();
        if after > 0 && lane.deadline.is_none() {
            let deadline = now + if lane.is_starting { start_wait } else { wait };
            lane.deadline = Some(deadline);
            self.waiting.insert((deadline, offer.conversation));
        }
        self.held = self.held + after - before;
    }

    fn enforce_bound(&mut self, released: &mut Released<T>) {
        while self.held > self.bounds.held_max && self.deadline().is_some() {
            self.give_up_first(released);
        }
    }

    fn give_up_first(&mut self, released: &mut Released<T>) {
        let Some((_, conversation)) = self.waiting.pop_first() else { return };
        let lane = self.lane(conversation);
        let before = lane.waiting();
        lane.give_up(released);
        self.held -= before;
        released.give_ups += 1;
    }

    fn peek(&self, conversation: i64) -> Option<&Lane<T>> {
        self.recent.get(&conversation).or_else(|| self.older.get(&conversation))
    }

    fn lane(&mut self, conversation: i64) -> &mut Lane<T> {
        if !self.recent.contains_key(&conversation) {
            let lane = self.older.remove(&conversation).unwrap_or_default();
            if self.recent.len() >= self.bounds.conversations_max.div_ceil(2) {
                self.turn_over();
            }
            self.recent.insert(conversation, lane);
        }
        self.recent.entry(conversation).or_default()
    }

    /// Forgets the conversations of the second map, except those with items
    /// waiting, of which there are at most as many as may wait.
    fn turn_over(&mut self) {
        let forgotten = mem::replace(&mut self.older, mem::take(&mut self.recent));
        self.older.extend(forgotten.into_iter().filter(|(_, lane)| lane.waiting() > 0));
    }
}

#[derive(Debug)]
struct Start<T> {
    lowest: i64,
    early: Vec<Offer<T>>,
}

#[cfg(test)]
#[path = "reorder_tests.rs"]
mod tests;
