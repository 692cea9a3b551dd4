//! Offsets follow acks.

use std::time::Duration;

use oort_job::Config;
use tokio::task::yield_now;
use tokio::time::Instant;

use oort_api::pb::goim::logic::PushMsg;

use crate::world::{World, config, eventually, message, with_pipeline};

#[tokio::test]
async fn what_was_not_acked_before_a_crash_is_pushed_again() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    comet.set_acking(false);
    let job = world.start(config());
    world.publish((1..=3).map(message)).await;
    eventually("the comet has them", || comet.seqs() == [1, 2, 3]).await;
    assert_eq!(world.bus.backlog(), 3);
    job.kill().await;
    comet.set_acking(true);
    assert_eq!(world.bus.backlog(), 3);
    let next = world.start(config());
    world.committed().await;
    assert_eq!(comet.seqs(), [1, 2, 3, 1, 2, 3]);
    let jobs: Vec<String> = comet.batches().into_iter().map(|batch| batch.job_id).collect();
    assert_ne!(jobs.first(), jobs.last(), "each start has its own id");
    next.stop().await;
}

#[tokio::test]
async fn a_drain_waits_for_acks_and_commits() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    comet.set_acking(false);
    let job = world.start(config());
    world.publish((1..=3).map(message)).await;
    eventually("the comet has them", || comet.seqs() == [1, 2, 3]).await;
    job.shutdown.cancel();
    comet.set_acking(true);
    job.stop().await;
    assert_eq!(world.bus.backlog(), 0);
}

#[tokio::test]
async fn a_drain_ends_in_time_without_acks_and_commits_nothing_of_them() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(Config { drain_ms: 50, ..config() });
    world.publish([message(1)]).await;
    world.committed().await;
    comet.set_acking(false);
    world.publish([message(2)]).await;
    eventually("the comet has it", || comet.seqs() == [1, 2]).await;
    let begun = Instant::now();
    job.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(world.bus.backlog(), 1);
}

#[tokio::test]
async fn partitions_move_to_another_job_and_nothing_is_missed() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let first = world.start(config());
    let second = world.start(config());
    for seq in 1..=20 {
        world.publish([message(seq)]).await;
    }
    first.stop().await;
    for seq in 21..=40 {
        world.publish([message(seq)]).await;
    }
    world.committed().await;
    let mut seqs = comet.seqs();
    seqs.dedup();
    assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
    second.stop().await;
}

#[tokio::test]
async fn a_job_that_stops_reads_on_until_no_message_waits_for_an_earlier_one() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.enter(&comet, "8").await;
    let patient = with_pipeline(|pipeline| pipeline.reorder_wait_ms = 60_000);
    let first = world.start(patient);
    let elsewhere = |seq| PushMsg { room: "8".into(), conversation: 8, ..message(seq) };
    world.publish([message(1), message(3), elsewhere(1)]).await;
    eventually("what does not wait is pushed", || comet.seqs() == [1, 1]).await;
    let mut stopping = std::pin::pin!(first.stop());
    // Long enough for the pipeline to have heard of it.
    for _ in 0..100 {
        assert!(futures_util::poll!(&mut stopping).is_pending());
        yield_now().await;
    }
    world.publish([message(2), elsewhere(2)]).await;
    stopping.await;
    let second = world.start(config());
    world.publish([message(4)]).await;
    world.committed().await;
    let mut pushed: Vec<_> = comet
        .deliveries()
        .into_iter()
        .map(|delivery| (delivery.room, delivery.frame.map(|frame| frame.message_seq)))
        .collect();
    pushed.sort();
    let expected = [("7", 1), ("7", 2), ("7", 3), ("7", 4), ("8", 1), ("8", 2)];
    assert_eq!(pushed, expected.map(|(room, seq)| (room.to_owned(), Some(seq))), "each once");
    second.stop().await;
}

#[tokio::test]
async fn readiness_names_what_does_not_answer() {
    let world = World::new();
    let mut registry = oort_api::metrics::Registry::default();
    let parts = oort_job::Parts {
        consumer: world.bus.consumer("job"),
        producer: world.bus.producer(),
        directory: world.directory.clone(),
        dialer: world.comets.clone(),
    };
    let service = oort_job::Service::build(config(), parts, &mut registry).expect("builds");
    let failing = async || {
        let checks = service.checks().await;
        checks.into_iter().filter(|check| check.error.is_some()).map(|check| check.name).collect::<Vec<_>>()
    };
    assert_eq!(failing().await, Vec::<&str>::new());
    world.directory.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(failing().await, ["directory"]);
}
