//! goim's protocol, as its own clients speak it, over TCP and WebSocket.

use http::Method;

use crate::harness::http::Account;
use crate::harness::over_both_shapes;
use crate::harness::packets::{Packet, PacketClient, auth_body};
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    auth_heartbeat_rooms_and_operations,
    every_packet_of_a_message_is_read,
    a_packet_split_at_every_byte_is_read,
    a_room_push_reaches_both_transports_on_both_comets,
    pushes_by_key_and_user_obey_accepts,
    a_durable_message_reaches_packet_clients_and_they_can_send,
    a_bad_token_and_malformed_packets_close_only_their_own_connection,
    a_new_session_with_the_same_key_outlives_the_old_ones_disconnect,
);

/// Both transports, each on another comet.
async fn clients(system: &System) -> [PacketClient; 2] {
    [PacketClient::tcp(system.packets(0)).await, PacketClient::websocket(system.door(1)).await]
}

fn auth(account: &Account, key: &str, room: &str, accepts: &[i32]) -> Vec<u8> {
    auth_body(&account.id, key, room, accepts, &account.token)
}

async fn push(system: &System, path: &str, body: &str) {
    let token = format!("Bearer {}", system.server_token());
    let reply = system
        .api(0)
        .raw(Method::POST, path, &[("authorization", &token)], body.to_owned())
        .await
        .expect("an answer");
    assert_eq!(reply.json()["code"], 0, "{reply:?}");
}

async fn auth_heartbeat_rooms_and_operations(system: &System) {
    let ann = system.account("ann").await;
    for mut client in clients(system).await {
        client.auth(auth(&ann, "", "live://1", &[1000])).await;
        client.send(&[Packet::new(2, 7, "")]).await;
        let beat = client.next_op(3).await;
        assert_eq!((beat.seq, beat.body.len()), (7, 4), "the number online, as int32");
        client.send(&[Packet::new(12, 8, "live://2")]).await;
        assert_eq!(client.next().await, Some(Packet::new(13, 8, "live://2")));
        client.send(&[Packet::new(14, 9, "1001,1002")]).await;
        assert_eq!(client.next().await, Some(Packet::new(15, 9, "1001,1002")));
        client.send(&[Packet::new(16, 10, "1001")]).await;
        assert_eq!(client.next().await, Some(Packet::new(17, 10, "1001")));
        client.send(&[Packet::new(12, 11, "")]).await;
        assert_eq!(client.next().await, Some(Packet::new(13, 11, "")));
        client.send(&[Packet::new(777, 12, "whatever")]).await;
        assert_eq!(
            client.next().await,
            Some(Packet::new(777, 12, "")),
            "an unknown operation is echoed without a body"
        );
    }
}

async fn every_packet_of_a_message_is_read(system: &System) {
    let ann = system.account("ann").await;
    for mut client in clients(system).await {
        let burst = [
            Packet::new(7, 1, auth(&ann, "", "", &[])),
            Packet::new(2, 2, ""),
            Packet::new(12, 3, "live://9"),
            Packet::new(2, 4, ""),
        ];
        client.send(&burst).await;
        let mut replies = Vec::new();
        for _ in 0..burst.len() {
            let packet = client.next().await.expect("a reply");
            replies.push((packet.op, packet.seq));
        }
        assert_eq!(replies, [(8, 1), (3, 2), (13, 3), (3, 4)]);
    }
}

async fn a_packet_split_at_every_byte_is_read(system: &System) {
    let ann = system.account("ann").await;
    let mut client = PacketClient::tcp(system.packets(0)).await;
    let bytes: Vec<u8> = [Packet::new(7, 1, auth(&ann, "", "", &[])), Packet::new(12, 2, "live://3")]
        .iter()
        .flat_map(Packet::bytes)
        .collect();
    for byte in bytes {
        client.send_bytes(vec![byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.next().await, Some(Packet::new(8, 1, "")));
    assert_eq!(client.next().await, Some(Packet::new(13, 2, "live://3")));
}

async fn a_room_push_reaches_both_transports_on_both_comets(system: &System) {
    let ann = system.account("ann").await;
    let room = unique("r");
    let mut clients = clients(system).await;
    for client in &mut clients {
        client.auth(auth(&ann, "", &format!("live://{room}"), &[1000])).await;
    }
    push(system, &format!("/goim/push/room?operation=1000&type=live&room={room}"), "{\"test\":1}").await;
    push(system, &format!("/goim/push/room?operation=2000&type=live&room={room}"), "second").await;
    for client in &mut clients {
        assert_eq!(client.next().await, Some(Packet::new(1000, 0, "{\"test\":1}")));
        assert_eq!(
            client.next().await,
            Some(Packet::new(2000, 0, "second")),
            "room pushes pass whatever is accepted"
        );
    }
}

async fn pushes_by_key_and_user_obey_accepts(system: &System) {
    let ann = system.account("ann").await;
    let mut clients = clients(system).await;
    let keys = [unique("key-"), unique("key-")];
    for (client, key) in clients.iter_mut().zip(&keys) {
        client.auth(auth(&ann, key, "", &[1000])).await;
    }
    push(system, &format!("/goim/push/mids?operation=1001&mids={}", ann.id), "not accepted").await;
    push(system, &format!("/goim/push/mids?operation=1000&mids={}", ann.id), "by user").await;
    push(system, &format!("/goim/push/keys?operation=1000&keys={}&keys={}", keys[0], keys[1]), "by key")
        .await;
    for client in &mut clients {
        // Two keys of the bus may overtake each other; what is not accepted never comes.
        let mut bodies =
            [client.next().await.expect("a push").body, client.next().await.expect("a push").body];
        bodies.sort();
        assert_eq!(bodies, [b"by key".to_vec(), b"by user".to_vec()]);
    }
}

async fn a_durable_message_reaches_packet_clients_and_they_can_send(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let direct =
        system.api(0).post("/api/direct", &ann.token, serde_json::json!({ "userId": bob.id })).await.ok();
    let direct = direct["id"].as_str().expect("an id").to_owned();
    let mut clients = clients(system).await;
    for client in &mut clients {
        client.auth(auth(&bob, "", "", &[])).await;
    }
    system.api(0).send(&ann, &direct, "1", "hello").await.ok();
    for client in &mut clients {
        let message = client.next_json(4).await;
        assert_eq!((&message["content"], message["seq"].as_i64()), (&serde_json::json!("hello"), Some(1)));
    }
    let body =
        serde_json::json!({ "roomId": direct, "clientMsgId": "p1", "content": "from a packet" }).to_string();
    clients[0].send(&[Packet::new(4, 5, body)]).await;
    let reply = loop {
        let packet = clients[0].next_op(4).await;
        if packet.seq == 5 {
            break packet;
        }
    };
    let ack: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(ack["seq"], 2, "{ack}");
    assert_eq!(system.api(1).history(&ann, &direct).await.len(), 2);
}

async fn a_bad_token_and_malformed_packets_close_only_their_own_connection(system: &System) {
    let ann = system.account("ann").await;
    let mut neighbour = PacketClient::tcp(system.packets(0)).await;
    neighbour.auth(auth(&ann, "", "", &[])).await;

    let mut wrong_header = Packet::new(2, 1, "").bytes();
    wrong_header[5] = 17;
    let mut huge = Packet::new(2, 1, "").bytes();
    huge[0] = 0x7f;
    let mut negative = Packet::new(2, 1, "").bytes();
    negative[..4].copy_from_slice(&(-1_i32).to_be_bytes());
    let mut short = Packet::new(2, 1, "").bytes();
    short[3] = 15;
    let oversize = Packet::new(14, 1, vec![b'1'; 5000]).bytes();
    for bytes in [wrong_header, huge, negative, short, oversize] {
        for mut client in clients(system).await {
            client.auth(auth(&ann, "", "", &[])).await;
            client.send_bytes(bytes.clone()).await;
            assert_eq!(client.next().await, None, "{:?}", &bytes[..16]);
        }
    }
    // A WebSocket message that declares more than it holds gets nobody's memory.
    let mut liar = PacketClient::websocket(system.door(0)).await;
    liar.auth(auth(&ann, "", "", &[])).await;
    let mut bytes = Packet::new(14, 1, "").bytes();
    bytes[..4].copy_from_slice(&4112_i32.to_be_bytes());
    liar.send_bytes(bytes).await;
    assert_eq!(liar.next().await, None);

    for mut client in clients(system).await {
        client.send(&[Packet::new(7, 1, auth_body(&ann.id, "", "", &[], "forged"))]).await;
        assert_eq!(client.next().await, None, "a forged token");
    }
    for mut client in clients(system).await {
        client.send(&[Packet::new(7, 1, auth_body("1", "", "", &[], &ann.token))]).await;
        assert_eq!(client.next().await, None, "somebody else's mid");
    }
    neighbour.send(&[Packet::new(2, 3, "")]).await;
    assert_eq!(neighbour.next_op(3).await.seq, 3);
}

async fn a_new_session_with_the_same_key_outlives_the_old_ones_disconnect(system: &System) {
    let ann = system.account("ann").await;
    let key = unique("key-");
    let mut old = PacketClient::tcp(system.packets(0)).await;
    old.auth(auth(&ann, &key, "", &[])).await;
    let mut new = PacketClient::tcp(system.packets(1)).await;
    new.auth(auth(&ann, &key, "", &[])).await;
    drop(old);
    // Whatever order the registrations are taken back in, the key stays with the new session.
    for round in 0..20 {
        push(system, &format!("/goim/push/keys?operation=1000&keys={key}"), &round.to_string()).await;
        assert_eq!(new.next_op(1000).await.body, round.to_string().into_bytes());
    }
}
