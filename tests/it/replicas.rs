//! A cluster whose lists and pages come from a replica that stands still, dies and comes back.

use http::StatusCode;

use crate::harness::eventually;
use crate::harness::http::{Account, Http};
use crate::harness::services::{OwnServices, Server};
use crate::harness::socket::{Socket, assert_dense};
use crate::harness::system::System;

/// Room enough for a machine that does other things; tried again soon.
const QUICK: [(&str, &str); 2] = [
    ("OORT_LOGIC__STORE__MYSQL__REPLICAS__WAIT_MAX_MS", "200"),
    ("OORT_LOGIC__STORE__MYSQL__REPLICAS__REST_MS", "100"),
];

/// Ann speaks in a room, Bob reads.
struct Talk {
    system: System,
    ann: Account,
    bob: Account,
    room: String,
    said: usize,
}

impl Talk {
    async fn start(services: &OwnServices) -> Self {
        let system = System::cluster(&services.backends, &QUICK).await;
        let (ann, bob) = (system.account("ann").await, system.account("bob").await);
        let room = system.api(0).room(&ann).await;
        Self { system, ann, bob, room, said: 0 }
    }

    /// Sent by one node, it is read at the other, and listed to who connects.
    async fn say(&mut self) {
        self.said += 1;
        let said = self.said;
        self.system.api(said).send(&self.ann, &self.room, &format!("m{said}"), "hello").await.ok();
        let history = self.system.api(said + 1).history(&self.bob, &self.room).await;
        assert_dense(&history);
        assert_eq!(history.len(), said);
        let socket = Socket::v1(self.system.door(said), &self.bob.token).await;
        assert_eq!(socket.head(&self.room), i64::try_from(said).expect("small"));
    }

    async fn until_the_replica_answers(&mut self) {
        let before = self.at_replica().await;
        eventually("the replica answers", async || {
            self.say().await;
            (self.at_replica().await > before).then_some(())
        })
        .await;
    }

    async fn at_replica(&self) -> f64 {
        self.system.counted("oort_store_replica_reads_total", "").await
    }

    async fn at_primary(&self, why: &str) -> f64 {
        self.system.counted("oort_store_primary_reads_total", why).await
    }

    /// What readiness of a logic node says of replicas.
    async fn warning(&self) -> String {
        let reply = Http::new(self.system.logics[0].address("admin")).get("/readyz", "").await;
        assert_eq!(reply.status, StatusCode::OK, "a node serves without its replicas");
        let told = reply.ok();
        let parts = told["parts"].as_array().expect("parts");
        let part = parts.iter().find(|part| part["part"] == "replicas").expect("replicas are told of");
        part["warning"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_replica_everybody_reads_everything() {
    let services = OwnServices::start_replicated();
    let mut talk = Talk::start(&services).await;
    talk.until_the_replica_answers().await;
    eventually("it is well", async || talk.warning().await.is_empty().then_some(())).await;
    assert!(talk.system.doctor().contains("has everything the primary has"), "{}", talk.system.doctor());

    services.tell_replica("STOP REPLICA SQL_THREAD");
    let before = talk.at_primary("Behind").await;
    for _ in 0..5 {
        talk.say().await;
    }
    assert!(talk.at_primary("Behind").await > before, "it was asked, and not believed");
    assert!(talk.warning().await.contains("SQL thread says No"), "{}", talk.warning().await);
    assert!(talk.system.doctor().contains("SQL thread says No"), "{}", talk.system.doctor());
    services.tell_replica("START REPLICA SQL_THREAD");
    talk.until_the_replica_answers().await;

    services.kill(Server::Replica);
    for _ in 0..5 {
        talk.say().await;
    }
    assert!(talk.at_primary("Unreachable").await > 0.0);
    services.start_again(Server::Replica);
    talk.until_the_replica_answers().await;
}
