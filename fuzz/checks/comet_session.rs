//! What must hold for any bytes of any client of a whole comet: its sockets, handshake, framing, session and answers.
//! Called by the fuzz target and by the test that replays its seeds.
//!
//! The first byte chooses the door, the second where the bytes are cut in two, the rest is what the client says before
//! it says no more. Whatever it was, the comet answers in well-formed frames, ends the connection itself, and for the
//! reason that tungstenite sees in the same bytes, as far as the two are to agree (`framing_oracle`).

use std::io::{Cursor, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use oort_api::codec::packet::{Packet, packets};
use oort_api::op;
use oort_comet::Config;
use oort_comet::framing::Violation;
use tokio::runtime::Runtime;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message};

use crate::framing_oracle::{End, Seen, compare, ours};
use crate::logic::Scripted;
use crate::world::{World, config, start_with};

/// Longest message of a JSON client: small, so that lengths around it are found.
const MESSAGE_BYTES_MAX: usize = 400;
/// Longer than any answer takes, or it hangs.
const PATIENCE: Duration = Duration::from_secs(8);
/// Fragments that a message may have, and the bytes of as many empty ones.
const FRAGMENTS_BYTES: usize = 64 * 6;

/// The comet, for as long as the process lives.
struct Comet {
    http: SocketAddr,
    tcp: SocketAddr,
    _world: World,
    _runtime: Runtime,
}

fn comet() -> &'static Comet {
    static COMET: OnceLock<Comet> = OnceLock::new();
    COMET.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut config = Config { shards: 1, packet_body_bytes_max: 200, ..config() };
        config.json.frame_bytes_max = MESSAGE_BYTES_MAX;
        config.json.content_bytes_max = 100;
        config.addresses.connections_max = 0;
        config.addresses.connects_per_second = 0;
        let world = runtime.block_on(start_with(config, Scripted::new()));
        let (http, tcp) = (world.addresses.http, world.addresses.tcp.expect("served"));
        Comet { http, tcp, _world: world, _runtime: runtime }
    })
}

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let [door, cut, bytes @ ..] = data else { return };
    let comet = comet();
    match door % 5 {
        0 => http(comet, *cut, bytes),
        1 => json(comet, *cut, bytes, true),
        2 => json(comet, *cut, bytes, false),
        3 => packets_in_messages(comet, *cut, bytes),
        _ => packets_over_tcp(comet, *cut, bytes),
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Says `bytes` in two pieces and then no more; what is said until the comet closes.
fn talk(stream: &mut TcpStream, cut: u8, bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    for piece in [first, second] {
        // It may have closed already.
        let _ = stream.write_all(piece);
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the connection is not closed after {bytes:?}")
        }
        _ => said,
    }
}

/// Reads until `is_whole` is content with what was read.
fn read_until(stream: &mut TcpStream, is_whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut read = Vec::new();
    while !is_whole(&read) {
        let mut buffer = [0; 4096];
        let count = match stream.read(&mut buffer) {
            // The fuzzer's clock is a signal.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.expect("readable"),
        };
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
    read
}

fn http(comet: &Comet, cut: u8, bytes: &[u8]) {
    let said = talk(&mut connect(comet.http), cut, bytes);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&said));
}

/// A socket after the upgrade, and what was said behind it.
fn upgraded(comet: &Comet, path: &str, protocol: &str) -> (TcpStream, Vec<u8>) {
    let mut stream = connect(comet.http);
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: sid=u7\r\n{protocol}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("written");
    let end_of = |read: &[u8]| read.windows(4).position(|four| four == b"\r\n\r\n");
    let mut read = read_until(&mut stream, |read| end_of(read).is_some());
    assert!(read.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&read));
    let rest = read.split_off(end_of(&read).map_or(0, |at| at + 4));
    (stream, rest)
}

/// Bytes that are all there are.
struct Said(Cursor<Vec<u8>>);

impl Read for Said {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Said {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The messages of a comet, as tungstenite reads them.
fn messages(said: Vec<u8>) -> Vec<Message> {
    let mut socket = WebSocket::from_raw_socket(Said(Cursor::new(said)), Role::Client, None);
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            // It ends without a close frame, or with one.
            Err(Error::ConnectionClosed | Error::Io(_)) => return messages,
            Err(Error::Protocol(error)) if error.to_string().contains("closing handshake") => {
                return messages;
            }
            Err(other) => panic!("the comet's frames: {other}"),
        }
    }
}

fn close_code(messages: &[Message]) -> Option<u16> {
    messages.iter().find_map(|message| match message {
        Message::Close(close) => Some(close.as_ref().map_or(1005, |close| close.code.into())),
        _ => None,
    })
}

fn json(comet: &Comet, cut: u8, bytes: &[u8], is_v1: bool) {
    let protocol = if is_v1 { "Sec-WebSocket-Protocol: oort.v1\r\n" } else { "" };
    let (mut stream, mut said) = upgraded(comet, "/api/ws", protocol);
    if said.is_empty() {
        // The greeting is there, or on its way.
        said = read_until(&mut stream, |read| !read.is_empty());
    }
    said.extend(talk(&mut stream, cut, bytes));
    let messages = messages(said);
    for message in &messages {
        if let Message::Text(text) = message {
            let frame: serde_json::Value = serde_json::from_str(text).expect("JSON");
            assert!(frame["type"].is_string(), "{frame}");
        }
        assert!(!matches!(message, Message::Binary(_)), "text is spoken here");
    }
    assert!(
        matches!(messages.first(), Some(Message::Text(text)) if text.contains("\"hello\"")),
        "{messages:?}"
    );

    compare(bytes, &[cut.into()], MESSAGE_BYTES_MAX);
    let (seen, end) = ours(&[bytes], MESSAGE_BYTES_MAX);
    let has_binary = seen.iter().any(|seen| matches!(seen, Seen::Binary(_)));
    let code = close_code(&messages);
    match end {
        _ if has_binary => assert!(matches!(code, Some(1003) | None), "{code:?} for binary after {seen:?}"),
        _ if bytes.len() > FRAGMENTS_BYTES && code == Some(Violation::TooManyFragments.close_code()) => {}
        End::Refused(violation) => {
            assert!(code.is_none_or(|code| code == violation.close_code()), "{code:?} for {violation:?}");
        }
        End::Closed => assert!(code.is_some(), "a close is answered: {seen:?}"),
        End::Starved => assert!(
            !matches!(code, Some(1002 | 1003 | 1007 | 1009)),
            "{code:?}, and nothing is wrong with {seen:?}"
        ),
    }
}

fn auth() -> Vec<u8> {
    let mut bytes = Vec::new();
    let packet = Packet {
        ver: 1,
        op: op::AUTH,
        seq: 1,
        body: br#"{"mid":7,"key":"","room_id":"live://1","accepts":[4]}"#,
    };
    packet.encode_into(&mut bytes).expect("small");
    bytes
}

/// Whole packets and nothing else.
fn are_packets(said: &[u8]) {
    for packet in packets(said, 1 << 20) {
        assert!(packet.is_ok(), "{packet:?} in {said:?}");
    }
}

fn packets_in_messages(comet: &Comet, cut: u8, bytes: &[u8]) {
    let (mut stream, mut said) = upgraded(comet, "/sub", "");
    let auth = auth();
    let mut frame = vec![0x82, 0x80 | u8::try_from(auth.len()).expect("short"), 0, 0, 0, 0];
    frame.extend(auth);
    stream.write_all(&frame).expect("written");
    if said.is_empty() {
        said = read_until(&mut stream, |read| !read.is_empty());
    }
    said.extend(talk(&mut stream, cut, bytes));
    for message in messages(said) {
        match message {
            Message::Binary(said) => are_packets(&said),
            Message::Text(text) => panic!("packets are spoken here: {text}"),
            _ => {}
        }
    }
}

fn packets_over_tcp(comet: &Comet, cut: u8, bytes: &[u8]) {
    let mut stream = connect(comet.tcp);
    let mut said = Vec::new();
    // Every other one does not say who it is.
    if cut.is_multiple_of(2) {
        stream.write_all(&auth()).expect("written");
        said = read_until(&mut stream, |read| read.len() >= 16);
    }
    said.extend(talk(&mut stream, cut, bytes));
    are_packets(&said);
}
