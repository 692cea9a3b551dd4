//! The packet dialect: from frames of jobs to goim's packets. Pushes travel in containers (op 9), as goim's job sends them:
//! over WebSocket with an outer header, over TCP one packet after the other.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use oort_api::clock::now_ms;
use oort_api::codec::envelope::{Flavour, encode_message};
use oort_api::codec::packet::{Carrier, HEADER_BYTES, Packet, SERVER_VERSION, raw_container};
use oort_api::expiry;
use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::Message;
use prost::Message as _;

use crate::dialect::{Unreadable, json};
use crate::framing::{Opcode, encode_frame};

/// The bytes that show a frame of a job; empty when there is nothing to show.
pub(crate) fn encode(frame: &Proto, carrier: Carrier) -> Result<Bytes, Unreadable> {
    if matches!(frame.op, op::PRESENCE | op::TYPING) {
        // These clients have no way to watch.
        return Ok(Bytes::new());
    }
    let shown = body(frame)?;
    let packet = Packet { ver: SERVER_VERSION, op: frame.op, seq: 0, body: &shown };
    let mut out = BytesMut::with_capacity(shown.len() + 2 * HEADER_BYTES);
    let written = if frame.op == op::RAW {
        packet.encode_for(carrier, &mut out)
    } else {
        raw_container(&[packet], carrier, &mut out)
    };
    match written {
        Ok(()) => Ok(wrap(out.freeze(), carrier)),
        Err(error) => {
            tracing::error!(frame.op, %error, "a frame does not fit a packet");
            Err(Unreadable)
        }
    }
}

/// A message as the JSON object that V1 clients get in their frames; an event as V1's frame; a push as it came.
fn body(frame: &Proto) -> Result<Cow<'_, [u8]>, Unreadable> {
    let mut json = Vec::new();
    match frame.op {
        op::SEND_MESSAGE if frame.conversation > 0 => {
            let mut message = Message::decode(frame.body.clone()).map_err(|_| Unreadable)?;
            expiry::hide(&mut message, now_ms());
            encode_message(&message, Flavour::V1, &mut json);
        }
        op::CONVERSATION | op::CURSOR | op::EVENT | op::CHANGE => {
            _ = json::write(frame, Flavour::V1, &mut json)?;
        }
        _ => return Ok(Cow::Borrowed(&frame.body)),
    }
    Ok(Cow::Owned(json))
}

/// A reply: version and seq are the request's.
pub(crate) fn reply(request: &Packet<'_>, operation: i32, body: &[u8], carrier: Carrier) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER_BYTES + body.len());
    let packet = Packet { ver: request.ver, op: operation, seq: request.seq, body };
    if packet.encode_into(&mut out).is_err() {
        return Bytes::new();
    }
    wrap(out.freeze(), carrier)
}

fn wrap(packets: Bytes, carrier: Carrier) -> Bytes {
    match carrier {
        Carrier::Tcp => packets,
        Carrier::WebSocket => encode_frame(Opcode::Binary, &packets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> Proto {
        Proto { op: 1000, body: Bytes::from_static(b"m1"), ..Proto::default() }
    }

    #[test]
    fn pushes_are_containers_on_websocket_and_bare_on_tcp() {
        let tcp = encode(&push(), Carrier::Tcp).unwrap();
        assert_eq!(tcp.len(), 18);
        let websocket = encode(&push(), Carrier::WebSocket).unwrap();
        assert_eq!(&websocket[..2], [0x82, 34], "one binary frame of an outer header and the packet");
        assert_eq!(&websocket[2 + 8..2 + 12], [0, 0, 0, 9]);
        assert_eq!(&websocket[18..], &tcp[..]);
    }

    #[test]
    fn a_container_made_elsewhere_gets_one_header_only() {
        let inner = encode(&push(), Carrier::Tcp).unwrap();
        let frame = Proto { op: op::RAW, body: inner.clone(), ..Proto::default() };
        assert_eq!(encode(&frame, Carrier::Tcp), Ok(inner));
        assert_eq!(encode(&frame, Carrier::WebSocket), encode(&push(), Carrier::WebSocket));
    }
}
