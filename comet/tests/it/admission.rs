//! Many clients at once: some are let in, some wait, the rest is told when to come again.

use oort_comet::{AddressConfig, AdmissionConfig, Config};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::Error;

use crate::goim::{AUTH, Goim, packet};
use crate::logic::Scripted;
use crate::world::{World, config, eventually, start_with};

/// One is let in at a time, one waits. Its logic greets nobody until the permits are given back.
async fn narrow(admission: AdmissionConfig) -> (World, OwnedSemaphorePermit) {
    let admission = AdmissionConfig { under_way_max: 1, waiting_max: 1, ..admission };
    let world = start_with(Config { admission, ..config() }, Scripted::new()).await;
    let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
    let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
    (world, held)
}

fn openings(world: &World) -> i64 {
    world.handle.metrics().openings.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_when_to_come_again() {
    let (world, held) = narrow(AdmissionConfig::default()).await;
    let mut first = world.connect(1, Some("oort.v1")).await;
    eventually("hello is being read", || world.logic.state.lock().calls.contains(&"hello")).await;
    let mut second = world.connect(2, Some("oort.v1")).await;
    eventually("one waits", || openings(&world) == 2).await;

    let mut waits = Vec::new();
    for user in 3..=5 {
        let mut refused = world.connect(user, Some("oort.v1")).await;
        let hint = refused.next().await;
        assert_eq!((&hint["type"], &hint["payload"]["reason"]), (&json!("reconnect"), &json!("busy")));
        waits.push(hint["payload"]["afterMs"].as_u64().unwrap());
        assert_eq!(refused.closed().await.0, 1013);
    }
    assert!(waits.is_sorted() && waits[0] >= 1_000 && waits[2] <= 30_000, "{waits:?}");
    // Those who do not understand the hint get none, and no upgrade.
    let headers = [("cookie", "sid=u6")];
    let Err(Error::Http(response)) = world.open("/api/ws", &headers).await.map(drop) else {
        panic!("upgraded")
    };
    assert_eq!(response.status(), 503);
    let retry_after_s: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&retry_after_s), "{retry_after_s}");
    for is_tcp in [true, false] {
        let mut packets = Goim::open(&world, is_tcp).await;
        packets.send(packet(oort_api::op::AUTH, 1, AUTH)).await;
        match &mut packets {
            Goim::WebSocket(client, _) => assert_eq!(client.closed().await.0, 1013),
            tcp => tcp.ended().await,
        }
    }
    let metrics = world.handle.metrics().clone();
    assert_eq!((metrics.refused_for("admission"), metrics.closed_for("busy")), (6, 5));
    let asked = || world.logic.state.lock().calls.iter().filter(|call| **call == "authenticate").count();
    assert_eq!(asked(), 1, "logic saw one of the eight");

    drop(held);
    for client in [&mut first, &mut second] {
        assert_eq!(client.next().await["type"], "hello");
    }
    eventually("the door is free", || openings(&world) == 0).await;
    let _later = world.classic(6).await;
    let _packets = Goim::live(&world, true, AUTH).await;
    world.stop().await.unwrap();
}

/// A proxy's sockets are counted as their clients' once they are in, not before.
#[tokio::test(flavor = "multi_thread")]
async fn who_found_no_room_takes_none_of_their_address() {
    let admission = AdmissionConfig { under_way_max: 1, waiting_max: 1, ..AdmissionConfig::default() };
    let addresses = AddressConfig { connections_max: 2, ..AddressConfig::default() };
    let trusted_proxies = vec!["127.0.0.0/8".to_owned()].try_into().expect("a network");
    let limits = Config { admission, addresses, trusted_proxies, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
    let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
    let v1 =
        |client| [("cookie", "sid=u1"), ("x-forwarded-for", client), ("sec-websocket-protocol", "oort.v1")];
    let _first = world.open("/api/ws", &v1("10.0.0.8")).await.expect("upgraded");
    eventually("hello is being read", || world.logic.state.lock().calls.contains(&"hello")).await;
    let _second = world.open("/api/ws", &v1("10.0.0.9")).await.expect("upgraded");
    eventually("one waits", || openings(&world) == 2).await;
    let classic = [("cookie", "sid=u6"), ("x-forwarded-for", "10.0.0.1")];
    for _ in 0..3 {
        let Err(Error::Http(response)) = world.open("/api/ws", &classic).await.map(drop) else {
            panic!("upgraded")
        };
        assert_eq!(response.status(), 503);
    }
    drop(held);
    eventually("the door is free", || openings(&world) == 0).await;
    let _one = world.open("/api/ws", &classic).await.expect("upgraded");
    let _other = world.open("/api/ws", &classic).await.expect("two may be open");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_told_when_to_come_again() {
    let (world, held) = narrow(AdmissionConfig { wait_max_ms: 50, ..AdmissionConfig::default() }).await;
    let mut first = world.connect(1, Some("oort.v1")).await;
    eventually("hello is being read", || world.logic.state.lock().calls.contains(&"hello")).await;
    let mut second = world.connect(2, Some("oort.v1")).await;
    assert_eq!(second.next().await["type"], "reconnect");
    assert_eq!(second.closed().await.0, 1013);
    assert_eq!(world.handle.metrics().refused_for("admission_wait"), 1);
    drop(held);
    assert_eq!(first.next().await["type"], "hello");
    world.stop().await.unwrap();
}

/// What is late is logic: the client is not told that its credential was missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_logic_that_is_slow_or_away_is_told_with_a_time_too() {
    let limits = Config { handshake_timeout_ms: 100, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
    let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
    let mut late = world.connect(1, Some("oort.v1")).await;
    let hint = late.next().await;
    assert_eq!((&hint["type"], &hint["payload"]["reason"]), (&json!("reconnect"), &json!("unavailable")));
    assert_eq!(late.closed().await.0, 1013);
    drop(held);
    {
        let mut state = world.logic.state.lock();
        (state.fail_enter, state.rooms) = (true, vec![2]);
    }
    let mut refused = world.connect(2, Some("oort.v1")).await;
    assert_eq!(refused.next().await["payload"]["reason"], "unavailable");
    assert_eq!(refused.closed().await.0, 1013);
    world.logic.state.lock().fail_enter = false;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_the_queue_costs_logic_nothing() {
    let admission = AdmissionConfig { under_way_max: 1, waiting_max: 1, ..AdmissionConfig::default() };
    let world = start_with(Config { shards: 1, admission, ..config() }, Scripted::new()).await;
    let mut other = world.v1(9).await;
    let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
    let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
    let mut first = world.connect(1, Some("oort.v1")).await;
    let hellos = || world.logic.state.lock().calls.iter().filter(|call| **call == "hello").count();
    eventually("hello is being read", || hellos() == 2).await;
    let second = world.connect(2, Some("oort.v1")).await;
    eventually("one waits", || openings(&world) == 2).await;
    drop(second);
    // What the shard hears after that it hears after the end of the second one.
    other.sync().await;
    drop(held);
    assert_eq!(first.next().await["type"], "hello");
    eventually("nobody waits", || openings(&world) == 0).await;
    let asked = || world.logic.state.lock().calls.iter().filter(|call| **call == "authenticate").count();
    assert_eq!(asked(), 2);
    eventually("it is forgotten", || world.handle.connections() == 2).await;
    world.stop().await.unwrap();
}
