//! Logic over the network: several addresses, in turn; one that does not answer is left alone for a while.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oort_api::error::is_of_the_way;
use oort_api::pb::oort::v1::logic_client::LogicClient;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::{
    AnnounceNodeReply, AnnounceNodeRequest, AnnounceReply, AnnounceRequest, ConnectReply, ConnectRequest,
    DisconnectReply, DisconnectRequest, HelloReply, HelloRequest, ReceiveReply, ReceiveRequest, RenewReply,
    RenewRequest, RoomsReply, RoomsRequest,
};
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::error::Error;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an address that failed is passed over while another is there, ms.
const REST_MS: u64 = 1_000;

#[derive(Debug)]
struct Peer {
    client: LogicClient<Channel>,
    /// Passed over until so many ms after the start of this link.
    resting_until_ms: AtomicU64,
}

/// Logic at several addresses. Every call of the service may be repeated, so a call that fails is made again elsewhere.
#[derive(Debug)]
pub struct RemoteLogic {
    peers: Vec<Peer>,
    next: AtomicUsize,
    /// For an answer of one address; then the next is asked.
    answer_timeout: Duration,
    authorization: Option<MetadataValue<Ascii>>,
    started: Instant,
}

impl RemoteLogic {
    /// Connects lazily to `addresses` (`http://host:port` or `host:port`). A call lasts at most `timeout`, so that with
    /// several addresses each has its share of it. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// [`Error::LogicAddress`] when there is no address, or one (or the token) cannot be used.
    pub fn new(
        addresses: Vec<String>,
        timeout: Duration,
        cluster_token: Option<&SecretString>,
    ) -> Result<Self, Error> {
        if addresses.is_empty() {
            return Err(Error::LogicAddress("none is given".into()));
        }
        let authorization = cluster_token
            .map(|token| MetadataValue::try_from(format!("Bearer {}", token.expose_secret())))
            .transpose()
            .map_err(|_| {
                Error::LogicAddress("the cluster token has characters a header cannot have".into())
            })?;
        let peers = addresses.iter().map(String::as_str).map(peer).collect::<Result<Vec<_>, _>>()?;
        let shares = u32::try_from(peers.len().min(2)).unwrap_or(1);
        let answer_timeout = timeout / shares;
        Ok(Self { peers, next: AtomicUsize::new(0), answer_timeout, authorization, started: Instant::now() })
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The peers in the order to ask them: from the next in turn, those at rest last.
    fn order(&self) -> Vec<&Peer> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let now = self.now_ms();
        let count = self.peers.len();
        let mut order: Vec<&Peer> =
            (0..count).filter_map(|index| self.peers.get(first.wrapping_add(index) % count)).collect();
        order.sort_by_key(|peer| peer.resting_until_ms.load(Ordering::Relaxed) > now);
        order
    }

    async fn call<Q, A, F>(
        &self,
        request: Request<Q>,
        attempts: usize,
        call: impl Fn(LogicClient<Channel>, Request<Q>) -> F,
    ) -> Result<Response<A>, Status>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let message = request.into_inner();
        let mut last = Status::unavailable("no address of logic answers");
        for peer in self.order().into_iter().take(attempts) {
            let mut request = Request::new(message.clone());
            if let Some(authorization) = &self.authorization {
                request.metadata_mut().insert("authorization", authorization.clone());
            }
            let answer = tokio::time::timeout(self.answer_timeout, call(peer.client.clone(), request)).await;
            let status = match answer {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(status)) if !is_of_the_way(&status) => return Err(status),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("logic did not answer in time"),
            };
            peer.resting_until_ms.store(self.now_ms().saturating_add(REST_MS), Ordering::Relaxed);
            last = status;
        }
        Err(last)
    }
}

fn peer(address: &str) -> Result<Peer, Error> {
    let uri = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let endpoint = Endpoint::from_shared(uri).map_err(|_| Error::LogicAddress(address.to_owned()))?;
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let client = LogicClient::new(channel).max_decoding_message_size(64 << 20);
    Ok(Peer { client, resting_until_ms: AtomicU64::new(0) })
}

macro_rules! forward {
    ($( $name:ident: $request:ident => $reply:ident, $attempts:expr; )*) => {
        #[tonic::async_trait]
        impl Logic for RemoteLogic { $(
            async fn $name(&self, request: Request<$request>) -> Result<Response<$reply>, Status> {
                self.call(request, $attempts, |mut client, request| async move { client.$name(request).await }).await
            }
        )* }
    };
}

/// Every address, until one answers.
const ALL: usize = usize::MAX;

forward! {
    authenticate: ConnectRequest => ConnectReply, ALL;
    disconnect: DisconnectRequest => DisconnectReply, ALL;
    enter_rooms: RoomsRequest => RoomsReply, ALL;
    leave_rooms: RoomsRequest => RoomsReply, ALL;
    // A renewal whose answer is lost may have been the one that found the
    // directory wiped; a second one, silently, would be told that all is well.
    // So its failure is the comet's to see, which announces after the next.
    renew: RenewRequest => RenewReply, 1;
    announce: AnnounceRequest => AnnounceReply, ALL;
    announce_node: AnnounceNodeRequest => AnnounceNodeReply, ALL;
    hello: HelloRequest => HelloReply, ALL;
    receive: ReceiveRequest => ReceiveReply, ALL;
}
