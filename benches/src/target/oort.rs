//! A comet as a target: published to as a job does, by one ordered stream of batches.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::comet_client::CometClient;
use oort_api::pb::oort::v1::{Delivery, PushAck, PushBatch};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Child, Identity, Process, Publisher, Running, Spec, Target, Whom};
use crate::dialect::{Dialect, PUSH, Room, Who, message};
use crate::stub_logic::StubLogic;

/// Batches handed over and not yet written: above what any scenario has under way.
const QUEUE_BATCHES: usize = 8192;
/// Longest wait for the comet to call its logic.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn start(
    spec: &Spec,
    binary: &Path,
    settings: &[(String, String)],
) -> anyhow::Result<Target> {
    let (stub, logic) = StubLogic::serve((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let listen = format!("{}:0", spec.address);
    let mut command = Command::new(binary);
    command
        .arg("comet")
        .env_clear()
        .env("OORT_NODE__NAME", "bench")
        .env("OORT_ADMIN__LISTEN", "127.0.0.1:0")
        .env("OORT_CLUSTER__LOGIC_GRPC", format!("http://{logic}"))
        .env("OORT_COMET__SHARDS", "1")
        // All clients are at one address.
        .env("OORT_COMET__ADDRESSES__CONNECTIONS_MAX", "0")
        .env("OORT_COMET__ADDRESSES__CONNECTS_PER_SECOND", "0")
        .env("OORT_COMET__HTTP_LISTEN", &listen)
        .env("OORT_COMET__TCP_LISTEN", &listen)
        .env("OORT_COMET__GRPC_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().map(|(name, value)| (name, value)));
    let identity = spec.tls.map(Identity::new).transpose()?;
    if let Some(identity) = &identity {
        command.envs(identity.settings());
    }
    let (child, addresses) = Child::oort(command, &spec.server_cores)?;
    let address = |name: &str| {
        let text = addresses[name].as_str().with_context(|| format!("no {name} in {addresses}"))?;
        Ok::<SocketAddr, anyhow::Error>(text.parse()?)
    };
    let clients = address(if spec.dialect == Dialect::PacketTcp { "tcp" } else { "http" })?;
    let running = Running { clients, publish: address("grpc")?, pid: child.pid() };
    let mut target = connect(spec.dialect, stub, &running).await?;
    target._children.push(child);
    target.tls = identity;
    Ok(target)
}

/// A comet that runs already, and calls the logic at this address, which is ours.
pub(super) async fn attach(spec: &Spec, logic: SocketAddr, running: &Running) -> anyhow::Result<Target> {
    let (stub, _) =
        StubLogic::serve(logic).await.with_context(|| format!("{logic} cannot be listened on"))?;
    connect(spec.dialect, stub, running).await
}

async fn connect(dialect: Dialect, stub: Arc<StubLogic>, running: &Running) -> anyhow::Result<Target> {
    let comet = tokio::time::timeout(PATIENCE, stub.comet());
    let comet = comet.await.context("the comet has not called its logic")??;
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", running.publish))?;
    let channel = endpoint.connect().await.with_context(|| format!("no comet at {}", running.publish))?;
    let (batches, queue) = mpsc::channel(QUEUE_BATCHES);
    let acks = CometClient::new(channel).push(ReceiverStream::new(queue)).await?.into_inner();
    let answered = Arc::new(Mutex::new(Answered::default()));
    tokio::spawn(read_acks(acks, Arc::clone(&answered)));
    let publisher = OortPublisher {
        dialect,
        stub,
        batches,
        answered,
        sent: 0,
        job_id: uuid::Uuid::new_v4().to_string(),
        comet_epoch: comet.epoch,
        seqs: [0; 2],
    };
    Ok(Target {
        clients: running.clients,
        tls: None,
        publisher: Box::new(publisher),
        processes: vec![Process { name: "comet".into(), pid: running.pid }],
        _children: Vec::new(),
    })
}

#[derive(Debug, Default)]
struct Answered {
    batches: u64,
    /// Deliveries whose addressee was not there.
    missing: u64,
    error: Option<String>,
}

async fn read_acks(mut acks: Streaming<PushAck>, answered: Arc<Mutex<Answered>>) {
    loop {
        let ack = acks.message().await;
        let mut answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
        match ack {
            Ok(Some(ack)) => {
                answered.batches += 1;
                answered.missing += ack.missing.len() as u64;
            }
            Ok(None) => answered.error = Some("the comet ended the stream".into()),
            Err(status) => answered.error = Some(status.to_string()),
        }
        if answered.error.is_some() {
            return;
        }
    }
}

struct OortPublisher {
    dialect: Dialect,
    stub: Arc<StubLogic>,
    batches: mpsc::Sender<PushBatch>,
    answered: Arc<Mutex<Answered>>,
    sent: u64,
    job_id: String,
    comet_epoch: i64,
    /// Seq of the newest message of each room.
    seqs: [u64; 2],
}

impl OortPublisher {
    fn delivery(&mut self, whom: Whom, body: &Bytes) -> Delivery {
        let frame = if self.dialect.is_json() {
            self.durable(whom, body)
        } else {
            Proto { ver: 1, op: PUSH, body: body.clone(), ..Proto::default() }
        };
        let frame = Some(frame);
        match whom {
            Whom::Room(room) => {
                let is_json = self.dialect.is_json();
                let room = if is_json { room.conversation().to_string() } else { room.goim_name() };
                Delivery { frame, r#type: Type::Room.into(), room, ..Delivery::default() }
            }
            Whom::Client(number) if self.dialect.is_json() => {
                let user_ids = vec![i64::try_from(number).unwrap_or(i64::MAX - 1) + 1];
                Delivery { frame, r#type: Type::Push.into(), user_ids, ..Delivery::default() }
            }
            Whom::Client(number) => {
                let keys = vec![Who { number, room: Room::Main }.key()];
                Delivery { frame, r#type: Type::Push.into(), keys, ..Delivery::default() }
            }
        }
    }

    /// As logic stores it: JSON clients are shown conversation and seq.
    fn durable(&mut self, whom: Whom, body: &Bytes) -> Proto {
        let room = match whom {
            Whom::Room(room) => room,
            Whom::Client(_) => Room::Main,
        };
        let seq = &mut self.seqs[usize::from(room == Room::Crowd)];
        *seq += 1;
        let message = message(room, *seq, body);
        self.stub.set_head(room, message.seq);
        Proto {
            ver: 1,
            op: op::SEND_MESSAGE,
            conversation: message.conversation,
            message_seq: message.seq,
            created_at_ms: message.created_at_ms,
            body: message.encode_to_vec().into(),
            ..Proto::default()
        }
    }
}

impl Publisher for OortPublisher {
    fn publish(&mut self, whom: Whom, bodies: &[Bytes]) -> anyhow::Result<()> {
        self.sent += 1;
        let deliveries = bodies.iter().map(|body| self.delivery(whom, body)).collect();
        let batch = PushBatch {
            batch: self.sent,
            job_id: self.job_id.clone(),
            deliveries,
            comet_epoch: self.comet_epoch,
            ..PushBatch::default()
        };
        if self.batches.try_send(batch).is_err() {
            bail!("the comet takes no batches any more");
        }
        Ok(())
    }

    fn under_way(&self) -> usize {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(self.sent - answered.batches).unwrap_or(usize::MAX)
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &answered.error {
            bail!("the comet ended the stream: {error}");
        }
        if answered.missing > 0 {
            bail!("{} deliveries found nobody", answered.missing);
        }
        Ok(())
    }

    fn next_seq(&self) -> Option<u64> {
        (self.dialect.is_json()).then(|| self.seqs[0] + 1)
    }
}
