//! Comets that cannot take what is for them.

use oort_job::Config;

use crate::comet::ScriptedComet;
use crate::world::{World, config, eventually, message, with_pipeline};

fn small_queues() -> Config {
    let mut config = config();
    config.link.queue_deliveries_max = 10;
    config.link.batch_deliveries_max = 4;
    config.link.window_batches = 1;
    config.pipeline.slow_comet_wait_ms = 50;
    config
}

async fn two_comets(world: &World) -> (std::sync::Arc<ScriptedComet>, std::sync::Arc<ScriptedComet>) {
    let (lame, well) = (world.comet("lame").await, world.comet("well").await);
    world.enter(&lame, "7").await;
    world.enter(&well, "7").await;
    (lame, well)
}

/// It got a part of what there was, in order, up to the newest, and was told
/// to resync no later than with what came behind the hole.
fn assert_made_good(lame: &ScriptedComet, newest: i64) {
    let seqs = lame.seqs();
    assert!(seqs.is_sorted() && seqs.last() == Some(&newest), "{seqs:?}");
    let mut is_told = false;
    let mut last = 0;
    for batch in lame.batches() {
        is_told |= batch.resync;
        for frame in batch.deliveries.iter().flat_map(|delivery| &delivery.frame) {
            assert!(is_told || frame.message_seq == last + 1, "a hole before {} untold", frame.message_seq);
            last = frame.message_seq;
        }
    }
    assert!(is_told);
}

#[tokio::test]
async fn the_queue_of_an_unreachable_comet_drops_its_oldest_and_owes_a_resync() {
    let world = World::new();
    let (lame, well) = two_comets(&world).await;
    lame.set_reachable(false);
    let job = world.start(small_queues());
    for seq in 1..=50 {
        world.publish([message(seq)]).await;
    }
    eventually("the other has all", || well.seqs().len() == 50).await;
    assert_eq!(well.seqs(), (1..=50).collect::<Vec<_>>());
    assert!(job.metric("shares_overflowed") >= 40);
    assert!(world.bus.backlog() <= 10, "dropped shares are finished");
    lame.set_reachable(true);
    world.committed().await;
    assert_made_good(&lame, 50);
    assert_eq!(job.metric("resyncs"), 1);
    job.stop().await;
}

#[tokio::test]
async fn a_comet_that_is_connected_but_stuck_is_waited_for_a_moment_then_resynced() {
    let world = World::new();
    let (lame, well) = two_comets(&world).await;
    let job = world.start(small_queues());
    world.publish([message(1)]).await;
    world.committed().await;
    lame.set_acking(false);
    for seq in 2..=50 {
        world.publish([message(seq)]).await;
    }
    eventually("the other has all", || well.seqs() == (1..=50).collect::<Vec<_>>()).await;
    job.counted("shares_overflowed", 1).await;
    lame.set_acking(true);
    world.committed().await;
    assert_made_good(&lame, 50);
    job.stop().await;
}

#[tokio::test]
async fn a_comet_that_is_slow_but_keeps_up_in_time_loses_nothing() {
    let world = World::new();
    let (slow, well) = two_comets(&world).await;
    let mut config = small_queues();
    config.pipeline.slow_comet_wait_ms = 10_000;
    slow.set_acking(false);
    let job = world.start(config);
    world.publish((1..=50).map(message)).await;
    job.counted("comets_connected", 2).await;
    eventually("its queue is full", || job.metric("deliveries_waiting") >= 10).await;
    slow.set_acking(true);
    world.committed().await;
    assert_eq!(slow.seqs(), (1..=50).collect::<Vec<_>>());
    assert_eq!(well.seqs(), (1..=50).collect::<Vec<_>>());
    assert_eq!((job.metric("resyncs"), job.metric("shares_overflowed")), (0, 0));
    job.stop().await;
}

#[tokio::test]
async fn a_partition_full_of_one_comets_shares_goes_on_without_it() {
    let world = World::new();
    let (lame, well) = two_comets(&world).await;
    lame.set_reachable(false);
    let job = world.start(with_pipeline(|pipeline| {
        pipeline.poll_records_max = 5;
        pipeline.in_flight_records_max = 20;
        pipeline.held_records_max = 10;
        pipeline.slow_comet_wait_ms = 3_600_000;
    }));
    // An unreachable comet is not waited for; that it is has to be seen first.
    job.counted("stream_failures", 1).await;
    world.publish((1..=100).map(message)).await;
    eventually("the other has all", || well.seqs() == (1..=100).collect::<Vec<_>>()).await;
    world.committed().await;
    assert_eq!(job.metric("comet_give_ups"), 1);
    lame.set_reachable(true);
    eventually("it is told to resync", || lame.batches().iter().any(|batch| batch.resync)).await;
    world.publish([message(101)]).await;
    eventually("what follows arrives", || lame.seqs().last() == Some(&101)).await;
    assert_made_good(&lame, 101);
    job.stop().await;
}

/// The offsets have moved on and the debt was in memory: whoever was on that comet is told nothing.
#[tokio::test]
async fn a_job_that_dies_takes_the_resync_it_owes_with_it() {
    let world = World::new();
    let (lame, well) = two_comets(&world).await;
    lame.set_reachable(false);
    let job = world.start(small_queues());
    for seq in 1..=50 {
        world.publish([message(seq)]).await;
    }
    eventually("the other has all", || well.seqs().len() == 50).await;
    eventually("dropped shares are finished", || world.bus.backlog() <= 10).await;
    job.kill().await;
    lame.set_reachable(true);
    let next = world.start(small_queues());
    world.publish([message(51)]).await;
    world.committed().await;
    let seqs = lame.seqs();
    assert!(seqs[0] > 40 && seqs.last() == Some(&51), "what was given up does not come: {seqs:?}");
    assert!(lame.batches().iter().all(|batch| !batch.resync), "nobody is told");
    assert_eq!(next.metric("resyncs"), 0);
    next.stop().await;
}
