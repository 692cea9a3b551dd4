//! The JSON dialect: from frames of jobs and answers of logic to text frames. What clients send is read by
//! [`oort_api::codec::envelope::parse`].

use bytes::{Bytes, BytesMut};
use oort_api::clock::now_ms;
use oort_api::codec::envelope::{Flavour, ServerFrame};
use oort_api::codec::packet;
use oort_api::expiry;
use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::goim::protocol::proto::Replay;
use oort_api::pb::oort::v1::{
    ChangeEvent, ConversationEvent, CursorEvent, Message, PresenceEvent, TypingEvent, UserEvent,
};
use prost::Message as _;

use crate::dialect::Unreadable;
use crate::framing::{Opcode, encode_frame, frame_header};

/// A WebSocket text frame of a server frame; empty when clients of the flavour get none.
pub(crate) fn text(frame: &ServerFrame<'_>, flavour: Flavour) -> Bytes {
    let mut json = Vec::with_capacity(256);
    if frame.encode_into(flavour, &mut json) { encode_frame(Opcode::Text, &json) } else { Bytes::new() }
}

/// The text frames that show a frame of a job; empty when there is nothing to show.
pub(crate) fn encode(frame: &Proto, flavour: Flavour) -> Result<Bytes, Unreadable> {
    if frame.op == op::RAW {
        return Ok(encode_container(&frame.body, flavour));
    }
    let mut json = Vec::with_capacity(frame.body.len() + 256);
    let is_shown = write(frame, flavour, &mut json)?;
    Ok(if is_shown { encode_frame(Opcode::Text, &json) } else { Bytes::new() })
}

/// Appends the JSON that shows a frame. False: nothing is shown, and nothing was written.
pub(crate) fn write(frame: &Proto, flavour: Flavour, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
    Ok(match frame.op {
        op::SEND_MESSAGE if frame.conversation > 0 => {
            let mut message = Message::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            // One that comes late may have ended on its way.
            expiry::hide(&mut message, now_ms());
            let messages = std::slice::from_ref(&message);
            let conversation = frame.conversation;
            match frame.replay() {
                Replay::Not => ServerFrame::Messages { conversation, messages },
                Replay::V1 | Replay::All => ServerFrame::Replayed { conversation, messages },
            }
            .encode_into(flavour, out)
        }
        op::CONVERSATION => {
            let event = ConversationEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            ServerFrame::Conversation { event: &event }.encode_into(flavour, out)
        }
        op::CURSOR => {
            let event = CursorEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            ServerFrame::Cursor { event: &event, request_id: None }.encode_into(flavour, out)
        }
        op::PRESENCE => {
            let PresenceEvent { users } =
                PresenceEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            ServerFrame::Presence { users: &users, request_id: None }.encode_into(flavour, out)
        }
        op::TYPING => {
            let event = TypingEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            ServerFrame::Typing { event: &event }.encode_into(flavour, out)
        }
        op::EVENT => {
            let event = UserEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            ServerFrame::Event { event: &event }.encode_into(flavour, out)
        }
        op::CHANGE => {
            let mut event = ChangeEvent::decode(frame.body.clone()).map_err(|_| unreadable(frame))?;
            expiry::hide_of_change(&mut event, now_ms());
            ServerFrame::Change { event: &event }.encode_into(flavour, out)
        }
        operation => ServerFrame::Push { operation, body: &frame.body }.encode_into(flavour, out),
    })
}

fn unreadable(frame: &Proto) -> Unreadable {
    tracing::error!(frame.op, frame.conversation, frame.message_seq, "the body of a frame cannot be read");
    Unreadable
}

/// Each packet of a container is a push of its own.
fn encode_container(body: &[u8], flavour: Flavour) -> Bytes {
    let mut frames = BytesMut::new();
    let mut json = Vec::new();
    for packet in packet::packets(body, body.len()).map_while(Result::ok) {
        json.clear();
        let push = ServerFrame::Push { operation: packet.op, body: packet.body };
        if push.encode_into(flavour, &mut json) {
            frames.extend_from_slice(frame_header(Opcode::Text, json.len()).as_bytes());
            frames.extend_from_slice(&json);
        }
    }
    frames.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_cannot_be_read_is_not_shown() {
        let frame = Proto {
            op: op::SEND_MESSAGE,
            conversation: 1,
            body: Bytes::from_static(b"\xff\xff"),
            ..Proto::default()
        };
        assert_eq!(encode(&frame, Flavour::V1), Err(Unreadable));
    }

    #[test]
    fn packets_of_a_container_become_pushes() {
        let mut body = Vec::new();
        for text in [&b"a"[..], b"b"] {
            packet::Packet { ver: 1, op: 1000, seq: 0, body: text }.encode_into(&mut body).unwrap();
        }
        let frame = Proto { op: op::RAW, body: body.into(), ..Proto::default() };
        let frames = encode(&frame, Flavour::V1).unwrap();
        let text = String::from_utf8_lossy(&frames);
        assert_eq!(text.matches("\"push\"").count(), 2, "{text}");
        assert!(encode(&frame, Flavour::Classic).unwrap().is_empty());
    }
}
