//! Everything a comet holds, told anew after the directory lost it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use oort_api::error::Refusal;
use oort_api::pb::oort::v1::{AnnounceRequest, RoomRef, SessionRef};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::node::Node;
use crate::shard::inbox::Inbound;

/// Longest pause between two announcements, ms.
const PAUSE_MS_MAX: u64 = 1_000;

/// What was asked of this comet, and how far it is with it.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    /// How often logic asked.
    asked: AtomicI64,
    /// How many of these were answered: an announcement answers all that were asked before it began.
    answered: AtomicI64,
}

impl Announcements {
    /// Logic asks for everything.
    pub(crate) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// Something was asked for and is not finished.
    pub(crate) fn is_wanted(&self) -> bool {
        self.asked() != self.made()
    }

    /// Rises with each announcement that was finished.
    pub(crate) fn made(&self) -> i64 {
        self.answered.load(Ordering::Acquire)
    }

    fn asked(&self) -> i64 {
        self.asked.load(Ordering::Acquire)
    }

    fn answer(&self, asked: i64) {
        self.answered.store(asked, Ordering::Release);
    }
}

/// Announces what logic asked for, between renewals and across them: the lease must not end meanwhile.
pub(crate) struct Announcer {
    node: Arc<Node>,
    under_way: Option<BoxFuture<'static, Result<(), Refusal>>>,
    /// The next one begins no sooner, should logic ask again and again.
    not_before: Instant,
}

impl Announcer {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node, under_way: None, not_before: Instant::now() }
    }

    /// Returns at `until`, or as soon as everything was announced, as a renewal has to say so.
    pub(crate) async fn announce_until(&mut self, until: Instant) {
        let may_begin = self.node.announcements.is_wanted() && self.not_before < until;
        if self.under_way.is_none() && may_begin {
            sleep_until(self.not_before).await;
            self.under_way = Some(Box::pin(announce(Arc::clone(&self.node))));
        }
        let Some(under_way) = &mut self.under_way else { return sleep_until(until).await };
        let Ok(outcome) = timeout_at(until, under_way).await else { return };
        self.under_way = None;
        let now = Instant::now();
        let again_at = until.min(now + Duration::from_millis(PAUSE_MS_MAX));
        self.not_before = again_at;
        if let Err(refusal) = outcome {
            tracing::warn!(%refusal, "not everything could be announced; again soon");
            sleep_until(again_at).await;
        }
    }
}

async fn census(node: &Node) -> Vec<SessionRef> {
    let mut sessions = Vec::new();
    for inbox in &node.inboxes {
        let (reply, answer) = oneshot::channel();
        if inbox.send(Inbound::Census { reply }).await.is_ok() {
            sessions.extend(answer.await.unwrap_or_default());
        }
    }
    sessions
}

/// Tells everything this comet holds, in batches.
async fn announce(node: Arc<Node>) -> Result<(), Refusal> {
    let node = &*node;
    let asked = node.announcements.asked();
    let sessions = census(node).await;
    let rooms = node.rooms.all();
    tracing::info!(sessions = sessions.len(), rooms = rooms.len(), "announcing everything");
    let size = node.config.rpc_batch_max;
    for sessions in sessions.chunks(size) {
        tell(node, sessions.to_vec(), Vec::new()).await?;
    }
    for rooms in rooms.chunks(size) {
        tell(node, Vec::new(), rooms.to_vec()).await?;
    }
    node.metrics.announcements.inc();
    node.announcements.answer(asked);
    depart_again(node, sessions, rooms).await;
    Ok(())
}

async fn tell(node: &Node, sessions: Vec<SessionRef>, rooms: Vec<RoomRef>) -> Result<(), Refusal> {
    let comet = Some(node.comet.clone());
    node.logic.announce(AnnounceRequest { comet, sessions, rooms }).await.map(drop)
}

/// What left while it was being announced may have been recorded after its departure was: it departs again.
async fn depart_again(node: &Node, sessions: Vec<SessionRef>, rooms: Vec<RoomRef>) {
    let here: HashSet<i64> = census(node).await.iter().map(|session| session.version).collect();
    // Before it is looked which are held: one that is entered anew from then on has a higher version, which wins.
    let version = node.next_version();
    let held: HashSet<String> = node.rooms.names().into_iter().collect();
    let gone = rooms.into_iter().filter(|room| !held.contains(&room.room)).map(|room| room.room);
    node.departed(None, gone.map(|room| RoomRef { room, version }));
    for session in sessions.into_iter().filter(|session| !here.contains(&session.version)) {
        node.departed(Some(session), []);
    }
}
