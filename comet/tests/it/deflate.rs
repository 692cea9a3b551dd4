//! `permessage-deflate` (RFC 7692) with a client that is made by hand: tungstenite knows no compression.

use bytes::{Buf, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use oort_api::op;
use oort_comet::{Config, DeflateConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::goim::{AUTH, packet};
use crate::logic::Scripted;
use crate::world::{PATIENCE, World, config, eventually, id_of, start, start_with, to_room};

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Reads and writes frames as they are on the wire.
struct Raw {
    stream: TcpStream,
    received: BytesMut,
    /// What the server agreed to.
    agreed: Option<String>,
}

struct Frame {
    first: u8,
    /// As it was before it was compressed.
    payload: Vec<u8>,
}

impl Frame {
    fn is_compressed(&self) -> bool {
        self.first & 0x40 != 0
    }

    fn json(&self) -> Value {
        assert_eq!(self.first & 0x0f, 1, "text");
        serde_json::from_slice(&self.payload).expect("JSON")
    }

    fn close_code(&self) -> u16 {
        assert_eq!(self.first, 0x88, "a close frame, not compressed");
        u16::from_be_bytes(self.payload[..2].try_into().unwrap())
    }
}

fn deflate(bytes: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 100);
    Compress::new(Compression::new(6), false).compress_vec(bytes, &mut out, flush).unwrap();
    if flush == FlushCompress::Sync {
        assert_eq!(out.split_off(out.len() - 4), TAIL);
    } else {
        out.push(0);
    }
    out
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    let all = [bytes, &TAIL].concat();
    Decompress::new(false).decompress_vec(&all, &mut out, FlushDecompress::Sync).expect("deflate");
    out
}

impl Raw {
    async fn open(world: &World, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = BytesMut::new();
        let end = loop {
            if let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(stream.read_buf(&mut received).await.unwrap() > 0, "no answer");
        };
        let head = String::from_utf8(received.split_to(end).to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let agreed = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
        Self { stream, received, agreed: agreed.map(str::to_owned) }
    }

    async fn v1(world: &World, user: i64) -> Self {
        let headers = format!(
            "cookie: sid=u{user}\r\nsec-websocket-protocol: oort.v1\r\nsec-websocket-extensions: {OFFER}\r\n"
        );
        let mut client = Self::open(world, "/api/ws", &headers).await;
        assert_eq!(client.agreed.as_deref(), Some(AGREED));
        let hello = client.next().await;
        assert_eq!(hello.json()["type"], "hello");
        assert!(hello.is_compressed(), "the greeting is long");
        client
    }

    /// The next frame that is no ping.
    async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.take() {
                if frame.first != 0x89 {
                    return frame;
                }
                continue;
            }
            let reading = self.stream.read_buf(&mut self.received);
            assert!(tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap() > 0, "closed");
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let bytes = &self.received[..];
        let (head, length) = match *bytes.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
            127 => panic!("longer than any frame here"),
            short => (2, usize::from(short)),
        };
        let payload = bytes.get(head..head + length)?;
        let first = bytes[0];
        let payload = if first & 0x40 == 0 { payload.to_vec() } else { inflate(payload) };
        self.received.advance(head + length);
        Some(Frame { first, payload })
    }

    /// One frame, masked with zeros.
    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match u16::try_from(payload.len()).unwrap() {
            short @ ..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 126);
                frame.extend(long.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame).await.unwrap();
    }

    async fn seqs(&mut self, count: usize) -> Vec<(i64, i64)> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let frame = self.next().await.json();
            assert_eq!(frame["type"], "serverMessages", "{frame}");
            seqs.extend(frame["payload"]["messages"].as_array().unwrap().iter().map(id_of));
        }
        seqs
    }
}

async fn world() -> World {
    let deflate = DeflateConfig { enabled: true, bytes_min: 64, ..DeflateConfig::default() };
    start_with(Config { deflate, ..config() }, Scripted::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn some_compress_and_some_do_not_and_all_get_everything_in_order() {
    let world = world().await;
    let mut compressed = Vec::new();
    let mut plain = Vec::new();
    for user in 1..=8 {
        compressed.push(Raw::v1(&world, user).await);
        plain.push(world.v1(100 + user).await);
    }
    plain.push(world.classic(200).await);
    let metrics = world.handle.metrics().clone();
    let before = metrics.deflate_bytes_in.get();
    let mut job = world.job("j");
    job.push(vec![to_room(1, 1)]).await;
    let one = metrics.deflate_bytes_in.get() - before;
    for batch in 0..20 {
        job.push((2..=11).map(|n| to_room(1, batch * 10 + n)).collect()).await;
    }
    let expected: Vec<(i64, i64)> = (1..=201).map(|seq| (1, seq)).collect();
    for client in &mut compressed {
        assert_eq!(client.seqs(201).await, expected);
    }
    for client in &mut plain {
        assert_eq!(client.seqs(201).await, expected);
    }
    let all = metrics.deflate_bytes_in.get() - before;
    assert!(all < 202 * (one + 8), "once per message, not per receiver: {all} for {one} each");
    assert!(metrics.deflate_bytes_out.get() < metrics.deflate_bytes_in.get());
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_compress_is_understood() {
    let world = world().await;
    let mut client = Raw::v1(&world, 1).await;
    let content = "all the same words, all the same words, all the same words";
    let said =
        json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": content}]}})
            .to_string();
    for flush in [FlushCompress::Sync, FlushCompress::Finish] {
        client.send(0xc1, &deflate(said.as_bytes(), flush)).await;
        assert_eq!(client.next().await.json()["type"], "sendAck");
    }
    // In three frames, with a ping in between; then one that is not compressed.
    let small = deflate(said.as_bytes(), FlushCompress::Sync);
    client.send(0x41, &small[..5]).await;
    client.send(0x89, b"there?").await;
    client.send(0x00, &small[5..9]).await;
    client.send(0x80, &small[9..]).await;
    assert_eq!(client.next().await.payload, b"there?");
    assert_eq!(client.next().await.json()["type"], "sendAck");
    client.send(0x81, said.as_bytes()).await;
    assert_eq!(client.next().await.json()["type"], "sendAck");
    let sends = world.logic.state.lock().sends.clone();
    assert_eq!(sends.len(), 4);
    assert!(sends.iter().all(|(_, _, _, sent)| sent == content), "{sends:?}");
    assert!(world.handle.metrics().inflate_bytes_out.get() > world.handle.metrics().inflate_bytes_in.get());
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_rubbish_are_closed_with_their_code() {
    let world = world().await;
    let bomb = deflate(&vec![b' '; 8 << 20], FlushCompress::Sync);
    let fits = deflate(&vec![b' '; 65_536], FlushCompress::Sync);
    let mut client = Raw::v1(&world, 1).await;
    client.send(0xc1, &fits).await;
    assert_eq!(client.next().await.json()["type"], "error", "it is taken, and no JSON");
    let one_more = deflate(&vec![b' '; 65_537], FlushCompress::Sync);
    let cases: [(&str, u8, &[u8], u16); 6] = [
        ("bomb", 0xc1, &bomb, 1009),
        ("one byte too many", 0xc1, &one_more, 1009),
        ("rubbish", 0xc1, b"\xff\xff\xff", 1007),
        ("not UTF-8", 0xc1, &deflate(b"\xff\xfe", FlushCompress::Sync), 1007),
        ("binary", 0xc2, &deflate(b"hello", FlushCompress::Sync), 1003),
        ("compressed ping", 0xc9, b"x", 1002),
    ];
    for (name, first, payload, code) in cases {
        let mut client = Raw::v1(&world, 1).await;
        client.send(first, payload).await;
        assert_eq!(client.next().await.close_code(), code, "{name}");
    }
    drop(client);
    eventually("all are forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn goims_clients_may_compress_too() {
    let world = world().await;
    let headers = format!("sec-websocket-extensions: {OFFER}\r\n");
    let mut client = Raw::open(&world, "/sub", &headers).await;
    assert_eq!(client.agreed.as_deref(), Some(AGREED));
    client.send(0xc2, &deflate(&packet(op::AUTH, 1, AUTH), FlushCompress::Sync)).await;
    let reply = client.next().await;
    assert_eq!((reply.first, reply.payload), (0x82, packet(op::AUTH_REPLY, 1, b"")), "too short to compress");
    let body = "packets ".repeat(60);
    client.send(0xc2, &deflate(&packet(op::SUBSCRIBE, 2, body.as_bytes()), FlushCompress::Sync)).await;
    let echo = client.next().await;
    assert_eq!(echo.first & 0x0f, 2);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_or_a_good_offer_nothing_is_compressed() {
    let headers = |offer: &str| format!("cookie: sid=u1\r\nsec-websocket-extensions: {offer}\r\n");
    for (world, offer) in [
        (start().await, OFFER),
        (world().await, "permessage-deflate; server_max_window_bits=9"),
        (world().await, "permessage-deflate; unheard_of"),
    ] {
        let mut client = Raw::open(&world, "/api/ws", &headers(offer)).await;
        assert_eq!(client.agreed, None, "{offer}");
        let hello = client.next().await;
        assert!(!hello.is_compressed());
        client.send(0xc1, &deflate(b"{}", FlushCompress::Sync)).await;
        assert_eq!(client.next().await.close_code(), 1002);
        world.stop().await.unwrap();
    }
    let world = world().await;
    let offers = "permessage-deflate; server_max_window_bits=9, permessage-deflate";
    assert_eq!(Raw::open(&world, "/api/ws", &headers(offers)).await.agreed.as_deref(), Some(AGREED));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_sends_that_lie_ready_go_to_logic_together() {
    let world = world().await;
    let mut client = Raw::v1(&world, 7).await;
    let all = u32::try_from(world.logic.receive_gate.available_permits()).unwrap();
    let held = world.logic.receive_gate.clone().acquire_many_owned(all).await.unwrap();
    let send = |n: usize| {
        let payload = json!({"roomId": "1", "requestId": format!("r{n}"), "messages": [{"content": "text"}]});
        deflate(
            json!({"type": "clientMessages", "payload": payload}).to_string().as_bytes(),
            FlushCompress::Sync,
        )
    };
    client.send(0xc1, &send(0)).await;
    eventually("the first is under way", || world.logic.state.lock().received.len() == 1).await;
    let mut rest = Vec::new();
    for payload in [send(1), send(2), vec![0xff]] {
        rest.extend([0xc1, 0x80 | 126]);
        rest.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        rest.extend([0; 4]);
        rest.extend(payload);
    }
    client.stream.write_all(&rest).await.unwrap();
    drop(held);
    for n in 0..3 {
        let ack = client.next().await.json();
        assert_eq!(
            (&ack["type"], &ack["payload"]["requestId"]),
            (&json!("sendAck"), &json!(format!("r{n}")))
        );
    }
    assert_eq!(client.next().await.close_code(), 1007, "what cannot be decompressed breaks off behind them");
    assert_eq!(world.logic.state.lock().received, [("send", 1), ("sends", 2)]);
    world.stop().await.unwrap();
}
