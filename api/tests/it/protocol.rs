//! `docs/protocol.md` says what the codec does: every client example is read,
//! every server example is written anew, every frame type has one.

#![allow(clippy::expect_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use oort_api::Code;
use oort_api::codec::envelope::{
    ClientFrame, ClientType, Flavour, Head, Limits, Listing, ServerFrame, ServerType, Session, parse,
};
use oort_api::codec::goim::AuthBody;
use oort_api::codec::packet::{Carrier, Packet, raw_container};
use oort_api::error::Refusal;
use oort_api::pb::oort::v1::change_event::Kind as ChangeKind;
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{
    ChangeEvent, Conversation, ConversationEvent, ConversationKind, CursorEvent, Details, HistoryResult,
    Message, MessageExtra, MessageKind, Presence, PresentDevice, Quote, Reaction, SendOutcome, TypingEvent,
    User, UserEvent,
};

/// One fenced block of the document.
struct Example {
    line: usize,
    tags: Vec<&'static str>,
    text: String,
}

impl Example {
    fn has(&self, tag: &str) -> bool {
        self.tags.contains(&tag)
    }

    fn flavour(&self) -> Flavour {
        if self.has("classic") { Flavour::Classic } else { Flavour::V1 }
    }
}

fn examples() -> Vec<Example> {
    let document = include_str!("../../../docs/protocol.md");
    let mut examples = Vec::new();
    let mut open: Option<Example> = None;
    for (index, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => examples.extend(open.take()),
            (Some(info), None) => {
                let tags = info.split(' ').collect();
                open = Some(Example { line: index + 1, tags, text: String::new() });
            }
            (None, Some(example)) => {
                example.text.push_str(line);
                example.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    examples
}

/// The JSON without white space between its tokens.
fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            let keep = in_text || !c.is_ascii_whitespace();
            if !escaped && c == '"' {
                in_text = !in_text;
            }
            escaped = in_text && !escaped && c == '\\';
            keep
        })
        .collect()
}

fn type_of(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    value["type"].as_str().expect("a type").to_owned()
}

#[test]
fn every_client_example_is_read() {
    let mut seen = BTreeSet::new();
    for example in examples().iter().filter(|example| example.has("client")) {
        let frame = parse(&example.text, example.flavour(), &Limits::default())
            .unwrap_or_else(|error| panic!("line {}: {error}", example.line));
        let frame_type = match frame {
            ClientFrame::Send { .. } => ClientType::ClientMessages,
            ClientFrame::History { .. } => ClientType::RequestRoomHistory,
            ClientFrame::CreateRoom { .. } => ClientType::ClientCreateRoom,
            ClientFrame::Ping => ClientType::Ping,
            ClientFrame::Cursor { .. } => ClientType::Cursor,
            ClientFrame::Watch { .. } => ClientType::Watch,
            ClientFrame::Typing(_) => ClientType::Typing,
            ClientFrame::Away(_) => ClientType::Away,
        };
        assert_eq!(type_of(&example.text), frame_type.as_str(), "line {}", example.line);
        seen.insert(frame_type.as_str());
    }
    let all: BTreeSet<_> = ClientType::ALL.iter().map(|known| known.as_str()).collect();
    assert_eq!(seen, all, "every type of client frame has an example");
}

#[test]
fn every_server_example_is_what_the_codec_writes() {
    let written = server_frames();
    let examples: Vec<_> = examples().into_iter().filter(|example| example.has("server")).collect();
    for (example, (flavour, expected)) in examples.iter().zip(&written) {
        assert_eq!(example.flavour(), *flavour, "line {}", example.line);
        assert_eq!(&compact(&example.text), expected, "line {}", example.line);
    }
    assert_eq!(examples.len(), written.len(), "examples in the document and frames in this test");
    let seen: BTreeSet<_> = written.iter().map(|(_, json)| type_of(json)).collect();
    let all: BTreeSet<_> = ServerType::ALL.iter().map(|known| known.as_str().to_owned()).collect();
    assert_eq!(seen, all, "every type of server frame has an example");
}

#[test]
fn every_auth_example_is_read() {
    let bodies: Vec<_> = examples()
        .iter()
        .filter(|example| example.has("auth"))
        .map(|example| AuthBody::parse(example.text.as_bytes()).expect("an auth body"))
        .collect();
    assert!(bodies.iter().any(|body| body.token.is_some()));
    assert!(bodies.iter().any(|body| body.token.is_none()));
    assert!(bodies.iter().all(|body| body.mid > 0 && !body.accepts.is_empty() && !body.room_id.is_empty()));
}

#[test]
fn the_containers_are_what_the_codec_writes() {
    let push = |body| Packet { ver: 1, op: 1000, seq: 0, body };
    for (tag, carrier) in [("tcp", Carrier::Tcp), ("websocket", Carrier::WebSocket)] {
        let mut bytes = Vec::new();
        raw_container(&[push(b"m1"), push(b"m2")], carrier, &mut bytes).expect("small");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let blocks = examples();
        let example = blocks.iter().find(|block| block.has("hex") && block.has(tag)).expect(tag);
        assert_eq!(example.text.split_whitespace().collect::<String>(), hex);
    }
}

/// Names of codes and close codes in the document are real ones.
#[test]
fn every_code_in_an_example_exists() {
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for (_, json) in server_frames() {
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let results = value["payload"]["results"].as_array().cloned().unwrap_or_default();
        let codes = results.iter().map(|result| &result["error"]["code"]).chain([&value["payload"]["code"]]);
        for code in codes.filter_map(serde_json::Value::as_str) {
            assert!(known.contains(code), "{code}");
        }
    }
}

fn ann() -> User {
    User { id: 2, username: "ann".into() }
}

fn bob() -> User {
    User { id: 3, username: "bob".into() }
}

fn message(seq: i64, sender: User, content: &str) -> Message {
    Message {
        conversation: 7,
        seq,
        sender: Some(sender),
        client_msg_id: format!("c-{seq}"),
        content: content.into(),
        created_at_ms: 1_700_000_000_000 + seq,
        kind: MessageKind::Text.into(),
        extra: None,
    }
}

fn tea() -> Conversation {
    Conversation {
        id: 7,
        kind: ConversationKind::Room.into(),
        name: "tea".into(),
        creator_id: 2,
        head: 42,
        latest: vec![message(42, bob(), "Hello")],
        has_more: true,
        last_at_ms: 1_700_000_000_042,
        read_seq: 39,
        delivered_seq: 42,
        unread: 2,
        ..Conversation::default()
    }
}

fn with_bob() -> Conversation {
    Conversation {
        id: 9,
        kind: ConversationKind::Direct.into(),
        name: "bob".into(),
        creator_id: 2,
        peer_id: 3,
        ..Conversation::default()
    }
}

fn cake_created() -> ConversationEvent {
    let cake = Conversation {
        id: 12,
        kind: ConversationKind::Room.into(),
        name: "cake".into(),
        creator_id: 2,
        ..Conversation::default()
    };
    ConversationEvent { change: Change::Created.into(), conversation: Some(cake), actor: Some(ann()) }
}

fn tea_changed() -> ConversationEvent {
    let tea = Conversation {
        id: 13,
        kind: ConversationKind::Group.into(),
        name: "tea".into(),
        creator_id: 2,
        head: 5,
        announcement: "At five.".into(),
        members: 3,
        avatar: "https://example.org/tea.png".into(),
        mute_all: true,
        ..Conversation::default()
    };
    ConversationEvent { change: Change::Changed.into(), conversation: Some(tea), actor: Some(ann()) }
}

/// Names a reading of a list.
const CURSOR: &str = "AQAAAYvP5WgqAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The frames of the document, in its order.
fn server_frames() -> Vec<(Flavour, String)> {
    let mut frames = Vec::new();
    v1_frames(&mut |frame| frames.push((Flavour::V1, encode(frame, Flavour::V1))));
    classic_frames(&mut |frame| frames.push((Flavour::Classic, encode(frame, Flavour::Classic))));
    frames
}

fn encode(frame: ServerFrame<'_>, flavour: Flavour) -> String {
    let mut out = Vec::new();
    assert!(frame.encode_into(flavour, &mut out), "{frame:?} is shown to {flavour:?} clients");
    String::from_utf8(out).expect("UTF-8")
}

fn v1_frames(show: &mut impl FnMut(ServerFrame<'_>)) {
    let limits = Limits::default();
    let session = Session { key: "0b8f9a3e", heartbeat_ms: 60_000, limits: &limits };
    let listing = |is_partial, ids| Listing { cursor: CURSOR, is_partial, ids, event_seq: 12 };
    let rooms = [tea(), with_bob()];
    show(ServerFrame::Hello { me: &ann(), rooms: &rooms, session, listing: listing(false, None) });
    show(ServerFrame::Hello { me: &ann(), rooms: &[], session, listing: listing(true, None) });
    let (rooms, ids) = ([with_bob()], [7, 9]);
    show(ServerFrame::Hello { me: &ann(), rooms: &rooms, session, listing: listing(true, Some(&ids)) });

    let outcomes = [
        SendOutcome {
            client_msg_id: "c-43".into(),
            seq: 43,
            created_at_ms: 1_700_000_000_043,
            duplicate: true,
            ..SendOutcome::default()
        },
        SendOutcome {
            client_msg_id: "c-44".into(),
            error_code: Code::Overloaded.as_str().into(),
            error_message: "too many sends are waiting".into(),
            retry_after_ms: 1000,
            ..SendOutcome::default()
        },
    ];
    show(ServerFrame::SendAck { conversation: 7, outcomes: &outcomes, request_id: Some("r-1") });
    show(ServerFrame::Messages { conversation: 7, messages: &[message(43, ann(), "Hi bob")] });
    show(ServerFrame::Replayed { conversation: 7, messages: &[message(43, ann(), "Hi bob")] });

    let bob_left = Message {
        kind: MessageKind::System.into(),
        client_msg_id: String::new(),
        ..message(44, bob(), r#"{"left":"3"}"#)
    };
    let messages = vec![message(43, ann(), "Hi bob"), bob_left];
    let result = HistoryResult { messages, has_more: false, head: 44, change_seq: 0 };
    show(ServerFrame::History { conversation: 7, result: &result, request_id: Some("r-3") });

    let created = |conversation| ServerFrame::RoomCreated {
        conversation,
        name: "cake",
        creator_id: 2,
        request_id: Some("r-4"),
    };
    show(created(12));
    show(created(0));
    show(ServerFrame::Conversation { event: &cake_created() });
    show(ServerFrame::Conversation { event: &tea_changed() });

    let own = CursorEvent {
        conversation: 7,
        user_id: 2,
        delivered_seq: 44,
        read_seq: 42,
        own: true,
        head: 50,
        unread: 5,
    };
    show(ServerFrame::Cursor { event: &own, request_id: Some("r-7") });
    let bobs = CursorEvent {
        conversation: 9,
        user_id: 3,
        delivered_seq: 12,
        read_seq: 12,
        own: false,
        head: 0,
        unread: 0,
    };
    show(ServerFrame::Cursor { event: &bobs, request_id: None });

    let invalid = Refusal::new(Code::InvalidField, "messages[0].content is empty");
    show(ServerFrame::Error { refusal: &invalid, request_id: Some("r-5") });
    let unavailable = Refusal::new(Code::Unavailable, "the store cannot be reached");
    show(ServerFrame::Error { refusal: &unavailable, request_id: Some("r-6") });

    let heads = [Head { conversation: 7, head: 51 }, Head { conversation: 9, head: 0 }];
    show(ServerFrame::Behind { rooms: &heads });
    show(ServerFrame::Reconnect { after_ms: 2350, reason: "draining" });
    show(ServerFrame::Push { operation: 1000, body: br#"{"sale":"now"}"# });
    show(ServerFrame::Push { operation: 1001, body: &[0xff, 0x00, 0xfe] });
    show(ServerFrame::Pong);

    let device = |kind: &str, away| PresentDevice { kind: kind.to_owned(), away };
    let here = Presence {
        user_id: 3,
        online: true,
        last_seen_ms: 1_700_000_000_042,
        away: false,
        devices: vec![device("phone", false), device("web", true)],
    };
    let never = Presence { user_id: 5, ..Presence::default() };
    show(ServerFrame::Presence { users: &[here, never], request_id: Some("r-7") });
    let gone = Presence { user_id: 3, last_seen_ms: 1_700_000_009_000, ..Presence::default() };
    show(ServerFrame::Presence { users: &[gone], request_id: None });
    let event = TypingEvent { conversation: 7, user: Some(bob()), active: true };
    show(ServerFrame::Typing { event: &event });
    let event = UserEvent {
        seq: 13,
        at_ms: 1_700_000_009_000,
        kind: "contact_added".into(),
        data: r#"{"user":{"id":"3","username":"bob"}}"#.into(),
    };
    show(ServerFrame::Event { event: &event });
    change_frames(show);
}

fn change_frames(show: &mut impl FnMut(ServerFrame<'_>)) {
    let edited = ChangeEvent {
        conversation: 7,
        change_seq: 3,
        seq: 42,
        kind: ChangeKind::Edited.into(),
        actor: Some(bob()),
        at_ms: 1_700_000_009_000,
        content: "Hello!".into(),
        ..ChangeEvent::default()
    };
    show(ServerFrame::Change { event: &edited });
    let reacted = ChangeEvent {
        change_seq: 4,
        kind: ChangeKind::Reacted.into(),
        actor: Some(ann()),
        emoji: "👍".into(),
        count: 2,
        ..edited
    };
    show(ServerFrame::Change { event: &reacted });
    let changed = MessageExtra {
        edited_at_ms: 1_700_000_009_000,
        change_seq: 4,
        reactions: vec![Reaction { emoji: "👍".into(), count: 2, mine: true }],
        ..MessageExtra::default()
    };
    let recalled = MessageExtra { gone: Gone::Recalled.into(), change_seq: 2, ..MessageExtra::default() };
    let messages = vec![
        Message { extra: Some(changed), ..message(42, bob(), "Hello!") },
        Message { extra: Some(recalled), ..message(41, bob(), "") },
    ];
    let result = HistoryResult { messages, has_more: true, head: 42, change_seq: 4 };
    show(ServerFrame::History { conversation: 7, result: &result, request_id: None });

    let details = Details {
        kind: MessageKind::Image.into(),
        attachment: r#"{"height":480,"url":"https://files.example/cat.png","width":640}"#.into(),
        reply_to: 42,
        mentions: vec![3],
        mentions_all: false,
        forwarded: None,
        expires_in_ms: 3_600_000,
    };
    let quote = Quote {
        seq: 42,
        sender: Some(bob()),
        content: "Hello!".into(),
        kind: MessageKind::Text.into(),
        expires_at_ms: 1_700_000_600_000,
    };
    let extra = MessageExtra {
        details: Some(details),
        quote: Some(quote),
        expires_at_ms: 1_700_003_600_000,
        ..MessageExtra::default()
    };
    let image =
        Message { kind: MessageKind::Image.into(), extra: Some(extra), ..message(45, ann(), "My cat") };
    show(ServerFrame::Messages { conversation: 7, messages: &[image] });
}

fn classic_frames(show: &mut impl FnMut(ServerFrame<'_>)) {
    let limits = Limits::default();
    let session = Session { key: "0b8f9a3e", heartbeat_ms: 60_000, limits: &limits };
    show(ServerFrame::Hello { me: &ann(), rooms: &[tea()], session, listing: Listing::default() });
    show(ServerFrame::Messages { conversation: 7, messages: &[message(43, ann(), "Hi bob")] });
    let result = HistoryResult {
        messages: vec![message(41, bob(), "Anyone?")],
        has_more: true,
        head: 43,
        change_seq: 0,
    };
    show(ServerFrame::History { conversation: 7, result: &result, request_id: None });
    show(ServerFrame::Conversation { event: &cake_created() });
    show(ServerFrame::RoomCreated { conversation: 0, name: "cake", creator_id: 2, request_id: None });
}
