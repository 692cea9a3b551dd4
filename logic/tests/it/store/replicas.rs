//! Reads at a real replica: what it answers, and what is answered when it is behind, gone, or another server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_logic::store::metrics::{AtPrimary, AtReplica, WhyPrimary};
use oort_logic::store::mysql::{MysqlStore, ReplicaSettings, Settings};
use oort_logic::store::{Metrics, Page, Range, Store};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::fixture::{Fixture, conversation, say, user};
use super::plans::contract;
use crate::support::pair::Pair;

/// Tests that are not about what is read, and one that takes long.
const PASSED_OVER: [&str; 2] = ["migrations::", "groups::a_group_of_a_hundred_thousand"];

/// Tests run at once.
const AT_ONCE: usize = 4;

/// Longest wait for a replica that is started or goes on.
const PATIENCE: Duration = Duration::from_secs(60);

/// The servers, for one test at a time.
async fn alone() -> (Arc<Pair>, MutexGuard<'static, ()>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    // First: it stays while somebody waits for it.
    let pair = Pair::shared();
    (pair, ONE_AT_A_TIME.lock().await)
}

/// A replica that is well always gets there in time.
fn patient() -> ReplicaSettings {
    ReplicaSettings { wait_max_ms: 4_000, call_timeout_ms: 3_000, rest_ms: 10, ..ReplicaSettings::default() }
}

/// One that is not is found out at once, and tried again soon.
fn quick() -> ReplicaSettings {
    ReplicaSettings { wait_max_ms: 100, rest_ms: 20, ..ReplicaSettings::default() }
}

/// What the replica of `pair` answered.
fn at_replica(metrics: &Metrics, pair: &Pair) -> u64 {
    let replica = pair.replica_url().rsplit('@').next().expect("an address").to_owned();
    metrics.replica_reads.get_or_create(&AtReplica { replica }).get()
}

fn at_primary(metrics: &Metrics, why: WhyPrimary) -> u64 {
    metrics.primary_reads.get_or_create(&AtPrimary { why }).get()
}

async fn newest(store: &Arc<dyn Store>) -> Page {
    store.history(conversation(1), Range::Newest, 10).await.expect("a read is always answered")
}

/// Reads until the replica answers. It may have to start first, on a machine that does other things.
async fn until_it_answers(store: &Arc<dyn Store>, metrics: &Metrics, pair: &Pair) {
    let (before, give_up) = (at_replica(metrics, pair), Instant::now() + PATIENCE);
    while at_replica(metrics, pair) == before {
        assert!(Instant::now() < give_up, "the replica answers nothing within {PATIENCE:?}: {metrics:?}");
        newest(store).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_where_a_replica_answers_reads() {
    let (pair, _alone) = alone().await;
    let metrics = Metrics::default();
    contract(&PASSED_OVER, AT_ONCE, |scenario| {
        let (pair, metrics) = (Arc::clone(&pair), metrics.clone());
        // A search reads several times, and has a time of its own.
        let replicas = ReplicaSettings { wait_max_ms: 200, ..quick() };
        async move { scenario(Fixture::replicated(&pair, replicas, &metrics).await).await }
    })
    .await;
    assert!(at_replica(&metrics, &pair) > 100, "{metrics:?}");
    assert_eq!(at_primary(&metrics, WhyPrimary::Unfit), 0);
    assert_eq!(at_primary(&metrics, WhyPrimary::NoPosition), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_answers_with_what_was_just_written() {
    let (pair, _alone) = alone().await;
    let fixture = Fixture::replicated(&pair, patient(), &Metrics::default()).await;
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    let ada = user(&writer, "ada").await;
    for seq in 1..=50 {
        assert_eq!(say(&writer, conversation(1), &ada, "x").await, seq);
        let page = newest(&reader).await;
        assert_eq!((page.head, page.messages[0].seq), (seq, seq));
    }
    assert_eq!(at_replica(&fixture.metrics, &pair), 50);
    let states = reader.replicas().await;
    assert_eq!((states.len(), &states[0].fault), (1, &None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_hides_nothing() {
    let (pair, _alone) = alone().await;
    let fixture = Fixture::replicated(&pair, quick(), &Metrics::default()).await;
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    let ada = user(&writer, "ada").await;
    say(&writer, conversation(1), &ada, "before").await;
    until_it_answers(&reader, &fixture.metrics, &pair).await;
    pair.tell_replica("STOP REPLICA SQL_THREAD");
    for seq in 2..=20 {
        assert_eq!(say(&writer, conversation(1), &ada, "x").await, seq);
        let page = newest(&reader).await;
        assert_eq!((page.head, page.messages[0].seq), (seq, seq));
    }
    assert!(at_primary(&fixture.metrics, WhyPrimary::Behind) > 0);
    assert!(at_primary(&fixture.metrics, WhyPrimary::Resting) > 0, "it is not waited for each time");
    let fault = reader.replicas().await.remove(0).fault.expect("a fault");
    assert!(fault.contains("SQL thread says No"), "{fault}");
    pair.tell_replica("START REPLICA SQL_THREAD");
    until_it_answers(&reader, &fixture.metrics, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_comes_and_goes_under_load_hides_nothing() {
    let (pair, _alone) = alone().await;
    let fixture = Fixture::replicated(&pair, quick(), &Metrics::default()).await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (mut people, enough) = (JoinSet::new(), CancellationToken::new());
    for room in 1..=4 {
        let (writer, reader, ada) = (fixture.open().await, fixture.open().await, ada.clone());
        let enough = enough.clone();
        people.spawn(async move {
            let mut known = 0;
            while !enough.is_cancelled() {
                let seq = say(&writer, conversation(room), &ada, "x").await;
                let page =
                    reader.history(conversation(room), Range::After(known), 200).await.expect("answers");
                let seqs: Vec<i64> = page.messages.iter().map(|message| message.seq).collect();
                assert_eq!(seqs, (known + 1..=page.head).collect::<Vec<_>>(), "whole up to its head");
                assert!(page.head >= seq, "{} < {seq}", page.head);
                known = page.head;
            }
        });
    }
    let metrics = &fixture.metrics;
    for _ in 0..4 {
        pair.tell_replica("STOP REPLICA SQL_THREAD");
        until_more(metrics, || at_primary(metrics, WhyPrimary::Behind)).await;
        pair.tell_replica("START REPLICA SQL_THREAD");
        until_more(metrics, || at_replica(metrics, &pair)).await;
    }
    enough.cancel();
    people.join_all().await;
}

/// Its threads work, and its disk does not: the position is there at once, and what is read never comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_answers_no_read_is_left_alone() {
    let (pair, _alone) = alone().await;
    let settings = ReplicaSettings { call_timeout_ms: 100, ..quick() };
    let fixture = Fixture::replicated(&pair, settings, &Metrics::default()).await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    say(&store, conversation(1), &ada, "x").await;
    let metrics = &fixture.metrics;
    until_it_answers(&store, metrics, &pair).await;
    let database: Option<String> =
        fixture.mysql_connection().await.query_first("SELECT DATABASE()").await.expect("answers");
    let database = format!("{}/{}", pair.replica_url(), database.expect("one"));
    let mut lock = Conn::from_url(database).await.expect("connects");
    lock.query_drop("LOCK TABLES messages WRITE").await.expect("locks");
    let begun = at_replica(metrics, &pair);
    while at_primary(metrics, WhyPrimary::Resting) == 0 {
        assert_eq!(newest(&store).await.head, 1);
    }
    assert!(at_primary(metrics, WhyPrimary::Slow) >= 3, "{metrics:?}");
    assert_eq!(at_replica(metrics, &pair), begun);
    lock.disconnect().await.expect("unlocks");
    until_it_answers(&store, metrics, &pair).await;
}

/// Waits until something has been counted once more, by whoever is at it.
async fn until_more(metrics: &Metrics, count: impl Fn() -> u64) {
    let (before, give_up) = (count(), Instant::now() + PATIENCE);
    while count() == before {
        assert!(Instant::now() < give_up, "nothing within {PATIENCE:?}: {metrics:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_or_hangs_costs_a_moment() {
    let (pair, _alone) = alone().await;
    let fixture = Fixture::replicated(&pair, quick(), &Metrics::default()).await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    say(&store, conversation(1), &ada, "before").await;
    for (seq, (breaks, mends)) in (2..).zip([("kill", "start"), ("pause", "resume")]) {
        until_it_answers(&store, &fixture.metrics, &pair).await;
        pair.replica(breaks);
        assert_eq!(say(&store, conversation(1), &ada, "x").await, seq);
        for _ in 0..5 {
            assert_eq!(newest(&store).await.head, seq, "after {breaks}");
        }
        // A store may begin while it is away.
        assert_eq!(newest(&fixture.open().await).await.head, seq, "after {breaks}");
        let unanswered = at_primary(&fixture.metrics, WhyPrimary::Unreachable)
            + at_primary(&fixture.metrics, WhyPrimary::Slow)
            + at_primary(&fixture.metrics, WhyPrimary::Failed);
        assert!(unanswered > 0, "{:?}", fixture.metrics);
        pair.replica(mends);
    }
    until_it_answers(&store, &fixture.metrics, &pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_replica_of_the_database_is_not_read() {
    let (pair, _alone) = alone().await;
    let metrics = Metrics::default();
    let fixture = Fixture::replicated(&pair, quick(), &metrics).await;
    let other = Fixture::replicated(&pair, quick(), &metrics).await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    say(&store, conversation(1), &ada, "x").await;
    until_it_answers(&store, &metrics, &pair).await;

    // One that takes writes is nobody's replica.
    pair.tell_replica("SET GLOBAL read_only = 0");
    let before = at_replica(&metrics, &pair);
    assert_eq!(newest(&store).await.head, 1);
    assert_eq!((at_replica(&metrics, &pair), at_primary(&metrics, WhyPrimary::Unfit)), (before, 1));
    pair.tell_replica("SET GLOBAL read_only = 1");

    // Nor is another database that is further than any position.
    let replicas = other.mysql_settings().replicas.clone();
    let settings = Settings { replicas, ..fixture.mysql_settings().clone() };
    let misled = MysqlStore::open(&settings, &fixture.metrics).await.expect("opens");
    assert_eq!(newest(&misled).await.head, 1);
    assert_eq!((at_replica(&metrics, &pair), at_primary(&metrics, WhyPrimary::Unfit)), (before, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_without_a_log_answers_itself() {
    let plain = Fixture::mysql().await;
    let mut settings = plain.mysql_settings().clone();
    settings.replicas = ReplicaSettings { urls: vec![settings.url.clone()], ..quick() };
    let store = MysqlStore::open(&settings, &plain.metrics).await.expect("opens");
    assert_eq!(newest(&store).await.head, 0);
    assert_eq!(at_primary(&plain.metrics, WhyPrimary::NoPosition), 1);
    let fault = store.replicas().await.remove(0).fault.expect("a fault");
    assert!(fault.contains("log_bin"), "{fault}");
}
