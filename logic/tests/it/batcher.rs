//! Group commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use oort_api::Code;
use oort_logic::batcher::Config;
use oort_logic::store::{Appended, Range};

use crate::support::bus::TestBus;
use crate::support::store::TestStore;
use crate::support::{Path, PathConfig, message, room, sqlite, until, user};

fn seq(appended: &Appended) -> i64 {
    match appended {
        Appended::Stored { seq, .. } | Appended::Duplicate { seq, .. } => seq.get(),
        other => panic!("{other:?}"),
    }
}

fn path(store: &Arc<TestStore>, batch: Config) -> Arc<Path> {
    let config = PathConfig { batch, ..PathConfig::default() };
    Arc::new(Path::new(config, store.clone(), TestBus::new()))
}

fn run(path: &Arc<Path>) -> tokio::task::JoinHandle<()> {
    let path = path.clone();
    tokio::spawn(async move { path.batcher.run().await })
}

#[tokio::test]
async fn what_waits_while_a_transaction_runs_goes_into_the_next_one() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner.clone());
    let path = path(&store, Config::default());
    let writer = run(&path);

    let mut sends = Vec::new();
    for n in 0..101 {
        let (path, messages) = (
            path.clone(),
            vec![message(room, &anna, &format!("m{n}")), message(room, &anna, &format!("n{n}"))],
        );
        sends.push(tokio::spawn(async move { path.batcher.append(messages).await }));
        if n == 0 {
            until("the first transaction runs", async || store.batches.lock().len() == 1).await;
        }
    }
    until("the others wait", async || path.metrics.batch_queue_messages.get() == 200).await;
    assert_eq!(path.publisher_rows(), 0, "nothing is handed over before its commit");
    store.turns.add_permits(2);

    let mut seqs = Vec::new();
    for send in sends {
        let appended = send.await.expect("a task").expect("stored");
        let pair: Vec<i64> = appended.iter().map(seq).collect();
        assert_eq!(pair[1], pair[0] + 1, "messages of one request are adjacent and in order");
        seqs.extend(pair);
    }
    assert_eq!(*store.batches.lock(), [2, 200]);
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=202).collect::<Vec<i64>>());
    assert_eq!(path.publisher_rows(), 2, "one outbox row a transaction");
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn a_transaction_takes_no_more_than_its_bounds() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner);
    let path = path(&store, Config { rows_max: 4, ..Config::default() });
    let sends: Vec<_> = (0..10)
        .map(|n| {
            let (path, messages) = (path.clone(), vec![message(room, &anna, &format!("m{n}"))]);
            tokio::spawn(async move { path.batcher.append(messages).await })
        })
        .collect();
    until("all wait", async || path.metrics.batch_queue_messages.get() == 10).await;
    let writer = run(&path);
    store.turns.add_permits(9);
    for send in sends {
        send.await.expect("a task").expect("stored");
    }
    assert_eq!(*store.batches.lock(), [4, 4, 2]);
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn a_full_queue_refuses_and_counts() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner);
    let config = Config { rows_max: 2, queue_messages_max: 2, ..Config::default() };
    let path = path(&store, config);
    let waiting = {
        let (path, messages) = (path.clone(), vec![message(room, &anna, "a"), message(room, &anna, "b")]);
        tokio::spawn(async move { path.batcher.append(messages).await })
    };
    until("two wait", async || path.metrics.batch_queue_messages.get() == 2).await;
    let refusal = path.batcher.append(vec![message(room, &anna, "c")]).await.expect_err("full");
    assert_eq!(refusal.code, Code::Overloaded);
    assert!(refusal.retry_after_ms.is_some());
    assert_eq!(path.metrics.batch_overloads.get(), 1);
    let writer = run(&path);
    store.turns.add_permits(9);
    waiting.await.expect("a task").expect("what waited is stored");
    path.batcher.append(vec![message(room, &anna, "c")]).await.expect("there is room again");
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn who_waits_too_long_is_told_so() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner);
    let path = path(&store, Config { wait_max_ms: 1, ..Config::default() });
    let writer = run(&path);
    let first = {
        let (path, messages) = (path.clone(), vec![message(room, &anna, "a")]);
        tokio::spawn(async move { path.batcher.append(messages).await })
    };
    until("the first transaction runs", async || store.batches.lock().len() == 1).await;
    let second = {
        let (path, messages) = (path.clone(), vec![message(room, &anna, "b")]);
        tokio::spawn(async move { path.batcher.append(messages).await })
    };
    until("the second waits", async || path.metrics.batch_queue_messages.get() == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    store.turns.add_permits(9);
    first.await.expect("a task").expect("stored");
    assert_eq!(second.await.expect("a task").expect_err("late").code, Code::Overloaded);
    assert_eq!(path.metrics.batch_expired.get(), 1);
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn a_store_that_is_down_refuses_everyone_and_a_repeat_stores_once() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::open(inner.clone());
    let path = path(&store, Config::default());
    let writer = run(&path);
    store.is_down.store(true, Ordering::Relaxed);
    let refusal = path.batcher.append(vec![message(room, &anna, "a")]).await.expect_err("down");
    assert_eq!(refusal.code, Code::Unavailable);
    assert!(refusal.retry_after_ms.is_some());
    assert_eq!(store.batches.lock().len(), 1, "it is not tried again behind the sender's back");
    store.is_down.store(false, Ordering::Relaxed);

    // This one is committed, but the answer is lost.
    store.loses_an_answer.store(true, Ordering::Relaxed);
    let refusal = path.batcher.append(vec![message(room, &anna, "a")]).await.expect_err("lost");
    assert_eq!(refusal.code, Code::Unavailable);
    let repeat = path.batcher.append(vec![message(room, &anna, "a")]).await.expect("stored");
    assert!(matches!(repeat[..], [Appended::Duplicate { .. }]), "{repeat:?}");
    let page = inner.history(room, Range::Newest, 10).await.expect("read");
    assert_eq!(page.messages.len(), 1);
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn groups_go_together_as_far_as_a_transaction_takes_them() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let (one, other) = (room(&*inner, "r", &anna).await, room(&*inner, "s", &anna).await);
    let store = TestStore::open(inner.clone());
    let wide = path(&store, Config { rows_max: 4, ..Config::default() });
    let wide_writer = run(&wide);
    let group = |room, name: &str, count: usize| -> Vec<_> {
        (0..count).map(|n| message(room, &anna, &format!("{name}{n}"))).collect()
    };
    let groups = vec![
        group(one, "a", 2),
        group(other, "b", 2),
        group(one, "c", 3),
        Vec::new(),
        group(one, "d", 2),
        group(other, "e", 1),
    ];
    let answers = wide.batcher.append_all(groups).await;
    let seqs: Vec<Vec<i64>> =
        answers.iter().map(|answer| answer.as_ref().expect("stored").iter().map(seq).collect()).collect();
    assert_eq!(seqs, [vec![1, 2], vec![1, 2], vec![3, 4, 5], vec![], vec![6, 7], vec![3]]);
    assert_eq!(*store.batches.lock(), [4, 3, 3], "no group is split");

    let small = path(&store, Config { transaction_bytes_max: 1, ..Config::default() });
    let small_writer = run(&small);
    let answers = small.batcher.append_all(vec![group(one, "f", 2), group(one, "g", 2)]).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.batches.lock()[3..], [2, 2], "bytes bound it too");
    for (path, writer) in [(wide, wide_writer), (small, small_writer)] {
        path.batcher.close();
        writer.await.expect("ended");
    }
}

#[tokio::test]
async fn what_follows_a_failure_is_not_stored_before_what_failed() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::open(inner.clone());
    let path = path(&store, Config { rows_max: 2, ..Config::default() });
    let writer = run(&path);
    // The first transaction is committed, but the answer is lost.
    store.loses_an_answer.store(true, Ordering::Relaxed);
    let groups = || {
        (0..3).map(|n| vec![message(room, &anna, &format!("a{n}")), message(room, &anna, &format!("b{n}"))])
    };
    let answers = path.batcher.append_all(groups().collect()).await;
    let codes: Vec<Option<Code>> =
        answers.into_iter().map(|answer| answer.err().map(|refusal| refusal.code)).collect();
    assert_eq!(codes, [Some(Code::Unavailable); 3]);
    assert_eq!(*store.batches.lock(), [2], "the others were not tried");
    let answers = path.batcher.append_all(groups().collect()).await;
    let seqs: Vec<i64> =
        answers.iter().flat_map(|answer| answer.as_ref().expect("stored").iter().map(seq)).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6], "a repeat keeps the order");
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn published_rows_are_deleted_inside_the_next_transaction_or_after_a_while() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::open(inner.clone());
    let path = path(&store, Config { idle_delete_ms: 100, ..Config::default() });
    let writer = run(&path);
    let rows = async || inner.outbox(&path.owner, 0, 100).await.expect("read");

    path.batcher.append(vec![message(room, &anna, "a")]).await.expect("stored");
    let first = rows().await[0].id;
    path.published.add(&[first]);
    path.batcher.append(vec![message(room, &anna, "b")]).await.expect("stored");
    assert_eq!(*store.deleted_inside.lock(), [first]);
    let left: Vec<i64> = rows().await.iter().map(|row| row.id).collect();
    assert_eq!(left.len(), 1);

    path.published.add(&left);
    until("the row is deleted with nothing to write", async || rows().await.is_empty()).await;
    assert_eq!(path.metrics.outbox_deletes.get(), 1);
    path.batcher.close();
    writer.await.expect("ended");
}

#[tokio::test]
async fn closing_stores_what_waits_and_takes_nothing_more() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner);
    let path = path(&store, Config::default());
    let waiting = {
        let (path, messages) = (path.clone(), vec![message(room, &anna, "a")]);
        tokio::spawn(async move { path.batcher.append(messages).await })
    };
    until("it waits", async || path.metrics.batch_queue_messages.get() == 1).await;
    path.batcher.close();
    assert_eq!(
        path.batcher.append(vec![message(room, &anna, "b")]).await.expect_err("closed").code,
        Code::Draining
    );
    let writer = run(&path);
    store.turns.add_permits(1);
    writer.await.expect("ended");
    waiting.await.expect("a task").expect("stored");
}
