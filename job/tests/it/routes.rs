//! Where records go, and what happens to those that go nowhere.

use std::sync::atomic::Ordering;
use std::time::Duration;

use oort_api::directory::Directory as _;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_job::Config;

use crate::world::{World, config, eventually, message, push};

#[tokio::test]
async fn a_user_who_moved_meanwhile_is_followed_once() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.connect(&a, 5, 1).await;
    world.connect(&a, 6, 1).await;
    a.set_missing(&[5]);
    a.set_acking(false);
    let job = world.start(config());
    world.publish([push(&[5, 6])]).await;
    eventually("the first comet has it", || a.deliveries().len() == 1).await;
    world.disconnect(&a, 5, 1).await;
    world.connect(&b, 5, 2).await;
    assert_eq!(world.bus.backlog(), 1);
    a.set_acking(true);
    eventually("the second comet has it", || b.deliveries().len() == 1).await;
    assert_eq!(b.deliveries()[0].user_ids, [5]);
    world.committed().await;
    assert_eq!((job.metric("rerouted"), a.deliveries().len()), (1, 1));
    job.stop().await;
}

#[tokio::test]
async fn a_user_who_moved_is_followed_also_by_a_job_that_stops() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.connect(&a, 5, 1).await;
    a.set_missing(&[5]);
    a.set_acking(false);
    let job = world.start(Config { drain_ms: 60_000, ..config() });
    world.publish([push(&[5])]).await;
    eventually("the first comet has it", || a.deliveries().len() == 1).await;
    world.disconnect(&a, 5, 1).await;
    world.connect(&b, 5, 2).await;
    world.directory.is_down.store(true, Ordering::SeqCst);
    let failures = job.metric("directory_failures");
    a.set_acking(true);
    job.counted("directory_failures", failures + 2).await;
    job.shutdown.cancel();
    job.counted("directory_failures", failures + 4).await;
    world.directory.is_down.store(false, Ordering::SeqCst);
    job.stop().await;
    assert_eq!((b.deliveries().len(), world.bus.backlog()), (1, 0));
}

/// What was looked up before the move comes behind what was looked up after it.
#[tokio::test]
async fn what_follows_a_user_who_moved_comes_out_of_order() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.connect(&a, 5, 1).await;
    a.set_missing(&[5]);
    a.set_acking(false);
    let to_user = |seq| PushMsg { conversation: 7, seq, ..push(&[5]) };
    let job = world.start(config());
    world.publish([to_user(1)]).await;
    eventually("the first comet has it", || a.seqs() == [1]).await;
    world.disconnect(&a, 5, 1).await;
    world.connect(&b, 5, 2).await;
    world.publish([to_user(2)]).await;
    eventually("the next goes by the new route", || b.seqs() == [2]).await;
    a.set_acking(true);
    world.committed().await;
    assert_eq!((a.seqs(), b.seqs()), (vec![1], vec![2, 1]));
    job.stop().await;
}

#[tokio::test]
async fn a_user_missed_twice_or_without_a_new_route_is_not_online() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.connect(&a, 5, 1).await;
    a.set_missing(&[5]);
    b.set_missing(&[5]);
    let job = world.start(config());
    world.publish([push(&[5])]).await;
    world.committed().await;
    assert_eq!((job.metric("not_online"), job.metric("rerouted")), (1, 0));
    a.set_acking(false);
    world.publish([push(&[5])]).await;
    eventually("the first comet has it", || a.deliveries().len() == 2).await;
    world.disconnect(&a, 5, 1).await;
    world.connect(&b, 5, 2).await;
    a.set_acking(true);
    world.committed().await;
    assert_eq!((job.metric("not_online"), job.metric("rerouted")), (2, 1));
    assert_eq!((a.deliveries().len(), b.deliveries().len()), (2, 1));
    job.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_a_dead_letter_and_the_rest_goes_on() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(config());
    world.publish_bytes(b"\xff\xff\xff").await;
    world.publish([PushMsg { operation: 1, ..PushMsg::default() }, message(1)]).await;
    eventually("the sound one arrives", || comet.seqs() == [1]).await;
    world.committed().await;
    let letters = world.bus.dead_letters();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, ["not a goim.logic.PushMsg", "a push to nobody"]);
    assert_eq!(&letters[0].record.value[..], b"\xff\xff\xff");
    assert_eq!(job.metric("dead_letters"), 2);
    job.stop().await;
}

#[tokio::test]
async fn a_broadcast_reaches_every_comet_at_its_part_of_the_speed() {
    let world = World::new();
    let broadcast = PushMsg { r#type: Type::Broadcast.into(), speed: 100, ..push(&[]) };
    let job = world.start(config());
    world.publish([broadcast.clone()]).await;
    world.committed().await;
    let comets = [world.comet("a").await, world.comet("b").await];
    world.publish([broadcast]).await;
    for comet in &comets {
        eventually("it arrives", || comet.deliveries().len() == 1).await;
        assert_eq!((comet.deliveries()[0].speed, comet.deliveries()[0].r#type()), (50, Type::Broadcast));
    }
    world.committed().await;
    job.stop().await;
}

#[tokio::test]
async fn a_record_may_name_its_comet_as_in_goim() {
    let world = World::new();
    let comets = [world.comet("a").await, world.comet("b").await];
    let job = world.start(config());
    let direct = |server: &str| PushMsg {
        server: server.into(),
        keys: vec!["k".into()],
        operation: 1000,
        ..PushMsg::default()
    };
    world.publish([direct("b"), direct("nobody")]).await;
    world.committed().await;
    assert_eq!((comets[0].deliveries().len(), comets[1].deliveries().len()), (0, 1));
    assert_eq!(comets[1].deliveries()[0].keys, ["k"]);
    assert_eq!(job.metric("not_online"), 1);
    job.stop().await;
}

#[tokio::test]
async fn while_the_directory_is_down_the_partition_waits_and_loses_nothing() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(config());
    world.publish([message(1)]).await;
    world.committed().await;
    world.directory.is_down.store(true, Ordering::SeqCst);
    world.publish((2..=10).map(message)).await;
    let failures = job.metric("directory_failures");
    job.counted("directory_failures", failures + 5).await;
    assert_eq!((comet.seqs(), job.metric("shares_abandoned")), (vec![1], 0));
    world.directory.is_down.store(false, Ordering::SeqCst);
    eventually("all arrive", || comet.seqs() == (1..=10).collect::<Vec<_>>()).await;
    world.committed().await;
    job.stop().await;
}

#[tokio::test]
async fn a_poll_is_looked_up_in_one_call() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.connect(&comet, 5, 1).await;
    world.publish((1..=500).flat_map(|seq| [message(seq), push(&[5])])).await;
    let job = world.start(config());
    world.committed().await;
    assert_eq!(comet.deliveries().len(), 1000);
    assert_eq!(world.directory.route_calls.load(Ordering::SeqCst), 1);
    job.stop().await;
}

#[tokio::test]
async fn the_list_of_comets_is_read_again_only_when_they_change() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(Config { lease_poll_ms: 3_600_000, ..config() });
    let lists = || world.directory.list_calls.load(Ordering::SeqCst);
    world.publish([message(1)]).await;
    world.committed().await;
    let before = lists();
    for seq in 2..=20 {
        world.publish([message(seq)]).await;
        world.committed().await;
    }
    assert_eq!(lists(), before);
    let other = world.comet("b").await;
    world.enter(&other, "7").await;
    world.publish([message(21)]).await;
    world.committed().await;
    assert_eq!((other.seqs(), comet.seqs().len()), (vec![21], 21));
    assert!(lists() > before);
    job.stop().await;
}

#[tokio::test]
async fn a_comet_that_is_gone_has_the_list_read_once_and_gets_everything_while_its_stream_is_open() {
    let world = World::new();
    let (gone, lapsed) = (world.comet("gone").await, world.comet("lapsed").await);
    for comet in [&gone, &lapsed] {
        world.enter(comet, "7").await;
    }
    let job = world.start(Config { lease_poll_ms: 3_600_000, lease_gone_after_ms: 3_600_000, ..config() });
    let lists = || world.directory.list_calls.load(Ordering::SeqCst);
    let publish = async |seqs: std::ops::RangeInclusive<i64>| {
        let before = lists();
        for seq in seqs {
            world.publish([message(seq)]).await;
            world.committed().await;
        }
        lists() - before
    };
    publish(1..=1).await;
    world.directory.retire(&gone.reference()).await.expect("retires");
    assert_eq!(publish(2..=20).await, 1, "it has retired");
    world.directory.renew(&lapsed.info(), Duration::ZERO).await.expect("renews");
    assert_eq!(publish(21..=40).await, 1, "a lease has ended");
    let all: Vec<i64> = (1..=40).collect();
    assert_eq!((gone.seqs(), lapsed.seqs()), (all.clone(), all));
    assert_eq!(job.metric("not_online"), 0);
    job.stop().await;
}

#[tokio::test]
async fn while_every_comet_is_reached_only_the_census_is_read() {
    let world = World::new();
    let comet = world.comet("a").await;
    let job = world.start(Config { lease_poll_ms: 1, ..config() });
    job.counted("comets_connected", 1).await;
    let lists = || world.directory.list_calls.load(Ordering::SeqCst);
    let census = || world.directory.census_calls.load(Ordering::SeqCst);
    // A look that began before the stream was open reads the list.
    let begun = census();
    eventually("it has ended", || census() >= begun + 3).await;
    let (before, begun) = (lists(), census());
    eventually("it looks", || census() >= begun + 20).await;
    assert_eq!(lists(), before);
    comet.set_reachable(false);
    eventually("the list is read, as its lease may be gone", || lists() > before).await;
    comet.set_reachable(true);
    let other = world.comet("b").await;
    world.enter(&other, "7").await;
    job.counted("comets_connected", 2).await;
    world.publish([message(1)]).await;
    world.committed().await;
    assert_eq!(other.seqs(), [1]);
    job.stop().await;
}
