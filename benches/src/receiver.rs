//! A member: notes when each message came, and what order it came in.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Context;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::server::{Account, Server};

/// What a member saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When each message came first, by the sender's id.
    pub(crate) at: HashMap<String, Instant>,
    /// Messages that came again.
    pub(crate) duplicated: usize,
    /// Messages whose seq was not the next one of the room.
    pub(crate) out_of_order: usize,
}

/// A connected member.
#[derive(Debug)]
pub(crate) struct Receiver {
    stream: WebSocketStream<TcpStream>,
}

impl Receiver {
    /// Connects and waits for `hello`.
    pub(crate) async fn connect(server: &Server, account: &Account) -> anyhow::Result<Self> {
        let mut request = format!("ws://{}/api/ws", server.address).into_client_request()?;
        let protocols = format!("oort.v1, bearer.{}", account.token);
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        let tcp = TcpStream::connect(&server.address).await?;
        tcp.set_nodelay(true)?;
        let (mut stream, _) = tokio_tungstenite::client_async(request, tcp).await?;
        stream.next().await.context("no hello")??;
        Ok(Self { stream })
    }

    /// Reads until it saw `count` messages with a sender's id.
    pub(crate) async fn see(mut self, count: usize) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        let mut last: HashMap<String, i64> = HashMap::new();
        while seen.at.len() < count {
            let Message::Text(text) =
                self.stream.next().await.context("the server closed the connection")??
            else {
                continue;
            };
            let now = Instant::now();
            let frame: Value = serde_json::from_str(&text)?;
            if frame["type"] != "serverMessages" {
                continue;
            }
            let room = frame["payload"]["roomId"].as_str().unwrap_or_default();
            for message in frame["payload"]["messages"].as_array().into_iter().flatten() {
                let (Some(id), Some(seq)) = (message["clientMsgId"].as_str(), message["seq"].as_i64()) else {
                    continue;
                };
                let last = last.entry(room.to_owned()).or_default();
                seen.out_of_order += usize::from(seq != *last + 1);
                *last = seq;
                if seen.at.insert(id.to_owned(), now).is_some() {
                    seen.duplicated += 1;
                }
            }
        }
        Ok(seen)
    }
}
