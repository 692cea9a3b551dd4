//! What operators see and do.

use oort_api::bus::Record;
use oort_api::directory::{CometRef, NodeEntry, NodeMetrics, UserSession};
use oort_api::ids::{SessionKey, UserId};
use oort_api::{clock, op};
use oort_logic::policy::operators::OperatorRole;
use serde_json::{Value, json};

use super::directory::Failure;
use super::harness::{Client, Node};

async fn operator(node: &Node, name: &str) -> Client {
    let client = node.user(name).await;
    let id: UserId = client.id.parse().expect("an id");
    assert!(
        node.store.grant_operator(id, OperatorRole::Administrator, clock::now_ms()).await.expect("granted")
    );
    client
}

fn session(key: &str, comet: &str) -> UserSession {
    UserSession {
        key: SessionKey::new(key).expect("a key"),
        comet: CometRef { id: comet.to_owned(), epoch: 1 },
        platform: "web".to_owned(),
        login: None,
    }
}

/// Every call there is but one: method and path.
const CALLS: [(&str, &str); 9] = [
    ("GET", "/api/admin/nodes"),
    ("GET", "/api/admin/users?query=a"),
    ("GET", "/api/admin/users/1/connections"),
    ("DELETE", "/api/admin/users/1/connections"),
    ("DELETE", "/api/admin/users/1/connections/k"),
    ("GET", "/api/admin/outbox"),
    ("GET", "/api/admin/hooks"),
    ("GET", "/api/admin/dead-letters"),
    ("GET", "/api/admin/audit"),
];

async fn call(client: &Client, method: &str, path: &str) -> super::harness::Reply {
    client.call(method.parse().expect("a method"), path, None, axum::body::Body::empty()).await
}

#[tokio::test]
async fn everyone_else_is_forbidden() {
    let node = Node::start().await;
    let ann = node.user("ann").await;
    let broadcast = json!({"operation": 1000, "body": "x"});
    for (method, path) in CALLS {
        call(&ann, method, path).await.is_refused(403, "forbidden");
        call(&node.anyone(), method, path).await.is_refused(401, "unauthenticated");
        call(&node.server(), method, path).await.is_refused(401, "unauthenticated");
    }
    ann.post("/api/admin/broadcast", &broadcast).await.is_refused(403, "forbidden");
    assert_eq!(ann.get("/api/me").await.json()["operator"], false);
    let id: UserId = ann.id.parse().expect("an id");
    node.store.grant_operator(id, OperatorRole::Administrator, 1).await.expect("granted");
    assert_eq!(ann.get("/api/me").await.json()["operator"], true);
    assert_eq!(ann.get("/api/admin/nodes").await.status, 200);
    node.store.revoke_operator(id).await.expect("revoked");
    ann.get("/api/admin/nodes").await.is_refused(403, "forbidden");
    assert!(node.store.audit(i64::MAX, 10).await.expect("answers").is_empty(), "nothing was done");
}

#[tokio::test]
async fn nodes_are_listed_with_what_they_measured() {
    let node = Node::start().await;
    let ann = operator(&node, "ann").await;
    let entry = |id: &str, role: &str, metrics| NodeEntry {
        id: id.to_owned(),
        name: "host".to_owned(),
        role: role.to_owned(),
        version: "1".to_owned(),
        connections: 3,
        metrics,
        ..NodeEntry::default()
    };
    let metrics = NodeMetrics { p99_ms: Some(1.5), rss_bytes: Some(7), ..NodeMetrics::default() };
    node.directory
        .nodes
        .lock()
        .extend([entry("b", "job", metrics), entry("a", "comet", NodeMetrics::default())]);
    let nodes = ann.get("/api/admin/nodes").await.json()["nodes"].clone();
    assert_eq!((&nodes[0]["id"], &nodes[0]["metrics"]), (&json!("a"), &json!({})));
    assert_eq!(nodes[1]["metrics"], json!({"p99Ms": 1.5, "rssBytes": 7}));
    assert_eq!((&nodes[1]["role"], &nodes[1]["connections"]), (&json!("job"), &json!(3)));
    assert_eq!(nodes.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn users_and_their_connections_are_listed() {
    let node = Node::start().await;
    let ann = operator(&node, "ann").await;
    let anna = node.user("Anna").await;
    node.user("bob").await;
    let users = ann.get("/api/admin/users?query=AN").await.json()["users"].clone();
    let ann_view =
        json!({"id": ann.id, "username": "ann", "operator": true, "role": "administrator", "online": false});
    let anna_view = json!({"id": anna.id, "username": "Anna", "operator": false, "online": false});
    assert_eq!(users, json!([ann_view, anna_view]));
    let path = format!("/api/admin/users/{}/connections", anna.id);
    assert_eq!(ann.get(&path).await.json(), json!({"connections": []}));
    let sessions = vec![session("k2", "c2"), session("k1", "c1")];
    node.directory.sessions.lock().insert(anna.id.parse().expect("an id"), sessions);
    let expected = json!({"connections": [
        {"key": "k1", "comet": "c1", "platform": "web"},
        {"key": "k2", "comet": "c2", "platform": "web"},
    ]});
    assert_eq!(ann.get(&path).await.json(), expected);
    ann.get("/api/admin/users/x/connections").await.is_refused(400, "invalid_field");
    node.fail_directory(Failure::Unavailable);
}

#[tokio::test]
async fn connections_are_closed_and_it_is_audited() {
    let node = Node::start().await;
    let (ann, bob) = (operator(&node, "ann").await, node.user("bob").await);
    let path = format!("/api/admin/users/{}/connections", bob.id);
    let sessions = vec![session("k/1", "c1"), session("k2", "c2")];
    node.directory.sessions.lock().insert(bob.id.parse().expect("an id"), sessions);
    let _reader = node.joined();
    ann.delete(&format!("{path}/none")).await.is_refused(404, "not_found");
    let one = ann.delete(&format!("{path}/k%2F1")).await;
    assert_eq!((one.status.as_u16(), one.json()), (202, json!({"connections": 1})));
    let all = ann.delete(&path).await;
    assert_eq!((all.status.as_u16(), all.json()), (202, json!({"connections": 2})));
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for push in node.pushed(3).await {
        assert_eq!(push.operation, op::KICK);
        assert_eq!(&push.msg[..], b"kicked");
        told.push((push.server, push.keys));
    }
    told.sort();
    let expected =
        [("c1", "k/1"), ("c1", "k/1"), ("c2", "k2")].map(|(c, k)| (c.to_owned(), vec![k.to_owned()]));
    assert_eq!(told, expected);

    let page = ann.get("/api/admin/audit?limit=1").await.json();
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(1));
    let newest = &page["entries"][0];
    assert_eq!(
        (&newest["action"], &newest["subject"], &newest["actor"]),
        (&json!("kick"), &json!(bob.id), &json!("ann"))
    );
    assert_eq!(newest["details"], json!({"connections": 2, "keys": ["k/1", "k2"]}));
    let rest =
        ann.get(&format!("/api/admin/audit?before={}", page["next"].as_str().expect("more"))).await.json();
    assert_eq!(
        (&rest["entries"][0]["details"], &rest["next"]),
        (&json!({"connections": 1, "keys": ["k/1"]}), &Value::Null)
    );
    ann.get("/api/admin/audit?before=x").await.is_refused(400, "invalid_field");
}

#[tokio::test]
async fn a_broadcast_is_pushed_and_audited() {
    let node = Node::start().await;
    let ann = operator(&node, "ann").await;
    let _reader = node.joined();
    let reply = ann.post("/api/admin/broadcast", &json!({"operation": 1000, "body": "hello"})).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let push = node.pushed(1).await.remove(0);
    assert_eq!((push.operation, &push.msg[..]), (1000, &b"hello"[..]));
    let entries = ann.get("/api/admin/audit").await.json()["entries"].clone();
    assert_eq!((&entries[0]["action"], &entries[0]["subject"]), (&json!("broadcast"), &json!("everyone")));
    assert_eq!(entries[0]["details"], json!({"operation": 1000, "bytes": 5, "speed": 0}));
    // What comets act on themselves is nobody's to push.
    for operation in [op::CONVERSATION, op::KICK, 7] {
        let reply = ann.post("/api/admin/broadcast", &json!({"operation": operation, "body": "x"})).await;
        reply.is_refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn the_backlog_is_shown() {
    let node = Node::start().await;
    let ann = operator(&node, "ann").await;
    let outbox = ann.get("/api/admin/outbox").await.json();
    assert!(outbox["rows"].is_u64() && outbox["oldestMs"].is_i64(), "{outbox}");
    assert_eq!(ann.get("/api/admin/dead-letters").await.json(), json!({"letters": []}));
    for number in 0..3 {
        let record = Record { key: format!("k{number}"), value: "abc".into(), traceparent: None };
        let producer = node.bus.producer();
        producer.publish_dead_letter(record, "broken", std::time::Duration::ZERO).await.expect("kept");
    }
    let page = ann.get("/api/admin/dead-letters?limit=2").await.json();
    let letter = &page["letters"][1];
    assert_eq!(
        (&letter["offset"], &letter["partition"], &letter["bytes"]),
        (&json!(1), &json!(0), &json!(3))
    );
    assert_eq!((&letter["reason"], &letter["key"]), (&json!("broken"), &json!("k1")));
    assert!(letter["atMs"].as_i64().is_some_and(|ms| ms > 0));
    let next = page["next"].as_str().expect("there is more");
    let rest = ann.get(&format!("/api/admin/dead-letters?after={next}")).await.json();
    assert_eq!((&rest["letters"][0]["key"], &rest["next"]), (&json!("k2"), &Value::Null));
    ann.get("/api/admin/dead-letters?after=last").await.is_refused(400, "invalid_field");
}
