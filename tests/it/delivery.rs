//! A message reaches every member's socket: once, in order, dense from 1.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::over_both_shapes;
use crate::harness::socket::{Socket, assert_dense};
use crate::harness::system::System;

over_both_shapes!(
    sends_of_both_kinds_reach_members_on_both_comets,
    concurrent_sends_are_dense_and_everyone_sees_them_in_order,
    a_repeat_is_stored_once_on_any_node,
    several_messages_of_one_frame_stay_together,
    frames_written_without_waiting_are_stored_and_answered_in_order,
);

async fn sends_of_both_kinds_reach_members_on_both_comets(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();

    let sent = system.api(1).send(&bob, &room, "b-1", "by HTTP").await.ok();
    assert_eq!((sent["seq"].as_i64(), sent["duplicate"].as_bool()), (Some(1), Some(false)));
    ann_socket.say(&room, "a-1", "by WebSocket").await;
    let ack = ann_socket.wait_frame("sendAck", |ack| ack["roomId"] == *room).await;
    assert_eq!(ack["results"][0]["clientMsgId"], "a-1");
    assert_eq!(ack["results"][0]["seq"], 2);

    let expected = vec![(1, "by HTTP".to_owned()), (2, "by WebSocket".to_owned())];
    assert_eq!(ann_socket.wait_for(&room, 2).await, expected, "the sender sees his own");
    assert_eq!(bob_socket.wait_for(&room, 2).await, expected);
    let history = system.api(0).history(&bob, &room).await;
    assert_eq!(history, expected);

    // A third message, so that a repeat of the first two would have been seen by now.
    system.api(0).send(&ann, &room, "a-2", "last").await.ok();
    assert_dense(&ann_socket.wait_for(&room, 3).await);
    assert_dense(&bob_socket.wait_for(&room, 3).await);
}

const SENDERS: usize = 50;
const CONVERSATIONS: usize = 20;
const SENDS: usize = 1000;

async fn concurrent_sends_are_dense_and_everyone_sees_them_in_order(system: &System) {
    let mut accounts = Vec::new();
    for index in 0..SENDERS {
        accounts.push(system.account(&format!("s{index}-")).await);
    }
    let mut rooms = Vec::new();
    for (index, owner) in accounts.iter().enumerate().take(CONVERSATIONS) {
        rooms.push(system.api(index).room(owner).await);
    }
    let mut sockets = Vec::new();
    for (index, account) in accounts.iter().enumerate() {
        sockets.push(Socket::v1(system.door(index), &account.token).await.follow());
    }

    let (accounts, rooms) = (Arc::new(accounts), Arc::new(rooms));
    let mut senders = JoinSet::new();
    for (sender, account) in accounts.iter().cloned().enumerate() {
        let (rooms, api) = (Arc::clone(&rooms), system.api(sender));
        senders.spawn(async move {
            let mut sent = Vec::new();
            for number in 0..SENDS / SENDERS {
                let room = (sender + number) % CONVERSATIONS;
                let content = format!("{sender}/{number}");
                let reply = api.send(&account, &rooms[room], &content, &content).await.ok();
                sent.push((room, reply["seq"].as_i64().expect("seq"), content));
            }
            sent
        });
    }
    let mut expected = vec![Vec::new(); CONVERSATIONS];
    while let Some(sent) = senders.join_next().await {
        for (room, seq, content) in sent.expect("a sender that did not fail") {
            expected[room].push((seq, content));
        }
    }

    for (room, mut expected) in rooms.iter().zip(expected) {
        expected.sort();
        assert_dense(&expected);
        assert_eq!(
            system.api(0).history(&accounts[0], room).await,
            expected,
            "history has exactly what was acknowledged"
        );
        for socket in &sockets {
            assert_eq!(
                socket.wait_for(room, expected.len()).await,
                expected,
                "each member saw all, in order, once"
            );
        }
    }
}

async fn a_repeat_is_stored_once_on_any_node(system: &System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    let first = system.api(0).send(&ann, &room, "same", "text").await.ok();
    let again = system.api(1).send(&ann, &room, "same", "text").await.ok();
    assert_eq!(first["seq"], again["seq"]);
    assert_eq!(first["createdAtMs"], again["createdAtMs"]);
    assert_eq!(again["duplicate"], true);
    let other = system.api(1).send(&ann, &room, "same", "another text").await;
    assert_eq!(other.refusal(), (409, "idempotency_conflict".to_owned()));

    // The same by WebSocket, and many at once over both nodes.
    let socket = Socket::v1(system.door(0), &ann.token).await.follow();
    socket.say(&room, "same", "text").await;
    let ack = socket.wait_frame("sendAck", |ack| ack["roomId"] == *room).await;
    assert_eq!((&ack["results"][0]["seq"], &ack["results"][0]["duplicate"]), (&json!(1), &json!(true)));
    let mut tries = JoinSet::new();
    for index in 0..20 {
        let (api, ann, room) = (system.api(index), ann.clone(), room.clone());
        tries.spawn(async move { api.send(&ann, &room, "race", "raced").await.ok()["seq"].clone() });
    }
    while let Some(seq) = tries.join_next().await {
        assert_eq!(seq.expect("a try that did not fail"), 2);
    }
    let expected = vec![(1, "text".to_owned()), (2, "raced".to_owned())];
    assert_eq!(system.api(0).history(&ann, &room).await, expected);
}

const FRAMES: usize = 200;

async fn frames_written_without_waiting_are_stored_and_answered_in_order(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let mut rooms = Vec::new();
    for _ in 0..3 {
        rooms.push(system.api(0).room(&ann).await);
    }
    let ann_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let bob_socket = Socket::v1(system.door(1), &bob.token).await.follow();
    let mut expected = vec![Vec::new(); rooms.len()];
    for frame in 0..FRAMES {
        let room = frame % rooms.len();
        let contents: Vec<String> = (0..=frame % 5).map(|number| format!("{frame}/{number}")).collect();
        let messages: Vec<_> =
            contents.iter().map(|content| json!({ "clientMsgId": content, "content": content })).collect();
        let request_id = frame.to_string();
        ann_socket
            .send(
                "clientMessages",
                json!({ "roomId": rooms[room], "messages": messages, "requestId": request_id }),
            )
            .await;
        for content in contents {
            let seq = i64::try_from(expected[room].len() + 1).expect("small");
            expected[room].push((seq, content));
        }
    }

    let acks = crate::harness::eventually("every frame is answered", async || {
        let acks = ann_socket.frames("sendAck");
        (acks.len() == FRAMES).then_some(acks)
    })
    .await;
    let mut acked = vec![Vec::new(); rooms.len()];
    for (frame, ack) in acks.iter().enumerate() {
        let room = frame % rooms.len();
        assert_eq!((&ack["requestId"], &ack["roomId"]), (&json!(frame.to_string()), &json!(rooms[room])));
        for result in ack["results"].as_array().expect("results") {
            let id = result["clientMsgId"].as_str().expect("an id").to_owned();
            acked[room].push((result["seq"].as_i64().expect("a seq"), id));
        }
    }
    assert_eq!(acked, expected, "each frame has its own messages' places, dense and in order");
    for (room, expected) in rooms.iter().zip(&expected) {
        assert_eq!(ann_socket.wait_for(room, expected.len()).await, *expected);
        assert_eq!(bob_socket.wait_for(room, expected.len()).await, *expected);
    }
    assert!(system.counted("oort_comet_merged_frames", "").await >= 1.0, "some went together");
}

async fn several_messages_of_one_frame_stay_together(system: &System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let messages: Vec<_> = (0..10)
        .map(|number| json!({ "clientMsgId": format!("m{number}"), "content": number.to_string() }))
        .collect();
    socket.send("clientMessages", json!({ "roomId": room, "messages": messages, "requestId": "r" })).await;
    let expected: Vec<_> = (0..10).map(|number| (number + 1, number.to_string())).collect();
    assert_eq!(socket.wait_for(&room, 10).await, expected);
    let ack = socket.wait_frame("sendAck", |ack| ack["requestId"] == "r").await;
    assert_eq!(ack["results"].as_array().map(Vec::len), Some(10));
}
