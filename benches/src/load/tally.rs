//! What one thread of the load counts, and what the threads tell each other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use crate::histogram::Recorder;
use crate::report::Verdict;

use super::acked::Acked;
use super::follower::Follower;
use super::push_sender::Ledger;
use super::receiver::Receiver;
use super::tag::Tag;

/// Known to all threads of a run.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Ids of the conversations, in the order in which the run counts them.
    pub(crate) rooms: Vec<String>,
    /// Sends acknowledged so far.
    pub(crate) acked: AtomicU64,
    /// The highest seq acknowledged of each conversation; whole when `sending` is 0.
    pub(crate) heads: Vec<AtomicI64>,
    /// Pushes accepted so far for each user that is pushed to.
    pub(crate) pushed: Vec<AtomicU64>,
    /// Threads that may still acknowledge something.
    pub(crate) sending: AtomicUsize,
}

impl Shared {
    /// For a run of `threads` threads.
    pub(crate) fn new(rooms: Vec<String>, threads: usize) -> Self {
        let heads = rooms.iter().map(|_| AtomicI64::new(0)).collect();
        let (acked, sending) = (AtomicU64::new(0), AtomicUsize::new(threads));
        Self { rooms, acked, heads, pushed: Vec::new(), sending }
    }

    /// The same, with so many users that are pushed to.
    pub(crate) fn with_users(self, users: usize) -> Self {
        Self { pushed: (0..users).map(|_| AtomicU64::new(0)).collect(), ..self }
    }

    /// A thread is done with sending.
    pub(crate) fn done_sending(&self, acked: &Acked) {
        for (room, head) in self.heads.iter().enumerate() {
            head.fetch_max(acked.head(room), Ordering::Relaxed);
        }
        self.sending.fetch_sub(1, Ordering::Release);
    }
}

/// Counts and latencies.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Sends due in this time have their latencies recorded; ns of [`crate::clock::now_ns`].
    measured: Range<u64>,
    /// Due to answered.
    pub(crate) answered: Recorder,
    /// Due to read from a member's socket.
    pub(crate) delivered: Recorder,
    /// Deliveries in each second of the measured time.
    pub(crate) deliveries: Vec<u64>,
    pub(crate) acked: Acked,
    /// Sends that the server refused, by the code of the refusal.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Sends of the schedule that were not begun in time, for want of a free sender.
    pub(crate) not_begun: u64,
    /// Sends begun to which no answer came.
    pub(crate) unanswered: u64,
    /// Sends repeated because their connection had ended.
    pub(crate) resent: u64,
    /// Times a member was told that it is behind.
    pub(crate) behind: u64,
    /// Messages that members pulled then.
    pub(crate) pulled: u64,
    /// What the sockets saw.
    pub(crate) followers: Vec<Follower>,
    /// What was pushed.
    pub(crate) ledgers: Vec<Ledger>,
    /// What the users saw who were pushed to.
    pub(crate) receivers: Vec<Receiver>,
}

impl Tally {
    /// Empty, for `rooms` conversations.
    pub(crate) fn new(measured: Range<u64>, rooms: usize) -> Self {
        let seconds =
            usize::try_from((measured.end - measured.start).div_ceil(1_000_000_000)).unwrap_or_default();
        Self {
            measured,
            answered: Recorder::new(),
            delivered: Recorder::new(),
            deliveries: vec![0; seconds],
            acked: Acked::new(rooms),
            refused: BTreeMap::new(),
            not_begun: 0,
            unanswered: 0,
            resent: 0,
            behind: 0,
            pulled: 0,
            followers: Vec::new(),
            ledgers: Vec::new(),
            receivers: Vec::new(),
        }
    }

    /// A send was acknowledged.
    pub(crate) fn ack(&mut self, shared: &Shared, room: usize, seq: i64, tag: Tag, now_ns: u64) {
        self.acked.insert(room, seq, tag.number);
        shared.acked.fetch_add(1, Ordering::Relaxed);
        self.answer(tag.due_ns, now_ns);
    }

    /// A send was answered at `now_ns`.
    pub(crate) fn answer(&mut self, due_ns: u64, now_ns: u64) {
        if self.measured.contains(&due_ns) {
            self.answered.record(now_ns.saturating_sub(due_ns));
        }
    }

    /// A send of the schedule was not begun by `end_ns`: it waited at least so long, and so did its `deliveries`.
    pub(crate) fn not_begin(&mut self, due_ns: u64, end_ns: u64, deliveries: usize) {
        self.not_begun += 1;
        self.answer(due_ns, end_ns);
        if self.measured.contains(&due_ns) {
            (0..deliveries).for_each(|_| self.delivered.record(end_ns.saturating_sub(due_ns)));
        }
    }

    /// A send was refused.
    pub(crate) fn refuse(&mut self, code: &str) {
        *self.refused.entry(code.to_owned()).or_default() += 1;
    }

    /// A member saw a message for the first time.
    pub(crate) fn deliver(&mut self, client_msg_id: &str, now_ns: u64) {
        if let Some(at) = now_ns.checked_sub(self.measured.start) {
            let second = usize::try_from(at / 1_000_000_000).unwrap_or(usize::MAX);
            if let Some(count) = self.deliveries.get_mut(second) {
                *count += 1;
            }
        }
        if let Some(tag) = Tag::parse(client_msg_id)
            && self.measured.contains(&tag.due_ns)
        {
            self.delivered.record(now_ns.saturating_sub(tag.due_ns));
        }
    }

    /// Takes in what another thread counted.
    pub(crate) fn merge(&mut self, other: Self) {
        self.answered.add(&other.answered);
        self.delivered.add(&other.delivered);
        for (own, more) in self.deliveries.iter_mut().zip(&other.deliveries) {
            *own += more;
        }
        self.acked.merge(&other.acked);
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        self.not_begun += other.not_begun;
        self.unanswered += other.unanswered;
        self.resent += other.resent;
        self.behind += other.behind;
        self.pulled += other.pulled;
        self.followers.extend(other.followers);
        self.ledgers.extend(other.ledgers);
        self.receivers.extend(other.receivers);
    }

    /// What all sockets saw of what was acknowledged to anyone.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut whole = Verdict::default();
        for follower in &self.followers {
            whole += follower.verdict(&self.acked);
        }
        for receiver in &self.receivers {
            whole += receiver.verdict(&self.ledgers);
        }
        whole
    }
}
