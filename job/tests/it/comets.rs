//! Comets that come, go, and break.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oort_api::directory::{CometInfo, Directory as _};
use oort_api::pb::goim::logic::push_msg::Effect;
use oort_api::pb::oort::v1::PushBatch;
use oort_job::{AckStream, CometDialer, Config};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;
use tonic::{Status, async_trait};

use crate::comet::{Comets, OnBatch};
use crate::world::{World, config, eventually, join, message, push};

#[tokio::test]
async fn an_unreachable_comet_does_not_delay_the_other_and_gets_all_when_it_is_back() {
    let world = World::new();
    let (lost, well) = (world.comet("lost").await, world.comet("well").await);
    world.enter(&lost, "7").await;
    world.enter(&well, "7").await;
    lost.set_reachable(false);
    let job = world.start(config());
    let all: Vec<i64> = (1..=100).collect();
    for seq in &all {
        world.publish([message(*seq)]).await;
    }
    eventually("the other has all", || well.seqs() == all).await;
    assert_eq!((world.bus.backlog(), lost.seqs().len()), (100, 0));
    lost.set_reachable(true);
    world.committed().await;
    assert_eq!(lost.seqs(), all);
    assert_eq!(job.metric("resyncs"), 0);
    job.stop().await;
}

#[tokio::test]
async fn when_the_lease_is_gone_the_offset_goes_on() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    comet.set_reachable(false);
    let job = world.start(config());
    world.publish((1..=3).map(message)).await;
    job.counted("deliveries_waiting", 3).await;
    assert_eq!(world.bus.backlog(), 3);
    world.directory.retire(&comet.reference()).await.expect("retires");
    world.committed().await;
    assert_eq!((job.metric("shares_abandoned"), comet.seqs().len()), (3, 0));
    job.stop().await;
}

#[tokio::test]
async fn a_wiped_directory_ends_no_comet_whose_stream_is_open() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    comet.set_acking(false);
    let job = world.start(Config { lease_gone_after_ms: 0, ..config() });
    world.publish([message(1)]).await;
    eventually("the comet has it", || comet.seqs() == [1]).await;
    world.directory.inner.wipe();
    // Many looks at the directory later it still waits for the ack.
    sleep(Duration::from_millis(200)).await;
    assert_eq!((world.bus.backlog(), job.metric("shares_abandoned")), (1, 0));
    comet.set_acking(true);
    world.committed().await;
    job.stop().await;
}

#[tokio::test]
async fn a_comet_given_over_for_dead_that_comes_back_is_told_to_resync() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    comet.set_reachable(false);
    let job = world.start(config());
    world.publish([message(1)]).await;
    job.counted("deliveries_waiting", 1).await;
    world.directory.inner.wipe();
    world.committed().await;
    comet.set_reachable(true);
    world.renew(&comet).await;
    eventually("it is told", || comet.batches().iter().any(|batch| batch.resync)).await;
    job.stop().await;
}

/// It is told to resync, which shows its clients what they missed, and enters nobody into a room.
#[tokio::test]
async fn a_join_for_a_comet_given_over_for_dead_is_lost_though_it_comes_back() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.connect(&comet, 5, 1).await;
    comet.record_joins_in(&world.directory);
    comet.set_reachable(false);
    let job = world.start(config());
    world.publish([join(&[5])]).await;
    job.counted("deliveries_waiting", 1).await;
    world.directory.inner.wipe();
    world.committed().await;
    comet.set_reachable(true);
    world.renew(&comet).await;
    world.connect(&comet, 5, 1).await;
    eventually("it is told", || comet.batches().iter().any(|batch| batch.resync)).await;
    world.publish([message(1), push(&[5])]).await;
    eventually("what follows arrives", || comet.deliveries().iter().any(|found| found.user_ids == [5])).await;
    world.committed().await;
    assert!(comet.deliveries().iter().all(|delivery| delivery.effect() == Effect::None));
    job.stop().await;
}

#[tokio::test]
async fn a_stream_that_flaps_loses_nothing_and_keeps_the_order() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let pattern = [OnBatch::Ack, OnBatch::CutAfter, OnBatch::CutBefore, OnBatch::CutAfter];
    comet.set_script(pattern.into_iter().cycle().take(40));
    let mut config = config();
    config.link.batch_deliveries_max = 3;
    config.link.window_batches = 3;
    config.link.reconnect_min_ms = 1;
    config.link.reconnect_max_ms = 2;
    let job = world.start(config);
    let all: Vec<i64> = (1..=300).collect();
    for seq in &all {
        world.publish([message(*seq)]).await;
    }
    world.committed().await;
    assert_eq!(comet.seqs(), all);
    assert!(job.metric("batches_resent") > 0);
    job.stop().await;
}

/// Half open: the connection is there, and no ack comes through.
#[tokio::test]
async fn a_stream_that_went_silent_is_opened_anew_and_nothing_is_lost_or_told_twice() {
    let world = World::new();
    let (silent, well) = (world.comet("silent").await, world.comet("well").await);
    world.enter(&silent, "7").await;
    world.enter(&well, "7").await;
    silent.set_script([OnBatch::Ack, OnBatch::SilentAfter, OnBatch::Ack, OnBatch::SilentBefore]);
    let mut config = config();
    config.link.ack_timeout_ms = 100;
    config.link.batch_deliveries_max = 3;
    let job = world.start(config);
    let all: Vec<i64> = (1..=60).collect();
    for seq in &all {
        world.publish([message(*seq)]).await;
    }
    eventually("the other has all", || well.seqs() == all).await;
    world.committed().await;
    assert_eq!(silent.seqs(), all);
    assert!(job.metric("ack_timeouts") >= 2);
    assert_eq!(job.metric("resyncs"), 0);
    job.stop().await;
}

#[tokio::test]
async fn the_share_of_a_comet_that_restarted_ends_with_its_old_incarnation() {
    let world = World::new();
    let old = world.comet("a").await;
    world.enter(&old, "7").await;
    let job = world.start(Config { lease_gone_after_ms: 3_600_000, ..config() });
    let new = world.comets.add("a", 2);
    world.publish([message(1)]).await;
    job.counted("stream_failures", 1).await;
    assert_eq!(world.bus.backlog(), 1);
    world.renew(&new).await;
    world.enter(&new, "7").await;
    world.committed().await;
    assert_eq!(job.metric("shares_abandoned"), 1);
    world.publish([message(2)]).await;
    eventually("the new one gets what follows", || new.seqs() == [2]).await;
    job.stop().await;
}

#[tokio::test]
async fn a_batch_a_comet_cannot_read_does_not_stand_in_the_way_for_ever() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.connect(&comet, 5, 1).await;
    comet.set_unreadable(1000);
    let job = world.start(config());
    world.publish([push(&[5])]).await;
    job.counted("batches_refused", 1).await;
    world.publish([message(1)]).await;
    eventually("the next one arrives", || comet.seqs() == [1]).await;
    world.committed().await;
    assert!(comet.batches().iter().any(|batch| batch.resync && batch.deliveries.is_empty()));
    job.stop().await;
}

/// A way to comets that takes a while, and for ever to those whose name begins so.
#[derive(Debug)]
struct Slow {
    comets: Arc<Comets>,
    opening: AtomicUsize,
    opening_most: AtomicUsize,
}

#[async_trait]
impl CometDialer for Slow {
    async fn open(&self, info: &CometInfo, batches: mpsc::Receiver<PushBatch>) -> Result<AckStream, Status> {
        if info.comet.id.starts_with("silent") {
            pending::<()>().await;
        }
        let opening = self.opening.fetch_add(1, Ordering::SeqCst) + 1;
        self.opening_most.fetch_max(opening, Ordering::SeqCst);
        for _ in 0..20 {
            yield_now().await;
        }
        self.opening.fetch_sub(1, Ordering::SeqCst);
        self.comets.open(info, batches).await
    }
}

fn slow(world: &World) -> Arc<Slow> {
    Arc::new(Slow {
        comets: Arc::clone(&world.comets),
        opening: AtomicUsize::default(),
        opening_most: AtomicUsize::default(),
    })
}

#[tokio::test]
async fn of_many_streams_a_few_are_opened_at_a_time() {
    let world = World::new();
    for number in 0..50 {
        world.comet(&format!("comet-{number}")).await;
    }
    let dialer = slow(&world);
    let mut config = config();
    config.link.opening_max = 3;
    config.link.opening_turn_ms = 3_600_000;
    let job = world.start_with(config, Arc::clone(&dialer) as Arc<dyn CometDialer>);
    job.counted("comets_connected", 50).await;
    assert_eq!(dialer.opening_most.load(Ordering::SeqCst), 3);
    job.stop().await;
}

#[tokio::test]
async fn comets_that_do_not_answer_keep_no_stream_from_opening() {
    let world = World::new();
    for number in 0..20 {
        world.comet(&format!("silent-{number}")).await;
    }
    let mut config = config();
    config.link.opening_max = 1;
    config.link.opening_turn_ms = 1;
    config.link.open_timeout_ms = 3_600_000;
    let job = world.start_with(config, slow(&world));
    let well = world.comet("well").await;
    world.enter(&well, "7").await;
    world.publish([message(1)]).await;
    world.committed().await;
    assert_eq!(well.seqs(), [1]);
    job.stop().await;
}
