//! Connections take turns: nothing that is said is overlooked, however much comes at once and whatever comes with it.

use oort_api::op;
use oort_comet::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::goim::{AUTH, Goim, packet};
use crate::logic::Scripted;
use crate::world::{PATIENCE, World, config, eventually, start_with};

/// One shard, one connection a turn.
async fn world() -> World {
    let config = Config {
        shards: 1,
        sends_per_yield: 1,
        frames_burst: 100_000,
        bytes_burst: 64 << 20,
        send_budget_bytes: 8 << 20,
        ..config()
    };
    start_with(config, Scripted::new()).await
}

fn auth(number: usize) -> Vec<u8> {
    format!(r#"{{"mid":{number},"key":"k{number}","room_id":"live://1","accepts":[1000]}}"#).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sockets_than_are_taken_at_once_are_all_answered() {
    let world = world().await;
    let mut clients = Vec::new();
    for number in 1..=600 {
        clients.push(Goim::live(&world, true, &auth(number)).await);
    }
    for seq in 2..5 {
        for client in &mut clients {
            client.send(packet(op::HEARTBEAT, seq, b"")).await;
        }
        for client in &mut clients {
            let (op, answered, _) = client.next().await;
            assert_eq!((op, answered), (op::HEARTBEAT_REPLY, seq));
        }
    }
    drop(clients);
    eventually("all are forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_with_the_end_is_still_answered() {
    let world = world().await;
    let Goim::Tcp(mut stream, _) = Goim::live(&world, true, AUTH).await else { unreachable!("over TCP") };
    // More than one read takes, the end right behind it.
    const BEATS: i32 = 9_000;
    let said: Vec<u8> = (0..BEATS).flat_map(|seq| packet(op::HEARTBEAT, seq, b"")).collect();
    let (mut reading, mut writing) = stream.split();
    let speaking = async {
        writing.write_all(&said).await.unwrap();
        writing.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let hearing = async { reading.read_to_end(&mut heard).await };
    let (_, ended) = tokio::time::timeout(PATIENCE, async { tokio::join!(speaking, hearing) }).await.unwrap();
    ended.unwrap();
    let reply_bytes = packet(op::HEARTBEAT_REPLY, 0, &[0; 4]).len();
    assert_eq!(heard.len(), reply_bytes * usize::try_from(BEATS).unwrap());
    eventually("it is forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_during_a_command_is_answered_after_it_and_then_the_end_is_seen() {
    let world = world().await;
    let Goim::Tcp(mut stream, _) = Goim::live(&world, true, AUTH).await else { unreachable!("over TCP") };
    let mut other = Goim::live(&world, true, &auth(13)).await;
    let all = u32::try_from(world.logic.receive_gate.available_permits()).unwrap();
    let held = world.logic.receive_gate.clone().acquire_many_owned(all).await.unwrap();
    stream.write_all(&packet(op::SEND_MESSAGE, 7, b"x")).await.unwrap();
    stream.write_all(&packet(op::HEARTBEAT, 8, b"")).await.unwrap();
    stream.shutdown().await.unwrap();
    // The shard serves both: what another says later is answered when this was taken note of.
    other.sync().await;
    drop(held);
    let mut heard = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap().unwrap();
    let mut seqs = Vec::new();
    let mut rest = &heard[..];
    while let Some((packet, used)) = oort_api::codec::packet::decode(rest, 1 << 20).unwrap() {
        seqs.push(packet.seq);
        rest = &rest[used..];
    }
    assert_eq!(seqs, [7, 8]);
    eventually("logic is told", || world.logic.state.lock().disconnects.len() == 1).await;
    world.stop().await.unwrap();
}
