//! Offsets follow acks.

use std::time::Duration;

use oort_job::Config;
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
async fn what_was_pushed_behind_a_message_that_waits_is_not_pushed_again_by_the_next_job() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.enter(&comet, "8").await;
    let patient = || with_pipeline(|pipeline| pipeline.reorder_wait_ms = 60_000);
    let first = world.start(patient());
    let elsewhere = |seq| PushMsg { room: "8".into(), conversation: 8, ..message(seq) };
    world.publish([message(1), message(3), elsewhere(1), elsewhere(2)]).await;
    eventually("what does not wait is pushed", || comet.seqs() == [1, 1, 2]).await;
    first.stop().await;
    assert_eq!(world.bus.backlog(), 3, "3 waits for 2, and the others stand behind it");
    world.publish([message(2), elsewhere(4), elsewhere(3)]).await;
    let second = world.start(patient());
    world.committed().await;
    assert_eq!(second.metric("passed_over"), 2);
    let of = |room: &str| -> Vec<i64> {
        let deliveries = comet.deliveries();
        let there = deliveries.iter().filter(|delivery| delivery.room == room);
        there.filter_map(|delivery| Some(delivery.frame.as_ref()?.message_seq)).collect()
    };
    assert_eq!(of("7"), [1, 2, 3]);
    assert_eq!(of("8"), [1, 2, 3, 4], "the order goes on from what the first job pushed");
    second.stop().await;
}

/// As when partitions move again at once: nothing is forgotten of what nobody read in between.
#[tokio::test]
async fn a_job_that_did_nothing_hands_on_what_it_found() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.enter(&comet, "8").await;
    let patient = || with_pipeline(|pipeline| pipeline.reorder_wait_ms = 60_000);
    let elsewhere = |seq| PushMsg { room: "8".into(), conversation: 8, ..message(seq) };
    let first = world.start(patient());
    world.publish([message(1), message(3)]).await;
    world.publish((1..=5).map(elsewhere)).await;
    eventually("what does not wait is pushed", || comet.seqs().len() == 6).await;
    first.stop().await;
    for _ in 0..2 {
        // Reads one record at a time, and stops when it has read some.
        let between = world.start(with_pipeline(|pipeline| {
            pipeline.reorder_wait_ms = 60_000;
            pipeline.start_wait_ms = 60_000;
            pipeline.poll_records_max = 1;
        }));
        between.counted("records_consumed", 2).await;
        between.stop().await;
    }
    world.publish([message(2)]).await;
    let last = world.start(patient());
    world.committed().await;
    assert_eq!(comet.seqs().len(), 8, "each once");
    last.stop().await;
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
