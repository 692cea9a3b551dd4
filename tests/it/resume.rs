//! Who missed something finds it: heads in hello, one call for the hole, exact paging.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::http::Http;
use crate::harness::over_both_shapes;
use crate::harness::socket::{Socket, assert_dense};
use crate::harness::system::System;

over_both_shapes!(
    hello_shows_the_hole_and_one_call_fills_it,
    paging_backwards_loses_and_repeats_nothing,
    connecting_during_a_stream_of_sends_misses_nothing,
);

async fn hello_shows_the_hole_and_one_call_fills_it(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let api = system.api(0);
    let room = api.room(&ann).await;
    let socket = Socket::v1(system.door(1), &bob.token).await.follow();
    api.send(&ann, &room, "1", "seen").await.ok();
    socket.wait_for(&room, 1).await;
    socket.cut();
    for number in 2..=40 {
        api.send(&ann, &room, &number.to_string(), "missed").await.ok();
    }
    let socket = Socket::v1(system.door(0), &bob.token).await;
    assert_eq!(socket.head(&room), 40);
    let socket = socket.follow();
    let request = json!({ "roomId": room, "afterSeq": 1, "count": 100, "requestId": "fill" });
    socket.send("requestRoomHistory", request).await;
    let page = socket.wait_frame("serverRoomHistory", |page| page["requestId"] == "fill").await;
    let seqs: Vec<_> =
        page["messages"].as_array().expect("messages").iter().map(|m| m["seq"].as_i64()).collect();
    assert_eq!(seqs, (2..=40).map(Some).collect::<Vec<_>>());
    assert_eq!(page["hasMoreMessages"], false);
    api.send(&ann, &room, "41", "live again").await.ok();
    assert_eq!(socket.wait_for(&room, 1).await, [(41, "live again".to_owned())]);
}

async fn paging_backwards_loses_and_repeats_nothing(system: &System) {
    let ann = system.account("ann").await;
    let api = system.api(0);
    let room = api.room(&ann).await;
    for number in 1..=65 {
        api.send(&ann, &room, &number.to_string(), &number.to_string()).await.ok();
    }
    // By WebSocket, from the ids that hello shows, as the oldest clients do.
    let mut socket = Socket::v1(system.door(1), &ann.token).await;
    let rooms = socket.hello["rooms"].as_array().expect("rooms").clone();
    let shown = rooms.iter().find(|candidate| candidate["id"] == *room).expect("the room");
    let mut seen: Vec<_> = shown["messages"].as_array().expect("messages").clone();
    assert!(!seen.is_empty() && shown["hasMoreMessages"] == true);
    loop {
        let first = seen.last().expect("some")["id"].clone();
        socket
            .send("requestRoomHistory", json!({ "roomId": room, "firstMessageId": first, "count": 17 }))
            .await;
        let page = socket.next("serverRoomHistory").await;
        seen.extend(page["messages"].as_array().expect("messages").iter().cloned());
        if page["hasMoreMessages"] != true {
            break;
        }
    }
    let contents: Vec<_> =
        seen.iter().rev().map(|message| message["content"].as_str().expect("text").to_owned()).collect();
    assert_eq!(contents, (1..=65).map(|number| number.to_string()).collect::<Vec<_>>());
    let mut ids: Vec<_> = seen.iter().map(|message| message["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 65, "message ids are unique");

    // By HTTP, exactly at the edges.
    let page = async |query: &str| {
        api.get(&format!("/api/conversations/{room}/messages?{query}"), &ann.token).await.ok()
    };
    assert_eq!(page("before=1&limit=10").await["messages"], json!([]));
    let exact = page("before=11&limit=10").await;
    assert_eq!((exact["messages"].as_array().map(Vec::len), &exact["hasMore"]), (Some(10), &json!(false)));
    let more = page("before=12&limit=10").await;
    assert_eq!((more["messages"].as_array().map(Vec::len), &more["hasMore"]), (Some(10), &json!(true)));
    let end = page("after=65&limit=10").await;
    assert_eq!((&end["messages"], &end["hasMore"], &end["head"]), (&json!([]), &json!(false), &json!(65)));
}

/// The race that a connection must win: between reading the heads and being
/// routed, nothing may fall.
async fn connecting_during_a_stream_of_sends_misses_nothing(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let api = system.api(0);
    let room = api.room(&ann).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sender = {
        let (api, ann, room, stop): (Http, _, _, _) =
            (api.clone(), ann.clone(), room.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                api.send(&ann, &room, &number.to_string(), &number.to_string()).await.ok();
            }
        })
    };
    for round in 0..12 {
        let socket = Socket::v1(system.door(round), &bob.token).await;
        let head = socket.head(&room);
        let socket = socket.follow();
        let (first, _) = socket.wait_for(&room, 1).await[0];
        assert!(first <= head + 1, "round {round}: hello said {head}, then came {first}");
        socket.cut();
    }
    stop.store(true, Ordering::Relaxed);
    sender.await.expect("every send was acknowledged");
    assert_dense(&api.history(&bob, &room).await);
}
