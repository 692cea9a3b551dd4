//! Groups: what members learn of every change, on every device, and who may do what.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::Account;
use crate::harness::socket::{Follower, Socket, assert_dense};
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes};

over_both_shapes!(
    an_offline_member_learns_by_listing_and_history,
    every_device_learns_of_every_change_in_order,
    promotion_and_removal_at_once_have_one_order,
    a_removed_member_gets_nothing_more,
    the_muted_are_refused_at_every_door,
    a_link_lets_in_at_another_node,
    a_repeated_request_does_nothing_again,
    pinning_and_muting_reach_the_own_devices,
);

async fn team(system: &System, owner: &Account, members: &[&Account]) -> String {
    let ids: Vec<_> = members.iter().map(|member| &member.id).collect();
    let group = json!({ "name": "team", "memberIds": ids });
    let group = system.api(0).post("/api/groups", &owner.token, group).await.ok();
    group["id"].as_str().expect("an id").to_owned()
}

/// A change of the group, by either node.
async fn change(system: &System, node: usize, by: &Account, method: Method, path: &str, body: Value) {
    let body = (!body.is_null()).then_some(body);
    let reply = system.api(node).call(method, path, &by.token, body).await;
    assert_eq!(reply.status, 204, "{path}: {}", String::from_utf8_lossy(&reply.bytes));
}

/// What the SYSTEM messages of the group say, as they came.
fn told(socket: &Follower, group: &str) -> Vec<Value> {
    let said = socket.messages(group).into_iter().map(|(_, content)| serde_json::from_str(&content));
    said.filter_map(Result::ok).collect()
}

fn events(told: &[Value]) -> Vec<&str> {
    told.iter().filter_map(|content| content["event"].as_str()).collect()
}

async fn listed(system: &System, node: usize, reader: &Account, group: &str) -> Value {
    let list = system.api(node).get("/api/conversations", &reader.token).await.ok();
    let list = list["conversations"].as_array().expect("a list").clone();
    list.into_iter().find(|listed| listed["id"] == group).expect("it is listed")
}

async fn an_offline_member_learns_by_listing_and_history(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let group = team(system, &ann, &[&bob, &eve]).await;
    let path = format!("/api/groups/{group}");
    let cursor = Socket::v1(system.door(0), &bob.token).await.hello["cursor"].clone();
    let edit =
        json!({ "name": "tea", "avatar": "https://a/b.png", "announcement": "at five", "muteAll": true });
    change(system, 0, &ann, Method::PATCH, &path, edit).await;
    change(
        system,
        1,
        &ann,
        Method::PUT,
        &format!("{path}/members/{}/role", bob.id),
        json!({ "role": "admin" }),
    )
    .await;
    change(system, 0, &ann, Method::POST, &format!("{path}/owner"), json!({ "userId": bob.id })).await;

    let hello = Socket::since(system.door(1), &bob.token, cursor.as_str().expect("a cursor")).await.hello;
    let seen = hello["rooms"].as_array().expect("rooms").iter().find(|room| room["id"] == *group);
    let seen = seen.expect("it changed");
    assert_eq!((&seen["name"], &seen["role"], &seen["members"]), (&json!("tea"), &json!("owner"), &json!(3)));
    assert_eq!((&seen["avatar"], &seen["muteAll"]), (&json!("https://a/b.png"), &json!(true)));
    assert!(seen.get("announcement").is_none(), "it is asked for: {seen}");
    let seen = listed(system, 1, &ann, &group).await;
    assert_eq!((&seen["name"], &seen["role"], &seen["head"]), (&json!("tea"), &json!("admin"), &json!(3)));
    let seen = system.api(1).get(&path, &eve.token).await.ok();
    assert_eq!((&seen["announcement"], &seen["ownerId"]), (&json!("at five"), &json!(bob.id)));
    assert_eq!((&seen["adminIds"], &seen["role"]), (&json!([ann.id]), &json!("member")));
    let history = system.api(1).history(&eve, &group).await;
    assert_dense(&history);
    let said: Vec<Value> =
        history.iter().filter_map(|(_, content)| serde_json::from_str(content).ok()).collect();
    assert_eq!(events(&said), ["group_changed", "role_changed", "owner_changed"]);
    let members = system.api(0).get(&format!("{path}/members?limit=2"), &eve.token).await.ok();
    let roles: Vec<_> = members["members"].as_array().expect("members").iter().map(|m| &m["role"]).collect();
    assert_eq!(roles, [&json!("admin"), &json!("owner")]);
    let stranger = system.account("stranger").await;
    assert_eq!(system.api(0).get(&path, &stranger.token).await.refusal(), (403, "not_member".to_owned()));
}

async fn every_device_learns_of_every_change_in_order(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let group = team(system, &ann, &[&bob]).await;
    let sockets = [
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
        Socket::v1(system.door(1), &ann.token).await.follow(),
    ];
    let path = format!("/api/groups/{group}");
    let member = format!("{path}/members/{}", bob.id);
    change(system, 0, &ann, Method::PUT, &format!("{member}/role"), json!({ "role": "admin" })).await;
    change(system, 1, &bob, Method::PATCH, &path, json!({ "announcement": "hear, hear" })).await;
    change(system, 0, &ann, Method::PUT, &format!("{member}/role"), json!({ "role": "member" })).await;
    change(system, 1, &ann, Method::DELETE, &path, Value::Null).await;
    let expected = ["role_changed", "group_changed", "role_changed", "group_dissolved"];
    for socket in &sockets {
        assert_dense(&socket.wait_for(&group, 4).await);
        assert_eq!(events(&told(socket, &group)), expected);
        let mine = |frame: &Value| frame["change"] == "changed" && frame["room"]["id"] == *group;
        let changed = socket.wait_frame("conversation", mine).await;
        assert_eq!(
            (&changed["room"]["announcement"], &changed["actor"]["id"]),
            (&json!("hear, hear"), &json!(bob.id))
        );
        assert!(changed["room"].get("unread").is_none(), "nothing of the reader's own: {changed}");
        socket
            .wait_frame("conversation", |frame| mine(frame) && frame["room"]["dissolvedAtMs"].is_i64())
            .await;
    }
    let refused = system.api(1).send(&ann, &group, "1", "anybody?").await;
    assert_eq!(refused.refusal(), (403, "dissolved".to_owned()));
    let seen = listed(system, 0, &bob, &group).await;
    assert!(seen["dissolvedAtMs"].is_i64(), "it can still be read: {seen}");
    assert_eq!(system.api(0).history(&bob, &group).await.len(), 4);
    change(system, 0, &ann, Method::DELETE, &path, Value::Null).await;
}

/// The owner promotes and an admin removes the same member, again and again, on two nodes: whoever comes first decides.
async fn promotion_and_removal_at_once_have_one_order(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let group = team(system, &ann, &[&bob, &eve]).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let path = format!("/api/groups/{group}/members");
    change(system, 0, &ann, Method::PUT, &format!("{path}/{}/role", bob.id), json!({ "role": "admin" }))
        .await;
    let eves = format!("{path}/{}", eve.id);
    let mut expected = vec!["role_changed"];
    for _ in 0..5 {
        let (role, api) = (format!("{eves}/role"), [system.api(0), system.api(1)]);
        let (promoted, removed) = tokio::join!(
            api[0].call(Method::PUT, &role, &ann.token, Some(json!({ "role": "admin" }))),
            api[1].call(Method::DELETE, &eves, &bob.token, None),
        );
        let members = system.api(0).get(&path, &ann.token).await.ok();
        let members = members["members"].as_array().expect("members").clone();
        let left = members.iter().find(|member| member["user"]["id"] == eve.id);
        if promoted.status == 204 {
            assert_eq!(
                removed.refusal(),
                (403, "forbidden".to_owned()),
                "an admin is removed by the owner only"
            );
            assert_eq!(left.expect("she stays")["role"], "admin");
            expected.push("role_changed");
            change(system, 1, &ann, Method::DELETE, &eves, Value::Null).await;
        } else {
            assert_eq!((promoted.refusal().0, removed.status.as_u16()), (404, 204));
            assert!(left.is_none());
        }
        change(system, 0, &ann, Method::POST, &path, json!({ "userIds": [eve.id] })).await;
        expected.extend(["member_removed", "members_added"]);
    }
    assert_dense(&socket.wait_for(&group, expected.len()).await);
    assert_eq!(events(&told(&socket, &group)), expected);
}

async fn a_removed_member_gets_nothing_more(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let group = team(system, &ann, &[&bob]).await;
    let sockets = [
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let path = format!("/api/groups/{group}");
    change(system, 1, &ann, Method::DELETE, &format!("{path}/members/{}", bob.id), Value::Null).await;
    change(system, 0, &ann, Method::PATCH, &path, json!({ "name": "without bob" })).await;
    system.api(1).send(&ann, &group, "1", "among us").await.ok();
    // What is sent to him elsewhere afterwards is his fence.
    let room = system.api(0).room(&ann).await;
    system.api(1).send(&ann, &room, "fence", "fence").await.ok();
    for socket in &sockets {
        let left = |frame: &Value| frame["change"] == "left" && frame["room"]["id"] == *group;
        socket.wait_frame("conversation", left).await;
        socket.wait_for(&room, 1).await;
        assert!(socket.messages(&group).is_empty(), "{:?}", socket.messages(&group));
        let changed = |frame: &Value| frame["change"] == "changed" && frame["room"]["id"] == *group;
        assert!(!socket.frames("conversation").iter().any(changed));
    }
    let refused = system.api(0).get(&path, &bob.token).await;
    assert_eq!(refused.refusal(), (403, "not_member".to_owned()));
}

async fn the_muted_are_refused_at_every_door(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let group = team(system, &ann, &[&bob]).await;
    let path = format!("/api/groups/{group}");
    let mute = format!("{path}/members/{}/mute", bob.id);
    let until = 4_000_000_000_000_i64;
    change(system, 0, &ann, Method::PUT, &mute, json!({ "until": until })).await;
    let refused = system.api(1).send(&bob, &group, "1", "hello?").await;
    assert_eq!(refused.refusal(), (403, "muted".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.json()["message"].as_str().expect("a text").contains(&until.to_string()));
    let socket = Socket::v1(system.door(1), &bob.token).await.follow();
    socket.say(&group, "2", "hello?").await;
    let ack = socket.wait_frame("sendAck", |ack| ack["roomId"] == *group).await;
    let error = &ack["results"][0]["error"];
    assert_eq!(error["code"], "muted");
    assert!(error["retryAfterMs"].as_i64() > Some(0), "{ack}");
    assert_eq!(listed(system, 0, &bob, &group).await["silencedUntil"], json!(until));
    change(system, 1, &ann, Method::PUT, &mute, json!({ "until": 0 })).await;
    system.api(0).send(&bob, &group, "1", "hello!").await.ok();

    change(system, 1, &ann, Method::PATCH, &path, json!({ "muteAll": true })).await;
    let refused = system.api(0).send(&bob, &group, "3", "and now?").await;
    assert_eq!(refused.refusal(), (403, "muted".to_owned()));
    system.api(1).send(&ann, &group, "1", "order, order").await.ok();
    for (method, path) in [(Method::PUT, mute), (Method::PATCH, path.clone()), (Method::DELETE, path)] {
        let body = json!({ "until": 0, "muteAll": false });
        let refused = system.api(0).call(method, &path, &bob.token, Some(body)).await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    }
}

async fn a_link_lets_in_at_another_node(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let group = team(system, &ann, &[]).await;
    let links = format!("/api/groups/{group}/links");
    let made =
        system.api(0).post(&links, &ann.token, json!({ "usesMax": 1, "expiresInMs": 3_600_000 })).await.ok();
    let token = made["token"].as_str().expect("a token").to_owned();
    assert!(token.len() >= 22, "128 bits and more");
    let socket = Socket::v1(system.door(0), &bob.token).await.follow();
    let joined = system.api(1).post("/api/groups/join", &bob.token, json!({ "token": token })).await.ok();
    assert_eq!(joined["id"], json!(group));
    let entered = |frame: &Value| frame["change"] == "joined" && frame["room"]["id"] == *group;
    let event = socket.wait_frame("conversation", entered).await;
    assert_eq!((&event["room"]["role"], &event["room"]["members"]), (&json!("member"), &json!(2)));
    system.api(1).send(&ann, &group, "1", "welcome").await.ok();
    eventually("the welcome", async || {
        socket.messages(&group).iter().any(|(_, content)| content == "welcome").then_some(())
    })
    .await;
    let again = system.api(0).post("/api/groups/join", &bob.token, json!({ "token": token })).await.ok();
    assert_eq!(again["id"], json!(group), "a repeat");
    for bad in [&token, "x", &"A".repeat(43)] {
        let refused = system.api(1).post("/api/groups/join", &eve.token, json!({ "token": bad })).await;
        assert_eq!(refused.refusal(), (404, "not_found".to_owned()), "{bad}");
    }
    let listed = system.api(1).get(&links, &ann.token).await.ok();
    assert_eq!((&listed["links"][0]["uses"], listed["links"][0].get("token")), (&json!(1), None));
    assert_eq!(system.api(1).get(&links, &bob.token).await.refusal(), (403, "forbidden".to_owned()));
    let link = format!("{links}/{}", made["link"]["id"].as_str().expect("an id"));
    for _ in 0..2 {
        change(system, 1, &ann, Method::DELETE, &link, Value::Null).await;
    }
    assert_eq!(system.api(0).get(&links, &ann.token).await.ok()["links"], json!([]));
}

async fn a_repeated_request_does_nothing_again(system: &System) {
    let ann = system.account("ann").await;
    let bearer = format!("Bearer {}", ann.token);
    let post = async |node: usize, path: &str, key: &str, body: Value| {
        let headers = [
            ("content-type", "application/json"),
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
        ];
        system.api(node).raw(Method::POST, path, &headers, body.to_string()).await.expect("an answer")
    };
    let first = post(0, "/api/groups", "make-a-team", json!({ "name": "team" })).await.ok();
    let again = post(1, "/api/groups", "make-a-team", json!({ "name": "team" })).await.ok();
    assert_eq!(first["id"], again["id"]);
    let other = post(1, "/api/groups", "make-a-team", json!({ "name": "another" })).await;
    assert_eq!(other.refusal(), (409, "idempotency_conflict".to_owned()));
    let bad = post(1, "/api/groups", "a key", json!({ "name": "team" })).await;
    assert_eq!(bad.refusal(), (400, "invalid_field".to_owned()));
    let links = format!("/api/groups/{}/links", first["id"].as_str().expect("an id"));
    let first = post(1, &links, "make-a-link", json!({ "usesMax": 2 })).await.ok();
    let again = post(0, &links, "make-a-link", json!({ "usesMax": 2 })).await.ok();
    assert_eq!(first, again, "the token as well");
    let other = post(0, &links, "make-a-link", json!({ "usesMax": 3 })).await;
    assert_eq!(other.refusal(), (409, "idempotency_conflict".to_owned()));
}

async fn pinning_and_muting_reach_the_own_devices(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let group = team(system, &ann, &[&bob]).await;
    let sockets = [
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let cursor = Socket::v1(system.door(0), &bob.token).await.hello["cursor"].clone();
    let path = format!("/api/conversations/{group}/settings");
    let put = async |node: usize, by: &Account, body: Value| {
        system.api(node).call(Method::PUT, &path, &by.token, Some(body)).await
    };
    assert_eq!(
        put(0, &bob, json!({ "pinned": true })).await.ok(),
        json!({ "pinned": true, "mutedUntil": 0 })
    );
    let muted = put(1, &bob, json!({ "mutedUntil": 4_000_000_000_000_i64 })).await.ok();
    assert_eq!(muted, json!({ "pinned": true, "mutedUntil": 4_000_000_000_000_i64 }));
    put(1, &bob, json!({ "pinned": true })).await.ok();
    for socket in &sockets {
        let event = socket.wait_frame("event", |event| event["seq"] == 2).await;
        assert_eq!(event["kind"], "conversation_settings_changed");
        let data = json!({ "conversationId": group, "pinned": true, "mutedUntil": 4_000_000_000_000_i64 });
        assert_eq!(event["data"], data);
    }
    let hello = Socket::since(system.door(1), &bob.token, cursor.as_str().expect("a cursor")).await.hello;
    let seen = hello["rooms"].as_array().expect("rooms").iter().find(|room| room["id"] == *group);
    let seen = seen.expect("it changed");
    assert_eq!((&seen["pinned"], &seen["mutedUntil"]), (&json!(true), &json!(4_000_000_000_000_i64)));
    assert_eq!(hello["eventSeq"], json!(2), "a repeat changes nothing");
    let seen = listed(system, 1, &ann, &group).await;
    assert!(seen.get("pinned").is_none() && seen.get("mutedUntil").is_none(), "his own: {seen}");
    let eve = system.account("eve").await;
    assert_eq!(put(0, &eve, json!({ "pinned": true })).await.refusal(), (403, "not_member".to_owned()));
}
