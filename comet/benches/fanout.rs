//! What a shard's tick costs beside its writes: planning, encoding once, walking over the members.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use oort_comet::fanout_bench::Tick;

fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for (rooms, members, frames) in [(1, 1000, 1), (1, 1000, 32), (1, 10_000, 32), (32, 100, 32)] {
        let tick = Tick::new(rooms, members, frames);
        let name = BenchmarkId::from_parameter(format!("{rooms} rooms of {members}, {frames} frames"));
        group.throughput(Throughput::Elements(u64::from(members) * frames.unsigned_abs()));
        group.bench_function(name, |bencher| bencher.iter(|| tick.run()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = tick
}
criterion_main!(benches);
