//! The gRPC door, called directly and over the wire.

use std::collections::HashMap;
use std::sync::Arc;

use oort_api::directory::Directory;
use oort_api::directory::LoginTag;
use oort_api::error::{Code, Refusal};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::metrics::Registry;
use oort_api::pb::goim::logic as goim;
use oort_api::pb::goim::logic::logic_client::LogicClient as GoimClient;
use oort_api::pb::oort::v1::connect_request::Credential;
use oort_api::pb::oort::v1::logic_client::LogicClient;
use oort_api::pb::oort::v1::logic_server::Logic;
use oort_api::pb::oort::v1::receive_reply::Result as Reply;
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{self as pb, CometRef};
use oort_logic::accounts::Registration;
use oort_logic::config::GoimAuth;
use oort_logic::service::Parts;
use oort_logic::store::{NewDevice, Store};
use oort_logic::{Config, Service};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::support::bus::{TestBus, no_letters};
use crate::support::directory::TestDirectory;
use crate::support::{messages, sqlite, until};

struct House {
    _folder: TempDir,
    service: Option<Service>,
    logic: Arc<dyn Logic>,
    store: Arc<dyn Store>,
    directory: Arc<TestDirectory>,
    bus: Arc<TestBus>,
    running: Option<(CancellationToken, tokio::task::JoinHandle<Result<(), oort_logic::Error>>)>,
}

fn config() -> Config {
    let mut config = Config { http_listen: None, grpc_listen: None, ..Config::default() };
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_passes = 1;
    config.relay.interval_ms = 50;
    config.relay.lease_ms = 500;
    config
}

impl House {
    async fn new(config: Config) -> Self {
        let (folder, store) = sqlite();
        let directory = Arc::new(TestDirectory::default());
        let bus = TestBus::new();
        let parts = Parts {
            store: store.clone(),
            producer: bus.clone(),
            directory: directory.clone(),
            dead_letters: no_letters(),
        };
        let service = Box::pin(Service::build(config, parts, &mut Registry::default())).await.expect("built");
        let logic = service.grpc();
        Self { _folder: folder, logic, service: Some(service), store, directory, bus, running: None }
    }

    fn run(&mut self) {
        let stop = CancellationToken::new();
        let service = self.service.take().expect("not yet running");
        self.running = Some((stop.clone(), tokio::spawn(service.run(stop))));
    }

    async fn stop(&mut self) {
        let (stop, running) = self.running.take().expect("running");
        stop.cancel();
        running.await.expect("a task").expect("drained");
    }

    /// A user with an access token. Before [`Self::run`].
    async fn user(&self, name: &str) -> (i64, String) {
        let app = self.service.as_ref().expect("not yet running").app();
        let registration = Registration {
            username: name.to_owned(),
            email: None,
            password: "a long enough pass word 1".to_owned(),
        };
        let user = app.accounts.register(registration).await.expect("registered");
        let session =
            app.accounts.begin_session(user.clone(), &NewDevice::default()).await.expect("a session");
        (user.id, session.access_token)
    }

    async fn live(&self) {
        let renew = pb::RenewRequest {
            comet: comet(),
            grpc_address: "local".to_owned(),
            weight: 1,
            ..pb::RenewRequest::default()
        };
        self.logic.renew(Request::new(renew)).await.expect("renewed");
    }

    async fn connect(&self, credential: Credential) -> Result<pb::ConnectReply, Status> {
        let request = pb::ConnectRequest {
            comet: comet(),
            version: 1,
            key: "by-comet".to_owned(),
            platform: "web".to_owned(),
            credential: Some(credential),
            client_address: String::new(),
        };
        Ok(self.logic.authenticate(Request::new(request)).await?.into_inner())
    }

    async fn receive(&self, user_id: i64, command: Command) -> Result<Reply, Status> {
        let request = pb::ReceiveRequest { user_id, command: Some(command), ..pb::ReceiveRequest::default() };
        Ok(self.logic.receive(Request::new(request)).await?.into_inner().result.expect("a result"))
    }

    async fn comets_of(&self, user: i64) -> usize {
        let user = UserId::new(user).expect("positive");
        let routes = self.directory.route(&[user], &[], &[]).await.expect("routed");
        routes.users.get(&user).map_or(0, Vec::len)
    }
}

fn comet() -> Option<CometRef> {
    Some(CometRef { id: "comet-1".to_owned(), epoch: 7 })
}

fn code(outcome: Result<impl std::fmt::Debug, Status>) -> Code {
    Refusal::from_status(&outcome.expect_err("refused")).code
}

fn send(conversation: i64, texts: &[(&str, &str)]) -> Command {
    let message = |&(id, content): &(&str, &str)| pb::OutgoingMessage {
        client_msg_id: id.to_owned(),
        content: content.to_owned(),
        details: None,
    };
    Command::Send(pb::SendCommand { conversation, messages: texts.iter().map(message).collect() })
}

#[tokio::test]
async fn a_log_in_that_ends_while_its_connection_is_recorded_opens_none() {
    let mut house = House::new(config()).await;
    let (user, token) = house.user("anna").await;
    house.run();
    house.live().await;
    house.connect(Credential::Bearer(token.clone())).await.expect("connected");
    let id = UserId::new(user).expect("positive");
    let sessions = house.directory.sessions(id).await.expect("answers");
    let login = house.store.devices_of(id, 0, 10).await.expect("answers").remove(0).login_id;
    assert_eq!(sessions[0].login, Some(LoginTag::of(&login)), "so that its end finds the session");
    let gone = pb::DisconnectRequest {
        comet: comet(),
        sessions: vec![pb::SessionRef {
            user_id: user,
            key: "by-comet".to_owned(),
            version: 1,
            ..pb::SessionRef::default()
        }],
    };
    house.logic.disconnect(Request::new(gone)).await.expect("told");

    // Ended on another node: it looked for sessions a moment too early, and this one takes the log-in for live.
    let store = house.store.clone();
    *house.directory.then.lock() = Some(Box::new(move || {
        Box::pin(async move { assert!(store.end_login(&login, id).await.expect("ended")) })
    }));
    assert_eq!(code(house.connect(Credential::Bearer(token)).await), Code::Unauthenticated);
    assert_eq!(house.comets_of(user).await, 0, "what was recorded is removed");
    house.stop().await;
}

#[tokio::test]
async fn a_connection_is_recorded_before_it_is_answered_and_removed_exactly() {
    let mut house = House::new(config()).await;
    let (user, token) = house.user("anna").await;
    house.run();
    house.live().await;
    assert_eq!(code(house.connect(Credential::Bearer("forged".to_owned())).await), Code::Unauthenticated);
    assert_eq!(house.comets_of(user).await, 0);

    let reply = house.connect(Credential::Bearer(token)).await.expect("connected");
    assert_eq!(reply.user.expect("a user").id, user);
    assert_eq!(reply.key, "by-comet");
    assert_eq!(reply.rooms.len(), 8, "the default rooms");
    assert!(reply.expires_at_ms > 0);
    assert_eq!(house.comets_of(user).await, 1);

    let gone = |version| pb::DisconnectRequest {
        comet: comet(),
        sessions: vec![pb::SessionRef {
            user_id: user,
            key: "by-comet".to_owned(),
            version,
            platform: "web".to_owned(),
            addressable: false,
            login: 0,
        }],
    };
    house.logic.disconnect(Request::new(gone(0))).await.expect("answered");
    assert_eq!(house.comets_of(user).await, 1, "an older registration's end changes nothing");
    house.logic.disconnect(Request::new(gone(1))).await.expect("answered");
    assert_eq!(house.comets_of(user).await, 0);
    house.stop().await;
}

#[tokio::test]
async fn commands_of_a_socket_are_stored_and_read_back() {
    let mut house = House::new(config()).await;
    let (anna, _) = house.user("anna").await;
    house.run();
    let Reply::CreateRoom(created) = house
        .receive(anna, Command::CreateRoom(pb::CreateRoomCommand { name: " New ".to_owned() }))
        .await
        .expect("created")
    else {
        panic!("another result");
    };
    let taken = Command::CreateRoom(pb::CreateRoomCommand { name: "New".to_owned() });
    assert_eq!(code(house.receive(anna, taken).await), Code::RoomNameTaken);
    let room = created.conversation;

    let long = "x".repeat(8193);
    let texts = [
        ("a", "one"),
        ("", "two"),
        ("b", long.as_str()),
        ("c", ""),
        ("a", "one"),
        ("a", "other"),
        ("d", "three"),
    ];
    let Reply::Send(sent) = house.receive(anna, send(room, &texts)).await.expect("answered") else {
        panic!("another result");
    };
    let seqs: Vec<i64> = sent.outcomes.iter().map(|outcome| outcome.seq).collect();
    assert_eq!(seqs, [1, 2, 0, 0, 1, 0, 3]);
    assert!(sent.outcomes[4].duplicate);
    let codes: Vec<&str> = sent.outcomes.iter().map(|outcome| outcome.error_code.as_str()).collect();
    assert_eq!(codes, ["", "", "too_large", "invalid_field", "", "idempotency_conflict", ""]);
    assert!(!sent.outcomes[1].client_msg_id.is_empty());

    let history = pb::HistoryCommand { conversation: room, ..pb::HistoryCommand::default() };
    let Reply::History(page) = house.receive(anna, Command::History(history)).await.expect("read") else {
        panic!("another result");
    };
    let contents: Vec<&str> = page.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(contents, ["three", "two", "one"]);
    assert_eq!((page.head, page.has_more), (3, false));

    let hello = pb::HelloRequest { user_id: anna, latest: 2, since: String::new() };
    let hello = house.logic.hello(Request::new(hello)).await.expect("answered").into_inner();
    let heads: HashMap<i64, i64> = hello.conversations.iter().map(|found| (found.id, found.head)).collect();
    assert_eq!(heads.len(), 9);
    assert_eq!(heads[&room], 3);

    until("all is published", async || messages(&house.bus.taken()).len() == 3).await;
    assert_eq!(code(house.receive(0, send(room, &[("x", "y")])).await), Code::Unauthenticated);
    assert_eq!(code(house.receive(9999, send(room, &[("x", "y")])).await), Code::NotFound);
    let Reply::Send(refused) = house.receive(anna, send(1 << 40, &[("x", "y")])).await.expect("answered")
    else {
        panic!("another result");
    };
    assert_eq!(refused.outcomes[0].error_code, "not_found");
    house.stop().await;
}

#[tokio::test]
async fn frames_that_came_together_are_judged_each_by_itself_and_stored_in_order() {
    let mut config = config();
    config.limits.messages_per_request_max = 3;
    let mut house = House::new(config).await;
    let (anna, _) = house.user("anna").await;
    house.run();
    let batch = |frames: &[(i64, &[(&str, &str)])]| {
        let sends = frames.iter().map(|&(room, texts)| match send(room, texts) {
            Command::Send(command) => command,
            other => panic!("{other:?}"),
        });
        Command::Sends(pb::SendBatch { sends: sends.collect() })
    };
    let frames: &[(i64, &[(&str, &str)])] = &[
        (1, &[("a", "1.1"), ("b", "1.2")]),
        (2, &[("c", "2.1")]),
        (1 << 40, &[("d", "nowhere")]),
        (1, &[("e", ""), ("f", "1.3"), ("a", "1.1")]),
        (2, &[("g", "x"), ("h", "x"), ("i", "x"), ("j", "one too many")]),
        (2, &[("k", "2.2"), ("l", "2.3")]),
        (1, &[("m", "1.4")]),
    ];
    let Reply::Sends(reply) = house.receive(anna, batch(frames)).await.expect("answered") else {
        panic!("another result");
    };
    let seqs: Vec<Vec<i64>> = reply
        .results
        .iter()
        .map(|result| result.outcomes.iter().map(|outcome| outcome.seq).collect())
        .collect();
    assert_eq!(seqs, [vec![1, 2], vec![1], vec![0], vec![0, 3, 1], vec![0, 0, 0, 0], vec![2, 3], vec![4]]);
    let told = |frame: usize, message: usize| reply.results[frame].outcomes[message].error_code.as_str();
    assert_eq!([told(2, 0), told(3, 0), told(4, 3)], ["not_found", "invalid_field", "too_large"]);
    assert!(reply.results[3].outcomes[2].duplicate);
    for (room, expected) in [(1, vec!["1.4", "1.3", "1.2", "1.1"]), (2, vec!["2.3", "2.2", "2.1"])] {
        let history = pb::HistoryCommand { conversation: room, ..pb::HistoryCommand::default() };
        let Reply::History(page) = house.receive(anna, Command::History(history)).await.expect("read") else {
            panic!("another result");
        };
        let contents: Vec<&str> = page.messages.iter().map(|message| message.content.as_str()).collect();
        assert_eq!(contents, expected);
    }
    assert_eq!(code(house.receive(0, batch(frames)).await), Code::Unauthenticated);
    assert_eq!(code(house.receive(anna, batch(&[(0, &[("n", "x")])])).await), Code::InvalidField);
    let Reply::Sends(none) = house.receive(anna, batch(&[])).await.expect("answered") else {
        panic!("another result");
    };
    assert!(none.results.is_empty());
    house.stop().await;
}

#[tokio::test]
async fn a_goim_client_is_who_its_token_says() {
    let mut house = House::new(config()).await;
    let (anna, token) = house.user("anna").await;
    house.run();
    house.live().await;
    let auth = |json: String| Credential::GoimAuth(json.into_bytes().into());
    let good = format!(
        r#"{{"mid":{anna},"key":"mine","room_id":"live://1","platform":"ios","accepts":[1000,4],"token":"{token}","x":1}}"#
    );
    let reply = house.connect(auth(good)).await.expect("connected");
    assert_eq!(reply.key, "mine");
    assert_eq!(reply.goim_room, "live://1");
    assert_eq!(reply.accepts, [1000, 4]);
    assert_eq!(reply.goim_heartbeat_ms, 480_000);
    let key = SessionKey::new("mine").expect("valid");
    let routes = house.directory.route(&[], std::slice::from_ref(&key), &[]).await.expect("routed");
    assert!(routes.keys.contains_key(&key), "a key the client chose is listed");

    for (bad, expected) in [
        (format!(r#"{{"mid":{},"token":"{token}"}}"#, anna + 1), Code::Unauthenticated),
        (format!(r#"{{"mid":{anna}}}"#), Code::Unauthenticated),
        (format!(r#"{{"mid":{anna},"token":"{token}","room_id":"1"}}"#), Code::InvalidField),
        (format!(r#"{{"mid":{anna},"token":"{token}","key":"a\nb"}}"#), Code::InvalidField),
        ("{".to_owned(), Code::InvalidRequest),
    ] {
        assert_eq!(code(house.connect(auth(bad.clone())).await), expected, "{bad}");
    }
    house.stop().await;
}

#[tokio::test]
async fn with_open_goim_auth_mid_is_believed() {
    let mut house = House::new(Config { goim_auth: GoimAuth::Open, ..config() }).await;
    house.run();
    house.live().await;
    let reply =
        house.connect(Credential::GoimAuth(br#"{"mid":77}"#.to_vec().into())).await.expect("connected");
    assert_eq!(reply.user.expect("a user").id, 77);
    assert_eq!(house.comets_of(77).await, 1);
    let reply = house.connect(Credential::GoimAuth(b"{}".to_vec().into())).await.expect("connected");
    assert_eq!(reply.user.expect("a user").id, 0);
    house.stop().await;
}

#[tokio::test]
async fn a_comet_tells_of_itself_and_its_rooms() {
    let mut house = House::new(config()).await;
    house.run();
    let renew = |counts: &[(&str, i32)]| pb::RenewRequest {
        comet: comet(),
        grpc_address: "http://127.0.0.1:1".to_owned(),
        ws_address: "127.0.0.1:8080".to_owned(),
        weight: 10,
        connections: 5,
        addresses: 3,
        room_counts: counts.iter().map(|&(room, count)| (room.to_owned(), count)).collect(),
        ..pb::RenewRequest::default()
    };
    let first = house
        .logic
        .renew(Request::new(renew(&[("live://1", 2), ("live://2", 3)])))
        .await
        .expect("renewed")
        .into_inner();
    assert!(first.announce);
    assert_eq!((first.lease_ms, first.total_connections), (10_000, 5));
    let second =
        house.logic.renew(Request::new(renew(&[("live://2", 0)]))).await.expect("renewed").into_inner();
    assert!(!second.announce);
    let counts = &house.directory.comets().await.expect("read")[0].room_counts;
    assert_eq!(*counts, HashMap::from([("live://1".to_owned(), 2)]));
    let announcing = pb::RenewRequest { announcing: true, announcements: 4, ..renew(&[]) };
    house.logic.renew(Request::new(announcing)).await.expect("renewed");
    let known = &house.directory.comets().await.expect("read")[0];
    assert_eq!((known.announcing, known.announcements), (true, 4));

    let room = RoomKey::new("live://1").expect("valid");
    let rooms = |version| pb::RoomsRequest {
        comet: comet(),
        rooms: vec![pb::RoomRef { room: "live://1".to_owned(), version }],
    };
    let is_there = async || {
        let routes = house.directory.route(&[], &[], std::slice::from_ref(&room)).await.expect("routed");
        routes.rooms.contains_key(&room)
    };
    house.logic.enter_rooms(Request::new(rooms(4))).await.expect("entered");
    assert!(is_there().await);
    house.logic.leave_rooms(Request::new(rooms(3))).await.expect("answered");
    assert!(is_there().await, "an older leave changes nothing");
    house.logic.leave_rooms(Request::new(rooms(5))).await.expect("left");
    assert!(!is_there().await);
    let announce =
        pb::AnnounceRequest { comet: comet(), rooms: rooms(6).rooms, ..pb::AnnounceRequest::default() };
    house.logic.announce(Request::new(announce)).await.expect("announced");
    assert!(is_there().await);

    let old = pb::RenewRequest { comet: Some(CometRef { epoch: 6, ..comet().expect("one") }), ..renew(&[]) };
    assert_eq!(code(house.logic.renew(Request::new(old)).await), Code::Forbidden);
    assert_eq!(
        code(house.logic.renew(Request::new(pb::RenewRequest { comet: None, ..renew(&[]) })).await),
        Code::InvalidField
    );
    house.stop().await;
}

#[tokio::test]
async fn over_the_wire_the_cluster_token_is_asked_for() {
    let listen = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let token = "0123456789abcdef";
    let mut house = House::new(Config {
        grpc_listen: listen,
        cluster_token: Some(SecretString::from(token)),
        ..config()
    })
    .await;
    let (anna, _) = house.user("anna").await;
    let address = house.service.as_ref().and_then(|service| service.addresses().grpc).expect("bound");
    house.run();
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect()
        .await
        .expect("connected");
    let hello = || Request::new(pb::HelloRequest { user_id: anna, latest: 1, since: String::new() });
    let mut plain = LogicClient::new(channel.clone());
    assert_eq!(code(plain.hello(hello()).await), Code::Unauthenticated);
    let mut goim_plain = GoimClient::new(channel.clone());
    assert_eq!(code(goim_plain.heartbeat(goim::HeartbeatReq::default()).await), Code::Unauthenticated);

    let bearer = |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("ascii"));
        Ok(request)
    };
    let mut client = LogicClient::with_interceptor(channel.clone(), bearer);
    let reply = client.hello(hello()).await.expect("answered").into_inner();
    assert_eq!(reply.conversations.len(), 8);
    let refused =
        client.hello(Request::new(pb::HelloRequest { user_id: -1, latest: 1, since: String::new() })).await;
    assert_eq!(code(refused), Code::Unauthenticated);

    let mut goims = GoimClient::with_interceptor(channel, bearer)
        .send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let counts =
        goim::OnlineReq { server: "c".to_owned(), room_count: HashMap::from([("a://1".to_owned(), 2)]) };
    let counts = goims.renew_online(counts).await.expect("answered").into_inner();
    assert_eq!(counts.all_room_count, HashMap::from([("a://1".to_owned(), 2)]));
    house.stop().await;
}
