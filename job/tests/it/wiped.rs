//! The directory lost what it knew: nobody whose comet is reached misses anything.

use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_job::Config;

use crate::world::{Job, World, config, eventually, message, push};

/// Counters that stay as they are when nothing is looked for in vain.
fn vain(job: &Job) -> (i64, i64) {
    (job.metric("not_online"), job.metric("rerouted"))
}

#[tokio::test]
async fn whoever_has_an_open_stream_gets_everything_after_a_wipe() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.enter(&a, "7").await;
    world.connect(&a, 5, 1).await;
    b.set_missing(&[5]);
    let job = world.start(config());
    job.counted("comets_connected", 2).await;
    world.publish([message(1), push(&[5])]).await;
    world.committed().await;
    assert_eq!((a.seqs(), b.seqs(), job.metric("unsettled_shares")), (vec![1, 0], vec![], 0));

    world.directory.inner.wipe();
    let broadcast = PushMsg { r#type: Type::Broadcast.into(), speed: 10, ..push(&[]) };
    world.publish([message(2), push(&[5]), broadcast]).await;
    world.committed().await;
    for deliveries in [a.deliveries().split_off(2), b.deliveries()] {
        let [to_room, to_user, to_all] = &deliveries[..] else { panic!("not all of it: {deliveries:?}") };
        assert_eq!((to_room.room.as_str(), to_room.r#type()), ("7", Type::Room));
        assert_eq!((&to_user.user_ids[..], to_user.r#type()), (&[5][..], Type::Push));
        assert_eq!((to_all.speed, to_all.r#type()), (5, Type::Broadcast));
    }
    assert_eq!((job.metric("unsettled_shares"), vain(&job)), (4, (0, 0)));
    job.stop().await;
}

#[tokio::test]
async fn a_comet_that_is_announcing_gets_everything_until_it_has_ended() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.enter(&a, "7").await;
    let job = world.start(config());
    job.counted("comets_connected", 2).await;
    world.directory.inner.wipe();
    world.renew(&a).await;
    world.enter(&a, "7").await;
    world.renew_announcing(&b).await;
    world.publish([message(1)]).await;
    world.committed().await;
    assert_eq!((a.seqs(), b.seqs(), vain(&job)), (vec![1], vec![1], (0, 0)));

    world.announced(&b).await;
    // What was read before that says that it is announcing.
    world.publish([message(2)]).await;
    world.committed().await;
    let (guessed, taken) = (job.metric("unsettled_shares"), b.seqs());
    world.publish([message(3), push(&[5])]).await;
    world.committed().await;
    assert_eq!((a.seqs(), b.seqs()), (vec![1, 2, 3], taken));
    assert_eq!((job.metric("unsettled_shares"), job.metric("not_online")), (guessed, 1));
    job.stop().await;
}

#[tokio::test]
async fn a_wipe_that_was_healed_between_two_reads_is_seen() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(Config { lease_poll_ms: 60_000, ..config() });
    world.publish([message(1)]).await;
    world.committed().await;
    world.directory.inner.wipe();
    world.renew_announcing(&comet).await;
    world.announced(&comet).await;
    // Its room is not there, as for a look-up made before it was announced.
    world.publish([message(2)]).await;
    world.committed().await;
    assert_eq!((comet.seqs(), vain(&job)), (vec![1, 2], (0, 0)));
    world.publish([message(3)]).await;
    world.committed().await;
    assert_eq!((comet.seqs(), vain(&job)), (vec![1, 2], (1, 0)));
    job.stop().await;
}

#[tokio::test]
async fn a_lost_comet_without_a_stream_is_told_to_resync() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(Config { lease_gone_after_ms: 60_000, ..config() });
    job.counted("comets_connected", 1).await;
    comet.set_reachable(false);
    eventually("the stream is gone", || job.metric("comets_connected") == 0).await;
    world.directory.inner.wipe();
    world.publish([message(1)]).await;
    world.committed().await;
    assert_eq!(comet.batches().len(), 0);
    comet.set_reachable(true);
    eventually("it is told", || comet.batches().iter().any(|batch| batch.resync)).await;
    job.stop().await;
}

/// Two faults at once: a job that never had a stream to a comet does not know that there is one.
#[tokio::test]
async fn a_job_that_starts_over_a_wiped_directory_finds_nobody_until_a_comet_renews() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(config());
    world.publish([message(1)]).await;
    world.committed().await;
    job.kill().await;
    world.directory.inner.wipe();
    let next = world.start(config());
    world.publish([message(2), push(&[5])]).await;
    world.committed().await;
    assert_eq!((comet.seqs(), vain(&next)), (vec![1], (2, 0)));
    // It has announced nothing yet, and is given everything all the same.
    world.renew_announcing(&comet).await;
    next.counted("comets_connected", 1).await;
    world.publish([message(3)]).await;
    world.committed().await;
    assert_eq!(comet.seqs(), [1, 3]);
    next.stop().await;
}
