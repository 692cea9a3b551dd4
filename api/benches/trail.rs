//! What noting a hop costs: alone, and with other threads that note, too.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use oort_api::trail::{Mark, Ring, now_us};

fn note(ring: &Ring, seq: i64) {
    ring.note(1_760_000_000_000_000, 7, black_box(seq), Mark::Taken { partition: 3, offset: seq });
}

fn trail(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("trail");
    let ring = Ring::new(65_536);
    let mut seq = 0;
    group.bench_function("note", |bencher| {
        bencher.iter(|| {
            seq += 1;
            note(&ring, seq);
        });
    });
    group.bench_function("note, the clock read as well", |bencher| {
        bencher.iter(|| {
            seq += 1;
            ring.note(now_us(), 7, black_box(seq), Mark::Taken { partition: 3, offset: seq });
        });
    });
    group.bench_function("find one message", |bencher| bencher.iter(|| ring.trail(7, black_box(seq), 256)));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seq = 0;
            while !stop.load(Ordering::Relaxed) {
                seq += 1;
                note(&ring, seq);
            }
        });
        group.bench_function("note, beside another thread that does nothing else", |bencher| {
            bencher.iter(|| {
                seq += 1;
                note(&ring, seq);
            });
        });
        stop.store(true, Ordering::Relaxed);
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).without_plots();
    targets = trail
}
criterion_main!(benches);
