//! A client of the JSON WebSocket dialect.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::{PATIENCE, eventually};

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<TcpStream>,
    /// The first frame's payload.
    pub(crate) hello: Value,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A close frame with this code.
    Code(u16),
    /// Without one.
    Cut,
}

/// Opens a socket with these request headers, without waiting for `hello`.
pub(crate) async fn open(
    address: SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, String> {
    let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header value"));
    }
    let tcp = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let opened = tokio::time::timeout(PATIENCE, tokio_tungstenite::client_async(request, tcp)).await;
    let (stream, _) =
        opened.map_err(|_| "no upgrade in time".to_owned())?.map_err(|error| error.to_string())?;
    Ok(stream)
}

impl Socket {
    /// With our extensions, by access token.
    pub(crate) async fn v1(address: SocketAddr, token: &str) -> Self {
        Self::try_v1(address, token).await.expect("a socket that says hello")
    }

    /// The same, for what changed since an earlier hello.
    pub(crate) async fn since(address: SocketAddr, token: &str, cursor: &str) -> Self {
        let protocols = format!("oort.v1, bearer.{token}");
        let path = format!("/api/ws?since={cursor}");
        let stream = open(address, &path, &[("sec-websocket-protocol", &protocols)]).await;
        Self::hello(stream.expect("an upgrade")).await.expect("a hello")
    }

    /// On a kind of device.
    pub(crate) async fn on(address: SocketAddr, token: &str, device: &str) -> Self {
        let protocols = format!("oort.v1, bearer.{token}");
        let path = format!("/api/ws?device={device}");
        let stream = open(address, &path, &[("sec-websocket-protocol", &protocols)]).await;
        Self::hello(stream.expect("an upgrade")).await.expect("a hello")
    }

    /// As [`Self::v1`]; `Err` when it does not come to a hello.
    pub(crate) async fn try_v1(address: SocketAddr, token: &str) -> Result<Self, String> {
        let protocols = format!("oort.v1, bearer.{token}");
        Self::hello(open(address, "/api/ws", &[("sec-websocket-protocol", &protocols)]).await?).await
    }

    /// Without extensions, by cookie, as older clients do.
    pub(crate) async fn classic(address: SocketAddr, sid: &str) -> Self {
        let stream =
            open(address, "/api/ws", &[("cookie", &format!("sid={sid}"))]).await.expect("an upgrade");
        Self::hello(stream).await.expect("a hello")
    }

    async fn hello(stream: WebSocketStream<TcpStream>) -> Result<Self, String> {
        let mut socket = Self { stream, hello: Value::Null };
        let (kind, payload) = socket.try_next().await.map_err(|end| format!("{end:?} before hello"))?;
        if kind != "hello" {
            return Err(format!("{kind} before hello"));
        }
        socket.hello = payload;
        Ok(socket)
    }

    /// Sends one frame.
    pub(crate) async fn send(&mut self, kind: &str, payload: Value) {
        let text = json!({ "type": kind, "payload": payload }).to_string();
        self.stream.send(Message::text(text)).await.expect("the socket takes it");
    }

    /// The next frame, or how the socket ended.
    pub(crate) async fn try_next(&mut self) -> Result<(String, Value), End> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time");
            match next {
                Some(Ok(Message::Text(text))) => {
                    let mut frame: Value = serde_json::from_str(&text).expect("a JSON frame");
                    let kind = frame["type"].as_str().expect("a type").to_owned();
                    return Ok((kind, frame["payload"].take()));
                }
                Some(Ok(Message::Close(Some(close)))) => return Err(End::Code(close.code.into())),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(End::Cut),
                Some(Ok(_)) => (),
            }
        }
    }

    /// The payload of the next frame of this type; others are passed over.
    pub(crate) async fn next(&mut self, kind: &str) -> Value {
        loop {
            let (found, payload) =
                self.try_next().await.unwrap_or_else(|end| panic!("{end:?} instead of {kind}"));
            if found == kind {
                return payload;
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> End {
        loop {
            if let Err(end) = self.try_next().await {
                return end;
            }
        }
    }

    /// The head of a room as hello told it.
    pub(crate) fn head(&self, room: &str) -> i64 {
        let rooms = self.hello["rooms"].as_array().expect("rooms");
        let room = rooms
            .iter()
            .find(|candidate| candidate["id"] == room)
            .unwrap_or_else(|| panic!("no room {room} in hello"));
        room["head"].as_i64().expect("a head")
    }

    /// Reads on in the background.
    pub(crate) fn follow(self) -> Follower {
        let frames = Arc::new(Mutex::new(Vec::new()));
        let (mut sink, mut source) = self.stream.split();
        let (to_send, mut outgoing) = tokio::sync::mpsc::channel::<Message>(1024);
        let collected = Arc::clone(&frames);
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    received = source.next() => match received {
                        Some(Ok(Message::Text(text))) => {
                            let frame: Value = serde_json::from_str(&text).expect("a JSON frame");
                            collected.lock().expect("not poisoned").push(frame);
                        }
                        Some(Ok(_)) => (),
                        Some(Err(_)) | None => return,
                    },
                    message = outgoing.recv() => match message {
                        Some(message) => if sink.send(message).await.is_err() { return },
                        None => return,
                    },
                }
            }
        });
        Follower { frames, to_send, task }
    }
}

/// A socket that is read in the background.
#[derive(Debug)]
pub(crate) struct Follower {
    frames: Arc<Mutex<Vec<Value>>>,
    to_send: tokio::sync::mpsc::Sender<Message>,
    task: JoinHandle<()>,
}

impl Follower {
    /// Sends one frame.
    pub(crate) async fn send(&self, kind: &str, payload: Value) {
        let text = json!({ "type": kind, "payload": payload }).to_string();
        self.to_send.send(Message::text(text)).await.expect("the socket lives");
    }

    /// Sends one message.
    pub(crate) async fn say(&self, room: &str, client_msg_id: &str, content: &str) {
        let message = json!({ "clientMsgId": client_msg_id, "content": content });
        self.send("clientMessages", json!({ "roomId": room, "messages": [message] })).await;
    }

    /// Payloads of one type, as they came.
    pub(crate) fn frames(&self, kind: &str) -> Vec<Value> {
        let frames = self.frames.lock().expect("not poisoned");
        frames.iter().filter(|frame| frame["type"] == kind).map(|frame| frame["payload"].clone()).collect()
    }

    /// (seq, content) of the messages of a room, as they came.
    pub(crate) fn messages(&self, room: &str) -> Vec<(i64, String)> {
        let mut messages = Vec::new();
        for payload in self.frames("serverMessages") {
            if payload["roomId"] == room {
                for message in payload["messages"].as_array().expect("messages") {
                    let seq = message["seq"].as_i64().expect("seq");
                    messages.push((seq, message["content"].as_str().expect("content").to_owned()));
                }
            }
        }
        messages
    }

    /// What a client shows of a room: a seq it has seen is dropped, as it may come again when a part dies.
    pub(crate) fn shown(&self, room: &str) -> Vec<(i64, String)> {
        let mut seen = std::collections::BTreeSet::new();
        let mut messages = self.messages(room);
        messages.retain(|(seq, _)| seen.insert(*seq));
        messages
    }

    /// Waits until `count` different messages of the room came, and returns what a client shows.
    pub(crate) async fn wait_shown(&self, room: &str, count: usize) -> Vec<(i64, String)> {
        eventually(&format!("{count} messages of room {room}"), async || {
            let messages = self.shown(room);
            (messages.len() >= count).then_some(messages)
        })
        .await
    }

    /// Waits until `count` messages of the room came, and returns them.
    pub(crate) async fn wait_for(&self, room: &str, count: usize) -> Vec<(i64, String)> {
        eventually(&format!("{count} messages of room {room}"), async || {
            let messages = self.messages(room);
            (messages.len() >= count).then_some(messages)
        })
        .await
    }

    /// Waits for a frame of this type that `test` accepts.
    pub(crate) async fn wait_frame(&self, kind: &str, test: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("a frame {kind}"), async || {
            self.frames(kind).into_iter().find(|payload| test(payload))
        })
        .await
    }

    /// Whether the socket still lives.
    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// Cuts the socket without a word.
    pub(crate) fn cut(self) {
        self.task.abort();
    }
}

/// Panics unless the seqs are exactly 1, 2, 3, ... in this order.
pub(crate) fn assert_dense(messages: &[(i64, String)]) {
    for (index, (seq, _)) in messages.iter().enumerate() {
        let expected = i64::try_from(index + 1).expect("small");
        assert_eq!(
            *seq,
            expected,
            "place {index} of {:?}",
            messages.iter().map(|(seq, _)| seq).collect::<Vec<_>>()
        );
    }
}
