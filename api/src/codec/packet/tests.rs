use bytes::BytesMut;
use proptest::prelude::*;

use super::*;

const BODY_BYTES_MAX: usize = 4096;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encoded(packet: Packet<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode_into(&mut out).expect("small");
    out
}

const fn push(body: &[u8]) -> Packet<'_> {
    Packet { ver: SERVER_VERSION, op: 1000, seq: 0, body }
}

#[test]
fn golden_packet() {
    let packet = Packet { ver: 1, op: op::AUTH, seq: 0x0102_0304, body: b"{}" };
    assert_eq!(hex(&encoded(packet)), "00000012001000010000000701020304".to_owned() + "7b7d");
    let negative = Packet { ver: -1, op: -2, seq: -3, body: b"" };
    assert_eq!(hex(&encoded(negative)), "000000100010fffffffffffefffffffd");
}

/// The sizes are those goim's comet was seen to send for these two packets.
#[test]
fn golden_container() {
    let inner =
        ["00000012001000010000", "03e8000000006d31", "00000012001000010000", "03e8000000006d32"].concat();
    let mut tcp = Vec::new();
    raw_container(&[push(b"m1"), push(b"m2")], Carrier::Tcp, &mut tcp).expect("small");
    assert_eq!(tcp.len(), 36);
    assert_eq!(hex(&tcp), inner);

    let mut websocket = BytesMut::new();
    raw_container(&[push(b"m1"), push(b"m2")], Carrier::WebSocket, &mut websocket).expect("small");
    assert_eq!(websocket.len(), 52);
    assert_eq!(hex(&websocket), "00000034001000010000000900000000".to_owned() + &inner);
}

#[test]
fn a_container_made_elsewhere_loses_its_header_on_tcp() {
    let mut inner = Vec::new();
    raw_container(&[push(b"m1"), push(b"m2")], Carrier::Tcp, &mut inner).expect("small");
    let container = Packet { ver: 1, op: op::RAW, seq: 0, body: &inner };
    let (mut tcp, mut websocket) = (Vec::new(), Vec::new());
    container.encode_for(Carrier::Tcp, &mut tcp).expect("small");
    container.encode_for(Carrier::WebSocket, &mut websocket).expect("small");
    assert_eq!(tcp, inner);
    assert_eq!(websocket, encoded(container));
}

#[test]
fn lengths_that_cannot_be_right_fail_before_the_body() {
    for declared in [i32::MIN, -1, 0, 15] {
        assert_eq!(decode(&declared.to_be_bytes(), BODY_BYTES_MAX), Err(PacketError::Length { declared }));
    }
    let limit = encoded(push(&[0; BODY_BYTES_MAX]));
    assert!(decode(&limit, BODY_BYTES_MAX).expect("at the limit").is_some());
    let over = encoded(push(&[0; BODY_BYTES_MAX + 1]));
    let too_large = Err(PacketError::TooLarge { body_bytes: 4097, body_bytes_max: 4096 });
    assert_eq!(decode(&over[..4], BODY_BYTES_MAX), too_large);
    assert_eq!(decode(&i32::MAX.to_be_bytes(), usize::MAX), Ok(None));
    let mut crooked = encoded(push(b"x"));
    crooked[5] = 17;
    assert_eq!(decode(&crooked, BODY_BYTES_MAX), Err(PacketError::HeaderLength { declared: 17 }));
}

/// goim answers this packet with 4096 bytes of its read buffer.
#[test]
fn a_message_shorter_than_its_packet_says_is_refused() {
    let mut message = encoded(Packet { ver: 1, op: op::SUBSCRIBE, seq: 1, body: b"" });
    message[..4].copy_from_slice(&4112_i32.to_be_bytes());
    let all: Vec<_> = packets(&message, BODY_BYTES_MAX).collect();
    assert_eq!(all, [Err(PacketError::Truncated { bytes: 16 })]);
}

#[test]
fn bytes_left_over_are_refused_after_the_packets_before_them() {
    let mut message = encoded(push(b"a"));
    message.extend(encoded(push(b"b")));
    assert_eq!(packets(&message, BODY_BYTES_MAX).count(), 2);
    message.extend([0, 0, 0]);
    let all: Vec<_> = packets(&message, BODY_BYTES_MAX).collect();
    assert_eq!(all, [Ok(push(b"a")), Ok(push(b"b")), Err(PacketError::Truncated { bytes: 3 })]);
}

type Fields = (i16, i32, i32, Vec<u8>);

fn packet(fields: &Fields) -> Packet<'_> {
    Packet { ver: fields.0, op: fields.1, seq: fields.2, body: &fields.3 }
}

fn any_packet() -> impl Strategy<Value = Fields> {
    (any::<i16>(), any::<i32>(), any::<i32>(), proptest::collection::vec(any::<u8>(), 0..200))
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(fields in any_packet(), tail in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes = encoded(packet(&fields));
        let length = bytes.len();
        bytes.extend(tail);
        prop_assert_eq!(decode(&bytes, BODY_BYTES_MAX), Ok(Some((packet(&fields), length))));
    }

    #[test]
    fn every_proper_prefix_is_incomplete(fields in any_packet()) {
        let bytes = encoded(packet(&fields));
        for end in 0..bytes.len() {
            prop_assert_eq!(decode(&bytes[..end], BODY_BYTES_MAX), Ok(None));
        }
    }

    /// A reader that gets a stream in two pieces, cut anywhere, sees the same packets.
    #[test]
    fn a_cut_anywhere_changes_nothing(list in proptest::collection::vec(any_packet(), 1..4)) {
        let originals: Vec<_> = list.iter().map(packet).collect();
        let mut stream = Vec::new();
        raw_container(&originals, Carrier::Tcp, &mut stream).expect("small");
        for cut in 0..=stream.len() {
            let mut seen = Vec::new();
            let mut at = 0;
            for end in [cut, stream.len()] {
                while let Some((packet, consumed)) = decode(&stream[at..end], BODY_BYTES_MAX).expect("valid") {
                    seen.push(packet);
                    at += consumed;
                }
            }
            prop_assert_eq!(&seen, &originals);
            prop_assert_eq!(at, stream.len());
        }
    }

    #[test]
    fn a_container_holds_its_packets(list in proptest::collection::vec(any_packet(), 0..5)) {
        let originals: Vec<_> = list.iter().map(packet).collect();
        let mut message = Vec::new();
        raw_container(&originals, Carrier::WebSocket, &mut message).expect("small");
        let outer: Vec<_> = packets(&message, usize::MAX).collect::<Result<_, _>>().expect("one packet");
        prop_assert_eq!(outer.len(), 1);
        prop_assert_eq!(outer[0].op, op::RAW);
        let inner: Vec<_> = packets(outer[0].body, BODY_BYTES_MAX).collect::<Result<_, _>>().expect("whole packets");
        prop_assert_eq!(inner, originals);
    }

    #[test]
    fn arbitrary_bytes_never_panic_nor_read_beyond(
        bytes in proptest::collection::vec(prop_oneof![Just(0_u8), Just(16), any::<u8>()], 0..300),
        body_bytes_max in prop_oneof![Just(0_usize), Just(64), Just(usize::MAX)],
    ) {
        if let Ok(Some((packet, consumed))) = decode(&bytes, body_bytes_max) {
            prop_assert!(consumed <= bytes.len() && packet.body.len() <= body_bytes_max);
            prop_assert_eq!(encoded(packet), &bytes[..consumed]);
        }
        let total: usize = packets(&bytes, body_bytes_max).flatten().map(|packet| packet.body.len() + HEADER_BYTES).sum();
        prop_assert!(total <= bytes.len());
    }
}
