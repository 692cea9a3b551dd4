//! Pushes by servers.

use std::time::Duration;

use oort_api::bus::memory::Settings;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use serde_json::json;

use super::harness::{Node, Setup};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn one(path: &str, body: serde_json::Value) -> PushMsg {
    let node = Node::start().await;
    let server = node.server().header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let reply = server.post(path, &body).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    let push = node.pushed(1).await.remove(0);
    assert!(push.traceparent.contains(TRACE), "{}", push.traceparent);
    push
}

#[tokio::test]
async fn each_audience() {
    let push = one("/push/user", json!({"userId": "7", "body": "hello"})).await;
    assert_eq!(
        (push.r#type(), push.operation, push.user_ids, &push.msg[..]),
        (Type::Push, 4, vec![7], &b"hello"[..])
    );
    let push =
        one("/push/users", json!({"userIds": ["7", "71"], "operation": 1000, "bodyBase64": "AP8="})).await;
    assert_eq!((push.operation, push.user_ids, &push.msg[..]), (1000, vec![7, 71], &b"\x00\xff"[..]));
    let one_of_one = json!({"pushes": [{"userId": "7", "operation": 1001, "body": "x"}]});
    let push = one("/push/batch", one_of_one).await;
    assert_eq!((push.operation, push.user_ids, &push.msg[..]), (1001, vec![7], &b"x"[..]));
    let push = one("/push/room", json!({"room": "live://1", "body": "x"})).await;
    assert_eq!((push.r#type(), push.room.as_str()), (Type::Room, "live://1"));
    let push = one("/push/all", json!({"speed": 50, "body": "x"})).await;
    assert_eq!((push.r#type(), push.speed), (Type::Broadcast, 50));
}

#[tokio::test]
async fn bad_orders() {
    let node = Node::start().await;
    let server = node.server();
    let cases = [
        ("/push/user", json!({"userId": "7"})),
        ("/push/user", json!({"userId": "7", "body": "x", "bodyBase64": "eA=="})),
        ("/push/user", json!({"userId": "7", "bodyBase64": "!"})),
        ("/push/user", json!({"userId": "7", "body": "x", "operation": -1})),
        ("/push/users", json!({"userIds": [], "body": "x"})),
        ("/push/batch", json!({"pushes": []})),
        ("/push/batch", json!({"pushes": [{"userId": "7", "body": "x"}, {"userId": "7"}]})),
        ("/push/batch", json!({"pushes": [{"userId": "7", "body": "x", "operation": 2}]})),
        ("/push/room", json!({"room": "", "body": "x"})),
        ("/push/room", json!({"room": "neither", "body": "x"})),
        ("/push/all", json!({"speed": -1, "body": "x"})),
    ];
    for (path, body) in cases {
        let reply = server.post(path, &body).await;
        assert_eq!(reply.refusal(), (400, "invalid_field".to_owned()), "{path} {body}");
    }
    server.post("/push/user", &json!({"userId": 7, "body": "x"})).await.is_refused(400, "invalid_request");
}

#[tokio::test]
async fn only_a_server_pushes() {
    let node = Node::start().await;
    let user = node.user("ada").await;
    let token = node.app.accounts.issue_server_token(&[], Duration::from_secs(60)).expect("a token");
    let expired = node.app.accounts.issue_server_token(&[oort_logic::accounts::Scope::Push], Duration::ZERO);
    let expired = expired.expect("a token");
    // A token is good through the second it ends in.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while node.app.accounts.authorise_server(&expired, oort_logic::accounts::Scope::Push).is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for path in ["/push/user", "/push/users", "/push/batch", "/push/room", "/push/all"] {
        let body = json!({"userId": "7", "userIds": ["7"], "room": "1", "body": "x", "pushes": []});
        for client in [node.anyone(), user.clone(), node.anyone().bearer(&expired)] {
            client.post(path, &body).await.is_refused(401, "unauthenticated");
        }
        node.anyone().bearer(&token).post(path, &body).await.is_refused(403, "forbidden");
    }
}

#[tokio::test]
async fn a_bus_that_takes_nothing_is_told_with_a_time_to_retry() {
    let bus = Settings { partitions: 1, records_max_per_partition: 1, ..Settings::default() };
    let mut setup = Setup { bus, ..Setup::default() };
    setup.config.pushes.patience_ms = 50;
    let node = Node::with(setup).await;
    let _reader = node.joined();
    let order = json!({"userId": "7", "body": "x"});
    assert_eq!(node.server().post("/push/user", &order).await.status, 204);
    let reply = node.server().post("/push/user", &order).await;
    reply.is_refused(503, "unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    let goim = node.server().post_raw("/goim/push/mids?operation=1000&mids=7", None, "x").await;
    assert_eq!((goim.status.as_u16(), &goim.json()["code"]), (200, &json!(-500)), "{goim:?}");
}
