//! Comets that do as they are told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use oort_api::directory::{CometInfo, CometRef, Directory, RoomEntry};
use oort_api::pb::goim::logic::push_msg::Effect;
use oort_api::pb::oort::v1::{Delivery, Missing, PushAck, PushBatch};
use oort_job::{AckStream, CometDialer};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, async_trait};

use crate::world::{BreakableDirectory, room_key};

/// All comets, by name; opens streams to them.
#[derive(Debug, Default)]
pub(crate) struct Comets {
    comets: Mutex<HashMap<String, Arc<ScriptedComet>>>,
}

impl Comets {
    /// Puts a comet under this name, in the place of an earlier one.
    pub(crate) fn add(&self, id: &str, epoch: i64) -> Arc<ScriptedComet> {
        let comet = Arc::new(ScriptedComet {
            comet: CometRef { id: id.to_owned(), epoch },
            script: Mutex::default(),
            acks: watch::channel(true).0,
            taken: Mutex::default(),
        });
        self.comets.lock().insert(id.to_owned(), comet.clone());
        comet
    }
}

#[async_trait]
impl CometDialer for Comets {
    async fn open(&self, info: &CometInfo, batches: mpsc::Receiver<PushBatch>) -> Result<AckStream, Status> {
        let comet = self.comets.lock().get(&info.comet.id).cloned();
        let comet = comet.ok_or_else(|| Status::unavailable("no such comet"))?;
        if comet.script.lock().is_unreachable {
            return Err(Status::unavailable("unreachable"));
        }
        let (sender, acks) = mpsc::channel(64);
        tokio::spawn(comet.serve(batches, sender));
        Ok(Box::pin(ReceiverStream::new(acks)))
    }
}

#[derive(Debug)]
pub(crate) struct ScriptedComet {
    comet: CometRef,
    script: Mutex<Script>,
    acks: watch::Sender<bool>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Script {
    is_unreachable: bool,
    cut: CancellationToken,
    /// What happens to the next batches; then they are taken and acked.
    batches: VecDeque<OnBatch>,
    /// Users whose sessions are not here.
    missing_users: Vec<i64>,
    /// Where joins are recorded before they are acked.
    directory: Option<Arc<BreakableDirectory>>,
    /// A batch with a frame of this op cannot be read.
    unreadable_op: Option<i32>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum OnBatch {
    Ack,
    /// The stream breaks before the batch is taken.
    CutBefore,
    /// The stream breaks between taking the batch and its ack.
    CutAfter,
    /// The stream stays open, but nothing comes through any more: not even this batch.
    SilentBefore,
    /// The same, once the batch is taken: its ack does not come through.
    SilentAfter,
}

#[derive(Debug, Default)]
struct Taken {
    /// Newest batch by job.
    newest: HashMap<String, u64>,
    batches: Vec<PushBatch>,
}

impl ScriptedComet {
    pub(crate) fn reference(&self) -> CometRef {
        self.comet.clone()
    }

    pub(crate) fn info(&self) -> CometInfo {
        CometInfo {
            comet: self.comet.clone(),
            grpc_address: "local".into(),
            ws_address: String::new(),
            tcp_address: String::new(),
            weight: 1,
            connections: 0,
            addresses: 0,
            draining: false,
            announcing: false,
            announcements: 0,
            room_counts: HashMap::new(),
        }
    }

    /// Breaks its streams and refuses new ones, or takes them again.
    pub(crate) fn set_reachable(&self, is_reachable: bool) {
        let mut script = self.script.lock();
        script.is_unreachable = !is_reachable;
        if !is_reachable {
            std::mem::take(&mut script.cut).cancel();
        }
    }

    /// Takes one batch and no more until acks are let through.
    pub(crate) fn set_acking(&self, is_acking: bool) {
        self.acks.send_replace(is_acking);
    }

    pub(crate) fn set_script(&self, batches: impl IntoIterator<Item = OnBatch>) {
        self.script.lock().batches = batches.into_iter().collect();
    }

    pub(crate) fn set_missing(&self, users: &[i64]) {
        self.script.lock().missing_users = users.to_vec();
    }

    pub(crate) fn set_unreadable(&self, op: i32) {
        self.script.lock().unreadable_op = Some(op);
    }

    pub(crate) fn record_joins_in(&self, directory: &Arc<BreakableDirectory>) {
        self.script.lock().directory = Some(directory.clone());
    }

    /// Batches taken, without repeats.
    pub(crate) fn batches(&self) -> Vec<PushBatch> {
        self.taken.lock().batches.clone()
    }

    /// Deliveries taken, in order, without repeats of batches.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.batches().into_iter().flat_map(|batch| batch.deliveries).collect()
    }

    /// Seqs of the messages taken; 0 for what has none.
    pub(crate) fn seqs(&self) -> Vec<i64> {
        self.deliveries()
            .into_iter()
            .map(|delivery| delivery.frame.map_or(-1, |frame| frame.message_seq))
            .collect()
    }

    async fn serve(
        self: Arc<Self>,
        mut batches: mpsc::Receiver<PushBatch>,
        acks: mpsc::Sender<Result<PushAck, Status>>,
    ) {
        let cut = self.script.lock().cut.clone();
        let broken = || Status::unavailable("connection reset");
        loop {
            let batch = tokio::select! {
                () = cut.cancelled() => { acks.send(Err(broken())).await.ok(); return }
                batch = batches.recv() => match batch { Some(batch) => batch, None => return },
            };
            if batch.comet_epoch != self.comet.epoch {
                acks.send(Err(Status::failed_precondition("another epoch"))).await.ok();
                return;
            }
            let (what, unreadable_op) = {
                let mut script = self.script.lock();
                (script.batches.pop_front().unwrap_or(OnBatch::Ack), script.unreadable_op)
            };
            let mut ops = batch.deliveries.iter().flat_map(|delivery| &delivery.frame).map(|frame| frame.op);
            if ops.any(|op| Some(op) == unreadable_op) {
                acks.send(Err(Status::invalid_argument("cannot be read"))).await.ok();
                return;
            }
            if matches!(what, OnBatch::CutBefore) {
                acks.send(Err(broken())).await.ok();
                return;
            }
            if matches!(what, OnBatch::SilentBefore) {
                return acks.closed().await;
            }
            let is_new = self.take(&batch);
            if matches!(what, OnBatch::SilentAfter) {
                return acks.closed().await;
            }
            if matches!(what, OnBatch::CutAfter) {
                acks.send(Err(broken())).await.ok();
                return;
            }
            let mut may_ack = self.acks.subscribe();
            let is_cut = tokio::select! {
                () = cut.cancelled() => true,
                released = may_ack.wait_for(|is_acking| *is_acking) => released.is_err(),
            };
            if is_cut {
                acks.send(Err(broken())).await.ok();
                return;
            }
            let missing = if is_new { self.missing(&batch) } else { Vec::new() };
            self.record_joins(&batch).await;
            acks.send(Ok(PushAck { batch: batch.batch, missing })).await.ok();
        }
    }

    fn take(&self, batch: &PushBatch) -> bool {
        let mut taken = self.taken.lock();
        let newest = taken.newest.entry(batch.job_id.clone()).or_default();
        if batch.batch <= *newest {
            return false;
        }
        assert_eq!(batch.batch, *newest + 1, "a batch was skipped");
        *newest = batch.batch;
        taken.batches.push(batch.clone());
        true
    }

    fn missing(&self, batch: &PushBatch) -> Vec<Missing> {
        let absent = self.script.lock().missing_users.clone();
        let of = |delivery: &Delivery| {
            delivery.user_ids.iter().copied().filter(|user| absent.contains(user)).collect::<Vec<_>>()
        };
        let all = batch.deliveries.iter().enumerate().map(|(index, delivery)| Missing {
            delivery: u32::try_from(index).expect("small"),
            user_ids: of(delivery),
            ..Missing::default()
        });
        all.filter(|missing| !missing.user_ids.is_empty()).collect()
    }

    async fn record_joins(&self, batch: &PushBatch) {
        let directory = self.script.lock().directory.clone();
        let Some(directory) = directory else { return };
        for delivery in batch.deliveries.iter().filter(|delivery| delivery.effect() == Effect::Join) {
            let entry = RoomEntry { room: room_key(&delivery.room), version: 1 };
            directory.enter_rooms(&self.comet, &[entry]).await.expect("enters");
        }
    }
}
