//! What a batch costs before and beside its transaction: the queue, the plan with its outbox row.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on says why")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::User;
use oort_logic::batcher::bench::Waiting;
use oort_logic::store::NewMessage;
use oort_logic::store::bench::plan_rooms;

/// Messages of a batch.
const ROWS: [i64; 3] = [1, 64, 1024];
/// Conversations that they are spread over.
const CONVERSATIONS: i64 = 16;

fn batch(rows: i64) -> Vec<NewMessage> {
    let message = |row: i64| NewMessage {
        conversation: ConversationId::new(1 + row % CONVERSATIONS).expect("positive"),
        sender: User { id: 1 + row, username: "somebody".to_owned() },
        client_msg_id: format!("0198f3a2-7c1d-7000-8000-{row:012}"),
        content: "x".repeat(100),
        written: None,
        details: None,
        traceparent: String::new(),
    };
    (0..rows).map(message).collect()
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for rows in ROWS {
        let batch = batch(rows);
        group.throughput(Throughput::Elements(rows.unsigned_abs()));
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter(|| plan_rooms(black_box(&batch), 1_763_740_000_000));
        });
    }
    group.finish();
}

fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    let waiting = Waiting::new();
    for rows in ROWS {
        let batch = batch(rows);
        group.throughput(Throughput::Elements(rows.unsigned_abs()));
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter_batched(|| batch.clone(), |batch| waiting.pass(batch), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = plan, queue
}
criterion_main!(benches);
