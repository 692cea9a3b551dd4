//! What each fault did to people, read out of the ledger.

use std::collections::HashMap;

use serde::Serialize;

use crate::ledger::{Event, Line};

/// Words of the lines between which a fault lasted.
pub(crate) const BEGINS: &str = "begins: ";
pub(crate) const ENDS: &str = "ends: ";

/// One fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) fault: String,
    pub(crate) lasted_ms: u64,
    /// Sends acknowledged from its beginning to the beginning of the next.
    pub(crate) acked: u64,
    /// Sends refused for now meanwhile, and repeated.
    pub(crate) refused: u64,
    /// Messages that came again meanwhile, dropped by their seq.
    pub(crate) repeated: u64,
    /// From its end until the last device had everything that was sent before its end.
    pub(crate) recovered_ms: u64,
    /// The longest way of a message that was sent meanwhile, from the first attempt to the last device.
    pub(crate) slowest_ms: u64,
    /// The longest time in which a device got no message, among them the times in which nothing could be sent.
    pub(crate) gap_ms: u64,
}

#[derive(Debug)]
struct Window {
    outcome: Outcome,
    begun_ns: u64,
    ended_ns: Option<u64>,
}

#[derive(Debug)]
struct Way {
    window: Option<usize>,
    sent_ns: u64,
    seen_ns: u64,
}

/// Reads lines, then tells of each fault.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    windows: Vec<Window>,
    ways: HashMap<String, Way>,
    /// What a device saw already.
    has: HashMap<(usize, usize), i64>,
    /// When a device last got a message.
    got_ns: HashMap<usize, u64>,
}

impl Outcomes {
    /// Takes the next line.
    pub(crate) fn read(&mut self, line: &Line) {
        let at_ns = line.at_ns;
        let window = self.windows.len().checked_sub(1);
        match &line.event {
            Event::Fault { what } => {
                if let Some(fault) = what.strip_prefix(BEGINS) {
                    let outcome = Outcome { fault: fault.to_owned(), ..Outcome::default() };
                    self.windows.push(Window { outcome, begun_ns: at_ns, ended_ns: None });
                } else if let Some(last) = self.windows.last_mut().filter(|_| what.starts_with(ENDS)) {
                    last.ended_ns = Some(at_ns);
                    last.outcome.lasted_ms = at_ns.saturating_sub(last.begun_ns) / 1_000_000;
                }
            }
            Event::Send { id, .. } => {
                self.ways.entry(id.clone()).or_insert(Way { window, sent_ns: at_ns, seen_ns: at_ns });
            }
            Event::Ack { .. } => self.count(|outcome| &mut outcome.acked, 1),
            Event::Refused { .. } => self.count(|outcome| &mut outcome.refused, 1),
            Event::Live { room, message } => {
                let is_new = self.see(line.device, *room, message.seq, &message.id, at_ns);
                self.count(|outcome| &mut outcome.repeated, u64::from(!is_new));
            }
            Event::Page { room, after: Some(_), messages, .. } => {
                for message in messages {
                    self.see(line.device, *room, message.seq, &message.id, at_ns);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, field: impl Fn(&mut Outcome) -> &mut u64, more: u64) {
        if let Some(last) = self.windows.last_mut() {
            *field(&mut last.outcome) += more;
        }
    }

    /// True: the device had not seen it.
    fn see(&mut self, device: Option<usize>, room: usize, seq: i64, id: &str, at_ns: u64) -> bool {
        let Some(device) = device else { return true };
        let has = self.has.entry((device, room)).or_insert(seq - 1);
        // What comes too early is pulled later: its way ends then.
        if seq != *has + 1 {
            return seq > *has;
        }
        *has = seq;
        let before_ns = self.got_ns.insert(device, at_ns).unwrap_or(at_ns);
        if let Some(last) = self.windows.last_mut() {
            // Before the fault everything was well.
            let gap_ms = at_ns.saturating_sub(before_ns.max(last.begun_ns)) / 1_000_000;
            last.outcome.gap_ms = last.outcome.gap_ms.max(gap_ms);
        }
        if let Some(way) = self.ways.get_mut(id) {
            way.seen_ns = way.seen_ns.max(at_ns);
        }
        true
    }

    /// Every fault, in order.
    pub(crate) fn finish(mut self) -> Vec<Outcome> {
        for way in self.ways.values() {
            let Some(window) = way.window.and_then(|window| self.windows.get_mut(window)) else { continue };
            let took_ms = way.seen_ns.saturating_sub(way.sent_ns) / 1_000_000;
            window.outcome.slowest_ms = window.outcome.slowest_ms.max(took_ms);
            let Some(ended_ns) = window.ended_ns.filter(|ended| way.sent_ns <= *ended) else { continue };
            let recovered_ms = way.seen_ns.saturating_sub(ended_ns) / 1_000_000;
            window.outcome.recovered_ms = window.outcome.recovered_ms.max(recovered_ms);
        }
        self.windows.into_iter().map(|window| window.outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Placed;

    #[test]
    fn times_are_told_from_the_faults_end_and_from_the_first_attempt() {
        let ms = |ms: u64| ms * 1_000_000;
        let placed = |seq: i64, id: &str| Placed { seq, id: id.to_owned() };
        let send = |id: &str| Event::Send { room: 0, id: id.to_owned() };
        let live = |seq, id| Event::Live { room: 0, message: placed(seq, id) };
        let fault = |what: &str| Event::Fault { what: what.to_owned() };
        let lines = [
            (0, None, send("before")),
            (5, Some(1), live(1, "before")),
            (10, None, fault("begins: kill-comet")),
            (20, None, send("a")),
            (30, None, Event::Refused { room: 0, id: "a".into(), code: "unavailable".into() }),
            (100, None, fault("ends: kill-comet")),
            (110, None, send("a")),
            (120, None, Event::Ack { room: 0, id: "a".into(), seq: 2 }),
            (130, Some(1), live(1, "before")),
            (
                150,
                Some(1),
                Event::Page { room: 0, after: Some(1), messages: vec![placed(2, "a")], more: false, head: 2 },
            ),
            (160, None, send("b")),
            (165, Some(1), live(3, "b")),
        ];
        let mut outcomes = Outcomes::default();
        for (at, device, event) in lines {
            outcomes.read(&Line { at_ns: ms(at), device, event });
        }
        let expected = Outcome {
            fault: "kill-comet".to_owned(),
            lasted_ms: 90,
            acked: 1,
            refused: 1,
            repeated: 1,
            recovered_ms: 50,
            slowest_ms: 130,
            gap_ms: 140,
        };
        assert_eq!(outcomes.finish(), [expected]);
    }
}
