//! Who is in a conversation, and who gets what when that changes.

use http::Method;
use serde_json::json;

use crate::harness::over_both_shapes;
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    a_new_room_reaches_everyone_online,
    a_direct_conversation_is_one_for_both,
    group_members_come_and_go_while_online,
    strangers_neither_read_nor_write,
);

async fn a_new_room_reaches_everyone_online(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let name = unique("房间 ");
    ann_socket.send("clientCreateRoom", json!({ "roomName": name })).await;
    let told = bob_socket.wait_frame("conversation", |event| event["room"]["name"] == *name).await;
    assert_eq!((&told["change"], &told["actor"]["id"]), (&json!("created"), &json!(ann.id)));
    let room = told["room"]["id"].as_str().expect("an id").to_owned();
    ann_socket.wait_frame("serverCreateRoom", |frame| frame["roomId"] == *room).await;

    bob_socket.say(&room, "1", "first!").await;
    assert_eq!(ann_socket.wait_for(&room, 1).await, [(1, "first!".to_owned())]);
    assert_eq!(bob_socket.wait_for(&room, 1).await, [(1, "first!".to_owned())]);

    // The name is taken now: the asker alone is told.
    let taken = system.api(1).post("/api/rooms", &bob.token, json!({ "name": name })).await;
    assert_eq!(taken.refusal(), (409, "room_name_taken".to_owned()));
    bob_socket.send("clientCreateRoom", json!({ "roomName": name })).await;
    bob_socket.wait_frame("serverCreateRoom", |frame| frame["roomId"] == "").await;
    assert_eq!(ann_socket.frames("serverCreateRoom").len(), 1, "the asker alone is told");
}

async fn a_direct_conversation_is_one_for_both(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let by_ann = system.api(0).post("/api/direct", &ann.token, json!({ "userId": bob.id })).await.ok();
    let by_bob = system.api(1).post("/api/direct", &bob.token, json!({ "userId": ann.id })).await.ok();
    assert_eq!(by_ann["id"], by_bob["id"]);
    let direct = by_ann["id"].as_str().expect("an id");
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    system.api(0).send(&ann, direct, "1", "hello bob").await.ok();
    bob_socket.say(direct, "2", "hello ann").await;
    for socket in [&ann_socket, &bob_socket] {
        let expected = [(1, "hello bob".to_owned()), (2, "hello ann".to_owned())];
        assert_eq!(socket.wait_for(direct, 2).await, expected);
    }
    let listed = system.api(0).get("/api/conversations", &ann.token).await.ok();
    let listed = listed["conversations"].as_array().expect("a list");
    let found = listed.iter().find(|conversation| conversation["id"] == direct).expect("it is listed");
    assert_eq!((&found["kind"], &found["name"]), (&json!("direct"), &json!(bob.username)));
}

async fn group_members_come_and_go_while_online(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let eve_socket = Socket::v1(system.door(1), &eve.token).await.follow();
    let created = json!({ "name": "team", "memberIds": [bob.id] });
    let group = system.api(0).post("/api/groups", &ann.token, created).await.ok();
    let group = group["id"].as_str().expect("an id").to_owned();
    system.api(1).send(&ann, &group, "1", "welcome").await.ok();
    ann_socket.wait_for(&group, 1).await;
    bob_socket.wait_for(&group, 1).await;

    // Eve is added: what is sent right after reaches her.
    let members = format!("/api/groups/{group}/members");
    system.api(1).post(&members, &ann.token, json!({ "userIds": [eve.id] })).await.ok();
    system.api(0).send(&bob, &group, "2", "hello eve").await.ok();
    let seen = eve_socket.wait_for(&group, 1).await;
    assert!(seen.iter().all(|(seq, _)| *seq >= 2), "not what was said before: {seen:?}");
    crate::harness::eventually("eve sees the greeting", async || {
        eve_socket.messages(&group).iter().any(|(_, content)| content == "hello eve").then_some(())
    })
    .await;

    // Bob is removed: he is told, and gets nothing more.
    let removed =
        system.api(0).call(Method::DELETE, &format!("{members}/{}", bob.id), &ann.token, None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    bob_socket
        .wait_frame("conversation", |event| event["change"] == "left" && event["room"]["id"] == *group)
        .await;
    system.api(1).send(&ann, &group, "3", "among us").await.ok();
    crate::harness::eventually("eve sees it", async || {
        eve_socket.messages(&group).iter().any(|(_, content)| content == "among us").then_some(())
    })
    .await;
    let refused = system.api(1).send(&bob, &group, "4", "let me in").await;
    assert_eq!(refused.refusal(), (403, "not_member".to_owned()));
    // A message to bob in another conversation is his fence: everything earlier has arrived.
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "fence", "fence").await.ok();
    bob_socket.wait_for(&room, 1).await;
    assert!(bob_socket.messages(&group).iter().all(|(_, content)| content != "among us"));
}

async fn strangers_neither_read_nor_write(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let direct = system.api(0).post("/api/direct", &ann.token, json!({ "userId": bob.id })).await.ok();
    let direct = direct["id"].as_str().expect("an id").to_owned();
    system.api(0).send(&ann, &direct, "1", "secret").await.ok();

    let send = system.api(1).send(&eve, &direct, "e", "hi").await;
    assert_eq!(send.refusal(), (403, "not_member".to_owned()));
    let read = system.api(1).get(&format!("/api/conversations/{direct}/messages"), &eve.token).await;
    assert_eq!(read.refusal(), (403, "not_member".to_owned()));
    let socket = Socket::v1(system.door(1), &eve.token).await.follow();
    socket.say(&direct, "e2", "hi").await;
    let ack = socket.wait_frame("sendAck", |ack| ack["roomId"] == *direct).await;
    assert_eq!(ack["results"][0]["error"]["code"], "not_member");
    socket.send("requestRoomHistory", json!({ "roomId": direct, "count": 10, "requestId": "h" })).await;
    let refused = socket.wait_frame("error", |error| error["requestId"] == "h").await;
    assert_eq!(refused["code"], "not_member");
    assert_eq!(system.api(0).history(&ann, &direct).await, [(1, "secret".to_owned())]);
    assert!(socket.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_room_beyond_the_bound_is_entered_only_by_who_is_connected_when_it_is_made() {
    let system = System::standalone(&[("OORT_LOGIC__LIMITS__OPEN_ROOMS_MAX", "1")]);
    let ann = system.account("ann").await;
    let connected = Socket::v1(system.door(0), &ann.token).await.follow();
    let beyond = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &beyond, "m1", "here").await.ok();
    connected.wait_shown(&beyond, 1).await;
    let anew = Socket::v1(system.door(0), &ann.token).await;
    let rooms = anew.hello["rooms"].as_array().expect("rooms");
    let ids: Vec<_> = rooms.iter().filter_map(|room| room["id"].as_str()).collect();
    assert!(ids.len() == 1 && ids[0] != beyond, "one of the rooms that the server makes: {ids:?}");
}
