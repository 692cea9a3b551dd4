//! What one connection saw of what it was to see: which messages of each stream came, came again, or came late.

use std::ops::Range;

use crate::report::result::Verdict;

/// What one connection saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    streams: Vec<Stream>,
    delivered: u64,
    duplicated: u64,
    reordered: u64,
}

#[derive(Debug)]
struct Stream {
    id: u16,
    /// One more than the highest place seen.
    next: u64,
    /// Places below `next` that were not seen, in order.
    holes: Vec<Range<u64>>,
}

impl Stream {
    /// Takes a place out of the holes. False: it is in none.
    fn fill(&mut self, seq: u64) -> bool {
        let Some(at) = self.holes.iter().position(|hole| hole.contains(&seq)) else { return false };
        let hole = self.holes.remove(at);
        let rest = [hole.start..seq, seq + 1..hole.end];
        self.holes.splice(at..at, rest.into_iter().filter(|part| !part.is_empty()));
        true
    }
}

impl Seen {
    /// Takes a message. False: it came before.
    pub(crate) fn take(&mut self, stream: u16, seq: u64) -> bool {
        let at = match self.streams.iter().position(|known| known.id == stream) {
            Some(at) => at,
            None => {
                self.streams.push(Stream { id: stream, next: 0, holes: Vec::new() });
                self.streams.len() - 1
            }
        };
        let known = &mut self.streams[at];
        if seq >= known.next {
            if seq > known.next {
                known.holes.push(known.next..seq);
            }
            known.next = seq + 1;
        } else if known.fill(seq) {
            self.reordered += 1;
        } else {
            self.duplicated += 1;
            return false;
        }
        self.delivered += 1;
        true
    }

    /// The verdict, when `expected` messages of each of these streams were sent.
    pub(crate) fn verdict(&self, expected: impl IntoIterator<Item = (u16, u64)>) -> Verdict {
        let lost = expected.into_iter().map(|(id, count)| {
            let Some(stream) = self.streams.iter().find(|stream| stream.id == id) else { return count };
            let holes: u64 = stream.holes.iter().map(|hole| hole.end - hole.start).sum();
            holes + count.saturating_sub(stream.next)
        });
        Verdict {
            delivered: self.delivered,
            lost: lost.sum(),
            duplicated: self.duplicated,
            reordered: self.reordered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(came: &[u64], sent: u64) -> Verdict {
        let mut seen = Seen::default();
        came.iter().for_each(|seq| _ = seen.take(7, *seq));
        seen.verdict([(7, sent)])
    }

    #[test]
    fn everything_once_and_in_order_passes() {
        assert_eq!(verdict(&[0, 1, 2], 3), Verdict { delivered: 3, ..Verdict::default() });
        assert!(verdict(&[0, 1, 2], 3).is_pass());
        assert!(verdict(&[], 0).is_pass());
    }

    #[test]
    fn a_skipped_message_is_lost() {
        for (came, lost) in [(&[1, 2][..], 1), (&[0, 2], 1), (&[0, 1], 1), (&[], 3), (&[2], 2)] {
            let verdict = verdict(came, 3);
            assert_eq!((verdict.lost, verdict.is_pass()), (lost, false), "{came:?}");
        }
    }

    #[test]
    fn a_repeated_message_is_a_duplicate() {
        let verdict = verdict(&[0, 1, 1, 2, 0], 3);
        assert_eq!(verdict, Verdict { delivered: 3, duplicated: 2, ..Verdict::default() });
        assert!(!verdict.is_pass());
    }

    #[test]
    fn swapped_messages_are_reordered_and_not_lost() {
        let verdict = verdict(&[0, 4, 2, 3, 1, 5], 6);
        assert_eq!(verdict, Verdict { delivered: 6, reordered: 3, ..Verdict::default() });
        assert!(!verdict.is_pass());
    }

    #[test]
    fn streams_are_apart() {
        let mut seen = Seen::default();
        assert!(seen.take(1, 0) && seen.take(2, 0) && !seen.take(2, 0));
        let verdict = seen.verdict([(1, 1), (2, 1), (3, 4)]);
        assert_eq!(verdict, Verdict { delivered: 2, lost: 4, duplicated: 1, reordered: 0 });
    }
}
