//! One stand-in: its lease, its rooms, and its end of every job's stream.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use futures_util::{Stream, StreamExt as _};
use oort_api::directory::{CometInfo, CometRef, Directory, Renewal, RoomEntry};
use oort_api::ids::{ConversationId, RoomKey};
use oort_api::pb::oort::v1::comet_server::{Comet, CometServer};
use oort_api::pb::oort::v1::{PushAck, PushBatch};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::Setup;
use crate::clock;
use crate::histogram::Recorder;

/// Life of a lease without a renewal, and the time between two: as logic and comet have them by default.
const LEASE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_millis(3_333);
/// Wait before what the directory refused is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// A comet that takes batches, notes what was in them, and gives it to nobody.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    pub(super) number: usize,
    epoch: i64,
    taken: Arc<Mutex<Taken>>,
    latency: Latency,
}

/// From publication to a stand-in, ns, of all in the process.
pub(super) type Latency = Arc<Mutex<Recorder>>;

/// What one stand-in has taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Streams that are open.
    pub(super) streams: u64,
    /// Messages by number.
    pub(super) messages: HashSet<u64>,
    /// Messages that came again.
    pub(super) twice: u64,
    /// Times a job said that it had dropped something.
    pub(super) resyncs: u64,
    /// The newest batch of each job: one that comes again is acknowledged and not taken again, as the real one does.
    batches: HashMap<String, u64>,
}

/// What a message of a mesh consists of: its number, and when it was published, ns of [`clock::now_ns`].
pub(crate) fn body(number: u64, at_ns: u64) -> [u8; 16] {
    let mut body = [0; 16];
    body[..8].copy_from_slice(&number.to_le_bytes());
    body[8..].copy_from_slice(&at_ns.to_le_bytes());
    body
}

fn parts(body: &[u8]) -> Option<(u64, u64)> {
    let (number, at_ns) = (body.first_chunk::<8>()?, body.get(8..)?.first_chunk::<8>()?);
    Some((u64::from_le_bytes(*number), u64::from_le_bytes(*at_ns)))
}

impl StandIn {
    pub(super) fn new(number: usize, epoch: i64, latency: &Latency) -> Self {
        Self { number, epoch, taken: Arc::default(), latency: Arc::clone(latency) }
    }

    /// Looks at what it has taken.
    pub(super) fn taken<T>(&self, look: impl FnOnce(&mut Taken) -> T) -> T {
        look(&mut locked(&self.taken))
    }

    /// Serves jobs and keeps its lease, for as long as the process lives.
    pub(super) async fn live(self, setup: Setup, directory: Arc<dyn Directory>) -> anyhow::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serve =
            Server::builder().add_service(CometServer::new(self.clone())).serve_with_incoming(incoming);
        let rooms: Vec<_> =
            setup.layout.conversations_of(self.number).map(room).collect::<anyhow::Result<_>>()?;
        tokio::select! {
            served = serve => served.context("a stand-in no longer serves"),
            () = self.renew(address, directory, &rooms) => Ok(()),
        }
    }

    async fn renew(&self, address: SocketAddr, directory: Arc<dyn Directory>, rooms: &[RoomKey]) {
        let mut info = CometInfo {
            comet: CometRef { id: format!("stand-in-{}", self.number), epoch: self.epoch },
            grpc_address: format!("http://{address}"),
            ws_address: format!("{address}"),
            tcp_address: String::new(),
            weight: 1,
            connections: 0,
            addresses: 0,
            draining: false,
            announcing: true,
            announcements: 0,
            room_counts: HashMap::new(),
        };
        // Leases of many that start together do not fall due together.
        let spread = u32::try_from(self.number % 100).unwrap_or_default();
        let mut wait = RENEWAL * spread / 100;
        loop {
            let renewed = directory.renew(&info, LEASE).await;
            let is_unknown = matches!(renewed, Ok(Renewal::Unknown));
            if renewed.is_err() || (is_unknown && !self.announce(&mut info, &*directory, rooms).await) {
                sleep(AGAIN).await;
                continue;
            }
            sleep(std::mem::replace(&mut wait, RENEWAL)).await;
        }
    }

    async fn announce(&self, info: &mut CometInfo, directory: &dyn Directory, rooms: &[RoomKey]) -> bool {
        let entries: Vec<_> = rooms.iter().map(|room| RoomEntry { room: room.clone(), version: 1 }).collect();
        if directory.enter_rooms(&info.comet, &entries).await.is_err() {
            return false;
        }
        info.announcing = false;
        info.announcements += 1;
        directory.renew(info, LEASE).await.is_ok()
    }

    fn take(&self, batch: PushBatch) -> Result<PushAck, Status> {
        if batch.comet_epoch != self.epoch {
            return Err(Status::failed_precondition("another incarnation"));
        }
        let now_ns = clock::now_ns();
        self.taken(|taken| {
            taken.resyncs += u64::from(batch.resync);
            let newest = taken.batches.entry(batch.job_id).or_default();
            if batch.batch > *newest {
                *newest = batch.batch;
                let frames = batch.deliveries.iter().filter_map(|delivery| delivery.frame.as_ref());
                for (number, at_ns) in frames.filter_map(|frame| parts(&frame.body)) {
                    locked(&self.latency).record(now_ns.saturating_sub(at_ns));
                    taken.twice += u64::from(!taken.messages.insert(number));
                }
            }
        });
        Ok(PushAck { batch: batch.batch, missing: Vec::new() })
    }
}

/// Nothing that holds one of these locks can fail half-way.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn room(conversation: usize) -> anyhow::Result<RoomKey> {
    let id = i64::try_from(conversation)?.checked_add(1).and_then(ConversationId::new);
    Ok(RoomKey::from(id.context("a conversation's id")?))
}

/// Counts a stream for as long as it is open.
struct Open(StandIn);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.taken(|taken| taken.streams -= 1);
    }
}

#[tonic::async_trait]
impl Comet for StandIn {
    type PushStream = Pin<Box<dyn Stream<Item = Result<PushAck, Status>> + Send>>;

    async fn push(
        &self,
        request: Request<Streaming<PushBatch>>,
    ) -> Result<Response<Self::PushStream>, Status> {
        self.taken(|taken| taken.streams += 1);
        let open = Open(self.clone());
        let acks = request.into_inner().map(move |batch| open.0.take(batch?));
        Ok(Response::new(Box::pin(acks)))
    }
}

#[cfg(test)]
mod tests {
    use oort_api::pb::goim::protocol::Proto;
    use oort_api::pb::oort::v1::Delivery;

    use super::*;

    fn batch(number: u64, message: u64) -> PushBatch {
        let frame = Proto { body: body(message, 1).to_vec().into(), ..Proto::default() };
        PushBatch {
            batch: number,
            job_id: "job".to_owned(),
            deliveries: vec![Delivery { frame: Some(frame), ..Delivery::default() }],
            comet_epoch: 7,
            ..PushBatch::default()
        }
    }

    #[test]
    fn a_batch_that_comes_again_is_acknowledged_and_a_message_that_does_is_found() {
        let latency = Arc::new(Mutex::new(Recorder::new()));
        let comet = StandIn::new(0, 7, &latency);
        for (number, message) in [(1, 10), (1, 10), (2, 11), (3, 10)] {
            assert_eq!(comet.take(batch(number, message)).unwrap().batch, number);
        }
        assert_eq!(comet.taken(|taken| (taken.messages.len(), taken.twice)), (2, 1));
        let other = PushBatch { comet_epoch: 6, ..batch(4, 12) };
        assert_eq!(comet.take(other).unwrap_err().code(), tonic::Code::FailedPrecondition);
    }
}
