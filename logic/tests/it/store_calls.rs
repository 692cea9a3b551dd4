//! What each thing that people do all day asks of the store: a query more is to be noticed here.

use std::sync::Arc;

use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{self as pb, CometRef};
use oort_logic::accounts::Registration;
use oort_logic::service::Parts;
use oort_logic::store::NewDevice;
use oort_logic::{Config, Service};
use tokio_util::sync::CancellationToken;
use tonic::Request;

use crate::support::bus::{TestBus, no_letters};
use crate::support::directory::TestDirectory;
use crate::support::sqlite;
use crate::support::store::TestStore;

/// What nobody waits for: the relay, the index of words, notifications, presence, times of when somebody was seen.
const IN_THE_BACKGROUND: [&str; 20] = [
    "blocked_by",
    "blockers_among",
    "blockers_of",
    "check",
    "departing",
    "due_files",
    "compare",
    "index",
    "invisible",
    "last_seen",
    "lease_sweep",
    "note_seen",
    "notification_backlog",
    "outbox",
    "outbox_adopt",
    "outbox_backlog",
    "outbox_delete",
    "outbox_renew",
    "take_feed",
    "take_notifications",
];

/// What is asked since it was last looked, by name.
fn asked(store: &TestStore) -> Vec<&'static str> {
    let mut calls = std::mem::take(&mut *store.calls.lock());
    calls.retain(|call| !IN_THE_BACKGROUND.contains(call));
    calls.sort_unstable();
    calls
}

#[tokio::test]
async fn everyday_things_ask_the_store_no_more_than_this() {
    let (_folder, inner) = sqlite();
    let store = TestStore::open(inner);
    let mut config = Config { http_listen: None, grpc_listen: None, ..Config::default() };
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_passes = 1;
    let parts = Parts {
        store: store.clone(),
        producer: TestBus::new(),
        directory: Arc::new(TestDirectory::default()),
        dead_letters: no_letters(),
    };
    let service = Service::build(config, parts, &mut Registry::default()).await.expect("built");
    let (app, logic): (_, Arc<dyn Logic>) = (service.app(), service.grpc());
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));

    let (username, password) = ("anna".to_owned(), "a long enough pass word 1".to_owned());
    let registration = Registration { username, email: None, password };
    let user = app.accounts.register(registration).await.expect("registered");
    let session = app.accounts.begin_session(user.clone(), &NewDevice::default()).await.expect("a session");
    let comet = Some(CometRef { id: "comet-1".to_owned(), epoch: 7 });
    let renew = pb::RenewRequest {
        comet: comet.clone(),
        grpc_address: "local".to_owned(),
        weight: 1,
        ..pb::RenewRequest::default()
    };
    logic.renew(Request::new(renew)).await.expect("renewed");
    let user_id = user.id;
    let receive = async |command: Command| {
        let request = pb::ReceiveRequest { user_id, command: Some(command), ..pb::ReceiveRequest::default() };
        logic.receive(Request::new(request)).await.expect("answered")
    };
    let send = |id: &str| {
        let message =
            pb::OutgoingMessage { client_msg_id: id.to_owned(), content: "hello".to_owned(), details: None };
        Command::Send(pb::SendCommand { conversation: 1, messages: vec![message] })
    };
    receive(send("first")).await;
    asked(&store);

    receive(send("second")).await;
    assert_eq!(asked(&store), ["append"], "a send");

    let connect = pb::ConnectRequest {
        comet,
        version: 1,
        key: "by-comet".to_owned(),
        platform: "web".to_owned(),
        credential: Some(Credential::Bearer(session.access_token.clone())),
        client_address: String::new(),
    };
    logic.authenticate(Request::new(connect)).await.expect("connected");
    assert_eq!(asked(&store), ["live_logins", "rooms_of_all"], "a connection");

    let hello = async |since: String| {
        let hello = pb::HelloRequest { user_id, latest: 2, since };
        logic.hello(Request::new(hello)).await.expect("answered").into_inner()
    };
    let first = hello(String::new()).await;
    assert_eq!(asked(&store), ["entries_of_all", "event_heads", "filled_all"], "a first greeting");
    hello(first.cursor).await;
    assert_eq!(asked(&store), ["entries_of_all", "event_heads"], "a greeting when nothing changed");

    let history = pb::HistoryCommand { conversation: 1, ..pb::HistoryCommand::default() };
    receive(Command::History(history)).await;
    assert_eq!(asked(&store), ["conversation", "hidden_of", "history"], "a page");

    let cursor = pb::CursorCommand { conversation: 1, read_seq: 1, ..pb::CursorCommand::default() };
    receive(Command::Cursor(cursor)).await;
    assert_eq!(asked(&store), ["move_cursors"], "a mark");

    app.accounts.authenticate_bearer(&session.access_token).await.expect("live");
    asked(&store);
    app.accounts.authenticate_bearer(&session.access_token).await.expect("live");
    assert!(asked(&store).is_empty(), "a request within login_check_ms of another");

    stop.cancel();
    running.await.expect("a task").expect("drained");
}
