//! What the older web4 page sends and needs.

use http::Method;
use serde_json::{Value, json};

use super::harness::{Node, Setup};

// The page sends the MD5 of what was typed.
const PASSWORD: &str = "5f4dcc3b5aa765d61d8327deb882cf99";

fn account(username: &str, email: &str) -> Value {
    json!({"username": username, "email": email, "password": PASSWORD})
}

#[tokio::test]
async fn creating_and_logging_in_set_the_cookie() {
    let node = Node::start().await;
    let created = node.anyone().post("/api/create-account", &account("ada", "ada@example.org")).await;
    assert_eq!((created.status.as_u16(), created.body.len()), (204, 0), "{created:?}");
    let logged_in =
        node.anyone().post("/api/login", &json!({"email": "ada@example.org", "password": PASSWORD})).await;
    assert_eq!((logged_in.status.as_u16(), logged_in.body.len()), (204, 0), "{logged_in:?}");
    for reply in [&created, &logged_in] {
        let (sid, attributes) = reply.sid();
        assert_eq!((sid.len(), attributes), (43, "HttpOnly; Max-Age=86400; SameSite=Strict; Path=/"));
        let me = node.anyone().cookie(sid).get("/api/me").await;
        assert_eq!(me.json()["user"]["username"], "ada");
    }
    assert_ne!(created.sid().0, logged_in.sid().0);
}

#[tokio::test]
async fn refusals_are_400_with_an_id() {
    let node = Node::start().await;
    node.anyone().post("/api/create-account", &account("ada", "ada@example.org")).await;
    let cases = [
        ("/api/create-account", account("ADA", "b@example.org"), "USERNAME_EXISTS"),
        ("/api/create-account", account("bob", "ada@example.org"), "EMAIL_EXISTS"),
        ("/api/create-account", account("", "c@example.org"), ""),
        ("/api/create-account", json!({"username": "bob"}), ""),
        ("/api/create-account", json!([]), ""),
        ("/api/login", json!({"email": "ada@example.org", "password": "wrong"}), "LOGIN_FAILED"),
        ("/api/login", json!({"email": "nobody@example.org", "password": PASSWORD}), "LOGIN_FAILED"),
        ("/api/login", json!({"email": 7}), ""),
    ];
    for (path, body, id) in cases {
        let reply = node.anyone().post(path, &body).await;
        let answer = reply.json();
        assert_eq!((reply.status.as_u16(), &answer["id"]), (400, &json!(id)), "{path} {body}");
        assert_eq!(answer.as_object().map(|fields| fields.len()), Some(2), "{answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    let reply = node.anyone().post_raw("/api/login", Some("application/json"), "{").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["id"]), (400, &json!("")));
}

#[tokio::test]
async fn a_command_line_client_declares_no_json_and_a_foreign_page_must() {
    let node = Node::start().await;
    let body = account("ada", "ada@example.org").to_string();
    let form = "application/x-www-form-urlencoded";
    let foreign = node.anyone().header("host", "chat.example").header("origin", "https://evil.example");
    let refused = foreign.post_raw("/api/create-account", Some(form), body.clone()).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["id"]), (400, &json!("")));
    let created = node.anyone().post_raw("/api/create-account", Some(form), body).await;
    assert_eq!(created.status, 204, "{created:?}");
}

#[tokio::test]
async fn logging_out_ends_the_log_in() {
    let node = Node::start().await;
    let created = node.anyone().post("/api/create-account", &account("ada", "ada@example.org")).await;
    let client = node.anyone().cookie(created.sid().0);
    assert_eq!(client.get("/api/me").await.status, 200);
    for _ in 0..2 {
        let out = client.post_raw("/api/logout", None, "").await;
        assert_eq!(
            (out.status.as_u16(), out.sid()),
            (204, ("", "HttpOnly; Max-Age=0; SameSite=Strict; Path=/"))
        );
    }
    client.get("/api/me").await.is_refused(401, "unauthenticated");
    let foreign = client.header("host", "chat.example").header("origin", "https://evil.example");
    assert_eq!(foreign.post_raw("/api/logout", None, "").await.status, 400);
}

#[tokio::test]
async fn the_cookie_is_secure_when_told() {
    let mut setup = Setup::default();
    setup.config.http.cookie_secure = true;
    let node = Node::with(setup).await;
    let created = node.anyone().post("/api/create-account", &account("ada", "ada@example.org")).await;
    assert_eq!(created.sid().1, "HttpOnly; Max-Age=86400; SameSite=Strict; Path=/; Secure");
}

#[tokio::test]
async fn another_site_cannot_act_by_the_cookie() {
    let mut setup = Setup::default();
    setup.config.http.allowed_origins = vec!["https://friend.example".to_owned()];
    let node = Node::with(setup).await;
    let created = node.anyone().post("/api/create-account", &account("ada", "ada@example.org")).await;
    let client = node.anyone().cookie(created.sid().0).header("host", "chat.example");
    let (json, body) = (Some("application/json"), json!({"name": "garden"}).to_string());

    client.post_raw("/api/rooms", Some("text/plain"), body.clone()).await.is_refused(403, "forbidden");
    for origin in ["https://evil.example", "null", "https://chat.example.evil"] {
        let evil = client.clone().header("origin", origin);
        evil.post_raw("/api/rooms", json, body.clone()).await.is_refused(403, "forbidden");
        evil.call(Method::DELETE, "/api/sessions/current", None, axum::body::Body::empty())
            .await
            .is_refused(403, "forbidden");
        assert_eq!(evil.get("/api/me").await.status, 200, "reading changes nothing");
    }
    let own = client.clone().header("origin", "https://chat.example");
    assert_eq!(own.post_raw("/api/rooms", json, body).await.status, 201);
    let friend = client.header("origin", "https://friend.example");
    assert_eq!(friend.post("/api/rooms", &json!({"name": "other"})).await.status, 201);
}
