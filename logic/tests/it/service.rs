//! The tier as a whole: starting, serving, draining.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use oort_api::directory::memory::MemoryDirectory;
use oort_api::ids::UserId;
use oort_api::metrics::Registry;
use oort_logic::conversations::Outgoing;
use oort_logic::service::Parts;
use oort_logic::store::{Range, Store};
use oort_logic::{Config, Error, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::bus::{TestBus, no_letters};
use crate::support::store::TestStore;
use crate::support::{message, messages, room, sqlite, until, user};

fn config() -> Config {
    let mut config = Config { http_listen: None, grpc_listen: None, ..Config::default() };
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_passes = 1;
    config.relay.interval_ms = 50;
    config.relay.lease_ms = 60_000;
    config.publisher.retry_min_ms = 1;
    config.publisher.retry_max_ms = 5;
    config
}

async fn build(config: Config, store: Arc<dyn Store>, bus: Arc<TestBus>) -> Result<Service, Error> {
    let parts = Parts {
        store,
        producer: bus,
        directory: Arc::new(MemoryDirectory::default()),
        dead_letters: no_letters(),
    };
    Box::pin(Service::build(config, parts, &mut Registry::default())).await
}

fn outgoing(content: &str) -> Vec<Outgoing> {
    vec![Outgoing { content: content.to_owned(), ..Outgoing::default() }]
}

#[tokio::test]
async fn every_fault_of_the_settings_is_told_at_once() {
    let mut config = config();
    config.batch.rows_max = 0;
    config.publisher.window_publishes = 0;
    config.pushes.patience_ms = 0;
    let (_folder, store) = sqlite();
    let error = build(config, store, TestBus::new()).await.expect_err("refused");
    let Error::Config(faults) = error else { panic!("{error:?}") };
    for part in ["batch:", "publisher:", "pushes:", "limits.messages_per_request_max"] {
        assert!(faults.iter().any(|fault| fault.starts_with(part)), "{part} in {faults:?}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("an address");
    let (_folder, store) = sqlite();
    let error = build(Config { http_listen: Some(address), ..config() }, store, TestBus::new())
        .await
        .expect_err("refused");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_drain_finishes_what_was_accepted_and_leaves_nothing_behind() {
    let (_folder, inner) = sqlite();
    let anna = user(&*inner, "anna").await;
    let room = room(&*inner, "r", &anna).await;
    let store = TestStore::held(inner.clone());
    let bus = TestBus::new();
    let service = build(config(), store.clone(), bus.clone()).await.expect("built");
    let app = service.app();
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    let sends: Vec<_> = (0..3)
        .map(|n| {
            let (app, anna) = (app.clone(), anna.clone());
            tokio::spawn(
                async move { app.conversations.send(&anna, room, outgoing(&format!("m{n}")), "").await },
            )
        })
        .collect();
    until("a transaction runs", async || !store.batches.lock().is_empty()).await;
    stop.cancel();
    store.turns.add_permits(9);
    running.await.expect("a task").expect("drained");
    for send in sends {
        let answers = send.await.expect("a task");
        assert!(answers.iter().all(|(_, outcome)| outcome.is_ok()), "{answers:?}");
    }
    assert_eq!(messages(&bus.taken()).len(), 3);
    assert_eq!(inner.outbox_backlog(0).await.expect("read").0, 0, "published rows are deleted");
    let late = app.conversations.send(&anna, room, outgoing("late"), "").await;
    assert_eq!(late[0].1.as_ref().expect_err("refused").code, oort_api::Code::Draining);
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_and_another_node_takes_over_at_once() {
    let (_folder, store) = sqlite();
    let anna = user(&*store, "anna").await;
    let room = room(&*store, "r", &anna).await;
    let bus = TestBus::new();
    bus.is_down.store(true, Ordering::Relaxed);
    let service =
        build(Config { drain_ms: 2_000, ..config() }, store.clone(), bus.clone()).await.expect("built");
    let app = service.app();
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    let answers = app.conversations.send(&anna, room, outgoing("kept"), "").await;
    answers[0].1.as_ref().expect("with the bus down sends go on");
    let began = Instant::now();
    stop.cancel();
    running.await.expect("a task").expect("drained");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    bus.is_down.store(false, Ordering::Relaxed);

    // Its lease was for a minute; it gave it back.
    let service = build(config(), store.clone(), bus.clone()).await.expect("built");
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    until("the other publishes", async || messages(&bus.taken()).len() == 1).await;
    stop.cancel();
    running.await.expect("a task").expect("drained");
}

#[tokio::test]
async fn http_is_served_within_bounds() {
    let (_folder, store) = sqlite();
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config { http_listen: listen, http_header_timeout_ms: 100, ..config() };
    let service = build(config, store, TestBus::new()).await.expect("built");
    let address = service.addresses().http.expect("bound");
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    let ask = async |head: &[u8]| {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        // The answer may come, and the connection end, before all is sent.
        stream.write_all(head).await.ok();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
            .await
            .expect("ended")
            .ok();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = ask(b"GET /api/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("\"not_found\""), "{answer}");
    // Slow: the head never ends.
    let answer = ask(b"GET /api/nothing HTTP/1.1\r\nhost: a\r\n").await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    // Large.
    let mut large = b"GET / HTTP/1.1\r\nhost: a\r\nx: ".to_vec();
    large.resize(1 << 20, b'x');
    let answer = ask(&large).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    stop.cancel();
    running.await.expect("a task").expect("drained");
}

#[tokio::test]
async fn readiness_names_the_part_that_fails() {
    let (_folder, inner) = sqlite();
    let store = TestStore::open(inner);
    let bus = TestBus::new();
    let service = build(config(), store.clone(), bus.clone()).await.expect("built");
    let checks = service.checks();
    let faulty = async || -> Vec<&'static str> {
        checks.run().await.into_iter().filter(|check| check.fault.is_some()).map(|check| check.name).collect()
    };
    assert!(faulty().await.is_empty());
    bus.is_down.store(true, Ordering::Relaxed);
    assert_eq!(faulty().await, ["bus"]);
    store.is_down.store(true, Ordering::Relaxed);
    assert_eq!(faulty().await, ["store", "bus"]);
}

#[tokio::test]
async fn events_and_messages_of_one_group_are_published_in_commit_order() {
    let (_folder, store) = sqlite();
    let bus = TestBus::new();
    let service = build(config(), store.clone(), bus.clone()).await.expect("built");
    let app = service.app();
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    let (anna, ben) = (user(&*store, "anna").await, user(&*store, "ben").await);
    let ben_id = UserId::new(ben.id).expect("positive");
    let group = app.conversations.create_group(&anna, "g", Vec::new(), None).await.expect("created").id;
    let noise = {
        let (app, anna) = (app.clone(), anna.clone());
        tokio::spawn(async move {
            for n in 0..200 {
                app.conversations.send(&anna, group, outgoing(&format!("{n}")), "").await[0]
                    .1
                    .as_ref()
                    .expect("stored");
            }
        })
    };
    for _ in 0..20 {
        app.conversations.add_members(&anna, group, vec![ben_id]).await.expect("added");
        app.conversations.remove_member(&ben, group, ben_id).await.expect("left");
    }
    noise.await.expect("a task");
    let head = store.history(group, Range::Newest, 1).await.expect("read").head;
    assert_eq!(head, 240, "each change of members is a message as well");
    until("all is published", async || {
        i64::try_from(messages(&bus.taken()).len()).is_ok_and(|len| len == head)
    })
    .await;
    let seqs: Vec<i64> = messages(&bus.taken()).iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=head).collect::<Vec<i64>>());
    stop.cancel();
    running.await.expect("a task").expect("drained");
}

#[tokio::test]
async fn only_those_who_look_after_a_group_change_who_is_in_it() {
    let (_folder, store) = sqlite();
    let service = build(config(), store.clone(), TestBus::new()).await.expect("built");
    let app = service.app();
    let (anna, ben, carl) =
        (user(&*store, "anna").await, user(&*store, "ben").await, user(&*store, "carl").await);
    let id = |user: &oort_api::pb::oort::v1::User| UserId::new(user.id).expect("positive");
    let group = app.conversations.create_group(&anna, "g", vec![id(&ben)], None).await.expect("created").id;
    let code = |outcome: Result<(), oort_api::error::Refusal>| outcome.expect_err("refused").code;
    use oort_api::Code;
    assert_eq!(code(app.conversations.add_members(&ben, group, vec![id(&carl)]).await), Code::Forbidden);
    assert_eq!(code(app.conversations.add_members(&carl, group, vec![id(&carl)]).await), Code::NotMember);
    assert_eq!(code(app.conversations.remove_member(&ben, group, id(&anna)).await), Code::Forbidden);
    assert_eq!(code(app.conversations.add_members(&anna, group, vec![]).await), Code::InvalidField);
    let unknown = UserId::new(9999).expect("positive");
    assert_eq!(code(app.conversations.add_members(&anna, group, vec![unknown]).await), Code::NotFound);
    assert_eq!(code(app.conversations.remove_member(&anna, group, id(&anna)).await), Code::Forbidden);
    app.conversations.remove_member(&ben, group, id(&ben)).await.expect("members may leave");
    assert_eq!(
        code(app.conversations.history(id(&ben), group, Range::Newest, 9).await.map(|_| ())),
        Code::NotMember
    );
    let open = room(&*store, "r", &anna).await;
    assert_eq!(code(app.conversations.add_members(&anna, open, vec![id(&ben)]).await), Code::NotFound);
    assert_eq!(code(app.conversations.direct(&anna, id(&anna)).await.map(|_| ())), Code::InvalidField);
    let direct = app.conversations.direct(&anna, id(&ben)).await.expect("created").id;
    assert_eq!(app.conversations.direct(&ben, id(&anna)).await.expect("found").id, direct);
    // A message of nobody's conversation is refused the same way by store and door.
    store
        .append("x", &[message(direct, &carl, "m")], &[], 1)
        .await
        .map(|(outcomes, _)| {
            assert!(matches!(outcomes[..], [oort_logic::store::Appended::NotMember]));
        })
        .expect("answered");
}
