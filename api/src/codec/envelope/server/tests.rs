use proptest::prelude::*;
use serde_json::{Value, json};

use super::payload::SessionJson;
use super::*;
use crate::error::Code;

/// The frame as its client gets it; `None` = nothing.
fn text(frame: ServerFrame<'_>, flavour: Flavour) -> Option<String> {
    let mut out = b"before".to_vec();
    let written = frame.encode_into(flavour, &mut out);
    let frame = String::from_utf8(out.split_off(b"before".len())).expect("UTF-8");
    assert_eq!(written, !frame.is_empty());
    written.then_some(frame)
}

fn ann() -> User {
    User { id: 2, username: "ann".into() }
}

fn message(seq: i64, content: &str) -> Message {
    Message {
        conversation: 7,
        seq,
        sender: Some(ann()),
        client_msg_id: "c-1".into(),
        content: content.into(),
        created_at_ms: 1_700_000_000_000 + seq,
        kind: MessageKind::Text.into(),
        extra: None,
    }
}

fn system(seq: i64) -> Message {
    Message { kind: MessageKind::System.into(), client_msg_id: String::new(), ..message(seq, "{}") }
}

fn room() -> Conversation {
    Conversation {
        id: 7,
        kind: 2,
        name: "tea".into(),
        creator_id: 2,
        head: 5,
        latest: vec![system(5), message(4, "hi")],
        has_more: true,
        ..Conversation::default()
    }
}

#[test]
fn golden_messages() {
    let messages = [message(41, "<b>\"é\"\u{0}")];
    let frame = ServerFrame::Messages { conversation: 7, messages: &messages };
    assert_eq!(
        text(frame, Flavour::Classic).as_deref(),
        Some(
            r#"{"type":"serverMessages","payload":{"roomId":"7","messages":[{"id":"7-41","content":"<b>\"é\"\u0000","timestamp":1700000000041,"user":{"id":2,"username":"ann"}}]}}"#
        )
    );
    assert_eq!(
        text(frame, Flavour::V1).as_deref(),
        Some(
            r#"{"type":"serverMessages","payload":{"roomId":"7","messages":[{"id":"7-41","seq":41,"kind":"text","clientMsgId":"c-1","content":"<b>\"é\"\u0000","timestamp":1700000000041,"user":{"id":"2","username":"ann"}}]}}"#
        )
    );
}

#[test]
fn golden_hello() {
    let (me, rooms) = (ann(), [room()]);
    let limits = Limits::default();
    let session = Session { key: "k1", heartbeat_ms: 60_000, limits: &limits };
    let frame = ServerFrame::Hello { me: &me, rooms: &rooms, session, listing: Listing::default() };
    assert_eq!(
        text(frame, Flavour::Classic).as_deref(),
        Some(
            r#"{"type":"hello","payload":{"me":{"id":2,"username":"ann"},"rooms":[{"id":"7","name":"tea","hasMoreMessages":true,"messages":[{"id":"7-4","content":"hi","timestamp":1700000000004,"user":{"id":2,"username":"ann"}}]}]}}"#
        )
    );
    let v1: Value = serde_json::from_str(&text(frame, Flavour::V1).expect("shown")).expect("JSON");
    let payload = &v1["payload"];
    assert_eq!(payload["me"], json!({"id": "2", "username": "ann"}));
    assert_eq!(payload["session"]["key"], "k1");
    assert_eq!(payload["session"]["heartbeatMs"], 60_000);
    assert_eq!(payload["session"]["limits"]["messagesPerFrameMax"], 64);
    let room = &payload["rooms"][0];
    assert_eq!((&room["kind"], &room["creatorId"], &room["head"]), (&json!("group"), &json!("2"), &json!(5)));
    assert_eq!(room.get("peerId"), None);
    assert_eq!(room["messages"][0]["kind"], "system");
    assert_eq!(room["messages"][0].get("clientMsgId"), None);
}

#[test]
fn empty_lists_are_lists() {
    let me = ann();
    let limits = Limits::default();
    let session = Session { key: "k1", heartbeat_ms: 1, limits: &limits };
    let frame = ServerFrame::Hello { me: &me, rooms: &[], session, listing: Listing::default() };
    assert_eq!(
        text(frame, Flavour::Classic).as_deref(),
        Some(r#"{"type":"hello","payload":{"me":{"id":2,"username":"ann"},"rooms":[]}}"#)
    );
}

/// The hello's limits are those of the configuration, all of them.
#[test]
fn hello_tells_every_limit() {
    let limits = Limits::default();
    let snake = serde_json::to_value(limits).expect("JSON");
    let json = serde_json::to_value(SessionJson::from(Session { key: "", heartbeat_ms: 1, limits: &limits }))
        .expect("JSON");
    let told: Vec<_> = json["limits"].as_object().expect("object").values().collect();
    let configured: Vec<_> = snake.as_object().expect("object").values().collect();
    assert_eq!(told.len(), configured.len());
    assert!(configured.iter().all(|value| told.contains(value)));
}

#[test]
fn classic_clients_see_no_system_messages() {
    let all = [system(1), message(2, "a"), system(3)];
    let frame =
        text(ServerFrame::Messages { conversation: 7, messages: &all }, Flavour::Classic).expect("one");
    assert!(frame.contains("7-2") && !frame.contains("7-1") && !frame.contains("7-3"), "{frame}");
    let only_system = ServerFrame::Messages { conversation: 7, messages: &all[..1] };
    assert_eq!(text(only_system, Flavour::Classic), None);
    assert!(text(only_system, Flavour::V1).is_some());
    assert_eq!(text(ServerFrame::Messages { conversation: 7, messages: &[] }, Flavour::V1), None);
}

#[test]
fn golden_history() {
    let result =
        HistoryResult { messages: vec![message(2, "a"), system(1)], has_more: false, head: 9, change_seq: 0 };
    let frame = ServerFrame::History { conversation: 7, result: &result, request_id: Some("r\"1") };
    assert_eq!(
        text(frame, Flavour::Classic).as_deref(),
        Some(
            r#"{"type":"serverRoomHistory","payload":{"roomId":"7","messages":[{"id":"7-2","content":"a","timestamp":1700000000002,"user":{"id":2,"username":"ann"}}],"hasMoreMessages":false}}"#
        )
    );
    let v1 = text(frame, Flavour::V1).expect("shown");
    assert!(
        v1.starts_with(
            r#"{"type":"serverRoomHistory","payload":{"roomId":"7","requestId":"r\"1","messages":[{"#
        ),
        "{v1}"
    );
    assert!(v1.ends_with(r#"],"hasMoreMessages":false,"head":9}}"#), "{v1}");
}

#[test]
fn a_new_room_reaches_classic_clients_once() {
    let asked = |conversation| ServerFrame::RoomCreated {
        conversation,
        name: "tea",
        creator_id: 2,
        request_id: Some("r1"),
    };
    let event = |change: Change| ConversationEvent {
        change: change.into(),
        conversation: Some(room()),
        actor: Some(ann()),
    };
    let shown = r#"{"type":"serverCreateRoom","payload":{"roomId":"7","roomName":"tea"}}"#;
    assert_eq!(text(asked(7), Flavour::Classic), None);
    for change in [Change::Created, Change::Joined] {
        let event = event(change);
        assert_eq!(
            text(ServerFrame::Conversation { event: &event }, Flavour::Classic).as_deref(),
            Some(shown)
        );
    }
    let changed = event(Change::Changed);
    assert_eq!(text(ServerFrame::Conversation { event: &changed }, Flavour::Classic), None);
    let left = event(Change::Left);
    assert_eq!(text(ServerFrame::Conversation { event: &left }, Flavour::Classic), None);
    assert!(
        text(ServerFrame::Conversation { event: &left }, Flavour::V1)
            .expect("shown")
            .contains(r#""change":"left""#)
    );

    assert_eq!(
        text(asked(0), Flavour::Classic).as_deref(),
        Some(r#"{"type":"serverCreateRoom","payload":{"roomId":"","roomName":"tea"}}"#)
    );
    assert_eq!(
        text(asked(0), Flavour::V1).as_deref(),
        Some(r#"{"type":"serverCreateRoom","payload":{"roomId":"","roomName":"tea","requestId":"r1"}}"#)
    );
    assert_eq!(
        text(asked(7), Flavour::V1).as_deref(),
        Some(
            r#"{"type":"serverCreateRoom","payload":{"roomId":"7","roomName":"tea","creatorId":"2","kind":"room","requestId":"r1"}}"#
        )
    );
    let empty = ConversationEvent::default();
    assert_eq!(text(ServerFrame::Conversation { event: &empty }, Flavour::Classic), None);
    assert_eq!(text(ServerFrame::Conversation { event: &empty }, Flavour::V1), None);
}

#[test]
fn golden_ack() {
    let stored =
        SendOutcome { client_msg_id: "a".into(), seq: 41, created_at_ms: 5, ..SendOutcome::default() };
    let outcomes = [
        SendOutcome { client_msg_id: String::new(), ..stored.clone() },
        SendOutcome { duplicate: true, ..stored },
        SendOutcome {
            client_msg_id: "b".into(),
            error_code: "overloaded".into(),
            error_message: "later".into(),
            retry_after_ms: 250,
            ..SendOutcome::default()
        },
        SendOutcome { error_code: "not_member".into(), ..SendOutcome::default() },
    ];
    let frame = ServerFrame::SendAck { conversation: 7, outcomes: &outcomes, request_id: None };
    assert_eq!(text(frame, Flavour::Classic), None);
    assert_eq!(
        text(frame, Flavour::V1).as_deref(),
        Some(concat!(
            r#"{"type":"sendAck","payload":{"roomId":"7","results":["#,
            r#"{"seq":41,"id":"7-41","timestamp":5},"#,
            r#"{"clientMsgId":"a","seq":41,"id":"7-41","timestamp":5,"duplicate":true},"#,
            r#"{"clientMsgId":"b","error":{"code":"overloaded","message":"later","retryAfterMs":250}},"#,
            r#"{"error":{"code":"not_member","message":""}}]}}"#
        ))
    );
}

#[test]
fn golden_small_frames() {
    let refusal = Refusal::new(Code::RateLimited, "slow down");
    let heads = [Head { conversation: 7, head: 41 }, Head { conversation: 8, head: 0 }];
    for (frame, expected) in [
        (
            ServerFrame::Error { refusal: &refusal, request_id: Some("r1") },
            r#"{"type":"error","payload":{"code":"rate_limited","message":"slow down","requestId":"r1","retryAfterMs":1000}}"#,
        ),
        (
            ServerFrame::Behind { rooms: &heads },
            r#"{"type":"behind","payload":{"rooms":[{"roomId":"7","head":41},{"roomId":"8","head":0}]}}"#,
        ),
        (
            ServerFrame::Reconnect { after_ms: 1500, reason: "draining" },
            r#"{"type":"reconnect","payload":{"afterMs":1500,"reason":"draining"}}"#,
        ),
        (
            ServerFrame::Push { operation: 1000, body: b"{\"a\":1}" },
            r#"{"type":"push","payload":{"operation":1000,"body":"{\"a\":1}"}}"#,
        ),
        (
            ServerFrame::Push { operation: 1000, body: &[0xff, 0] },
            r#"{"type":"push","payload":{"operation":1000,"bodyBase64":"/wA="}}"#,
        ),
        (ServerFrame::Pong, r#"{"type":"pong","payload":{}}"#),
    ] {
        assert_eq!(text(frame, Flavour::V1).as_deref(), Some(expected));
        assert_eq!(text(frame, Flavour::Classic), None);
    }
}

#[test]
fn whole_frames_pushed_to_classic_clients_pass_verbatim() {
    let body = r#"{ "type":"serverMessages", "payload":{} }"#;
    for operation in [4, 5] {
        let frame = ServerFrame::Push { operation, body: body.as_bytes() };
        assert_eq!(text(frame, Flavour::Classic).as_deref(), Some(body));
        assert_eq!(text(ServerFrame::Push { operation, body: &[0xff] }, Flavour::Classic), None);
        assert_eq!(text(ServerFrame::Push { operation, body: b"" }, Flavour::Classic), None);
    }
}

proptest! {
    /// Whatever a message holds, the frame is JSON, says its type, and gives
    /// the text back.
    #[test]
    fn every_text_survives(content in any::<String>(), name in any::<String>(), seq in any::<i64>(), v1 in any::<bool>()) {
        let flavour = if v1 { Flavour::V1 } else { Flavour::Classic };
        let mut one = message(1, &content);
        one.seq = seq;
        one.sender = Some(User { id: seq, username: name.clone() });
        let messages = [one];
        let frame = text(ServerFrame::Messages { conversation: 7, messages: &messages }, flavour).expect("shown");
        let json: Value = serde_json::from_str(&frame).expect("JSON");
        prop_assert_eq!(&json["type"], "serverMessages");
        prop_assert_eq!(&json["payload"]["messages"][0]["content"], &json!(content));
        prop_assert_eq!(&json["payload"]["messages"][0]["user"]["username"], &json!(name));
    }

    #[test]
    fn every_push_is_json_that_gives_the_body_back(operation in any::<i32>(), body in proptest::collection::vec(any::<u8>(), 0..100)) {
        use base64::Engine;
        let frame = text(ServerFrame::Push { operation, body: &body }, Flavour::V1).expect("shown");
        let json: Value = serde_json::from_str(&frame).expect("JSON");
        let payload = &json["payload"];
        let back = match payload["body"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => base64::engine::general_purpose::STANDARD
                .decode(payload["bodyBase64"].as_str().expect("text"))
                .expect("base64"),
        };
        prop_assert_eq!(back, body);
    }
}
