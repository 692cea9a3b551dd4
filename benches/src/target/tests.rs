//! What publishers of other servers say, against servers that note it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oort_api::codec::packet::packets;
use oort_api::op;
use oort_api::pb::goim::comet::comet_server::{Comet, CometServer};
use oort_api::pb::goim::comet::{
    BroadcastReply, BroadcastReq, BroadcastRoomReply, BroadcastRoomReq, PushMsgReply, PushMsgReq, RoomsReply,
    RoomsReq,
};
use oort_api::pb::goim::protocol::Proto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// To whom, and which bodies.
type Noted = Arc<Mutex<Vec<(String, Vec<String>)>>>;

fn bodies(count: u8) -> Vec<Bytes> {
    (0..count).map(|body| Bytes::from(format!("body {body}"))).collect()
}

async fn answered(publisher: &mut dyn Publisher) {
    let give_up = Instant::now() + PATIENCE;
    while publisher.under_way() > 0 {
        publisher.turn().unwrap();
        assert!(Instant::now() < give_up, "nothing is answered");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    publisher.turn().unwrap();
}

struct Goim(Noted);

impl Goim {
    fn note(&self, to: String, proto: Option<Proto>) {
        let proto = proto.unwrap();
        assert_eq!(proto.op, op::RAW, "goim's job sends containers");
        let inner = packets(&proto.body, 4096).map(|packet| {
            let packet = packet.unwrap();
            assert_eq!(packet.op, PUSH_OP);
            String::from_utf8(packet.body.to_vec()).unwrap()
        });
        self.0.lock().unwrap().push((to, inner.collect()));
    }
}

const PUSH_OP: i32 = crate::dialect::PUSH;

#[tonic::async_trait]
impl Comet for Goim {
    async fn push_msg(&self, request: Request<PushMsgReq>) -> Result<Response<PushMsgReply>, Status> {
        let PushMsgReq { keys, proto, proto_op } = request.into_inner();
        assert_eq!(proto_op, PUSH_OP);
        self.note(keys.join(","), proto);
        Ok(Response::new(PushMsgReply {}))
    }

    async fn broadcast(&self, _: Request<BroadcastReq>) -> Result<Response<BroadcastReply>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn broadcast_room(
        &self,
        request: Request<BroadcastRoomReq>,
    ) -> Result<Response<BroadcastRoomReply>, Status> {
        let BroadcastRoomReq { room_id, proto } = request.into_inner();
        self.note(room_id, proto);
        Ok(Response::new(BroadcastRoomReply {}))
    }

    async fn rooms(&self, _: Request<RoomsReq>) -> Result<Response<RoomsReply>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

fn running(publish: SocketAddr) -> Running {
    Running { clients: publish, publish, pid: std::process::id() }
}

#[tokio::test]
async fn goim_is_told_as_its_job_tells_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let noted = Noted::default();
    let service = CometServer::new(Goim(Arc::clone(&noted)));
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));

    let mut target = goim::attach(&running(address)).await.unwrap();
    target.publisher.publish(Whom::Room(Room::Main), &bodies(2)).unwrap();
    answered(&mut *target.publisher).await;
    target.publisher.publish(Whom::Client(41), &bodies(1)).unwrap();
    answered(&mut *target.publisher).await;
    let expected = [
        ("live://1".to_owned(), vec!["body 0".to_owned(), "body 1".to_owned()]),
        ("k41".to_owned(), vec!["body 0".to_owned()]),
    ];
    assert_eq!(*noted.lock().unwrap(), expected);
}

/// Answers one request a connection at a time, and notes each.
async fn http_server(listener: TcpListener, answer: &'static str, noted: Arc<Mutex<Vec<String>>>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut held = Vec::new();
    loop {
        let mut scratch = [0; 4096];
        let bytes = stream.read(&mut scratch).await.unwrap();
        if bytes == 0 {
            return;
        }
        held.extend_from_slice(&scratch[..bytes]);
        let text = String::from_utf8(held.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() < length.parse().unwrap() {
            continue;
        }
        held.clear();
        assert!(head.contains("x-api-key: secret"), "{head}");
        noted.lock().unwrap().push(format!("{} {body}", head.lines().next().unwrap()));
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(response.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn centrifugo_is_told_by_its_http_api() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let noted = Arc::default();
    tokio::spawn(http_server(listener, "{\"result\":{}}", Arc::clone(&noted)));

    let mut target = centrifugo::attach(&running(address), "secret", 1);
    target.publisher.publish(Whom::Room(Room::Main), &bodies(1)).unwrap();
    target.publisher.publish(Whom::Client(41), &bodies(2)).unwrap();
    answered(&mut *target.publisher).await;
    let noted = noted.lock().unwrap().clone();
    assert_eq!(noted.len(), 2);
    assert!(
        noted[0].starts_with("POST /api/publish ") && noted[0].contains("\"channel\":\"room1\""),
        "{noted:?}"
    );
    assert!(
        noted[1].starts_with("POST /api/batch ") && noted[1].contains("\"channel\":\"k41\""),
        "{noted:?}"
    );
    assert!(noted[1].find("body 0").unwrap() < noted[1].find("body 1").unwrap());
}

#[tokio::test]
async fn a_publication_that_is_refused_is_an_error() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http_server(listener, "{\"error\":{\"code\":107}}", Arc::default()));
    let mut target = centrifugo::attach(&running(address), "secret", 1);
    target.publisher.publish(Whom::Room(Room::Main), &bodies(1)).unwrap();
    let give_up = Instant::now() + PATIENCE;
    while target.publisher.turn().is_ok() {
        assert!(Instant::now() < give_up, "the refusal is not seen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
