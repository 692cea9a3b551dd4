//! What surrounds every handler: traces, headers, limits, counts.

use http::Method;
use serde_json::json;

use super::directory::Failure;
use super::harness::{Node, Setup};

#[tokio::test]
async fn every_answer_has_a_trace_and_may_not_be_sniffed_or_kept() {
    let node = Node::start().await;
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for path in ["/api/me", "/api/openapi.json", "/nowhere", "/goim/online/total"] {
        let reply = node.anyone().header("traceparent", given).get(path).await;
        let trace = reply.headers["traceparent"].to_str().expect("ASCII");
        assert!(trace.starts_with(&given[..36]) && trace != given, "{path}: {trace}");
        assert_eq!(
            (&reply.headers["x-content-type-options"], &reply.headers["cache-control"]),
            (&"nosniff".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let other = node.anyone().header("traceparent", "00-nonsense-x-01").get(path).await;
        assert_eq!(other.headers["traceparent"].len(), 55, "{path}");
    }
}

#[tokio::test]
async fn the_trace_travels_with_the_message() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let room = ada.post("/api/rooms", &json!({"name": "garden"})).await;
    let traced = ada.header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let sent = traced
        .post(&format!("/api/conversations/{}/messages", room.text("id")), &json!({"content": "x"}))
        .await;
    let trace = sent.headers["traceparent"].to_str().expect("ASCII");
    let pushed = node.pushed(2).await;
    assert!(pushed.iter().any(|push| push.traceparent == trace), "{trace}: {pushed:?}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_what_clients_make_up() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    ada.get("/api/conversations/999999/messages").await;
    for path in ["/made-up", "/api/made/up", "/api/conversations/1"] {
        ada.get(path).await.is_refused(404, "not_found");
    }
    ada.call(Method::PATCH, "/api/users", None, axum::body::Body::empty())
        .await
        .is_refused(405, "method_not_allowed");
    assert_eq!(node.counter(r#"http_requests_total{method="POST",route="/api/accounts",status="2xx"}"#), 1);
    let read = r#"http_requests_total{method="GET",route="/api/conversations/{id}/messages",status="4xx"}"#;
    assert_eq!(node.counter(read), 1);
    assert_eq!(node.counter(r#"http_requests_total{method="other",route="other",status="4xx"}"#), 4);
    assert_eq!(node.counter(r#"http_refusals_total{code="not_found"}"#), 4);
    assert_eq!(node.counter("http_requests_under_way"), 0);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    let mut setup = Setup::default();
    setup.config.http.request_timeout_ms = 50;
    let node = Node::with(setup).await;
    let (_sender, body) = stalled();
    let reply = node.anyone().post_raw("/api/accounts", Some("application/json"), body).await;
    reply.is_refused(503, "unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!((node.counter("http_timeouts_total"), node.counter("http_requests_under_way")), (1, 0));
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused() {
    let mut setup = Setup::default();
    setup.config.http.requests_max = 1;
    let node = Node::with(setup).await;
    let (sender, body) = stalled();
    let slow = tokio::spawn({
        let client = node.anyone();
        async move { client.post_raw("/api/accounts", Some("application/json"), body).await }
    });
    while node.counter("http_requests_under_way") == 0 {
        tokio::task::yield_now().await;
    }
    let refused = node.anyone().get("/api/me").await;
    refused.is_refused(503, "overloaded");
    assert!(refused.headers.contains_key("retry-after"));
    drop(sender);
    slow.await.expect("joined").is_refused(400, "invalid_request");
    node.anyone().get("/api/me").await.is_refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_and_counted() {
    let node = Node::start().await;
    node.fail_directory(Failure::Panic);
    let reply = node.server().get("/goim/online/total").await;
    reply.is_refused(500, "internal");
    assert!(!String::from_utf8_lossy(&reply.body).contains("secret"), "{reply:?}");
    assert!(reply.headers.contains_key("traceparent"));
    assert_eq!((node.counter("http_panics_total"), node.counter("http_requests_under_way")), (1, 0));
    node.fail_directory(Failure::Unavailable);
    let reply = node.server().get("/goim/online/total").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["code"], &reply.headers["retry-after"]),
        (200, &json!(-500), &"1".parse().unwrap())
    );
}

/// A body that sends nothing until the sender is dropped.
fn stalled() -> (tokio::sync::mpsc::Sender<()>, axum::body::Body) {
    let (sender, receiver) = tokio::sync::mpsc::channel::<()>(1);
    let frames = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|()| (Ok::<_, std::io::Error>("x"), receiver))
    });
    (sender, axum::body::Body::from_stream(frames))
}
