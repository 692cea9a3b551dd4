//! Clients that break the rules: the right answer, a counter, and the neighbour undisturbed.

use oort_api::op;
use oort_comet::Config;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::goim::{AUTH, Goim, packet};
use crate::logic::Scripted;
use crate::world::{Client, PATIENCE, World, config, eventually, start, start_with, to_room};

/// Writes bytes of its own under the client's WebSocket.
async fn raw(client: &mut Client, bytes: &[u8]) {
    client.socket.get_mut().write_all(bytes).await.expect("written");
}

/// A client's frame: masked with zeros, so the payload is as given.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).expect("short"), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn each_malformed_frame_has_its_close_code_and_the_neighbour_goes_on() {
    let world = start().await;
    let mut neighbour = world.v1(100).await;
    let mut job = world.job("j");
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", b"\x81\x02hi".to_vec(), 1002),
        ("reserved bit", masked(0xc1, b"hi"), 1002),
        ("reserved opcode", masked(0x83, b"hi"), 1002),
        ("lone continuation", masked(0x80, b"hi"), 1002),
        ("fragmented ping", masked(0x09, b"hi"), 1002),
        ("not UTF-8", masked(0x81, b"\xff\xfe"), 1007),
        ("binary", masked(0x82, b"hi"), 1003),
        ("half a close code", masked(0x88, b"x"), 1002),
        ("announces 1 GiB", vec![0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0], 1009),
    ];
    for (seq, (name, bytes, code)) in (1..).zip(cases) {
        let mut client = world.v1(seq).await;
        raw(&mut client, &bytes).await;
        assert_eq!(client.closed().await.0, code, "{name}");
        job.push(vec![to_room(1, seq)]).await;
        assert_eq!(neighbour.seqs(1).await, [(1, seq)], "after {name}");
    }
    eventually("all are forgotten", || world.handle.connections() == 1).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_packets_end_the_connection() {
    let world = start().await;
    let header = |length: i32, header: i16| {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(header.to_be_bytes());
        bytes.extend([0; 10]);
        bytes
    };
    let mut neighbour = Goim::live(&world, true, AUTH).await;
    for is_tcp in [true, false] {
        let cases =
            [header(15, 16), header(-1, 16), header(16, 17), header(16 + 4097, 16), header(i32::MAX, 16)];
        for bytes in cases {
            let mut client = Goim::live(&world, is_tcp, b"{}").await;
            client.send(bytes).await;
            client.ended().await;
            neighbour.sync().await;
        }
    }
    // On WebSocket a packet that says more than the message holds is one too.
    let mut client = Goim::live(&world, false, b"{}").await;
    client.send(packet(op::SUBSCRIBE, 1, b"1,2,3")[..18].to_vec()).await;
    client.ended().await;
    let mut client = Goim::live(&world, true, b"{}").await;
    client.send(packet(600, 1, &[b'x'; 4096])).await;
    assert_eq!(client.next().await.0, 600, "the longest body is taken");
    world.stop().await.unwrap();
}

async fn answer(world: &World, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
    let _ = stream.write_all(request).await;
    let mut text = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("it is closed");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_header_is_refused() {
    let world = start().await;
    let mut request = b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ".to_vec();
    request.resize(1 << 20, b'a');
    let text = answer(&world, &request).await;
    assert!(text.starts_with("HTTP/1.1 431"), "{text}");
    eventually("it is forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_given_up() {
    let world = start_with(Config { header_timeout_ms: 200, ..config() }, Scripted::new()).await;
    let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
    let slowly = async {
        for byte in b"GET /api/ws HTTP/1.1\r\nhost: x\r\nx: ".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, slowly).await.expect("it is given up");
    eventually("it is forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_are_pages_and_bad_upgrades_are_explained() {
    let world = start().await;
    let page = answer(&world, b"GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(page.ends_with("page /hello"), "{page}");
    let text = answer(&world, b"GET /api/ws HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 426") && text.contains("\"code\":\"invalid_request\""), "{text}");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_is_1009_and_one_that_fits_is_taken() {
    let world = start().await;
    let mut client = world.v1(1).await;
    let limits = &client.hello["payload"]["session"]["limits"];
    let long = "x".repeat(usize::try_from(limits["contentBytesMax"].as_u64().unwrap()).unwrap());
    client
        .send(json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": long}]}}))
        .await;
    let ack = client.next().await;
    assert_eq!(ack["type"], "sendAck", "{ack}");
    client.send(json!({"padding": "x".repeat(65_536)})).await;
    assert_eq!(client.closed().await.0, 1009);
    world.stop().await.unwrap();
}
