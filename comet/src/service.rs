//! The comet as a whole: built, run, drained.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{Stream, StreamExt};
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::{PushAck, PushBatch};
use oort_api::trail::Ring;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::config::Config;
use crate::draining::Draining;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::pages::Pages;
use crate::push::Pusher;
use crate::shard::inbox::Inbound;
use crate::shard::run::{self, Start};
use crate::tls::reload::{self, Watch};
use crate::{grpc, renewal};

/// What a comet is given: the seams that differ between one process and a cluster.
pub struct Parts {
    /// Logic, in this process or a [`crate::RemoteLogic`].
    pub logic: Arc<dyn Logic>,
    /// Answers requests that are no upgrade.
    pub pages: Pages,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The addresses bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// HTTP and WebSocket.
    pub http: SocketAddr,
    /// Packets over TCP.
    pub tcp: Option<SocketAddr>,
    /// gRPC.
    pub grpc: Option<SocketAddr>,
}

/// Addresses as told to others.
#[derive(Debug, Clone)]
pub(crate) struct Advertised {
    pub(crate) grpc: String,
    pub(crate) ws: String,
    pub(crate) tcp: String,
}

/// A comet that is bound and not yet running.
#[derive(Debug)]
pub struct Service {
    handle: Handle,
    starts: Vec<Start>,
    grpc: Option<TcpListener>,
    addresses: Addresses,
    advertised: Advertised,
    certificate: Option<Watch>,
}

/// A running comet, for others in the process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) pusher: Pusher,
}

impl Handle {
    /// Takes batches of a job in this process, as the gRPC stream does: one ack per batch, in order, each when its frames
    /// lie in sockets or bounded buffers and its effects are recorded. Ends after the first error: `FAILED_PRECONDITION`
    /// for another epoch, `UNAVAILABLE` when the comet ends. Must be polled in a tokio runtime.
    pub fn push<S>(&self, batches: S) -> impl Stream<Item = Result<PushAck, Status>> + Send + use<S>
    where
        S: Stream<Item = PushBatch> + Send + 'static,
    {
        self.pusher.clone().push(batches.map(Ok))
    }

    /// This incarnation, as the directory knows it.
    #[must_use]
    pub fn comet(&self) -> oort_api::directory::CometRef {
        let comet = &self.pusher.node.comet;
        oort_api::directory::CometRef { id: comet.id.clone(), epoch: comet.epoch }
    }

    /// Whether it takes clients.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness().is_ok()
    }

    /// Whether it takes clients, and why not.
    ///
    /// # Errors
    /// What is missing, in a sentence.
    pub fn readiness(&self) -> Result<(), &'static str> {
        let node = &self.pusher.node;
        if node.draining.is_cancelled() {
            return Err("the comet is draining");
        }
        if !node.known.is_cancelled() {
            return Err("logic has not answered a renewal of the lease yet");
        }
        Ok(())
    }

    /// Client sockets open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.pusher.node.sockets.load(Ordering::Relaxed)
    }

    /// Where it notes the hops of messages.
    #[must_use]
    pub fn trail(&self) -> Arc<Ring> {
        Arc::clone(&self.pusher.node.trail)
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.pusher.node.metrics
    }
}

impl Service {
    /// Checks the settings, reads the certificate and binds all addresses.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults, [`Error::Tls`] or [`Error::Listen`].
    pub async fn build(config: Config, parts: Parts, registry: &mut Registry) -> Result<Self, Error> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(Error::Config(faults));
        }
        let metrics = Metrics::register(registry);
        let (tls, certificate) = reload::start(&config.tls, &metrics)?.unzip();
        let shards = config.shard_count();
        let http = listen_all(config.http_listen, shards, config.listen_backlog)?;
        let tcp = config
            .tcp_listen
            .map(|address| listen_all(address, shards, config.listen_backlog))
            .transpose()?;
        let grpc = config.grpc_listen.map(|address| listen(address, false, 1024)).transpose()?;
        let bound = |listener: &TcpListener| listener.local_addr().ok();
        let addresses = Addresses {
            http: http.first().and_then(bound).unwrap_or(config.http_listen),
            tcp: tcp.as_ref().and_then(|tcp| tcp.first()).and_then(bound),
            grpc: grpc.as_ref().and_then(bound),
        };
        let advertised = advertised(&config, &addresses);
        let (inboxes, receivers): (Vec<_>, Vec<_>) =
            (0..shards).map(|_| mpsc::channel::<Inbound>(config.inbox_messages_max)).unzip();
        let node = Arc::new(Node::new(config, metrics, parts.logic, parts.pages, inboxes, tls));
        let mut tcp = tcp.unwrap_or_default().into_iter();
        let starts = (0u16..)
            .zip(http.into_iter().zip(receivers))
            .map(|(index, (http, inbox))| Start { index, http, tcp: tcp.next(), inbox })
            .collect();
        let handle = Handle { pusher: Pusher::new(node) };
        Ok(Self { handle, starts, grpc, addresses, advertised, certificate })
    }

    /// The addresses bound; ports that were 0 are known here.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// For others in this process.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until `shutdown`, then drains: returns when the clients are gone and logic was told, or after
    /// `drain_deadline_ms`. Calls to logic and pages run on the runtime this is called in.
    ///
    /// # Errors
    /// [`Error::Superseded`], [`Error::Shard`] or [`Error::Grpc`]; the comet has ended then as well.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { handle: Handle { pusher }, starts, grpc, addresses, advertised, certificate } = self;
        let node = Arc::clone(&pusher.node);
        node.logic.run_here();
        let stop = CancellationToken::new();
        let mut shards = start_shards(starts, &node, &stop)?;
        let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
        if let Some(listener) = grpc {
            let listener = tokio::net::TcpListener::from_std(listener);
            let listener = listener.map_err(|source| Error::Listen { address: addresses.http, source })?;
            let serving = grpc::serve(listener, pusher.clone(), pusher.stopped.clone());
            tasks.spawn(async move { serving.await.map_err(Error::Grpc) });
        }
        let renewing = renewal::renew_for_ever(Arc::clone(&node), advertised.clone());
        tasks.spawn(async move { Err(renewing.await) });
        if let Some(certificate) = certificate {
            let watching = certificate.run(Arc::clone(&node));
            tasks.spawn(async move {
                watching.await;
                Ok(())
            });
        }
        let entering = renewal::enter_rooms(Arc::clone(&node));
        tasks.spawn(async move {
            entering.await;
            Ok(())
        });
        let telling = renewal::tell_departures(Arc::clone(&node));
        tasks.spawn(async move {
            telling.await;
            Ok(())
        });
        tracing::info!(http = %addresses.http, tcp = ?addresses.tcp, grpc = ?addresses.grpc, "comet is serving");
        let result = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            Some(ended) = tasks.join_next() => ended.unwrap_or_else(|error| Err(broken(0, &error))),
            Some(ended) = shards.join_next() => ended.unwrap_or_else(|error| Err(broken(0, &error))),
        };
        if let Err(error) = &result {
            tracing::error!(%error, "comet has to end");
        }
        let draining = Draining { pusher: &pusher, advertised: &advertised, stop: &stop };
        draining.drain(&mut shards, tasks).await;
        result
    }
}

fn broken(shard: usize, error: &tokio::task::JoinError) -> Error {
    Error::Shard { shard, source: std::io::Error::other(error.to_string()) }
}

/// Starts a thread per shard; each entry of the set ends with its thread.
fn start_shards(
    starts: Vec<Start>,
    node: &Arc<Node>,
    stop: &CancellationToken,
) -> Result<JoinSet<Result<(), Error>>, Error> {
    let mut shards = JoinSet::new();
    for start in starts {
        let index = usize::from(start.index);
        let (node, stop) = (Arc::clone(node), stop.clone());
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new()
            .name(format!("comet-shard-{index}"))
            .spawn(move || {
                // Nobody waits any more when the process is being torn down.
                let _ = ended.send(run::run(start, &node, &stop));
            })
            .map_err(|source| Error::Shard { shard: index, source })?;
        shards.spawn(async move {
            let ended = end.await.unwrap_or_else(|_| Err(std::io::Error::other("its thread ended")));
            ended.map_err(|source| Error::Shard { shard: index, source })
        });
    }
    Ok(shards)
}

/// One listener per shard on the same address; with port 0 the first decides.
fn listen_all(address: SocketAddr, count: usize, backlog: u32) -> Result<Vec<TcpListener>, Error> {
    // Sharing a port would let another process of the same user share it too,
    // and take half of the clients: so first see that nobody has it.
    drop(listen(address, false, backlog)?);
    let mut listeners = Vec::with_capacity(count);
    let mut address = address;
    for _ in 0..count {
        let listener = listen(address, true, backlog)?;
        address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr, is_shared: bool, backlog: u32) -> Result<TcpListener, Error> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(is_shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(TcpListener::from(socket))
    };
    bind().map_err(|source| Error::Listen { address, source })
}

fn advertised(config: &Config, addresses: &Addresses) -> Advertised {
    let told = |set: &str, bound: Option<String>| {
        if set.is_empty() { bound.unwrap_or_default() } else { set.to_owned() }
    };
    let grpc = addresses.grpc.map_or_else(|| "local".to_owned(), |grpc| format!("http://{grpc}"));
    Advertised {
        grpc: told(&config.grpc_advertise, Some(grpc)),
        ws: told(&config.ws_advertise, Some(addresses.http.to_string())),
        tcp: told(&config.tcp_advertise, addresses.tcp.map(|tcp| tcp.to_string())),
    }
}
