//! What operators do about people, messages and groups, and who of them may.

use std::time::{SystemTime, UNIX_EPOCH};

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Reply};
use crate::harness::socket::{End, Socket};
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    a_banned_user_is_out_everywhere_and_stays_out,
    a_ban_ends_by_itself,
    a_muted_user_reads_on_and_says_nothing_at_any_door,
    a_message_removed_by_an_operator_is_nowhere,
    groups_are_changed_and_dissolved_by_operators,
    each_role_may_what_its_table_says,
    operators_do_not_reach_those_above_them,
    an_operator_who_deletes_the_account_is_audited,
);

async fn operator(system: &System, role: &str) -> Account {
    let account = system.account(role).await;
    system.admin(&["create", &account.username, "--role", role]);
    account
}

async fn call(system: &System, node: usize, by: &Account, method: Method, path: &str, body: Value) -> Reply {
    let body = (!body.is_null()).then_some(body);
    system.api(node).call(method, &format!("/api/admin/{path}"), &by.token, body).await
}

async fn done(system: &System, node: usize, by: &Account, method: Method, path: &str, body: Value) {
    let reply = call(system, node, by, method, path, body).await;
    assert_eq!(reply.status, 204, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
}

/// Logs in again by password.
async fn log_in(system: &System, node: usize, account: &Account) -> Reply {
    let body = json!({ "login": account.username, "password": "correct horse" });
    system.api(node).post("/api/sessions", "", body).await
}

/// The newest thing this operator did.
async fn audited(system: &System, by: &Account, action: &str) -> Value {
    let page = call(system, 0, by, Method::GET, "audit?limit=200", Value::Null).await.ok();
    let mut entries = page["entries"].as_array().expect("entries").iter();
    let found = entries.find(|entry| entry["actorId"] == *by.id && entry["action"] == action);
    found.unwrap_or_else(|| panic!("{action} is not in {page}")).clone()
}

async fn a_banned_user_is_out_everywhere_and_stays_out(system: &System) {
    let (ann, bob) = (operator(system, "moderator").await, system.account("bob").await);
    let begun = log_in(system, 0, &bob).await.ok();
    let token = begun["accessToken"].as_str().expect("a token").to_owned();
    let sockets = [Socket::v1(system.door(0), &bob.token).await, Socket::v1(system.door(1), &token).await];
    let path = format!("users/{}/ban", bob.id);
    done(system, 1, &ann, Method::PUT, &path, json!({ "reason": "spam" })).await;
    for socket in sockets {
        assert_eq!(socket.end().await, End::Code(1008), "on each comet");
    }
    for node in [0, 1] {
        let refused = log_in(system, node, &bob).await;
        assert_eq!(refused.refusal(), (403, "banned".to_owned()));
        assert!(refused.json()["message"].as_str().expect("a text").contains("spam"), "it says why");
        eventually("the log-in is over on each node", async || {
            (system.api(node).get("/api/me", &token).await.status == 401).then_some(())
        })
        .await;
    }
    let refreshed = system
        .api(0)
        .post("/api/sessions/refresh", "", json!({ "refreshToken": begun["refreshToken"] }))
        .await;
    assert_eq!(refreshed.refusal(), (401, "unauthenticated".to_owned()));
    assert!(Socket::try_v1(system.door(1), &bob.token).await.is_err(), "no connection either");
    let found =
        call(system, 0, &ann, Method::GET, &format!("users?query={}", bob.username), Value::Null).await.ok();
    assert_eq!(found["users"][0]["ban"]["reason"], "spam", "{found}");
    let bans = call(system, 0, &ann, Method::GET, "bans?limit=200", Value::Null).await.ok();
    let mut listed = bans["sanctions"].as_array().expect("bans").iter();
    assert!(listed.any(|ban| ban["user"]["id"] == *bob.id && ban["actorId"] == *ann.id), "{bans}");
    let entry = audited(system, &ann, "ban").await;
    assert_eq!((&entry["subject"], &entry["details"]["reason"]), (&json!(bob.id), &json!("spam")));

    done(system, 0, &ann, Method::DELETE, &path, Value::Null).await;
    log_in(system, 1, &bob).await.ok();
    assert_eq!(audited(system, &ann, "unban").await["subject"], *bob.id);
}

async fn a_ban_ends_by_itself(system: &System) {
    let (ann, bob) = (operator(system, "moderator").await, system.account("bob").await);
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis());
    let until = now.expect("in range") + 3_000;
    let path = format!("users/{}/ban", bob.id);
    done(system, 0, &ann, Method::PUT, &path, json!({ "reason": "cool down", "until": until })).await;
    let refused = log_in(system, 1, &bob).await;
    assert!(refused.json()["message"].as_str().is_some_and(|text| text.contains(&until.to_string())));
    eventually("it is over", async || log_in(system, 0, &bob).await.status.is_success().then_some(())).await;
    let past = call(system, 0, &ann, Method::PUT, &path, json!({ "reason": "x", "until": until })).await;
    assert_eq!(past.refusal(), (400, "invalid_field".to_owned()), "an end that was");
    let nobody = call(system, 0, &ann, Method::PUT, "users/999999999/ban", json!({ "reason": "x" })).await;
    assert_eq!(nobody.refusal(), (404, "not_found".to_owned()));
}

async fn a_muted_user_reads_on_and_says_nothing_at_any_door(system: &System) {
    let (ann, bob, eve) =
        (operator(system, "moderator").await, system.account("bob").await, system.account("eve").await);
    let room = system.api(0).room(&eve).await;
    system.api(0).send(&bob, &room, "before", "hello").await.ok();
    let (first, second) = (
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    );
    let path = format!("users/{}/mute", bob.id);
    done(system, 0, &ann, Method::PUT, &path, json!({ "reason": "noise" })).await;
    for socket in [&first, &second] {
        let told = socket.wait_frame("event", |event| event["kind"] == "mute_changed").await;
        assert_eq!((&told["data"]["muted"], &told["data"]["reason"]), (&json!(true), &json!("noise")));
    }
    let direct = json!({ "userId": eve.id });
    let direct = system.api(1).post("/api/direct", &bob.token, direct).await.ok();
    for conversation in [room.as_str(), direct["id"].as_str().expect("an id")] {
        for node in [0, 1] {
            let refused = system.api(node).send(&bob, conversation, &unique("m"), "x").await;
            assert_eq!(refused.refusal(), (403, "muted".to_owned()), "{conversation}");
        }
    }
    first.say(&room, &unique("m"), "by socket").await;
    let ack = first.wait_frame("sendAck", |ack| ack["roomId"] == *room).await;
    assert_eq!(ack["results"][0]["error"]["code"], "muted");
    let message = format!("/api/conversations/{room}/messages/1");
    let edit = system.api(0).call(Method::PATCH, &message, &bob.token, Some(json!({ "content": "x" }))).await;
    assert_eq!(edit.refusal(), (403, "muted".to_owned()));
    system.api(1).send(&eve, &room, "eve", "poor bob").await.ok();
    second.wait_for(&room, 1).await;
    assert_eq!(system.api(0).history(&bob, &room).await.len(), 2, "nothing of it is stored, and he reads");

    done(system, 1, &ann, Method::DELETE, &path, Value::Null).await;
    second
        .wait_frame("event", |event| event["kind"] == "mute_changed" && event["data"]["muted"] == false)
        .await;
    system.api(1).send(&bob, &room, "after", "back").await.ok();
    // A device that was away learns of both.
    let events = system.api(0).get("/api/events?after=0&limit=100", &bob.token).await.ok();
    let kinds = events["events"].as_array().expect("events").iter();
    assert_eq!(kinds.filter(|event| event["kind"] == "mute_changed").count(), 2, "{events}");
}

async fn a_message_removed_by_an_operator_is_nowhere(system: &System) {
    let (ann, bob, eve) =
        (operator(system, "moderator").await, system.account("bob").await, system.account("eve").await);
    let direct = system.api(0).post("/api/direct", &bob.token, json!({ "userId": eve.id })).await.ok();
    let direct = direct["id"].as_str().expect("an id");
    let socket = Socket::v1(system.door(1), &eve.token).await.follow();
    system.api(0).send(&bob, direct, "1", "something vile").await.ok();
    socket.wait_for(direct, 1).await;
    let gone = call(system, 0, &ann, Method::DELETE, &format!("messages/{direct}/1"), Value::Null).await.ok();
    assert_eq!((&gone["gone"], &gone["content"]), (&json!("erased"), &json!("")));
    let told = socket.wait_frame("change", |change| change["kind"] == "erased").await;
    assert_eq!(told["seq"], 1);
    for reader in [&bob, &eve] {
        let history = system.api(1).history(reader, direct).await;
        assert_eq!(history, [(1, String::new())], "its place stays");
    }
    let again =
        call(system, 1, &ann, Method::DELETE, &format!("messages/{direct}/1"), Value::Null).await.ok();
    assert_eq!(again["changeSeq"], gone["changeSeq"], "once more changes nothing");
    let none = call(system, 0, &ann, Method::DELETE, &format!("messages/{direct}/9"), Value::Null).await;
    assert_eq!(none.refusal(), (404, "not_found".to_owned()));
    audited(system, &ann, "message_erased").await;
}

async fn groups_are_changed_and_dissolved_by_operators(system: &System) {
    let (ann, bob, eve) =
        (operator(system, "moderator").await, system.account("bob").await, system.account("eve").await);
    let group = json!({ "name": "vile", "memberIds": [eve.id] });
    let group = system.api(0).post("/api/groups", &bob.token, group).await.ok();
    let group = group["id"].as_str().expect("an id");
    let socket = Socket::v1(system.door(1), &eve.token).await.follow();
    let path = format!("groups/{group}");
    let patch = json!({ "name": "kind", "muteAll": true });
    done(system, 0, &ann, Method::PATCH, &path, patch).await;
    socket.wait_for(group, 1).await;
    let seen = call(system, 1, &ann, Method::GET, &path, Value::Null).await.ok();
    assert_eq!(
        (&seen["name"], &seen["muteAll"], &seen["members"]),
        (&json!("kind"), &json!(true), &json!(2))
    );
    let owner =
        call(system, 0, &ann, Method::DELETE, &format!("{path}/members/{}", bob.id), Value::Null).await;
    assert_eq!(owner.refusal(), (403, "forbidden".to_owned()), "a group has its owner");
    let mute = json!({ "until": 99_000_000_000_000_i64 });
    done(system, 1, &ann, Method::PUT, &format!("{path}/members/{}/mute", bob.id), mute).await;
    assert_eq!(system.api(0).send(&bob, group, "1", "x").await.refusal(), (403, "muted".to_owned()));
    done(system, 0, &ann, Method::DELETE, &format!("{path}/members/{}", eve.id), Value::Null).await;
    done(system, 1, &ann, Method::DELETE, &path, Value::Null).await;
    done(system, 0, &ann, Method::DELETE, &path, Value::Null).await;
    assert_eq!(system.api(0).send(&bob, group, "2", "x").await.refusal(), (403, "dissolved".to_owned()));
    let stranger = system.api(0).get(&format!("/api/groups/{group}"), &ann.token).await;
    assert_eq!(stranger.refusal(), (403, "not_member".to_owned()), "she is in no group by that");
    for action in ["group_changed", "member_muted", "member_removed", "group_dissolved"] {
        assert_eq!(audited(system, &ann, action).await["subject"], format!("group {group}"));
    }
}

/// Calls under `/api/admin`, with who may make them: viewer, moderator, administrator.
const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "nodes", "+++"),
    ("GET", "users?query=zzz", "+++"),
    ("GET", "users/1/connections", "+++"),
    ("GET", "outbox", "+++"),
    ("GET", "dead-letters", "+++"),
    ("GET", "audit", "+++"),
    ("GET", "bans", "+++"),
    ("GET", "mutes", "+++"),
    ("GET", "groups/999999999", "+++"),
    ("DELETE", "users/999999999/connections", "-++"),
    ("PUT", "users/999999999/ban", "-++"),
    ("DELETE", "users/999999999/ban", "-++"),
    ("PUT", "users/999999999/mute", "-++"),
    ("DELETE", "users/999999999/mute", "-++"),
    ("DELETE", "messages/999999999/1", "-++"),
    ("PATCH", "groups/999999999", "-++"),
    ("DELETE", "groups/999999999", "-++"),
    ("DELETE", "groups/999999999/members/1", "-++"),
    ("PUT", "groups/999999999/members/1/mute", "-++"),
    ("POST", "broadcast", "--+"),
    ("POST", "replay", "--+"),
    ("GET", "keys", "--+"),
    ("POST", "keys", "--+"),
    ("DELETE", "keys/999999999", "--+"),
];

async fn each_role_may_what_its_table_says(system: &System) {
    let roles = ["viewer", "moderator", "administrator"];
    let mut operators = Vec::new();
    for role in roles {
        operators.push(operator(system, role).await);
    }
    let me = system.api(0).get("/api/me", &operators[1].token).await.ok();
    assert_eq!((&me["operator"], &me["operatorRole"]), (&json!(true), &json!("moderator")));
    for (method, path, cells) in CALLS {
        for ((operator, role), cell) in operators.iter().zip(roles).zip(cells.chars()) {
            let method: Method = method.parse().expect("a method");
            let reply = call(system, 0, operator, method.clone(), path, json!({})).await;
            let is_refused = reply.refusal() == (403, "forbidden".to_owned());
            assert_eq!(is_refused, cell == '-', "{method} {path} by a {role}: {reply:?}");
        }
    }
    let listed = system.admin(&["list"]);
    assert!(listed.contains(&format!("{}\tviewer", operators[0].username)), "{listed}");
    // Another role takes the place of the one before, at once.
    system.admin(&["create", &operators[0].username, "--role", "moderator"]);
    let path = "users/999999999/ban";
    let reply = call(system, 1, &operators[0], Method::DELETE, path, Value::Null).await;
    assert_eq!(reply.status, 204);
}

async fn operators_do_not_reach_those_above_them(system: &System) {
    let (moderator, other) = (operator(system, "moderator").await, operator(system, "moderator").await);
    let administrator = operator(system, "administrator").await;
    let ban = json!({ "reason": "a quarrel" });
    for (method, path, body) in [
        (Method::PUT, "ban", ban.clone()),
        (Method::PUT, "mute", ban.clone()),
        (Method::DELETE, "ban", Value::Null),
        (Method::DELETE, "connections", Value::Null),
    ] {
        for against in [&administrator, &other, &moderator] {
            let path = format!("users/{}/{path}", against.id);
            let reply = call(system, 0, &moderator, method.clone(), &path, body.clone()).await;
            assert_eq!(reply.refusal(), (403, "forbidden".to_owned()), "{method} {path}");
        }
    }
    done(system, 0, &administrator, Method::PUT, &format!("users/{}/ban", moderator.id), ban).await;
    assert_eq!(log_in(system, 1, &moderator).await.refusal(), (403, "banned".to_owned()));
}

async fn an_operator_who_deletes_the_account_is_audited(system: &System) {
    let (ann, bob) = (operator(system, "administrator").await, operator(system, "moderator").await);
    let body = Some(json!({ "password": "correct horse" }));
    assert_eq!(system.api(0).call(Method::DELETE, "/api/me", &bob.token, body).await.status, 204);
    let page = call(system, 1, &ann, Method::GET, "audit?limit=200", Value::Null).await.ok();
    let mut entries = page["entries"].as_array().expect("entries").iter();
    let revoked = entries.find(|entry| entry["subject"] == *bob.id && entry["action"] == "operator_revoked");
    let revoked = revoked.unwrap_or_else(|| panic!("nothing about {} in {page}", bob.id));
    assert_eq!(
        (&revoked["actorId"], &revoked["details"]["cause"]),
        (&json!(bob.id), &json!("account_deleted"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_the_list_are_masked_or_refused_before_they_are_stored() {
    for action in ["mask", "refuse"] {
        let list = ("OORT_LOGIC__WORDS__LIST", "darn, 坏话");
        let system = System::standalone(&[list, ("OORT_LOGIC__WORDS__ACTION", action)]);
        let ann = system.account("ann").await;
        let room = system.api(0).room(&ann).await;
        let socket = Socket::v1(system.door(0), &ann.token).await.follow();
        system.api(0).send(&ann, &room, "1", "undarned").await.ok();
        socket.say(&room, "2", "Darn, 坏话!").await;
        let ack = socket.wait_frame("sendAck", |ack| ack["results"][0]["clientMsgId"] == "2").await;
        let sent = system.api(0).send(&ann, &room, "2", "Darn, 坏话!").await;
        let message = format!("/api/conversations/{room}/messages/1");
        let edit = Some(json!({ "content": "darn" }));
        let edited = system.api(0).call(Method::PATCH, &message, &ann.token, edit).await;
        let stored: Vec<String> =
            system.api(0).history(&ann, &room).await.into_iter().map(|(_, content)| content).collect();
        if action == "mask" {
            assert_eq!(sent.ok()["seq"], ack["results"][0]["seq"], "a repeat is stored once");
            assert_eq!(edited.ok()["content"], "****");
            assert_eq!(stored, ["****", "****, **!"]);
        } else {
            assert_eq!(ack["results"][0]["error"]["code"], "forbidden", "{ack}");
            assert_eq!(sent.refusal(), (403, "forbidden".to_owned()));
            assert_eq!(edited.refusal(), (403, "forbidden".to_owned()));
            assert_eq!(stored, ["undarned"]);
        }
    }
}
