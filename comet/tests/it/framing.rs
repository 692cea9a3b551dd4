//! Framing against what is defined (any messages, cut anywhere) and against tungstenite (any bytes).

use proptest::collection::vec;
use proptest::prelude::*;

use crate::framing_client::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame};
use crate::framing_oracle::{End, Seen, compare, ours, pieces};

/// A message as a client sends it: in fragments that end at `cuts`, with control frames between them.
#[derive(Debug, Clone)]
struct Sent {
    message: Seen,
    cuts: Vec<usize>,
    controls: Vec<Seen>,
    mask: [u8; 4],
}

impl Sent {
    /// Appends the frames, and what a server must see.
    fn encode(&self, bytes: &mut Vec<u8>, expected: &mut Vec<Seen>) {
        let (opcode, payload) = match &self.message {
            Seen::Text(text) => (TEXT, text.as_bytes()),
            Seen::Binary(payload) => (BINARY, &payload[..]),
            control => return self.encode_control(control, bytes, expected),
        };
        let mut ends: Vec<usize> = self.cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
        ends.sort_unstable();
        let mut controls = self.controls.iter();
        let mut start = 0;
        for (index, end) in ends.iter().copied().enumerate() {
            let opcode = if index == 0 { opcode } else { CONTINUATION };
            bytes.extend(client_frame(false, opcode, self.mask, &payload[start..end]));
            start = end;
            if let Some(control) = controls.next() {
                self.encode_control(control, bytes, expected);
            }
        }
        let opcode = if ends.is_empty() { opcode } else { CONTINUATION };
        bytes.extend(client_frame(true, opcode, self.mask, &payload[start..]));
        expected.push(self.message.clone());
    }

    fn encode_control(&self, control: &Seen, bytes: &mut Vec<u8>, expected: &mut Vec<Seen>) {
        let (opcode, payload) = match control {
            Seen::Ping(payload) => (PING, payload.clone()),
            Seen::Pong(payload) => (PONG, payload.clone()),
            Seen::Close(Some((code, reason))) => (CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat()),
            _ => (CLOSE, Vec::new()),
        };
        bytes.extend(client_frame(true, opcode, self.mask, &payload));
        expected.push(control.clone());
    }
}

fn data(bytes_max: usize) -> impl Strategy<Value = Seen> {
    prop_oneof![
        3 => any::<String>().prop_map(Seen::Text),
        2 => vec(any::<u8>(), 0..=300).prop_map(Seen::Binary),
        1 => vec(any::<u8>(), 0..=bytes_max).prop_map(Seen::Binary),
        1 => (0..=bytes_max / 3).prop_map(|count| Seen::Text("€".repeat(count))),
    ]
}

fn control() -> impl Strategy<Value = Seen> {
    let payload = || vec(any::<u8>(), 0..=125);
    prop_oneof![payload().prop_map(Seen::Ping), payload().prop_map(Seen::Pong)]
}

fn sent(bytes_max: usize) -> impl Strategy<Value = Sent> {
    let message = prop_oneof![4 => data(bytes_max), 1 => control()];
    (message, vec(any::<usize>(), 0..4), vec(control(), 0..3), any::<[u8; 4]>())
        .prop_map(|(message, cuts, controls, mask)| Sent { message, cuts, controls, mask })
}

fn close() -> impl Strategy<Value = Option<Seen>> {
    let code = prop_oneof![1000..=1003_u16, 1007..=1014_u16, 3000..=4999_u16];
    let with_code = (code, "[a-zé€]{0,40}").prop_map(|(code, reason)| Some((code, reason)));
    proptest::option::of(prop_oneof![1 => Just(None), 3 => with_code].prop_map(Seen::Close))
}

fn encode(all: &[Sent], close: Option<Seen>) -> (Vec<u8>, Vec<Seen>) {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for sent in all {
        sent.encode(&mut bytes, &mut expected);
    }
    if let Some(close) = close {
        let last = Sent { message: close, cuts: vec![], controls: vec![], mask: [1, 2, 3, 4] };
        last.encode(&mut bytes, &mut expected);
    }
    (bytes, expected)
}

/// A change to the bytes of a client.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(usize, u8),
    Remove(usize),
    Insert(usize, u8),
    Truncate(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        1 => any::<usize>().prop_map(Mutation::Remove),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => any::<usize>().prop_map(Mutation::Truncate),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len().max(1);
        match *self {
            Self::Flip(at, bit) => bytes.iter_mut().skip(at % length).take(1).for_each(|byte| *byte ^= bit),
            Self::Remove(at) if !bytes.is_empty() => drop(bytes.remove(at % length)),
            Self::Remove(_) => {}
            Self::Insert(at, byte) => bytes.insert(at % (bytes.len() + 1), byte),
            Self::Truncate(at) => bytes.truncate(at % length),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn messages_cut_anywhere_are_the_messages(
        all in vec(sent(70_000), 0..5),
        close in close(),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        let (bytes, expected) = encode(&all, close.clone());
        let end = if close.is_some() { End::Closed } else { End::Starved };
        prop_assert_eq!(ours(&pieces(&bytes, &cuts), 70_000), (expected, end));
    }

    #[test]
    fn messages_byte_by_byte_are_the_messages(all in vec(sent(300), 0..4)) {
        let (bytes, expected) = encode(&all, None);
        let reads: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(ours(&reads, 70_000), (expected, End::Starved));
    }

    #[test]
    fn tungstenite_sees_the_same_in_messages(
        all in vec(sent(400), 0..5),
        close in close(),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        let (bytes, _) = encode(&all, close);
        compare(&bytes, &cuts, 300);
    }

    #[test]
    fn tungstenite_sees_the_same_in_damaged_messages(
        all in vec(sent(400), 1..4),
        close in close(),
        mutations in vec(mutation(), 1..4),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        let (mut bytes, _) = encode(&all, close);
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        compare(&bytes, &cuts, 300);
    }

    #[test]
    fn tungstenite_sees_the_same_in_frames_of_any_kind(
        frames in vec((any::<u8>(), any::<[u8; 4]>(), vec(any::<u8>(), 0..140)), 0..6),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (first, mask, payload) in &frames {
            // Mostly without reserved bits, which would end most runs at their first frame.
            let first = if first & 0x30 == 0x30 { *first } else { first & 0x8f };
            bytes.extend(client_frame(first & 0x80 != 0, first & 0x7f, *mask, payload));
        }
        compare(&bytes, &cuts, 300);
    }

    #[test]
    fn tungstenite_sees_the_same_in_close_frames(code in any::<u16>(), reason in vec(any::<u8>(), 0..4)) {
        let payload = [&code.to_be_bytes()[..], &reason].concat();
        compare(&client_frame(true, CLOSE, [9, 8, 7, 6], &payload), &[3, 7], 300);
    }
}

#[test]
fn tungstenite_sees_the_same_at_every_close_code() {
    for code in 0..=u16::MAX {
        compare(&client_frame(true, CLOSE, [0; 4], &code.to_be_bytes()), &[], 300);
    }
}
