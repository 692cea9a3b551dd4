//! The way down, when there are other comets to go to.

use std::time::{Duration, Instant};

use oort_comet::Config;
use serde_json::json;

use crate::goim::{AUTH, Goim};
use crate::logic::Scripted;
use crate::world::{Client, PATIENCE, World, config, eventually, start_with};

async fn among_others(config: Config, others_draining: i32) -> World {
    let logic = Scripted::new();
    {
        let mut state = logic.state.lock();
        (state.others_taking, state.others_draining) = (1, others_draining);
    }
    start_with(config, logic).await
}

/// Says when the client was told, and goes when the server says so.
async fn leave(mut client: Client) -> Instant {
    let hint = client.next().await;
    let told = Instant::now();
    assert_eq!((&hint["type"], &hint["payload"]["reason"]), (&json!("reconnect"), &json!("draining")));
    drop(client);
    told
}

/// How long it took from the first to the last of so many clients, and how long to the end.
async fn drained(world: World, clients: i64) -> (Duration, Duration) {
    let mut leaving = Vec::new();
    for user in 1..=clients {
        leaving.push(tokio::spawn(leave(world.v1(user).await)));
    }
    let began = Instant::now();
    world.shutdown.cancel();
    let mut told = Vec::new();
    for client in leaving {
        told.push(client.await.unwrap());
    }
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap().unwrap();
    let took = began.elapsed();
    (*told.iter().max().unwrap() - *told.iter().min().unwrap(), took)
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_sent_away_at_the_pace_and_not_faster() {
    let limits = Config { reconnects_per_second: 40, drain_deadline_ms: 8_000, ..config() };
    let world = among_others(limits, 0).await;
    let metrics = world.handle.metrics().clone();
    let (spread, took) = drained(world, 30).await;
    // 30 clients at 40 per second; what the pace may save up is 4.
    assert!(spread >= Duration::from_millis(600), "{spread:?}");
    assert!(took < Duration::from_millis(6_000), "{took:?}");
    assert_eq!((metrics.unpaced.get(), metrics.closed_for("draining")), (0, 0), "they left by themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn comets_that_drain_at_the_same_time_share_the_pace() {
    let limits = Config { reconnects_per_second: 60, drain_deadline_ms: 8_000, ..config() };
    let world = among_others(limits, 2).await;
    // A third of 60 per second.
    let (spread, _) = drained(world, 20).await;
    assert!(spread >= Duration::from_millis(800), "{spread:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_told_keeps_its_connection_until_it_goes() {
    let limits = Config { reconnects_per_second: 1_000, ..config() };
    let world = among_others(limits, 0).await;
    let mut client = world.v1(1).await;
    let mut classic = world.classic(2).await;
    let mut packets = Goim::live(&world, true, AUTH).await;
    let handle = world.handle.clone();
    world.shutdown.cancel();
    let hint = client.next().await;
    assert!(hint["payload"]["afterMs"].as_u64().unwrap() < 100, "three clients are mixed in no time: {hint}");
    assert_eq!(classic.closed().await.0, 1001);
    packets.ended().await;
    drop((classic, packets));
    eventually("the others are gone", || handle.connections() == 1).await;
    // It is served to the end.
    client.sync().await;
    let mut job = world.job("j");
    job.push(vec![crate::world::to_room(1, 1)]).await;
    assert_eq!(client.seqs(1).await, [(1, 1)]);
    drop(client);
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap().unwrap();
    let state = world.logic.state.lock();
    assert_eq!((state.disconnects.len(), state.entered.len()), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_wins_over_the_pace() {
    let limits = Config { reconnects_per_second: 1, drain_deadline_ms: 1_200, ..config() };
    let world = among_others(limits, 0).await;
    let mut clients = Vec::new();
    for user in 1..=10 {
        clients.push(world.v1(user).await);
    }
    let metrics = world.handle.metrics().clone();
    let began = Instant::now();
    world.shutdown.cancel();
    for client in &mut clients {
        let hint = client.next().await;
        assert_eq!(hint["type"], "reconnect");
    }
    drop(clients);
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
    assert!((8..=10).contains(&metrics.unpaced.get()), "{}", metrics.unpaced.get());
}
