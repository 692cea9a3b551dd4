use super::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const LIMITS: Limits = Limits { message_bytes_max: 1000, fragments_max: 4 };

/// A client's frame with `first` as its first byte (0x80 is the final bit, the low half the opcode).
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend(MASK);
    let start = bytes.len();
    bytes.extend(payload);
    unmask(&mut bytes[start..], MASK, 0);
    bytes
}

/// What a reader makes of reads, one event a line.
fn read_all<'a>(
    reader: &mut Reader,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<String>, Option<Violation>) {
    let mut seen = Vec::new();
    for read in reads {
        let mut scratch = read.to_vec();
        let mut events = reader.read(&mut scratch, &LIMITS);
        loop {
            match events.next_event() {
                Ok(Some(event)) => seen.push(format!("{event:?}")),
                Ok(None) => break,
                Err(violation) => return (seen, Some(violation)),
            }
        }
        assert!(events.unread().is_empty());
    }
    (seen, None)
}

/// The violation that `bytes` are, told in one read and told byte by byte.
fn violation(bytes: &[u8]) -> Option<Violation> {
    let (mut at_once, mut by_bytes) = (Reader::new(), Reader::new());
    let (seen, violation) = read_all(&mut at_once, [bytes]);
    assert_eq!(read_all(&mut by_bytes, bytes.chunks(1)), (seen, violation));
    assert!(violation.is_none() || (at_once.is_closed() && by_bytes.is_closed()));
    violation
}

fn events(bytes: &[u8]) -> Vec<String> {
    let (seen, violation) = read_all(&mut Reader::new(), [bytes]);
    assert_eq!(violation, None);
    seen
}

#[test]
fn an_idle_reader_is_sixteen_bytes() {
    assert!(size_of::<Reader>() <= 16);
}

#[test]
fn the_example_of_the_rfc() {
    let masked_hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(events(&masked_hello), ["Text(\"Hello\")"]);
}

#[test]
fn whole_messages_are_slices_of_the_input() {
    let mut input = [frame(0x81, b"one"), frame(0x82, b"two"), frame(0x89, b"ping")].concat();
    let range = input.as_ptr_range();
    let mut reader = Reader::new();
    let mut events = reader.read(&mut input, &LIMITS);
    let mut count = 0;
    while let Some(event) = events.next_event().unwrap() {
        let bytes = match event {
            Event::Text(text) => text.as_bytes(),
            Event::Binary(bytes) | Event::Ping(bytes) => bytes,
            Event::Pong(_) | Event::Compressed { .. } | Event::Close { .. } => panic!("{event:?}"),
        };
        assert!(range.contains(&bytes.as_ptr()));
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(reader.is_idle());
    assert_eq!(reader.held_bytes(), 0);
}

#[test]
fn empty_payloads_are_events_too() {
    let input = [frame(0x81, b""), frame(0x82, b""), frame(0x89, b""), frame(0x8a, b"")].concat();
    assert_eq!(events(&input), ["Text(\"\")", "Binary([])", "Ping([])", "Pong([])"]);
}

#[test]
fn control_frames_may_come_between_fragments() {
    let input = [frame(0x01, b"a"), frame(0x89, b"p"), frame(0x00, b""), frame(0x8a, b""), frame(0x80, b"b")]
        .concat();
    let expected = ["Ping([112])", "Pong([])", "Text(\"ab\")"];
    assert_eq!(events(&input), expected);
    let mut reader = Reader::new();
    assert_eq!(read_all(&mut reader, input.chunks(1)), (expected.map(String::from).to_vec(), None));
    assert!(reader.is_idle());
}

#[test]
fn memory_is_held_only_while_something_is_partial() {
    let bytes = frame(0x82, &[7; 900]);
    let mut reader = Reader::new();
    for cut in [1, 3, 8, 9, 500, bytes.len() - 1] {
        assert_eq!(read_all(&mut reader, [&bytes[..cut]]).0.len(), 0);
        assert!(!reader.is_idle());
        assert!(reader.held_bytes() <= size_of::<Partial>() + LIMITS.message_bytes_max, "after {cut}");
        assert_eq!(read_all(&mut reader, [&bytes[cut..]]).0.len(), 1);
        assert!(reader.is_idle(), "after {cut}");
    }
}

#[test]
fn an_announced_length_reserves_nothing() {
    let mut reader = Reader::new();
    read_all(&mut reader, [&frame(0x82, &[7; 1000])[..10]]);
    assert!(reader.held_bytes() < size_of::<Partial>() + 16);
}

#[test]
fn an_unmasked_frame_is_refused() {
    assert_eq!(violation(&[0x81, 0x00]), Some(Violation::Unmasked));
    assert_eq!(violation(&[0x81, 0x05, b'H', b'e', b'l', b'l', b'o']), Some(Violation::Unmasked));
}

#[test]
fn reserved_bits_are_refused() {
    for bit in [0x40, 0x20, 0x10] {
        assert_eq!(violation(&frame(0x81 | bit, b"x")), Some(Violation::ReservedBits));
        assert_eq!(violation(&frame(0x89 | bit, b"x")), Some(Violation::ReservedBits));
    }
}

#[test]
fn reserved_opcodes_are_refused() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        assert_eq!(violation(&frame(0x80 | opcode, b"x")), Some(Violation::ReservedOpcode), "{opcode}");
    }
}

#[test]
fn control_frames_are_short_and_whole() {
    for opcode in [0x8, 0x9, 0xa] {
        assert_eq!(violation(&frame(opcode, b"")), Some(Violation::FragmentedControl));
        assert_eq!(violation(&frame(0x80 | opcode, &[0; 126])), Some(Violation::ControlTooLong));
    }
    assert_eq!(events(&frame(0x89, &[0; 125])).len(), 1);
}

#[test]
fn a_length_has_63_bits() {
    let bytes = [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(violation(&bytes), Some(Violation::LengthTopBit));
}

#[test]
fn a_length_may_be_written_longer_than_need_be() {
    // RFC 6455 §5.2 asks for the shortest form; tungstenite and the browsers' servers read the longer ones
    // too.
    let mut input = vec![0x82, 0xfe, 0, 1, 0, 0, 0, 0, b'x'];
    input.extend([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, b'y']);
    assert_eq!(events(&input), ["Binary([120])", "Binary([121])"]);
}

#[test]
fn fragments_follow_one_another() {
    assert_eq!(violation(&frame(0x80, b"x")), Some(Violation::LoneContinuation));
    assert_eq!(violation(&frame(0x00, b"x")), Some(Violation::LoneContinuation));
    for second in [0x01, 0x02, 0x81, 0x82] {
        let input = [frame(0x01, b"x"), frame(second, b"y")].concat();
        assert_eq!(violation(&input), Some(Violation::InterleavedMessage));
    }
    let again = [frame(0x01, b"x"), frame(0x80, b"y"), frame(0x80, b"z")].concat();
    assert_eq!(violation(&again), Some(Violation::LoneContinuation));
}

#[test]
fn a_message_is_bounded_in_bytes() {
    assert_eq!(violation(&frame(0x82, &[0; 1001])), Some(Violation::MessageTooLong));
    assert_eq!(events(&frame(0x82, &[0; 1000])).len(), 1);
    let sum = |last| [frame(0x02, &[0; 600]), frame(0x80, &vec![0; last])].concat();
    assert_eq!(events(&sum(400)).len(), 1);
    assert_eq!(violation(&sum(401)), Some(Violation::MessageTooLong));
    // Refused by its header: the payload is not waited for.
    assert_eq!(violation(&frame(0x82, &[0; 2000])[..8]), Some(Violation::MessageTooLong));
    assert_eq!(
        violation(&[0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Some(Violation::MessageTooLong)
    );
}

#[test]
fn a_message_is_bounded_in_fragments() {
    let fragments = |count: usize| {
        let mut input = frame(0x01, b"");
        (2..count).for_each(|_| input.extend(frame(0x00, b"")));
        input.extend(frame(0x80, b""));
        input
    };
    assert_eq!(events(&fragments(4)), ["Text(\"\")"]);
    assert_eq!(violation(&fragments(5)), Some(Violation::TooManyFragments));
}

#[test]
fn text_is_utf8() {
    for wrong in
        [&b"\xff"[..], b"ok\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut off \xe2\x82", b"\x80"]
    {
        assert_eq!(violation(&frame(0x81, wrong)), Some(Violation::Utf8), "{wrong:?}");
        let in_two = [frame(0x01, wrong), frame(0x80, b"")].concat();
        assert_eq!(violation(&in_two), Some(Violation::Utf8), "{wrong:?}");
    }
    assert_eq!(events(&frame(0x82, b"\xff")), ["Binary([255])"]);
}

#[test]
fn a_character_may_be_cut_by_fragments() {
    let bytes = "é€𝄞".as_bytes();
    for cut in 0..=bytes.len() {
        let input = [frame(0x01, &bytes[..cut]), frame(0x80, &bytes[cut..])].concat();
        assert_eq!(events(&input), ["Text(\"é€𝄞\")"], "{cut}");
    }
}

#[test]
fn text_fails_at_the_first_byte_that_cannot_be() {
    // The case of Autobahn's 6.4: the byte after f4 may be 80 to 8f. Neither the fragment nor the message
    // is complete.
    let fragment = frame(0x01, b"\xce\xba\xf4\x90 and more");
    let bad = fragment.len() - b"\x90 and more".len();
    let mut reader = Reader::new();
    assert_eq!(read_all(&mut reader, [&fragment[..bad]]).1, None);
    assert_eq!(read_all(&mut reader, [&fragment[bad..=bad]]).1, Some(Violation::Utf8));
    let across = [frame(0x01, b"\xf4"), frame(0x00, b"\x90")].concat();
    assert_eq!(violation(&across), Some(Violation::Utf8));
}

#[test]
fn a_close_tells_code_and_reason() {
    assert_eq!(events(&frame(0x88, b"")), ["Close { code: None, reason: \"\" }"]);
    assert_eq!(events(&frame(0x88, b"\x03\xe8")), ["Close { code: Some(1000), reason: \"\" }"]);
    assert_eq!(events(&frame(0x88, b"\x0f\xa0bye")), ["Close { code: Some(4000), reason: \"bye\" }"]);
}

#[test]
fn a_close_may_not_say_anything() {
    assert_eq!(violation(&frame(0x88, b"\x03")), Some(Violation::ClosePayload));
    assert_eq!(violation(&frame(0x88, b"\x03\xe8\xff")), Some(Violation::CloseReason));
    let allowed = |code: u16| violation(&frame(0x88, &code.to_be_bytes())).is_none();
    for code in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    {
        assert!(allowed(code), "{code}");
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        assert!(!allowed(code), "{code}");
    }
}

#[test]
fn nothing_comes_after_a_close() {
    let mut reader = Reader::new();
    let input = [frame(0x01, b"begun"), frame(0x88, b""), frame(0x89, b"p"), vec![0xff; 9]].concat();
    let (seen, violation) = read_all(&mut reader, [&input[..], b"\xff\xff"]);
    assert_eq!((seen.len(), violation), (1, None));
    assert!(reader.is_closed());
    assert_eq!(reader.held_bytes(), 0);
}

#[test]
fn nothing_comes_after_a_violation() {
    let mut reader = Reader::new();
    assert_eq!(read_all(&mut reader, [&[0x81, 0x00][..]]).1, Some(Violation::Unmasked));
    assert_eq!(read_all(&mut reader, [&frame(0x81, b"x")[..]]), (vec![], None));
}

#[test]
fn what_a_violation_is_answered_with() {
    assert_eq!(Violation::Unmasked.close_code(), 1002);
    assert_eq!(Violation::CloseCode.close_code(), 1002);
    assert_eq!(Violation::Utf8.close_code(), 1007);
    assert_eq!(Violation::CloseReason.close_code(), 1007);
    assert_eq!(Violation::MessageTooLong.close_code(), 1009);
    assert_eq!(Violation::TooManyFragments.close_code(), 1009);
}

#[test]
fn a_caller_may_stop_and_see_what_is_unread() {
    let second = frame(0x81, b"two");
    let mut input = [frame(0x81, b"one"), second.clone()].concat();
    let mut reader = Reader::new();
    let mut events = reader.read(&mut input, &LIMITS);
    assert_eq!(events.next_event(), Ok(Some(Event::Text("one"))));
    assert_eq!(events.unread(), second);
}

#[test]
fn compressed_messages_are_handed_out_where_they_were_agreed() {
    let input = [
        frame(0xc1, b"\xff\x00"),
        frame(0xc2, b"whole"),
        frame(0x41, b"\xfe"),
        frame(0x89, b"p"),
        frame(0x00, b"\xfd"),
        frame(0x80, b""),
        frame(0x81, b"plain"),
    ]
    .concat();
    let expected = [
        "Compressed { is_text: true, payload: [255, 0] }",
        "Compressed { is_text: false, payload: [119, 104, 111, 108, 101] }",
        "Ping([112])",
        "Compressed { is_text: true, payload: [254, 253] }",
        "Text(\"plain\")",
    ];
    for size in [1, 3, 1000] {
        let mut reader = Reader::inflating(true);
        let read = read_all(&mut reader, input.chunks(size));
        assert_eq!(read, (expected.map(String::from).to_vec(), None), "{size} at a time");
        assert!(reader.is_idle());
    }
    let mut reader = Reader::new();
    assert_eq!(read_all(&mut reader, input.chunks(1000)).1, Some(Violation::ReservedBits));
}

#[test]
fn only_the_first_frame_of_a_message_says_that_it_is_compressed() {
    let cases = [
        [frame(0x01, b"a"), frame(0xc0, b"b")].concat(),
        frame(0xc9, b"ping"),
        frame(0xc8, b""),
        frame(0xa1, b"another bit"),
        frame(0xd2, b"and another"),
    ];
    for input in cases {
        let mut reader = Reader::inflating(true);
        assert_eq!(read_all(&mut reader, input.chunks(1000)).1, Some(Violation::ReservedBits), "{input:?}");
    }
}

#[test]
fn a_caller_may_ask_whether_a_text_lies_next() {
    let text = frame(0x81, b"text");
    let next = |behind: &[u8], may_compress| {
        let mut input = [&text[..], behind].concat();
        let mut reader = Reader::inflating(may_compress);
        let mut events = reader.read(&mut input, &LIMITS);
        assert!(events.is_text_next());
        assert!(matches!(events.next_event(), Ok(Some(Event::Text("text")))));
        let (unread, is_text) = (events.unread().to_vec(), events.is_text_next());
        assert_eq!(unread, behind, "asking changes nothing");
        is_text
    };
    assert!(next(&text, false));
    assert!(next(&[&text[..], &text[..3]].concat(), false));
    assert!(next(&frame(0xc1, b"text"), true), "compressed");
    for other in [
        &[][..],
        &text[..1],
        &text[..text.len() - 1],
        &frame(0x01, b"a piece"),
        &frame(0x80, b"the rest"),
        &frame(0x82, b"binary"),
        &frame(0x88, b""),
        &frame(0x89, b"ping"),
        &frame(0xc1, b"compressed"),
        b"\x81\x04text",
    ] {
        assert!(!next(other, false), "{other:?}");
    }
    let mut input = [frame(0x01, b"a piece"), text].concat();
    let mut reader = Reader::new();
    let mut events = reader.read(&mut input, &LIMITS);
    assert!(events.next_event().is_err());
    assert!(!events.is_text_next());
}
