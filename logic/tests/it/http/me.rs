//! The caller's own account, and what others see of it.

use oort_logic::accounts::OnDelete;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::harness::{Node, Setup};
use crate::support::until;

fn password() -> Value {
    json!({ "password": "password of mine" })
}

#[tokio::test]
async fn a_profile_is_changed_within_its_limits_and_shown() {
    let node = Node::start().await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let nothing = json!({ "nick": "", "avatar": "", "sex": "", "description": "" });
    assert_eq!(ada.get("/api/me").await.json()["profile"], nothing);
    let profile = json!({
        "nick": "Ada 漢", "avatar": "https://a.example/x.png", "sex": "female", "description": "Numbers.\nEngines."
    });
    let changed = ada.patch("/api/me", &profile).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["profile"]), (200, &profile), "{changed:?}");
    let shown = bob.get(&format!("/api/users/{}", ada.id)).await.json();
    assert_eq!(shown, json!({ "user": { "id": ada.id, "username": "ada" }, "profile": profile }));
    let partly = ada.patch("/api/me", &json!({ "nick": "" })).await.json();
    assert_eq!((&partly["profile"]["nick"], &partly["profile"]["sex"]), (&json!(""), &json!("female")));

    for (field, value) in [
        ("nick", "x".repeat(65)),
        ("nick", "\u{202E}x".to_owned()),
        ("nick", " x".to_owned()),
        ("avatar", "javascript:alert(1)".to_owned()),
        ("avatar", format!("https://{}", "x".repeat(1_020))),
        ("sex", "unknown".to_owned()),
        ("description", "é".repeat(501)),
        ("description", "😀".repeat(501)),
        ("description", "a\u{0}".to_owned()),
    ] {
        let reply = ada.patch("/api/me", &json!({ field: value })).await;
        reply.is_refused(400, "invalid_field");
        assert!(reply.text("message").starts_with(field), "{reply:?}");
    }
    for nobody in ["999", "0", "x"] {
        assert!(bob.get(&format!("/api/users/{nobody}")).await.status.is_client_error());
    }
    let events = ada.get("/api/events?after=0").await.json();
    let kinds: Vec<&Value> =
        events["events"].as_array().expect("events").iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["profile_changed", "profile_changed"]);
    assert_eq!(events["events"][1]["data"], partly["profile"]);
    assert_eq!(bob.get("/api/events?after=0").await.json()["head"], 0);
}

#[tokio::test]
async fn a_deactivated_account_comes_back_with_the_next_log_in() {
    let mut setup = Setup::default();
    setup.config.accounts.reactivation_ms = 3_600_000;
    let node = Node::with(setup).await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let wrong = json!({ "password": "wrong one" });
    ada.post("/api/me/deactivation", &wrong).await.is_refused(403, "wrong_password");
    assert_eq!(ada.post("/api/me/deactivation", &password()).await.status, 204);
    ada.get("/api/me").await.is_refused(401, "unauthenticated");
    let path = format!("/api/users/{}", ada.id);
    bob.get(&path).await.is_refused(404, "not_found");
    assert_eq!(bob.get("/api/users?prefix=ad").await.json(), json!({ "users": [] }));
    let log_in = |password: &str| json!({ "login": "ada", "password": password });
    node.anyone().post("/api/sessions", &log_in("wrong one")).await.is_refused(401, "login_failed");
    bob.get(&path).await.is_refused(404, "not_found");
    assert_eq!(node.anyone().post("/api/sessions", &log_in("password of mine")).await.status, 200);
    assert_eq!(bob.get(&path).await.status, 200);
    assert_eq!(node.counter("accounts_reactivated_total"), 1);
}

#[tokio::test]
async fn a_deleted_account_leaves_its_messages_or_not() {
    for on_delete in [OnDelete::Keep, OnDelete::Erase] {
        let mut setup = Setup::default();
        setup.config.accounts.on_delete = on_delete;
        setup.config.departures.grace_ms = 0;
        setup.config.departures.messages_max = 2;
        let node = Node::with(setup).await;
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let group = bob.post("/api/groups", &json!({ "name": "us", "memberIds": [ada.id] })).await;
        let hers = ada.post("/api/groups", &json!({ "name": "hers", "memberIds": [bob.id] })).await;
        let alone = ada.post("/api/groups", &json!({ "name": "alone" })).await;
        let path = format!("/api/conversations/{}/messages", group.text("id"));
        for number in 0..5 {
            assert_eq!(ada.post(&path, &json!({ "content": format!("text {number}") })).await.status, 200);
        }
        ada.delete_by("/api/me", &json!({ "password": "wrong" })).await.is_refused(403, "wrong_password");
        assert_eq!(ada.delete_by("/api/me", &password()).await.status, 204);
        ada.get("/api/me").await.is_refused(401, "unauthenticated");
        let log_in = json!({ "login": "ada", "password": "password of mine" });
        node.anyone().post("/api/sessions", &log_in).await.is_refused(401, "login_failed");
        until("the account is cleared away", || async {
            node.app.departures.round(&CancellationToken::new()).await.expect("looks for departures");
            node.counter("departures_total") == 1
        })
        .await;
        let members = format!("/api/groups/{}/members", group.text("id"));
        let left = bob.get(&members).await.json();
        assert_eq!(left["members"].as_array().map(Vec::len), Some(1), "{left}");
        let hers = bob.get(&format!("/api/groups/{}", hers.text("id"))).await.json();
        assert_eq!((&hers["ownerId"], &hers["members"]), (&json!(bob.id), &json!(1)), "handed over");
        bob.get(&format!("/api/groups/{}", alone.text("id"))).await.is_refused(403, "not_member");
        let added = json!({ "userIds": [ada.id] });
        bob.post(&members, &added).await.is_refused(404, "not_found");
        let history = bob.get(&format!("{path}?after=0&limit=100")).await.json();
        let texts: Vec<(&Value, &Value)> = history["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .filter(|message| message["kind"] == "text")
            .map(|message| (&message["content"], &message["sender"]["username"]))
            .collect();
        assert_eq!(texts.len(), 5, "{history}");
        let erased = (json!(""), json!(format!("deleted-{}", ada.id)));
        for (number, text) in texts.iter().enumerate() {
            match on_delete {
                OnDelete::Keep => assert_eq!(*text, (&json!(format!("text {number}")), &json!("ada"))),
                OnDelete::Erase => assert_eq!(*text, (&erased.0, &erased.1)),
            }
        }
        let again = json!({ "username": "ada", "password": "another horse" });
        let again = node.anyone().post("/api/accounts", &again).await;
        assert_eq!(again.status.as_u16(), if on_delete == OnDelete::Keep { 409 } else { 201 }, "{again:?}");
    }
}

#[tokio::test]
async fn an_export_has_all_that_is_the_callers() {
    let mut setup = Setup::default();
    setup.config.exports.page = 3;
    setup.config.exports.running_max = 1;
    let node = Node::with(setup).await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let empty = ada.get("/api/me/export").await.json();
    assert_eq!(empty["messages"], json!([]));
    let room = ada.post("/api/rooms", &json!({ "name": "garden" })).await;
    let path = format!("/api/conversations/{}/messages", room.text("id"));
    for number in 0..7 {
        ada.post(&path, &json!({ "content": format!("\"text\" {number}") })).await;
        bob.post(&path, &json!({ "content": "bob's" })).await;
    }
    assert_eq!(ada.patch("/api/me", &json!({ "nick": "A" })).await.status, 200);
    // More contacts and requests than are read at once.
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(node.user(&format!("friend{number}")).await);
    }
    for friend in &people {
        let asked =
            ada.post("/api/contacts/requests", &json!({ "userId": friend.id, "message": "\"hi\"" })).await;
        assert_eq!(asked.status, 200, "{asked:?}");
    }
    for friend in &people[..4] {
        let path = format!("/api/contacts/requests/{}/accept", ada.id);
        assert_eq!(friend.post(&path, &json!({})).await.status, 200);
    }
    let remark = json!({ "remark": "plays chess" });
    assert_eq!(ada.put(&format!("/api/contacts/{}", people[0].id), &remark).await.status, 200);
    bob.post("/api/contacts/requests", &json!({ "userId": ada.id, "message": "it is bob" })).await;
    let blocked = ada.put(&format!("/api/contacts/{}/block", people[3].id), &json!({})).await;
    assert_eq!(blocked.status, 200, "{blocked:?}");
    let reply = ada.get("/api/me/export").await;
    assert_eq!(reply.headers["content-type"], "application/json");
    let export = reply.json();
    let texts: Vec<&str> = export["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["content"].as_str().expect("text"))
        .collect();
    assert_eq!(texts, (0..7).map(|number| format!("\"text\" {number}")).collect::<Vec<_>>());
    assert_eq!((&export["user"]["username"], &export["profile"]["nick"]), (&json!("ada"), &json!("A")));
    assert_eq!(export["sessions"].as_array().map(Vec::len), Some(1));
    let held = |list: &str| -> Vec<(String, String, String)> {
        let of = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        let list = export[list].as_array().expect("a list");
        list.iter()
            .map(|entry| (of(&entry["user"], "username"), of(entry, "remark"), of(entry, "message")))
            .collect()
    };
    let names = |list: &str| held(list).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
    assert_eq!(names("contacts"), ["friend0", "friend1", "friend2", "friend3"]);
    assert_eq!(held("contacts")[0].1, "plays chess");
    assert_eq!(held("requestsToMe"), [("bob".to_owned(), String::new(), "it is bob".to_owned())]);
    assert_eq!(held("requestsByMe"), [("friend4".to_owned(), String::new(), "\"hi\"".to_owned())]);
    assert_eq!(names("blocked"), ["friend3"]);
    assert_eq!(empty["contacts"], json!([]));
    let names: Vec<&Value> =
        export["conversations"].as_array().expect("a list").iter().map(|entry| &entry["name"]).collect();
    assert!(names.contains(&&json!("garden")), "{names:?}");
    node.anyone().get("/api/me/export").await.is_refused(401, "unauthenticated");
    assert_eq!(ada.get("/api/me/export").await.status, 200, "the one before made room");
}
