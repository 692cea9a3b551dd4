//! What must hold for any bytes that a goim client sends. Called by the fuzz target and by the test that
//! replays its seeds.

use oort_api::codec::goim::{AuthBody, OPS_MAX, parse_ops};
use oort_api::codec::packet::{Carrier, HEADER_BYTES, PacketError, decode, packets};

/// Small, so that lengths around the limit are found.
const BODY_BYTES_MAX: usize = 200;

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    a_stream_is_whole_packets(data);
    a_message_is_the_same_packets(data);
    if let Ok(auth) = AuthBody::parse(data) {
        assert!(auth.accepts.len() <= OPS_MAX);
    }
    if let Ok(ops) = parse_ops(data) {
        assert!(ops.len() <= OPS_MAX);
        let written = ops.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        assert_eq!(parse_ops(written.as_bytes()), Ok(ops));
    }
}

/// Each packet encodes to the bytes it was read from, and no shorter input is taken for it.
fn a_stream_is_whole_packets(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some((packet, consumed))) = decode(rest, BODY_BYTES_MAX) {
        assert_eq!(consumed, HEADER_BYTES + packet.body.len());
        assert!(packet.body.len() <= BODY_BYTES_MAX);
        for shorter in [0, 3, 15, consumed - 1] {
            assert_eq!(decode(&rest[..shorter.min(consumed - 1)], BODY_BYTES_MAX), Ok(None));
        }
        let mut encoded = Vec::new();
        assert_eq!(packet.encode_into(&mut encoded), Ok(()));
        assert_eq!(encoded, rest[..consumed]);
        encoded.clear();
        assert_eq!(packet.encode_for(Carrier::WebSocket, &mut encoded), Ok(()));
        assert_eq!(encoded, rest[..consumed]);
        rest = &rest[consumed..];
    }
}

/// A message is read as the stream of the same bytes is, except that it may not end inside a packet.
fn a_message_is_the_same_packets(data: &[u8]) {
    let mut rest = data;
    for packet in packets(data, BODY_BYTES_MAX) {
        match (packet, decode(rest, BODY_BYTES_MAX)) {
            (Ok(packet), Ok(Some((same, consumed)))) => {
                assert_eq!(packet, same);
                rest = &rest[consumed..];
            }
            (Err(PacketError::Truncated { bytes }), Ok(None)) => {
                assert_eq!(bytes, rest.len());
                return;
            }
            (packet, stream) => {
                assert_eq!(packet.err(), stream.err());
                return;
            }
        }
    }
    assert!(rest.is_empty());
}
