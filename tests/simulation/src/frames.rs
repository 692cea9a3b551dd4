//! Frames of `oort.v1` (docs/protocol.md), as far as a device speaks them.

use oort_ledger::Placed;
use serde_json::{Value, json};

/// What became of a send: its place, or a code and whether it may go through later.
pub(crate) type Answer = Result<i64, (String, bool)>;

/// A frame of the server.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Heads by conversation.
    Hello(Vec<(i64, i64)>),
    Messages {
        room: i64,
        messages: Vec<Placed>,
    },
    /// Oldest first. `after`: what was asked for.
    Page {
        room: i64,
        after: i64,
        messages: Vec<Placed>,
        more: bool,
        head: i64,
    },
    Acks {
        room: i64,
        acks: Vec<(String, Answer)>,
    },
    /// Conversations of which something was left out; empty = all.
    Behind(Vec<(i64, i64)>),
    /// Refused, but it may go through later.
    Refused,
    /// Nothing that a device follows.
    Other,
}

impl Heard {
    pub(crate) fn parse(text: &str) -> Self {
        let frame: Value = serde_json::from_str(text).expect("JSON");
        let payload = &frame["payload"];
        let room = || id(&payload["roomId"]);
        match frame["type"].as_str().expect("a type") {
            "hello" => Self::Hello(heads(&payload["rooms"], "id")),
            "serverMessages" => Self::Messages { room: room(), messages: messages(payload) },
            "serverRoomHistory" => Self::Page {
                room: room(),
                after: id(&payload["requestId"]),
                messages: messages(payload),
                more: payload["hasMoreMessages"].as_bool().unwrap_or(false),
                head: number(&payload["head"]),
            },
            "sendAck" => Self::Acks { room: room(), acks: list(&payload["results"]).map(ack).collect() },
            "behind" => Self::Behind(heads(&payload["rooms"], "roomId")),
            "error" if payload["retryAfterMs"].is_number() => Self::Refused,
            "error" => panic!("the server refused a frame for good: {text}"),
            _ => Self::Other,
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn id(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number as text")
}

fn heads(rooms: &Value, key: &str) -> Vec<(i64, i64)> {
    list(rooms).map(|room| (id(&room[key]), number(&room["head"]))).collect()
}

fn messages(payload: &Value) -> Vec<Placed> {
    let placed = |message: &Value| Placed {
        seq: number(&message["seq"]),
        id: message["clientMsgId"].as_str().unwrap_or_default().to_owned(),
    };
    list(&payload["messages"]).map(placed).collect()
}

fn ack(result: &Value) -> (String, Answer) {
    let id = result["clientMsgId"].as_str().unwrap_or_default().to_owned();
    let outcome = match result["error"]["code"].as_str() {
        Some(code) => Err((code.to_owned(), result["error"]["retryAfterMs"].is_number())),
        None => Ok(number(&result["seq"])),
    };
    (id, outcome)
}

pub(crate) fn send(room: i64, id: &str) -> String {
    let message = json!({ "clientMsgId": id, "content": format!("text of {id}") });
    let payload = json!({ "roomId": room.to_string(), "messages": [message] });
    json!({ "type": "clientMessages", "payload": payload }).to_string()
}

pub(crate) fn pull(room: i64, after: i64) -> String {
    let (room, request) = (room.to_string(), after.to_string());
    let payload = json!({ "roomId": room, "afterSeq": after, "count": 100, "requestId": request });
    json!({ "type": "requestRoomHistory", "payload": payload }).to_string()
}

pub(crate) fn ping() -> String {
    json!({ "type": "ping", "payload": {} }).to_string()
}
