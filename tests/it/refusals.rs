//! Bad input gets a stable code, is counted, and disturbs nobody.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::http::Account;
use crate::harness::over_both_shapes;
use crate::harness::socket::{Follower, Socket};
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    bad_http_requests_get_stable_codes,
    hostile_text_is_kept_as_it_is_everywhere,
    bad_frames_close_or_refuse_only_their_own_connection,
    bad_handshakes_are_refused,
    a_forged_sender_is_not_believed,
    every_refusal_is_counted,
);

/// Two people who chat on while others misbehave.
struct Neighbours {
    ann: Account,
    room: String,
    socket: Follower,
}

impl Neighbours {
    async fn meet(system: &System) -> Self {
        let ann = system.account("neighbour").await;
        let room = system.api(0).room(&ann).await;
        let socket = Socket::v1(system.door(0), &ann.token).await.follow();
        Self { ann, room, socket }
    }

    async fn still_chat(&self, system: &System) {
        let before = self.socket.messages(&self.room).len();
        system.api(1).send(&self.ann, &self.room, &unique("n"), "still here").await.ok();
        self.socket.wait_for(&self.room, before + 1).await;
    }
}

async fn bad_http_requests_get_stable_codes(system: &System) {
    let neighbours = Neighbours::meet(system).await;
    let ann = system.account("ann").await;
    let api = system.api(0);
    let room = api.room(&ann).await;
    let send = format!("/api/conversations/{room}/messages");
    let bearer = format!("Bearer {}", ann.token);
    let json = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let oversize = json!({ "clientMsgId": "x", "content": "x".repeat(2 << 20) }).to_string();
    let cases: Vec<(Method, &str, Vec<u8>, u16, &str)> = vec![
        (Method::POST, &send, oversize.into(), 413, "too_large"),
        (Method::POST, &send, b"{\"content\":\"tru".to_vec(), 400, "invalid_request"),
        (Method::POST, &send, b"{\"content\":7}".to_vec(), 400, "invalid_request"),
        (Method::POST, &send, b"{\"content\":\"\xff\xfe\"}".to_vec(), 400, "invalid_request"),
        (Method::POST, &send, b"[]".to_vec(), 400, "invalid_request"),
        (Method::POST, &send, b"{\"content\":\"\",\"clientMsgId\":\"e\"}".to_vec(), 400, "invalid_field"),
        (
            Method::POST,
            &send,
            format!("{{\"content\":\"x\",\"clientMsgId\":\"{}\"}}", "i".repeat(65)).into(),
            400,
            "invalid_field",
        ),
        (
            Method::POST,
            "/api/conversations/999999999/messages",
            b"{\"content\":\"x\"}".to_vec(),
            404,
            "not_found",
        ),
        (Method::POST, "/api/rooms", b"{\"name\":\"   \"}".to_vec(), 400, "invalid_field"),
        (Method::POST, "/api/direct", b"{\"userId\":\"999999999\"}".to_vec(), 404, "not_found"),
        (Method::GET, "/api/no/such/thing", Vec::new(), 404, "not_found"),
        (Method::DELETE, "/api/rooms", Vec::new(), 405, "method_not_allowed"),
        (
            Method::POST,
            "/api/accounts",
            b"{\"username\":\"x\",\"password\":\"long enough\"}".to_vec(),
            400,
            "invalid_field",
        ),
        (
            Method::POST,
            "/api/sessions",
            b"{\"login\":\"nobody-here\",\"password\":\"long enough\"}".to_vec(),
            401,
            "login_failed",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = api.raw(method.clone(), path, &json, body).await.expect("an answer");
        assert_eq!(reply.refusal(), (status, code.to_owned()), "{method} {path} {shown}");
        assert!(!reply.json()["message"].as_str().expect("a message").is_empty());
    }
    for token in ["", "forged", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."] {
        assert_eq!(api.get("/api/me", token).await.refusal(), (401, "unauthenticated".to_owned()));
    }
    assert_eq!(api.history(&ann, &room).await, [], "nothing was half done");
    neighbours.still_chat(system).await;
}

const HOSTILE: [&str; 6] = [
    "'; DROP TABLE messages; -- ",
    "\" OR 1=1 #",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "%s%n%x {}{0} ${jndi:ldap://127.0.0.1/a}",
    "a\u{0}b\u{1}\u{7f}\u{202e}\u{feff}",
    "𝕳𝖎 🏳️‍🌈 中文 \u{10ffff}",
];

async fn hostile_text_is_kept_as_it_is_everywhere(system: &System) {
    let neighbours = Neighbours::meet(system).await;
    let ann = system.account("ann").await;
    let api = system.api(0);
    let room = api.room(&ann).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let mut expected = Vec::new();
    for (seq, text) in (1..).zip(HOSTILE) {
        api.send(&ann, &room, &unique("h"), text).await.ok();
        expected.push((seq, text.to_owned()));
    }
    assert_eq!(socket.wait_for(&room, HOSTILE.len()).await, expected);
    assert_eq!(system.api(1).history(&ann, &room).await, expected);
    for text in HOSTILE {
        let suffix = unique("");
        // Names: taken as they are, or refused with a code; never an internal error.
        for (path, body) in [
            ("/api/rooms", json!({ "name": format!("{text}{suffix}") })),
            ("/api/groups", json!({ "name": format!("{text}{suffix}"), "memberIds": [] })),
            (
                "/api/accounts",
                json!({ "username": format!("{text}{suffix}"), "password": text, "email": text }),
            ),
            ("/api/sessions", json!({ "login": text, "password": text })),
            ("/api/create-account", json!({ "username": text, "password": text, "email": text })),
            ("/api/login", json!({ "password": text, "email": text })),
            ("/api/direct", json!({ "userId": text })),
            (&format!("/api/conversations/{room}/messages"), json!({ "clientMsgId": text, "content": "x" })),
        ] {
            let status = system.api(1).post(path, &ann.token, body).await.status.as_u16();
            assert!((200..500).contains(&status), "{path} {text:?}: {status}");
        }
    }
    neighbours.still_chat(system).await;
}

/// A raw socket after the upgrade.
async fn upgraded(address: SocketAddr, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "GET /api/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: oort.v1, bearer.{token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut seen = Vec::new();
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        assert_ne!(
            stream.read_buf(&mut seen).await.expect("readable"),
            0,
            "{}",
            String::from_utf8_lossy(&seen)
        );
    }
    assert!(seen.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&seen));
    stream
}

/// Reads to the end; the close code of the last frame, 0 = none.
async fn close_code(stream: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(crate::harness::PATIENCE, stream.read_to_end(&mut bytes)).await;
    drop(read.expect("it ends"));
    let close = bytes.windows(2).rposition(|pair| pair[0] == 0x88 && pair[1] >= 2);
    close.and_then(|at| bytes.get(at + 2..at + 4)).map_or(0, |code| u16::from_be_bytes([code[0], code[1]]))
}

fn masked(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first_byte];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => frame.push(0x80 | u8::try_from(short).expect("short")),
        Ok(middle) => {
            frame.push(0x80 | 126);
            frame.extend(middle.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

async fn bad_frames_close_or_refuse_only_their_own_connection(system: &System) {
    let neighbours = Neighbours::meet(system).await;
    let ann = system.account("ann").await;
    for (bytes, code, what) in [
        (vec![0x81, 2, b'{', b'}'], 1002, "an unmasked frame"),
        (masked(0xf1, b"{}"), 1002, "reserved bits"),
        (masked(0x83, b"{}"), 1002, "an unknown opcode"),
        (masked(0x81, b"\xff\xfe"), 1007, "invalid UTF-8"),
        (masked(0x81, &vec![b' '; 1 << 20]), 1009, "an oversize message"),
        (masked(0x09, b""), 1002, "a fragmented ping"),
        (masked(0x80, b"x"), 1002, "a continuation of nothing"),
    ] {
        let mut stream = upgraded(system.door(0), &ann.token).await;
        // The server may close while we still write.
        drop(stream.write_all(&bytes).await);
        assert_eq!(close_code(&mut stream).await, code, "{what}");
    }
    neighbours.still_chat(system).await;

    // What is a frame, but no sense: refused by code, the connection lives.
    let mut socket = Socket::v1(system.door(1), &ann.token).await;
    for (kind, payload, code) in [
        ("noSuchThing", json!({}), "invalid_request"),
        ("clientMessages", json!(7), "invalid_request"),
        ("clientMessages", json!({ "roomId": 7, "messages": [] }), "invalid_field"),
        ("clientMessages", json!({ "roomId": "1", "messages": [{ "content": null }] }), "invalid_field"),
        ("requestRoomHistory", json!({ "roomId": "x", "count": 1 }), "invalid_field"),
        ("clientCreateRoom", json!({ "roomName": "" }), "invalid_field"),
    ] {
        socket.send(kind, payload.clone()).await;
        let refused = socket.next("error").await;
        assert_eq!(refused["code"], code, "{kind} {payload}");
    }
    use futures_util::SinkExt;
    socket.stream.send(tokio_tungstenite::tungstenite::Message::text("not JSON")).await.expect("taken");
    assert_eq!(socket.next("error").await["code"], "invalid_request");
    socket.send("ping", json!({})).await;
    socket.next("pong").await;
    neighbours.still_chat(system).await;
}

async fn bad_handshakes_are_refused(system: &System) {
    let neighbours = Neighbours::meet(system).await;
    let answer = async |request: String| {
        let mut stream = TcpStream::connect(system.door(0)).await.expect("a connection");
        drop(stream.write_all(request.as_bytes()).await);
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(crate::harness::PATIENCE, stream.read_to_end(&mut bytes)).await;
        drop(read.expect("the server ends it"));
        String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned()
    };
    let head =
        "GET /api/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let old = answer(format!("{head}{key}Sec-WebSocket-Version: 8\r\n\r\n")).await;
    assert!(old.contains("426"), "{old}");
    let keyless = answer(format!("{head}Sec-WebSocket-Version: 13\r\n\r\n")).await;
    assert!(keyless.contains("400"), "{keyless}");
    let foreign =
        answer(format!("{head}{key}Sec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n\r\n")).await;
    assert!(foreign.contains("403"), "{foreign}");
    let huge =
        answer(format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20))).await;
    assert!(huge.is_empty() || huge.contains("431"), "{huge}");
    let garbage = answer("\u{16}\u{3}\u{1} not HTTP\r\n\r\n".to_owned()).await;
    assert!(garbage.is_empty() || garbage.contains("400"), "{garbage}");
    // A handshake that never ends is ended by the server.
    let loris = answer("GET /api/ws HTTP/1.1\r\nHost: loc".to_owned()).await;
    assert!(loris.is_empty() || loris.contains("408") || loris.contains("400"), "{loris}");
    neighbours.still_chat(system).await;
}

async fn a_forged_sender_is_not_believed(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    let mut socket = Socket::v1(system.door(1), &bob.token).await;
    let forged = json!({ "id": ann.id, "username": ann.username });
    let message = json!({ "clientMsgId": "1", "content": "I am ann", "user": forged, "sender": forged, "senderId": ann.id });
    socket.send("clientMessages", json!({ "roomId": room, "messages": [message], "user": forged })).await;
    let seen = loop {
        let frame = socket.next("serverMessages").await;
        if frame["roomId"] == *room {
            break frame["messages"][0]["user"].clone();
        }
    };
    assert_eq!(seen, json!({ "id": bob.id, "username": bob.username }));
    let by_http: Value =
        json!({ "clientMsgId": "2", "content": "I am ann", "sender": forged, "userId": ann.id });
    let reply = system.api(0).post(&format!("/api/conversations/{room}/messages"), &bob.token, by_http).await;
    // Unknown fields are refused or ignored; either way ann has said nothing.
    assert!(matches!(reply.status.as_u16(), 200 | 400), "{reply:?}");
    let page = system.api(0).get(&format!("/api/conversations/{room}/messages"), &ann.token).await.ok();
    for message in page["messages"].as_array().expect("messages") {
        assert_eq!(message["sender"]["id"], bob.id);
    }
}

async fn every_refusal_is_counted(system: &System) {
    let ann = system.account("ann").await;
    let cases = [
        ("oort_comet_violations_total", "unmasked"),
        ("oort_comet_refused_frames_total", "invalid_request"),
        ("oort_comet_refused_total", "origin"),
        ("oort_logic_http_refusals_total", "login_failed"),
        ("oort_logic_http_refusals_total", "not_found"),
    ];
    let mut before = Vec::new();
    for (name, label) in cases {
        before.push(system.counted(name, label).await);
    }
    let mut stream = upgraded(system.door(0), &ann.token).await;
    drop(stream.write_all(&[0x81, 2, b'{', b'}']).await);
    close_code(&mut stream).await;
    let mut socket = Socket::v1(system.door(1), &ann.token).await;
    socket.send("noSuchThing", json!({})).await;
    socket.next("error").await;
    let foreign =
        crate::harness::socket::open(system.door(0), "/api/ws", &[("origin", "http://evil.example")]).await;
    assert!(foreign.is_err());
    system
        .api(0)
        .post("/api/sessions", "", json!({ "login": unique("nobody"), "password": "long enough" }))
        .await;
    system.api(1).get("/api/no/such/thing", &ann.token).await;
    for ((name, label), before) in cases.into_iter().zip(before) {
        let now = system.counted(name, label).await;
        assert!(now > before, "{name} {label}: {before}, then {now}");
    }
}
