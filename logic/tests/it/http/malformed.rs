//! Input that cannot be read, or tries to be more than text.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::harness::{Node, Setup};

/// Routes that read a JSON body, with one that is fine.
fn orders() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/api/accounts",
            json!({"username": "carol", "email": "c@example.org", "password": "correct horse"}),
        ),
        ("/api/sessions", json!({"login": "ada", "password": "correct horse"})),
        ("/api/sessions/refresh", json!({"refreshToken": "x"})),
        ("/api/codes", json!({"purpose": "reset", "email": "c@example.org"})),
        (
            "/api/password-resets",
            json!({"email": "c@example.org", "code": "123456", "password": "correct horse"}),
        ),
        ("/api/me/deactivation", json!({"password": "correct horse"})),
        ("/api/rooms", json!({"name": "garden"})),
        ("/api/direct", json!({"userId": "1"})),
        ("/api/groups", json!({"name": "us", "memberIds": ["1"]})),
        ("/api/groups/1/members", json!({"userIds": ["1"]})),
        ("/api/groups/1/owner", json!({"userId": "1"})),
        ("/api/groups/join", json!({"token": "x"})),
        ("/api/conversations/1/messages", json!({"content": "hello", "clientMsgId": "x"})),
    ]
}

fn pushes() -> Vec<(&'static str, Value)> {
    vec![
        ("/push/user", json!({"userId": "1", "body": "x"})),
        ("/push/users", json!({"userIds": ["1"], "body": "x"})),
        ("/push/room", json!({"room": "1", "body": "x"})),
        ("/push/all", json!({"body": "x", "speed": 1})),
    ]
}

#[tokio::test]
async fn a_body_that_cannot_be_read() {
    let node = Node::start().await;
    let (ada, server) = (node.user("ada").await, node.server());
    let json = Some("application/json; charset=utf-8");
    for (client, orders) in [(ada, orders()), (server, pushes())] {
        for (path, order) in orders {
            let text = order.to_string();
            let mut truncations: Vec<Vec<u8>> =
                (0..text.len()).map(|end| text.as_bytes()[..end].to_vec()).collect();
            truncations.extend([
                b"null".to_vec(),
                b"[]".to_vec(),
                b"7".to_vec(),
                b"\"text\"".to_vec(),
                format!("{text}x").into_bytes(),
                "[".repeat(100_000).into_bytes(),
                vec![0xff, 0xfe],
                vec![0; 64],
            ]);
            for body in truncations {
                let reply = client.post_raw(path, json, body.clone()).await;
                assert_eq!(
                    reply.refusal(),
                    (400, "invalid_request".to_owned()),
                    "{path} {:?}",
                    String::from_utf8_lossy(&body)
                );
            }
            let undeclared = client.post_raw(path, Some("text/plain"), text.clone()).await;
            undeclared.is_refused(400, "invalid_request");
            client.post_raw(path, None, text).await.is_refused(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn a_field_of_another_type_or_not_utf8() {
    let node = Node::start().await;
    let (ada, server) = (node.user("ada").await, node.server());
    for (client, orders) in [(ada, orders()), (server, pushes())] {
        for (path, order) in orders {
            for field in order.as_object().expect("an object").keys() {
                for wrong in [json!({"x": 1}), json!(true), json!([[1]])] {
                    let mut order = order.clone();
                    order[field] = wrong;
                    let reply = client.post(path, &order).await;
                    assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{path} {order}");
                }
                let mut order = order.clone();
                order[field] = json!("MARK");
                for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800", b"\n"] {
                    let text = order.to_string();
                    let at = text.find("MARK").expect("the mark");
                    let body = [&text.as_bytes()[..at], bad, &text.as_bytes()[at + 4..]].concat();
                    let reply = client.post_raw(path, Some("application/json"), body).await;
                    assert_eq!(
                        reply.refusal(),
                        (400, "invalid_request".to_owned()),
                        "{path} {field} {bad:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let mut setup = Setup::default();
    setup.config.http.body_bytes_max = 16 * 1024;
    let node = Node::with(setup).await;
    let (ada, server) = (node.user("ada").await, node.server());
    let large = "x".repeat(16 * 1024 + 1);
    for (client, orders) in [(&ada, orders()), (&server, pushes())] {
        for (path, _) in orders {
            client.post_raw(path, Some("application/json"), large.clone()).await.is_refused(413, "too_large");
            // Without a length in the headers as well.
            let chunks = (0..32).map(|_| Ok::<_, std::io::Error>("x".repeat(1024)));
            let body = Body::from_stream(futures_util::stream::iter(chunks));
            client.post_raw(path, Some("application/json"), body).await.is_refused(413, "too_large");
        }
    }
    let goim = server.post_raw("/goim/push/all?operation=1000", None, large.clone()).await;
    assert_eq!((goim.status.as_u16(), &goim.json()["code"]), (200, &json!(-400)));
    let web4 = node.anyone().post_raw("/api/login", Some("application/json"), large).await;
    assert_eq!((web4.status.as_u16(), &web4.json()["id"]), (400, &json!("")));

    let room = ada.post("/api/rooms", &json!({"name": "garden"})).await;
    let path = format!("/api/conversations/{}/messages", room.text("id"));
    ada.post(&path, &json!({"content": "x".repeat(8193)})).await.is_refused(413, "too_large");
    assert_eq!(ada.post(&path, &json!({"content": "x".repeat(8192)})).await.status, 200);
}

#[tokio::test]
async fn a_method_that_is_none_of_the_path() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let paths = orders().into_iter().chain(pushes()).map(|(path, _)| path);
    for path in paths.chain(["/api/users", "/api/login", "/goim/push/all", "/goim/online/total"]) {
        for method in [Method::PUT, Method::PATCH, Method::OPTIONS] {
            ada.call(method, path, None, Body::empty()).await.is_refused(405, "method_not_allowed");
        }
    }
    for path in
        ["/api", "/api/", "/api/ws", "/api/rooms/", "/push", "/goim", "/%2e%2e/etc/passwd", "//api/me"]
    {
        ada.get(path).await.is_refused(404, "not_found");
    }
    for path in
        ["/api/conversations?latest=x", "/api/users?limit=-1", "/api/conversations/1/messages?before=x"]
    {
        ada.get(path).await.is_refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn sql_and_html_are_only_text() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    for (number, text) in [
        "'; DROP TABLE users; --",
        "a','b'); -- \"\\",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "%s%n ${x} {{7*7}}",
        "\" OR 1=1 --",
        "张三 🚀 \u{202e}x",
        "\\u0000 \\' \\x",
    ]
    .into_iter()
    .enumerate()
    {
        let room = ada.post("/api/rooms", &json!({"name": text})).await;
        assert_eq!(room.status, 201, "{text}");
        assert_eq!(room.text("name"), text);
        let path = format!("/api/conversations/{}/messages", room.text("id"));
        let sent = ada.post(&path, &json!({"content": text})).await;
        assert_eq!(sent.status, 200, "{text}");
        let page = ada.get(&path).await;
        assert_eq!(page.json()["messages"][0]["content"], text);
        assert_eq!(
            (&page.headers["content-type"], &page.headers["x-content-type-options"]),
            (&"application/json".parse().unwrap(), &"nosniff".parse().unwrap())
        );
        let named = ada.post(&path, &json!({"content": "x", "clientMsgId": text})).await;
        match text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => assert_eq!((named.status.as_u16(), named.text("clientMsgId")), (200, text)),
            false => named.is_refused(400, "invalid_field"),
        }
        let group = ada.post("/api/groups", &json!({"name": text})).await;
        assert_eq!((group.status.as_u16(), group.text("name")), (201, text));

        node.anyone()
            .post("/api/sessions", &json!({"login": text, "password": text}))
            .await
            .is_refused(401, "login_failed");
        let account = json!({"username": text, "email": format!("u{number}@example.org"), "password": text});
        let created = node.anyone().post("/api/accounts", &account).await;
        if text.contains('\u{202e}') {
            created.is_refused(400, "invalid_field");
            continue;
        }
        assert_eq!((created.status.as_u16(), &created.json()["user"]["username"]), (201, &json!(text)));
        let session = node.anyone().post("/api/sessions", &json!({"login": text, "password": text})).await;
        assert_eq!(session.status, 200, "{text}: {session:?}");
    }
    assert_eq!(ada.get("/api/me").await.status, 200);
}
