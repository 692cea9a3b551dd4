//! Encrypted clients: real TLS clients on both ports, and those that are none.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use oort_api::codec::packet::decode;
use oort_api::metrics::Registry;
use oort_api::op;
use oort_comet::pages::no_pages;
use oort_comet::{Config, Error, Parts, Service, TlsConfig};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;

use crate::behind::flood;
use crate::goim::{AUTH, packet};
use crate::logic::Scripted;
use crate::world::{Client, PATIENCE, World, config, eventually, id_of, start_with, to_room};

/// A folder with a certificate, and who trusts it.
struct Identity {
    folder: TempDir,
    roots: RootCertStore,
}

impl Identity {
    fn new() -> Self {
        let mut identity = Self { folder: TempDir::new().unwrap(), roots: RootCertStore::empty() };
        identity.renew();
        identity
    }

    fn tls(&self) -> TlsConfig {
        TlsConfig {
            cert_file: self.folder.path().join("cert.pem"),
            key_file: self.folder.path().join("key.pem"),
            reload_interval_ms: 10,
        }
    }

    /// Another certificate, by another key, in the same place.
    fn renew(&mut self) -> CertificateDer<'static> {
        let (certificate, key) = certificate();
        self.roots.add(certificate.der().clone()).unwrap();
        // The key first: a pair that does not fit is met in between, now and then.
        std::fs::write(self.tls().key_file, key.serialize_pem()).unwrap();
        std::fs::write(self.tls().cert_file, certificate.pem()).unwrap();
        certificate.der().clone()
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> TlsConnector {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn world(&self, config: Config) -> World {
        start_with(Config { tls: self.tls(), ..config }, Scripted::new()).await
    }
}

fn certificate() -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap(), key)
}

type Stream = Box<TlsStream<TcpStream>>;

async fn connect(address: std::net::SocketAddr, client: &TlsConnector) -> std::io::Result<Stream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await.map(Box::new)
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

async fn v1(world: &World, client: &TlsConnector, user: i64) -> Client<Stream> {
    let stream = connect(world.addresses.http, client).await.expect("a TLS connection");
    let cookie = format!("sid=u{user}");
    let headers = [("cookie", cookie.as_str()), ("sec-websocket-protocol", "oort.v1")];
    let mut client = world.open_on(stream, "/api/ws", &headers).await.expect("upgraded");
    client.hello = client.next().await;
    assert_eq!(client.hello["type"], "hello");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn many_chat_over_both_versions_and_the_order_holds() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    let mut clients = Vec::new();
    for (user, version) in (1..=20).zip(BOTH.iter().cycle()) {
        let mut client = v1(&world, &identity.client(&[version], &["h2", "http/1.1"]), user).await;
        let (_, session) = client.socket.get_ref().get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        let spoken = session.protocol_version();
        assert!(matches!(spoken, Some(ProtocolVersion::TLSv1_2 | ProtocolVersion::TLSv1_3)));
        client.sync().await;
        clients.push(client);
    }
    let mut job = world.job("j");
    for batch in 0..20 {
        job.push((1..=10).map(|n| to_room(1, batch * 10 + n)).collect()).await;
    }
    let expected: Vec<(i64, i64)> = (1..=200).map(|seq| (1, seq)).collect();
    for client in &mut clients {
        assert_eq!(client.seqs(200).await, expected);
    }
    let sender = clients.last_mut().unwrap();
    let said = json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": "x".repeat(8_000)}]}});
    sender.send(said).await;
    assert_eq!(sender.next().await["type"], "sendAck");
    assert_eq!(world.handle.metrics().tls_handshakes.get(), 20);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_encrypted_too() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    let mut stream = connect(world.addresses.tcp.unwrap(), &identity.client(BOTH, &["goim"])).await.unwrap();
    // The first packet may come right behind the handshake.
    stream.write_all(&packet(op::AUTH, 1, AUTH)).await.unwrap();
    let mut received = Vec::new();
    for wanted in [op::AUTH_REPLY, op::HEARTBEAT_REPLY] {
        let op = loop {
            if let Some((packet, used)) = decode(&received, 4096).unwrap() {
                let op = packet.op;
                received.drain(..used);
                break op;
            }
            let reading = stream.read_buf(&mut received);
            assert!(tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap() > 0, "closed");
        };
        assert_eq!(op, wanted);
        // In two records, the second with the end of one packet.
        let heartbeat = packet(op::HEARTBEAT, 2, b"");
        stream.write_all(&heartbeat[..7]).await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(&heartbeat[7..]).await.unwrap();
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_misses_no_record() {
    let identity = Identity::new();
    let tight = Config { send_budget_bytes: 8 * 1024, socket_send_buffer_bytes: 4096, ..config() };
    let world = identity.world(tight).await;
    let mut slow = v1(&world, &identity.client(BOTH, &[]), 1).await;
    let metrics = world.handle.metrics().clone();
    let sent = flood(&world, || metrics.behind_frames.get() >= 100).await;
    let mut last = 0;
    let mut reports = 0;
    while last < sent {
        let frame = slow.next().await;
        if frame["type"] == "behind" {
            last = frame["payload"]["rooms"][0]["head"].as_i64().unwrap();
            reports += 1;
            continue;
        }
        for message in frame["payload"]["messages"].as_array().unwrap() {
            assert_eq!(id_of(message), (1, last + 1), "no hole before the report");
            last += 1;
        }
    }
    assert!(reports > 0 && last == sent);
    world.job("after").push(vec![to_room(1, sent + 1)]).await;
    assert_eq!(slow.seqs(1).await, [(1, sent + 1)]);
    slow.sync().await;
    world.stop().await.unwrap();
}

/// Several rooms in one tick are one record, which may end in the middle of any of their frames.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_encrypted_of_many_rooms_is_never_taken_back() {
    const ROOMS: i64 = 40;
    let identity = Identity::new();
    let logic = Scripted::new();
    logic.state.lock().rooms = (1..=ROOMS).collect();
    let tight = Config {
        tls: identity.tls(),
        send_budget_bytes: 2 * 1024,
        socket_send_buffer_bytes: 4096,
        ..config()
    };
    let world = start_with(tight, logic).await;
    let mut slow = v1(&world, &identity.client(BOTH, &[]), 1).await;
    let metrics = world.handle.metrics().clone();
    let mut job = world.job("j");
    let mut sent = 0;
    while metrics.behind_frames.get() < 100 {
        assert!(sent < 100_000, "the client never got full");
        for _ in 0..20 {
            sent += 1;
            job.send((1..=ROOMS).map(|room| to_room(room, sent)).collect()).await;
        }
        for _ in 0..20 {
            job.ack().await.expect("acked");
        }
    }
    let mut seen = vec![0; usize::try_from(ROOMS).unwrap() + 1];
    let place = |room: i64| usize::try_from(room).unwrap();
    let mut reports = 0;
    while seen[1..].iter().any(|last| *last < sent) {
        let frame = slow.next().await;
        if frame["type"] == "behind" {
            reports += 1;
            for told in frame["payload"]["rooms"].as_array().unwrap() {
                let room = told["roomId"].as_str().unwrap().parse().unwrap();
                seen[place(room)] = told["head"].as_i64().unwrap();
            }
            continue;
        }
        for message in frame["payload"]["messages"].as_array().unwrap() {
            let (room, seq) = id_of(message);
            assert_eq!(seq, seen[place(room)] + 1, "in room {room}");
            seen[place(room)] = seq;
        }
    }
    assert!(reports > 0, "what was withheld is told");
    slow.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_has_its_time() {
    let identity = Identity::new();
    let world = identity.world(Config { handshake_timeout_ms: 200, ..config() }).await;
    let metrics = world.handle.metrics().clone();
    let mut silent = TcpStream::connect(world.addresses.http).await.unwrap();
    let mut halting = TcpStream::connect(world.addresses.tcp.unwrap()).await.unwrap();
    halting.write_all(&[22, 3, 1, 1, 0, 1, 0]).await.unwrap();
    eventually("both count as opening", || metrics.handshakes.get() == 2).await;
    for stream in [&mut silent, &mut halting] {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed");
        assert!(rest.is_empty());
    }
    eventually("they are forgotten", || world.handle.connections() == 0).await;
    eventually("and counted", || metrics.tls_failed_for("timeout") == 2).await;
    assert_eq!(metrics.handshakes.get(), 0);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_have_their_number_and_do_not_hold_up_a_drain() {
    let identity = Identity::new();
    let world = identity.world(Config { handshakes_max: 1, ..config() }).await;
    let _silent = TcpStream::connect(world.addresses.http).await.unwrap();
    let metrics = world.handle.metrics().clone();
    eventually("it counts", || metrics.handshakes.get() == 1).await;
    assert!(connect(world.addresses.http, &identity.client(BOTH, &[])).await.is_err());
    let started = std::time::Instant::now();
    world.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_speak_tls_is_told() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    let metrics = world.handle.metrics().clone();
    let answer = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut text = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.expect("it is closed");
        String::from_utf8(text).unwrap()
    };
    let text = answer(b"GET /api/ws HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("use https"), "{text}");
    assert_eq!(answer(b"\0\0\0\x10\0\x10\0\x01").await, "");
    // A record of the handshake that holds none: it is told by an alert.
    let mut stream = TcpStream::connect(world.addresses.http).await.unwrap();
    stream.write_all(&[22, 3, 1, 0, 5, 99, 0, 0, 1, 0]).await.unwrap();
    let mut alert = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut alert)).await.expect("it is closed");
    assert_eq!(alert.first(), Some(&21), "{alert:?}");
    for reason in ["plain_http", "not_tls", "protocol"] {
        eventually(reason, || metrics.tls_failed_for(reason) == 1).await;
    }
    // One that knows another application only, and one that does not trust us.
    assert!(connect(world.addresses.http, &identity.client(BOTH, &["h2"])).await.is_err());
    eventually("it is counted", || metrics.tls_failed_for("nothing_in_common") == 1).await;
    let stranger = Identity::new();
    assert!(connect(world.addresses.http, &stranger.client(BOTH, &[])).await.is_err());
    eventually("it is counted", || metrics.tls_failed_for("refused") == 1).await;
    eventually("all are forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_served_over_one_encrypted_connection() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    let mut stream = connect(world.addresses.http, &identity.client(BOTH, &["http/1.1"])).await.unwrap();
    for path in ["/one", "/two"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(path.as_bytes()) {
            let count = tokio::time::timeout(PATIENCE, stream.read_buf(&mut text)).await.unwrap().unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&text));
        }
    }
    let body = "x".repeat(100_000);
    let request = format!(
        "POST /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    // An end without close_notify would be an error here.
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text)).await.unwrap().expect("a clean end");
    assert!(String::from_utf8_lossy(&text).ends_with("page /last"));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_say_goodbye() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    let mut client = v1(&world, &identity.client(BOTH, &[]), 1).await;
    client.socket.send(Message::Close(None)).await.unwrap();
    let stream = client.socket.get_mut();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().expect("close_notify comes");
    assert_eq!(rest[0], 0x88, "behind the close frame");
    // A client that only says the end of TLS, and one that only goes.
    let mut client = v1(&world, &identity.client(BOTH, &[]), 2).await;
    client.socket.get_mut().shutdown().await.unwrap();
    drop(v1(&world, &identity.client(BOTH, &[]), 3).await);
    eventually("all are forgotten", || world.handle.connections() == 0).await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed() {
    let identity = Identity::new();
    let world = identity.world(config()).await;
    for version in BOTH {
        let client = identity.client(&[version], &[]);
        for wanted in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut socket = v1(&world, &client, 1).await;
            socket.sync().await;
            assert_eq!(socket.socket.get_ref().get_ref().1.handshake_kind(), Some(wanted), "{version:?}");
        }
    }
    world.stop().await.unwrap();
}

async fn shown(world: &World, identity: &Identity) -> CertificateDer<'static> {
    let stream = connect(world.addresses.http, &identity.client(BOTH, &[])).await.expect("it is trusted");
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_and_a_bad_one_is_not() {
    let mut identity = Identity::new();
    let world = identity.world(config()).await;
    let metrics = world.handle.metrics().clone();
    let mut client = v1(&world, &identity.client(BOTH, &[]), 1).await;
    let first = shown(&world, &identity).await;
    let second = identity.renew();
    assert_ne!(first, second);
    eventually("it is taken", || metrics.tls_reloaded("taken") >= 1).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while shown(&world, &identity).await != second {
        assert!(tokio::time::Instant::now() < deadline, "never shown");
    }
    let taken = metrics.tls_reloaded("taken");
    let refused = metrics.tls_reloaded("refused");
    std::fs::write(identity.tls().key_file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    eventually("it is refused", || metrics.tls_reloaded("refused") > refused).await;
    assert_eq!(shown(&world, &identity).await, second);
    assert_eq!(metrics.tls_reloaded("taken"), taken);
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_the_files_is_told_at_the_start() {
    let identity = Identity::new();
    let start = async |tls: TlsConfig| {
        let parts = Parts { logic: Arc::new(Scripted::new()), pages: no_pages() };
        let built = Service::build(Config { tls, ..config() }, parts, &mut Registry::default()).await;
        match built {
            Err(error @ (Error::Tls(_) | Error::Config(_))) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let write = |name: &str, text: &str| {
        let path = identity.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let with = |cert: &Path, key: &Path| TlsConfig {
        cert_file: cert.into(),
        key_file: key.into(),
        ..TlsConfig::default()
    };
    let TlsConfig { cert_file, key_file, .. } = identity.tls();
    let missing = identity.folder.path().join("none.pem");
    let said = start(with(&missing, &key_file)).await;
    assert!(said.contains("cert_file") && said.contains("none.pem"), "{said}");
    let said = start(with(&cert_file, &missing)).await;
    assert!(said.contains("key_file") && said.contains("none.pem"), "{said}");
    let said = start(with(&write("empty.pem", "nothing"), &key_file)).await;
    assert!(said.contains("cert_file"), "{said}");
    let said = start(with(&cert_file, &write("other.pem", &certificate().1.serialize_pem()))).await;
    assert!(said.contains("key"), "{said}");
    let said = start(with(&cert_file, Path::new(""))).await;
    assert!(said.contains("tls.key_file"), "{said}");
    assert!(oort_comet::tls::inspect(&with(&cert_file, &key_file)).unwrap().unwrap() > 0);
}
