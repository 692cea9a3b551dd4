//! Order and duplicates of one conversation.

use crate::world::{World, config, eventually, join, message, push, with_pipeline};

#[tokio::test]
async fn messages_of_racing_logic_nodes_arrive_in_order_and_once() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    // Before the start: the window of the conversation begins with 1 even so.
    world.publish([2, 1].map(message)).await;
    let job = world.start(config());
    eventually("the first two arrive", || comet.seqs().len() == 2).await;
    for seq in [4, 3, 3, 4, 1, 6, 5] {
        world.publish([message(seq)]).await;
    }
    eventually("all arrive", || comet.seqs().len() >= 6).await;
    world.committed().await;
    assert_eq!(comet.seqs(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(job.metric("duplicates"), 3);
    job.stop().await;
}

#[tokio::test]
async fn a_record_without_a_value_means_nothing() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(config());
    world.publish_bytes(&[]).await;
    world.publish([message(1)]).await;
    eventually("the message arrives", || comet.seqs() == [1]).await;
    world.committed().await;
    assert_eq!(job.metric("dead_letters"), 0);
    job.stop().await;
}

#[tokio::test]
async fn a_seq_that_stays_away_is_waited_for_a_moment_and_welcome_later() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(with_pipeline(|pipeline| pipeline.reorder_wait_ms = 50));
    world.publish([1, 3].map(message)).await;
    eventually("3 arrives", || comet.seqs() == [1, 3]).await;
    assert_eq!(job.metric("held_give_ups"), 1);
    world.publish([message(2)]).await;
    eventually("2 arrives", || comet.seqs() == [1, 3, 2]).await;
    world.committed().await;
    job.stop().await;
}

#[tokio::test]
async fn the_offset_does_not_pass_a_message_that_is_held() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    let job = world.start(with_pipeline(|pipeline| pipeline.reorder_wait_ms = 3_600_000));
    world.publish([1, 3].map(message)).await;
    let other = |seq| oort_api::pb::goim::logic::PushMsg { conversation: 8, ..message(seq) };
    world.publish([other(1), other(2)]).await;
    eventually("the other conversation is not held up", || comet.seqs() == [1, 1, 2]).await;
    eventually("1 is committed, 3 holds back the rest", || world.bus.backlog() == 3).await;
    assert_eq!(job.metric("records_held"), 1);
    job.kill().await;
    let next = world.start(config());
    world.committed().await;
    // The next job cannot know that 1 and 2 went before it, so 3 waits once more.
    assert_eq!(comet.seqs()[3..], [1, 2, 3]);
    next.stop().await;
}

/// An event of a conversation or a push that is published again, as after an unknown outcome.
#[tokio::test]
async fn what_has_no_seq_is_delivered_as_often_as_it_was_published() {
    let world = World::new();
    let comet = world.comet("a").await;
    world.enter(&comet, "7").await;
    world.connect(&comet, 5, 1).await;
    let job = world.start(config());
    let records = || [push(&[5]), message(1), join(&[5])];
    world.publish(records().into_iter().chain(records())).await;
    world.committed().await;
    assert_eq!(comet.seqs(), [0, 1, 0, 0, 0], "the message alone is known again");
    assert_eq!(job.metric("duplicates"), 1);
    job.stop().await;
}
