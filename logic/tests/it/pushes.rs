//! Transient pushes and what is known of who is online.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use oort_api::Code;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{CometInfo, CometRef, Directory as _};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::metrics::Registry;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_logic::Metrics;
use oort_logic::online::{self, Online, RoomCount};
use oort_logic::pushes::{Config, Push, Pushes};
use prost::Message as _;

use crate::support::bus::TestBus;

fn push(operation: i32) -> Push {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    Push { operation, body: Bytes::from_static(b"{}"), traceparent }
}

fn pushes(bus: &Arc<TestBus>) -> (Pushes, Metrics) {
    let metrics = Metrics::register(&mut Registry::default());
    let config = Config { body_bytes_max: 4, targets_max: 300, batch_max: 8, ..Config::default() };
    (Pushes::new(config, bus.clone(), metrics.clone()), metrics)
}

fn user(raw: i64) -> UserId {
    UserId::new(raw).expect("positive")
}

#[tokio::test]
async fn pushes_to_one_user_share_a_key_and_pushes_to_many_are_few_records() {
    let bus = TestBus::new();
    let (pushes, metrics) = pushes(&bus);
    pushes.to_users((1..=300).map(user).collect(), push(1000)).await.expect("pushed");
    pushes.to_users(vec![user(7)], push(1001)).await.expect("pushed");
    let taken = bus.taken();
    assert_eq!(taken.len(), 65);
    assert_eq!((metrics.pushes.get(), metrics.push_records.get()), (2, 65));
    let mut keys: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for record in &taken {
        let message = PushMsg::decode(record.value.clone()).expect("a push");
        assert_eq!((message.r#type(), &message.msg[..]), (Type::Push, &b"{}"[..]));
        assert!(record.traceparent.is_some() && message.created_at_ms > 0);
        for user in message.user_ids {
            keys.entry(user).or_default().insert(&record.key);
        }
    }
    assert_eq!(keys.len(), 300, "each is named");
    assert!(keys.values().all(|keys| keys.len() == 1));
}

#[tokio::test]
async fn a_batch_goes_whole_and_in_order_or_not_at_all() {
    let bus = TestBus::new();
    let (pushes, metrics) = pushes(&bus);
    let batch = |operations: &[i32]| {
        // Users 7 and 71 share a lane.
        let users = [7, 71, 8].into_iter().cycle().map(user);
        users.zip(operations.iter().map(|operation| push(*operation))).collect::<Vec<_>>()
    };
    pushes.to_each(batch(&[1000, 1001, 1002, 1003])).await.expect("pushed");
    let taken: Vec<_> = bus.taken().iter().map(|record| (record.key.clone(), record.value.clone())).collect();
    let read: Vec<_> = taken
        .iter()
        .map(|(key, value)| {
            let message = PushMsg::decode(value.clone()).expect("a push");
            (key.as_str(), message.user_ids, message.operation)
        })
        .collect();
    let expected = [
        ("user-lane-7", vec![7], 1000),
        ("user-lane-7", vec![71], 1001),
        ("user-lane-8", vec![8], 1002),
        ("user-lane-7", vec![7], 1003),
    ];
    assert_eq!(read, expected);
    assert_eq!((metrics.pushes.get(), metrics.push_records.get()), (4, 4));

    let refused = pushes.to_each(batch(&[1000, 17, 1002])).await.expect_err("one of them is reserved");
    assert_eq!(refused.code, Code::InvalidField);
    assert!(refused.message.contains("pushes[1]"), "{}", refused.message);
    let code = |outcome: Result<(), oort_api::error::Refusal>| outcome.expect_err("refused").code;
    assert_eq!(code(pushes.to_each(Vec::new()).await), Code::InvalidField);
    assert_eq!(
        code(pushes.to_each(batch(&[1000; 9])).await),
        Code::InvalidField,
        "more than a batch may have"
    );
    assert_eq!((bus.taken().len(), metrics.pushes.get()), (4, 4), "none of those");
    assert_eq!(metrics.pushes_refused.get_or_create(&Code::InvalidField.into()).get(), 3);
}

#[tokio::test]
async fn rooms_keys_and_everyone() {
    let bus = TestBus::new();
    let (pushes, _) = pushes(&bus);
    pushes.to_room(RoomKey::new("live://1").expect("valid"), push(4)).await.expect("pushed");
    pushes.to_keys(vec![SessionKey::new("k").expect("valid")], push(9999)).await.expect("pushed");
    pushes.to_all(20, push(1000)).await.expect("pushed");
    let taken: Vec<PushMsg> =
        bus.taken().into_iter().map(|record| PushMsg::decode(record.value).expect("a push")).collect();
    assert_eq!((taken[0].r#type(), taken[0].room.as_str()), (Type::Room, "live://1"));
    assert_eq!((taken[1].r#type(), taken[1].keys.as_slice()), (Type::Push, &["k".to_owned()][..]));
    assert_eq!((taken[2].r#type(), taken[2].speed), (Type::Broadcast, 20));
    assert_eq!(bus.taken()[0].key, "live://1");
}

#[tokio::test]
async fn what_cannot_be_pushed_is_refused_and_counted() {
    let bus = TestBus::new();
    let (pushes, metrics) = pushes(&bus);
    let code = |outcome: Result<(), oort_api::error::Refusal>| outcome.expect_err("refused").code;
    for reserved in [-1, 0, 2, 9, 17, 20] {
        assert_eq!(
            code(pushes.to_users(vec![user(1)], push(reserved)).await),
            Code::InvalidField,
            "{reserved}"
        );
    }
    assert_eq!(code(pushes.to_users(vec![], push(1000)).await), Code::InvalidField);
    assert_eq!(code(pushes.to_users((1..=301).map(user).collect(), push(1000)).await), Code::InvalidField);
    assert_eq!(code(pushes.to_all(-1, push(1000)).await), Code::InvalidField);
    let large = Push { body: Bytes::from_static(b"12345"), ..push(1000) };
    assert_eq!(code(pushes.to_all(0, large).await), Code::TooLarge);
    bus.is_down.store(true, Ordering::Relaxed);
    assert_eq!(code(pushes.to_all(0, push(1000)).await), Code::Unavailable);
    assert!(bus.taken().is_empty());
    let refused = |code: Code| metrics.pushes_refused.get_or_create(&code.into()).get();
    assert_eq!((refused(Code::InvalidField), refused(Code::TooLarge), refused(Code::Unavailable)), (9, 1, 1));
}

fn comet(id: &str, connections: i64, rooms: &[(&str, i32)]) -> CometInfo {
    CometInfo {
        comet: CometRef { id: id.to_owned(), epoch: 1 },
        grpc_address: String::new(),
        ws_address: format!("{id}.example:8080"),
        tcp_address: format!("{id}.example:3101"),
        weight: 10,
        connections,
        addresses: connections / 2,
        draining: false,
        announcing: false,
        announcements: 0,
        room_counts: rooms.iter().map(|&(room, count)| (room.to_owned(), count)).collect::<HashMap<_, _>>(),
    }
}

#[tokio::test]
async fn counts_are_summed_over_comets() {
    let directory = Arc::new(MemoryDirectory::default());
    let lease = Duration::from_secs(60);
    let rooms_a = [("live://1", 2), ("live://2", 1), ("game://1", 9), ("livelier://3", 50)];
    directory.renew(&comet("a", 10, &rooms_a), lease).await.expect("renewed");
    directory.renew(&comet("b", 4, &[("live://2", 5)]), lease).await.expect("renewed");
    let online = Online::new(online::Config::default(), directory.clone());

    let count = |room_id: &str, count| RoomCount { room_id: room_id.to_owned(), count };
    assert_eq!(online.top("live", 9).await.expect("read"), [count("2", 6), count("1", 2)]);
    assert_eq!(online.top("live", 1).await.expect("read"), [count("2", 6)]);
    let asked = ["1".to_owned(), "nobody".to_owned()];
    let rooms = online.rooms("live", &asked).await.expect("read");
    assert_eq!(rooms, BTreeMap::from([("1".to_owned(), 2), ("nobody".to_owned(), 0)]));
    let total = online.total().await.expect("read");
    assert_eq!((total.addresses, total.connections), (7, 14));

    let nodes = online.nodes_weighted("web").await.expect("read");
    assert_eq!(nodes.nodes, ["b.example", "a.example"], "who lacks most to its share comes first");
    assert_eq!((nodes.ws_port, nodes.tcp_port, nodes.heartbeat, nodes.heartbeat_max), (8080, 3101, 240, 2));
    let first = async || online.nodes_weighted("web").await.expect("read").nodes[0].clone();
    let mut firsts = Vec::new();
    for _ in 0..8 {
        firsts.push(first().await);
    }
    assert!(firsts[..4].iter().all(|node| node == "b.example"), "{firsts:?}");
    assert!(firsts[4..].contains(&"a.example".to_owned()), "what was offered counts at once: {firsts:?}");
}
