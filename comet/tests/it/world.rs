//! A comet on loopback with a scripted logic, a job, and clients.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, Stream, StreamExt};
use oort_api::metrics::Registry;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{Delivery, PushAck, PushBatch};
use oort_comet::pages::{no_pages, page_body};
use oort_comet::{Addresses, Config, Error, Handle, Pages, Parts, Service};
use prost::Message as _;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::logic::{Scripted, message};

/// Longest wait for anything that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct World {
    pub(crate) logic: Scripted,
    pub(crate) addresses: Addresses,
    pub(crate) handle: Handle,
    pub(crate) shutdown: CancellationToken,
    pub(crate) running: JoinHandle<Result<(), Error>>,
}

pub(crate) fn config() -> Config {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        id: "comet-1".into(),
        shards: 2,
        pin_threads: false,
        http_listen: any,
        tcp_listen: Some(any),
        grpc_listen: Some(any),
        wheel_slot_ms: 10,
        renew_interval_ms: 20,
        close_linger_ms: 500,
        drain_deadline_ms: 4_000,
        ..Config::default()
    }
}

pub(crate) fn test_pages() -> Pages {
    Arc::new(|request| {
        let path = request.uri().path().to_owned();
        Box::pin(async move { http::Response::new(page_body(format!("page {path}"))) })
    })
}

pub(crate) async fn start() -> World {
    start_with(config(), Scripted::new()).await
}

pub(crate) async fn start_with(config: Config, logic: Scripted) -> World {
    let pages = if config.weight == 7 { no_pages() } else { test_pages() };
    let parts = Parts { logic: Arc::new(logic.clone()), pages };
    let service = Service::build(config, parts, &mut Registry::default()).await.expect("builds");
    let (addresses, handle, shutdown) = (service.addresses(), service.handle(), CancellationToken::new());
    let running = tokio::spawn(service.run(shutdown.clone()));
    let world = World { logic, addresses, handle, shutdown, running };
    let handle = world.handle.clone();
    eventually("the comet is ready", move || handle.is_ready() || handle.connections() > 0).await;
    world
}

/// Waits until it holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

impl World {
    pub(crate) fn job(&self, id: &str) -> Job {
        let (batches, receiver) = mpsc::channel(64);
        let acks = self.handle.push(ReceiverStream::new(receiver));
        Job { id: id.into(), next: 1, epoch: self.handle.comet().epoch, batches, acks: Box::pin(acks) }
    }

    pub(crate) async fn v1(&self, user: i64) -> Client {
        let mut client = self.connect(user, Some("oort.v1")).await;
        client.hello = client.next().await;
        assert_eq!(client.hello["type"], "hello");
        client
    }

    pub(crate) async fn classic(&self, user: i64) -> Client {
        let mut client = self.connect(user, None).await;
        client.hello = client.next().await;
        assert_eq!(client.hello["type"], "hello");
        client
    }

    /// Upgraded, with the greeting still to come.
    pub(crate) async fn connect(&self, user: i64, protocol: Option<&str>) -> Client {
        let cookie = format!("theme=dark; sid=u{user}");
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(protocol.map(|protocol| ("sec-websocket-protocol", protocol)));
        self.open("/api/ws", &headers).await.expect("upgraded")
    }

    pub(crate) async fn open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Client, tokio_tungstenite::tungstenite::Error> {
        let stream = TcpStream::connect(self.addresses.http).await.expect("connects");
        self.open_on(stream, path, headers).await
    }

    /// The same on a stream that is there, which may be encrypted.
    pub(crate) async fn open_on<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Client<S>, tokio_tungstenite::tungstenite::Error> {
        let mut request = format!("ws://{}{path}", self.addresses.http).into_client_request().expect("valid");
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().expect("a name");
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        let (socket, response) = tokio_tungstenite::client_async(request, stream).await?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|value| value.to_str().expect("text").to_owned());
        Ok(Client { socket, hello: Value::Null, protocol })
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.expect("ends").expect("no panic")
    }
}

pub(crate) struct Client<S = TcpStream> {
    pub(crate) socket: WebSocketStream<S>,
    pub(crate) hello: Value,
    pub(crate) protocol: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.expect("sent");
    }

    pub(crate) async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.expect("sent");
    }

    /// The next message that is no ping or pong.
    pub(crate) async fn raw(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("in time");
            match next.expect("not ended").expect("no error") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        match self.raw().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("not text: {other:?}"),
        }
    }

    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        match self.raw().await {
            Message::Binary(bytes) => bytes.to_vec(),
            other => panic!("not binary: {other:?}"),
        }
    }

    /// Code and words of the close frame; what comes before it is passed over.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.raw().await {
                let frame = frame.expect("with a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    /// The next so many (conversation, seq) pairs of live messages.
    pub(crate) async fn seqs(&mut self, count: usize) -> Vec<(i64, i64)> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let frame = self.next().await;
            assert_eq!(frame["type"], "serverMessages", "{frame}");
            for message in frame["payload"]["messages"].as_array().expect("a list") {
                seqs.push(id_of(message));
            }
        }
        seqs
    }

    /// Everything it was sent before this was: it is in step.
    pub(crate) async fn sync(&mut self) {
        self.send(serde_json::json!({"type": "ping", "payload": {}})).await;
        assert_eq!(self.next().await["type"], "pong");
    }
}

/// Conversation and seq of a message, from its id.
pub(crate) fn id_of(message: &Value) -> (i64, i64) {
    let (conversation, seq) = message["id"].as_str().expect("text").split_once('-').expect("two parts");
    (conversation.parse().expect("a number"), seq.parse().expect("a number"))
}

type Acks = Pin<Box<dyn Stream<Item = Result<PushAck, Status>> + Send>>;

pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) next: u64,
    pub(crate) epoch: i64,
    pub(crate) batches: mpsc::Sender<PushBatch>,
    pub(crate) acks: Acks,
}

impl Job {
    pub(crate) async fn push(&mut self, deliveries: Vec<Delivery>) -> PushAck {
        let batch = self.send(deliveries).await;
        let ack = self.ack().await.expect("acked");
        assert_eq!(ack.batch, batch);
        ack
    }

    pub(crate) async fn send(&mut self, deliveries: Vec<Delivery>) -> u64 {
        let batch = self.next;
        self.next += 1;
        self.send_batch(PushBatch {
            batch,
            job_id: self.id.clone(),
            deliveries,
            resync: false,
            comet_epoch: self.epoch,
        })
        .await;
        batch
    }

    pub(crate) async fn send_batch(&mut self, batch: PushBatch) {
        self.batches.send(batch).await.expect("taken");
    }

    pub(crate) async fn ack(&mut self) -> Result<PushAck, Status> {
        tokio::time::timeout(PATIENCE, self.acks.next()).await.expect("in time").expect("not ended")
    }
}

pub(crate) fn message_frame(conversation: i64, seq: i64) -> Proto {
    Proto {
        ver: 1,
        op: op::SEND_MESSAGE,
        body: message(conversation, seq).encode_to_vec().into(),
        conversation,
        message_seq: seq,
        ..Proto::default()
    }
}

pub(crate) fn to_room(conversation: i64, seq: i64) -> Delivery {
    Delivery {
        frame: Some(message_frame(conversation, seq)),
        r#type: Type::Room.into(),
        room: conversation.to_string(),
        ..Delivery::default()
    }
}

pub(crate) fn to_users(users: &[i64], conversation: i64, seq: i64) -> Delivery {
    Delivery {
        frame: Some(message_frame(conversation, seq)),
        r#type: Type::Push.into(),
        user_ids: users.to_vec(),
        ..Delivery::default()
    }
}

pub(crate) fn push_frame(op: i32, body: &str) -> Proto {
    Proto { ver: 1, op, body: body.to_owned().into(), ..Proto::default() }
}

/// An event to the users, with an effect on their membership of a room.
pub(crate) fn effect(users: &[i64], room: i64, effect: Effect) -> Delivery {
    use oort_api::pb::oort::v1::{Conversation, ConversationEvent, conversation_event::Change};
    let change = if effect == Effect::Join { Change::Joined } else { Change::Left };
    let event = ConversationEvent {
        change: change.into(),
        conversation: Some(Conversation {
            id: room,
            name: format!("room {room}"),
            ..Conversation::default()
        }),
        actor: None,
    };
    Delivery {
        frame: Some(Proto {
            ver: 1,
            op: op::CONVERSATION,
            body: event.encode_to_vec().into(),
            conversation: room,
            ..Proto::default()
        }),
        r#type: if users.is_empty() { Type::Broadcast } else { Type::Push }.into(),
        room: room.to_string(),
        user_ids: users.to_vec(),
        effect: effect.into(),
        ..Delivery::default()
    }
}
