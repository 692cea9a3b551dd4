//! Logic over the network: several addresses, of which some do not answer.

use std::time::Duration;

use oort_api::error::{Code as Refused, Refusal};
use oort_api::pb::oort::v1::logic_server::{Logic, LogicServer};
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{ConnectRequest, CreateRoomCommand, HelloRequest, ReceiveRequest};
use oort_comet::{Error, RemoteLogic};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request};

use crate::logic::Scripted;

/// A logic node on loopback.
async fn serve(logic: Scripted) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::builder().add_service(LogicServer::new(logic));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

/// An address where nobody answers, yet connections are taken.
async fn deaf() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

fn hello() -> Request<HelloRequest> {
    Request::new(HelloRequest { user_id: 1, latest: 1, since: String::new() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_answer_is_passed_over() {
    let (first, second) = (Scripted::new(), Scripted::new());
    let (deaf, _listener) = deaf().await;
    let addresses = vec![deaf, serve(first.clone()).await, serve(second.clone()).await];
    let link = RemoteLogic::new(addresses, Duration::from_millis(600), None).unwrap();
    let started = std::time::Instant::now();
    for _ in 0..20 {
        link.hello(hello()).await.expect("another node answers");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "the deaf one is not asked each time");
    let counts = [first, second].map(|logic| logic.state.lock().calls.len());
    assert_eq!(counts.iter().sum::<usize>(), 20);
    assert!(counts.iter().all(|count| *count >= 5), "in turn: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_an_answer_and_is_not_asked_for_again() {
    let logic = Scripted::new();
    let addresses = vec![serve(logic.clone()).await, serve(logic.clone()).await];
    let link = RemoteLogic::new(addresses, Duration::from_secs(2), None).unwrap();
    let status = link.authenticate(Request::new(ConnectRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(logic.state.lock().calls.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let link = RemoteLogic::new(vec![address], Duration::from_secs(2), None).unwrap();
    assert_eq!(link.hello(hello()).await.unwrap_err().code(), Code::Unavailable);
    assert!(matches!(RemoteLogic::new(vec![], Duration::from_secs(1), None), Err(Error::LogicAddress(_))));
    let bad = RemoteLogic::new(vec!["not an address".into()], Duration::from_secs(1), None);
    assert!(matches!(bad, Err(Error::LogicAddress(_))));
}

/// The first node makes the room and says so too late; the second, asked in its place, finds the name taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_whose_maker_answers_late_is_refused_as_taken_and_is_there() {
    let slow = Scripted::new();
    let quick = Scripted { answer_gate: Scripted::new().answer_gate, ..slow.clone() };
    let all = u32::try_from(slow.answer_gate.available_permits()).unwrap();
    let _held = slow.answer_gate.clone().acquire_many_owned(all).await.unwrap();
    let addresses = vec![serve(slow.clone()).await, serve(quick).await];
    let link = RemoteLogic::new(addresses, Duration::from_millis(600), None).unwrap();
    let command = Command::CreateRoom(CreateRoomCommand { name: "den".into() });
    let request = ReceiveRequest { user_id: 1, command: Some(command), ..ReceiveRequest::default() };
    let status = link.receive(Request::new(request)).await.unwrap_err();
    assert_eq!(Refusal::from_status(&status).code, Refused::RoomNameTaken);
    let state = slow.state.lock();
    assert_eq!((&state.taken_names[..], state.received.len()), (&["den".to_owned()][..], 2));
}
