//! What strangers say never becomes a line of the log, or a colour of the terminal that shows it.

use http::Method;
use serde_json::{Value, json};

use crate::harness::node::Node;
use crate::harness::socket::{Socket, open};
use crate::harness::system::System;
use crate::harness::unique;
use crate::harness::wire::said_until_closed;

/// What a forged line would be known by.
const FORGED: &str = "FORGED-LINE";

/// Says hostile things wherever something of it might be logged.
async fn misbehave(system: &System) {
    let evil =
        format!("x\r\n{FORGED} INFO oort: all is well\n{FORGED}\u{1b}[2J\u{1b}]0;owned\u{7}\u{2028}{FORGED}");
    let ann = system.account("ann").await;
    let operator = system.operator().await;
    let api = system.api(0);
    for (path, body) in [
        ("/api/accounts", json!({ "username": format!("{evil}{}", unique("")), "password": evil })),
        ("/api/accounts", json!({ "username": unique("dev"), "password": "correct horse", "device": evil })),
        ("/api/sessions", json!({ "login": evil, "password": evil })),
        ("/api/sessions/refresh", json!({ "refreshToken": evil })),
        ("/api/rooms", json!({ "name": evil })),
        ("/api/groups", json!({ "name": evil, "memberIds": [evil] })),
        ("/api/direct", json!({ "userId": evil })),
    ] {
        api.post(path, &ann.token, body).await;
    }
    let escaped: String = evil.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for path in [
        format!("/api/{escaped}"),
        format!("/api/users?prefix={escaped}"),
        format!("/{escaped}"),
        format!("/api/conversations/{escaped}/messages"),
    ] {
        api.get(&path, &ann.token).await;
    }
    let key = format!("/api/admin/users/{}/connections?key={escaped}", ann.id);
    api.call(Method::DELETE, &key, &operator.token, None).await;
    api.post("/api/admin/broadcast", &operator.token, json!({ "operation": 1000, "body": evil })).await;
    // Bytes above ASCII and escapes go through an HTTP header; line ends do not.
    let header = format!("\u{1b}[31m{FORGED}").replace('\u{1b}', "\t");
    let headers = [
        ("user-agent", header.as_str()),
        ("traceparent", &header),
        ("x-forwarded-for", &header),
        ("referer", &header),
    ];
    drop(api.raw(Method::GET, "/api/me", &headers, "").await);
    for request in [
        format!("GET /api/{FORGED}\u{1b}[2J HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("{FORGED}\n\n{FORGED}\r\n\r\n"),
        format!(
            "GET /api/me HTTP/1.1\r\nHost: x\r\nUser-Agent: \u{1b}[31m{FORGED}\r\nConnection: close\r\n\r\n"
        ),
        format!("{FORGED} /api/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ] {
        said_until_closed(system.door(0), request).await;
    }
    let mut socket = Socket::v1(system.door(0), &ann.token).await;
    socket.send(&evil, json!({ "requestId": evil })).await;
    socket.next("error").await;
    drop(open(system.door(0), &format!("/api/ws?since={escaped}&access_token={escaped}"), &[]).await);
    // Whatever of it is logged is logged by now, as the answers come after: this one comes last.
    api.get("/api/me", &ann.token).await.ok();
}

fn log_after(node: &Node) -> String {
    let log = node.log();
    assert!(log.lines().count() > 3, "it logs: {log}");
    assert!(!log.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "a control character: {log:?}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_text_stays_one_line() {
    let system = System::standalone(&[("OORT_LOG__LEVEL", "debug")]);
    misbehave(&system).await;
    for line in log_after(&system.comets[0]).lines().filter(|line| line.contains(FORGED)) {
        let is_stamped = line.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(is_stamped, "a stranger wrote a line: {line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_json_stays_one_object() {
    let system = System::standalone(&[("OORT_LOG__LEVEL", "debug"), ("OORT_LOG__FORMAT", "json")]);
    misbehave(&system).await;
    for line in log_after(&system.comets[0]).lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(object["timestamp"].is_string() && object["level"].is_string(), "{line}");
    }
}
