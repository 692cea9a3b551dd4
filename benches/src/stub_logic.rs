//! A logic that admits everybody, for a comet that is measured alone: it answers every call, stores nothing, and is called
//! over gRPC as the real one is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use oort_api::codec::goim::AuthBody;
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::logic_server::{Logic, LogicServer};
use oort_api::pb::oort::v1::{
    AnnounceNodeReply, AnnounceNodeRequest, AnnounceReply, AnnounceRequest, CometRef, ConnectReply,
    ConnectRequest, Conversation, ConversationKind, DisconnectReply, DisconnectRequest, HelloReply,
    HelloRequest, ReceiveReply, ReceiveRequest, RenewReply, RenewRequest, RoomsReply, RoomsRequest, User,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::dialect::{Room, Who};

/// Lease told to comets, ms: the default of the real one.
const LEASE_MS: i64 = 10_000;

/// What the service knows.
#[derive(Debug)]
pub(crate) struct StubLogic {
    /// The comet that has renewed its lease.
    comet: watch::Sender<Option<CometRef>>,
    /// Seq of the newest message by conversation, 1 and 2.
    heads: [AtomicI64; 2],
}

impl StubLogic {
    /// Serves on an address until the runtime ends.
    pub(crate) async fn serve(address: SocketAddr) -> anyhow::Result<(Arc<Self>, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stub =
            Arc::new(Self { comet: watch::Sender::new(None), heads: [const { AtomicI64::new(0) }; 2] });
        let service = LogicServer::from_arc(Arc::clone(&stub));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        Ok((stub, address))
    }

    /// The comet that calls, once it has.
    pub(crate) async fn comet(&self) -> anyhow::Result<CometRef> {
        let mut comet = self.comet.subscribe();
        let seen = comet.wait_for(Option::is_some).await?;
        seen.clone().ok_or_else(|| anyhow::anyhow!("no comet"))
    }

    /// The newest message of a room is now this one.
    pub(crate) fn set_head(&self, room: Room, seq: i64) {
        self.head(room).store(seq, Ordering::Relaxed);
    }

    fn head(&self, room: Room) -> &AtomicI64 {
        match room {
            Room::Main => &self.heads[0],
            Room::Crowd => &self.heads[1],
        }
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// A user id is the client's number + 1.
fn user(number: u64) -> User {
    User {
        id: i64::try_from(number).unwrap_or(i64::MAX - 1) + 1,
        username: Who { number, room: Room::Main }.key(),
    }
}

fn admit(request: ConnectRequest) -> Result<ConnectReply, Status> {
    match request.credential {
        Some(Credential::GoimAuth(body)) => {
            let body = AuthBody::parse(&body).map_err(|error| Status::unauthenticated(error.to_string()))?;
            let number = Who::number_of(&body.key).ok_or_else(|| Status::unauthenticated("an odd key"))?;
            Ok(ConnectReply {
                user: Some(user(number)),
                key: body.key,
                goim_room: body.room_id,
                accepts: body.accepts,
                ..ConnectReply::default()
            })
        }
        Some(Credential::Bearer(token)) => {
            let number = Who::number_of(&token).ok_or_else(|| Status::unauthenticated("an odd token"))?;
            let room = Room::of(number).conversation().to_string();
            let rooms = vec![room];
            Ok(ConnectReply { user: Some(user(number)), key: request.key, rooms, ..ConnectReply::default() })
        }
        _ => Err(Status::unauthenticated("unauthenticated: no credential")),
    }
}

#[tonic::async_trait]
impl Logic for StubLogic {
    async fn authenticate(&self, request: Request<ConnectRequest>) -> Answer<ConnectReply> {
        admit(request.into_inner()).map(Response::new)
    }

    async fn disconnect(&self, _: Request<DisconnectRequest>) -> Answer<DisconnectReply> {
        Ok(Response::new(DisconnectReply {}))
    }

    async fn enter_rooms(&self, _: Request<RoomsRequest>) -> Answer<RoomsReply> {
        Ok(Response::new(RoomsReply {}))
    }

    async fn leave_rooms(&self, _: Request<RoomsRequest>) -> Answer<RoomsReply> {
        Ok(Response::new(RoomsReply {}))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Answer<RenewReply> {
        let request = request.into_inner();
        self.comet.send_replace(request.comet);
        Ok(Response::new(RenewReply {
            announce: false,
            lease_ms: LEASE_MS,
            total_connections: request.connections,
            ..RenewReply::default()
        }))
    }

    async fn announce(&self, _: Request<AnnounceRequest>) -> Answer<AnnounceReply> {
        Ok(Response::new(AnnounceReply {}))
    }

    async fn announce_node(&self, _: Request<AnnounceNodeRequest>) -> Answer<AnnounceNodeReply> {
        Ok(Response::new(AnnounceNodeReply::default()))
    }

    async fn hello(&self, request: Request<HelloRequest>) -> Answer<HelloReply> {
        let number = u64::try_from(request.into_inner().user_id - 1).unwrap_or_default();
        let room = Room::of(number);
        let conversation = Conversation {
            id: room.conversation(),
            kind: ConversationKind::Room.into(),
            name: room.goim_name(),
            head: self.head(room).load(Ordering::Relaxed),
            ..Conversation::default()
        };
        Ok(Response::new(HelloReply { conversations: vec![conversation], ..HelloReply::default() }))
    }

    async fn receive(&self, _: Request<ReceiveRequest>) -> Answer<ReceiveReply> {
        Err(Status::unimplemented("invalid: this logic only admits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use oort_api::codec::packet::decode;

    #[test]
    fn every_client_of_the_tool_is_admitted_as_itself() {
        for number in [0, 41, Room::CROWD_FROM + 7] {
            let who = Who { number, room: Room::of(number) };
            let opening = Dialect::PacketTcp.opening(&who);
            let (packet, _) = decode(&opening, 4096).unwrap().unwrap();
            let goim = Credential::GoimAuth(packet.body.to_vec().into());
            let reply =
                admit(ConnectRequest { credential: Some(goim), ..ConnectRequest::default() }).unwrap();
            assert_eq!((reply.key, reply.goim_room), (who.key(), who.room.goim_name()));

            let bearer = Credential::Bearer(who.key());
            let request =
                ConnectRequest { credential: Some(bearer), key: "s".into(), ..ConnectRequest::default() };
            let reply = admit(request).unwrap();
            assert_eq!(
                (reply.key.as_str(), &reply.rooms[..]),
                ("s", &[who.room.conversation().to_string()][..])
            );
            assert_eq!(reply.user.unwrap().id, i64::try_from(number).unwrap() + 1);
        }
    }

    #[test]
    fn others_are_not() {
        for credential in [None, Some(Credential::Bearer("eyJ".into())), Some(Credential::Sid("k1".into()))] {
            assert!(admit(ConnectRequest { credential, ..ConnectRequest::default() }).is_err());
        }
    }

    #[tokio::test]
    async fn a_comet_is_known_once_it_has_called() {
        let (stub, _) = StubLogic::serve((std::net::Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let comet = CometRef { id: "c".into(), epoch: 9 };
        let request = RenewRequest { comet: Some(comet.clone()), connections: 3, ..RenewRequest::default() };
        let reply = stub.renew(Request::new(request)).await.unwrap().into_inner();
        assert_eq!((reply.total_connections, reply.announce), (3, false));
        assert_eq!(stub.comet().await.unwrap(), comet);
    }

    #[tokio::test]
    async fn hello_shows_the_head_of_the_clients_room() {
        let (stub, _) = StubLogic::serve((std::net::Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        stub.set_head(Room::Main, 5);
        stub.set_head(Room::Crowd, 6);
        for (number, head) in [(0, 5), (Room::CROWD_FROM, 6)] {
            let request =
                HelloRequest { user_id: i64::try_from(number).unwrap() + 1, latest: 1, since: String::new() };
            let reply = stub.hello(Request::new(request)).await.unwrap().into_inner();
            assert_eq!(reply.conversations[0].head, head);
        }
    }
}
