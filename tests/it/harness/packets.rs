//! A client of goim's packets, over TCP or WebSocket, written from the wire
//! format alone so that it can disagree with ours.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::PATIENCE;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) op: i32,
    pub(crate) seq: i32,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    /// A packet to send.
    pub(crate) fn new(op: i32, seq: i32, body: impl Into<Vec<u8>>) -> Self {
        Self { op, seq, body: body.into() }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(16 + self.body.len()).expect("small");
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(16_u16.to_be_bytes());
        bytes.extend(1_u16.to_be_bytes());
        bytes.extend(self.op.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(&self.body);
        bytes
    }

    /// Takes one packet off the front.
    fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let word =
            |at: usize| bytes.get(at..at + 4).map(|four| i32::from_be_bytes(four.try_into().expect("four")));
        let length = usize::try_from(word(0)?).expect("a length");
        if bytes.len() < length {
            return None;
        }
        assert_eq!(bytes[4..6], [0, 16], "header length");
        let packet = Self { op: word(8)?, seq: word(12)?, body: bytes[16..length].to_vec() };
        bytes.drain(..length);
        Some(packet)
    }
}

/// The two transports.
#[derive(Debug)]
enum Link {
    Tcp(TcpStream),
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

/// A connection.
#[derive(Debug)]
pub(crate) struct PacketClient {
    link: Link,
    received: Vec<u8>,
}

/// Body of the auth packet.
pub(crate) fn auth_body(mid: &str, key: &str, room: &str, accepts: &[i32], token: &str) -> Vec<u8> {
    let mid: i64 = mid.parse().expect("a number");
    json!({ "mid": mid, "key": key, "room_id": room, "platform": "test", "accepts": accepts, "token": token })
        .to_string()
        .into()
}

impl PacketClient {
    /// Over TCP.
    pub(crate) async fn tcp(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        Self { link: Link::Tcp(stream), received: Vec::new() }
    }

    /// Over WebSocket.
    pub(crate) async fn websocket(address: SocketAddr) -> Self {
        let stream = super::socket::open(address, "/sub", &[]).await.expect("an upgrade");
        Self { link: Link::WebSocket(Box::new(stream)), received: Vec::new() }
    }

    /// Sends packets: over WebSocket in one message, over TCP in one write.
    pub(crate) async fn send(&mut self, packets: &[Packet]) {
        let bytes: Vec<u8> = packets.iter().flat_map(Packet::bytes).collect();
        self.send_bytes(bytes).await;
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        match &mut self.link {
            Link::Tcp(stream) => stream.write_all(&bytes).await.expect("the socket takes it"),
            Link::WebSocket(stream) => {
                stream.send(Message::binary(bytes)).await.expect("the socket takes it")
            }
        }
    }

    /// Authenticates and reads the reply.
    pub(crate) async fn auth(&mut self, body: Vec<u8>) {
        self.send(&[Packet::new(7, 1, body)]).await;
        let reply = self.next().await.expect("a reply");
        assert_eq!((reply.op, reply.seq, reply.body.len()), (8, 1, 0));
    }

    /// The next packet, containers opened; `None` at the end. Events of
    /// conversations (op 20), which other scenarios cause, are passed over.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = Packet::take(&mut self.received) {
                // Over WebSocket pushes come in a container with a header of its own.
                if packet.op == 9 && matches!(self.link, Link::WebSocket(_)) {
                    let rest = std::mem::replace(&mut self.received, packet.body);
                    self.received.extend(rest);
                    continue;
                }
                if packet.op == 20 {
                    continue;
                }
                return Some(packet);
            }
            if !tokio::time::timeout(PATIENCE, self.fill()).await.expect("a packet in time") {
                return None;
            }
        }
    }

    /// The next packet of this operation; others are passed over.
    pub(crate) async fn next_op(&mut self, op: i32) -> Packet {
        loop {
            let packet = self.next().await.unwrap_or_else(|| panic!("closed before op {op}"));
            if packet.op == op {
                return packet;
            }
        }
    }

    /// The JSON body of the next packet of this operation.
    pub(crate) async fn next_json(&mut self, op: i32) -> Value {
        serde_json::from_slice(&self.next_op(op).await.body).expect("JSON")
    }

    async fn fill(&mut self) -> bool {
        match &mut self.link {
            Link::Tcp(stream) => stream.read_buf(&mut self.received).await.is_ok_and(|count| count > 0),
            Link::WebSocket(stream) => match stream.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    self.received.extend(bytes);
                    true
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => true,
                _ => false,
            },
        }
    }
}
