//! What the tests of the send path share.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::bus::memory::{MemoryBus, Settings as BusSettings};
use oort_api::directory::Directory;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::ids::ConversationId;
use oort_api::metrics::Registry;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::{Message, User};
use oort_logic::Metrics;
use oort_logic::accounts;
use oort_logic::batcher::{self, Batcher};
use oort_logic::commits::Commits;
use oort_logic::failpoint::Failpoints;
use oort_logic::kicks::{self, Kicks};
use oort_logic::mail::{self, Mailer};
use oort_logic::published::Published;
use oort_logic::publisher::{self, Publisher};
use oort_logic::reads::{self, Reads};
use oort_logic::relay::{Lease, Relay};
use oort_logic::search::{self, Indexer};
use oort_logic::seen::{self, Seen};
use oort_logic::store::{NewMessage, NewUser, Store, migrate, sqlite};
use prost::Message as _;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

pub(crate) mod bus;
pub(crate) mod directory;
pub(crate) mod pair;
pub(crate) mod s3;
pub(crate) mod smtp;
pub(crate) mod store;

/// Longest wait for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until it holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A fresh SQLite store; gone with the folder.
pub(crate) fn sqlite() -> (TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = sqlite::Settings { path: folder.path().join("oort.db"), ..sqlite::Settings::default() };
    migrate::sqlite(&settings).expect("migrated");
    let store = sqlite::SqliteStore::open(&settings, &oort_logic::store::Metrics::default()).expect("opened");
    (folder, store)
}

/// An account without a password that could match.
pub(crate) async fn user(store: &dyn Store, name: &str) -> User {
    let user = NewUser {
        username: name.to_owned(),
        username_key: name.to_owned(),
        email: None,
        password_hash: String::new(),
        created_at_ms: 1,
        key: None,
    };
    store.create_user(&user).await.expect("a user")
}

/// An open room; its outbox row belongs to nobody alive and is deleted.
pub(crate) async fn room(store: &dyn Store, name: &str, creator: &User) -> ConversationId {
    let (info, row) = store.create_room("setup", name, creator, 1).await.expect("a room");
    store.outbox_delete(&[row.id]).await.expect("deleted");
    info.id
}

pub(crate) fn message(conversation: ConversationId, sender: &User, id: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender: sender.clone(),
        client_msg_id: id.to_owned(),
        content: format!("text of {id}"),
        written: None,
        details: None,
        traceparent: String::new(),
    }
}

/// The send path of one process without its doors.
pub(crate) struct Path {
    pub(crate) owner: Arc<str>,
    pub(crate) batcher: Arc<Batcher>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) commits: Arc<Commits>,
    pub(crate) published: Arc<Published>,
    pub(crate) relay: Relay,
    pub(crate) metrics: Metrics,
}

/// Settings of a [`Path`] that tests change.
#[derive(Default)]
pub(crate) struct PathConfig {
    pub(crate) batch: batcher::Config,
    pub(crate) publisher: publisher::Config,
    pub(crate) relay: oort_logic::relay::Config,
}

impl Path {
    pub(crate) fn new(
        config: PathConfig,
        store: Arc<dyn Store>,
        producer: Arc<dyn oort_api::bus::Producer>,
    ) -> Self {
        let metrics = Metrics::register(&mut Registry::default());
        let owner: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let (published, lease) = (Arc::new(Published::default()), Arc::new(Lease::default()));
        let publisher = Arc::new(Publisher::new(
            config.publisher,
            publisher::Parts {
                owner: owner.clone(),
                outbox: store.clone(),
                producer,
                published: published.clone(),
                lease: lease.clone(),
                trail: Arc::default(),
                metrics: metrics.clone(),
            },
        ));
        let commits = Arc::new(Commits::new(publisher.clone(), metrics.clone()));
        let (search, registry) = (search::Config::default(), &mut Registry::default());
        let counters = search::IndexMetrics::register(registry);
        // Not run: nobody searches here.
        let indexer = Arc::new(Indexer::new(search, store.clone(), owner.clone(), counters));
        let batcher = Arc::new(Batcher::new(
            config.batch,
            batcher::Parts {
                owner: owner.clone(),
                store: store.clone(),
                outbox: store.clone(),
                commits: commits.clone(),
                published: published.clone(),
                indexer,
                failpoints: failpoints(),
                metrics: metrics.clone(),
            },
        ));
        let relay = Relay {
            config: config.relay,
            owner: owner.clone(),
            outbox: store,
            lease,
            publisher: publisher.clone(),
            metrics: metrics.clone(),
        };
        Self { owner, batcher, publisher, commits, published, relay, metrics }
    }
}

/// The messages among records, in order.
pub(crate) fn messages(records: &[oort_api::bus::Record]) -> Vec<Message> {
    let pushes = records.iter().map(|record| PushMsg::decode(record.value.clone()).expect("a push"));
    pushes.filter(|push| push.seq > 0).map(|push| Message::decode(push.msg).expect("a message")).collect()
}

impl Path {
    /// Outbox rows in memory.
    pub(crate) fn publisher_rows(&self) -> i64 {
        self.metrics.publish_queue_rows.get()
    }
}

/// Armed with nothing, whether the feature is on or not.
fn failpoints() -> Failpoints {
    Default::default()
}

/// What accounts work with, beside a store: a directory and a bus that nobody else looks at.
pub(crate) fn account_parts(store: Arc<dyn Store>) -> accounts::Parts {
    account_parts_over(store, Arc::new(MemoryDirectory::default()))
}

/// The same over a directory that others look at, too.
pub(crate) fn account_parts_over(store: Arc<dyn Store>, directory: Arc<dyn Directory>) -> accounts::Parts {
    let metrics = Metrics::register(&mut Registry::default());
    let bus = MemoryBus::new(BusSettings::default());
    let (config, producer) = (kicks::Config::default(), bus.producer());
    let kicks = Kicks::new(config, store.clone(), directory.clone(), producer, metrics.clone());
    let reads = reads(&store, &metrics);
    let seen = Seen::new(seen::Config::default(), store.clone(), metrics);
    let mailer = Mailer::new(&mail::Config::default(), mail::Metrics::default());
    accounts::Parts {
        store,
        reads,
        seen: Arc::new(seen),
        kicks: Arc::new(kicks),
        directory,
        mailer: Arc::new(mailer.expect("mail is off")),
        tasks: TaskTracker::new(),
        client_keys_kept_ms: 60_000,
    }
}

/// Reads of clients that connect, with everything at its default.
pub(crate) fn reads(store: &Arc<dyn Store>, metrics: &Metrics) -> Arc<Reads> {
    let parts = reads::Parts {
        store: store.clone(),
        open_rooms_max: oort_logic::config::Limits::default().open_rooms_max,
        tasks: TaskTracker::new(),
        metrics: metrics.clone(),
    };
    Arc::new(Reads::new(&reads::Config::default(), &parts))
}
