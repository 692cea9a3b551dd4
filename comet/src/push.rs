//! Batches of a job, taken in order: whom each delivery is for, what its effect does, and the ack when all of it is done.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt, stream};
use oort_api::RoomKey;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::oort::v1::{Delivery as Wanted, Missing, PushAck, PushBatch};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use crate::connection::close::CloseReason;
use crate::delivery::Prepared;
use crate::node::Node;
use crate::register::ConnectionId;
use crate::shard::inbox::{Delivery, Done, Inbound, Target, Whom};

/// Pause before a room that could not be recorded is asked for again.
const RETRY_MS: u64 = 100;

/// Takes batches from jobs, in this process or by gRPC.
#[derive(Debug, Clone)]
pub(crate) struct Pusher {
    pub(crate) node: Arc<Node>,
    jobs: Arc<Jobs>,
    tasks: TaskTracker,
    /// Nothing more is delivered.
    pub(crate) stopped: CancellationToken,
}

/// What is known of the batches of each job.
#[derive(Debug, Default)]
struct Jobs {
    known: Mutex<HashMap<String, Job>>,
    /// A batch ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Job {
    /// The highest batch begun.
    begun: u64,
    under_way: BTreeSet<u64>,
    /// When it was last heard of, in the order of batches of all jobs.
    heard: u64,
    /// Held by the batch that is being handed to the shards: they get one after the other.
    turn: Arc<Turn>,
}

type Turn = tokio::sync::Mutex<()>;

type Acks = FuturesOrdered<JoinHandle<Result<PushAck, Status>>>;

fn gone() -> Status {
    Status::unavailable("unavailable: this comet is shutting down")
}

impl Jobs {
    /// The next batch of a job is begun by whoever holds this.
    fn turn(&self, job_id: &str, jobs_max: usize) -> Arc<Turn> {
        let mut known = self.known.lock();
        Arc::clone(&Self::heard(&mut known, job_id, jobs_max).turn)
    }

    /// Begins a batch. False: it was begun before.
    fn begin(&self, job_id: &str, batch: u64, jobs_max: usize) -> bool {
        let mut known = self.known.lock();
        let job = Self::heard(&mut known, job_id, jobs_max);
        if batch <= job.begun {
            return false;
        }
        job.begun = batch;
        job.under_way.insert(batch);
        true
    }

    /// A job that was just heard of. The one that is idle for longest makes room for a new one.
    fn heard<'a>(known: &'a mut HashMap<String, Job>, job_id: &str, jobs_max: usize) -> &'a mut Job {
        let heard = known.values().map(|job| job.heard).max().unwrap_or(0) + 1;
        if !known.contains_key(job_id) && known.len() >= jobs_max {
            let idle = known.iter().filter(|(_, job)| job.under_way.is_empty());
            if let Some(oldest) = idle.min_by_key(|(_, job)| job.heard).map(|(id, _)| id.clone()) {
                known.remove(&oldest);
            }
        }
        let job = known.entry(job_id.to_owned()).or_default();
        job.heard = heard;
        job
    }

    fn end(&self, job_id: &str, batch: u64) {
        if let Some(job) = self.known.lock().get_mut(job_id) {
            job.under_way.remove(&batch);
        }
        self.ended.notify_waiters();
    }

    /// Waits until a batch that was begun has ended.
    async fn wait(&self, job_id: &str, batch: u64) {
        loop {
            let ended = self.ended.notified();
            let is_under_way =
                self.known.lock().get(job_id).is_some_and(|job| job.under_way.contains(&batch));
            if !is_under_way {
                return;
            }
            ended.await;
        }
    }
}

async fn next<S>(batches: &mut Option<std::pin::Pin<Box<S>>>) -> Option<Result<PushBatch, Status>>
where
    S: Stream<Item = Result<PushBatch, Status>>,
{
    batches.as_mut()?.next().await
}

/// Deliveries by shard.
struct Plan(Vec<Vec<Delivery>>);

impl Plan {
    fn add(&mut self, shard: usize, delivery: Delivery) {
        if let Some(deliveries) = self.0.get_mut(shard) {
            deliveries.push(delivery);
        }
    }
}

impl Pusher {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, jobs: Arc::default(), tasks: TaskTracker::new(), stopped: CancellationToken::new() }
    }

    /// Answers each batch with one ack, in order. Ends after the first error.
    pub(crate) fn push<S>(self, batches: S) -> impl Stream<Item = Result<PushAck, Status>> + Send + use<S>
    where
        S: Stream<Item = Result<PushBatch, Status>> + Send + 'static,
    {
        struct State<S> {
            pusher: Pusher,
            batches: Option<std::pin::Pin<Box<S>>>,
            acks: Acks,
            error: Option<Status>,
        }
        let state = State { pusher: self, batches: Some(Box::pin(batches)), acks: Acks::new(), error: None };
        stream::unfold(state, |mut state| async move {
            loop {
                let has_room = state.acks.len() < state.pusher.node.config.push_batches_in_flight_max;
                let may_take = has_room && state.batches.is_some();
                let taken = tokio::select! {
                    biased;
                    Some(ack) = state.acks.next() => {
                        let ack = ack.unwrap_or_else(|_| Err(gone()));
                        if ack.is_err() {
                            state.batches = None;
                            state.acks = Acks::new();
                        }
                        return Some((ack, state));
                    }
                    () = state.pusher.stopped.cancelled(), if may_take => Err(gone()),
                    batch = next(&mut state.batches), if may_take => match batch {
                        Some(Ok(batch)) => state.pusher.take(batch).await,
                        Some(Err(status)) => Err(status),
                        None => {
                            state.batches = None;
                            continue;
                        }
                    },
                    else => {
                        let error = state.error.take()?;
                        return Some((Err(error), state));
                    }
                };
                match taken {
                    Ok(ack) => state.acks.push_back(ack),
                    Err(status) => {
                        // What was taken before is still acked.
                        state.batches = None;
                        state.error = Some(status);
                    }
                }
            }
        })
    }

    /// Waits for all batches under way.
    pub(crate) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Hands one batch to the shards. Once it is begun it is handed over whatever becomes of its stream: its repeat on
    /// the next one would wait for it.
    async fn take(&self, batch: PushBatch) -> Result<JoinHandle<Result<PushAck, Status>>, Status> {
        let PushBatch { batch, job_id, deliveries, resync, comet_epoch } = batch;
        if comet_epoch != self.node.comet.epoch {
            return Err(Status::failed_precondition(format!(
                "this comet's epoch is {}, not {comet_epoch}",
                self.node.comet.epoch
            )));
        }
        if deliveries.len() > self.node.config.batch_deliveries_max {
            let max = self.node.config.batch_deliveries_max;
            return Err(Status::out_of_range(format!("too_large: more than {max} deliveries in a batch")));
        }
        let jobs_max = self.node.config.jobs_remembered_max;
        let turn = self.jobs.turn(&job_id, jobs_max).lock_owned().await;
        if !self.jobs.begin(&job_id, batch, jobs_max) {
            self.node.metrics.repeated_batches.inc();
            let jobs = Arc::clone(&self.jobs);
            return Ok(self.tasks.spawn(async move {
                jobs.wait(&job_id, batch).await;
                Ok(PushAck { batch, missing: Vec::new() })
            }));
        }
        let (handed, is_handed) = oneshot::channel();
        let pusher = self.clone();
        let ack = self.tasks.spawn(async move {
            let begun = pusher.begin(deliveries, resync).await;
            drop(turn);
            handed.send(()).ok();
            let result = match begun {
                Ok(under_way) => under_way.finish(&pusher).await,
                Err(status) => Err(status),
            };
            pusher.jobs.end(&job_id, batch);
            result.map(|missing| PushAck { batch, missing })
        });
        // One batch at a time: what comes behind it waits in its stream.
        is_handed.await.ok();
        Ok(ack)
    }

    async fn begin(&self, deliveries: Vec<Wanted>, resync: bool) -> Result<UnderWay, Status> {
        self.node.metrics.deliveries.inc_by(deliveries.len() as u64);
        let (done, finished) = oneshot::channel::<Infallible>();
        let done: Done = Arc::new(done);
        let mut under_way = UnderWay { missing: Vec::new(), effects: Vec::new(), finished };
        if resync {
            for inbox in &self.node.inboxes {
                let message = Inbound::Resync { done: Arc::clone(&done) };
                inbox.send(message).await.map_err(|_| gone())?;
            }
        }
        let mut plan = self.empty_plan();
        let mut kicks = Vec::new();
        for (index, wanted) in deliveries.into_iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            if wanted.frame.as_ref().is_some_and(|frame| frame.op == op::KICK) {
                kicks.push(wanted);
            } else if wanted.effect() == Effect::None {
                under_way.missing.extend(self.resolve(index, wanted, &mut plan));
            } else {
                under_way.effects.push((index, wanted));
            }
        }
        self.send(plan, &done).await?;
        for kick in kicks {
            self.kick(kick).await?;
        }
        Ok(under_way)
    }

    /// Ends connections, those as well that are not registered yet. Who is not here has ended by itself.
    async fn kick(&self, wanted: Wanted) -> Result<(), Status> {
        let reason = CloseReason::of_kick(&wanted.frame.unwrap_or_default().body);
        for id in self.find(&wanted.user_ids, &wanted.keys, &mut Missing::default()) {
            if let Some(inbox) = self.node.inboxes.get(usize::from(id.shard)) {
                inbox.send(Inbound::Close { id, reason }).await.map_err(|_| gone())?;
            }
        }
        Ok(())
    }

    fn empty_plan(&self) -> Plan {
        Plan((0..self.node.inboxes.len()).map(|_| Vec::new()).collect())
    }

    async fn send(&self, plan: Plan, done: &Done) -> Result<(), Status> {
        for (inbox, deliveries) in self.node.inboxes.iter().zip(plan.0) {
            if !deliveries.is_empty() {
                let message = Inbound::Deliver { deliveries, done: Arc::clone(done) };
                inbox.send(message).await.map_err(|_| gone())?;
            }
        }
        Ok(())
    }

    /// Finds whom a delivery is for, and who of them is not here.
    fn resolve(&self, index: u32, wanted: Wanted, plan: &mut Plan) -> Option<Missing> {
        let kind = wanted.r#type();
        let operation = wanted.frame.as_ref().map_or(0, |frame| frame.op);
        self.resolve_as(index, wanted, kind, operation, plan)
    }

    pub(crate) fn resolve_as(
        &self,
        index: u32,
        wanted: Wanted,
        kind: Type,
        operation: i32,
        plan: &mut impl AddDelivery,
    ) -> Option<Missing> {
        let node = &self.node;
        let frame = Prepared::with_operation(wanted.frame.unwrap_or_default(), operation, &node.encoder);
        let exclude = self.excluded(&wanted.exclude_user_ids, &wanted.exclude_keys);
        let deliver = |target| Delivery { frame: Arc::clone(&frame), target, exclude: exclude.clone() };
        let mut missing = Missing { delivery: index, ..Missing::default() };
        match kind {
            Type::Room => {
                let shards = node.rooms.shards_of(&wanted.room);
                let key = RoomKey::new(&wanted.room).ok().filter(|_| shards != 0);
                missing.room = key.is_none();
                for shard in (0..node.inboxes.len()).filter(|shard| shards & (1 << shard) != 0) {
                    if let Some(key) = &key {
                        plan.add_delivery(shard, deliver(Target::Room(key.clone())));
                    }
                }
            }
            Type::Push => {
                let ids = self.find(&wanted.user_ids, &wanted.keys, &mut missing);
                for shard in 0..node.inboxes.len() {
                    let here: Vec<ConnectionId> =
                        ids.iter().copied().filter(|id| usize::from(id.shard) == shard).collect();
                    if !here.is_empty() {
                        plan.add_delivery(shard, deliver(Target::Connections(here)));
                    }
                }
            }
            Type::Broadcast => {
                let shards = node.inboxes.len();
                let speed = u32::try_from(wanted.speed).unwrap_or(0);
                let per_second = speed.div_ceil(u32::try_from(shards).unwrap_or(1));
                for shard in 0..shards {
                    let target =
                        if speed == 0 { Target::Everyone } else { Target::EveryonePaced { per_second } };
                    plan.add_delivery(shard, deliver(target));
                }
            }
        }
        let is_missing = missing.room || !missing.user_ids.is_empty() || !missing.keys.is_empty();
        is_missing.then_some(missing)
    }

    /// Connections that must not get it; `None` = all may.
    fn excluded(&self, users: &[i64], keys: &[String]) -> Option<Arc<[ConnectionId]>> {
        if users.is_empty() && keys.is_empty() {
            return None;
        }
        let mut ids: Vec<ConnectionId> = keys.iter().filter_map(|key| self.find_key(key)).collect();
        self.node.sessions.of_users(users, |id| ids.push(id), |_| {});
        Some(ids.into())
    }

    fn find_key(&self, key: &str) -> Option<ConnectionId> {
        ConnectionId::from_key(key, self.node.nonce).or_else(|| self.node.sessions.of_key(key))
    }

    /// The connections of users and keys, each once.
    fn find(&self, users: &[i64], keys: &[String], missing: &mut Missing) -> SmallVec<[ConnectionId; 4]> {
        let mut ids: SmallVec<[ConnectionId; 4]> = SmallVec::new();
        let Missing { user_ids: absent_users, keys: absent_keys, .. } = missing;
        self.node.sessions.of_users(users, |id| ids.push(id), |user| absent_users.push(user));
        for key in keys {
            match self.find_key(key) {
                Some(id) => ids.push(id),
                None => absent_keys.push(key.clone()),
            }
        }
        if keys.len() + users.len() > 1 {
            ids.sort_unstable_by_key(|id| id.version);
            ids.dedup();
        }
        ids
    }

    /// Delivers one frame by itself, and waits for it.
    pub(crate) async fn deliver(&self, wanted: Wanted, operation: i32) -> Result<Option<Missing>, Status> {
        self.node.metrics.deliveries.inc();
        let (done, finished) = oneshot::channel::<Infallible>();
        let done: Done = Arc::new(done);
        let mut plan = self.empty_plan();
        let kind = wanted.r#type();
        let missing = self.resolve_as(0, wanted, kind, operation, &mut plan);
        self.send(plan, &done).await?;
        drop(done);
        let _ = finished.await;
        Ok(missing)
    }

    /// Changes membership as a delivery says, and delivers it: after a join, before a leave.
    async fn apply(&self, index: u32, wanted: Wanted) -> Result<Option<Missing>, Status> {
        let Ok(room) = RoomKey::new(&wanted.room) else {
            return Ok(Some(Missing { delivery: index, room: true, ..Missing::default() }));
        };
        let effect = wanted.effect();
        let mut absent = Missing { delivery: index, ..Missing::default() };
        let is_broadcast = wanted.r#type() == Type::Broadcast;
        let ids = if is_broadcast {
            SmallVec::new()
        } else {
            self.find(&wanted.user_ids, &wanted.keys, &mut absent)
        };
        let whom = |shard: usize| {
            if is_broadcast {
                return Some(Whom::Followers);
            }
            let here: Vec<_> = ids.iter().copied().filter(|id| usize::from(id.shard) == shard).collect();
            (!here.is_empty()).then_some(Whom::Connections(here))
        };
        if effect == Effect::Join {
            let join = |whom, done| Inbound::Join { room: room.clone(), whom, done };
            self.on_shards(whom, join).await?;
            self.ensure(&room).await?;
        }
        let operation = wanted.frame.as_ref().map_or(0, |frame| frame.op);
        let is_push = wanted.r#type() == Type::Push;
        let missing = self.deliver(wanted, operation).await?;
        if effect == Effect::Leave {
            let leave = |whom, done| Inbound::Leave { room: room.clone(), whom, done };
            self.on_shards(whom, leave).await?;
        }
        let missing = if is_push { missing } else { missing.filter(|_| effect == Effect::Leave) };
        Ok(missing.map(|missing| Missing { delivery: index, ..missing }))
    }

    /// Has each shard do its part of an effect, and waits for all.
    async fn on_shards(
        &self,
        whom: impl Fn(usize) -> Option<Whom>,
        message: impl Fn(Whom, Done) -> Inbound,
    ) -> Result<(), Status> {
        let (done, finished) = oneshot::channel::<Infallible>();
        let done: Done = Arc::new(done);
        for (shard, inbox) in self.node.inboxes.iter().enumerate() {
            if let Some(whom) = whom(shard) {
                inbox.send(message(whom, Arc::clone(&done))).await.map_err(|_| gone())?;
            }
        }
        drop(done);
        let _ = finished.await;
        Ok(())
    }

    /// Has the directory know a room: the ack says that it does, so it is asked until it answers.
    async fn ensure(&self, room: &RoomKey) -> Result<(), Status> {
        while self.node.rooms.ensure(std::slice::from_ref(room)).await.is_err() {
            tokio::select! {
                () = self.stopped.cancelled() => return Err(gone()),
                () = tokio::time::sleep(Duration::from_millis(RETRY_MS)) => {}
            }
        }
        Ok(())
    }
}

/// Takes deliveries for shards.
pub(crate) trait AddDelivery {
    fn add_delivery(&mut self, shard: usize, delivery: Delivery);
}

impl AddDelivery for Plan {
    fn add_delivery(&mut self, shard: usize, delivery: Delivery) {
        self.add(shard, delivery);
    }
}

/// A batch that the shards have.
struct UnderWay {
    missing: Vec<Missing>,
    effects: Vec<(u32, Wanted)>,
    finished: oneshot::Receiver<Infallible>,
}

impl UnderWay {
    async fn finish(mut self, pusher: &Pusher) -> Result<Vec<Missing>, Status> {
        for (index, wanted) in self.effects {
            self.missing.extend(pusher.apply(index, wanted).await?);
        }
        // It ends when the last shard lets go of its part.
        let _ = self.finished.await;
        Ok(self.missing)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use oort_api::metrics::Registry;
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::link::RemoteLogic;
    use crate::metrics::Metrics;
    use crate::pages::no_pages;

    #[test]
    fn a_batch_is_begun_once_and_jobs_are_forgotten_at_the_bound() {
        let jobs = Jobs::default();
        assert!(jobs.begin("a", 1, 2));
        assert!(!jobs.begin("a", 1, 2));
        jobs.end("a", 1);
        assert!(!jobs.begin("a", 1, 2));
        assert!(jobs.begin("b", 5, 2) && jobs.begin("c", 1, 2), "a is idle and makes room");
        assert!(jobs.begin("a", 1, 2), "it was forgotten");
        assert!(!jobs.begin("b", 5, 2), "it is under way and was kept");
    }

    #[tokio::test]
    async fn a_batch_whose_stream_ended_is_handed_over_all_the_same() {
        let config = Config { shards: 1, ..Config::default() };
        let metrics = Metrics::register(&mut Registry::default());
        let logic = Arc::new(
            RemoteLogic::new(vec!["127.0.0.1:9".to_owned()], Duration::from_secs(1), None)
                .expect("not connected yet"),
        );
        let (inbox, mut taken) = mpsc::channel(1);
        inbox.try_send(Inbound::Resync { done: Arc::new(oneshot::channel().0) }).expect("room for one");
        let pusher = Pusher::new(Arc::new(Node::new(config, metrics, logic, no_pages(), vec![inbox], None)));
        let batch = || PushBatch {
            batch: 1,
            job_id: "job".to_owned(),
            resync: true,
            comet_epoch: pusher.node.comet.epoch,
            ..PushBatch::default()
        };

        // The inbox is full; the stream ends while the batch waits for room.
        assert!(pusher.take(batch()).now_or_never().is_none());
        let again = pusher.take(batch());
        let shard = async {
            for _ in 0..2 {
                assert!(matches!(taken.recv().await, Some(Inbound::Resync { .. })));
            }
        };
        let both = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(again, shard) });
        let (again, ()) = both.await.expect("the batch is handed over");
        assert_eq!(again.expect("taken").await.expect("no panic").expect("acked").batch, 1);
    }
}
