//! What a frame costs in the codecs: goim packets, JSON text frames, records of the bus; and what a send costs to be
//! counted.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on says why")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oort_api::codec::envelope::{Flavour, Limits, ServerFrame, parse};
use oort_api::codec::packet::{Carrier, Packet, packets, raw_container};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::{Message, MessageKind, User};
use oort_api::rate::{Buckets, Rate};
use prost::Message as _;

/// Bytes of text in a message.
const TEXT_BYTES: usize = 100;
/// Packets of one container, as goim's job makes them.
const PACKETS: usize = 20;

fn message() -> Message {
    Message {
        conversation: 7,
        seq: 12_345,
        sender: Some(User { id: 42, username: "somebody".to_owned() }),
        client_msg_id: "0198f3a2-7c1d-7000-8000-000000000001".to_owned(),
        content: "x".repeat(TEXT_BYTES),
        created_at_ms: 1_763_740_000_000,
        kind: MessageKind::Text.into(),
        extra: None,
    }
}

fn packet_codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packet");
    let body = [b'x'; TEXT_BYTES];
    let packet = Packet { ver: 1, op: op::SEND_MESSAGE, seq: 1, body: &body };
    let mut out = Vec::with_capacity(4096);
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(packet).encode_into(&mut out).expect("it is small");
        });
    });
    let many = [packet; PACKETS];
    group.throughput(Throughput::Elements(PACKETS as u64));
    group.bench_function("container of 20, encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            raw_container(black_box(&many), Carrier::Tcp, &mut out).expect("it is small");
        });
    });
    let mut message = Vec::new();
    raw_container(&many, Carrier::Tcp, &mut message).expect("it is small");
    group.bench_function("message of 20, decode", |bencher| {
        bencher.iter(|| {
            packets(black_box(&message), 4096).map(|packet| packet.expect("whole").body.len()).sum::<usize>()
        });
    });
    group.finish();
}

fn json_codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json");
    let messages = [message()];
    let mut out = Vec::with_capacity(4096);
    for (name, flavour) in
        [("serverMessages, V1", Flavour::V1), ("serverMessages, Classic", Flavour::Classic)]
    {
        let frame = ServerFrame::Messages { conversation: 7, messages: &messages };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                assert!(black_box(&frame).encode_into(flavour, &mut out));
            });
        });
    }
    let content = "x".repeat(TEXT_BYTES);
    let text = format!(
        r#"{{"type":"clientMessages","payload":{{"requestId":"r1","roomId":"7","messages":[{{"content":"{content}","clientMsgId":"0198f3a2"}}]}}}}"#
    );
    let limits = Limits::default();
    parse(&text, Flavour::V1, &limits).expect("a valid frame");
    group.bench_function("clientMessages, parse", |bencher| {
        bencher.iter(|| parse(black_box(&text), Flavour::V1, &limits));
    });
    group.finish();
}

fn record_codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("PushMsg");
    let record = PushMsg {
        operation: op::SEND_MESSAGE,
        room: "7".to_owned(),
        msg: message().encode_to_vec().into(),
        conversation: 7,
        seq: 12_345,
        ..PushMsg::default()
    };
    group.bench_function("encode, message within", |bencher| {
        let message = message();
        bencher.iter(|| {
            let msg = black_box(&message).encode_to_vec().into();
            PushMsg { msg, ..record.clone() }.encode_to_vec()
        });
    });
    let bytes = bytes::Bytes::from(record.encode_to_vec());
    group.bench_function("decode", |bencher| {
        bencher.iter(|| PushMsg::decode(black_box(bytes.clone())).expect("as encoded"));
    });
    group.finish();
}

/// Counts a send of one of this many users, each in turn: the worst for caches.
fn counting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rate");
    for users in [100_i64, 100_000] {
        let buckets =
            Buckets::new(Rate { per_second: 1_000_000, burst: 1_000_000 }, 200_000).expect("a limit");
        let mut user = 0;
        group.bench_function(format!("take, {users} users"), |bencher| {
            bencher.iter(|| {
                user = (user + 7_919) % users;
                buckets.take(black_box(user), 1)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = packet_codec, json_codec, record_codec, counting
}
criterion_main!(benches);
