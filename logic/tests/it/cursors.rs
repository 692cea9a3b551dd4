//! The writer of cursors: group commit, refusals, drain.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use oort_api::Code;
use oort_api::bus::Producer;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;
use oort_logic::commits::Commits;
use oort_logic::cursors::{Config, Cursors, Parts};
use oort_logic::store::{CursorMove, Outbox as _};

use super::support::bus::TestBus;
use super::support::store::TestStore;
use super::support::{Path, PathConfig, message, room, sqlite, until, user};

struct World {
    _folder: tempfile::TempDir,
    store: Arc<TestStore>,
    path: Path,
    cursors: Arc<Cursors>,
    users: Vec<User>,
    room: ConversationId,
}

/// Users in a room with ten messages, and a writer that does not run yet.
async fn world(users: usize) -> World {
    let (folder, inner) = sqlite();
    let ada = user(&*inner, "ada").await;
    let room = room(&*inner, "garden", &ada).await;
    let mut others = Vec::new();
    for number in 0..users {
        others.push(user(&*inner, &format!("user{number}")).await);
    }
    let batch: Vec<_> = (0..10).map(|number| message(room, &ada, &format!("m{number}"))).collect();
    let (_, row) = inner.append("setup", &batch, &[], 1).await.expect("appends");
    inner.outbox_delete(&[row.expect("a row").id]).await.expect("deletes");
    let store = TestStore::open(inner);
    let bus: Arc<dyn Producer> = TestBus::new();
    let path = Path::new(PathConfig::default(), store.clone(), bus);
    let parts = Parts {
        owner: path.owner.clone(),
        store: store.clone(),
        commits: Arc::new(Commits::new(path.publisher.clone(), path.metrics.clone())),
        metrics: path.metrics.clone(),
    };
    let cursors = Arc::new(Cursors::new(Config::default(), parts));
    World { _folder: folder, store, path, cursors, users: others, room }
}

impl World {
    fn step(&self, user: &User, read_seq: i64) -> CursorMove {
        CursorMove {
            user: UserId::new(user.id).expect("positive"),
            conversation: self.room,
            delivered_seq: 0,
            read_seq,
            asker_keys: Vec::new(),
        }
    }

    async fn rows(&self) -> usize {
        self.store.outbox(&self.path.owner, 0, 1000).await.expect("answers").len()
    }
}

#[tokio::test]
async fn what_waits_is_one_transaction_and_of_one_cursor_the_furthest_counts() {
    let world = world(40).await;
    let moves = world.users.iter().flat_map(|user| [3, 7, 5].map(|seq| world.step(user, seq)));
    let asked: Vec<_> = moves
        .map(|step| {
            let cursors = world.cursors.clone();
            tokio::spawn(async move { cursors.advance(step).await })
        })
        .collect();
    until("all wait", async || world.path.metrics.cursor_queue.get() == 120).await;
    assert_eq!(world.rows().await, 0, "nothing is answered or written before the writer runs");
    let cursors = world.cursors.clone();
    let writer = tokio::spawn(async move { cursors.run().await });
    for answer in join_all(asked).await {
        let standing = answer.expect("ended").expect("moved");
        assert_eq!((standing.read_seq, standing.head, standing.unread), (7, 10, 3));
    }
    assert_eq!(world.rows().await, 1, "one outbox row");
    let metrics = &world.path.metrics;
    assert_eq!((metrics.cursors_moved.get(), metrics.cursors_merged.get()), (40, 80));

    let again = world.cursors.advance(world.step(&world.users[0], 2)).await.expect("answered");
    assert_eq!(
        (again.read_seq, again.moved, world.rows().await),
        (7, false, 1),
        "nothing moved, nothing is told"
    );
    world.cursors.close();
    writer.await.expect("it ends");
    let refused = world.cursors.advance(world.step(&world.users[0], 9)).await;
    assert_eq!(refused.map_err(|refusal| refusal.code), Err(Code::Draining));
}

#[tokio::test]
async fn a_store_that_is_down_refuses_and_a_repeat_is_stored() {
    let world = world(1).await;
    let cursors = world.cursors.clone();
    let writer = tokio::spawn(async move { cursors.run().await });
    world.store.is_down.store(true, Ordering::Relaxed);
    let refused = world.cursors.advance(world.step(&world.users[0], 4)).await;
    assert_eq!(refused.map_err(|refusal| refusal.code), Err(Code::Unavailable));
    world.store.is_down.store(false, Ordering::Relaxed);
    let moved = world.cursors.advance(world.step(&world.users[0], 4)).await.expect("moved");
    assert_eq!((moved.read_seq, moved.moved), (4, true));
    world.cursors.close();
    writer.await.expect("it ends");
}

#[tokio::test]
async fn what_was_taken_in_before_the_close_is_written() {
    let world = world(20).await;
    let asked: Vec<_> = world
        .users
        .iter()
        .map(|user| {
            let (cursors, step) = (world.cursors.clone(), world.step(user, 1));
            tokio::spawn(async move { cursors.advance(step).await })
        })
        .collect();
    until("all wait", async || world.path.metrics.cursor_queue.get() == 20).await;
    world.cursors.close();
    world.cursors.run().await;
    assert!(join_all(asked).await.into_iter().all(|answer| answer.expect("ended").is_ok()));
}
