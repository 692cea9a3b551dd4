//! Keys of servers: what each scope opens, and what none does.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Reply};
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::{over_both_shapes, unique};

over_both_shapes!(
    each_scope_opens_its_calls_and_no_others,
    a_key_sends_as_its_account_and_ends_at_once,
    what_a_key_is_made_of_is_checked_and_audited,
);

const SCOPES: [&str; 4] = ["messages:send", "users:read", "groups:write", "push"];

async fn make(system: &System, by: &Account, body: Value) -> Reply {
    system.api(0).post("/api/admin/keys", &by.token, body).await
}

async fn key(system: &System, by: &Account, scopes: &[&str], user: &Account) -> (String, String) {
    let made = make(system, by, json!({ "name": "bot", "scopes": scopes, "userId": user.id })).await.ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["secret"]), text(&made["key"]["id"]))
}

/// Calls that keys are made for, by scope: one that is missing here is for people only.
fn calls(room: &str, group: &str, user: &str) -> Vec<(&'static str, String, Option<&'static str>)> {
    vec![
        ("POST", format!("/api/conversations/{room}/messages"), Some("messages:send")),
        ("PATCH", format!("/api/conversations/{room}/messages/1"), Some("messages:send")),
        ("POST", format!("/api/conversations/{room}/messages/1/recall"), Some("messages:send")),
        ("GET", "/api/users?prefix=zzz".to_owned(), Some("users:read")),
        ("GET", format!("/api/users/{user}"), Some("users:read")),
        ("GET", format!("/api/presence?users={user}"), Some("users:read")),
        ("POST", "/api/presence".to_owned(), Some("users:read")),
        ("POST", "/api/groups".to_owned(), Some("groups:write")),
        ("GET", format!("/api/groups/{group}"), Some("groups:write")),
        ("PATCH", format!("/api/groups/{group}"), Some("groups:write")),
        ("GET", format!("/api/groups/{group}/members"), Some("groups:write")),
        ("POST", format!("/api/groups/{group}/members"), Some("groups:write")),
        ("DELETE", format!("/api/groups/{group}/members/{user}"), Some("groups:write")),
        ("PUT", format!("/api/groups/{group}/members/{user}/mute"), Some("groups:write")),
        ("POST", format!("/api/groups/{group}/links"), Some("groups:write")),
        ("POST", "/push/all".to_owned(), Some("push")),
        ("GET", "/goim/online/total".to_owned(), Some("push")),
        ("GET", "/api/me".to_owned(), None),
        ("DELETE", "/api/me".to_owned(), None),
        ("GET", "/api/me/export".to_owned(), None),
        ("GET", "/api/sessions".to_owned(), None),
        ("GET", "/api/conversations".to_owned(), None),
        ("GET", format!("/api/conversations/{room}/messages"), None),
        ("GET", "/api/contacts".to_owned(), None),
        ("GET", "/api/events?after=0".to_owned(), None),
        ("GET", "/api/admin/nodes".to_owned(), None),
        ("GET", "/api/admin/keys".to_owned(), None),
    ]
}

async fn each_scope_opens_its_calls_and_no_others(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    let room = system.api(0).room(&bob).await;
    system.api(0).send(&bob, &room, "1", "x").await.ok();
    let group = system.api(0).post("/api/groups", &bob.token, json!({ "name": "team" })).await.ok();
    let group = group["id"].as_str().expect("an id");
    for scope in SCOPES {
        let (secret, _) = key(system, &ann, &[scope], &bob).await;
        for (method, path, needed) in calls(&room, group, &ann.id) {
            let method: Method = method.parse().expect("a method");
            let body = (method != Method::GET).then(|| json!({}));
            let reply = system.api(1).call(method.clone(), &path, &secret, body).await;
            let text = String::from_utf8_lossy(&reply.bytes).into_owned();
            let is_closed = text.contains("the key has not the scope") || text.contains("not for keys");
            let is_refused = reply.status == 401 || (reply.status == 403 && is_closed);
            // What the door lets in may be wrong in other ways: these bodies are empty.
            assert_eq!(is_refused, needed != Some(scope), "{method} {path} with {scope}: {reply:?}");
        }
        assert!(Socket::try_v1(system.door(0), &secret).await.is_err(), "no key opens a socket");
    }
}

async fn a_key_sends_as_its_account_and_ends_at_once(system: &System) {
    let (ann, bot) = (system.operator().await, system.account("bot").await);
    let room = system.api(0).room(&ann).await;
    let (secret, id) = key(system, &ann, &["messages:send", "groups:write"], &bot).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let path = format!("/api/conversations/{room}/messages");
    let message = json!({ "clientMsgId": "1", "content": "by key" });
    let sent = system.api(0).post(&path, &secret, message.clone()).await.ok();
    assert_eq!(system.api(1).post(&path, &secret, message).await.ok()["seq"], sent["seq"], "stored once");
    assert_eq!(socket.wait_for(&room, 1).await, [(1, "by key".to_owned())]);
    let page = system.api(0).get(&format!("{path}?limit=1"), &ann.token).await.ok();
    assert_eq!(page["messages"][0]["sender"]["id"], *bot.id);
    let group = system.api(1).post("/api/groups", &secret, json!({ "name": unique("g") })).await.ok();
    assert_eq!(group["creatorId"], *bot.id);
    let foreign = system.api(0).get(&format!("/api/groups/{}", room), &secret).await;
    assert_eq!(foreign.status, 404, "it may what its account may");

    let keys = system.api(1).get("/api/admin/keys", &ann.token).await.ok();
    let listed = keys["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .find(|key| key["id"] == *id)
        .expect("it is listed")
        .clone();
    assert!(listed["usedAtMs"].as_i64() > Some(0), "{listed}");
    assert!(secret.starts_with(listed["prefix"].as_str().expect("a prefix")));
    assert!(!keys.to_string().contains(&secret), "it is shown once");
    let revoked =
        system.api(0).call(Method::DELETE, &format!("/api/admin/keys/{id}"), &ann.token, None).await;
    assert_eq!(revoked.status, 204);
    for node in [0, 1] {
        let refused = system.api(node).post(&path, &secret, json!({ "content": "x" })).await;
        assert_eq!(refused.refusal(), (401, "unauthenticated".to_owned()), "at once, on each node");
    }
    let (secret, _) = key(system, &ann, &["messages:send"], &bot).await;
    let ban = json!({ "reason": "a bot gone wild" });
    system.api(0).call(Method::PUT, &format!("/api/admin/users/{}/ban", bot.id), &ann.token, Some(ban)).await;
    let refused = system.api(1).post(&path, &secret, json!({ "content": "x" })).await;
    assert_eq!(refused.refusal(), (401, "unauthenticated".to_owned()), "a key ends with its account");
}

async fn what_a_key_is_made_of_is_checked_and_audited(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    for (body, code) in [
        (json!({ "name": "bot", "scopes": ["everything"], "userId": bob.id }), "invalid_field"),
        (json!({ "name": "bot", "scopes": [] }), "invalid_field"),
        (json!({ "name": "bot", "scopes": ["messages:send"] }), "invalid_field"),
        (json!({ "name": "", "scopes": ["push"] }), "invalid_field"),
        (json!({ "name": "bot", "scopes": ["push"], "expiresInMs": 0 }), "invalid_field"),
        (json!({ "name": "bot", "scopes": ["users:read"], "userId": "999999999" }), "not_found"),
    ] {
        assert_eq!(make(system, &ann, body.clone()).await.refusal().1, code, "{body}");
    }
    let other = system.operator().await;
    let as_operator = json!({ "name": "bot", "scopes": ["messages:send"], "userId": other.id });
    assert_eq!(make(system, &ann, as_operator).await.refusal().1, "forbidden", "an operator's account");
    let made = make(system, &ann, json!({ "name": unique("k"), "scopes": ["push"] })).await.ok();
    let secret = made["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("oort_") && secret.len() == 48, "{secret}");
    let audit = system.api(0).get("/api/admin/audit?limit=200", &ann.token).await.ok();
    let mut entries = audit["entries"].as_array().expect("entries").iter();
    let entry = entries.find(|entry| entry["actorId"] == *ann.id && entry["action"] == "key_created");
    assert_eq!(entry.expect("it is audited")["details"]["scopes"], "push");
    assert!(!audit.to_string().contains(secret), "no secret is in the audit");
    for wrong in ["oort_", "oort_x", &format!("{secret}x"), &secret.replace("oort_", "oort-")] {
        let refused = system.api(0).post("/push/all", wrong, json!({ "operation": 1000, "body": "x" })).await;
        assert_eq!(refused.status, 401, "{wrong}");
    }
}
