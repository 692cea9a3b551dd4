//! How far people have read: the same on every device, told to whom it concerns, and lists of what changed.

use http::Method;
use serde_json::{Value, json};

use crate::harness::over_both_shapes;
use crate::harness::packets::{PacketClient, auth_body};
use crate::harness::socket::Socket;
use crate::harness::system::System;

over_both_shapes!(
    unread_is_the_same_on_two_devices,
    a_direct_conversation_shows_how_far_the_other_has_read,
    a_small_group_is_told_and_an_open_room_is_not,
    a_reconnect_brings_what_changed,
    a_mark_that_was_answered_outlives_the_connection,
);

/// The room as a hello shows it.
fn shown<'a>(hello: &'a Value, room: &str) -> Option<&'a Value> {
    hello["rooms"].as_array().expect("rooms").iter().find(|shown| shown["id"] == room)
}

async fn unread_is_the_same_on_two_devices(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let phone = Socket::v1(system.door(0), &bob.token).await.follow();
    let laptop = Socket::v1(system.door(1), &bob.token).await.follow();
    for number in 1..=6 {
        system.api(number).send(&ann, &room, &number.to_string(), "hello").await.ok();
    }
    phone.say(&room, "own", "mine").await;
    laptop.wait_for(&room, 7).await;
    phone.send("cursor", json!({ "roomId": room, "readSeq": 4, "requestId": "r" })).await;
    let answer = phone.wait_frame("cursor", |frame| frame["requestId"] == "r").await;
    let expected = json!({
        "roomId": room, "userId": bob.id, "deliveredSeq": 4, "readSeq": 4, "head": 7, "unread": 2, "requestId": "r"
    });
    assert_eq!(answer, expected);
    let told = laptop.wait_frame("cursor", |frame| frame["roomId"] == *room).await;
    let mut expected = expected;
    expected.as_object_mut().expect("an object").remove("requestId");
    assert_eq!(told, expected, "the same, without the request id");

    // From the other device, and by HTTP: never backwards.
    laptop
        .send("cursor", json!({ "roomId": room, "readSeq": 2, "deliveredSeq": 7, "requestId": "back" }))
        .await;
    let answer = laptop.wait_frame("cursor", |frame| frame["requestId"] == "back").await;
    assert_eq!((&answer["readSeq"], &answer["deliveredSeq"]), (&json!(4), &json!(7)));
    let path = format!("/api/conversations/{room}/cursor");
    let put = system.api(1).call(Method::PUT, &path, &bob.token, Some(json!({ "readSeq": 6 }))).await.ok();
    assert_eq!((&put["readSeq"], &put["unread"]), (&json!(6), &json!(0)));
    for socket in [&phone, &laptop] {
        let told = socket.wait_frame("cursor", |frame| frame["readSeq"] == 6).await;
        assert_eq!((&told["unread"], &told["head"]), (&json!(0), &json!(7)));
    }
    assert_eq!(phone.frames("cursor").iter().filter(|frame| frame["requestId"] == "r").count(), 1);
    for index in 0..2 {
        let hello = Socket::v1(system.door(index), &bob.token).await.hello;
        let seen = shown(&hello, &room).expect("it is listed");
        assert_eq!(
            (&seen["unread"], &seen["readSeq"], &seen["deliveredSeq"]),
            (&json!(0), &json!(6), &json!(7))
        );
    }
    // The sender has six messages of her own there, and one of his.
    let list = system.api(1).get("/api/conversations", &ann.token).await.ok();
    let list = list["conversations"].as_array().expect("a list").clone();
    let seen = list.iter().find(|seen| seen["id"] == *room).expect("it is listed");
    assert_eq!((&seen["unread"], &seen["peerReadSeq"]), (&json!(1), &json!(6)));
}

async fn a_direct_conversation_shows_how_far_the_other_has_read(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let mut packets = PacketClient::tcp(system.packets(0)).await;
    packets.auth(auth_body(&ann.id, "", "", &[], &ann.token)).await;
    system.api(0).send(&ann, &room, "1", "read this").await.ok();
    bobs.wait_for(&room, 1).await;
    bobs.send("cursor", json!({ "roomId": room, "deliveredSeq": 1 })).await;
    let tick = anns.wait_frame("cursor", |frame| frame["deliveredSeq"] == 1).await;
    assert_eq!(tick, json!({ "roomId": room, "userId": bob.id, "deliveredSeq": 1, "readSeq": 0 }));
    bobs.send("cursor", json!({ "roomId": room, "readSeq": 1 })).await;
    let ticks = anns.wait_frame("cursor", |frame| frame["readSeq"] == 1).await;
    assert_eq!(ticks, json!({ "roomId": room, "userId": bob.id, "deliveredSeq": 1, "readSeq": 1 }));
    let packet = packets.next_json(21).await;
    assert_eq!((&packet["type"], &packet["payload"]["userId"]), (&json!("cursor"), &json!(bob.id)));
    let cursors = system.api(1).get(&format!("/api/conversations/{room}/cursors"), &ann.token).await.ok();
    let expected = json!([
        { "userId": ann.id, "deliveredSeq": 0, "readSeq": 0 }, { "userId": bob.id, "deliveredSeq": 1, "readSeq": 1 }
    ]);
    assert_eq!(cursors["cursors"], expected);
    let eve = system.account("eve").await;
    let eves = Socket::v1(system.door(0), &eve.token).await.follow();
    eves.send("cursor", json!({ "roomId": room, "readSeq": 1, "requestId": "x" })).await;
    let refused = eves.wait_frame("error", |error| error["requestId"] == "x").await;
    assert_eq!(refused["code"], "not_member");
}

async fn a_small_group_is_told_and_an_open_room_is_not(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let group = json!({ "name": "team", "memberIds": [bob.id] });
    let group = system.api(0).post("/api/groups", &ann.token, group).await.ok();
    let group = group["id"].as_str().expect("an id").to_owned();
    let room = system.api(0).room(&ann).await;
    for place in [&room, &group] {
        system.api(1).send(&ann, place, &format!("to-{place}"), "x").await.ok();
        bobs.wait_for(place, 1).await;
        let cursor = json!({ "roomId": place, "readSeq": 1, "requestId": place });
        bobs.send("cursor", cursor).await;
        bobs.wait_frame("cursor", |frame| frame["requestId"] == **place).await;
    }
    anns.wait_frame("cursor", |frame| frame["roomId"] == *group && frame["userId"] == *bob.id).await;
    // One partition per conversation, so wait for what comes after in the room itself.
    system.api(1).send(&bob, &room, "fence", "fence").await.ok();
    anns.wait_for(&room, 2).await;
    assert!(
        anns.frames("cursor").iter().all(|frame| frame["roomId"] != *room),
        "nobody else is told of a room"
    );
    // Somebody added later begins where they joined.
    let eve = system.account("eve").await;
    let eves = Socket::v1(system.door(1), &eve.token).await.follow();
    let path = format!("/api/groups/{group}/members");
    system.api(0).post(&path, &ann.token, json!({ "userIds": [eve.id] })).await.ok();
    let joined = eves.wait_frame("conversation", |event| event["room"]["id"] == *group).await;
    let seen = &joined["room"];
    assert_eq!((&seen["readSeq"], &seen["head"], &seen["unread"]), (&json!(1), &json!(1), &json!(0)));
    let hello = Socket::v1(system.door(0), &eve.token).await.hello;
    let seen = shown(&hello, &group).expect("it is listed");
    assert_eq!((&seen["readSeq"], &seen["unread"]), (&json!(1), &json!(1)), "the word that she was added");
}

async fn a_reconnect_brings_what_changed(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let socket = Socket::v1(system.door(0), &bob.token).await;
    let cursor = socket.hello["cursor"].as_str().expect("a cursor").to_owned();
    assert!(socket.hello.get("partial").is_none() && cursor.len() <= 64);
    drop(socket);
    system.api(0).send(&ann, &room, "1", "missed").await.ok();
    let socket = Socket::since(system.door(1), &bob.token, &cursor).await;
    assert_eq!(socket.hello["partial"], true);
    assert!(socket.hello.get("me").is_none() && socket.hello["session"].get("limits").is_none());
    let seen = shown(&socket.hello, &room).expect("it changed");
    assert_eq!((&seen["head"], &seen["unread"]), (&json!(1), &json!(1)));
    assert_eq!(seen["messages"][0]["content"], "missed");
    let cursor = socket.hello["cursor"].as_str().expect("a cursor").to_owned();
    // It is in its rooms all the same.
    let socket = socket.follow();
    system.api(1).send(&ann, &room, "2", "live").await.ok();
    assert_eq!(socket.wait_for(&room, 1).await, [(2, "live".to_owned())]);
    let path = format!("/api/conversations/{room}/cursor");
    system.api(1).call(Method::PUT, &path, &ann.token, Some(json!({ "readSeq": 2 }))).await.ok();
    let group = json!({ "name": "team", "memberIds": [bob.id] });
    let group = system.api(0).post("/api/groups", &ann.token, group).await.ok();
    let group = group["id"].as_str().expect("an id").to_owned();
    let hello = Socket::since(system.door(0), &bob.token, &cursor).await.hello;
    assert_eq!(shown(&hello, &room).expect("it changed")["peerReadSeq"], 2);
    assert!(shown(&hello, &group).is_some());
    assert!(hello["ids"].as_array().expect("the set changed").contains(&json!(group)));
    let cursor = hello["cursor"].as_str().expect("a cursor").to_owned();
    let leave = format!("/api/groups/{group}/members/{}", bob.id);
    assert_eq!(system.api(1).call(Method::DELETE, &leave, &bob.token, None).await.status, 204);
    let hello = Socket::since(system.door(1), &bob.token, &cursor).await.hello;
    assert!(!hello["ids"].as_array().expect("the set changed").contains(&json!(group)));
    for unknown in ["AAAA", &"A".repeat(64), "%"] {
        let hello = Socket::since(system.door(0), &bob.token, unknown).await.hello;
        assert!(hello.get("partial").is_none() && hello.get("me").is_some(), "{unknown}");
    }
}

async fn a_mark_that_was_answered_outlives_the_connection(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    for number in 1..=20 {
        system.api(0).send(&ann, &room, &number.to_string(), "x").await.ok();
    }
    let socket = Socket::v1(system.door(0), &bob.token).await.follow();
    for seq in 1..=20 {
        socket.send("cursor", json!({ "roomId": room, "readSeq": seq, "requestId": seq.to_string() })).await;
    }
    for seq in 1..=20 {
        let id = seq.to_string();
        let answer =
            socket.wait_frame("cursor", |frame| frame["requestId"].as_str() == Some(id.as_str())).await;
        assert!(answer["readSeq"].as_i64() >= Some(seq), "{answer}");
    }
    socket.cut();
    let hello = Socket::v1(system.door(1), &bob.token).await.hello;
    assert_eq!(shown(&hello, &room).expect("it is listed")["readSeq"], 20);
}

/// In a system of its own: nobody else changes anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_with_nothing_new_is_short() {
    let system = System::standalone(&[]);
    let bob = system.account("bob").await;
    let mut cursor = Socket::v1(system.door(0), &bob.token).await.hello["cursor"].clone();
    for _ in 0..2 {
        let hello = Socket::since(system.door(0), &bob.token, cursor.as_str().expect("a cursor")).await.hello;
        assert_eq!((&hello["partial"], &hello["rooms"]), (&json!(true), &json!([])));
        let frame = json!({ "type": "hello", "payload": hello }).to_string();
        assert!(frame.len() < 200, "{} bytes: {frame}", frame.len());
        cursor = hello["cursor"].clone();
    }
}
