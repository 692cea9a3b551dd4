//! A store over two MySQL servers, of which the second has a replica: what is at either is one chat, and what dies with
//! one of them is that one's alone.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::eventually;
use crate::harness::http::{Account, Http};
use crate::harness::services::{Backends, OwnServices, Server};
use crate::harness::socket::{Follower, Socket, assert_dense};
use crate::harness::system::System;

/// Two people on two comets, and a group of theirs at each server.
struct Chat {
    system: System,
    ann: Account,
    bob: Account,
    /// At the first server, at the second.
    groups: [String; 2],
    sockets: [Follower; 2],
}

impl Chat {
    async fn start(services: &OwnServices) -> Self {
        let own = &services.backends;
        let further = Some((own.mysql_url.clone(), own.replica_url.clone()));
        let backends = Backends { further, ..Backends::shared() };
        let system = System::cluster(&backends, &[]).await;
        let (ann, bob) = (system.account("ann").await, system.account("bob").await);
        let mut found = [None, None];
        let groups = loop {
            let group = system.api(0).group(&ann, &[&bob]).await;
            let number: usize = group.parse().expect("a number");
            // New stores spread their shards: the even ones are at the first of two.
            found[number % 2].get_or_insert(group);
            if let [Some(even), Some(odd)] = &found {
                break [even.clone(), odd.clone()];
            }
        };
        let sockets = [
            Socket::v1(system.door(0), &ann.token).await.follow(),
            Socket::v1(system.door(1), &bob.token).await.follow(),
        ];
        Self { system, ann, bob, groups, sockets }
    }

    async fn all_see(&self, counts: [usize; 2]) {
        for (group, count) in self.groups.iter().zip(counts) {
            for socket in &self.sockets {
                let messages = socket.wait_shown(group, count).await;
                assert_dense(&messages);
                assert_eq!(messages.len(), count, "{messages:?}");
            }
            for api in 0..2 {
                let history = self.system.api(api).history(&self.bob, group).await;
                assert_dense(&history);
                assert_eq!(history.len(), count);
            }
        }
        assert!(self.sockets.iter().all(Follower::is_open), "without a reconnect");
    }

    /// What readiness of a logic node says of further servers.
    async fn warning(&self) -> String {
        let reply = Http::new(self.system.logics[0].address("admin")).get("/readyz", "").await;
        assert_eq!(reply.status, StatusCode::OK, "a node serves what it has");
        let told = reply.ok();
        let parts = told["parts"].as_array().expect("parts");
        let part = parts.iter().find(|part| part["part"] == "shards").expect("further servers are told of");
        part["warning"].as_str().unwrap_or_default().to_owned()
    }
}

/// Groups tell of their members in messages of their own: what is said begins behind those.
fn spoken(entry: &Value) -> (i64, i64) {
    (entry["head"].as_i64().expect("a head"), entry["unread"].as_i64().expect("unread"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_are_one_chat() {
    let services = OwnServices::start_replicated();
    let chat = Chat::start(&services).await;
    let doctor = chat.system.doctor();
    assert!(doctor.contains("server 0 has the users and shards 0, 2, 4"), "{doctor}");
    assert!(doctor.contains("server 1 has shards 1, 3, 5"), "{doctor}");
    let before = [0, 1].map(|side| chat.sockets[1].messages(&chat.groups[side]).len());
    assert_eq!(before, [0, 0]);
    let said = |number: usize| format!("m{number}");
    for number in 0..20 {
        let (api, group) = (chat.system.api(number), &chat.groups[number % 2]);
        api.send(&chat.ann, group, &said(number), "hello").await.ok();
        chat.sockets[1].say(group, &said(number), "and to you").await;
    }
    chat.all_see([20, 20]).await;
    let list = chat.system.api(1).get("/api/conversations", &chat.bob.token).await.ok();
    let list = list["conversations"].as_array().expect("a list").clone();
    for group in &chat.groups {
        let entry = list.iter().find(|entry| entry["id"] == **group).expect("is listed");
        assert_eq!(spoken(entry), (20, 10), "own ones are read: {entry}");
    }
    let direct = chat.system.api(0).direct(&chat.ann, &chat.bob).await;
    assert_eq!(chat.system.api(1).direct(&chat.bob, &chat.ann).await, direct);
    assert_eq!(chat.warning().await, "");
    let at = async |server: &str| chat.system.counted("oort_logic_outbox_rows", server).await;
    eventually("what is published goes, at each server", async || {
        (at("server=\"0\"").await + at("server=\"1\"").await < 1.0).then_some(())
    })
    .await;
    eventually("the replica of the second server answers", async || {
        chat.system.api(0).history(&chat.bob, &chat.groups[1]).await;
        (chat.system.counted("oort_store_replica_reads_total", "").await > 0.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_takes_its_own_conversations_along_and_no_message() {
    let services = OwnServices::start_replicated();
    let chat = Chat::start(&services).await;
    let send = async |side: usize, number: usize| {
        let id = format!("m{number}");
        chat.system.api(number).send(&chat.ann, &chat.groups[side], &id, "hello").await
    };
    for number in 0..10 {
        send(number % 2, number).await.ok();
    }
    services.kill(Server::Mysql);
    assert_eq!(send(1, 10).await.refusal(), (503, "unavailable".to_owned()));
    for number in 11..31 {
        send(0, number).await.ok();
    }
    let shown = chat.sockets[1].wait_shown(&chat.groups[0], 25).await;
    assert_dense(&shown);
    assert!(chat.warning().await.contains("server 1"), "{}", chat.warning().await);
    services.start_again(Server::Mysql);
    let stored = eventually("it is taken again", async || {
        let reply = send(1, 10).await;
        reply.status.is_success().then(|| reply.json())
    })
    .await;
    assert_eq!(stored["seq"], 6);
    chat.all_see([25, 6]).await;
    eventually("all is well", async || chat.warning().await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_dead_node_are_taken_over_at_each_server() {
    let services = OwnServices::start_replicated();
    let mut chat = Chat::start(&services).await;
    let mut sends = JoinSet::new();
    let (ann, groups) = (Arc::new(chat.ann.clone()), Arc::new(chat.groups.clone()));
    for worker in 0..8 {
        let (api, other) = (chat.system.api(0), chat.system.api(1));
        let (ann, groups) = (Arc::clone(&ann), Arc::clone(&groups));
        sends.spawn(async move {
            for number in 0..25 {
                let (group, id) = (&groups[number % 2], format!("w{worker}-{number}"));
                // Whoever gets no answer asks the other node, and is told if it was stored before.
                let body = json!({ "clientMsgId": id, "content": "hello" });
                let path = format!("/api/conversations/{group}/messages");
                let answer = api.try_post(&path, &ann.token, &body).await;
                if !answer.is_some_and(|reply| reply.status.is_success()) {
                    other.send(&ann, group, &id, "hello").await.ok();
                }
            }
        });
    }
    eventually("they are at it", async || {
        (chat.sockets[1].messages(&chat.groups[1]).len() > 10).then_some(())
    })
    .await;
    chat.system.logics[0].kill();
    while let Some(done) = sends.join_next().await {
        done.expect("every message is taken by one of them");
    }
    for group in &chat.groups {
        let count = if *group == chat.groups[0] { 8 * 13 } else { 8 * 12 };
        let shown = chat.sockets[1].wait_shown(group, count).await;
        assert_eq!(shown.len(), count);
        let history = chat.system.api(1).history(&chat.bob, group).await;
        assert_dense(&history);
        assert_eq!(history.len(), count, "each once");
    }
}
