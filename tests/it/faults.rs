//! Parts die under the feet of people who chat: no acknowledged message is
//! lost, none is shown twice, order holds.
//!
//! These scenarios break what they run on, so each has a system (and backends)
//! of its own, and they run one after the other.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};

use crate::harness::eventually;
use crate::harness::http::{Account, Http, Reply};
use crate::harness::node::Node;
use crate::harness::services::{Backends, OwnServices, Server};
use crate::harness::socket::{Follower, Socket, assert_dense};
use crate::harness::system::System;

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().await
}

/// Two people on two comets, and a room.
struct Chat {
    ann: Account,
    bob: Account,
    room: String,
    sockets: [Follower; 2],
}

impl Chat {
    async fn start(system: &System) -> Self {
        let (ann, bob) = (system.account("ann").await, system.account("bob").await);
        let room = system.api(0).room(&ann).await;
        let sockets = [
            Socket::v1(system.door(0), &ann.token).await.follow(),
            Socket::v1(system.door(1), &bob.token).await.follow(),
        ];
        let chat = Self { ann, bob, room, sockets };
        system.api(0).send(&chat.ann, &chat.room, "before", "before").await.ok();
        chat.all_see(1).await;
        chat
    }

    /// Waits until both saw this many messages, dense and in order.
    async fn all_see(&self, count: usize) {
        for socket in &self.sockets {
            let messages = socket.wait_shown(&self.room, count).await;
            assert_dense(&messages);
            assert_eq!(messages.len(), count, "{messages:?}");
            assert!(socket.is_open(), "without a reconnect");
        }
    }

    /// The answer, whatever it is.
    async fn try_send(&self, api: &Http, number: usize) -> Reply {
        let text = format!("message {number}");
        api.send(&self.ann, &self.room, &format!("m{number}"), &text).await
    }

    async fn send(&self, api: &Http, number: usize) {
        self.try_send(api, number).await.ok();
    }

    async fn history_is_dense(&self, api: &Http, count: usize) {
        let history = api.history(&self.bob, &self.room).await;
        assert_dense(&history);
        assert_eq!(history.len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logic_killed_between_commit_and_publish() {
    let _alone = alone().await;
    let system = System::cluster(&Backends::shared(), &[]).await;
    let chat = Chat::start(&system).await;
    let mut doomed = system.start_logic(&[("OORT_LOGIC__FAILPOINTS", "after_commit_before_publish=abort")]);
    let answer = Http::new(doomed.address("http"))
        .raw(
            Method::POST,
            &format!("/api/conversations/{}/messages", chat.room),
            &[("content-type", "application/json"), ("authorization", &format!("Bearer {}", chat.ann.token))],
            json!({ "clientMsgId": "doomed", "content": "doomed" }).to_string(),
        )
        .await;
    assert!(!doomed.wait().success(), "it died at the failpoint");
    // Whether or not the answer got out, the message is committed: another node publishes it.
    drop(answer);
    chat.all_see(2).await;
    let retry = system.api(0).send(&chat.ann, &chat.room, "doomed", "doomed").await.ok();
    assert_eq!((&retry["seq"], &retry["duplicate"]), (&json!(2), &json!(true)));
    system.api(1).send(&chat.ann, &chat.room, "after", "after").await.ok();
    chat.all_see(3).await;
    chat.history_is_dense(&system.api(0), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_stopped_costs_latency_not_messages_and_only_so_much_waits() {
    let _alone = alone().await;
    let services = OwnServices::start();
    let bound = [("OORT_LOGIC__PUBLISHER__BACKLOG__ROWS_MAX", "100")];
    let system = System::cluster(&services.backends, &bound).await;
    let (chat, operator) = (Chat::start(&system).await, system.operator().await);
    services.kill(Server::Kafka);
    for number in 2..=60 {
        chat.send(&system.api(number), number).await;
    }
    outbox_until(&system, &operator, |rows, oldest_ms| rows >= 1 && oldest_ms >= 500).await;
    chat.history_is_dense(&system.api(0), 60).await;
    for socket in &chat.sockets {
        assert_eq!(socket.messages(&chat.room).len(), 1, "the bus is down");
    }
    let mut taken = 60;
    let refused = loop {
        let reply = chat.try_send(&system.api(taken), taken + 1).await;
        if !reply.status.is_success() {
            break reply;
        }
        taken += 1;
        assert!(taken <= 1000, "it is never refused");
    };
    assert_eq!(refused.refusal(), (503, "overloaded".to_owned()));
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    assert!(system.counted("oort_logic_outbox_refusals_total", "").await >= 1.0);
    assert!(system.counted("oort_logic_unpublished_rows", "").await >= 1.0);
    chat.history_is_dense(&system.api(1), taken).await;
    services.start_again(Server::Kafka);
    chat.all_see(taken).await;
    outbox_until(&system, &operator, |rows, _| rows == 0).await;
    eventually("sends are taken again", async || {
        chat.try_send(&system.api(0), taken + 1).await.status.is_success().then_some(())
    })
    .await;
    chat.all_see(taken + 1).await;
}

/// Waits until operators see this of the outbox: rows and the age of the oldest.
async fn outbox_until(system: &System, operator: &Account, wanted: impl Fn(i64, i64) -> bool) {
    eventually("the outbox is as expected", async || {
        let outbox = system.api(1).get("/api/admin/outbox", &operator.token).await.ok();
        let number = |name: &str| outbox[name].as_i64().expect("a number");
        wanted(number("rows"), number("oldestMs")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed_heals_without_a_reconnect() {
    let _alone = alone().await;
    let services = OwnServices::start();
    let system = System::cluster(&services.backends, &[]).await;
    let chat = Chat::start(&system).await;
    let mut sent = 1;
    // Straight after the wipe, and on while the comets find out and announce.
    for round in 0..3 {
        services.flush_redis();
        for _ in 0..20 {
            sent += 1;
            chat.send(&system.api(sent), sent).await;
        }
        if round == 1 {
            // Redis away altogether, and back with nothing in it.
            services.kill(Server::Redis);
            for _ in 0..20 {
                sent += 1;
                chat.send(&system.api(sent), sent).await;
            }
            services.start_again(Server::Redis);
        }
        chat.all_see(sent).await;
    }
    chat.history_is_dense(&system.api(1), sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn store_stopped_is_told_and_a_retry_stores_once() {
    let _alone = alone().await;
    let services = OwnServices::start();
    let system = System::cluster(&services.backends, &[]).await;
    let chat = Chat::start(&system).await;
    services.kill(Server::Mysql);
    let refused = system.api(0).send(&chat.ann, &chat.room, "retried", "retried").await;
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    let wait =
        refused.headers.get("retry-after").expect("Retry-After").to_str().expect("text").parse::<u32>();
    assert!(wait.expect("seconds") >= 1);
    services.start_again(Server::Mysql);
    let stored = eventually("the store takes it again", async || {
        let reply = system.api(0).send(&chat.ann, &chat.room, "retried", "retried").await;
        reply.status.is_success().then(|| reply.json())
    })
    .await;
    assert_eq!(stored["seq"], 2);
    let again = system.api(1).send(&chat.ann, &chat.room, "retried", "retried").await.ok();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)));
    chat.all_see(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_logic_gone_is_told_by_the_comets_and_counted() {
    let _alone = alone().await;
    let mut system = System::cluster(&Backends::shared(), &[]).await;
    let chat = Chat::start(&system).await;
    // Dropped is killed.
    system.logics.clear();
    let door = Http::new(system.door(0));
    let refused = door.get("/api/me", &chat.ann.token).await;
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    assert!(system.counted("oort_forward_refused_total", "unavailable").await >= 1.0);
    assert!(chat.sockets.iter().all(Follower::is_open), "sockets stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn comet_killed_and_its_clients_find_everything_elsewhere() {
    let _alone = alone().await;
    let mut system = System::cluster(&Backends::shared(), &[]).await;
    let chat = Chat::start(&system).await;
    system.comets[0].kill();
    for number in 2..=20 {
        chat.send(&system.api(number), number).await;
    }
    // The one on the other comet gets everything, though the dead comet's lease still runs.
    let messages = chat.sockets[1].wait_shown(&chat.room, 20).await;
    assert_dense(&messages);
    let moved = Socket::v1(system.door(1), &chat.ann.token).await;
    assert_eq!(moved.head(&chat.room), 20);
    // The same name comes back with a new epoch and serves again.
    system.comets[0] = system.start_comet("comet-0");
    let back = Socket::v1(system.door(0), &chat.ann.token).await.follow();
    chat.send(&system.api(0), 21).await;
    assert_eq!(back.wait_for(&chat.room, 1).await, [(21, "message 21".to_owned())]);
    chat.sockets[1].wait_shown(&chat.room, 21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_killed_while_messages_flow() {
    let _alone = alone().await;
    let mut system = System::cluster(&Backends::shared(), &[]).await;
    let chat = Chat::start(&system).await;
    for number in 2..=30 {
        chat.send(&system.api(number), number).await;
        if number == 10 {
            system.jobs[0].kill();
        }
    }
    chat.all_see(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standalone_killed_keeps_what_it_acknowledged() {
    let _alone = alone().await;
    let mut system = System::standalone(&[]);
    let chat = Chat::start(&system).await;
    for number in 2..=50 {
        chat.send(&system.api(0), number).await;
    }
    system.comets[0].kill();
    system.comets[0] = Node::start("", system.folder.path(), &system.settings);
    let socket = Socket::v1(system.door(0), &chat.ann.token).await;
    assert_eq!(socket.head(&chat.room), 50);
    chat.history_is_dense(&system.api(0), 50).await;
    let again = system.api(0).send(&chat.ann, &chat.room, "m50", "message 50").await.ok();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(50), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn standalone_killed_between_commit_and_publish() {
    let _alone = alone().await;
    // The first message passes, the second is committed and never published.
    let failpoint = ("OORT_LOGIC__FAILPOINTS", "after_commit_before_publish=2*abort");
    let mut system = System::standalone(&[failpoint]);
    let chat = Chat::start(&system).await;
    let path = format!("/api/conversations/{}/messages", chat.room);
    let bearer = format!("Bearer {}", chat.ann.token);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let body = json!({ "clientMsgId": "doomed", "content": "doomed" }).to_string();
    drop(system.api(0).raw(Method::POST, &path, &headers, body).await);
    assert!(!system.comets[0].wait().success(), "it died at the failpoint");

    system.settings.retain(|(name, _)| name != failpoint.0);
    system.comets[0] = Node::start("", system.folder.path(), &system.settings);
    let socket = Socket::v1(system.door(0), &chat.bob.token).await;
    assert_eq!(socket.head(&chat.room), 2, "hello shows what was committed");
    let retry = system.api(0).send(&chat.ann, &chat.room, "doomed", "doomed").await.ok();
    assert_eq!((&retry["seq"], &retry["duplicate"]), (&json!(2), &json!(true)));
    chat.history_is_dense(&system.api(0), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standalone_store_locked_is_told_and_a_retry_stores_once() {
    let _alone = alone().await;
    let system = System::standalone(&[("OORT_LOGIC__STORE__SQLITE__BUSY_TIMEOUT_MS", "100")]);
    let chat = Chat::start(&system).await;
    let file = system.folder.path().join("data/oort.db");
    let other = rusqlite::Connection::open(file).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let refused = system.api(0).send(&chat.ann, &chat.room, "retried", "retried").await;
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    assert!(refused.headers.contains_key("retry-after"));
    other.execute_batch("ROLLBACK").expect("unlocked");
    let stored = eventually("the store takes it again", async || {
        let reply = system.api(0).send(&chat.ann, &chat.room, "retried", "retried").await;
        reply.status.is_success().then(|| reply.json())
    })
    .await;
    assert_eq!(stored["seq"], 2);
    chat.all_see(2).await;
    chat.history_is_dense(&system.api(0), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_tells_clients_and_ends_in_time() {
    let _alone = alone().await;
    let mut standalone = System::standalone(&[]);
    let chat = Chat::start(&standalone).await;
    let mut socket = Socket::v1(standalone.door(0), &chat.bob.token).await;
    let started = Instant::now();
    standalone.comets[0].signal("TERM");
    let hint = socket.next("reconnect").await;
    assert!(hint["afterMs"].is_i64(), "{hint}");
    assert_eq!(socket.end().await, crate::harness::socket::End::Code(1001));
    let status = standalone.comets[0].wait();
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());

    let mut cluster = System::cluster(&Backends::shared(), &[]).await;
    let chat = Chat::start(&cluster).await;
    // Where there is another comet a client is there before it leaves this one, which serves it to the end.
    let mut leaving = Socket::v1(cluster.door(0), &chat.bob.token).await;
    cluster.comets[0].signal("TERM");
    leaving.next("reconnect").await;
    let staying = Socket::v1(cluster.door(1), &chat.bob.token).await.follow();
    chat.send(&cluster.api(0), 2).await;
    leaving.next("serverMessages").await;
    drop(leaving);
    assert_eq!(staying.wait_shown(&chat.room, 1).await, [(2, "message 2".to_owned())]);
    let status = cluster.comets[0].wait();
    assert!(status.success(), "{status}: {}", cluster.comets[0].log());
    for node in cluster.comets.iter_mut().skip(1).chain(&mut cluster.jobs).chain(&mut cluster.logics) {
        let status = node.terminate();
        assert!(status.success(), "{status}: {}", node.log());
    }
    drop(chat);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_refused_for_its_time_may_be_stored_and_a_repeat_tells() {
    let _alone = alone().await;
    let system = System::standalone(&[
        ("OORT_LOGIC__HTTP__REQUEST_TIMEOUT_MS", "1500"),
        ("OORT_LOGIC__STORE__SQLITE__BUSY_TIMEOUT_MS", "20000"),
        ("OORT_LOGIC__STORE__SQLITE__CALL_TIMEOUT_MS", "20000"),
    ]);
    let chat = Chat::start(&system).await;
    let other = rusqlite::Connection::open(system.folder.path().join("data/oort.db")).expect("the file");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let refused = system.api(0).send(&chat.ann, &chat.room, "late", "late").await;
    assert_eq!(refused.refusal(), (503, "unavailable".to_owned()));
    other.execute_batch("ROLLBACK").expect("unlocked");
    // Nobody sends it again, and it arrives.
    chat.all_see(2).await;
    let again = system.api(0).send(&chat.ann, &chat.room, "late", "late").await.ok();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)));
    chat.history_is_dense(&system.api(0), 2).await;
}
