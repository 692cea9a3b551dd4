//! Too much of one person or one address, in a whole system: held back, told when to come back, counted, and nobody
//! else notices.

use http::Method;
use serde_json::json;

use crate::harness::http::{Account, Reply};
use crate::harness::services::Backends;
use crate::harness::socket::{Socket, open};
use crate::harness::system::System;
use crate::harness::unique;

/// So slow that nothing comes back while a test runs.
const SLOW: [(&str, &str); 9] = [
    ("OORT_LOGIC__RATES__SENDS_PER_SECOND", "1"),
    ("OORT_LOGIC__RATES__SENDS_BURST", "100"),
    ("OORT_LOGIC__RATES__LOGINS_PER_SECOND", "1"),
    ("OORT_LOGIC__RATES__LOGINS_BURST", "40"),
    ("OORT_LOGIC__ACCOUNTS__ATTEMPTS_WAIT_MIN_MS", "600000"),
    ("OORT_COMET__ADDRESSES__CONNECTIONS_MAX", "3"),
    ("OORT_COMET__ADDRESSES__CONNECTS_PER_SECOND", "0"),
    // Clients of the tests say whose connections theirs are, as a proxy would.
    ("OORT_CLUSTER__TRUSTED_PROXIES", "127.0.0.1"),
    ("OORT_LOGIC__RATES__REQUESTS_PER_SECOND", "0"),
];

#[tokio::test(flavor = "multi_thread")]
async fn one_process_holds_back_who_asks_too_much() {
    all_is_held_back(&System::standalone(&SLOW)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_holds_back_who_asks_too_much() {
    all_is_held_back(&System::cluster(&Backends::shared(), &SLOW).await).await;
}

async fn all_is_held_back(system: &System) {
    guesses_are_slowed_down_at_every_door(system).await;
    sends_by_http_and_socket_count_together(system).await;
    an_address_has_so_many_sockets(system).await;
    an_address_logs_in_so_often(system).await;
}

/// A request of a client at this address, which comes through door number `door`.
async fn from(system: &System, door: usize, address: &str, path: &str, body: serde_json::Value) -> Reply {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    let http = crate::harness::http::Http::new(system.door(door));
    http.raw(Method::POST, path, &headers, body.to_string()).await.expect("an answer")
}

fn retry_after_s(reply: &Reply) -> u64 {
    let value = reply.headers.get("retry-after").expect("retry-after");
    value.to_str().expect("ASCII").parse().expect("seconds")
}

async fn guesses_are_slowed_down_at_every_door(system: &System) {
    let (ann, operator) = (system.account("ann").await, system.operator().await);
    let log_in = async |door, address, name: &str, password| {
        from(system, door, address, "/api/sessions", json!({ "login": name, "password": password })).await
    };
    let nobody = unique("nobody");
    let mut answers = Vec::new();
    for name in [&ann.username, &nobody] {
        // The doors lead to either logic node in turn, and these to both.
        for attempt in 0..5 {
            let reply = log_in(attempt, "10.0.0.1", name, "wrong one").await;
            assert_eq!(reply.refusal(), (401, "login_failed".to_owned()), "attempt {attempt}");
            answers.push(reply.bytes);
        }
        for door in 0..4 {
            let reply = log_in(door, "10.0.0.1", name, "correct horse").await;
            assert_eq!(reply.refusal(), (429, "rate_limited".to_owned()), "door {door}");
            assert!((300..=601).contains(&retry_after_s(&reply)));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "who guesses does not learn whether there is such a person");
    let elsewhere = log_in(0, "10.0.0.2", &ann.username, "correct horse").await;
    assert_eq!(elsewhere.status.as_u16(), 200, "ann is not kept out");
    let spoofed = log_in(1, "10.0.0.9, 10.0.0.1", &ann.username, "correct horse").await;
    assert_eq!(spoofed.status.as_u16(), 429, "an address that a client made up is not believed");
    assert!(system.counted("oort_logic_lockouts_total", "").await >= 2.0);
    assert!(system.counted("oort_logic_login_refusals_total", "").await >= 9.0);
    let entry = crate::harness::eventually("operators see it", async || {
        let audit = system.api(0).get("/api/admin/audit?limit=200", &operator.token).await.ok();
        let entries = audit["entries"].as_array().expect("entries").clone();
        entries.into_iter().find(|entry| entry["action"] == "login_locked" && entry["subject"] == *ann.id)
    });
    assert!(entry.await.to_string().contains("10.0.0.1"));
}

async fn sends_by_http_and_socket_count_together(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let api = system.api(0);
    let room = api.room(&ann).await;
    let protocols = format!("oort.v1, bearer.{}", ann.token);
    let headers = [("sec-websocket-protocol", protocols.as_str()), ("x-forwarded-for", "10.0.1.1")];
    let stream = open(system.door(0), "/api/ws", &headers).await.expect("an upgrade");
    let mut socket = Socket { stream, hello: serde_json::Value::Null };
    socket.next("hello").await;
    // Each logic node counts for itself, and a comet has the choice of both.
    let nodes = system.logics.len().max(1);
    let (mut stored, mut refused) = (0, 0);
    for number in 0..100 * nodes + 50 {
        let (id, content) = (format!("m{number}"), "x");
        if number % 2 == 0 {
            let reply = system.api(number / 2).send(&ann, &room, &id, content).await;
            match reply.status.as_u16() {
                200 => stored += 1,
                _ => {
                    assert_eq!(reply.refusal(), (429, "rate_limited".to_owned()));
                    assert!(retry_after_s(&reply) >= 1);
                    refused += 1;
                }
            }
        } else {
            let message = json!({ "clientMsgId": id, "content": content });
            socket.send("clientMessages", json!({ "roomId": room, "messages": [message] })).await;
            let ack = loop {
                let (kind, payload) = socket.try_next().await.expect("the socket stays open");
                if kind == "sendAck" || kind == "error" {
                    break payload.to_string();
                }
            };
            match ack.contains("rate_limited") {
                true => refused += 1,
                false => stored += 1,
            }
        }
    }
    assert!(refused > 0, "{stored} stored");
    assert!(stored >= 99, "the burst passes: {stored}");
    assert_eq!(system.api(1).history(&ann, &room).await.len(), stored, "what was refused is not stored");
    assert!(system.counted("oort_logic_rate_limited_total", "sends").await >= f64::from(refused));
    api.send(&bob, &room, &unique("b"), "others go on").await.ok();
}

async fn an_address_has_so_many_sockets(system: &System) {
    let ann: Account = system.account("ann").await;
    let protocol = format!("oort.v1, bearer.{}", ann.token);
    let connect = async |address: &str| {
        let headers = [("sec-websocket-protocol", protocol.as_str()), ("x-forwarded-for", address)];
        open(system.door(0), "/api/ws", &headers).await
    };
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(connect("10.0.2.1").await.expect("an upgrade"));
    }
    assert!(connect("10.0.2.1").await.is_err_and(|error| error.contains("429")));
    sockets.push(connect("10.0.2.2").await.expect("another address"));
    assert!(system.counted("oort_comet_refused_total", "address_connections").await >= 1.0);
}

async fn an_address_logs_in_so_often(system: &System) {
    let mut statuses = Vec::new();
    for number in 0..40 * system.logics.len().max(1) + 20 {
        let login = json!({ "login": format!("nobody-{number}"), "password": "wrong one" });
        statuses.push(from(system, 0, "10.0.3.1", "/api/sessions", login).await.status.as_u16());
    }
    assert_eq!(statuses[..40], [401; 40]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let login = json!({ "login": "nobody", "password": "wrong one" });
    assert_eq!(
        from(system, 0, "10.0.3.2", "/api/sessions", login).await.status.as_u16(),
        401,
        "others go on"
    );
    assert!(system.counted("oort_logic_rate_limited_total", "logins").await >= 1.0);
}
