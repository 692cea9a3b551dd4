use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{CursorEvent, Message};
use proptest::prelude::*;
use prost::Message as _;

use super::*;

const BUDGET: Budget = Budget { bytes_max: 2_000, rooms_max: 4 };

fn message(conversation: i64, seq: i64) -> Arc<Prepared> {
    let body = Message { conversation, seq, content: "x".repeat(100), ..Message::default() };
    Prepared::new(Proto {
        op: op::SEND_MESSAGE,
        conversation,
        message_seq: seq,
        body: body.encode_to_vec().into(),
        ..Proto::default()
    })
}

fn live() -> Outbox {
    let mut outbox = Outbox::new();
    outbox.go_live(&HashMap::new());
    outbox
}

#[test]
fn an_outbox_is_small() {
    assert_eq!(size_of::<Outbox>(), 16);
    assert!(live().is_clear());
}

#[test]
fn a_client_that_cannot_be_behind_overflows() {
    let mut outbox = live();
    outbox.keep(Bytes::from_static(&[0; 1_900]));
    assert_eq!(outbox.offer(&Chunk::of(message(1, 1)), Dialect::Classic, &BUDGET), Offer::Overflow);
    assert_eq!(outbox.offer_own(&Bytes::from_static(&[0; 200]), &BUDGET), Offer::Overflow);
}

#[test]
fn too_many_conversations_mean_everything() {
    let mut outbox = live();
    outbox.keep(Bytes::from_static(&[0; 1_990]));
    for conversation in 1..=5 {
        outbox.offer(&Chunk::of(message(conversation, 1)), Dialect::V1, &BUDGET);
    }
    outbox.wrote(1_990);
    assert_eq!(outbox.take_report(), Some(Report { heads: HashMap::new() }));
    assert!(outbox.is_clear());
}

fn cursor(conversation: i64) -> Arc<Prepared> {
    let body = CursorEvent { conversation, read_seq: 1, ..CursorEvent::default() }.encode_to_vec().into();
    Prepared::new(Proto { op: op::CURSOR, conversation, body, ..Proto::default() })
}

/// It may have come after the greeting was read.
#[test]
fn a_greeting_does_not_make_up_for_a_withheld_cursor() {
    let mut outbox = Outbox::new();
    for frame in (1..=20).map(|seq| message(1, seq)).chain([cursor(2), cursor(1)]) {
        outbox.offer(&Chunk::of(frame), Dialect::V1, &BUDGET);
    }
    assert!(outbox.go_live(&HashMap::from([(1, 20), (2, 5)])).is_empty());
    assert_eq!(outbox.take_report(), Some(Report { heads: HashMap::from([(1, 20), (2, 0)]) }));
}

#[test]
fn a_withheld_cursor_names_its_conversation_and_hides_no_head() {
    let mut outbox = live();
    outbox.keep(Bytes::from_static(&[0; 1_990]));
    for frame in [cursor(1), message(1, 7), cursor(1), cursor(2)] {
        let offer = outbox.offer(&Chunk::of(frame), Dialect::V1, &BUDGET);
        assert!(matches!(offer, Offer::Behind { noted: 1, lost: 0, .. }), "{offer:?}");
    }
    outbox.wrote(1_990);
    assert_eq!(outbox.take_report(), Some(Report { heads: HashMap::from([(1, 7), (2, 0)]) }));
}

#[test]
fn a_report_about_what_the_greeting_shows_is_not_made() {
    let mut outbox = Outbox::new();
    for seq in 1..=20 {
        outbox.offer(&Chunk::of(message(1, seq)), Dialect::V1, &BUDGET);
    }
    assert!(outbox.go_live(&HashMap::from([(1, 20)])).is_empty());
    assert_eq!(outbox.take_report(), None);
    assert!(outbox.is_clear());
}

/// What a client sees, and what it can know that it misses.
#[derive(Debug, Default)]
struct Seen {
    /// Conversation to seqs received, in order.
    received: HashMap<i64, Vec<i64>>,
    /// Conversation to the head it was told or shown.
    told: HashMap<i64, i64>,
    everything: bool,
}

#[derive(Debug, Clone)]
enum Step {
    /// The next message of a conversation, and how much of it the socket takes if it is written at once.
    Message(i64, usize),
    /// The socket takes so many bytes.
    Drain(usize),
    GoLive,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1i64..7, prop_oneof![Just(usize::MAX), 0usize..300]).prop_map(|(c, n)| Step::Message(c, n)),
        2 => (1usize..3_000).prop_map(Step::Drain),
        1 => Just(Step::GoLive),
    ]
}

/// Drives an outbox as a connection does. `wire` is what is in the client's hands.
struct Driver {
    outbox: Outbox,
    wire: Vec<u8>,
    seen: Seen,
    heads: HashMap<i64, i64>,
    /// Times it fell behind, and times it was told so.
    began: u32,
    reports: u32,
}

impl Driver {
    fn write(&mut self, bytes: &Bytes, taken: usize) {
        let taken = taken.min(bytes.len());
        self.wire.extend_from_slice(&bytes[..taken]);
        self.outbox.keep(bytes.slice(taken..));
    }

    fn deliver(&mut self, frame: Arc<Prepared>, taken: usize) {
        let chunk = Chunk::of(frame);
        match self.outbox.offer(&chunk, Dialect::V1, &BUDGET) {
            Offer::Write => self.write(&chunk.bytes(Dialect::V1).clone(), taken),
            Offer::Behind { began: true, .. } => self.began += 1,
            _ => {}
        }
    }

    fn drain(&mut self, mut count: usize) {
        while count > 0 && self.outbox.has_backlog() {
            let mut slices = [IoSlice::new(&[]); 3];
            let given = self.outbox.slices(&mut slices);
            let mut taken = 0;
            for slice in &slices[..given] {
                let part = slice.len().min(count - taken);
                self.wire.extend_from_slice(&slice[..part]);
                taken += part;
            }
            self.outbox.wrote(taken);
            count -= taken;
        }
        if let Some(report) = self.outbox.take_report() {
            self.reports += 1;
            self.seen.everything |= report.heads.is_empty();
            for (conversation, head) in report.heads {
                let told = self.seen.told.entry(conversation).or_default();
                *told = head.max(*told);
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Message(conversation, taken) => {
                let head = self.heads.entry(conversation).or_default();
                *head += 1;
                let frame = message(conversation, *head);
                self.deliver(frame, taken);
            }
            Step::Drain(count) => self.drain(count),
            Step::GoLive => {
                // A greeting that shows an older state of some conversations.
                let shown: HashMap<i64, i64> = self.heads.iter().map(|(c, head)| (*c, head / 2)).collect();
                let was_held = self.outbox.phase == Phase::Held;
                for frame in self.outbox.go_live(&shown) {
                    self.deliver(frame, usize::MAX);
                }
                if was_held {
                    for (conversation, head) in shown {
                        let told = self.seen.told.entry(conversation).or_default();
                        *told = head.max(*told);
                    }
                }
            }
        }
    }

    fn read_wire(&mut self) {
        let mut rest = self.wire.as_slice();
        while let [_, length, tail @ ..] = rest {
            let (length, body) = match length {
                126 => (usize::from(u16::from_be_bytes([tail[0], tail[1]])), &tail[2..]),
                short => (usize::from(*short), tail),
            };
            let text = std::str::from_utf8(&body[..length]).unwrap();
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            let id = json["payload"]["messages"][0]["id"].as_str().unwrap();
            let (conversation, seq) = id.split_once('-').unwrap();
            let seqs = self.seen.received.entry(conversation.parse().unwrap()).or_default();
            seqs.push(seq.parse().unwrap());
            rest = &body[length..];
        }
        assert!(rest.is_empty(), "whole frames only");
    }
}

proptest! {
    /// However the socket stalls: frames arrive whole and in order, and every seq that does not is below a head that the
    /// client was told, or it was told to sync everything. It is told once each time that it falls behind.
    #[test]
    fn no_hole_is_silent(steps in proptest::collection::vec(step(), 1..150)) {
        let mut driver = Driver {
            outbox: Outbox::new(),
            wire: Vec::new(),
            seen: Seen::default(),
            heads: HashMap::new(),
            began: 0,
            reports: 0,
        };
        for step in &steps {
            driver.step(step);
            let waiting = driver.outbox.waiting.as_ref().map_or(0, |w| w.bytes + w.held_bytes);
            prop_assert!(waiting <= BUDGET.bytes_max + 600, "bounded: {waiting}");
        }
        driver.step(&Step::GoLive);
        driver.drain(usize::MAX);
        driver.drain(usize::MAX);
        prop_assert!(driver.outbox.is_clear(), "nothing is left behind");
        prop_assert!(driver.reports <= driver.began, "told once each time");
        driver.read_wire();
        for (conversation, head) in &driver.heads {
            let received = driver.seen.received.remove(conversation).unwrap_or_default();
            prop_assert!(received.is_sorted_by(|a, b| a < b), "in order, once: {received:?}");
            let told = driver.seen.told.get(conversation).copied().unwrap_or(0);
            for seq in 1..=*head {
                let is_known = received.contains(&seq) || seq <= told || driver.seen.everything;
                prop_assert!(is_known, "{conversation}-{seq} is a silent hole");
            }
        }
    }
}
