//! The stream to one incarnation of a comet: a bounded queue, a window of
//! batches under way, and the task that keeps the stream open.
//!
//! Nothing here waits to make batches fuller: what waits is sent as soon as
//! the window has room, so batches grow only while the comet is busy.
//!
//! What a comet cannot take in time is dropped and made good by `resync`: the
//! next batch tells the comet to let its sessions sync from the store.

mod stream;

use std::collections::VecDeque;
use std::sync::Arc;

use oort_api::directory::{CometInfo, CometRef};
use oort_api::trail::{NameId, Ring};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::config::LinkConfig;
use crate::flight::{Flight, Share};
use crate::metrics::{Metrics, Raised};
use crate::queue::{Bounds, DeliveryQueue, Item};
use crate::window::Window;

/// The link to one comet incarnation.
#[derive(Debug)]
pub(crate) struct CometLink {
    comet: CometRef,
    /// Its id where hops are noted.
    name: NameId,
    trail: Arc<Ring>,
    config: LinkConfig,
    metrics: Metrics,
    state: Mutex<State>,
    /// Something to send.
    work: Notify,
    /// Room in the queue, or no use in waiting for it.
    space: Notify,
    gone: CancellationToken,
}

#[derive(Debug)]
struct State {
    info: CometInfo,
    queue: DeliveryQueue<Share>,
    window: Window<Share>,
    is_connected: bool,
    /// It had no stream when one was last tried.
    is_unreachable: bool,
    is_closed: bool,
    /// Another incarnation answered at this address.
    is_refused: bool,
    /// The next new batch asks for a resync.
    owes_resync: bool,
    /// Nothing is queued for it until it answers: the resync will cover it.
    is_given_up: bool,
    /// It answered since it was given up.
    may_resume: bool,
    /// Waiting for room was in vain; do not wait again before an ack.
    is_shedding: bool,
    gauges: Gauges,
}

#[derive(Debug)]
struct Gauges {
    waiting: Raised,
    bytes: Raised,
    unacked: Raised,
    connected: Raised,
}

/// What became of items given to a queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Enqueued {
    /// All are taken care of.
    All,
    /// Some did not fit.
    Full { may_wait: bool },
}

impl State {
    fn gauge(&mut self) {
        self.gauges.waiting.set(self.queue.len());
        self.gauges.bytes.set(self.queue.bytes());
        self.gauges.unacked.set(self.window.len());
        self.gauges.connected.set(usize::from(self.is_connected));
    }
}

impl CometLink {
    pub(crate) fn new(
        info: CometInfo,
        config: &LinkConfig,
        metrics: &Metrics,
        trail: &Arc<Ring>,
        owes_resync: bool,
    ) -> Self {
        let bounds =
            Bounds { deliveries_max: config.queue_deliveries_max, bytes_max: config.queue_bytes_max };
        let comet = info.comet.clone();
        // The comet knows repeats by this id and the batch's number, so it is
        // one for each link: numbers have no holes then.
        let job_id = Uuid::new_v4().to_string();
        let state = State {
            info,
            queue: DeliveryQueue::new(bounds),
            window: Window::new(job_id, comet.epoch, config.window_batches),
            is_connected: false,
            is_unreachable: false,
            is_closed: false,
            is_refused: false,
            owes_resync,
            is_given_up: false,
            may_resume: false,
            is_shedding: false,
            gauges: Gauges {
                waiting: Raised::new(&metrics.deliveries_waiting),
                bytes: Raised::new(&metrics.bytes_waiting),
                unacked: Raised::new(&metrics.batches_unacked),
                connected: Raised::new(&metrics.comets_connected),
            },
        };
        Self {
            name: trail.name(&comet.id),
            trail: Arc::clone(trail),
            comet,
            config: config.clone(),
            metrics: metrics.clone(),
            state: Mutex::new(state),
            work: Notify::new(),
            space: Notify::new(),
            gone: CancellationToken::new(),
        }
    }

    /// What the comet last said about itself.
    pub(crate) fn update(&self, info: &CometInfo) {
        let mut state = self.state.lock();
        if state.info != *info {
            state.info = info.clone();
        }
    }

    /// A stream to it is open.
    pub(crate) fn is_connected(&self) -> bool {
        self.state.lock().is_connected
    }

    /// Something may have passed it by: it is told when it is reached.
    pub(crate) fn owe_resync(&self) {
        self.state.lock().owes_resync = true;
    }

    /// Another incarnation answered at its address.
    pub(crate) fn is_refused(&self) -> bool {
        self.state.lock().is_refused
    }

    /// Takes items in order until one does not fit.
    pub(crate) fn enqueue(&self, items: &mut VecDeque<Item<Share>>) -> Enqueued {
        let mut finished = Vec::new();
        let outcome = {
            let mut state = self.state.lock();
            let outcome = self.enqueue_locked(&mut state, items, &mut finished);
            state.gauge();
            outcome
        };
        self.work.notify_one();
        finish(finished);
        outcome
    }

    fn enqueue_locked(
        &self,
        state: &mut State,
        items: &mut VecDeque<Item<Share>>,
        finished: &mut Vec<Share>,
    ) -> Enqueued {
        while let Some(mut item) = items.pop_front() {
            if state.is_closed {
                self.metrics.shares_abandoned.inc();
                finished.extend(item.share);
                continue;
            }
            if state.is_given_up {
                finished.extend(item.share.take());
                if !item.has_effect() {
                    self.metrics.shares_overflowed.inc();
                    continue;
                }
            }
            if !state.queue.has_room_for(&item) {
                items.push_front(item);
                return Enqueued::Full { may_wait: !state.is_unreachable && !state.is_shedding };
            }
            state.queue.push(item);
        }
        Enqueued::All
    }

    /// Takes all items. Waits for room until `deadline` unless the comet is
    /// unreachable; then the oldest deliveries make room and a resync is owed.
    pub(crate) async fn enqueue_all(&self, items: &mut VecDeque<Item<Share>>, deadline: Instant) {
        loop {
            let space = self.space.notified();
            tokio::pin!(space);
            space.as_mut().enable();
            match self.enqueue(items) {
                Enqueued::All => return,
                Enqueued::Full { may_wait: true } if timeout_at(deadline, space).await.is_ok() => {}
                Enqueued::Full { .. } => self.overflow(),
            }
        }
    }

    fn overflow(&self) {
        let dropped = {
            let mut state = self.state.lock();
            state.owes_resync = true;
            state.is_shedding = true;
            let dropped = state.queue.drop_oldest();
            state.gauge();
            dropped
        };
        warn!(comet = %self.comet.id, deliveries = dropped.len(), "queue full: oldest deliveries dropped, resync follows");
        self.metrics.shares_overflowed.inc_by(dropped.len() as u64);
        finish(dropped.into_iter().filter_map(|item| item.share));
    }

    /// It owes something to this partition's reader; with `unreachable_only`
    /// only if it is unreachable, too.
    pub(crate) fn owes(&self, flight: &Arc<Flight>, unreachable_only: bool) -> bool {
        let state = self.state.lock();
        (state.is_unreachable || !unreachable_only)
            && state.window.shares().chain(state.queue.shares()).any(|share| share.is_of(flight))
    }

    /// Waits for this comet no longer, until it answers again. Membership
    /// changes stay queued; everything else is left to the resync.
    pub(crate) fn give_up(&self) {
        let (dropped, mut owed) = {
            let mut state = self.state.lock();
            state.is_given_up = true;
            state.owes_resync = true;
            state.may_resume = state.is_connected && state.window.len() == 0;
            let (dropped, mut owed) = state.queue.give_up();
            owed.extend(state.window.take_shares());
            state.gauge();
            (dropped, owed)
        };
        warn!(comet = %self.comet.id, epoch = self.comet.epoch, deliveries = dropped.len(), "comet given up until it answers, resync follows");
        self.metrics.comet_give_ups.inc();
        owed.extend(dropped.into_iter().filter_map(|item| item.share));
        self.metrics.shares_overflowed.inc_by(owed.len() as u64);
        self.space.notify_waiters();
        self.work.notify_one();
        finish(owed);
    }

    /// Its incarnation is gone: all it owes is done. Not while a stream is
    /// open, as then it lives, whatever the directory lost.
    pub(crate) fn abandon(&self) -> bool {
        let owed = {
            let mut state = self.state.lock();
            if state.is_connected {
                return false;
            }
            state.is_closed = true;
            let mut owed = state.window.take_shares();
            owed.extend(state.queue.clear().into_iter().filter_map(|item| item.share));
            state.gauge();
            owed
        };
        info!(comet = %self.comet.id, epoch = self.comet.epoch, shares = owed.len(), "comet is gone");
        self.metrics.shares_abandoned.inc_by(owed.len() as u64);
        self.gone.cancel();
        self.space.notify_waiters();
        finish(owed);
        true
    }
}

fn finish(shares: impl IntoIterator<Item = Share>) {
    for share in shares {
        share.finish();
    }
}
