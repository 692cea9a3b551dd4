//! A fresh, migrated database per test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1::{ConversationEvent, Message, OutboxBatch, User};
use oort_logic::store::mysql::MysqlStore;
use oort_logic::store::shards::{Map, Shard, ShardedStore, settle};
use oort_logic::store::sqlite::SqliteStore;
use oort_logic::store::{
    Appended, Erased, Error, GroupChange, GroupOrder, Metrics, NewMessage, NewUser, OutboxRow, Store,
    migrate, mysql, sqlite,
};
use prost::Message as _;
use secrecy::ExposeSecret as _;
use tonic::async_trait;

use crate::support::pair::Pair;

pub(crate) const NOW: i64 = 1_700_000_000_000;

#[derive(Debug)]
enum Place {
    Sqlite {
        settings: sqlite::Settings,
        open: parking_lot::Mutex<Option<Arc<dyn Store>>>,
        _dir: tempfile::TempDir,
    },
    Mysql {
        settings: mysql::Settings,
        server: String,
        database: String,
        /// The database of users, where there is one; the other then has the conversations.
        home: Option<Box<mysql::Settings>>,
        map: Box<Map>,
    },
}

#[derive(Debug)]
pub(crate) struct Fixture {
    place: Place,
    pub(crate) metrics: Metrics,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let fixture = Self::sqlite_empty();
        fixture.migrate().await.expect("migrates");
        fixture
    }

    fn sqlite_empty() -> Self {
        Self::sqlite_called("oort_store_")
    }

    /// A database in a folder whose name begins so, before any migration.
    pub(crate) fn sqlite_called(prefix: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir().expect("a folder");
        let settings = sqlite::Settings {
            path: dir.path().join("oort.db"),
            busy_timeout_ms: 5_000,
            ..sqlite::Settings::default()
        };
        let place = Place::Sqlite { settings, open: parking_lot::Mutex::default(), _dir: dir };
        Self { place, metrics: Metrics::default() }
    }

    pub(crate) async fn mysql() -> Self {
        let fixture = Self::mysql_empty();
        fixture.migrate().await.expect("migrates");
        fixture
    }

    fn mysql_empty() -> Self {
        Self::mysql_called("oort_store_")
    }

    /// A database whose name begins so, before any migration.
    pub(crate) fn mysql_called(prefix: &str) -> Self {
        let server =
            std::env::var("OORT_TEST_MYSQL_URL").expect("start the services first: make test does it");
        let database = named(prefix);
        let mut settings = mysql::Settings::at(format!("{server}/{database}"));
        settings.pool_min = 1;
        Self {
            place: Place::Mysql { settings, server, database, home: None, map: Box::new(Map::new([1; 16])) },
            metrics: Metrics::default(),
        }
    }

    /// The even shards where the users are, the odd ones in another database.
    pub(crate) async fn halved() -> Self {
        let mut fixture = Self::sharded().await;
        let Place::Mysql { map, .. } = &mut fixture.place else { panic!("not MySQL") };
        **map = Map::new(std::array::from_fn(|shard| shard % 2));
        fixture.place_shards().await;
        fixture
    }

    /// Users in one database and conversations in another.
    pub(crate) async fn sharded() -> Self {
        let fixture = Self::sharded_empty();
        fixture.migrate().await.expect("migrates");
        fixture
    }

    fn sharded_empty() -> Self {
        Self::sharded_called("oort_shards_")
    }

    /// The same in databases whose names begin so, before any migration.
    pub(crate) fn sharded_called(prefix: &str) -> Self {
        let mut fixture = Self::mysql_called(prefix);
        let Place::Mysql { settings, server, home, .. } = &mut fixture.place else { panic!("not MySQL") };
        let url = format!("{server}/{}", named(prefix)).into();
        *home = Some(Box::new(mysql::Settings { url, ..settings.clone() }));
        fixture
    }

    /// A migrated database with a replica of it, which answers reads of the stores that are opened.
    pub(crate) async fn replicated(pair: &Pair, replicas: mysql::ReplicaSettings, metrics: &Metrics) -> Self {
        let (server, database) = (pair.primary_url().to_owned(), named("oort_pair_"));
        let urls = vec![format!("{}/{database}", pair.replica_url()).into()];
        let mut settings = mysql::Settings::at(format!("{server}/{database}"));
        settings.pool_min = 1;
        settings.replicas = mysql::ReplicaSettings { urls, ..replicas };
        let metrics = Metrics {
            replica_reads: metrics.replica_reads.clone(),
            primary_reads: metrics.primary_reads.clone(),
            ..Metrics::default()
        };
        let fixture = Self {
            place: Place::Mysql { settings, server, database, home: None, map: Box::new(Map::new([1; 16])) },
            metrics,
        };
        fixture.migrate().await.expect("migrates");
        pair.caught_up().await;
        fixture
    }

    /// The same kind of database, before any migration.
    pub(crate) fn empty(&self) -> Self {
        match &self.place {
            Place::Sqlite { .. } => Self::sqlite_empty(),
            Place::Mysql { home: None, .. } => Self::mysql_empty(),
            Place::Mysql { home: Some(_), .. } => Self::sharded_empty(),
        }
    }

    pub(crate) async fn migrate(&self) -> Result<migrate::Report, Error> {
        match &self.place {
            Place::Sqlite { settings, .. } => {
                let settings = settings.clone();
                tokio::task::spawn_blocking(move || migrate::sqlite(&settings)).await.expect("runs")
            }
            Place::Mysql { settings, home, .. } => {
                let Some(home) = home else { return migrate::mysql(settings).await };
                migrate::mysql(home).await?;
                let report = migrate::mysql(settings).await?;
                settle(&[(**home).clone(), settings.clone()]).await?;
                self.place_shards().await;
                Ok(report)
            }
        }
    }

    /// A connection beside the store to the first of its servers.
    pub(crate) async fn home_connection(&self) -> mysql_async::Conn {
        let Place::Mysql { home: Some(home), .. } = &self.place else { panic!("not over servers") };
        mysql_async::Conn::from_url(home.url.expose_secret()).await.expect("connects")
    }

    /// Puts the shards where the fixture has them, before anything is there.
    async fn place_shards(&self) {
        use mysql_async::prelude::Queryable;
        let Place::Mysql { map, .. } = &self.place else { panic!("not MySQL") };
        let mut home = self.home_connection().await;
        for shard in Shard::all() {
            let sql = "UPDATE shard_map SET server = ? WHERE shard = ?";
            home.exec_drop(sql, (map.server(shard), shard.number())).await.expect("places");
        }
        home.disconnect().await.expect("closes");
    }

    pub(crate) async fn plan(&self) -> Result<migrate::Plan, Error> {
        match &self.place {
            Place::Sqlite { settings, .. } => migrate::sqlite_plan(settings),
            Place::Mysql { settings, .. } => migrate::mysql_plan(settings).await,
        }
    }

    /// A handle: MySQL a pool of its own, SQLite the one there can be.
    pub(crate) async fn try_open(&self) -> Result<Arc<dyn Store>, Error> {
        match &self.place {
            Place::Sqlite { settings, open, .. } => {
                let mut open = open.lock();
                if open.is_none() {
                    *open = Some(SqliteStore::open(settings, &self.metrics)?);
                }
                Ok(Arc::clone(open.as_ref().expect("just opened")))
            }
            Place::Mysql { settings, home: None, .. } => MysqlStore::open(settings, &self.metrics).await,
            Place::Mysql { settings, home: Some(home), .. } => {
                ShardedStore::open(&[(**home).clone(), settings.clone()], &self.metrics).await
            }
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        self.try_open().await.expect("opens")
    }

    pub(crate) fn is_mysql(&self) -> bool {
        matches!(self.place, Place::Mysql { .. })
    }

    pub(crate) fn sqlite_settings(&self) -> &sqlite::Settings {
        match &self.place {
            Place::Sqlite { settings, .. } => settings,
            Place::Mysql { .. } => panic!("not SQLite"),
        }
    }

    /// A connection beside the store.
    pub(crate) async fn mysql_connection(&self) -> mysql_async::Conn {
        let Place::Mysql { server, database, .. } = &self.place else { panic!("not MySQL") };
        mysql_async::Conn::from_url(format!("{server}/{database}")).await.expect("connects")
    }

    pub(crate) fn mysql_settings(&self) -> &mysql::Settings {
        match &self.place {
            Place::Mysql { settings, .. } => settings,
            Place::Sqlite { .. } => panic!("not MySQL"),
        }
    }

    /// Runs SQL beside the store.
    pub(crate) async fn execute(&self, sql: &str) {
        match &self.place {
            Place::Sqlite { settings, .. } => {
                let connection = rusqlite::Connection::open(&settings.path).expect("opens");
                connection.execute_batch(sql).expect("runs");
            }
            Place::Mysql { .. } => {
                use mysql_async::prelude::Queryable;
                let mut connection = self.mysql_connection().await;
                connection.query_drop(sql).await.expect("runs");
                connection.disconnect().await.expect("closes");
            }
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let Place::Mysql { server, database, home, .. } = &self.place else { return };
        let home = home.as_ref().map_or_else(String::new, |home| {
            let url = home.url.expose_secret();
            format!("; DROP DATABASE IF EXISTS {}", url.rsplit('/').next().unwrap_or_default())
        });
        let (server, sql) = (server.clone(), format!("DROP DATABASE IF EXISTS {database}{home}"));
        let cleanup = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
            runtime.block_on(async {
                use mysql_async::prelude::Queryable;
                let mut connection = mysql_async::Conn::from_url(server).await?;
                connection.query_drop(sql).await?;
                connection.disconnect().await
            })
        });
        // A test that failed tells why; this would only hide it.
        drop(cleanup.join());
    }
}

fn named(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::new_v4().simple())
}

/// Creates a user.
pub(crate) async fn user(store: &Arc<dyn Store>, name: &str) -> User {
    let user = NewUser {
        username: name.to_owned(),
        username_key: name.to_lowercase(),
        email: None,
        password_hash: "$argon2id$".to_owned(),
        created_at_ms: NOW,
        key: None,
    };
    store.create_user(&user).await.expect("creates a user")
}

pub(crate) fn id(user: &User) -> UserId {
    UserId::new(user.id).expect("positive")
}

pub(crate) fn conversation(id: i64) -> ConversationId {
    ConversationId::new(id).expect("positive")
}

pub(crate) fn message(conversation: ConversationId, sender: &User, id: &str, content: &str) -> NewMessage {
    NewMessage {
        conversation,
        sender: sender.clone(),
        client_msg_id: id.to_owned(),
        content: content.to_owned(),
        written: None,
        details: None,
        traceparent: String::new(),
    }
}

/// Changes of groups, each as its actor asks for it.
#[async_trait]
pub(crate) trait Changes {
    async fn change(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        change: GroupChange,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error>;

    async fn add_members(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        members: &[UserId],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        self.change(owner, group, actor, GroupChange::Add(members.to_vec()), now_ms).await
    }

    async fn remove_member(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        member: UserId,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        self.change(owner, group, actor, GroupChange::Remove(member), now_ms).await
    }
}

#[async_trait]
impl Changes for Arc<dyn Store> {
    async fn change(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        change: GroupChange,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let actor = actor.clone();
        self.change_group(
            owner,
            &GroupOrder {
                group,
                actor,
                is_by_operator: false,
                change,
                members_max: 500,
                admins_max: 3,
                now_ms,
            },
        )
        .await
    }
}

/// An id no other call answers.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("m{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn stored(outcome: &Appended) -> (i64, i64) {
    match outcome {
        Appended::Stored { seq, created_at_ms } => (seq.get(), *created_at_ms),
        other => panic!("not stored: {other:?}"),
    }
}

/// Appends one text and answers its seq.
pub(crate) async fn say(
    store: &Arc<dyn Store>,
    conversation: ConversationId,
    sender: &User,
    text: &str,
) -> i64 {
    let batch = [message(conversation, sender, &unique(), text)];
    let (outcomes, _) = store.append("node", &batch, &[], NOW).await.expect("appends");
    stored(&outcomes[0]).0
}

/// The records of an outbox row: key and push.
pub(crate) fn records(row: &OutboxRow) -> Vec<(String, PushMsg)> {
    let batch = OutboxBatch::decode(row.payload.clone()).expect("an outbox batch");
    let push = |bytes: bytes::Bytes| PushMsg::decode(bytes).expect("a push");
    batch.records.into_iter().map(|record| (record.key.clone(), push(record.push_msg))).collect()
}

pub(crate) fn pushed_message(push: &PushMsg) -> Message {
    Message::decode(push.msg.clone()).expect("a message")
}

pub(crate) fn pushed_event(push: &PushMsg) -> ConversationEvent {
    ConversationEvent::decode(push.msg.clone()).expect("an event")
}

/// Erases further messages of somebody, whichever server they are at.
pub(super) async fn erase(store: &Arc<dyn Store>, owner: &str, user: &User, limit: u32) -> Erased {
    for server in 0..Arc::clone(store).outboxes().len() {
        let erased = store.erase_messages(owner, server, user, limit, NOW).await.expect("erases");
        if erased != Erased::All {
            return erased;
        }
    }
    Erased::All
}
