//! A WebSocket whose user is pushed to: what came, held against what was accepted.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use anyhow::bail;

use super::frames::ServerFrame;
use super::push_sender::{Ledger, parts};
use super::tag::{TAG_BYTES, Tag};
use super::tally::{Shared, Tally};
use super::websocket::{self, Frame};
use super::wire::Wire;
use crate::report::Verdict;

/// The state of one receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Its user, as the run counts them.
    user: usize,
    /// By the number of the sender.
    seen: HashMap<u64, Seen>,
    delivered: u64,
    reordered: u64,
    /// Pushes that came again, which they may.
    pub(crate) repeated: u64,
}

/// Of one sender.
#[derive(Debug, Default)]
struct Seen {
    highest: u64,
    /// Below `highest` and not seen.
    missing: BTreeSet<u64>,
}

impl Receiver {
    /// Of the user with this number.
    pub(crate) fn new(user: usize) -> Self {
        Self { user, seen: HashMap::new(), delivered: 0, reordered: 0, repeated: 0 }
    }

    /// Reads everything that is there whole.
    pub(crate) fn read(&mut self, wire: &mut Wire, tally: &mut Tally, now_ns: u64) -> anyhow::Result<()> {
        let (mut used, mut pongs) = (0, Vec::new());
        while let Some((frame, bytes)) = websocket::read(&wire.unread()[used..])? {
            match frame {
                Frame::Text(text) => self.take(text, tally, now_ns)?,
                Frame::Ping(payload) => websocket::write(websocket::PONG, payload, &mut pongs),
                Frame::Close { code, reason } => {
                    bail!("the server closed a receiver with {code}: {}", String::from_utf8_lossy(reason))
                }
                Frame::Other => {}
            }
            used += bytes;
        }
        wire.consume(used);
        Ok(wire.write(&pongs)?)
    }

    fn take(&mut self, text: &[u8], tally: &mut Tally, now_ns: u64) -> anyhow::Result<()> {
        match ServerFrame::parse(text)? {
            ServerFrame::Push(push) => {
                let Some(tag) = push.body.get(..TAG_BYTES) else { return Ok(()) };
                if let Some(number) = Tag::parse(tag).map(|tag| tag.number)
                    && self.saw(number)
                {
                    tally.deliver(tag, now_ns);
                }
            }
            // Pushes are stored nowhere: what was left out is lost.
            ServerFrame::Behind(_) => tally.behind += 1,
            ServerFrame::Error(refusal) => bail!("a receiver got an error: {}", refusal.code),
            ServerFrame::Reconnect => bail!("the server sends its clients away: is it stopping?"),
            _ => {}
        }
        Ok(())
    }

    /// A push came; whether it is the first time.
    fn saw(&mut self, number: u64) -> bool {
        let (sender, count) = parts(number);
        let seen = self.seen.entry(sender).or_default();
        if count > seen.highest {
            seen.missing.extend(seen.highest + 1..count);
            seen.highest = count;
        } else if seen.missing.remove(&count) {
            self.reordered += 1;
        } else {
            self.repeated += 1;
            return false;
        }
        self.delivered += 1;
        true
    }

    /// Whether as many came as were accepted.
    pub(crate) fn has_all(&self, shared: &Shared) -> bool {
        shared.pushed.get(self.user).is_none_or(|pushed| self.delivered >= pushed.load(Ordering::Relaxed))
    }

    /// What came of what the senders had accepted. That something comes again is no fault of a push.
    pub(crate) fn verdict(&self, ledgers: &[Ledger]) -> Verdict {
        let lost = ledgers.iter().map(|ledger| {
            let issued = ledger.issued.get(self.user).copied().unwrap_or_default();
            let unseen: Box<dyn Iterator<Item = u64>> = match self.seen.get(&ledger.sender) {
                None => Box::new(1..=issued),
                Some(seen) => Box::new(seen.missing.iter().copied().chain(seen.highest + 1..=issued)),
            };
            unseen.filter(|count| !ledger.not_owed.contains(&(self.user, *count))).count() as u64
        });
        Verdict { delivered: self.delivered, lost: lost.sum(), duplicated: 0, reordered: self.reordered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_and_disordered_are_found_and_repeats_are_allowed() {
        let number = |sender: u64, count: u64| sender << 40 | count;
        let mut receiver = Receiver::new(1);
        for (sender, count) in [(0, 1), (0, 2), (2, 2), (0, 2), (2, 1), (0, 5)] {
            receiver.saw(number(sender, count));
        }
        let ledger = |sender, issued, refused: &[u64]| Ledger {
            sender,
            issued: vec![9, issued],
            not_owed: refused.iter().map(|count| (1, *count)).collect(),
        };
        // Of sender 0: 3 was refused, 4 and 6 are lost. Of sender 1 nothing came.
        let ledgers = [ledger(0, 6, &[3]), ledger(1, 2, &[2]), ledger(2, 2, &[])];
        let verdict = receiver.verdict(&ledgers);
        assert_eq!(verdict, Verdict { delivered: 5, lost: 3, duplicated: 0, reordered: 1 });
        assert_eq!(receiver.repeated, 1);
    }
}
