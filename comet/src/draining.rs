//! The way down: clients are sent elsewhere at a pace that all draining comets share, then everything ends in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oort_api::pb::oort::v1::RenewReply;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::node::Node;
use crate::push::Pusher;
use crate::renewal;
use crate::service::Advertised;
use crate::shard::inbox::{Inbound, Leaving};

mod pace;

use pace::Pace;

/// How often it is looked whether somebody must still be told, or is still there.
const LOOK: Duration = Duration::from_millis(5);
/// How often a draining comet looks how many others drain too.
const RECOUNT: Duration = Duration::from_millis(250);

/// How far clients have been sent away.
#[derive(Debug, Default)]
struct Progress {
    /// Comets that drain.
    draining: AtomicU32,
    told: AtomicUsize,
    all_told: AtomicBool,
}

/// What ends.
pub(crate) struct Draining<'a> {
    pub(crate) pusher: &'a Pusher,
    pub(crate) advertised: &'a Advertised,
    pub(crate) stop: &'a CancellationToken,
}

impl Draining<'_> {
    /// Ends everything within `drain_deadline_ms`. Each step has its share; what one leaves the next ones have.
    pub(crate) async fn drain(
        self,
        shards: &mut JoinSet<Result<(), Error>>,
        mut tasks: JoinSet<Result<(), Error>>,
    ) {
        let node = &self.pusher.node;
        let deadline = Instant::now() + Duration::from_millis(node.config.drain_deadline_ms);
        let share = Duration::from_millis(node.config.drain_deadline_ms / 4);
        node.draining.cancel();
        // Others must send clients elsewhere before ours come looking; if they cannot be told, the lease will.
        let told = tokio::time::timeout(share, renewal::renew(node, self.advertised)).await;
        let clients_until = deadline - share;
        match told {
            // Those who are not told by then need a moment, too.
            Ok(Ok(reply)) if reply.taking_comets > 0 => {
                self.send_away(&reply, clients_until - share / 2).await
            }
            Ok(Ok(_)) => {}
            _ => tracing::warn!("the directory could not be told that this comet drains"),
        }
        self.send_all_away(share).await;
        while node.sockets.load(Ordering::Relaxed) > 0 && Instant::now() < clients_until {
            tokio::time::sleep(LOOK).await;
        }
        self.end(deadline, shards, &mut tasks).await;
    }

    /// Sends clients to the other comets, at most so many per second over all comets that drain, and waits for them to go.
    /// Who was not told at `until` is no longer paced.
    async fn send_away(&self, reply: &RenewReply, until: Instant) {
        let node = &self.pusher.node;
        let clients = node.sockets.load(Ordering::Relaxed);
        let progress = Progress { draining: AtomicU32::new(count(reply)), ..Progress::default() };
        let recounting = async {
            loop {
                tokio::time::sleep(RECOUNT).await;
                if let Ok(reply) = renewal::renew(node, self.advertised).await {
                    progress.draining.store(count(&reply), Ordering::Relaxed);
                }
            }
        };
        let pacing = async {
            tokio::select! {
                () = self.send_away_in_turn(clients, &progress, until) => {}
                () = recounting => {}
            }
        };
        let left = until.saturating_duration_since(Instant::now());
        let is_late = tokio::time::timeout(left, pacing).await.is_err();
        if is_late && !progress.all_told.load(Ordering::Relaxed) {
            let untold = clients.saturating_sub(progress.told.load(Ordering::Relaxed));
            tracing::warn!(untold, "the time was too short for the pace; the rest is sent away at once");
            node.metrics.unpaced.inc_by(untold as u64);
        }
    }

    async fn send_away_in_turn(&self, clients: usize, progress: &Progress, until: Instant) {
        let node = &self.pusher.node;
        let began = Instant::now();
        let mut pace = Pace::new(node.config.reconnects_per_second);
        // So long it takes if no other comet drains: within it their times are mixed.
        let spread = pace.time_for(clients).min(Duration::from_millis(node.config.reconnect_spread_ms));
        let mut leaving: Vec<usize> = (0..node.inboxes.len()).collect();
        while node.sockets.load(Ordering::Relaxed) > 0 {
            let mut due = pace.due(began.elapsed(), progress.draining.load(Ordering::Relaxed));
            let spread = spread.min(until.saturating_duration_since(Instant::now()));
            let mut still = Vec::with_capacity(leaving.len());
            for (index, shard) in leaving.iter().enumerate() {
                let at_most = due.div_ceil(leaving.len() - index);
                // A shard that is gone has nobody.
                let (told, has_more) = match at_most {
                    0 => (0, true),
                    _ => self.tell(*shard, at_most, spread).await.unwrap_or_default(),
                };
                due -= told.min(due);
                progress.told.fetch_add(told, Ordering::Relaxed);
                if has_more {
                    still.push(*shard);
                }
            }
            pace.give_back(due);
            progress.all_told.store(still.is_empty(), Ordering::Relaxed);
            leaving = still;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Has one shard send clients away; how many it told, and whether there are more. `None`: it is gone.
    async fn tell(&self, shard: usize, at_most: usize, spread: Duration) -> Option<(usize, bool)> {
        let (told, answer) = oneshot::channel();
        let spread_ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        let leaving = Leaving { at_most, spread_ms, told };
        self.pusher.node.inboxes.get(shard)?.send(Inbound::SendAway(leaving)).await.ok()?;
        answer.await.ok()
    }

    /// Tells whoever is left, all at once, and ends their connections: they come again when it suits them all.
    async fn send_all_away(&self, share: Duration) {
        let node = &self.pusher.node;
        let clients = node.sockets.load(Ordering::Relaxed);
        let spread = Pace::new(node.config.reconnects_per_second).time_for(clients);
        let spread = spread.max(Duration::from_millis(node.config.reconnect_spread_ms));
        let spread_ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        for inbox in &node.inboxes {
            // A shard that is gone has no clients.
            let _ = tokio::time::timeout(share, inbox.send(Inbound::Drain { spread_ms })).await;
        }
    }

    async fn end(
        &self,
        deadline: Instant,
        shards: &mut JoinSet<Result<(), Error>>,
        tasks: &mut JoinSet<Result<(), Error>>,
    ) {
        let node: &Arc<Node> = &self.pusher.node;
        self.pusher.stopped.cancel();
        self.stop.cancel();
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let ending = async {
            while shards.join_next().await.is_some() {}
            self.pusher.finish().await;
        };
        if tokio::time::timeout(left(deadline), ending).await.is_err() {
            tracing::warn!("not everything under way could end in time");
        }
        let telling = async {
            renewal::tell_all_departures(node).await;
            tasks.abort_all();
            while tasks.join_next().await.is_some() {}
            node.logic.finish().await;
        };
        if tokio::time::timeout(left(deadline), telling).await.is_err() {
            tracing::warn!("logic could not be told of all departures; the lease ends them");
        }
    }
}

fn count(reply: &RenewReply) -> u32 {
    u32::try_from(reply.draining_comets).unwrap_or(1).max(1)
}
