//! Every ceiling at its edge: so much passes, one more is refused, counted and explained, and there is room again when
//! somebody leaves.

use futures_util::SinkExt;
use oort_comet::{AddressConfig, Config};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::goim::{AUTH, Goim, packet};
use crate::logic::Scripted;
use crate::world::{Client, PATIENCE, World, config, eventually, start_with};

async fn answer(world: &World, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
    let _ = stream.write_all(request).await;
    let mut text = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("it is closed");
    String::from_utf8_lossy(&text).into_owned()
}

/// Status and body of a refused upgrade.
fn refused(result: Result<Client, Error>) -> (u16, String) {
    match result.err().expect("a refusal") {
        Error::Http(response) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
        }
        other => panic!("{other}"),
    }
}

fn text(bytes: usize) -> serde_json::Value {
    // An unknown type: answered with an error, never sent on.
    let frame = |padding: &str| json!({ "type": "none", "payload": { "x": padding } });
    let padding = bytes - frame("").to_string().len();
    let frame = frame(&"x".repeat(padding));
    assert_eq!(frame.to_string().len(), bytes);
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn connections() {
    let world = start_with(Config { connections_max: 2, ..config() }, Scripted::new()).await;
    let first = world.v1(1).await;
    let mut second = world.v1(2).await;
    let page = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let said = answer(&world, page).await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"overloaded\""), "{said}");
    assert!(said.contains("retry-after: "), "{said}");
    assert_eq!(world.handle.metrics().refused_for("connections"), 1);
    second.sync().await;
    drop(first);
    eventually("there is room", || world.handle.connections() == 1).await;
    assert!(answer(&world, page).await.starts_with("HTTP/1.1 200"));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_in_flight() {
    let world = start_with(Config { handshakes_max: 2, ..config() }, Scripted::new()).await;
    let silent = [Goim::open(&world, true).await, Goim::open(&world, false).await];
    eventually("both count", || world.handle.metrics().handshakes.get() == 2).await;
    let (status, body) = refused(world.open("/api/ws", &[("cookie", "sid=u1")]).await);
    assert_eq!(status, 503);
    assert!(body.contains("\"overloaded\"") && body.contains("connecting now"), "{body}");
    assert_eq!(world.handle.metrics().refused_for("handshakes"), 1);
    // A packet client has no words for it: its socket is closed.
    let mut packets = TcpStream::connect(world.addresses.tcp.expect("served")).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, packets.read(&mut [0; 16])).await.expect("in time");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(world.handle.metrics().refused_for("handshakes"), 2);
    drop(silent);
    eventually("there is room", || world.handle.metrics().handshakes.get() == 0).await;
    world.v1(1).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_per_second() {
    // So slow that nothing is earned back while the test runs.
    let limits = Config { frames_per_second: 1, frames_burst: 50, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    let mut neighbour = world.v1(2).await;
    let mut chatty = world.v1(1).await;
    for _ in 0..50 {
        chatty.sync().await;
    }
    // One more is too many, unless a second has passed meanwhile, and a minute will not.
    for _ in 0..60 {
        // The server may have closed it already.
        let _ = chatty.socket.send(Message::text(json!({"type": "ping", "payload": {}}).to_string())).await;
    }
    assert_eq!(chatty.closed().await, (1008, "rate_limited".into()));
    assert_eq!(world.handle.metrics().closed_for("rate_limited"), 1);
    neighbour.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_per_second() {
    let limits = Config { bytes_per_second: 1, bytes_burst: 100_000, ..config() };
    let world = start_with(limits, Scripted::new()).await;
    let mut neighbour = world.v1(2).await;
    let mut loud = world.v1(1).await;
    for _ in 0..2 {
        loud.send(text(50_000)).await;
        assert_eq!(loud.next().await["type"], "error", "the burst is taken to its last byte");
    }
    loud.send(text(1_000)).await;
    assert_eq!(loud.closed().await, (1008, "rate_limited".into()));
    assert_eq!(world.handle.metrics().closed_for("rate_limited"), 1);
    neighbour.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn message_size() {
    let mut limits = config();
    limits.json.frame_bytes_max = 20_000;
    let world = start_with(limits, Scripted::new()).await;
    let mut client = world.v1(1).await;
    client.send(text(20_000)).await;
    assert_eq!(client.next().await["type"], "error", "the longest is read");
    client.send(text(20_001)).await;
    let (code, words) = client.closed().await;
    assert_eq!(code, 1009);
    assert!(!words.is_empty(), "and told why");
    assert_eq!(world.handle.metrics().closed_for("message_too_long"), 1);

    let mut packets = Goim::live(&world, true, AUTH).await;
    packets.send(packet(600, 1, &[b'x'; 4_096])).await;
    assert_eq!(packets.next().await.0, 600, "the longest body is read");
    packets.send(packet(600, 1, &[b'x'; 4_097])).await;
    packets.ended().await;
    assert_eq!(world.handle.metrics().closed_for("bad_packet"), 1);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_of_a_connection() {
    for (rooms, fits) in [(3, true), (4, false)] {
        let logic = Scripted::new();
        logic.state.lock().rooms = (1..=rooms).collect();
        let world = start_with(Config { rooms_per_connection_max: 3, ..config() }, logic).await;
        let mut client = world.connect(1, Some("oort.v1")).await;
        if fits {
            assert_eq!(client.next().await["type"], "hello");
        } else {
            assert_eq!(client.closed().await, (1008, "in too many rooms".into()));
            assert_eq!(world.handle.metrics().closed_for("too_many_rooms"), 1);
            eventually("it left what it had entered", || world.logic.state.lock().entered.is_empty()).await;
        }
        world.stop().await.unwrap();
    }
}

/// A comet behind a proxy on this machine, whose clients are limited so.
async fn behind_a_proxy(addresses: AddressConfig) -> World {
    let trusted_proxies = vec!["127.0.0.0/8".to_owned()].try_into().expect("a network");
    start_with(Config { addresses, trusted_proxies, ..config() }, Scripted::new()).await
}

fn from(client: &'static str) -> [(&'static str, &'static str); 2] {
    [("cookie", "sid=u1"), ("x-forwarded-for", client)]
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_an_address() {
    let two = AddressConfig { connections_max: 2, ..AddressConfig::default() };
    let world = start_with(Config { addresses: two.clone(), ..config() }, Scripted::new()).await;
    let first = world.v1(1).await;
    let mut second = world.v1(2).await;
    let page = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let said = answer(&world, page).await;
    assert!(said.starts_with("HTTP/1.1 429") && said.contains("\"rate_limited\""), "{said}");
    assert!(said.contains("retry-after: "), "{said}");
    let mut packets = TcpStream::connect(world.addresses.tcp.expect("served")).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, packets.read(&mut [0; 16])).await.expect("in time");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(world.handle.metrics().refused_for("address_connections"), 2);
    second.sync().await;
    drop(first);
    eventually("there is room", || world.handle.connections() == 1).await;
    assert!(answer(&world, page).await.starts_with("HTTP/1.1 200"));
    world.stop().await.unwrap();

    // What made them up itself is not believed; what the proxy says is.
    let world = behind_a_proxy(two).await;
    let mut open = Vec::new();
    for client in ["10.0.0.1", "10.0.0.3, 10.0.0.1", "10.0.0.2"] {
        open.push(world.open("/api/ws", &from(client)).await.expect("upgraded"));
    }
    for client in ["10.0.0.1", "10.0.0.3, 10.0.0.1"] {
        let (status, body) = refused(world.open("/api/ws", &from(client)).await);
        assert_eq!(status, 429, "{client}");
        assert!(body.contains("\"rate_limited\""), "{body}");
    }
    assert_eq!(world.handle.metrics().refused_for("address_connections"), 2);
    drop(open.remove(0));
    eventually("there is room", || world.handle.connections() == 2).await;
    open.push(world.open("/api/ws", &from("10.0.0.1")).await.expect("upgraded"));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connects_of_an_address() {
    let three = AddressConfig { connects_per_second: 1, connects_burst: 3, ..AddressConfig::default() };
    let world = behind_a_proxy(three).await;
    let mut said = Vec::new();
    // Three pass at once; two more would need seconds.
    for _ in 0..3 {
        world.open("/api/ws", &from("2001:db8::1")).await.expect("upgraded");
    }
    for _ in 0..3 {
        said.extend(world.open("/api/ws", &from("2001:db8::2")).await.err());
    }
    assert!(!said.is_empty(), "one /64 is one client");
    for error in said {
        let Error::Http(response) = error else { panic!("{error}") };
        assert_eq!(response.status().as_u16(), 429);
        assert!(response.headers().contains_key("retry-after"));
    }
    assert!(world.handle.metrics().refused_for("address_rate") > 0);
    world.open("/api/ws", &from("2001:db8:0:1::1")).await.expect("another client");
    world.stop().await.unwrap();
}
