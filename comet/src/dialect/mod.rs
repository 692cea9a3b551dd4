//! Dialects: how the same commands and events look to different clients.

use bytes::Bytes;
use oort_api::codec::envelope::Flavour;
use oort_api::codec::packet::Carrier;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::goim::protocol::proto::Replay;

pub(crate) mod json;
pub(crate) mod packet;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Dialect {
    /// JSON as older web clients know it.
    Classic = 0,
    /// JSON, sub-protocol `oort.v1`.
    V1 = 1,
    /// goim's packets in binary WebSocket messages.
    PacketWebSocket = 2,
    /// goim's packets in a byte stream.
    PacketTcp = 3,
    /// [`Dialect::Classic`] in compressed messages.
    ClassicDeflated = 4,
    /// [`Dialect::V1`] in compressed messages.
    V1Deflated = 5,
    /// [`Dialect::PacketWebSocket`] in compressed messages.
    PacketWebSocketDeflated = 6,
}

impl Dialect {
    /// How many there are.
    pub(crate) const COUNT: usize = 7;

    /// The same where `permessage-deflate` was agreed.
    pub(crate) const fn deflated(self) -> Self {
        match self {
            Self::Classic => Self::ClassicDeflated,
            Self::V1 => Self::V1Deflated,
            Self::PacketWebSocket => Self::PacketWebSocketDeflated,
            other => other,
        }
    }

    /// The dialect whose messages it compresses; `None` when it compresses none.
    pub(crate) const fn inflated(self) -> Option<Self> {
        match self {
            Self::ClassicDeflated => Some(Self::Classic),
            Self::V1Deflated => Some(Self::V1),
            Self::PacketWebSocketDeflated => Some(Self::PacketWebSocket),
            _ => None,
        }
    }

    /// JSON frames: the session has a user and follows open rooms.
    pub(crate) const fn is_json(self) -> bool {
        matches!(self, Self::Classic | Self::V1 | Self::ClassicDeflated | Self::V1Deflated)
    }

    /// Framed by WebSocket.
    pub(crate) const fn is_websocket(self) -> bool {
        !matches!(self, Self::PacketTcp)
    }

    /// Its clients know `behind`, so they may be withheld frames.
    pub(crate) const fn can_be_behind(self) -> bool {
        matches!(self, Self::V1 | Self::V1Deflated)
    }

    /// For labels of metrics.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Classic | Self::ClassicDeflated => "classic",
            Self::V1 | Self::V1Deflated => "v1",
            Self::PacketWebSocket | Self::PacketWebSocketDeflated => "packet_websocket",
            Self::PacketTcp => "packet_tcp",
        }
    }

    /// The platform recorded for sessions that name none.
    pub(crate) const fn platform(self) -> &'static str {
        if self.is_json() { "web" } else { "goim" }
    }

    /// The JSON flavour; that of V1 where a packet carries JSON.
    pub(crate) const fn flavour(self) -> Flavour {
        if matches!(self, Self::Classic | Self::ClassicDeflated) { Flavour::Classic } else { Flavour::V1 }
    }

    /// What carries packets.
    pub(crate) const fn carrier(self) -> Carrier {
        if self.is_websocket() { Carrier::WebSocket } else { Carrier::Tcp }
    }
}

/// A frame that no client can be shown: its body is not what its op says, or does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The bytes of a frame for the sockets of a dialect, not compressed; empty = it has nothing to show to them.
pub(crate) fn encode(frame: &Proto, dialect: Dialect) -> Result<Bytes, Unreadable> {
    if frame.replay() == Replay::V1 && dialect != Dialect::V1 {
        // Others might show it twice.
        return Ok(Bytes::new());
    }
    if dialect.is_json() {
        json::encode(frame, dialect.flavour())
    } else {
        packet::encode(frame, dialect.carrier())
    }
}

#[cfg(test)]
mod tests {
    use oort_api::op;
    use oort_api::pb::oort::v1::{ChangeEvent, Message, MessageExtra};
    use prost::Message as _;

    use super::*;

    #[test]
    fn what_comes_after_its_end_is_not_shown() {
        let frame = |expires_at_ms| {
            let extra = MessageExtra { expires_at_ms, ..MessageExtra::default() };
            let content = "a secret".to_owned();
            let message =
                Message { conversation: 7, seq: 9, content, extra: Some(extra), ..Message::default() };
            Proto {
                op: op::SEND_MESSAGE,
                conversation: 7,
                message_seq: 9,
                body: message.encode_to_vec().into(),
                ..Proto::default()
            }
        };
        let dialects = [Dialect::Classic, Dialect::V1, Dialect::PacketWebSocket, Dialect::PacketTcp];
        for dialect in dialects {
            let text = |frame: &Proto| String::from_utf8_lossy(&encode(frame, dialect).unwrap()).into_owned();
            assert!(text(&frame(i64::MAX)).contains("a secret"), "{dialect:?}");
            let late = text(&frame(1));
            assert!(!late.contains("a secret"), "{dialect:?}");
            assert_eq!(late.contains(r#""gone":"expired""#), dialect != Dialect::Classic, "{dialect:?}");
        }
    }

    #[test]
    fn an_edit_that_comes_after_the_end_has_no_text() {
        let frame = |expires_at_ms| {
            let edit = ChangeEvent {
                conversation: 7,
                change_seq: 1,
                seq: 9,
                content: "a secret".to_owned(),
                expires_at_ms,
                ..ChangeEvent::default()
            };
            Proto { op: op::CHANGE, conversation: 7, body: edit.encode_to_vec().into(), ..Proto::default() }
        };
        for dialect in [Dialect::V1, Dialect::PacketWebSocket, Dialect::PacketTcp] {
            let text = |at_ms| String::from_utf8_lossy(&encode(&frame(at_ms), dialect).unwrap()).into_owned();
            assert!(text(0).contains("a secret") && text(i64::MAX).contains("a secret"), "{dialect:?}");
            let late = text(1);
            assert!(late.contains("edited") && !late.contains("a secret"), "{dialect:?}");
        }
    }

    #[test]
    fn a_replay_is_marked_and_shown_to_those_it_is_for() {
        let message = Message { conversation: 7, seq: 9, content: "x".to_owned(), ..Message::default() };
        let frame = |replay: Replay| Proto {
            op: op::SEND_MESSAGE,
            conversation: 7,
            message_seq: 9,
            body: message.encode_to_vec().into(),
            replay: replay.into(),
            ..Proto::default()
        };
        let is_shown = |replay, dialect| !encode(&frame(replay), dialect).unwrap().is_empty();
        for dialect in [Dialect::Classic, Dialect::PacketWebSocket, Dialect::PacketTcp] {
            assert!(!is_shown(Replay::V1, dialect) && is_shown(Replay::All, dialect), "{dialect:?}");
        }
        for (replay, is_marked) in [(Replay::Not, false), (Replay::V1, true), (Replay::All, true)] {
            let text = encode(&frame(replay), Dialect::V1).unwrap();
            assert_eq!(String::from_utf8_lossy(&text).contains(r#""replay":true"#), is_marked, "{replay:?}");
        }
    }
}
