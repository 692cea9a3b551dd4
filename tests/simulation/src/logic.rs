//! Logic nodes, and how comets reach them.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::memory::{MemoryBus, Settings};
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::{
    AnnounceNodeReply, AnnounceNodeRequest, AnnounceReply, AnnounceRequest, ConnectReply, ConnectRequest,
    DisconnectReply, DisconnectRequest, HelloReply, HelloRequest, ReceiveReply, ReceiveRequest, RenewReply,
    RenewRequest, RoomsReply, RoomsRequest,
};
use oort_logic::service::Parts;
use oort_logic::{Config, Service};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};

use crate::bus::Bus;
use crate::dice;
use crate::directory::{DirectoryLink, Soft};
use crate::life::Life;
use crate::links::{Links, between};
use crate::store::{Durable, StoreLink};

/// As `RemoteLogic` waits for one of two addresses.
const ANSWER_WAIT: Duration = Duration::from_millis(2_500);

/// What nodes of all tiers stand on.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) durable: Arc<Durable>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) soft: Arc<Soft>,
    pub(crate) links: Arc<Links>,
}

/// A running node.
#[derive(Clone)]
pub(crate) struct LogicNode {
    pub(crate) life: Life,
    pub(crate) drain: CancellationToken,
    service: Arc<dyn Logic>,
}

/// The nodes there are; `None` = it is down.
pub(crate) type LogicNodes = Arc<Mutex<Vec<Option<LogicNode>>>>;

/// Starts a node; tried again until the store lets it.
pub(crate) async fn start(ground: &Ground) -> LogicNode {
    loop {
        let life = Life::default();
        let directory = DirectoryLink { soft: Arc::clone(&ground.soft), life: life.clone() };
        let parts = Parts {
            store: Arc::new(StoreLink { durable: Arc::clone(&ground.durable), life: life.clone() }),
            producer: ground.bus.producer(&life),
            directory: Arc::new(directory),
            dead_letters: MemoryBus::new(Settings::default()).letters(),
        };
        match Service::build(config(), parts, &mut Registry::default()).await {
            Ok(service) => {
                let grpc = service.grpc();
                let drain = CancellationToken::new();
                let (stop, alive) = (drain.clone(), life.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        () = alive.ended() => {}
                        _ = service.run(stop) => alive.end(),
                    }
                });
                return LogicNode { life, drain, service: grpc };
            }
            Err(_) => {
                life.end();
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn config() -> Config {
    let mut config = Config { http_listen: None, grpc_listen: None, ..Config::default() };
    (config.accounts.argon2_memory_kib, config.accounts.argon2_passes) = (64, 1);
    config.publisher.patience_ms = 300;
    // Nobody here has anything to be notified by.
    config.notifications.interval_ms = 60_000;
    config
}

/// A comet's way to logic: one node after the other, until one answers. Each call may be made twice, and its answer may
/// be lost.
pub(crate) struct LogicLink {
    pub(crate) comet: String,
    pub(crate) life: Life,
    pub(crate) nodes: LogicNodes,
    pub(crate) links: Arc<Links>,
}

impl LogicLink {
    async fn call<Q: Clone, A, F>(
        &self,
        request: Request<Q>,
        attempts: usize,
        call: impl Fn(Arc<dyn Logic>, Request<Q>) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let message = request.into_inner();
        let count = self.nodes.lock().len();
        let first = dice::below(count);
        let mut last = Status::unavailable("no node of logic answers");
        for attempt in 0..attempts.min(count) {
            let number = (first + attempt) % count;
            let tried = self.try_one(number, |service| call(service, Request::new(message.clone())));
            match self.life.guard(timeout(ANSWER_WAIT, tried)).await {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(status)) if status.code() != tonic::Code::Unavailable => return Err(status),
                Ok(Err(status)) => last = status,
                Err(_) => last = Status::deadline_exceeded("logic did not answer in time"),
            }
        }
        Err(last)
    }

    async fn try_one<A, F>(&self, number: usize, call: impl FnOnce(Arc<dyn Logic>) -> F) -> Result<A, Status>
    where
        F: Future<Output = Result<A, Status>>,
    {
        let cut = || Status::unavailable("the link is cut");
        let link = between(&self.comet, &format!("logic{number}"));
        sleep(dice::latency()).await;
        let node = self.nodes.lock().get(number).cloned().flatten();
        let node = node.filter(|_| !self.links.is_cut(&link)).ok_or_else(cut)?;
        let reply = tokio::select! {
            biased;
            () = node.life.ended() => return Err(cut()),
            reply = call(Arc::clone(&node.service)) => reply,
        };
        sleep(dice::latency()).await;
        if self.links.is_cut(&link) || node.life.is_over() || dice::chance(5) {
            return Err(cut());
        }
        reply
    }
}

macro_rules! forward {
    ($( $name:ident: $request:ident => $reply:ident, $attempts:expr; )*) => {
        #[async_trait]
        impl Logic for LogicLink { $(
            async fn $name(&self, request: Request<$request>) -> Result<Response<$reply>, Status> {
                self.call(request, $attempts, |service, request| async move { service.$name(request).await }).await
            }
        )* }
    };
}

forward! {
    authenticate: ConnectRequest => ConnectReply, 2;
    disconnect: DisconnectRequest => DisconnectReply, 2;
    enter_rooms: RoomsRequest => RoomsReply, 2;
    leave_rooms: RoomsRequest => RoomsReply, 2;
    renew: RenewRequest => RenewReply, 1;
    announce: AnnounceRequest => AnnounceReply, 2;
    announce_node: AnnounceNodeRequest => AnnounceNodeReply, 2;
    hello: HelloRequest => HelloReply, 2;
    receive: ReceiveRequest => ReceiveReply, 2;
}
