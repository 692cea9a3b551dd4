//! A bus, a directory, comets, and a job between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use oort_api::bus::Record;
use oort_api::bus::memory::{MemoryBus, Settings};
use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::{
    CometInfo, CometRef, Directory, Error as DirectoryError, Lookup, NodeEntry, Renewal, RoomEntry,
    SessionEntry, UserSession, Version,
};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::metrics::Registry;
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_job::{CometDialer, Config, Error, LinkConfig, Parts, PipelineConfig, Service};
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::async_trait;

use crate::comet::{Comets, ScriptedComet};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(3600);

/// Waits for a condition, or fails with what was waited for.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Settings with short waits, where a test does not say otherwise.
pub(crate) fn config() -> Config {
    Config {
        lease_poll_ms: 20,
        lease_gone_after_ms: 50,
        retry_min_ms: 5,
        retry_max_ms: 20,
        drain_ms: 5_000,
        link: LinkConfig { reconnect_min_ms: 5, reconnect_max_ms: 20, ..LinkConfig::default() },
        ..Config::default()
    }
}

pub(crate) fn with_pipeline(change: impl FnOnce(&mut PipelineConfig)) -> Config {
    let mut config = config();
    change(&mut config.pipeline);
    config
}

pub(crate) struct World {
    pub(crate) bus: MemoryBus,
    pub(crate) directory: Arc<BreakableDirectory>,
    pub(crate) comets: Arc<Comets>,
}

impl World {
    /// One partition, so that everything published has one order.
    pub(crate) fn new() -> Self {
        let settings = Settings { partitions: 1, record_bytes_max: 8 << 20, ..Settings::default() };
        Self { bus: MemoryBus::new(settings), directory: Arc::default(), comets: Arc::default() }
    }

    /// A comet that answers and whose lease is live.
    pub(crate) async fn comet(&self, id: &str) -> Arc<ScriptedComet> {
        let comet = self.comets.add(id, 1);
        self.renew(&comet).await;
        comet
    }

    /// Has a comet be live, with everything announced that it will be.
    pub(crate) async fn renew(&self, comet: &ScriptedComet) {
        self.renew_announcing(comet).await;
        self.directory.renew(&comet.info(), LEASE).await.expect("renews");
    }

    /// Has a comet be live, but not all of it announced.
    pub(crate) async fn renew_announcing(&self, comet: &ScriptedComet) {
        let info = CometInfo { announcing: true, ..comet.info() };
        self.directory.renew(&info, LEASE).await.expect("renews");
    }

    /// Ends the announcement of a comet.
    pub(crate) async fn announced(&self, comet: &ScriptedComet) {
        let info = CometInfo { announcements: 1, ..comet.info() };
        self.directory.renew(&info, LEASE).await.expect("renews");
    }

    pub(crate) async fn enter(&self, comet: &ScriptedComet, room: &str) {
        let entry = RoomEntry { room: room_key(room), version: 1 };
        self.directory.enter_rooms(&comet.reference(), &[entry]).await.expect("enters");
    }

    pub(crate) async fn connect(&self, comet: &ScriptedComet, user: i64, version: Version) {
        self.directory.add_sessions(&comet.reference(), &[session(user, version)]).await.expect("adds");
    }

    pub(crate) async fn disconnect(&self, comet: &ScriptedComet, user: i64, version: Version) {
        let entry = session(user, version);
        self.directory.remove_sessions(&comet.reference(), &[entry]).await.expect("removes");
    }

    pub(crate) async fn publish(&self, pushes: impl IntoIterator<Item = PushMsg>) {
        let records = pushes.into_iter().map(|push| record(push.encode_to_vec())).collect();
        self.bus.producer().publish(records, PATIENCE).await.expect("publishes");
    }

    pub(crate) async fn publish_bytes(&self, bytes: &[u8]) {
        self.bus.producer().publish(vec![record(bytes.to_vec())], PATIENCE).await.expect("publishes");
    }

    /// Everything published was committed.
    pub(crate) async fn committed(&self) {
        eventually("all is committed", || self.bus.backlog() == 0).await;
    }

    pub(crate) fn start(&self, config: Config) -> Job {
        self.start_with(config, self.comets.clone())
    }

    pub(crate) fn start_with(&self, config: Config, dialer: Arc<dyn CometDialer>) -> Job {
        let mut registry = Registry::default();
        let parts = Parts {
            consumer: self.bus.consumer("job"),
            producer: self.bus.producer(),
            directory: self.directory.clone(),
            dialer,
        };
        let service = Service::build(config, parts, &mut registry).expect("builds");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(service.run(shutdown.clone()));
        Job { registry, shutdown, task }
    }
}

/// A running job.
pub(crate) struct Job {
    registry: Registry,
    pub(crate) shutdown: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

impl Job {
    /// A counter or gauge, by its name.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encodes");
        let value = text.lines().find_map(|line| {
            let (of, value) = line.split_once(' ')?;
            (of == name || of.strip_suffix("_total") == Some(name)).then_some(value)
        });
        value.expect("there is such a metric").parse().expect("a number")
    }

    pub(crate) async fn counted(&self, name: &str, at_least: i64) {
        eventually(&format!("{name} >= {at_least}"), || self.metric(name) >= at_least).await;
    }

    /// As `kill -9`: nothing is committed any more.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("was running").is_cancelled());
    }

    /// As SIGTERM.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("ends in time")
            .expect("runs")
            .expect("ends well");
    }
}

fn record(value: Vec<u8>) -> Record {
    Record { key: "key".into(), value: value.into(), traceparent: None }
}

pub(crate) fn room_key(room: &str) -> RoomKey {
    RoomKey::new(room).expect("valid")
}

fn session(user: i64, version: Version) -> SessionEntry {
    SessionEntry {
        user: UserId::new(user),
        key: SessionKey::new(format!("session-{user}-{version}")).expect("valid"),
        version,
        platform: "test".into(),
        addressable: true,
        login: None,
    }
}

/// Message `seq` of room 7.
pub(crate) fn message(seq: i64) -> PushMsg {
    PushMsg {
        r#type: Type::Room.into(),
        operation: op::SEND_MESSAGE,
        room: "7".into(),
        msg: seq.to_be_bytes().to_vec().into(),
        conversation: 7,
        seq,
        ..PushMsg::default()
    }
}

/// A transient push to users.
pub(crate) fn push(users: &[i64]) -> PushMsg {
    PushMsg { operation: 1000, user_ids: users.to_vec(), ..PushMsg::default() }
}

/// Users join room 7.
pub(crate) fn join(users: &[i64]) -> PushMsg {
    PushMsg {
        operation: op::CONVERSATION,
        room: "7".into(),
        conversation: 7,
        effect: Effect::Join.into(),
        ..push(users)
    }
}

/// A directory that can be made not to answer.
#[derive(Debug, Default)]
pub(crate) struct BreakableDirectory {
    pub(crate) inner: MemoryDirectory,
    pub(crate) is_down: AtomicBool,
    pub(crate) route_calls: AtomicUsize,
    pub(crate) list_calls: AtomicUsize,
    pub(crate) census_calls: AtomicUsize,
}

impl BreakableDirectory {
    fn answer(&self) -> Result<&MemoryDirectory, DirectoryError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(DirectoryError::Unavailable("down".into()));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Directory for BreakableDirectory {
    async fn renew(&self, info: &CometInfo, lease: Duration) -> Result<Renewal, DirectoryError> {
        self.answer()?.renew(info, lease).await
    }
    async fn retire(&self, comet: &CometRef) -> Result<(), DirectoryError> {
        self.answer()?.retire(comet).await
    }
    async fn comets(&self) -> Result<Vec<CometInfo>, DirectoryError> {
        self.list_calls.fetch_add(1, Ordering::SeqCst);
        self.answer()?.comets().await
    }
    async fn add_sessions(&self, comet: &CometRef, sessions: &[SessionEntry]) -> Result<(), DirectoryError> {
        self.answer()?.add_sessions(comet, sessions).await
    }
    async fn remove_sessions(
        &self,
        comet: &CometRef,
        sessions: &[SessionEntry],
    ) -> Result<(), DirectoryError> {
        self.answer()?.remove_sessions(comet, sessions).await
    }
    async fn enter_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), DirectoryError> {
        self.answer()?.enter_rooms(comet, rooms).await
    }
    async fn leave_rooms(&self, comet: &CometRef, rooms: &[RoomEntry]) -> Result<(), DirectoryError> {
        self.answer()?.leave_rooms(comet, rooms).await
    }
    async fn look_up(
        &self,
        users: &[UserId],
        keys: &[SessionKey],
        rooms: &[RoomKey],
    ) -> Result<Lookup, DirectoryError> {
        let is_census_only = users.is_empty() && keys.is_empty() && rooms.is_empty();
        let calls = if is_census_only { &self.census_calls } else { &self.route_calls };
        calls.fetch_add(1, Ordering::SeqCst);
        self.answer()?.look_up(users, keys, rooms).await
    }
    async fn sessions(&self, user: UserId) -> Result<Vec<UserSession>, DirectoryError> {
        self.answer()?.sessions(user).await
    }
    async fn sweep(&self, keys_max: usize) -> Result<usize, DirectoryError> {
        self.answer()?.sweep(keys_max).await
    }
    async fn announce_node(&self, node: &NodeEntry, lease: Duration) -> Result<(), DirectoryError> {
        self.answer()?.announce_node(node, lease).await
    }
    async fn nodes(&self) -> Result<Vec<NodeEntry>, DirectoryError> {
        self.answer()?.nodes().await
    }
    async fn check(&self) -> Result<(), DirectoryError> {
        self.answer()?.check().await
    }
}
