//! goim's packets, from a client's side; `oort_api::codec::packet` has the format.

use bytes::Bytes;
use oort_api::codec::packet::{Carrier, Packet, SERVER_VERSION, decode, packets, raw_container};
use oort_api::op;

use super::{Broken, Event, Stage, Who};
use crate::mark::Mark;

/// The operation of published bodies: an application's own.
pub(crate) const PUSH: i32 = 1000;
/// Largest packet taken from a server, bytes.
const BODY_BYTES_MAX: usize = 16 << 20;

fn encoded(operation: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + body.len());
    // A Vec takes it, and the bodies here are small.
    let _ = Packet { ver: 1, op: operation, seq: 1, body }.encode_into(&mut out);
    out
}

/// The first packet of a client.
pub(crate) fn auth(who: &Who) -> Vec<u8> {
    let body = serde_json::json!({
        "mid": who.number + 1, "key": who.key(), "room_id": who.room.goim_name(), "platform": "bench", "accepts": [PUSH, op::SEND_MESSAGE],
    });
    encoded(op::AUTH, body.to_string().as_bytes())
}

/// The answer to [`auth`].
pub(crate) fn auth_reply() -> Vec<u8> {
    encoded(op::AUTH_REPLY, &[])
}

/// A sign of life.
pub(crate) fn heartbeat() -> Vec<u8> {
    encoded(op::HEARTBEAT, &[])
}

/// A push as a server sends it: on WebSocket in a container.
pub(crate) fn push(body: &Bytes, is_websocket: bool) -> Vec<u8> {
    let carrier = if is_websocket { Carrier::WebSocket } else { Carrier::Tcp };
    let mut out = Vec::with_capacity(32 + body.len());
    // As above.
    let _ = raw_container(&[Packet { ver: SERVER_VERSION, op: PUSH, seq: 0, body }], carrier, &mut out);
    out
}

/// The number of the client whose [`auth`] this is.
pub(crate) fn number_of(input: &[u8]) -> Option<u64> {
    let (packet, _) = decode(input, BODY_BYTES_MAX).ok()??;
    if packet.op != op::AUTH {
        return None;
    }
    let (_, rest) = std::str::from_utf8(packet.body).ok()?.split_once("\"key\":\"")?;
    Who::number_of(rest.split('"').next()?)
}

/// Packets that follow each other in a stream: the bytes of those that are complete.
pub(crate) fn read_stream(
    stage: &mut Stage,
    input: &[u8],
    take: &mut impl FnMut(Event<'_>),
) -> Result<usize, Broken> {
    let mut done = 0;
    while let Some((packet, bytes)) = decode(&input[done..], BODY_BYTES_MAX).map_err(|_| BAD)? {
        done += bytes;
        read(stage, &packet, take)?;
    }
    Ok(done)
}

/// The packets of one WebSocket message.
pub(crate) fn read_message(
    stage: &mut Stage,
    message: &[u8],
    take: &mut impl FnMut(Event<'_>),
) -> Result<(), Broken> {
    packets(message, BODY_BYTES_MAX).try_for_each(|packet| read(stage, &packet.map_err(|_| BAD)?, take))
}

const BAD: Broken = Broken::Unreadable("bytes that are no packet");

fn read(stage: &mut Stage, packet: &Packet<'_>, take: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
    match packet.op {
        op::AUTH_REPLY => {
            *stage = Stage::Live;
            take(Event::Ready);
        }
        op::RAW => read_message(stage, packet.body, take)?,
        op::SEND_MESSAGE => super::json::take_messages(packet.body, take),
        _ => {
            if let Some(mark) = Mark::at(packet.body) {
                take(Event::Message { mark, server_seq: None });
            }
        }
    }
    Ok(())
}
