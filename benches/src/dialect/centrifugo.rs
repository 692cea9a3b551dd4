//! Centrifugo's JSON protocol, from a client's side: one JSON object a line, several in a WebSocket message
//! (<https://centrifugal.dev/docs/transports/client_protocol>). Searched, not parsed, as Oort's JSON.

use bytes::Bytes;

use super::{Broken, Event, Room, Stage, Who, ws};
use crate::mark::{MARK_BYTES, Mark};

/// The answers to [`opening`] of a server that checks nothing.
pub(crate) const WELCOME: &[u8] =
    b"{\"id\":1,\"connect\":{\"client\":\"c\"}}\n{\"id\":2,\"subscribe\":{}}\n{\"id\":3,\"subscribe\":{}}";

/// Connects, and subscribes to the client's own channel and to the room's.
pub(crate) fn opening(who: &Who) -> Vec<u8> {
    format!(
        "{{\"id\":1,\"connect\":{{}}}}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"{}\"}}}}\n{{\"id\":3,\"subscribe\":{{\"channel\":\"{}\"}}}}",
        who.key(),
        channel(who.room)
    )
    .into_bytes()
}

/// The channel that is a room.
pub(crate) fn channel(room: Room) -> String {
    format!("room{}", room.conversation())
}

/// The number of the client whose [`opening`] this is.
pub(crate) fn number_of(opening: &[u8]) -> Option<u64> {
    let (_, rest) = std::str::from_utf8(opening).ok()?.split_once("\"channel\":\"")?;
    Who::number_of(rest.split('"').next()?)
}

/// A publication as a server shows it.
pub(crate) fn publication(body: &Bytes) -> Vec<u8> {
    let body = String::from_utf8_lossy(body);
    format!("{{\"push\":{{\"channel\":\"room\",\"pub\":{{\"data\":{{\"b\":\"{body}\"}}}}}}}}").into_bytes()
}

/// Reads one WebSocket message.
pub(crate) fn read(
    stage: &mut Stage,
    message: &[u8],
    take: &mut impl FnMut(Event<'_>),
) -> Result<(), Broken> {
    if *stage == Stage::Live {
        let mut rest = message;
        while let Some((at, mark)) = Mark::find(rest) {
            take(Event::Message { mark, server_seq: None });
            rest = &rest[at + MARK_BYTES..];
        }
        // A ping is an empty object, and is answered with one.
        if rest.trim_ascii() == b"{}" || rest.ends_with(b"\n{}") {
            take(Event::Reply(ws::masked(ws::TEXT, b"{}").into()));
        }
        return Ok(());
    }
    for line in message.split(|byte| *byte == b'\n') {
        if line.windows(8).any(|part| part == b"\"error\":") {
            return Err(Broken::Refused(String::from_utf8_lossy(line).into_owned()));
        }
        if line.starts_with(b"{\"id\":3,") {
            *stage = Stage::Live;
            take(Event::Ready);
        }
    }
    Ok(())
}
