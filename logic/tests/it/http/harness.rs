//! The API over a SQLite store and an in-process bus, called without sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use oort_api::bus::memory::{MemoryBus, Settings as BusSettings};
use oort_api::bus::{Consumed, Partition};
use oort_api::directory::{CometInfo, CometRef, Directory};
use oort_api::metrics::Registry;
use oort_api::pb::goim::logic::PushMsg;
use oort_logic::accounts::{self, Accounts, Scope};
use oort_logic::app::App;
use oort_logic::batcher::{self, Batcher};
use oort_logic::commits::Commits;
use oort_logic::contacts::{self, Contacts};
use oort_logic::conversations::{self, Conversations};
use oort_logic::cursors::{self, Cursors};
use oort_logic::departures::{self, Departures};
use oort_logic::events::Events;
use oort_logic::expiry::{self, Expiry};
use oort_logic::exports::Exports;
use oort_logic::failpoint::Failpoints;
use oort_logic::files::{self, Files};
use oort_logic::hooks::{self, Hooks};
use oort_logic::keys::{self, Keys};
use oort_logic::kicks::Kicks;
use oort_logic::lanes::{Lane, Lanes};
use oort_logic::mail::{self, Mailer};
use oort_logic::messages::{self, Messages};
use oort_logic::moderation::{self, Moderation};
use oort_logic::notifications::{self, Notifications};
use oort_logic::online::Online;
use oort_logic::operators::Operators;
use oort_logic::presence::{self, Presence};
use oort_logic::profiles::Profiles;
use oort_logic::published::Published;
use oort_logic::publisher::{self, Publisher};
use oort_logic::pushes::Pushes;
use oort_logic::rates::Rates;
use oort_logic::relay::{Lease, Relay};
use oort_logic::search::{self, Indexer, Searches};
use oort_logic::seen::Seen;
use oort_logic::store::{Store, migrate, sqlite};
use oort_logic::transactions::Transactions;
use oort_logic::users::Users;
use oort_logic::words::{self, Words};
use oort_logic::{Config, Metrics, http as api, store};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::directory::{Failure, FixedDirectory};

/// One logic node.
pub(crate) struct Node {
    pub(crate) app: Arc<App>,
    pub(crate) registry: Registry,
    router: Router,
    pub(super) bus: MemoryBus,
    pub(super) directory: Arc<FixedDirectory>,
    pub(super) store: Arc<dyn Store>,
    _tasks: JoinSet<()>,
    _folder: tempfile::TempDir,
}

/// What a test may change.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) bus: BusSettings,
}

impl Default for Setup {
    fn default() -> Self {
        let mut config = Config::default();
        config.accounts.argon2_memory_kib = 64;
        config.accounts.argon2_passes = 1;
        Self { config, bus: BusSettings::default() }
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        // Large enough to be told of.
        Box::pin(Self::made_of(setup)).await
    }

    async fn made_of(setup: Setup) -> Self {
        let Setup { config, bus } = setup;
        assert_eq!(config.faults(), Vec::<String>::new());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open_store(folder.path());
        let bus = MemoryBus::new(bus);
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let owner: Arc<str> = "node".into();
        let (published, lease) = (Arc::new(Published::default()), Arc::new(Lease::default()));
        lease.renewed(Instant::now(), Duration::from_secs(3600));
        let publisher = Arc::new(Publisher::new(
            config.publisher.clone(),
            publisher::Parts {
                owner: owner.clone(),
                outbox: store.clone(),
                producer: bus.producer(),
                published: published.clone(),
                lease: lease.clone(),
                trail: Arc::default(),
                metrics: metrics.clone(),
            },
        ));
        let commits = Arc::new(Commits::new(publisher.clone(), metrics.clone()));
        let indexer = Arc::new(Indexer::new(
            config.search.clone(),
            store.clone(),
            owner.clone(),
            search::IndexMetrics::register(&mut registry),
        ));
        let batcher = Arc::new(Batcher::new(
            config.batch.clone(),
            batcher::Parts {
                owner: owner.clone(),
                store: store.clone(),
                outbox: store.clone(),
                commits: commits.clone(),
                published: published.clone(),
                indexer: indexer.clone(),
                failpoints: failpoints(),
                metrics: metrics.clone(),
            },
        ));
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let indexer = indexer.clone();
            async move { indexer.run(CancellationToken::new()).await }
        });
        tasks.spawn({
            let batcher = batcher.clone();
            async move { batcher.run().await }
        });
        tasks.spawn({
            let publisher = publisher.clone();
            async move { publisher.run(CancellationToken::new(), CancellationToken::new()).await }
        });
        let cursors = Arc::new(Cursors::new(
            config.cursors.clone(),
            cursors::Parts {
                owner: owner.clone(),
                store: store.clone(),
                commits: commits.clone(),
                metrics: metrics.clone(),
            },
        ));
        tasks.spawn({
            let cursors = cursors.clone();
            async move { cursors.run().await }
        });
        let reads = crate::support::reads(&store, &metrics);
        let relay = Relay {
            config: config.relay.clone(),
            owner: owner.clone(),
            outbox: store.clone(),
            lease,
            publisher: publisher.clone(),
            metrics: metrics.clone(),
        };
        let lane = Lane {
            commits,
            batcher,
            cursors,
            publisher,
            published,
            relay,
            outbox: store.clone(),
            metrics: metrics.clone(),
        };
        let lanes = Arc::new(Lanes::new(store.clone(), vec![lane]));
        let transactions = Transactions { owner, store: store.clone(), lanes, tasks: TaskTracker::new() };
        let metrics_of_hooks = hooks::Metrics::register(&mut registry);
        let hooks = Hooks::new(&config.hooks, &config.limits, &store, &metrics_of_hooks).expect("hooks");
        let parts = conversations::Parts {
            store: store.clone(),
            reads: reads.clone(),
            rates: Arc::new(Rates::new(&config.rates, &metrics)),
            words: Arc::new(Words::new(&config.words, words::Metrics::default()).expect("words")),
            before: hooks.before.clone(),
            listing: config.listing.clone(),
            transactions: Arc::new(transactions),
            metrics: metrics.clone(),
        };
        let events =
            Arc::new(Events::new(config.events.clone(), store.clone(), reads.clone(), metrics.clone()));
        let messages = messages::Parts {
            store: store.clone(),
            transactions: parts.transactions.clone(),
            rates: parts.rates.clone(),
            words: parts.words.clone(),
            before: hooks.before.clone(),
        };
        let directory = Arc::new(FixedDirectory::default());
        let accounts_metrics = accounts::Metrics::register(&mut registry);
        let kicks = Arc::new(Kicks::new(
            config.kicks.clone(),
            store.clone(),
            directory.clone() as Arc<dyn Directory>,
            bus.producer(),
            metrics.clone(),
        ));
        tasks.spawn({
            let kicks = kicks.clone();
            async move { kicks.run(CancellationToken::new()).await }
        });
        let seen = Arc::new(Seen::new(config.seen.clone(), store.clone(), metrics.clone()));
        let mailer = Mailer::new(&config.mail, mail::Metrics::register(&mut registry));
        let with = accounts::Parts {
            store: store.clone(),
            reads,
            seen: seen.clone(),
            kicks: kicks.clone(),
            directory: directory.clone() as Arc<dyn Directory>,
            mailer: Arc::new(mailer.expect("mail settings")),
            tasks: TaskTracker::new(),
            client_keys_kept_ms: config.limits.client_keys_kept_ms,
        };
        let accounts = Accounts::new(with, config.accounts.clone(), accounts_metrics).await;
        let users = Arc::new(Users::new(store.clone(), config.users_cached_max));
        let with = presence::Parts {
            directory: directory.clone() as Arc<dyn Directory>,
            producer: bus.producer(),
            store: store.clone(),
            seen: seen.clone(),
            users: users.clone(),
            metrics: metrics.clone(),
        };
        let presence = Arc::new(Presence::new(config.presence.clone(), with));
        let transactions = Arc::clone(&parts.transactions);
        let app = Arc::new(App {
            accounts: accounts.expect("accounts start"),
            profiles: Profiles::new(config.profiles.clone(), transactions.clone()),
            keys: Keys::new(config.keys.clone(), store.clone(), keys::Metrics::register(&mut registry)),
            moderation: Moderation::new(
                transactions.clone(),
                kicks.clone(),
                moderation::Metrics::register(&mut registry),
            ),
            departures: Departures::new(
                config.departures.clone(),
                transactions,
                departures::Metrics::register(&mut registry),
            ),
            expiry: Expiry::new(
                config.expiry.clone(),
                store.clone(),
                expiry::Metrics::register(&mut registry),
            ),
            exports: Exports::new(config.exports.clone(), store.clone(), 1_000, 100),
            files: Files::new(
                config.files.clone(),
                store.clone(),
                60_000,
                files::Metrics::register(&mut registry),
            )
            .expect("a place for files"),
            contacts: Contacts::new(
                config.contacts.clone(),
                contacts::Parts {
                    transactions: parts.transactions.clone(),
                    rates: parts.rates.clone(),
                    found_max: config.accounts.users_found_max,
                },
            ),
            events,
            rates: parts.rates.clone(),
            messages: Messages::new(config.messages.clone(), config.limits.clone(), messages),
            conversations: Conversations::new(config.limits.clone(), parts),
            searches: Searches::new(
                config.search.clone(),
                store.clone(),
                1_000,
                search::Metrics::register(&mut registry),
            ),
            indexer,
            hooks,
            notifications: Arc::new(
                Notifications::new(
                    config.notifications.clone(),
                    store.clone(),
                    directory.clone() as Arc<dyn Directory>,
                    notifications::Metrics::register(&mut registry),
                )
                .expect("settings of notifications"),
            ),
            pushes: Pushes::new(config.pushes.clone(), bus.producer(), metrics.clone()),
            receipts: oort_logic::receipts::Receipts::new(
                config.receipts.clone(),
                store.clone(),
                metrics.clone(),
            ),
            presence,
            kicks,
            seen,
            online: Online::new(config.online.clone(), directory.clone()),
            operators: Operators {
                store: store.clone(),
                directory: directory.clone() as Arc<dyn Directory>,
                dead_letters: bus.letters(),
                page_max: config.limits.page_max,
            },
            trails: oort_logic::trails::Trails {
                store: store.clone(),
                directory: directory.clone() as Arc<dyn Directory>,
                wait: Duration::from_millis(config.trail_wait_ms),
            },
            replays: oort_logic::replays::Replays {
                config: config.replays.clone(),
                store: store.clone(),
                producer: bus.producer(),
                metrics: metrics.clone(),
            },
            users,
            directory: directory.clone() as Arc<dyn Directory>,
            metrics,
        });
        let router = api::router(app.clone(), config.http.clone(), api::Metrics::register(&mut registry));
        Self { app, registry, router, bus, directory, store, _tasks: tasks, _folder: folder }
    }

    /// Somebody without a credential.
    pub(crate) fn anyone(&self) -> Client {
        Client { router: self.router.clone(), headers: HeaderMap::new(), peer: None, id: String::new() }
    }

    /// A new user with an access token.
    pub(crate) async fn user(&self, name: &str) -> Client {
        let account = json!({"username": name, "password": "password of mine"});
        let reply = self.anyone().post("/api/accounts", &account).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        self.anyone()
            .bearer(reply.text("accessToken"))
            .named(reply.json()["user"]["id"].as_str().expect("an id"))
    }

    /// A server that may push.
    pub(crate) fn server(&self) -> Client {
        let token = self.app.accounts.issue_server_token(&[Scope::Push], Duration::from_secs(60));
        self.anyone().bearer(&token.expect("a token"))
    }

    /// Lets a comet be online.
    pub(crate) fn comet(&self, id: &str, connections: i64, rooms: &[(&str, i32)]) {
        self.directory.set(CometInfo {
            comet: CometRef { id: id.to_owned(), epoch: 1 },
            grpc_address: format!("http://{id}:50051"),
            ws_address: format!("{id}:8080"),
            tcp_address: format!("{id}:3101"),
            weight: 10,
            connections,
            addresses: connections / 2,
            draining: false,
            announcing: false,
            announcements: 0,
            room_counts: rooms.iter().map(|&(room, count)| (room.to_owned(), count)).collect(),
        });
    }

    /// What becomes of the directory from now on.
    pub(super) fn fail_directory(&self, failure: Failure) {
        self.directory.fail(failure);
    }

    /// The next `count` records of the bus, whatever their partition, by offset.
    pub(crate) async fn pushed(&self, count: usize) -> Vec<PushMsg> {
        let mut consumer = self.bus.consumer("test");
        let mut records: Vec<Consumed> = Vec::new();
        let mut readers = JoinSet::new();
        let deadline = tokio::time::sleep(Duration::from_secs(10));
        tokio::pin!(deadline);
        while records.len() < count {
            tokio::select! {
                Some(partition) = consumer.next_partition() => { readers.spawn(read(partition)); }
                Some(batch) = readers.join_next() => {
                    let (partition, batch) = batch.expect("a reader");
                    records.extend(batch);
                    readers.spawn(read(partition));
                }
                () = &mut deadline => panic!("the bus has {} of {count} records", records.len()),
            }
        }
        records.iter().map(|record| PushMsg::decode(record.value.clone()).expect("a PushMsg")).collect()
    }

    /// A group that reads nothing, so that the bus keeps what it gets.
    pub(crate) fn joined(&self) -> Box<dyn oort_api::bus::Consumer> {
        self.bus.consumer("slow")
    }

    /// The value of a counter in the text that Prometheus reads.
    pub(crate) fn counter(&self, line_start: &str) -> u64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encodes");
        let line = text.lines().find(|line| line.starts_with(line_start));
        let value = line.and_then(|line| line.rsplit(' ').next()).unwrap_or("0");
        value.parse().unwrap_or_else(|_| panic!("{line_start} is {value}"))
    }
}

/// None armed, whether or not this build has them.
#[allow(clippy::default_constructed_unit_structs, reason = "a unit only without the feature")]
fn failpoints() -> Failpoints {
    Failpoints::default()
}

async fn read(mut partition: Box<dyn Partition>) -> (Box<dyn Partition>, Vec<Consumed>) {
    let batch = partition.next_batch(1000).await.unwrap_or_default();
    if let Some(last) = batch.last() {
        partition.done(last.offset);
    }
    (partition, batch)
}

/// A migrated store in a folder.
pub(crate) fn open_store(folder: &std::path::Path) -> Arc<dyn Store> {
    let settings = sqlite::Settings { path: folder.join("oort.db"), ..sqlite::Settings::default() };
    migrate::sqlite(&settings).expect("migrates");
    sqlite::SqliteStore::open(&settings, &store::Metrics::register(&mut Registry::default())).expect("opens")
}

/// Somebody who calls the API.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    headers: HeaderMap,
    /// Where its socket is.
    peer: Option<SocketAddr>,
    /// User id, when it is a user.
    pub(crate) id: String,
}

impl Client {
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, sid: &str) -> Self {
        self.header(COOKIE.as_str(), &format!("sid={sid}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: http::HeaderName = name.parse().expect("a header name");
        self.headers.insert(name, value.parse().expect("a header value"));
        self
    }

    /// With a socket at this address.
    pub(crate) fn at(mut self, address: [u8; 4]) -> Self {
        self.peer = Some(SocketAddr::from((address, 4711)));
        self
    }

    fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None, Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None, Body::empty()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path, Some("application/json"), Body::from(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path, Some("application/json"), Body::from(body.to_string())).await
    }

    /// DELETE with a body.
    pub(crate) async fn delete_by(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::DELETE, path, Some("application/json"), Body::from(body.to_string())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path, Some("application/json"), Body::from(body.to_string())).await
    }

    pub(crate) async fn post_raw(
        &self,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<Body>,
    ) -> Reply {
        self.call(Method::POST, path, content_type, body.into()).await
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Body,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).body(body).expect("a request");
        *request.headers_mut() = self.headers.clone();
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, content_type.parse().expect("a header value"));
        }
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, body: body.to_vec() }
    }
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn text(&self, field: &str) -> &'static str {
        let text = self.json()[field].as_str().unwrap_or_else(|| panic!("no {field}: {self:?}")).to_owned();
        text.leak()
    }

    /// Status and code of a refusal, whose shape is checked.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let object = body.as_object().unwrap_or_else(|| panic!("not an object: {self:?}"));
        assert!(object.keys().all(|key| ["code", "message", "details"].contains(&key.as_str())), "{self:?}");
        assert!(object["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert_eq!(self.headers[CONTENT_TYPE], "application/json");
        (self.status.as_u16(), object["code"].as_str().expect("a code").to_owned())
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, status: u16, code: &str) {
        assert_eq!(self.refusal(), (status, code.to_owned()), "{self:?}");
    }

    /// Value and attributes of the log-in cookie.
    pub(crate) fn sid(&self) -> (&str, &str) {
        let set = self.headers[SET_COOKIE].to_str().expect("ASCII");
        let (pair, attributes) = set.split_once("; ").expect("attributes");
        (pair.strip_prefix("sid=").expect("the cookie sid"), attributes)
    }
}
