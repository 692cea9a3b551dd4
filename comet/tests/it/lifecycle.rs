//! Leases, departures, timers and the way down.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use oort_comet::{Config, Error};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;

use crate::goim::{AUTH, Goim};
use crate::logic::Scripted;
use crate::world::{PATIENCE, config, eventually, start, start_with, to_room};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_announced_after_the_directory_lost_it() {
    let world = start().await;
    let _v1 = world.v1(1).await;
    let _classic = world.classic(2).await;
    let _goim = Goim::live(&world, true, AUTH).await;
    world.logic.state.lock().announce_next = true;
    let state = world.logic.state.clone();
    eventually("sessions and rooms are back", move || {
        let state = state.lock();
        let is_announced = state.announced.len() == 5;
        is_announced
            && state.sessions.len() == 3
            && state.entered.contains_key("1")
            && state.entered.contains_key("live://1")
    })
    .await;
    assert!(world.logic.state.lock().sessions["k12"].addressable);
    let state = world.logic.state.clone();
    eventually("it is counted", move || state.lock().renewals.last().unwrap().connections == 3).await;
    let renewal = world.logic.state.lock().renewals.last().cloned().unwrap();
    assert_eq!((renewal.addresses, renewal.draining), (1, false));
    assert_eq!(renewal.ws_address, world.addresses.http.to_string());
    assert_eq!(renewal.grpc_address, format!("http://{}", world.addresses.grpc.unwrap()));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_go_on_during_an_announcement_and_say_so() {
    let world = start().await;
    let _client = world.v1(1).await;
    let all = u32::try_from(world.logic.announce_gate.available_permits()).unwrap();
    let held = world.logic.announce_gate.clone().acquire_many_owned(all).await.unwrap();
    world.logic.state.lock().announce_next = true;
    let announcing = || {
        let said: Vec<_> = world.logic.state.lock().renewals.iter().map(|said| said.announcing).collect();
        said.into_iter().skip_while(|announcing| !announcing).collect::<Vec<_>>()
    };
    eventually("it says so again and again", || announcing().len() >= 5).await;
    assert!(announcing().into_iter().all(|announcing| announcing));
    assert_eq!(world.logic.state.lock().renewals.last().unwrap().announcements, 0);
    assert!(world.logic.state.lock().announced.is_empty());
    drop(held);
    eventually("it has ended", || announcing().last() == Some(&false)).await;
    let last = world.logic.state.lock().renewals.last().cloned().unwrap();
    assert_eq!((last.announcements, world.logic.state.lock().announced.len()), (1, 2));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_announcement_is_told_at_once() {
    let world = start().await;
    let _client = world.v1(1).await;
    {
        let mut state = world.logic.state.lock();
        state.announce_next = true;
        // The next renewal would be minutes away.
        state.lease_ms = 1_000_000;
    }
    eventually("it renews", || {
        let state = world.logic.state.lock();
        let said = state.renewals.last().unwrap();
        !said.announcing && said.announcements == 1
    })
    .await;
    assert_eq!(world.logic.state.lock().announced.len(), 2);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn departures_wait_for_logic() {
    let world = start().await;
    world.logic.state.lock().fail_disconnect = true;
    let client = world.v1(1).await;
    drop(client);
    eventually("the room is left", || !world.logic.state.lock().entered.contains_key("1")).await;
    assert!(world.logic.state.lock().disconnects.is_empty());
    world.logic.state.lock().fail_disconnect = false;
    eventually("the session is gone", || world.logic.state.lock().sessions.is_empty()).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_without_a_request_does_not_hold_up_a_drain() {
    let world = start().await;
    let _opened_in_advance = tokio::net::TcpStream::connect(world.addresses.http).await.unwrap();
    let handle = world.handle.clone();
    eventually("it is open", || handle.connections() == 1).await;
    let started = std::time::Instant::now();
    world.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// The client goes while its authentication is under way: logic has recorded a session, so it must be told of its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_before_its_greeting_departs_too() {
    let world = start().await;
    let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
    let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
    let client = world.connect(1, Some("oort.v1")).await;
    eventually("hello is being read", || world.logic.state.lock().calls.contains(&"hello")).await;
    drop(client);
    drop(held);
    eventually("logic is told", || world.logic.state.lock().disconnects.len() == 1).await;
    eventually("and the room is left", || world.logic.state.lock().entered.is_empty()).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_are_pinged_and_then_closed() {
    let limits = Config { ping_interval_ms: 100, silence_limit_ms: 400, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    // Answers pings, as a library does while it reads: it stays.
    let mut alive = world.v1(1).await;
    let reader = tokio::spawn(async move {
        let mut pings = 0;
        while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, alive.socket.next()).await {
            pings += usize::from(matches!(message, Message::Ping(_)));
            if pings == 12 {
                return true;
            }
        }
        false
    });
    let mut silent = world.v1(2).await;
    // Nothing is read, so no ping is answered.
    let metrics = world.handle.metrics().clone();
    eventually("it is closed", || metrics.closed_for("silent") == 1).await;
    let (code, _) = silent.closed().await;
    assert_eq!(code, 1001);
    assert!(reader.await.unwrap(), "three times the silence limit, and still there");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_token_and_is_told_before() {
    let world = start_with(Config { token_grace_ms: 300, ..config() }, Scripted::new()).await;
    let mut without = world.v1(3).await;
    world.logic.state.lock().token_life_ms = 100;
    let mut v1 = world.v1(1).await;
    let mut classic = world.classic(2).await;
    let mut packets = Goim::live(&world, true, AUTH).await;
    let hint = v1.next().await;
    assert_eq!((&hint["type"], &hint["payload"]["reason"]), (&json!("reconnect"), &json!("token_expired")));
    assert!(hint["payload"]["afterMs"].as_u64().unwrap() < 150, "{hint}");
    for client in [&mut v1, &mut classic] {
        assert_eq!(client.closed().await, (1008, "unauthenticated".to_owned()));
    }
    packets.ended().await;
    assert_eq!(world.handle.metrics().closed_for("token_ended"), 3);
    without.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_token_where_that_is_set() {
    let limits = Config { token_grace_ms: 0, ping_interval_ms: 200, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    world.logic.state.lock().token_life_ms = 1;
    let mut client = world.v1(1).await;
    // Longer than its token lived.
    let next = tokio::time::timeout(PATIENCE, client.socket.next()).await.unwrap();
    assert!(matches!(next.unwrap().unwrap(), Message::Ping(_)));
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_tells_everybody_and_logic() {
    let world = start().await;
    let mut v1 = world.v1(1).await;
    let mut classic = world.classic(2).await;
    let mut goim = Goim::live(&world, true, AUTH).await;
    let logic = world.logic.clone();
    let (http, handle) = (world.addresses.http, world.handle.clone());
    world.shutdown.cancel();
    let hint = v1.next().await;
    assert_eq!((&hint["type"], &hint["payload"]["reason"]), (&json!("reconnect"), &json!("draining")));
    assert!(hint["payload"]["afterMs"].as_u64().unwrap() < 5_000);
    assert_eq!(v1.closed().await.0, 1001);
    assert_eq!(classic.closed().await.0, 1001);
    goim.ended().await;
    drop((v1, classic, goim));
    assert!(!handle.is_ready());
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap().unwrap();
    let state = logic.state.lock();
    assert!(state.renewals.last().unwrap().draining);
    assert_eq!((state.disconnects.len(), state.sessions.len(), state.entered.len()), (3, 0, 0));
    assert!(std::net::TcpStream::connect(http).is_err(), "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_waits_for_departures_that_are_being_told() {
    let world = start().await;
    let logic = world.logic.clone();
    let held = Arc::new(Semaphore::new(0));
    logic.state.lock().held_disconnects = Some(held.clone());
    drop(world.v1(1).await);
    eventually("logic is being told", || logic.state.lock().calls.contains(&"disconnect")).await;
    let http = world.addresses.http;
    world.shutdown.cancel();
    eventually("the shards have ended", || std::net::TcpStream::connect(http).is_err()).await;
    held.add_permits(1);
    tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap().unwrap();
    let state = logic.state.lock();
    assert_eq!((state.disconnects.len(), state.entered.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_keeps_its_deadline_with_clients_that_do_not_go() {
    let world = start_with(Config { drain_deadline_ms: 1_000, ..config() }, Scripted::new()).await;
    let _deaf = world.v1(1).await;
    let started = std::time::Instant::now();
    let logic = world.logic.clone();
    world.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(1_500));
    assert_eq!(logic.state.lock().disconnects.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_comet_of_the_same_name_ends_this_one() {
    let world = start().await;
    let mut client = world.v1(1).await;
    world.logic.state.lock().superseded = true;
    assert_eq!(client.closed().await.0, 1001);
    let ended = tokio::time::timeout(PATIENCE, world.running).await.unwrap().unwrap();
    assert!(matches!(ended, Err(Error::Superseded(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_and_taken_ports_are_told_at_the_start() {
    let world = start().await;
    let parts = || oort_comet::Parts {
        logic: std::sync::Arc::new(Scripted::new()),
        pages: oort_comet::pages::no_pages(),
    };
    let mut registry = oort_api::metrics::Registry::default();
    let faulty = Config { shards: 100, rpc_timeout_ms: 0, ..config() };
    let error = oort_comet::Service::build(faulty, parts(), &mut registry).await.unwrap_err();
    assert!(matches!(&error, Error::Config(faults) if faults.len() == 2), "{error}");
    let taken = Config { grpc_listen: world.addresses.grpc, ..config() };
    let error = oort_comet::Service::build(taken, parts(), &mut registry).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
    let mut job = world.job("j");
    job.push(vec![to_room(1, 1)]).await;
    world.stop().await.unwrap();
}
