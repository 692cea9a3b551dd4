//! Streams over gRPC, to a comet on a real socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use oort_api::directory::{CometInfo, CometRef, Directory as _, RoomEntry};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::comet_server::{Comet, CometServer};
use oort_api::pb::oort::v1::{PushAck, PushBatch};
use oort_job::{AckStream, Error, GrpcConfig, GrpcDialer};
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::world::{World, config, message, room_key};

#[derive(Debug, Clone, Default)]
struct Taker {
    seqs: Arc<Mutex<Vec<i64>>>,
    newest: Arc<Mutex<u64>>,
}

#[async_trait]
impl Comet for Taker {
    type PushStream = AckStream;

    async fn push(&self, request: Request<Streaming<PushBatch>>) -> Result<Response<AckStream>, Status> {
        let token = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if token != Some("Bearer open sesame") {
            return Err(Status::unauthenticated("who is that?"));
        }
        let taker = self.clone();
        let acks = request.into_inner().map(move |batch| {
            let batch = batch?;
            let mut newest = taker.newest.lock();
            if batch.batch > *newest {
                *newest = batch.batch;
                let frames = batch.deliveries.iter().flat_map(|delivery| &delivery.frame);
                taker.seqs.lock().extend(frames.map(|frame| frame.message_seq));
            }
            Ok(PushAck { batch: batch.batch, missing: Vec::new() })
        });
        Ok(Response::new(Box::pin(acks)))
    }
}

/// A server that can be killed with its connections.
struct Running(Runtime);

impl Running {
    fn kill(self) {
        self.0.shutdown_background();
    }
}

impl Taker {
    /// Serves on an address until killed.
    fn serve(&self, address: SocketAddr) -> (SocketAddr, Running) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("builds");
        let incoming = {
            let _entered = runtime.enter();
            TcpIncoming::bind(address).expect("binds").with_nodelay(Some(true))
        };
        let address = incoming.local_addr().expect("bound");
        let service = CometServer::new(self.clone()).max_decoding_message_size(16 << 20);
        runtime.spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        (address, Running(runtime))
    }
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn dialer(token: &str) -> Arc<GrpcDialer> {
    let config =
        GrpcConfig { keep_alive_interval_ms: 100, keep_alive_timeout_ms: 200, ..GrpcConfig::default() };
    Arc::new(GrpcDialer::new(config, Some(&SecretString::from(token))).expect("a good token"))
}

async fn register(world: &World, address: SocketAddr) {
    let mut info: CometInfo = world.comets.add("grpc", 1).info();
    info.grpc_address = format!("http://{address}");
    world.directory.renew(&info, Duration::from_secs(3600)).await.expect("renews");
    let comet = CometRef { id: "grpc".into(), epoch: 1 };
    let entry = RoomEntry { room: room_key("7"), version: 1 };
    world.directory.enter_rooms(&comet, &[entry]).await.expect("enters");
}

#[tokio::test]
async fn batches_go_out_and_acks_come_back_and_a_restart_of_the_server_loses_nothing() {
    let world = World::new();
    let taker = Taker::default();
    let (address, server) = taker.serve(any_port());
    register(&world, address).await;
    let job = world.start_with(config(), dialer("open sesame"));
    world.publish((1..=3).map(message)).await;
    world.committed().await;
    assert_eq!(*taker.seqs.lock(), [1, 2, 3]);
    let large = PushMsg { msg: vec![7; 4_000_000].into(), ..message(4) };
    world.publish([large]).await;
    world.committed().await;

    server.kill();
    job.counted("stream_failures", 1).await;
    world.publish([message(5)]).await;
    job.counted("stream_failures", 3).await;
    assert_eq!(world.bus.backlog(), 1);
    let (_, server) = taker.serve(address);
    world.committed().await;
    assert_eq!(*taker.seqs.lock(), [1, 2, 3, 4, 5]);
    job.stop().await;
    server.kill();
}

#[tokio::test]
async fn a_comet_that_does_not_know_the_token_gets_nothing() {
    let world = World::new();
    let taker = Taker::default();
    let (address, server) = taker.serve(any_port());
    register(&world, address).await;
    let job = world.start_with(config(), dialer("guess"));
    world.publish([message(1)]).await;
    job.counted("stream_failures", 8).await;
    assert_eq!((world.bus.backlog(), taker.seqs.lock().len()), (1, 0));
    job.kill().await;
    server.kill();
}

#[tokio::test]
async fn a_connection_that_went_silent_is_noticed_and_replaced() {
    let world = World::new();
    let taker = Taker::default();
    let (address, server) = taker.serve(any_port());
    let proxy = TcpListener::bind(any_port()).await.expect("binds");
    register(&world, proxy.local_addr().expect("bound")).await;
    // The first connection is held open but nothing passes it any longer
    // once `silence` is told; later ones pass.
    let silence = CancellationToken::new();
    let silenced = silence.clone();
    let relay = tokio::spawn(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
            let (mut near, _) = proxy.accept().await.expect("accepts");
            let mut far = TcpStream::connect(address).await.expect("connects");
            let silenced = silenced.clone();
            tasks.spawn(async move {
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = silenced.cancelled(), if is_first => std::future::pending().await,
                }
            });
        }
    });
    let job = world.start_with(config(), dialer("open sesame"));
    world.publish([message(1)]).await;
    world.committed().await;
    silence.cancel();
    world.publish([message(2)]).await;
    world.committed().await;
    assert_eq!(*taker.seqs.lock(), [1, 2]);
    assert!(job.metric("streams_opened") >= 2);
    job.stop().await;
    relay.abort();
    server.kill();
}

#[test]
fn a_token_that_cannot_stand_in_a_header_is_a_fault() {
    let dialer = GrpcDialer::new(GrpcConfig::default(), Some(&SecretString::from("a\nb")));
    assert!(matches!(dialer, Err(Error::Config(_))));
    let dialer = GrpcDialer::new(GrpcConfig::default(), Some(&SecretString::from("hush"))).expect("fine");
    assert!(!format!("{dialer:?}").contains("hush"));
}
