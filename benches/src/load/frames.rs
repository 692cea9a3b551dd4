//! Frames of `oort.v1` (docs/protocol.md), as far as the load speaks and checks them.

use std::borrow::Cow;
use std::io::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::tag::Tag;

/// A frame of the server.
#[derive(Debug)]
pub(crate) enum ServerFrame<'a> {
    Hello(Hello<'a>),
    Messages(Messages<'a>),
    History(Messages<'a>),
    Ack(Ack<'a>),
    Behind(Behind<'a>),
    Push(Push<'a>),
    Cursor(Cursor<'a>),
    Error(Refusal<'a>),
    /// Connect anew.
    Reconnect,
    /// Says nothing that the load follows.
    Other,
}

/// The rooms of the session.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello<'a> {
    #[serde(borrow)]
    pub(crate) rooms: Vec<HelloRoom<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HelloRoom<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    pub(crate) head: i64,
    #[serde(default)]
    pub(crate) read_seq: i64,
    #[serde(default)]
    pub(crate) unread: i64,
}

/// How far somebody has read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor<'a> {
    #[serde(borrow)]
    pub(crate) room_id: Cow<'a, str>,
    #[serde(default)]
    pub(crate) read_seq: i64,
    /// Told only to the reader.
    pub(crate) head: Option<i64>,
    /// Told only to the reader.
    pub(crate) unread: Option<i64>,
}

/// Messages of one room: `serverMessages` and `serverRoomHistory`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Messages<'a> {
    #[serde(borrow)]
    pub(crate) room_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) messages: Vec<Message<'a>>,
    /// History only.
    #[serde(default)]
    pub(crate) has_more_messages: bool,
    /// History only.
    #[serde(default)]
    pub(crate) head: i64,
    /// History only, and only if the request had one.
    #[serde(borrow, default)]
    pub(crate) request_id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message<'a> {
    pub(crate) seq: i64,
    /// Empty when the server wrote it.
    #[serde(borrow, default)]
    pub(crate) client_msg_id: Cow<'a, str>,
}

/// What became of a `clientMessages` frame.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ack<'a> {
    #[serde(borrow)]
    pub(crate) room_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) results: Vec<AckResult<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AckResult<'a> {
    #[serde(borrow, default)]
    pub(crate) client_msg_id: Cow<'a, str>,
    #[serde(default)]
    pub(crate) seq: i64,
    #[serde(borrow)]
    pub(crate) error: Option<Refusal<'a>>,
}

/// A refusal, of a frame or of one message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal<'a> {
    #[serde(borrow)]
    pub(crate) code: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) message: Cow<'a, str>,
    /// The same may go through after so long; absent: never.
    pub(crate) retry_after_ms: Option<u64>,
    /// Of the frame that was refused, if it had one.
    #[serde(borrow, default)]
    pub(crate) request_id: Cow<'a, str>,
}

/// Rooms of which something was not sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Behind<'a> {
    #[serde(borrow)]
    pub(crate) rooms: Vec<BehindRoom<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BehindRoom<'a> {
    #[serde(borrow)]
    pub(crate) room_id: Cow<'a, str>,
    /// 0 = not known.
    #[serde(default)]
    pub(crate) head: i64,
}

/// What an application pushed.
#[derive(Debug, Deserialize)]
pub(crate) struct Push<'a> {
    /// Empty when it is not text.
    #[serde(borrow, default)]
    pub(crate) body: Cow<'a, str>,
}

/// The answer to a send by HTTP.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    pub(crate) seq: i64,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl<'a> ServerFrame<'a> {
    /// Reads one text message.
    pub(crate) fn parse(text: &'a [u8]) -> serde_json::Result<Self> {
        let Envelope { kind, payload } = serde_json::from_slice(text)?;
        let payload = payload.get();
        Ok(match kind.as_ref() {
            "serverMessages" => Self::Messages(serde_json::from_str(payload)?),
            "sendAck" => Self::Ack(serde_json::from_str(payload)?),
            "serverRoomHistory" => Self::History(serde_json::from_str(payload)?),
            "hello" => Self::Hello(serde_json::from_str(payload)?),
            "behind" => Self::Behind(serde_json::from_str(payload)?),
            "cursor" => Self::Cursor(serde_json::from_str(payload)?),
            "push" => Self::Push(serde_json::from_str(payload)?),
            "error" => Self::Error(serde_json::from_str(payload)?),
            "reconnect" => Self::Reconnect,
            _ => Self::Other,
        })
    }
}

/// Writes `clientMessages` with these messages, each with the same text; texts and ids hold nothing to escape.
pub(crate) fn client_messages(room: &str, tags: &[Tag], content: &str, to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(br#"{"type":"clientMessages","payload":{"roomId":""#);
    to.extend_from_slice(room.as_bytes());
    to.extend_from_slice(br#"","messages":["#);
    for (index, tag) in tags.iter().enumerate() {
        to.extend_from_slice(if index == 0 { br#"{"clientMsgId":""# } else { br#",{"clientMsgId":""# });
        to.extend_from_slice(&tag.text());
        to.extend_from_slice(br#"","content":""#);
        to.extend_from_slice(content.as_bytes());
        to.extend_from_slice(br#""}"#);
    }
    to.extend_from_slice(b"]}}");
}

/// Writes a `requestRoomHistory` for the newest page, with `request_id`.
pub(crate) fn request_newest(room: &str, request_id: &str, to: &mut Vec<u8>) {
    to.clear();
    let payload = format_args!(r#"{{"roomId":"{room}","count":30,"requestId":"{request_id}"}}"#);
    // A Vec takes every byte.
    drop(write!(to, r#"{{"type":"requestRoomHistory","payload":{payload}}}"#));
}

/// Writes a `cursor`: read up to `read_seq`.
pub(crate) fn cursor(room: &str, read_seq: i64, request_id: &str, to: &mut Vec<u8>) {
    to.clear();
    let payload = format_args!(r#"{{"roomId":"{room}","readSeq":{read_seq},"requestId":"{request_id}"}}"#);
    // A Vec takes every byte.
    drop(write!(to, r#"{{"type":"cursor","payload":{payload}}}"#));
}

/// Writes a `ping`.
pub(crate) fn ping(to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(br#"{"type":"ping","payload":{}}"#);
}

/// Writes a `requestRoomHistory` for what is newer than `after`, which is its request id, too.
pub(crate) fn request_history(room: &str, after: i64, to: &mut Vec<u8>) {
    to.clear();
    // A Vec takes every byte.
    drop(write!(
        to,
        r#"{{"type":"requestRoomHistory","payload":{{"roomId":"{room}","afterSeq":{after},"count":100,"requestId":"{after}"}}}}"#
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_are_json() {
        let tags = [Tag { number: 1, due_ns: 2 }, Tag { number: 3, due_ns: 4 }];
        let mut text = vec![b'!'];
        client_messages("7", &tags, "xy", &mut text);
        let frame: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((&frame["type"], &frame["payload"]["roomId"]), (&"clientMessages".into(), &"7".into()));
        let messages = frame["payload"]["messages"].as_array().unwrap();
        let read: Vec<_> =
            messages.iter().map(|sent| Tag::parse(sent["clientMsgId"].as_str().unwrap()).unwrap()).collect();
        assert_eq!((read.as_slice(), &messages[1]["content"]), (tags.as_slice(), &"xy".into()));
        cursor("7", 40, "r", &mut text);
        let frame: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((&frame["payload"]["readSeq"], &frame["type"]), (&40.into(), &"cursor".into()));
        request_history("7", 41, &mut text);
        let frame: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((&frame["payload"]["afterSeq"], &frame["payload"]["roomId"]), (&41.into(), &"7".into()));
    }

    #[test]
    fn frames_of_the_protocol_are_read() {
        let text = br#"{"type":"serverMessages","payload":{"roomId":"7","messages":[{"id":"7-43","seq":43,"kind":"text",
            "clientMsgId":"c-43","content":"Hi \"bob\"","timestamp":1,"user":{"id":"2","username":"ann"}},{"seq":44}]}}"#;
        let ServerFrame::Messages(batch) = ServerFrame::parse(text).unwrap() else { panic!("messages") };
        let seen: Vec<_> =
            batch.messages.iter().map(|message| (message.seq, message.client_msg_id.as_ref())).collect();
        assert_eq!((batch.room_id.as_ref(), seen), ("7", vec![(43, "c-43"), (44, "")]));
        let text = br#"{"type":"sendAck","payload":{"roomId":"7","results":[
            {"clientMsgId":"a","seq":43,"id":"7-43","timestamp":1,"duplicate":true},
            {"clientMsgId":"b","error":{"code":"overloaded","message":"too many \u00e4","retryAfterMs":1000}}]}}"#;
        let ServerFrame::Ack(ack) = ServerFrame::parse(text).unwrap() else { panic!("an ack") };
        assert_eq!((ack.results[0].seq, ack.results[0].error.is_none()), (43, true));
        assert_eq!(ack.results[1].error.as_ref().unwrap().code, "overloaded");
        let text = br#"{"type":"hello","payload":{"me":{"id":"2"},"rooms":[{"id":"7","name":"a \"b\"","head":42}]}}"#;
        let ServerFrame::Hello(hello) = ServerFrame::parse(text).unwrap() else { panic!("a hello") };
        assert_eq!((hello.rooms[0].id.as_ref(), hello.rooms[0].head), ("7", 42));
        let text = br#"{"type":"cursor","payload":{"roomId":"7","userId":"2","deliveredSeq":44,"readSeq":42,"head":50,"unread":5}}"#;
        let ServerFrame::Cursor(cursor) = ServerFrame::parse(text).unwrap() else { panic!("a cursor") };
        assert_eq!((cursor.read_seq, cursor.head, cursor.unread), (42, Some(50), Some(5)));
        assert!(matches!(
            ServerFrame::parse(br#"{"type":"pong","payload":{}}"#).unwrap(),
            ServerFrame::Other
        ));
    }
}
