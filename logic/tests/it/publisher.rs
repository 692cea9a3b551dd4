//! From the outbox to the bus: nothing lost, nothing out of order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use oort_api::Code;
use oort_api::bus::Record;
use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::User;
use oort_logic::store::{OutboxRow, Range, Store};
use oort_logic::{publisher, relay};
use tokio_util::sync::CancellationToken;

use crate::support::bus::TestBus;
use crate::support::store::TestStore;
use crate::support::{Path, PathConfig, message, messages, room, sqlite, until, user};

/// A running send path; ends with the test.
struct Running {
    path: Arc<Path>,
    abort: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.abort.cancel();
        self.path.batcher.close();
    }
}

async fn start(config: PathConfig, store: Arc<dyn Store>, bus: Arc<TestBus>) -> Running {
    let path = Arc::new(Path::new(config, store, bus));
    path.relay.renew().await.expect("a lease");
    let abort = CancellationToken::new();
    let (writer, publisher, relay) = (path.clone(), path.publisher.clone(), path.relay.clone());
    tokio::spawn(async move { writer.batcher.run().await });
    let stop = abort.clone();
    tokio::spawn(async move { publisher.run(CancellationToken::new(), stop).await });
    let stop = abort.clone();
    tokio::spawn(async move { relay.run(stop).await });
    Running { path, abort }
}

fn quick() -> PathConfig {
    PathConfig {
        publisher: publisher::Config { retry_min_ms: 1, retry_max_ms: 5, ..publisher::Config::default() },
        relay: relay::Config {
            interval_ms: 20,
            lease_ms: 5_000,
            recheck_intervals: 5,
            ..relay::Config::default()
        },
        ..PathConfig::default()
    }
}

/// The first time each message came, in order.
fn firsts(records: &[Record]) -> Vec<i64> {
    let mut seen = Vec::new();
    for message in messages(records) {
        if !seen.contains(&message.seq) {
            seen.push(message.seq);
        }
    }
    seen
}

async fn send(path: &Path, room: ConversationId, sender: &User, n: usize) {
    path.batcher.append(vec![message(room, sender, &format!("m{n}"))]).await.expect("stored");
}

#[tokio::test]
async fn with_the_bus_down_sends_go_on_and_are_published_in_order_later() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    let mut config = quick();
    config.publisher.queue_rows_max = 3;
    config.publisher.page_rows = 4;
    let running = start(config, store.clone(), bus.clone()).await;

    send(&running.path, room, &anna, 1).await;
    until("the first is published", async || bus.taken().len() == 1).await;
    bus.is_down.store(true, Ordering::Relaxed);
    for n in 2..=30 {
        send(&running.path, room, &anna, n).await;
    }
    until("the failure is seen", async || running.path.metrics.publish_failures.get() > 0).await;
    assert_eq!(bus.taken().len(), 1);
    bus.is_down.store(false, Ordering::Relaxed);
    until("all are published", async || firsts(&bus.taken()).len() == 30).await;
    assert_eq!(firsts(&bus.taken()), (1..=30).collect::<Vec<i64>>());
    assert!(running.path.metrics.publish_spills.get() > 0);

    // And from memory again.
    until("it has caught up", async || running.path.metrics.publish_behind.get() == 0).await;
    for n in 31..=60 {
        send(&running.path, room, &anna, n).await;
    }
    until("the rest is published", async || firsts(&bus.taken()).len() == 60).await;
    assert_eq!(firsts(&bus.taken()), (1..=60).collect::<Vec<i64>>());
    until("the outbox is empty", async || store.outbox_backlog(0).await.expect("read").0 == 0).await;
}

/// Sends until it is refused; returns how many were stored.
async fn send_until_refused(path: &Path, room: ConversationId, sender: &User, from: usize) -> usize {
    for n in from.. {
        match path.batcher.append(vec![message(room, sender, &format!("m{n}"))]).await {
            Ok(_) => assert!(n - from < 1000, "it is never refused"),
            Err(refusal) => {
                assert_eq!(refusal.code, Code::Overloaded);
                assert!(
                    refusal.retry_after_ms.is_some() && refusal.message.contains("the bus is away"),
                    "{refusal}"
                );
                return n - from;
            }
        }
    }
    unreachable!("it is refused")
}

#[tokio::test]
async fn a_bus_that_stays_away_is_waited_for_up_to_the_bound() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    let mut config = quick();
    config.publisher.backlog.rows_max = 8;
    let running = start(config, store.clone(), bus.clone()).await;
    let metrics = &running.path.metrics;
    bus.is_down.store(true, Ordering::Relaxed);
    // Fewer when the table was looked at meanwhile, never more.
    let stored = send_until_refused(&running.path, room, &anna, 1).await;
    assert!((1..=8).contains(&stored), "{stored}");
    assert!(metrics.outbox_refusals.get() >= 1);
    until("the gauges show it", async || {
        let rows = usize::try_from(metrics.unpublished_rows.get()).expect("some");
        rows == stored && metrics.unpublished_bytes.get() > 0 && metrics.unpublished_oldest.get() > 0.0
    })
    .await;
    // Whatever adds to it is refused, and history goes on.
    let again = running.path.batcher.append(vec![message(room, &anna, "more")]).await;
    assert_eq!(again.expect_err("full").code, Code::Overloaded);
    let page = store.history(room, Range::After(0), 100).await.expect("read");
    assert_eq!(page.messages.len(), stored, "nothing half done");

    bus.is_down.store(false, Ordering::Relaxed);
    until("it is taken again", async || {
        running.path.batcher.append(vec![message(room, &anna, "back")]).await.is_ok()
    })
    .await;
    until("all are published", async || firsts(&bus.taken()).len() == stored + 1).await;
    assert!(firsts(&bus.taken()).is_sorted(), "in order");
    until("nothing waits", async || {
        metrics.unpublished_rows.get() == 0 && metrics.unpublished_bytes.get() == 0
    })
    .await;
}

#[tokio::test]
async fn bytes_are_bounded_as_well() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    let mut config = quick();
    config.publisher.backlog.bytes_max = 1000;
    let running = start(config, store.clone(), bus.clone()).await;
    bus.is_down.store(true, Ordering::Relaxed);
    send_until_refused(&running.path, room, &anna, 1).await;
    let bytes = running.path.metrics.unpublished_bytes.get();
    assert!((1000..2000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn rows_that_another_took_over_are_not_waited_for() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    bus.is_down.store(true, Ordering::Relaxed);
    let mut config = quick();
    config.publisher.backlog.rows_max = 5;
    let running = start(config, store.clone(), bus.clone()).await;
    let stored = send_until_refused(&running.path, room, &anna, 1).await;
    // Another node takes them, as it may when this one's lease is over.
    assert!(stored > 0);
    until("they are taken over", async || {
        store.outbox_renew(&running.path.owner, 0).await.expect("given back");
        store.outbox_adopt("another", 100).await.expect("taken over") > 0
    })
    .await;
    bus.is_down.store(false, Ordering::Relaxed);
    until("none is counted any longer", async || running.path.metrics.unpublished_rows.get() == 0).await;
}

#[tokio::test]
async fn rows_of_a_process_that_died_are_published_by_another() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    // The first process commits, but dies before it publishes.
    let dead = Arc::new(Path::new(quick(), store.clone(), bus.clone()));
    store.outbox_renew(&dead.owner, 300).await.expect("a lease");
    let writer = {
        let dead = dead.clone();
        tokio::spawn(async move { dead.batcher.run().await })
    };
    for n in 1..=5 {
        send(&dead, room, &anna, n).await;
    }
    dead.batcher.close();
    writer.await.expect("ended");
    assert!(bus.taken().is_empty());

    let running = start(quick(), store.clone(), bus.clone()).await;
    send(&running.path, room, &anna, 6).await;
    until("the other's rows are taken over", async || messages(&bus.taken()).len() == 6).await;
    let mut seqs: Vec<i64> = messages(&bus.taken()).iter().map(|message| message.seq).collect();
    assert_eq!(seqs.iter().filter(|&&seq| seq < 6).copied().collect::<Vec<i64>>(), [1, 2, 3, 4, 5]);
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6], "each once");
    assert_eq!(running.path.metrics.outbox_adopted.get(), 5);
    until("the outbox is empty", async || store.outbox_backlog(0).await.expect("read").0 == 0).await;
}

#[tokio::test]
async fn rows_of_a_living_process_are_its_own() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    let living = Path::new(quick(), store.clone(), bus.clone());
    store.outbox_renew(&living.owner, 60_000).await.expect("a lease");
    store.append(&living.owner, &[message(room, &anna, "a")], &[], 1).await.expect("stored");
    let running = start(quick(), store.clone(), bus.clone()).await;
    let before = running.path.metrics.outbox_rows.get();
    assert_eq!(before, 0);
    until("the relay has looked", async || running.path.metrics.outbox_rows.get() == 1).await;
    send(&running.path, room, &anna, 2).await;
    until("its own is published", async || messages(&bus.taken()).len() == 1).await;
    assert_eq!(running.path.metrics.outbox_adopted.get(), 0);
}

#[tokio::test]
async fn a_commit_nobody_heard_of_is_published() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::open(inner.clone());
    let bus = TestBus::new();
    let running = start(quick(), store.clone(), bus.clone()).await;
    send(&running.path, room, &anna, 1).await;
    store.loses_an_answer.store(true, Ordering::Relaxed);
    running.path.batcher.append(vec![message(room, &anna, "lost")]).await.expect_err("in doubt");
    assert_eq!(running.path.metrics.commits_in_doubt.get(), 1);
    until("it is published all the same", async || firsts(&bus.taken()).len() == 2).await;
    send(&running.path, room, &anna, 3).await;
    until("and so is what follows", async || firsts(&bus.taken()).len() == 3).await;
    assert_eq!(firsts(&bus.taken()), [1, 2, 3]);
}

#[tokio::test]
async fn a_row_left_in_the_table_alone_is_found() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    let running = start(quick(), store.clone(), bus.clone()).await;
    // Committed in this owner's name, but never handed over.
    store.append(&running.path.owner, &[message(room, &anna, "a")], &[], 1).await.expect("stored");
    until("it is published", async || messages(&bus.taken()).len() == 1).await;
}

#[tokio::test]
async fn what_the_bus_never_takes_does_not_stop_the_rest() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    bus.record_bytes_max.store(2000, Ordering::Relaxed);
    bus.records_max.store(2, Ordering::Relaxed);
    let running = start(quick(), store.clone(), bus.clone()).await;
    let mut batch: Vec<_> = (0..9).map(|n| message(room, &anna, &format!("m{n}"))).collect();
    batch[4].content = "x".repeat(5000);
    running.path.batcher.append(batch).await.expect("stored");
    running.path.publisher.push(OutboxRow { id: i64::MAX, payload: vec![0xff; 3].into() });
    send(&running.path, room, &anna, 10).await;
    until("the others are published", async || firsts(&bus.taken()).len() == 9).await;
    assert_eq!(firsts(&bus.taken()), [1, 2, 3, 4, 6, 7, 8, 9, 10]);
    assert_eq!(running.path.metrics.publish_too_large.get(), 1);
    until("the outbox is empty", async || store.outbox_backlog(0).await.expect("read").0 == 0).await;
}

/// Each message arrives, and after its last failure the bus has everything in
/// order: the last times messages came rise with their seqs.
#[tokio::test]
async fn whatever_fails_the_end_of_the_log_is_in_order() {
    for seed in 1..=12_u64 {
        let (_folder, inner) = sqlite();
        let anna = user(&*inner, "anna").await;
        let room = room(&*inner, "r", &anna).await;
        let store = TestStore::open(inner.clone());
        let bus = TestBus::seeded(seed.wrapping_mul(0x9e37_79b9));
        bus.one_in_fails.store(1 + seed % 5 + 1, Ordering::Relaxed);
        let mut config = quick();
        config.publisher.queue_rows_max = 1 + usize::try_from(seed).expect("small") % 4;
        config.publisher.window_publishes = 1 + usize::try_from(seed).expect("small") % 3;
        config.publisher.publish_records_max = 1 + usize::try_from(seed).expect("small") % 2 * 100;
        config.publisher.page_rows = 2;
        config.batch.rows_max = 1;
        let running = start(config, store.clone(), bus.clone()).await;
        let mut sends = tokio::task::JoinSet::new();
        for n in 1..=60 {
            let (path, message) = (running.path.clone(), message(room, &anna, &format!("m{n}")));
            sends.spawn(async move { path.batcher.append(vec![message]).await });
        }
        let mut lost = 0;
        for done in 1..=60 {
            // Committed, but nobody is told.
            store.loses_an_answer.store(done % 20 == 0, Ordering::Relaxed);
            lost += usize::from(sends.join_next().await.expect("60").expect("a task").is_err());
        }
        assert!(lost <= 3, "seed {seed}: only answers that were lost are refusals");
        until("the outbox is empty", async || inner.outbox_backlog(0).await.expect("read").0 == 0).await;
        let taken = messages(&bus.taken());
        let mut last: HashMap<i64, usize> = HashMap::new();
        for (place, message) in taken.iter().enumerate() {
            last.insert(message.seq, place);
        }
        let places: Vec<usize> = (1..=60)
            .map(|seq| *last.get(&seq).unwrap_or_else(|| panic!("seed {seed}: {seq} is lost")))
            .collect();
        assert!(places.is_sorted(), "seed {seed}: {places:?}");
    }
}

#[tokio::test]
async fn the_answer_to_a_change_of_rooms_comes_after_the_bus_has_it() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let bus = TestBus::new();
    let mut config = quick();
    config.publisher.told_wait_ms = 100;
    let running = start(config, store.clone(), bus.clone()).await;
    let create = async |name: String| {
        let (store, owner, anna) = (store.clone(), running.path.owner.clone(), anna.clone());
        let transaction = async move {
            let (room, row) = store.create_room(&owner, &name, &anna, 1).await?;
            Ok((room, Some(row)))
        };
        running.path.commits.run_and_publish(transaction).await.expect("committed")
    };
    for number in 1..=50 {
        create(format!("room {number}")).await;
        assert_eq!(bus.taken().len(), number);
    }
    assert_eq!(running.path.metrics.told_waits_expired.get(), 0);
    bus.is_down.store(true, Ordering::Relaxed);
    create("late".to_owned()).await;
    assert_eq!((bus.taken().len(), running.path.metrics.told_waits_expired.get()), (50, 1));
    bus.is_down.store(false, Ordering::Relaxed);
    until("it follows", async || bus.taken().len() == 51).await;
}
