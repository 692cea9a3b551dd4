//! Oort's JSON frames, from a client's side (`docs/protocol.md`). They are not parsed but searched: a load tool has to be
//! cheaper than the server, and what it looks for cannot stand anywhere else in these frames.

use bytes::Bytes;
use oort_api::codec::envelope::{Flavour, ServerFrame};
use oort_api::pb::oort::v1::{Message, User};

use super::{Event, Room, Stage};
use crate::mark::{MARK_BYTES, Mark};

/// A greeting of a server that has nothing to say.
pub(crate) const HELLO: &[u8] = br#"{"type":"hello","payload":{"rooms":[]}}"#;

/// A published body as the durable message that a client is shown.
pub(crate) fn message(room: Room, seq: u64, body: &Bytes) -> Message {
    Message {
        conversation: room.conversation(),
        seq: i64::try_from(seq).unwrap_or(i64::MAX),
        sender: Some(User { id: 1, username: "bench".into() }),
        client_msg_id: format!("c-{seq}"),
        content: String::from_utf8_lossy(body).into_owned(),
        created_at_ms: i64::try_from(crate::clock::wall_ms()).unwrap_or(i64::MAX),
        ..Message::default()
    }
}

/// The frame that shows a published body.
pub(crate) fn messages(seq: u64, body: &Bytes) -> Vec<u8> {
    let message = message(Room::Main, seq, body);
    let conversation = message.conversation;
    let messages = std::slice::from_ref(&message);
    let mut out = Vec::with_capacity(256 + body.len());
    // Clients of this flavour are shown every message.
    let _ = ServerFrame::Messages { conversation, messages }.encode_into(Flavour::V1, &mut out);
    out
}

/// Reads one text frame.
pub(crate) fn read(stage: &mut Stage, text: &[u8], take: &mut impl FnMut(Event<'_>)) {
    if *stage != Stage::Live && text.starts_with(br#"{"type":"hello""#) {
        *stage = Stage::Live;
        if let Some(cursor) = value_of(b"\"cursor\":\"", text).and_then(|text| text.split('"').next()) {
            take(Event::Cursor(cursor));
        }
        return take(Event::Ready);
    }
    if text.starts_with(br#"{"type":"reconnect""#) {
        let digits = value_of(b"\"afterMs\":", text).and_then(|text| text.split(&[',', '}']).next());
        return take(Event::ComeAgain {
            after_ms: digits.and_then(|ms| ms.parse().ok()).unwrap_or_default(),
        });
    }
    if text.starts_with(br#"{"type":"behind""#) {
        return take(Event::Behind);
    }
    take_messages(text, take);
}

/// What stands behind a name, to the end of the frame.
fn value_of<'a>(name: &[u8], text: &'a [u8]) -> Option<&'a str> {
    let at = text.windows(name.len()).position(|part| part == name)? + name.len();
    std::str::from_utf8(&text[at..]).ok()
}

/// Tells of every marked message in JSON, with the `seq` that stands before it.
pub(crate) fn take_messages(text: &[u8], take: &mut impl FnMut(Event<'_>)) {
    let mut rest = text;
    while let Some((at, mark)) = Mark::find(rest) {
        take(Event::Message { mark, server_seq: seq_in(&rest[..at]) });
        rest = &rest[at + MARK_BYTES..];
    }
}

fn seq_in(text: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"seq\":";
    let at = text.windows(NAME.len()).position(|part| part == NAME)? + NAME.len();
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0_u64, |seq, digit| seq.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))))
}
