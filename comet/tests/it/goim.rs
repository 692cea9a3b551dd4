//! goim's protocol over TCP and WebSocket.

use oort_api::codec::packet::{Packet, decode};
use oort_api::op;
use oort_api::pb::goim::comet::comet_client::CometClient;
use oort_api::pb::goim::comet::{BroadcastReq, BroadcastRoomReq, PushMsgReq, RoomsReq};
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::Delivery;
use oort_comet::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

use crate::logic::Scripted;
use crate::world::{Client, PATIENCE, World, config, eventually, push_frame, start, start_with, to_users};

pub(crate) fn packet(op: i32, seq: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Packet { ver: 1, op, seq, body }.encode_into(&mut out).unwrap();
    out
}

pub(crate) const AUTH: &[u8] = br#"{"mid":12,"key":"k12","room_id":"live://1","accepts":[1000,4]}"#;

/// A client on either carrier.
pub(crate) enum Goim {
    Tcp(TcpStream, Vec<u8>),
    WebSocket(Box<Client>, Vec<Vec<u8>>),
}

type Received = (i32, i32, Vec<u8>);

impl Goim {
    pub(crate) async fn open(world: &World, is_tcp: bool) -> Self {
        if is_tcp {
            let stream = TcpStream::connect(world.addresses.tcp.unwrap()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            Self::Tcp(stream, Vec::new())
        } else {
            Self::WebSocket(Box::new(world.open("/sub?x=1", &[]).await.unwrap()), Vec::new())
        }
    }

    pub(crate) async fn live(world: &World, is_tcp: bool, auth: &[u8]) -> Self {
        let mut client = Self::open(world, is_tcp).await;
        client.send(packet(op::AUTH, 1, auth)).await;
        assert_eq!(client.next().await, (op::AUTH_REPLY, 1, vec![]));
        client
    }

    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        match self {
            Self::Tcp(stream, _) => stream.write_all(&bytes).await.unwrap(),
            Self::WebSocket(client, _) => client.send_binary(bytes).await,
        }
    }

    /// The next packet; containers are opened.
    pub(crate) async fn next(&mut self) -> Received {
        match self {
            Self::Tcp(stream, buffer) => loop {
                if let Some((packet, used)) = decode(buffer, 1 << 20).unwrap() {
                    let received = (packet.op, packet.seq, packet.body.to_vec());
                    buffer.drain(..used);
                    return received;
                }
                let mut more = [0; 1024];
                let count = tokio::time::timeout(PATIENCE, stream.read(&mut more)).await.unwrap().unwrap();
                assert!(count > 0, "closed");
                buffer.extend_from_slice(&more[..count]);
            },
            Self::WebSocket(client, held) => {
                if held.is_empty() {
                    let message = client.binary().await;
                    let (outer, used) = decode(&message, 1 << 20).unwrap().unwrap();
                    assert_eq!(used, message.len(), "one packet per message");
                    if outer.op == op::RAW {
                        let mut body = outer.body;
                        while let Some((_, used)) = decode(body, 1 << 20).unwrap() {
                            held.push(body[..used].to_vec());
                            body = &body[used..];
                        }
                    } else {
                        held.push(message.clone());
                    }
                }
                let bytes = held.remove(0);
                let (packet, _) = decode(&bytes, 1 << 20).unwrap().unwrap();
                (packet.op, packet.seq, packet.body.to_vec())
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self) {
        match self {
            Self::Tcp(stream, _) => {
                let mut rest = Vec::new();
                let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
            }
            Self::WebSocket(client, _) => _ = client.closed().await,
        }
    }

    /// Everything sent to it before this was received.
    pub(crate) async fn sync(&mut self) {
        self.send(packet(op::HEARTBEAT, 99, b"")).await;
        let (op, seq, _) = self.next().await;
        assert_eq!((op, seq), (op::HEARTBEAT_REPLY, 99));
    }
}

fn room_push(room: &str, op: i32, body: &str) -> Delivery {
    Delivery {
        frame: Some(push_frame(op, body)),
        r#type: Type::Room.into(),
        room: room.into(),
        ..Delivery::default()
    }
}

async fn a_whole_session(is_tcp: bool) {
    let world = start().await;
    let mut client = Goim::live(&world, is_tcp, AUTH).await;
    assert!(world.logic.state.lock().entered.contains_key("live://1"), "entered before the reply");
    client.send(packet(op::HEARTBEAT, 2, b"")).await;
    assert_eq!(client.next().await, (op::HEARTBEAT_REPLY, 2, 4242i32.to_be_bytes().to_vec()));

    let mut job = world.job("j");
    job.push(vec![room_push("live://1", 2000, "rooms are not filtered")]).await;
    assert_eq!(client.next().await, (2000, 0, b"rooms are not filtered".to_vec()));
    let to_key = |op, body: &str| Delivery {
        frame: Some(push_frame(op, body)),
        r#type: Type::Push.into(),
        keys: vec!["k12".into()],
        ..Delivery::default()
    };
    job.push(vec![to_key(1000, "wanted"), to_key(1001, "not wanted"), to_users(&[12], 5, 1)]).await;
    assert_eq!(client.next().await, (1000, 0, b"wanted".to_vec()));
    let (op, _, body) = client.next().await;
    assert_eq!(op, op::SEND_MESSAGE);
    assert!(String::from_utf8(body).unwrap().contains("\"5-1\""));

    client.send(packet(op::SUBSCRIBE, 3, b"1001,1002")).await;
    assert_eq!(client.next().await, (op::SUBSCRIBE_REPLY, 3, b"1001,1002".to_vec()));
    client.send(packet(op::UNSUBSCRIBE, 4, b"1000")).await;
    assert_eq!(client.next().await, (op::UNSUBSCRIBE_REPLY, 4, b"1000".to_vec()));
    job.push(vec![to_key(1000, "no more"), to_key(1001, "now wanted")]).await;
    assert_eq!(client.next().await, (1001, 0, b"now wanted".to_vec()));

    client.send(packet(op::CHANGE_ROOM, 5, b"live://2")).await;
    assert_eq!(client.next().await, (op::CHANGE_ROOM_REPLY, 5, b"live://2".to_vec()));
    let ack = job.push(vec![room_push("live://1", 1, "old"), room_push("live://2", 1, "new")]).await;
    assert!(ack.missing[0].room && ack.missing.len() == 1);
    assert_eq!(client.next().await, (1, 0, b"new".to_vec()));
    // To the room it is alone in, and out of it.
    client.send(packet(op::CHANGE_ROOM, 6, b"live://2")).await;
    client.next().await;
    job.push(vec![room_push("live://2", 1, "still")]).await;
    assert_eq!(client.next().await, (1, 0, b"still".to_vec()));
    client.send(packet(op::CHANGE_ROOM, 7, b"")).await;
    assert_eq!(client.next().await, (op::CHANGE_ROOM_REPLY, 7, vec![]));

    for (op, reply) in [(op::SEND_MESSAGE, op::SEND_MESSAGE), (555, 555)] {
        client.send(packet(op, 8, b"up")).await;
        assert_eq!(client.next().await, (reply, 8, vec![]));
    }
    client.send(packet(op::RAW, 9, &packet(1, 1, b""))).await;
    client.sync().await;
    eventually("upstream", || world.logic.state.lock().upstream.len() == 3).await;
    drop(client);
    eventually("logic is told", || world.logic.state.lock().disconnects.len() == 1).await;
    assert!(world.logic.state.lock().disconnects[0].addressable);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_session_over_tcp() {
    a_whole_session(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_session_over_websocket() {
    a_whole_session(false).await;
}

/// Packets that need logic and packets that do not, all in one write; then the same split at every byte.
#[tokio::test(flavor = "multi_thread")]
async fn packets_arrive_however_they_are_cut() {
    let world = start().await;
    let mut all = packet(op::HEARTBEAT, 0, b"skipped before auth");
    all.extend(packet(op::AUTH, 1, br#"{"mid":12,"room_id":"live://1"}"#));
    all.extend(packet(op::HEARTBEAT, 2, b""));
    all.extend(packet(600, 3, b"x"));
    all.extend(packet(op::SUBSCRIBE, 4, b"7"));
    all.extend(packet(600, 5, b""));
    let expected = [op::AUTH_REPLY, op::HEARTBEAT_REPLY, 600, op::SUBSCRIBE_REPLY, 600];
    for is_tcp in [true, false] {
        let mut client = Goim::open(&world, is_tcp).await;
        client.send(all.clone()).await;
        for (op, seq) in expected.into_iter().zip(1..) {
            let got = client.next().await;
            assert_eq!((got.0, got.1), (op, seq));
        }
    }
    let mut clients = Vec::new();
    for cut in 1..all.len() {
        let mut client = Goim::open(&world, true).await;
        client.send(all[..cut].to_vec()).await;
        clients.push((cut, client));
    }
    for (cut, mut client) in clients {
        client.send(all[cut..].to_vec()).await;
        for (op, seq) in expected.into_iter().zip(1..) {
            let got = client.next().await;
            assert_eq!((got.0, got.1), (op, seq), "cut at {cut}");
        }
    }
    let mut slowly = Goim::open(&world, true).await;
    for byte in &all {
        slowly.send(vec![*byte]).await;
    }
    for op in expected {
        assert_eq!(slowly.next().await.0, op);
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_connection_takes_the_key_and_a_late_end_does_not_give_it_back() {
    let world = start().await;
    let mut old = Goim::live(&world, true, AUTH).await;
    let mut new = Goim::live(&world, false, AUTH).await;
    old.ended().await;
    drop(old);
    eventually("the old one is told as gone", || world.logic.state.lock().disconnects.len() == 1).await;
    let (gone, held) = {
        let state = world.logic.state.lock();
        (state.disconnects[0].version, state.sessions["k12"].version)
    };
    assert!(gone < held, "compare-and-delete leaves the newer one");
    let push = Delivery {
        frame: Some(push_frame(1000, "to the new one")),
        r#type: Type::Push.into(),
        keys: vec!["k12".into()],
        ..Delivery::default()
    };
    assert_eq!(world.job("j").push(vec![push]).await.missing, []);
    assert_eq!(new.next().await.2, b"to the new one");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_authenticate_or_beat_is_closed() {
    let logic = Scripted::new();
    logic.state.lock().goim_heartbeat_ms = 100;
    let world = start_with(Config { handshake_timeout_ms: 100, ..config() }, logic).await;
    for is_tcp in [true, false] {
        let mut silent = Goim::open(&world, is_tcp).await;
        silent.ended().await;
        let mut idle = Goim::live(&world, is_tcp, b"{}").await;
        idle.ended().await;
        let mut refused = Goim::open(&world, is_tcp).await;
        refused.send(packet(op::AUTH, 1, br#"{"mid":-5}"#)).await;
        refused.ended().await;
        let mut garbled = Goim::open(&world, is_tcp).await;
        garbled.send(packet(op::AUTH, 1, b"not json")).await;
        garbled.ended().await;
    }
    assert_eq!(world.handle.metrics().closed_for("handshake_timeout"), 2);
    assert_eq!(world.handle.metrics().closed_for("silent"), 2);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn goims_own_job_is_answered_after_delivery() {
    let world = start().await;
    let mut tcp = Goim::live(&world, true, AUTH).await;
    let other = br#"{"mid":13,"key":"k13","room_id":"live://1","accepts":[1000]}"#;
    let mut websocket = Goim::live(&world, false, other).await;
    let address = format!("http://{}", world.addresses.grpc.unwrap());
    let mut comet = CometClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap());
    // goim's job wraps everything in containers.
    let mut body = packet(1000, 0, b"m1");
    body.extend(packet(1000, 0, b"m2"));
    let proto = Some(Proto { ver: 1, op: op::RAW, body: body.into(), ..Proto::default() });
    let room_id = "live://1".to_owned();
    comet.broadcast_room(BroadcastRoomReq { room_id, proto: proto.clone() }).await.unwrap();
    let keys = vec!["k12".into(), "nobody".into(), "k13".into()];
    comet.push_msg(PushMsgReq { keys, proto: proto.clone(), proto_op: 1000 }).await.unwrap();
    comet.broadcast(BroadcastReq { proto_op: 1000, proto: proto.clone(), speed: 1000 }).await.unwrap();
    comet.broadcast(BroadcastReq { proto_op: 77, proto, speed: 0 }).await.unwrap();
    for client in [&mut tcp, &mut websocket] {
        for body in [b"m1", b"m2", b"m1", b"m2", b"m1", b"m2"] {
            assert_eq!(client.next().await, (1000, 0, body.to_vec()));
        }
        client.sync().await;
    }
    let rooms = comet.rooms(RoomsReq {}).await.unwrap().into_inner().rooms;
    assert_eq!(rooms.into_iter().collect::<Vec<_>>(), [("live://1".to_owned(), true)]);
    eventually("the count is told", || {
        world.logic.state.lock().renewals.iter().any(|r| r.room_counts.get("live://1") == Some(&2))
    })
    .await;
    world.stop().await.unwrap();
}
