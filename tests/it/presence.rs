//! Who is online and who types, told to those who watch.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::Account;
use crate::harness::socket::{Follower, Socket};
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes};

over_both_shapes!(
    typing_reaches_those_who_watch_and_nobody_else,
    presence_follows_a_user_over_both_comets,
    a_reconnect_within_the_grace_is_not_shown,
    a_second_device_tells_once_more,
    presence_can_be_asked_for,
    devices_are_shown_by_kind_and_left_alone,
    who_is_invisible_is_offline_everywhere,
    who_is_blocked_is_shown_nothing,
);

/// Watches and returns what is answered.
async fn watch(socket: &Follower, rooms: &[&str], users: &[&Account]) -> Value {
    let request_id = crate::harness::unique("w-");
    let user_ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    let payload = json!({ "roomIds": rooms, "userIds": user_ids, "requestId": request_id });
    socket.send("watch", payload).await;
    socket.wait_frame("presence", |frame| frame["requestId"] == *request_id).await["users"].clone()
}

/// What a socket was told of a user beside answers, in order.
fn told(socket: &Follower, user: &Account) -> Vec<bool> {
    let frames = socket.frames("presence");
    let events = frames.iter().filter(|frame| frame["requestId"].is_null());
    let entries = events.flat_map(|frame| frame["users"].as_array().cloned().unwrap_or_default());
    entries.filter(|entry| entry["id"] == *user.id).map(|entry| entry["online"] == true).collect()
}

async fn wait_told(socket: &Follower, user: &Account, online: bool) {
    eventually(&format!("{} is told online: {online}", user.username), async || {
        (told(socket, user).last() == Some(&online)).then_some(())
    })
    .await;
}

async fn typing_reaches_those_who_watch_and_nobody_else(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (carol, dave) = (system.account("carol").await, system.account("dave").await);
    let room = system.api(0).room(&ann).await;
    let direct = system.api(0).post("/api/direct", &ann.token, json!({ "userId": bob.id })).await.ok();
    let direct = direct["id"].as_str().expect("an id").to_owned();
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let ann_elsewhere = Socket::v1(system.door(1), &ann.token).await.follow();
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let carol_socket = Socket::v1(system.door(0), &carol.token).await.follow();
    let dave_socket = Socket::v1(system.door(1), &dave.token).await.follow();
    assert_eq!(watch(&bob_socket, &[&room, &direct], &[]).await, json!([]));
    watch(&ann_socket, &[&room], &[]).await;
    watch(&ann_elsewhere, &[&room], &[]).await;
    // The direct conversation is none of carol's.
    watch(&carol_socket, &[&room, &direct], &[]).await;

    ann_socket.send("typing", json!({ "roomId": room, "active": true })).await;
    let expected =
        json!({ "roomId": room, "user": { "id": ann.id, "username": ann.username }, "active": true });
    for socket in [&bob_socket, &carol_socket] {
        assert_eq!(socket.wait_frame("typing", |frame| frame["roomId"] == *room).await, expected);
    }
    ann_socket.send("typing", json!({ "roomId": direct, "active": true })).await;
    bob_socket.wait_frame("typing", |frame| frame["roomId"] == *direct).await;
    // Bob types too: whoever is to be told is told after what they must not be told.
    watch(&dave_socket, &[], &[]).await;
    watch(&carol_socket, &[], &[]).await;
    bob_socket.send("typing", json!({ "roomId": room, "active": true })).await;
    for socket in [&ann_socket, &ann_elsewhere] {
        socket.wait_frame("typing", |frame| frame["user"]["id"] == *bob.id).await;
        assert_eq!(socket.frames("typing").len(), 1, "not what ann types herself");
    }
    system.api(0).send(&ann, &room, "1", "done").await.ok();
    for socket in [&carol_socket, &dave_socket] {
        socket.wait_for(&room, 1).await;
    }
    assert_eq!(carol_socket.frames("typing"), [expected], "once, and not of others' conversations");
    assert_eq!(dave_socket.frames("typing"), Vec::<Value>::new());
}

async fn presence_follows_a_user_over_both_comets(system: &System) {
    let (ann, bob, carol) =
        (system.account("ann").await, system.account("bob").await, system.account("carol").await);
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let before = watch(&ann_socket, &[], &[&bob, &carol]).await;
    assert_eq!(before[0]["online"], false, "{before}");
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    wait_told(&ann_socket, &bob, true).await;
    let carol_socket = Socket::v1(system.door(0), &carol.token).await.follow();
    wait_told(&ann_socket, &carol, true).await;
    let again = watch(&ann_socket, &[], &[&bob, &carol]).await;
    assert_eq!((&again[0]["online"], &again[1]["online"]), (&json!(true), &json!(true)));
    bob_socket.cut();
    wait_told(&ann_socket, &bob, false).await;
    let bob_socket = Socket::v1(system.door(0), &bob.token).await.follow();
    wait_told(&ann_socket, &bob, true).await;

    // From now on only carol is watched.
    let count = told(&ann_socket, &bob).len();
    watch(&ann_socket, &[], &[&carol]).await;
    bob_socket.cut();
    carol_socket.cut();
    wait_told(&ann_socket, &carol, false).await;
    assert_eq!(told(&ann_socket, &bob).len(), count, "{:?}", ann_socket.frames("presence"));
}

async fn a_reconnect_within_the_grace_is_not_shown(system: &System) {
    let (ann, bob, carol) =
        (system.account("ann").await, system.account("bob").await, system.account("carol").await);
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let carol_socket = Socket::v1(system.door(1), &carol.token).await.follow();
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let before = watch(&ann_socket, &[], &[&bob, &carol]).await;
    assert_eq!((&before[0]["online"], &before[1]["online"]), (&json!(true), &json!(true)));
    bob_socket.cut();
    let bob_socket = Socket::v1(system.door(0), &bob.token).await.follow();
    // Carol goes after bob went, so that bob's going would have been told first.
    carol_socket.cut();
    wait_told(&ann_socket, &carol, false).await;
    assert!(!told(&ann_socket, &bob).contains(&false), "{:?}", ann_socket.frames("presence"));
    bob_socket.cut();
    wait_told(&ann_socket, &bob, false).await;
}

/// Known and documented: who watches is told what they know.
async fn a_second_device_tells_once_more(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let bobs = Socket::v1(system.door(0), &bob.token).await.follow();
    watch(&bobs, &[], &[&ann]).await;
    let _phone = Socket::v1(system.door(0), &ann.token).await.follow();
    wait_told(&bobs, &ann, true).await;
    let _laptop = Socket::v1(system.door(1), &ann.token).await.follow();
    eventually("it is told again", async || (told(&bobs, &ann) == [true, true]).then_some(())).await;
}

async fn presence_can_be_asked_for(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let path = format!("/api/presence?users={},{}", bob.id, ann.id);
    let asked = async || system.api(1).get(&path, &ann.token).await.ok()["users"].clone();
    let never = asked().await;
    assert_eq!(never[0], json!({ "id": bob.id, "online": false, "lastSeenMs": never[0]["lastSeenMs"] }));
    let bob_socket = Socket::v1(system.door(0), &bob.token).await.follow();
    assert_eq!((&asked().await[0]["online"], &asked().await[1]["id"]), (&json!(true), &json!(ann.id)));
    bob_socket.cut();
    eventually("bob is gone, and was seen", async || {
        let users = asked().await;
        let is_gone = users[0]["online"] == false && users[0]["lastSeenMs"].as_i64() > Some(0);
        is_gone.then_some(())
    })
    .await;
    for bad in ["", "x", "0", "3;9"] {
        let refused = system.api(0).get(&format!("/api/presence?users={bad}"), &ann.token).await;
        assert_eq!(refused.refusal(), (400, "invalid_field".to_owned()), "{bad}");
    }
}

/// The presence of one, as another asks for it.
async fn seen(system: &System, node: usize, by: &Account, of: &Account) -> Value {
    let asked = system.api(node).post("/api/presence", &by.token, json!({ "users": [of.id] })).await.ok();
    asked["users"][0].clone()
}

async fn devices_are_shown_by_kind_and_left_alone(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    watch(&anns, &[], &[&bob]).await;
    let phone = Socket::on(system.door(1), &bob.token, "phone").await.follow();
    wait_told(&anns, &bob, true).await;
    assert_eq!(seen(system, 1, &ann, &bob).await["devices"], json!([{ "kind": "phone" }]));
    let laptop = Socket::on(system.door(0), &bob.token, "desktop").await.follow();
    let both = json!([{ "kind": "desktop" }, { "kind": "phone" }]);
    anns.wait_frame("presence", |frame| frame["users"][0]["devices"] == both).await;
    let away = async |socket: &Follower, away: bool| socket.send("away", json!({ "away": away })).await;
    away(&phone, true).await;
    let one = json!([{ "kind": "desktop" }, { "kind": "phone", "away": true }]);
    let told = anns.wait_frame("presence", |frame| frame["users"][0]["devices"] == one).await;
    assert!(told["users"][0].get("away").is_none(), "not all of them: {told}");
    away(&laptop, true).await;
    let told = anns.wait_frame("presence", |frame| frame["users"][0]["away"] == true).await;
    assert_eq!(told["users"][0]["online"], true);
    let asked = seen(system, 0, &ann, &bob).await;
    assert_eq!((&asked["away"], &asked["online"]), (&json!(true), &json!(true)));
    away(&phone, false).await;
    let back = json!([{ "kind": "desktop", "away": true }, { "kind": "phone" }]);
    let told = anns.wait_frame("presence", |frame| frame["users"][0]["devices"] == back).await;
    assert!(told["users"][0].get("away").is_none(), "{told}");
    // A device that ends is gone, away or not.
    laptop.cut();
    eventually("only the phone is left", async || {
        (seen(system, 1, &ann, &bob).await["devices"] == json!([{ "kind": "phone" }])).then_some(())
    })
    .await;
    phone.cut();
    wait_told(&anns, &bob, false).await;
}

async fn set_invisible(system: &System, by: &Account, invisible: bool) {
    let wish = json!({
        "findByName": "everyone", "findByEmail": "nobody", "findById": "everyone", "invisible": invisible,
    });
    let put = system.api(1).call(Method::PUT, "/api/me/privacy", &by.token, Some(wish)).await.ok();
    assert_eq!(put["invisible"], invisible);
}

async fn who_is_invisible_is_offline_everywhere(system: &System) {
    let (ann, bob, carol) =
        (system.account("ann").await, system.account("bob").await, system.account("carol").await);
    let room = system.api(0).room(&ann).await;
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    watch(&anns, &[&room], &[&bob, &carol]).await;
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    wait_told(&anns, &bob, true).await;
    set_invisible(system, &bob, true).await;
    wait_told(&anns, &bob, false).await;
    let hidden = seen(system, 0, &ann, &bob).await;
    assert_eq!((&hidden["online"], hidden.get("devices")), (&json!(false), None));
    assert_eq!(seen(system, 0, &bob, &bob).await["online"], true, "he himself knows");
    // He types, connects and goes, on either comet: nobody is told.
    let count = told(&anns, &bob).len();
    bobs.send("typing", json!({ "roomId": room, "active": true })).await;
    let elsewhere = Socket::v1(system.door(0), &bob.token).await.follow();
    elsewhere.send("away", json!({ "away": true })).await;
    elsewhere.cut();
    bobs.cut();
    let carols = Socket::v1(system.door(1), &carol.token).await.follow();
    wait_told(&anns, &carol, true).await;
    carols.send("typing", json!({ "roomId": room, "active": true })).await;
    anns.wait_frame("typing", |frame| frame["user"]["id"] == *carol.id).await;
    carols.cut();
    // Later than his going would have been.
    wait_told(&anns, &carol, false).await;
    assert_eq!(told(&anns, &bob).len(), count, "{:?}", anns.frames("presence"));
    assert!(anns.frames("typing").iter().all(|frame| frame["user"]["id"] != *bob.id));
    let after = seen(system, 1, &ann, &bob).await;
    assert_eq!(after["lastSeenMs"], hidden["lastSeenMs"], "what he does is not seen");
    let watched = watch(&anns, &[], &[&bob]).await;
    let _bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    assert_eq!(watched[0]["online"], false);
    set_invisible(system, &bob, false).await;
    wait_told(&anns, &bob, true).await;
}

async fn who_is_blocked_is_shown_nothing(system: &System) {
    let (ann, bob, carol) =
        (system.account("ann").await, system.account("bob").await, system.account("carol").await);
    let room = system.api(0).room(&ann).await;
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let carols = Socket::v1(system.door(0), &carol.token).await.follow();
    for socket in [&bobs, &carols] {
        watch(socket, &[&room], &[&ann]).await;
    }
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    watch(&anns, &[&room], &[&bob]).await;
    for socket in [&bobs, &carols] {
        wait_told(socket, &ann, true).await;
    }
    let block = format!("/api/contacts/{}/block", bob.id);
    system.api(1).call(Method::PUT, &block, &ann.token, None).await.ok();
    wait_told(&bobs, &ann, false).await;
    let asked = seen(system, 0, &bob, &ann).await;
    assert_eq!((&asked["online"], &asked["lastSeenMs"]), (&json!(false), &json!(0)));
    assert_eq!(seen(system, 0, &carol, &ann).await["online"], true);
    assert_eq!(seen(system, 0, &ann, &bob).await["online"], true, "she sees whom she blocks");
    assert_eq!(watch(&bobs, &[&room], &[&ann]).await[0]["online"], false);
    // Typing goes neither way between the two, and to all others.
    bobs.send("typing", json!({ "roomId": room, "active": true })).await;
    carols.wait_frame("typing", |frame| frame["user"]["id"] == *bob.id).await;
    anns.send("typing", json!({ "roomId": room, "active": true })).await;
    carols.wait_frame("typing", |frame| frame["user"]["id"] == *ann.id).await;
    let before = told(&bobs, &ann).len();
    let again = Socket::on(system.door(1), &ann.token, "phone").await.follow();
    let both = json!([{ "kind": "phone" }, { "kind": "web" }]);
    carols.wait_frame("presence", |frame| frame["users"][0]["devices"] == both).await;
    carols.send("typing", json!({ "roomId": room, "active": true })).await;
    for socket in [&anns, &bobs] {
        socket.wait_frame("typing", |frame| frame["user"]["id"] == *carol.id).await;
        assert_eq!(socket.frames("typing").len(), 1, "not of the other: {:?}", socket.frames("typing"));
    }
    assert_eq!(told(&bobs, &ann).len(), before);
    drop(again);
    system.api(0).call(Method::DELETE, &block, &ann.token, None).await.ok();
    assert_eq!(watch(&bobs, &[&room], &[&ann]).await[0]["online"], true);
}
