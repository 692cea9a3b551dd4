//! Membership changes: nothing overtakes them.

use oort_api::pb::goim::logic::push_msg::Effect;

use crate::world::{World, config, eventually, join, message, push, with_pipeline};

#[tokio::test]
async fn what_follows_a_join_is_routed_by_what_the_join_recorded() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.connect(&comet, 5, 1).await;
    comet.record_joins_in(&world.directory);
    comet.set_acking(false);
    let job = world.start(config());
    world.publish([message(1), join(&[5]), message(2)]).await;
    eventually("the join arrives", || comet.seqs() == [0]).await;
    assert_eq!(world.bus.backlog(), 2);
    comet.set_acking(true);
    eventually("the message after it arrives", || comet.seqs() == [0, 2]).await;
    world.committed().await;
    assert_eq!(comet.deliveries()[0].effect(), Effect::Join);
    assert_eq!((comet.deliveries()[0].room.as_str(), &comet.deliveries()[0].user_ids[..]), ("7", &[5][..]));
    job.stop().await;
}

#[tokio::test]
async fn a_join_waits_for_the_acks_of_all_before_it() {
    let world = World::new();
    let (a, b) = (world.comet("a").await, world.comet("b").await);
    world.connect(&a, 5, 1).await;
    world.connect(&b, 6, 1).await;
    b.set_acking(false);
    let job = world.start(with_pipeline(|pipeline| pipeline.fence_wait_ms = 3_600_000));
    world.publish([push(&[5, 6]), join(&[5]), push(&[5])]).await;
    eventually("both have the first", || a.seqs().len() == 1 && b.seqs().len() == 1).await;
    eventually("the first is acked by one", || job.metric("delivered") == 1).await;
    assert_eq!(a.deliveries().len(), 1, "the join has not been routed");
    b.set_acking(true);
    world.committed().await;
    let effects: Vec<Effect> = a.deliveries().iter().map(|delivery| delivery.effect()).collect();
    assert_eq!(effects, [Effect::None, Effect::Join, Effect::None]);
    job.stop().await;
}

#[tokio::test]
async fn an_unreachable_comet_holds_up_a_join_for_a_bounded_time_only() {
    let world = World::new();
    let (lost, well) = (world.comet("lost").await, world.comet("well").await);
    world.connect(&lost, 6, 1).await;
    world.connect(&well, 5, 1).await;
    well.record_joins_in(&world.directory);
    lost.set_reachable(false);
    let job = world.start(with_pipeline(|pipeline| pipeline.fence_wait_ms = 100));
    world.publish([join(&[5, 6]), message(1), join(&[5, 6]), message(2)]).await;
    eventually("the other goes on", || well.seqs() == [0, 1, 0, 2]).await;
    world.committed().await;
    assert_eq!(job.metric("fence_give_ups"), 1, "a comet given up is not waited for again");
    lost.set_reachable(true);
    eventually("the joins arrive even so", || lost.seqs() == [0, 0]).await;
    assert!(lost.batches().iter().any(|batch| batch.resync));
    job.stop().await;
}

/// The join waited in the memory of the job that gave the comet up, and so did the resync it owed.
#[tokio::test]
async fn a_job_that_dies_takes_the_join_that_waits_for_a_comet_with_it() {
    let world = World::new();
    let (lost, well) = (world.comet("lost").await, world.comet("well").await);
    world.connect(&lost, 6, 1).await;
    world.connect(&well, 5, 1).await;
    for comet in [&lost, &well] {
        comet.record_joins_in(&world.directory);
    }
    lost.set_reachable(false);
    let job = world.start(with_pipeline(|pipeline| pipeline.fence_wait_ms = 100));
    world.publish([join(&[5, 6]), message(1)]).await;
    eventually("the other goes on", || well.seqs() == [0, 1]).await;
    world.committed().await;
    job.kill().await;
    lost.set_reachable(true);
    let next = world.start(config());
    world.publish([message(2), push(&[6])]).await;
    eventually("it is reached again", || !lost.deliveries().is_empty()).await;
    world.committed().await;
    assert_eq!((well.seqs(), lost.seqs()), (vec![0, 1, 2], vec![0]), "the room is not entered there");
    assert_eq!(lost.deliveries()[0].effect(), Effect::None);
    assert!(lost.batches().iter().all(|batch| !batch.resync));
    next.stop().await;
}
