use proptest::prelude::*;
use serde_json::json;

use super::*;

fn v1(text: &str) -> Result<ClientFrame, EnvelopeError> {
    parse(text, Flavour::V1, &Limits::default())
}

fn frame(frame_type: &str, payload: serde_json::Value) -> String {
    json!({"type": frame_type, "payload": payload}).to_string()
}

/// What a refused frame is answered with: code, text, request id.
fn refusal(text: &str) -> (Code, String, Option<String>) {
    let error = v1(text).expect_err(text);
    (error.refusal.code, error.refusal.message, error.request_id)
}

fn sent(text: &str) -> Vec<OutgoingMessage> {
    match v1(text).expect(text) {
        ClientFrame::Send { command, .. } => command.messages,
        other => panic!("{other:?}"),
    }
}

fn history_of(payload: serde_json::Value) -> HistoryCommand {
    match v1(&frame("requestRoomHistory", payload)).expect("valid") {
        ClientFrame::History { command, .. } => command,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_frames_of_older_web_clients() {
    let classic = |text| parse(text, Flavour::Classic, &Limits::default()).expect(text);
    assert_eq!(
        classic(
            r#"{"type":"clientMessages","payload":{"roomId":"7","messages":[{"content":"hi"},{"content":"you"}]}}"#
        ),
        ClientFrame::Send {
            command: SendCommand {
                conversation: 7,
                messages: ["hi", "you"]
                    .map(|text| OutgoingMessage { content: text.into(), ..OutgoingMessage::default() })
                    .into(),
            },
            request_id: None,
        }
    );
    assert_eq!(
        classic(
            r#"{"type":"requestRoomHistory","payload":{"roomId":"7","firstMessageId":"7-42","count":30}}"#
        ),
        ClientFrame::History {
            command: HistoryCommand { conversation: 7, before: 42, after: 0, after_set: false, limit: 30 },
            request_id: None,
        }
    );
    assert_eq!(
        classic(r#"{"type":"clientCreateRoom","payload":{"roomName":"Tea & cake"}}"#),
        ClientFrame::CreateRoom {
            command: CreateRoomCommand { name: "Tea & cake".into() },
            request_id: None
        }
    );
}

#[test]
fn ping_is_v1_only() {
    let ping = r#"{"type":"ping"}"#;
    assert_eq!(v1(ping), Ok(ClientFrame::Ping));
    assert_eq!(v1(r#"{"payload":{},"type":"ping"}"#), Ok(ClientFrame::Ping));
    let error = parse(ping, Flavour::Classic, &Limits::default()).expect_err("unknown there");
    assert_eq!(error.refusal.code, Code::InvalidRequest);
}

#[test]
fn unknown_fields_and_any_order_are_fine() {
    let text = r#"{"x":[{"y":null}],"payload":{"z":1e99,"messages":[{"content":"a","w":{}}],"requestId":"r1","roomId":"7"},"type":"clientMessages"}"#;
    match v1(text) {
        Ok(ClientFrame::Send { command, request_id }) => {
            assert_eq!(command.messages.len(), 1);
            assert_eq!(request_id.as_deref(), Some("r1"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn history_starts_where_it_is_told() {
    let base = |extra: serde_json::Value| {
        let mut payload = json!({"roomId": "7", "count": 10});
        payload.as_object_mut().expect("object").extend(extra.as_object().expect("object").clone());
        history_of(payload)
    };
    let newest = HistoryCommand { conversation: 7, before: 0, after: 0, after_set: false, limit: 10 };
    assert_eq!(base(json!({})), newest);
    assert_eq!(base(json!({"firstMessageId": ""})), newest);
    assert_eq!(base(json!({"firstMessageId": null, "afterSeq": null})), newest);
    for id in [json!("7-42"), json!("42"), json!(42)] {
        assert_eq!(base(json!({"firstMessageId": id})).before, 42);
    }
    let all = base(json!({"afterSeq": 0}));
    assert_eq!((all.after, all.after_set), (0, true));
    assert_eq!(base(json!({"count": 1_000_000})).limit, 100);
}

#[test]
fn every_refusal_names_its_field_and_keeps_the_request_id() {
    let long = "x".repeat(65);
    let send = |extra: serde_json::Value| ("clientMessages", extra);
    let cases = [
        (send(json!({"messages": [{"content": "a"}]})), "roomId is missing"),
        (send(json!({"roomId": 7, "messages": [{"content": "a"}]})), "roomId must be"),
        (send(json!({"roomId": "07", "messages": [{"content": "a"}]})), "roomId must be"),
        (send(json!({"roomId": "-7", "messages": [{"content": "a"}]})), "roomId must be"),
        (send(json!({"roomId": "7"})), "messages is missing"),
        (send(json!({"roomId": "7", "messages": {}})), "messages must be"),
        (send(json!({"roomId": "7", "messages": "a"})), "messages must be"),
        (send(json!({"roomId": "7", "messages": []})), "messages has 0"),
        (send(json!({"roomId": "7", "messages": vec![json!({"content": "a"}); 65]})), "messages has 65"),
        (send(json!({"roomId": "7", "messages": vec![json!({"content": "a"}); 2000]})), "messages has 2000"),
        (send(json!({"roomId": "7", "messages": [{"content": "a"}, {}]})), "messages[1].content is missing"),
        (send(json!({"roomId": "7", "messages": [{"content": ""}]})), "messages[0].content is empty"),
        (send(json!({"roomId": "7", "messages": [{"content": ["a"]}]})), "messages[0].content must be"),
        (
            send(json!({"roomId": "7", "messages": [{"content": "a", "clientMsgId": 5}]})),
            "messages[0].clientMsgId",
        ),
        (
            send(json!({"roomId": "7", "messages": [{"content": "a", "clientMsgId": ""}]})),
            "messages[0].clientMsgId",
        ),
        (
            send(json!({"roomId": "7", "messages": [{"content": "a", "clientMsgId": long}]})),
            "messages[0].clientMsgId",
        ),
        (("requestRoomHistory", json!({"count": 5})), "roomId is missing"),
        (("requestRoomHistory", json!({"roomId": "7"})), "count is missing"),
        (("requestRoomHistory", json!({"roomId": "7", "count": 0})), "count must be"),
        (("requestRoomHistory", json!({"roomId": "7", "count": 1.5})), "count must be"),
        (("requestRoomHistory", json!({"roomId": "7", "count": "30"})), "count must be"),
        (("requestRoomHistory", json!({"roomId": "7", "count": 5, "afterSeq": -1})), "afterSeq must be"),
        (
            ("requestRoomHistory", json!({"roomId": "7", "count": 5, "afterSeq": u64::MAX})),
            "afterSeq must be",
        ),
        (
            ("requestRoomHistory", json!({"roomId": "7", "count": 5, "firstMessageId": "8-1"})),
            "firstMessageId is",
        ),
        (
            ("requestRoomHistory", json!({"roomId": "7", "count": 5, "firstMessageId": "7-x"})),
            "firstMessageId must",
        ),
        (
            ("requestRoomHistory", json!({"roomId": "7", "count": 5, "firstMessageId": 0})),
            "firstMessageId must",
        ),
        (
            (
                "requestRoomHistory",
                json!({"roomId": "7", "count": 5, "firstMessageId": "7-3", "afterSeq": 1}),
            ),
            "give firstMessageId or",
        ),
        (("clientCreateRoom", json!({})), "roomName is missing"),
        (("clientCreateRoom", json!({"roomName": " \t"})), "roomName must be"),
        (("clientCreateRoom", json!({"roomName": 5})), "roomName must be"),
        (("clientCreateRoom", json!({"roomName": "é".repeat(65)})), "roomName must be"),
    ];
    for ((frame_type, mut payload), start) in cases {
        payload.as_object_mut().expect("object").insert("requestId".into(), json!("r1"));
        let text = frame(frame_type, payload);
        let (code, message, request_id) = refusal(&text);
        assert_eq!(code, Code::InvalidField, "{text}");
        assert!(message.starts_with(start), "{text}: {message}");
        assert_eq!(request_id.as_deref(), Some("r1"), "{text}");
    }
}

#[test]
fn frames_that_are_not_frames() {
    for (text, start, request_id) in [
        ("", "the frame is not JSON", None),
        ("{", "the frame is not JSON", None),
        ("{} {}", "the frame is not JSON", None),
        ("[]", "a frame is an object", None),
        ("7", "a frame is an object", None),
        (r#"["ping",{}]"#, "a frame is an object", None),
        (r#"{"type":"ping","type":"ping"}"#, "a frame is an object", None),
        (r"{}", "type must be", None),
        (r#"{"type":5,"payload":{"requestId":"r1"}}"#, "type must be", Some("r1")),
        (r#"{"type":"Ping"}"#, "there is no such type", None),
        (r#"{"type":"fly","payload":{"requestId":"r1"}}"#, "there is no such type", Some("r1")),
        (r#"{"type":"ping","payload":"x"}"#, "payload must be an object", None),
        (r#"{"type":"ping","payload":["x"]}"#, "payload must be an object", None),
        (
            r#"{"type":"clientMessages","payload":{"requestId":"r1","roomId":"7","roomId":"8"}}"#,
            "payload must be",
            Some("r1"),
        ),
        (
            r#"{"type":"clientMessages","payload":{"requestId":"r1","roomId":"7","messages":[["a",""]]}}"#,
            "payload must be",
            Some("r1"),
        ),
    ] {
        let (code, message, id) = refusal(text);
        assert_eq!(code, Code::InvalidRequest, "{text}");
        assert!(message.starts_with(start), "{text}: {message}");
        assert_eq!(id.as_deref(), request_id, "{text}");
    }
}

#[test]
fn a_bad_request_id_is_refused_without_an_echo() {
    for bad in [json!(5), json!(""), json!("x".repeat(65)), json!("a\nb")] {
        let (code, message, request_id) = refusal(&frame("ping", json!({"requestId": bad})));
        assert_eq!((code, request_id), (Code::InvalidField, None));
        assert!(message.starts_with("requestId must be"), "{message}");
    }
}

#[test]
fn sizes_are_bounded() {
    let limits = Limits { content_bytes_max: 4, frame_bytes_max: 120, ..Limits::default() };
    let text =
        |content: &str| frame("clientMessages", json!({"roomId": "7", "messages": [{"content": content}]}));
    assert!(parse(&text("abcd"), Flavour::V1, &limits).is_ok());
    let error = parse(&text("ééé"), Flavour::V1, &limits).expect_err("six bytes");
    assert_eq!(error.refusal.code, Code::TooLarge);
    assert_eq!(error.refusal.message, "messages[0].content has 6 bytes, at most 4 are taken");
    let error = parse(&text(&"a".repeat(100)), Flavour::V1, &limits).expect_err("long frame");
    assert!(error.refusal.message.starts_with("the frame has "), "{}", error.refusal.message);
}

#[test]
fn content_arrives_byte_exact() {
    for content in [
        "a','b'); -- \"\\",
        "<img src=x onerror=alert(1)>",
        "%s %n \u{1f9d1}\u{200d}\u{1f680} 中文 \u{202e}",
        "tab\tnewline\nnul\u{0}bell\u{7}del\u{7f}",
        "\u{feff}\u{ffff}\u{10ffff}",
    ] {
        let text = frame("clientMessages", json!({"roomId": "7", "messages": [{"content": content}]}));
        assert_eq!(sent(&text)[0].content, content);
    }
    let escaped = r#"{"type":"clientMessages","payload":{"roomId":"7","messages":[{"content":"\u0000\ud83d\ude00\u00e9"}]}}"#;
    assert_eq!(sent(escaped)[0].content, "\u{0}😀é");
}

#[test]
fn lone_surrogates_are_refused() {
    for content in [r"\ud800", r"\udc00", r"\ud800x", r"\ud800\ud800"] {
        let text = format!(
            r#"{{"type":"clientMessages","payload":{{"roomId":"7","messages":[{{"content":"{content}"}}]}}}}"#
        );
        assert_eq!(refusal(&text).0, Code::InvalidRequest, "{text}");
    }
}

#[test]
fn deep_nesting_is_no_danger() {
    for text in [
        "[".repeat(60_000),
        format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000)),
        format!(r#"{{"type":"ping","payload":{{"roomId":{}{}}}}}"#, "[".repeat(30_000), "]".repeat(30_000)),
        format!(r#"{{"type":"ping","payload":{{"messages":{}{}}}}}"#, "[".repeat(30_000), "]".repeat(30_000)),
    ] {
        _ = v1(&text);
    }
}

/// Text that is nearly a frame.
fn nearly_frames() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just(r#"{"type":"clientMessages","payload":"#.to_owned()),
        Just(r#"{"roomId":"7","messages":[{"content":"x"}]}"#.to_owned()),
        Just(r#""firstMessageId":"7-4""#.to_owned()),
        Just(r"\ud800".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(":".to_owned()),
        Just(",".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in prop_oneof![any::<String>(), nearly_frames()]) {
        _ = v1(&text);
        _ = parse(&text, Flavour::Classic, &Limits::default());
    }

    #[test]
    fn what_is_written_is_read(
        room in 1_i64..,
        messages in proptest::collection::vec((any::<String>(), "[!-~]{1,64}"), 1..5),
        request_id in proptest::option::of("[ -~]{1,64}"),
    ) {
        let list: Vec<_> = messages
            .iter()
            .map(|(content, id)| json!({"content": format!("x{content}"), "clientMsgId": id}))
            .collect();
        let text = frame("clientMessages", json!({
            "roomId": room.to_string(), "messages": list, "requestId": request_id,
        }));
        let expected = messages
            .into_iter()
            .map(|(content, id)| OutgoingMessage { client_msg_id: id, content: format!("x{content}"), details: None })
            .collect();
        let command = SendCommand { conversation: room, messages: expected };
        prop_assert_eq!(v1(&text), Ok(ClientFrame::Send { command, request_id }));
    }
}
