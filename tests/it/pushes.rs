//! Server-to-server pushes: transient, to whoever is online, authorised by a
//! server token.

use http::Method;
use serde_json::{Value, json};

use crate::harness::over_both_shapes;
use crate::harness::packets::{PacketClient, auth_body};
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    pushes_reach_users_rooms_and_everyone,
    only_a_server_token_pushes,
    goims_counts_and_nodes_are_answered,
);

async fn pushes_reach_users_rooms_and_everyone(system: &System) {
    let token = system.server_token();
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    let sockets = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let push = async |path: &str, body: Value| {
        let reply = system.api(1).post(path, &token, body).await;
        assert!(reply.status.is_success(), "{path}: {reply:?}");
    };
    let operation = 1000;
    let marks = [unique("user"), unique("users"), unique("batch"), unique("room"), unique("all")];
    push("/push/user", json!({ "userId": ann.id, "operation": operation, "body": marks[0] })).await;
    push("/push/users", json!({ "userIds": [ann.id, bob.id], "operation": operation, "body": marks[1] }))
        .await;
    let each = [&ann.id, &bob.id].map(|id| json!({ "userId": id, "operation": operation, "body": marks[2] }));
    push("/push/batch", json!({ "pushes": each })).await;
    push("/push/room", json!({ "room": room, "operation": operation, "body": marks[3] })).await;
    push("/push/all", json!({ "operation": operation, "body": marks[4] })).await;
    for (socket, expected) in sockets.iter().zip([&marks[..], &marks[1..]]) {
        for mark in expected {
            let frame = socket.wait_frame("push", |push| push["body"] == *mark).await;
            assert_eq!(frame["operation"], operation);
        }
    }
    assert!(sockets[1].frames("push").iter().all(|push| push["body"] != *marks[0]), "it was for ann alone");
    assert_eq!(system.api(0).history(&ann, &room).await, [], "nothing of it is stored");
}

async fn only_a_server_token_pushes(system: &System) {
    let ann = system.account("ann").await;
    let body = json!({ "userId": ann.id, "operation": 1000, "body": "x" });
    for token in ["", "forged", &ann.token] {
        let reply = system.api(0).post("/push/user", token, body.clone()).await;
        assert!(matches!(reply.status.as_u16(), 401 | 403), "{reply:?}");
        let goim = system.api(0).post("/goim/push/all?operation=1000", token, body.clone()).await;
        assert_ne!(goim.json()["code"], 0, "{goim:?}");
    }
    // And the other way round: a server token is nobody's account.
    let reply = system.api(0).get("/api/me", &system.server_token()).await;
    assert_eq!(reply.refusal(), (401, "unauthenticated".to_owned()));
}

async fn goims_counts_and_nodes_are_answered(system: &System) {
    let ann = system.account("ann").await;
    let room = unique("r");
    let mut client = PacketClient::tcp(system.packets(0)).await;
    client.auth(auth_body(&ann.id, "", &format!("count://{room}"), &[], &ann.token)).await;
    let token = system.server_token();
    let bearer = format!("Bearer {token}");
    let get = async |path: &str| {
        let reply =
            system.api(1).raw(Method::GET, path, &[("authorization", &bearer)], "").await.expect("an answer");
        let reply = reply.json();
        assert_eq!(reply["code"], 0, "{path}: {reply}");
        reply["data"].clone()
    };
    crate::harness::eventually("the room is counted", async || {
        let counts = get(&format!("/goim/online/room?type=count&rooms={room}")).await;
        (counts[&room] == 1).then_some(())
    })
    .await;
    let top = get("/goim/online/top?type=count&limit=1000").await;
    let found =
        top.as_array().expect("a list").iter().any(|entry| entry["room_id"] == *room && entry["count"] == 1);
    assert!(found, "{top}");
    let total = get("/goim/online/total").await;
    assert!(
        total["conn_count"].as_i64().expect("a number") >= 1
            && total["ip_count"].as_i64().expect("a number") >= 1
    );
    let nodes = get("/goim/nodes/weighted?platform=ios").await;
    assert!(!nodes["nodes"].as_array().expect("a list").is_empty(), "{nodes}");
    assert!(get("/goim/nodes/instances").await.is_array());
}
