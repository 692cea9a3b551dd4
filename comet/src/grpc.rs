//! The gRPC services of a comet: its own stream for jobs, and goim's unary calls under both their names.

use std::pin::Pin;

use futures_util::Stream;
use oort_api::error::{Code, Refusal};
use oort_api::pb::chat_room::comet::comet_server as chat_room;
use oort_api::pb::goim::comet::comet_server as goim;
use oort_api::pb::goim::comet::{
    BroadcastReply, BroadcastReq, BroadcastRoomReply, BroadcastRoomReq, PushMsgReply, PushMsgReq, RoomsReply,
    RoomsReq,
};
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1::comet_server::{Comet, CometServer};
use oort_api::pb::oort::v1::{Delivery, PushAck, PushBatch};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::push::Pusher;

/// Answers callers by gRPC.
#[derive(Debug, Clone)]
pub(crate) struct GrpcService(pub(crate) Pusher);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Comet for GrpcService {
    type PushStream = Pin<Box<dyn Stream<Item = Result<PushAck, Status>> + Send>>;

    async fn push(&self, request: Request<Streaming<PushBatch>>) -> Answer<Self::PushStream> {
        Ok(Response::new(Box::pin(self.0.clone().push(request.into_inner()))))
    }
}

impl GrpcService {
    async fn goim_push(&self, request: PushMsgReq) -> Answer<PushMsgReply> {
        let wanted = Delivery {
            frame: request.proto,
            r#type: Type::Push.into(),
            keys: request.keys,
            ..Delivery::default()
        };
        self.0.deliver(wanted, request.proto_op).await?;
        Ok(Response::new(PushMsgReply {}))
    }

    async fn goim_broadcast(&self, request: BroadcastReq) -> Answer<BroadcastReply> {
        let wanted = Delivery {
            frame: request.proto,
            r#type: Type::Broadcast.into(),
            speed: request.speed.max(0),
            ..Delivery::default()
        };
        self.0.deliver(wanted, request.proto_op).await?;
        Ok(Response::new(BroadcastReply {}))
    }

    async fn goim_broadcast_room(&self, request: BroadcastRoomReq) -> Answer<BroadcastRoomReply> {
        let operation = request.proto.as_ref().map_or(0, |frame| frame.op);
        let wanted = Delivery {
            frame: request.proto,
            r#type: Type::Room.into(),
            room: request.room_id,
            ..Delivery::default()
        };
        self.0.deliver(wanted, operation).await?;
        Ok(Response::new(BroadcastRoomReply {}))
    }

    fn goim_rooms(&self) -> RoomsReply {
        RoomsReply { rooms: self.0.node.rooms.names().into_iter().map(|room| (room, true)).collect() }
    }
}

macro_rules! goim_service {
    ($service:path) => {
        #[tonic::async_trait]
        impl $service for GrpcService {
            async fn push_msg(&self, request: Request<PushMsgReq>) -> Answer<PushMsgReply> {
                self.goim_push(request.into_inner()).await
            }

            async fn broadcast(&self, request: Request<BroadcastReq>) -> Answer<BroadcastReply> {
                self.goim_broadcast(request.into_inner()).await
            }

            async fn broadcast_room(&self, request: Request<BroadcastRoomReq>) -> Answer<BroadcastRoomReply> {
                self.goim_broadcast_room(request.into_inner()).await
            }

            async fn rooms(&self, _: Request<RoomsReq>) -> Answer<RoomsReply> {
                Ok(Response::new(self.goim_rooms()))
            }
        }
    };
}

goim_service!(goim::Comet);
goim_service!(chat_room::Comet);

/// Lets in who shows the cluster's token as `authorization: Bearer <token>`; without one set, everybody.
#[derive(Clone)]
struct Gate(Option<SecretString>);

impl Gate {
    fn is_open_for(&self, metadata: &MetadataMap) -> bool {
        let Some(token) = &self.0 else { return true };
        let shown = metadata.get("authorization").map(|value| value.as_bytes());
        let shown = shown.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        is_same(shown, token.expose_secret().as_bytes())
    }
}

/// Compares in a time that depends on the lengths only.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differs, (l, r)| differs | (l ^ r)) == 0
}

impl tonic::service::Interceptor for Gate {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        if self.is_open_for(request.metadata()) {
            return Ok(request);
        }
        Err(Refusal::new(Code::Unauthenticated, "the cluster token is missing or wrong").into())
    }
}

/// Serves until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    pusher: Pusher,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let config = &pusher.node.config;
    let (gate, bytes_max) = (Gate(config.cluster_token.clone()), config.grpc_message_bytes_max);
    let service = GrpcService(pusher);
    let push = CometServer::new(service.clone()).max_decoding_message_size(bytes_max);
    let goim = goim::CometServer::new(service.clone()).max_decoding_message_size(bytes_max);
    let chat_room = chat_room::CometServer::new(service).max_decoding_message_size(bytes_max);
    Server::builder()
        .layer(tonic::service::InterceptorLayer::new(gate))
        .add_service(push)
        .add_service(goim)
        .add_service(chat_room)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async move {
            stop.cancelled().await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let gate = Gate(Some(SecretString::from("s3cret")));
        let with = |value: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("authorization", value.parse().unwrap());
            metadata
        };
        assert!(gate.is_open_for(&with("Bearer s3cret")));
        for wrong in ["Bearer s3cres", "Bearer s3cret ", "s3cret", "Bearer "] {
            assert!(!gate.is_open_for(&with(wrong)), "{wrong}");
        }
        assert!(!gate.is_open_for(&MetadataMap::new()));
        assert!(Gate(None).is_open_for(&MetadataMap::new()));
    }
}
