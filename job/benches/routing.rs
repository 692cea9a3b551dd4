//! What a poll's routes cost: one look-up in the directory of one process, then a delivery per comet.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on says why")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{CometInfo, CometRef, Directory as _, RoomEntry, SessionEntry};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::{RoomKey, SessionKey, UserId};
use oort_job::split_bench::route;

/// Records of one poll.
const RECORDS: i64 = 256;
/// Comets with members of each room.
const COMETS: [i64; 2] = [2, 16];

async fn directory(comets: i64) -> MemoryDirectory {
    let directory = MemoryDirectory::default();
    for number in 0..comets {
        let comet = CometRef { id: format!("comet-{number}"), epoch: 1 };
        let info = CometInfo {
            comet: comet.clone(),
            grpc_address: "local".to_owned(),
            ws_address: String::new(),
            tcp_address: String::new(),
            weight: 1,
            connections: 0,
            addresses: 0,
            draining: false,
            announcing: false,
            announcements: 1,
            room_counts: std::collections::HashMap::new(),
        };
        directory.renew(&info, Duration::from_secs(3600)).await.expect("in memory");
        let rooms: Vec<_> = (1..=RECORDS)
            .map(|room| RoomEntry { room: RoomKey::new(room.to_string()).expect("valid"), version: 1 })
            .collect();
        directory.enter_rooms(&comet, &rooms).await.expect("in memory");
        let sessions: Vec<_> = (1..=RECORDS)
            .map(|user| SessionEntry {
                user: UserId::new(user),
                key: SessionKey::new(format!("{number}-{user}")).expect("valid"),
                version: 1,
                platform: "web".to_owned(),
                addressable: false,
                login: None,
            })
            .collect();
        directory.add_sessions(&comet, &sessions).await.expect("in memory");
    }
    directory
}

fn routing(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("route");
    group.throughput(Throughput::Elements(RECORDS.unsigned_abs()));
    let record =
        |id: i64| PushMsg { msg: vec![b'x'; 150].into(), conversation: id, seq: 1, ..PushMsg::default() };
    let rooms: Vec<_> = (1..=RECORDS).map(|id| PushMsg { room: id.to_string(), ..record(id) }).collect();
    let users: Vec<_> =
        (1..=RECORDS).map(|id| PushMsg { user_ids: vec![id, id % 7 + 1], ..record(id) }).collect();
    for comets in COMETS {
        let directory = runtime.block_on(directory(comets));
        for (name, records) in [("256 rooms", &rooms), ("256 direct", &users)] {
            group.bench_function(BenchmarkId::new(name, format!("{comets} comets")), |bencher| {
                bencher.iter(|| runtime.block_on(route(&directory, black_box(records))).expect("in memory"));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = routing
}
criterion_main!(benches);
