//! From a job's batches to clients: order, effects, acks.

use std::time::Duration;

use futures_util::StreamExt;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::oort::v1::comet_client::CometClient;
use oort_api::pb::oort::v1::{Delivery, Missing, PushBatch};
use oort_comet::Config;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

use crate::logic::Scripted;
use crate::world::{
    Client, Job, World, config, effect, eventually, push_frame, start, start_with, to_room, to_users,
};

/// A job over the network.
async fn grpc_job(world: &World, id: &str) -> Job {
    let address = format!("http://{}", world.addresses.grpc.expect("served"));
    let channel = Endpoint::from_shared(address).expect("valid").connect().await.expect("connects");
    let (batches, receiver) = tokio::sync::mpsc::channel(64);
    let mut client = CometClient::new(channel);
    let acks = client.push(ReceiverStream::new(receiver)).await.expect("opened").into_inner();
    Job { id: id.into(), next: 1, epoch: world.handle.comet().epoch, batches, acks: Box::pin(acks) }
}

async fn everyone_gets_everything_in_order(world: &World, mut job: Job, members: &mut [Client], from: i64) {
    const COUNT: i64 = 100;
    for seq in from..from + COUNT {
        job.send(vec![to_room(1, seq)]).await;
        if seq % 10 == 0 {
            for _ in 0..10 {
                job.ack().await.expect("acked");
            }
        }
    }
    let expected: Vec<(i64, i64)> = (from..from + COUNT).map(|seq| (1, seq)).collect();
    for member in members.iter_mut() {
        assert_eq!(member.seqs(expected.len()).await, expected);
    }
    assert!(world.handle.metrics().sends.get() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_members_on_two_shards_get_everything_in_order() {
    let world = start().await;
    let mut members = Vec::new();
    for user in 1..=200 {
        members.push(if user % 2 == 0 { world.v1(user).await } else { world.classic(user).await });
    }
    let local = world.job("local");
    everyone_gets_everything_in_order(&world, local, &mut members, 1).await;
    let remote = grpc_job(&world, "remote").await;
    everyone_gets_everything_in_order(&world, remote, &mut members, 101).await;
    world.stop().await.unwrap();
}

/// Many batches at once travel together: far fewer sends than frames, every conversation in order.
#[tokio::test(flavor = "multi_thread")]
async fn what_piles_up_travels_together_in_order() {
    let logic = Scripted::new();
    logic.state.lock().rooms = vec![1, 2];
    let world = start_with(config(), logic).await;
    let mut members = Vec::new();
    for user in 1..=20 {
        members.push(world.v1(user).await);
    }
    let sends_before = world.handle.metrics().sends.get();
    let frames_before = world.handle.metrics().frames_sent.get();
    let mut job = world.job("j");
    let mut deliveries = Vec::new();
    for seq in 1..=50 {
        deliveries.extend([to_room(1, seq), to_room(2, seq), to_users(&[1, 2], 3, seq)]);
    }
    job.push(deliveries).await;
    for (index, member) in members.iter_mut().enumerate() {
        let count = if index < 2 { 150 } else { 100 };
        let got = member.seqs(count).await;
        for conversation in 1..=3 {
            let seqs: Vec<i64> =
                got.iter().filter(|(of, _)| *of == conversation).map(|(_, seq)| *seq).collect();
            let expected: Vec<i64> = if conversation < 3 || index < 2 { (1..=50).collect() } else { vec![] };
            assert_eq!(seqs, expected);
        }
    }
    let frames = world.handle.metrics().frames_sent.get() - frames_before;
    let sends = world.handle.metrics().sends.get() - sends_before;
    assert_eq!(frames, 20 * 100 + 2 * 50);
    assert!(sends <= 20 * 4, "{sends} sends for {frames} frames");
    world.stop().await.unwrap();
}

/// Nobody waits for the members of a large room, also who is one of them; each conversation stays in order.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_few_is_sent_before_what_is_for_many() {
    let config = Config { shards: 1, sends_per_yield: 4, ..config() };
    let world = start_with(config, Scripted::new()).await;
    let mut members = Vec::new();
    for user in 1..=20 {
        members.push(world.v1(user).await);
    }
    let mut job = world.job("j");
    let some: Vec<i64> = (1..=5).collect();
    job.push(vec![to_room(1, 1), to_users(&[1, 2], 3, 1), to_room(1, 2), to_users(&[2], 3, 2)]).await;
    job.push(vec![to_room(1, 3), to_users(&some, 4, 1), to_users(&[1], 4, 2)]).await;
    let seqs = members[0].seqs(6).await;
    assert_eq!(seqs[..3], [(3, 1), (1, 1), (1, 2)]);
    let of = |conversation| seqs.iter().filter(move |(of, _)| *of == conversation).map(|(_, seq)| *seq);
    assert_eq!(of(4).collect::<Vec<_>>(), [1, 2], "it does not overtake what went to more");
    assert_eq!(members[1].seqs(4).await, [(3, 1), (3, 2), (1, 1), (1, 2)]);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_is_recorded_before_it_is_acked_and_a_leave_ends_it() {
    let world = start().await;
    let (mut in_room, mut other) = (world.v1(1).await, world.v1(2).await);
    let mut job = world.job("j");
    let ack = job.push(vec![effect(&[1, 50], 5, Effect::Join)]).await;
    assert_eq!(ack.missing, [Missing { delivery: 0, user_ids: vec![50], ..Missing::default() }]);
    assert!(world.logic.state.lock().entered.contains_key("5"));
    let event = in_room.next().await;
    assert_eq!((&event["type"], &event["payload"]["change"]), (&"conversation".into(), &"joined".into()));
    job.push(vec![to_room(5, 1)]).await;
    assert_eq!(in_room.seqs(1).await, [(5, 1)]);
    job.push(vec![effect(&[1], 5, Effect::Leave)]).await;
    assert_eq!(in_room.next().await["payload"]["change"], "left");
    let ack = job.push(vec![to_room(5, 2)]).await;
    assert!(ack.missing[0].room);
    eventually("the room is left", || !world.logic.state.lock().entered.contains_key("5")).await;
    in_room.sync().await;
    other.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_waits_until_the_directory_answers() {
    let world = start().await;
    let mut client = world.v1(1).await;
    world.logic.state.lock().fail_enter = true;
    let mut job = world.job("j");
    job.send(vec![effect(&[1], 5, Effect::Join)]).await;
    let early = tokio::time::timeout(Duration::from_millis(200), job.ack()).await;
    assert!(early.is_err(), "not recorded, not acked");
    world.logic.state.lock().fail_enter = false;
    job.ack().await.expect("acked");
    assert_eq!(client.next().await["type"], "conversation");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_open_room_is_entered_by_everybody_who_follows_them() {
    let world = start().await;
    let (mut v1, mut classic) = (world.v1(1).await, world.classic(2).await);
    let mut job = world.job("j");
    job.push(vec![effect(&[], 6, Effect::Join)]).await;
    assert_eq!(v1.next().await["type"], "conversation");
    let created = classic.next().await;
    assert_eq!((&created["type"], &created["payload"]["roomId"]), (&"serverCreateRoom".into(), &"6".into()));
    job.push(vec![to_room(6, 1)]).await;
    assert_eq!(v1.seqs(1).await, [(6, 1)]);
    assert_eq!(classic.seqs(1).await, [(6, 1)]);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_here_is_named() {
    let world = start().await;
    let mut client = world.v1(1).await;
    let key = client.hello["payload"]["session"]["key"].as_str().unwrap().to_owned();
    let mut job = world.job("j");
    let by_key = Delivery {
        frame: Some(push_frame(1000, "to a key")),
        r#type: Type::Push.into(),
        keys: vec![key.clone(), "nobody".into()],
        ..Delivery::default()
    };
    let ack = job.push(vec![to_room(1, 1), to_users(&[1, 5], 9, 1), to_room(8, 1), by_key]).await;
    assert_eq!(
        ack.missing,
        [
            Missing { delivery: 1, user_ids: vec![5], ..Missing::default() },
            Missing { delivery: 2, room: true, ..Missing::default() },
            Missing { delivery: 3, keys: vec!["nobody".into()], ..Missing::default() },
        ]
    );
    assert_eq!(client.seqs(2).await, [(1, 1), (9, 1)]);
    assert_eq!(client.next().await["payload"]["body"], "to a key");
    let excluded = Delivery { exclude_keys: vec![key], ..to_room(1, 2) };
    assert_eq!(job.push(vec![excluded]).await.missing, []);
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_batch_is_acked_and_not_delivered_again() {
    let world = start().await;
    let mut client = world.v1(1).await;
    let mut job = world.job("j");
    job.push(vec![to_room(1, 1)]).await;
    // The stream breaks; the job repeats what it does not know to be acked.
    let mut again = world.job("j");
    assert_eq!(again.push(vec![to_room(1, 1)]).await.batch, 1);
    again.push(vec![to_room(1, 2)]).await;
    assert_eq!(client.seqs(2).await, [(1, 1), (1, 2)]);
    assert_eq!(world.handle.metrics().repeated_batches.get(), 1);
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_another_epoch_is_refused() {
    let world = start().await;
    let mut job = world.job("j");
    job.push(vec![]).await;
    job.epoch += 1;
    job.send(vec![to_room(1, 1)]).await;
    assert_eq!(job.ack().await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    let mut job = grpc_job(&world, "k").await;
    job.epoch -= 1;
    job.send(vec![to_room(1, 1)]).await;
    assert_eq!(job.ack().await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_is_told_to_those_who_understand_and_ends_the_others() {
    let world = start().await;
    let (mut v1, mut classic) = (world.v1(1).await, world.classic(2).await);
    let mut job = world.job("j");
    let epoch = job.epoch;
    let resync =
        PushBatch { batch: 1, job_id: "j".into(), resync: true, comet_epoch: epoch, deliveries: vec![] };
    job.send_batch(resync).await;
    job.ack().await.expect("acked");
    let behind = v1.next().await;
    assert_eq!((&behind["type"], &behind["payload"]["rooms"]), (&"behind".into(), &serde_json::json!([])));
    assert_eq!(classic.closed().await.0, 1012);
    job.next = 2;
    job.push(vec![to_room(1, 1)]).await;
    assert_eq!(v1.seqs(1).await, [(1, 1)]);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_without_the_cluster_token_are_refused() {
    let token = secrecy::SecretString::from("s3cret");
    let world =
        start_with(oort_comet::Config { cluster_token: Some(token), ..config() }, Scripted::new()).await;
    let address = format!("http://{}", world.addresses.grpc.expect("served"));
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let refused = CometClient::new(channel).push(tokio_stream::iter([])).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    world.stop().await.unwrap();
}

/// One at a pace is acked when it begins. One too many holds its ack, and with it that of what came behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_paced_broadcast_too_many_holds_the_acks_behind_it_until_it_ends() {
    const MEMBERS: i64 = 30;
    let one = Config { shards: 1, paced_broadcasts_max: 1, ..config() };
    let world = start_with(one, Scripted::new()).await;
    let mut members = Vec::new();
    for user in 1..=MEMBERS {
        members.push(world.v1(user).await);
    }
    let metrics = world.handle.metrics().clone();
    let before = metrics.frames_sent.get();
    let paced = |body: &str| Delivery {
        frame: Some(push_frame(1000, body)),
        r#type: Type::Broadcast.into(),
        // One portion of one session at a time.
        speed: 1,
        ..Delivery::default()
    };
    let mut job = world.job("j");
    job.push(vec![paced("first")]).await;
    assert_eq!(metrics.frames_sent.get(), before, "it has not ended");
    job.send(vec![paced("second")]).await;
    job.send(vec![to_room(1, 1)]).await;
    let Job { batches: _open, mut acks, .. } = job;
    let sent = move || metrics.frames_sent.get() - before;
    let acked = tokio::spawn(async move {
        let batches = [acks.next().await, acks.next().await].map(|ack| ack.unwrap().unwrap().batch);
        (batches, sent())
    });
    // The message itself does not wait.
    for member in &mut members {
        while member.next().await["type"] != "serverMessages" {}
    }
    assert!(!acked.is_finished(), "nobody is told that it came");
    let (batches, sent) = acked.await.unwrap();
    assert_eq!(batches, [2, 3]);
    assert!(sent >= MEMBERS.cast_unsigned() * 3, "once the second broadcast has ended: {sent}");
    world.stop().await.unwrap();
}
