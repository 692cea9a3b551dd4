//! Losses that are known and documented: each test shows one, so that it fails on the day the window is closed.

use serde_json::{Value, json};

use crate::harness::eventually;
use crate::harness::node::Node;
use crate::harness::services::{OwnServices, Server};
use crate::harness::socket::Socket;
use crate::harness::system::System;

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
    let next = eventually("the store takes messages again", async || {
        let reply = system.api(1).send(&ann, &room, "next", "next").await;
        reply.status.is_success().then(|| reply.json())
    })
    .await;
    assert_eq!(next["seq"], 2, "the place of the one that was lost");
    let stored = [(1, "kept".to_owned()), (2, "next".to_owned())];
    assert_eq!(system.api(0).history(&ann, &room).await, stored);
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
