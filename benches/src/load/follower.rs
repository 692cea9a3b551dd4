//! What one connection sees of its conversations, held against what was acknowledged.

use std::collections::BTreeSet;

use crate::report::Verdict;

use super::acked::Acked;

/// One connection.
#[derive(Debug)]
pub(crate) struct Follower {
    rooms: Vec<Option<Log>>,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
}

#[derive(Debug)]
struct Log {
    /// Seq before the first message that the connection is to see.
    base: i64,
    /// The highest seq seen.
    last: i64,
    /// Below `last` and not seen.
    missing: BTreeSet<i64>,
    /// Pulling from history since the server said that something was left out: order is history's then.
    pulling: bool,
}

impl Follower {
    /// Of `rooms` conversations, none followed yet.
    pub(crate) fn new(rooms: usize) -> Self {
        Self { rooms: (0..rooms).map(|_| None).collect(), delivered: 0, duplicated: 0, reordered: 0 }
    }

    /// From here on the connection is to see what is newer than `head` in `room`.
    pub(crate) fn follow(&mut self, room: usize, head: i64) {
        if let Some(log) = self.rooms.get_mut(room) {
            *log = Some(Log { base: head, last: head, missing: BTreeSet::new(), pulling: false });
        }
    }

    /// Conversations followed.
    pub(crate) fn followed(&self) -> usize {
        self.rooms.iter().flatten().count()
    }

    /// A live message; whether it is the first time.
    pub(crate) fn saw(&mut self, room: usize, seq: i64) -> bool {
        let Some(log) = self.rooms.get_mut(room).and_then(Option::as_mut) else { return false };
        if seq > log.last {
            log.missing.extend(log.last + 1..seq);
            log.last = seq;
        } else if log.missing.remove(&seq) {
            self.reordered += u64::from(!log.pulling);
        } else {
            self.duplicated += u64::from(!log.pulling && seq > log.base);
            return false;
        }
        self.delivered += 1;
        true
    }

    /// The server said that messages of `room` were left out; returns the seq to pull from, `None` while a pull is
    /// under way that will bring them or for conversations that are not followed.
    pub(crate) fn behind(&mut self, room: usize) -> Option<i64> {
        let log = self.rooms.get_mut(room)?.as_mut()?;
        log.pulling = true;
        Some(log.missing.first().map_or(log.last, |first| first - 1))
    }

    /// A message of a pulled page; whether it is the first time.
    pub(crate) fn pulled(&mut self, room: usize, seq: i64) -> bool {
        let Some(log) = self.rooms.get_mut(room).and_then(Option::as_mut) else { return false };
        let new = if seq > log.last {
            log.missing.extend(log.last + 1..seq);
            log.last = seq;
            true
        } else {
            log.missing.remove(&seq)
        };
        self.delivered += u64::from(new);
        new
    }

    /// The last page was pulled; order counts again.
    pub(crate) fn pulled_all(&mut self, room: usize) {
        if let Some(log) = self.rooms.get_mut(room).and_then(Option::as_mut) {
            log.pulling = false;
        }
    }

    /// Whether everything up to `head` of `room` was seen.
    pub(crate) fn has(&self, room: usize, head: i64) -> bool {
        let log = self.rooms.get(room).and_then(Option::as_ref);
        log.is_none_or(|log| log.last >= head && log.missing.first().is_none_or(|first| *first > head))
    }

    /// What this connection saw of what was acknowledged.
    pub(crate) fn verdict(&self, acked: &Acked) -> Verdict {
        let lost = self.rooms.iter().enumerate().filter_map(|(room, log)| Some((room, log.as_ref()?)));
        let lost = lost.flat_map(|(room, log)| {
            let owed = acked.of(room).filter(|(seq, _)| *seq > log.base);
            owed.filter(|(seq, _)| *seq > log.last || log.missing.contains(seq))
        });
        Verdict {
            delivered: self.delivered,
            lost: u64::try_from(lost.count()).unwrap_or(u64::MAX),
            duplicated: self.duplicated,
            reordered: self.reordered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acked(seqs: impl IntoIterator<Item = i64>) -> Acked {
        let mut acked = Acked::new(2);
        seqs.into_iter().for_each(|seq| acked.insert(0, seq, 100 + u64::try_from(seq).unwrap()));
        acked
    }

    fn follower(base: i64) -> Follower {
        let mut follower = Follower::new(2);
        follower.follow(0, base);
        follower
    }

    #[test]
    fn everything_once_and_in_order_passes() {
        let mut member = follower(2);
        assert!((3..=9).all(|seq| member.saw(0, seq)));
        assert_eq!(member.verdict(&acked(1..=9)), Verdict { delivered: 7, ..Verdict::default() });
        assert!(member.has(0, 9) && !member.has(0, 10));
        assert!(!member.saw(1, 1), "not followed");
        assert!(member.has(1, 5) && member.followed() == 1);
    }

    #[test]
    fn lost_repeated_and_disordered_are_told_apart() {
        let mut member = follower(0);
        for seq in [1, 3, 2, 3, 6] {
            member.saw(0, seq);
        }
        assert!(!member.has(0, 6));
        // 5 was never acknowledged, so it is no loss; 4 and 7 are.
        let verdict = member.verdict(&acked([1, 2, 3, 4, 6, 7]));
        assert_eq!(verdict, Verdict { delivered: 4, lost: 2, duplicated: 1, reordered: 1 });
    }

    #[test]
    fn what_was_left_out_with_notice_may_be_pulled() {
        let mut member = follower(0);
        member.saw(0, 1);
        assert_eq!(member.behind(0), Some(1));
        member.saw(0, 5);
        assert_eq!(member.behind(1), None);
        for seq in 2..=6 {
            member.pulled(0, seq);
        }
        member.saw(0, 6);
        member.pulled_all(0);
        assert_eq!(member.verdict(&acked(1..=6)), Verdict { delivered: 6, ..Verdict::default() });
        member.saw(0, 6);
        assert_eq!(member.verdict(&acked(1..=6)).duplicated, 1);
    }
}
