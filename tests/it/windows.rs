//! Losses that are known and documented: each test shows one, so that it fails on the day the window is closed.

use http::Method;
use serde_json::{Value, json};

use crate::harness::eventually;
use crate::harness::http::Account;
use crate::harness::node::Node;
use crate::harness::services::{OwnServices, Server};
use crate::harness::socket::Socket;
use crate::harness::system::{System, receiver};
use crate::mobile_push::{hook, seen};

/// The server answers before it has written, and writes when it likes.
#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_that_does_not_sync_loses_what_was_acknowledged_and_seqs_are_given_out_again() {
    let services = OwnServices::start();
    let system = System::cluster(&services.backends, &[]).await;
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "kept", "kept").await.ok();
    // As one that was set up so; what it has written until now stays.
    services.tell_mysql(
        "SET GLOBAL innodb_flush_log_at_timeout = 2700, GLOBAL innodb_flush_log_at_trx_commit = 0",
    );
    let lost = system.api(0).send(&ann, &room, "lost", "lost").await.ok();
    assert_eq!(lost["seq"], 2);

    services.kill(Server::Mysql);
    services.start_again(Server::Mysql);
    the_next_takes_the_place(&system, &ann, &room).await;
}

/// Replication is asynchronous, and the replica that becomes the primary had stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lags_and_takes_over_lacks_what_was_acknowledged_and_seqs_are_given_out_again() {
    const REPLICAS: &str = "OORT_LOGIC__STORE__MYSQL__REPLICAS__URLS";
    let services = OwnServices::start_replicated();
    let mut system = System::cluster(&services.backends, &[]).await;
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "kept", "kept").await.ok();
    read_at_the_replica(&system, &ann, &room).await;
    services.tell_replica("STOP REPLICA");
    let lost = system.api(0).send(&ann, &room, "lost", "lost").await.ok();
    assert_eq!(lost["seq"], 2);

    services.kill(Server::Mysql);
    for logic in &mut system.logics {
        logic.kill();
    }
    services.tell_replica("RESET REPLICA ALL; SET GLOBAL read_only = 0");
    let (_, replica) =
        system.settings.iter().find(|(name, _)| name == REPLICAS).cloned().expect("there is one");
    system.settings.retain(|(name, _)| name != REPLICAS);
    system.settings.push(("OORT_LOGIC__STORE__URL".to_owned(), replica));
    system.logics = vec![system.start_logic(&[])];
    the_next_takes_the_place(&system, &ann, &room).await;
}

/// The primary has synced its log of changes to nowhere but the replica.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_shows_what_its_primary_lost_until_they_differ() {
    let services = OwnServices::start_replicated();
    let system = System::cluster(&services.backends, &[]).await;
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "kept", "kept").await.ok();
    // What follows a message by itself would be lost as well, done again, and no longer fit at the replica.
    let database = system.database();
    let is_done = format!(
        "SELECT NOT EXISTS (SELECT 1 FROM {database}.outbox)
            AND EXISTS (SELECT 1 FROM {database}.search_cursors WHERE conversation_id = {room} AND seq = 1)
            AND EXISTS (SELECT 1 FROM {database}.users_seen WHERE user_id = {})",
        ann.id
    );
    eventually("all that follows is done", async || (services.ask_mysql(&is_done) == "1").then_some(()))
        .await;
    services.tell_mysql(
        "SET GLOBAL innodb_flush_log_at_timeout = 2700, GLOBAL innodb_flush_log_at_trx_commit = 0",
    );
    system.api(0).send(&ann, &room, "lost", "lost").await.ok();
    read_at_the_replica(&system, &ann, &room).await;
    services.kill(Server::Mysql);
    services.start_again(Server::Mysql);
    eventually("the replica answers again", async || {
        let page = system.api(0).get(&messages(&room), &ann.token).await;
        (page.status.is_success() && texts(&page.json()) == ["lost", "kept"]).then_some(())
    })
    .await;
    // It cannot take what it has already, and is not believed any more.
    the_next_takes_the_place(&system, &ann, &room).await;
}

/// The primary has a message in its log, and shows it to nobody until a replica says that it has it, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_of_what_only_the_replica_shows_ends_one_message_earlier() {
    let services = OwnServices::start_replicated();
    let system = System::cluster(&services.backends, &[]).await;
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "1", "shown").await.ok();
    read_at_the_replica(&system, &bob, &room).await;
    let (api, path) = (system.api(0), messages(&room));
    let mut sent = 1;
    eventually("a mark that was made meanwhile", async || {
        // No replica ever says so here: it is waited for this long, once.
        services.tell_mysql(
            "SET GLOBAL rpl_semi_sync_master_enabled = OFF, GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC,
             GLOBAL rpl_semi_sync_master_timeout = 2000, GLOBAL rpl_semi_sync_master_enabled = ON",
        );
        sent += 1;
        let sending = tokio::spawn({
            let (api, ann, room, id) = (system.api(1), ann.clone(), room.clone(), sent.to_string());
            async move { api.send(&ann, &room, &id, &id).await.ok() }
        });
        eventually("somebody shows it", async || {
            (texts(&api.get(&path, &bob.token).await.json())[0] == sent.to_string()).then_some(())
        })
        .await;
        let mark = Some(json!({ "readSeq": sent }));
        let early = api.call(Method::PUT, &cursor(&room), &bob.token, mark.clone()).await.ok();
        sending.await.expect("is sent");
        let late = api.call(Method::PUT, &cursor(&room), &bob.token, mark).await.ok();
        assert_eq!(late["readSeq"], sent);
        (early["readSeq"] == sent - 1).then_some(())
    })
    .await;
}

/// The second message was lost: the next one gets its number, once the store takes messages again.
async fn the_next_takes_the_place(system: &System, ann: &Account, room: &str) {
    let next = eventually("the store takes messages again", async || {
        let reply = system.api(1).send(ann, room, "next", "next").await;
        reply.status.is_success().then(|| reply.json())
    })
    .await;
    assert_eq!(next["seq"], 2, "the place of the one that was lost");
    let stored = [(1, "kept".to_owned()), (2, "next".to_owned())];
    assert_eq!(system.api(0).history(ann, room).await, stored);
}

fn messages(room: &str) -> String {
    format!("/api/conversations/{room}/messages")
}

fn cursor(room: &str) -> String {
    format!("/api/conversations/{room}/cursor")
}

/// What the messages of a page say, the newest first.
fn texts(page: &Value) -> Vec<String> {
    let text = |message: &Value| message["content"].as_str().expect("a text").to_owned();
    page["messages"].as_array().expect("messages").iter().map(text).collect()
}

/// Reads until the replica answered once.
async fn read_at_the_replica(system: &System, reader: &Account, room: &str) {
    let count = async || system.counted("oort_store_replica_reads_total", "").await;
    let before = count().await;
    eventually("the replica answers", async || {
        system.api(0).history(reader, room).await;
        (count().await > before).then_some(())
    })
    .await;
}

/// It counts as connected until its silence is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_gone_unnoticed_is_notified_with_the_next_message() {
    let system = System::standalone(&[]);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (path, _) = hook(&system.api(0), &bob).await;
    let place = system.api(0).direct(&ann, &bob).await;
    // Nobody reads from it, as from a phone without a network.
    let phone = Socket::v1(system.door(0), &bob.token).await;
    system.api(0).send(&ann, &place, "1", "lost on the way").await.ok();
    eventually("it is taken for connected", async || {
        let dropped = system.counted("oort_logic_notifications_dropped_total", "online").await;
        (dropped > 0.0).then_some(())
    })
    .await;

    drop(phone);
    eventually("it is noticed", async || {
        let list = system.api(0).get(&format!("/api/presence?users={}", bob.id), &ann.token).await.json();
        (list["users"][0]["online"] == false).then_some(())
    })
    .await;
    assert_eq!(receiver().received(&path).len(), 0, "nobody comes back to the first");
    system.api(0).send(&ann, &place, "2", "hello?").await.ok();
    assert_eq!(seen(&receiver().wait_taken(&path, 1).await), [(place, 2, 2)]);
}

/// Pushes are nowhere but in the memory of the process.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_that_is_killed_loses_pushes_that_it_answered() {
    const PUSHES: usize = 1000;
    // One after the other, each when the one before it was acked.
    let slowly = [("OORT_JOB__LINK__BATCH_DELIVERIES_MAX", "1"), ("OORT_JOB__LINK__WINDOW_BATCHES", "1")];
    let mut system = System::standalone(&slowly);
    let (ann, server) = (system.account("ann").await, system.server_token());
    let push = |body: &str| json!({ "userId": ann.id, "operation": 1000, "body": body });
    let before = Socket::v1(system.door(0), &ann.token).await.follow();
    let pushes: Vec<Value> = (0..PUSHES).map(|number| push(&number.to_string())).collect();
    system.api(0).post("/push/batch", &server, json!({ "pushes": pushes })).await.ok();
    system.comets[0].kill();

    system.comets[0] = Node::start("", system.folder.path(), &system.settings);
    let after = Socket::v1(system.door(0), &ann.token).await.follow();
    system.api(0).post("/push/user", &server, push("last")).await.ok();
    after.wait_frame("push", |push| push["body"] == "last").await;
    eventually("the first socket has ended", async || (!before.is_open()).then_some(())).await;
    let came = before.frames("push").len() + after.frames("push").len() - 1;
    assert!(came < PUSHES, "all came: it was not killed in time");
    assert_eq!(after.frames("push").len(), 1, "none comes later");
}
