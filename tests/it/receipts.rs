//! Who has read a message: by name in small groups, by number in larger ones, and not of those who do not tell.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Reply};
use crate::harness::socket::{Follower, Socket};
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes};

over_both_shapes!(
    readers_of_a_small_group_are_listed_and_live,
    readers_of_a_large_group_are_counted,
    who_hides_receipts_shows_none_and_is_shown_none,
    readers_are_for_members_alone,
);

async fn team(system: &System, owner: &Account, members: &[&Account]) -> String {
    let ids: Vec<_> = members.iter().map(|member| &member.id).collect();
    let group = json!({ "name": "team", "memberIds": ids });
    let group = system.api(0).post("/api/groups", &owner.token, group).await.ok();
    group["id"].as_str().expect("an id").to_owned()
}

async fn readers(system: &System, node: usize, by: &Account, room: &str, seq: i64, query: &str) -> Reply {
    system.api(node).get(&format!("/api/conversations/{room}/messages/{seq}/readers{query}"), &by.token).await
}

fn names(read: &Value) -> Vec<&str> {
    let readers = read["readers"].as_array().expect("a list");
    readers.iter().filter_map(|reader| reader["user"]["username"].as_str()).collect()
}

/// By either node, as a device that is not connected does.
async fn read_up_to(system: &System, node: usize, by: &Account, room: &str, seq: i64) {
    let path = format!("/api/conversations/{room}/cursor");
    system.api(node).call(Method::PUT, &path, &by.token, Some(json!({ "readSeq": seq }))).await.ok();
}

async fn set_privacy(system: &System, by: &Account, sends_receipts: bool) {
    let wish = json!({
        "findByName": "everyone", "findByEmail": "nobody", "findById": "everyone", "sendReceipts": sends_receipts,
    });
    let put = system.api(0).call(Method::PUT, "/api/me/privacy", &by.token, Some(wish)).await.ok();
    assert_eq!(put["sendReceipts"], sends_receipts);
}

async fn readers_of_a_small_group_are_listed_and_live(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let room = team(system, &ann, &[&bob, &eve]).await;
    for number in 1..=3 {
        system.api(0).send(&ann, &room, &number.to_string(), "read this").await.ok();
    }
    let nobody = readers(system, 1, &ann, &room, 1, "").await.ok();
    assert_eq!(nobody, json!({ "count": 0, "readers": [] }));
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    bobs.send("cursor", json!({ "roomId": room, "readSeq": 3 })).await;
    let told = anns.wait_frame("cursor", |frame| frame["userId"] == *bob.id).await;
    assert_eq!(told["readSeq"], 3);
    // Eve is offline, and reads by HTTP; Ann's own cursor makes her no reader.
    read_up_to(system, 1, &eve, &room, 2).await;
    read_up_to(system, 1, &ann, &room, 3).await;
    anns.wait_frame("cursor", |frame| frame["userId"] == *eve.id && frame["readSeq"] == 2).await;
    let second = readers(system, 1, &ann, &room, 2, "").await.ok();
    let reader = |who: &Account, seq: i64| json!({ "user": { "id": who.id, "username": who.username }, "readSeq": seq });
    assert_eq!(second, json!({ "count": 2, "readers": [reader(&bob, 3), reader(&eve, 2)] }));
    let third = readers(system, 0, &eve, &room, 3, "").await.ok();
    assert_eq!((&third["count"], names(&third)), (&json!(1), vec![bob.username.as_str()]));
    let page = readers(system, 0, &ann, &room, 2, "?limit=1").await.ok();
    assert_eq!((&page["count"], names(&page)), (&json!(2), vec![bob.username.as_str()]));
    let next = readers(system, 0, &ann, &room, 2, &format!("?limit=1&after={}", bob.id)).await.ok();
    assert_eq!(names(&next), [eve.username.as_str()]);
}

async fn readers_of_a_large_group_are_counted(system: &System) {
    let ann = system.account("ann").await;
    let mut members = Vec::new();
    for _ in 0..4 {
        members.push(system.account("member").await);
    }
    let room = team(system, &ann, &members.iter().collect::<Vec<_>>()).await;
    system.api(0).send(&ann, &room, "1", "read this").await.ok();
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    // At the same time, by both nodes.
    let reading = members.iter().enumerate().map(|(node, member)| read_up_to(system, node, member, &room, 1));
    futures_util::future::join_all(reading).await;
    eventually("all of them are counted", async || {
        let read = readers(system, 1, &ann, &room, 1, "").await.ok();
        assert!(read.get("readers").is_none(), "{read}");
        (read["count"] == 4).then_some(())
    })
    .await;
    assert!(anns.frames("cursor").len() <= 4, "{:?}", anns.frames("cursor"));
}

async fn who_hides_receipts_shows_none_and_is_shown_none(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).post("/api/direct", &ann.token, json!({ "userId": bob.id })).await.ok();
    let room = room["id"].as_str().expect("an id").to_owned();
    system.api(0).send(&ann, &room, "1", "a").await.ok();
    system.api(0).send(&bob, &room, "2", "b").await.ok();
    let bobs_phone = Socket::v1(system.door(0), &bob.token).await.follow();
    let bobs_laptop = Socket::v1(system.door(1), &bob.token).await.follow();
    let anns = Socket::v1(system.door(1), &ann.token).await.follow();
    set_privacy(system, &bob, false).await;
    for socket in [&bobs_phone, &bobs_laptop] {
        let told = socket.wait_frame("event", |event| event["kind"] == "privacy_changed").await;
        assert_eq!(told["data"]["sendReceipts"], false, "every device of his knows");
    }
    bobs_phone.send("cursor", json!({ "roomId": room, "deliveredSeq": 2, "readSeq": 1 })).await;
    bobs_laptop.wait_frame("cursor", |frame| frame["readSeq"] == 1).await;
    let told = anns.wait_frame("cursor", |frame| frame["userId"] == *bob.id).await;
    assert_eq!((&told["deliveredSeq"], &told["readSeq"]), (&json!(2), &json!(0)));
    bobs_phone.send("cursor", json!({ "roomId": room, "readSeq": 2 })).await;
    bobs_laptop.wait_frame("cursor", |frame| frame["readSeq"] == 2).await;
    read_up_to(system, 0, &ann, &room, 2).await;
    let told = bobs_laptop.wait_frame("cursor", |frame| frame["userId"] == *ann.id).await;
    assert_eq!((&told["deliveredSeq"], &told["readSeq"]), (&json!(2), &json!(0)));
    // What comes later in the conversation comes after what was not told.
    system.api(1).send(&bob, &room, "3", "c").await.ok();
    anns.wait_for(&room, 1).await;
    let of_bob = |socket: &Follower| {
        let frames = socket.frames("cursor");
        frames.into_iter().filter(|frame| frame["userId"] == *bob.id).collect::<Vec<_>>()
    };
    assert_eq!(of_bob(&anns).len(), 1, "not even when: {:?}", of_bob(&anns));
    for (reader, other) in [(&ann, &bob), (&bob, &ann)] {
        let cursors =
            system.api(1).get(&format!("/api/conversations/{room}/cursors"), &reader.token).await.ok();
        let cursors = cursors["cursors"].as_array().expect("a list").clone();
        let read = |of: &Account| {
            cursors.iter().find(|at| at["userId"] == *of.id).expect("listed")["readSeq"].clone()
        };
        assert_eq!((read(reader), read(other)), (json!(2), json!(0)));
        let list = system.api(0).get("/api/conversations", &reader.token).await.ok();
        let list = list["conversations"].as_array().expect("a list").clone();
        let seen = list.iter().find(|seen| seen["id"] == *room).expect("it is listed");
        assert_eq!(seen["peerReadSeq"], 0);
    }
    let read = readers(system, 0, &ann, &room, 1, "").await.ok();
    assert_eq!(read, json!({ "count": 0, "readers": [] }));
    assert_eq!(readers(system, 1, &bob, &room, 2, "").await.refusal(), (403, "forbidden".to_owned()));
    set_privacy(system, &bob, true).await;
    let read = readers(system, 1, &ann, &room, 1, "").await.ok();
    assert_eq!(names(&read), [bob.username.as_str()]);
}

async fn readers_are_for_members_alone(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let room = team(system, &ann, &[&bob]).await;
    system.api(0).send(&ann, &room, "1", "x").await.ok();
    for (by, place, seq, query, refusal) in [
        (&eve, room.as_str(), 1, "", (403, "not_member")),
        (&bob, room.as_str(), 9, "", (404, "not_found")),
        (&bob, room.as_str(), 1, "?limit=0", (400, "invalid_field")),
        (&bob, "999999", 1, "", (404, "not_found")),
        (&bob, "1", 1, "", (404, "not_found")),
    ] {
        let refused = readers(system, 1, by, place, seq, query).await.refusal();
        assert_eq!(refused, (refusal.0, refusal.1.to_owned()), "{place} {seq} {query}");
    }
}
