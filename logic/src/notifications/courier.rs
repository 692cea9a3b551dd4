//! From the queue to the targets: with bounded concurrency, each row until it
//! is taken or pointless.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::directory::LoginTag;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::notice::Notice;
use super::sender::{Outcome, Senders};
use super::verdict::{Verdict, verdict};
use super::{Failure, Notifications};
use crate::store::{Due, Settled};
use crate::webhook::backoff::{random, wait_ms};

/// Every so many rounds it is counted how much waits.
const ROUNDS_PER_COUNT: u32 = 10;
/// How long one waits whose host has as many under way as it may, ms.
const CROWDED_MS: i64 = 500;

/// An attempt that ended: which, and what becomes of the row.
type Ended = Result<(Id, Option<Settled>), JoinError>;

/// What is under way.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<Option<Settled>>,
    /// The host that each attempt talks to.
    hosts: HashMap<Id, String>,
    /// How many talk to each.
    counts: HashMap<String, usize>,
    settled: Vec<Settled>,
}

impl UnderWay {
    /// Notes one that ended.
    fn ended(&mut self, attempt: Ended) {
        let id = match attempt {
            Ok((id, settled)) => {
                self.settled.extend(settled);
                id
            }
            Err(cause) => {
                // Its row comes again when the lease is over.
                tracing::error!(%cause, "an attempt to notify ended by itself");
                cause.id()
            }
        };
        if let Some(host) = self.hosts.remove(&id)
            && let Some(count) = self.counts.get_mut(&host)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&host);
            }
        }
    }
}

impl Notifications {
    /// Sends until `stop`, and then waits for what is under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.config.interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut under_way, mut rounds, mut has_more) = (UnderWay::default(), 0_u32, false);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = under_way.attempts.join_next_with_id() => {
                    under_way.ended(ended);
                    if under_way.attempts.len() >= self.config.sending_max / 2 {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
                () = std::future::ready(()), if has_more => {}
            }
            let outcome = self.round(&mut under_way, rounds).await;
            rounds = rounds.wrapping_add(1);
            has_more = matches!(outcome, Ok(true));
            if let Err(cause) = outcome {
                self.metrics.round_failures.inc();
                tracing::debug!(%cause, "it could not be looked for notifications");
                // Not at once again, however many attempts end.
                stop.run_until_cancelled(ticks.tick()).await;
            }
        }
        while let Some(ended) = under_way.attempts.join_next_with_id().await {
            under_way.ended(ended);
        }
        if let Err(cause) = self.settle(&mut under_way).await {
            tracing::debug!(%cause, "some that were notified are notified once more");
        }
    }

    /// Whether there is more of the feed to look at now.
    async fn round(self: &Arc<Self>, under_way: &mut UnderWay, rounds: u32) -> Result<bool, Failure> {
        while let Some(ended) = under_way.attempts.try_join_next_with_id() {
            under_way.ended(ended);
        }
        self.settle(under_way).await?;
        // A part of the feed, then a part of the queue: neither starves the other.
        let has_more = self.read_feed().await?;
        let free = self.config.sending_max.saturating_sub(under_way.attempts.len());
        if free > 0 {
            let limit = u32::try_from(free).unwrap_or(u32::MAX);
            for due in self.store.take_notifications(now_ms(), self.lease_ms(), limit).await? {
                self.begin(due, under_way);
            }
        }
        if rounds.is_multiple_of(ROUNDS_PER_COUNT) {
            self.trim_feed().await?;
            let backlog = self.store.notification_backlog(now_ms()).await?;
            let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            self.metrics.feed.set(whole(backlog.feed));
            self.metrics.queued.set(whole(backlog.queue));
            let oldest = Duration::from_millis(u64::try_from(backlog.oldest_ms).unwrap_or(0));
            self.metrics.oldest.set(oldest.as_secs_f64());
        }
        Ok(has_more)
    }

    async fn settle(&self, under_way: &mut UnderWay) -> Result<(), Failure> {
        if !under_way.settled.is_empty() {
            self.store.settle_notifications(&under_way.settled, now_ms()).await?;
            under_way.settled.clear();
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, due: Due, under_way: &mut UnderWay) {
        let host = Senders::host(&due.target);
        let count = under_way.counts.entry(host.clone()).or_default();
        if *count >= self.config.sending_per_host_max {
            self.metrics.again(due.target.kind, "crowded");
            under_way.settled.push(again(&due, now_ms() + CROWDED_MS, false));
            return;
        }
        *count += 1;
        let this = Arc::clone(self);
        let attempt = under_way.attempts.spawn(async move { this.attempt(&due).await });
        under_way.hosts.insert(attempt.id(), host);
    }

    /// Tells one device, if that still has a point.
    async fn attempt(&self, due: &Due) -> Option<Settled> {
        let kind = due.target.kind.as_str();
        let tag = LoginTag::of(&due.target.login_id);
        let is_online = match self.connected(due.target.user).await {
            Ok(connected) => connected.iter().any(|&(_, connected)| connected == tag),
            Err(cause) => {
                self.metrics.again(due.target.kind, "directory");
                tracing::debug!(%cause, "it is not known whether a device is online");
                return Some(again(due, self.later(due, None), false));
            }
        };
        let kept_ms = i64::try_from(self.config.kept_ms).unwrap_or(i64::MAX);
        match verdict(due, is_online, kept_ms, now_ms()) {
            Verdict::Send => {}
            Verdict::Drop(reason) => {
                self.metrics.drop(reason, 1);
                return Some(done(due));
            }
            Verdict::Over => return self.remove(due).await,
        }
        match self.senders.send(&due.target, &Notice::of(due, self.config.preview_chars)).await {
            Outcome::Taken => {
                self.metrics.sent.get_or_create(&[("kind", kind)]).inc();
                Some(done(due))
            }
            Outcome::Refused(reason) => {
                self.metrics.drop(reason, 1);
                Some(done(due))
            }
            Outcome::Gone => {
                self.metrics.targets_removed.get_or_create(&[("kind", kind)]).inc();
                self.remove(due).await
            }
            Outcome::Again { cause, after } => {
                self.metrics.again(due.target.kind, cause);
                Some(again(due, self.later(due, after), true))
            }
        }
    }

    /// With the target goes what waits for it.
    async fn remove(&self, due: &Due) -> Option<Settled> {
        match self.store.remove_target(&due.target.login_id, &due.target.id).await {
            // Another was set meanwhile, and is told.
            Ok(false) => Some(again(due, now_ms(), false)),
            Ok(true) => None,
            Err(cause) => {
                self.metrics.again(due.target.kind, "store");
                tracing::debug!(%cause, "a target that is gone could not be removed");
                Some(again(due, self.later(due, None), true))
            }
        }
    }

    fn later(&self, due: &Due, asked: Option<Duration>) -> i64 {
        let bounds_ms = (self.config.retry_min_ms, self.config.retry_max_ms);
        now_ms().saturating_add(wait_ms(bounds_ms, due.attempts.saturating_add(1), asked, random()))
    }
}

fn done(due: &Due) -> Settled {
    let (login_id, conversation) = (due.target.login_id.clone(), due.conversation);
    Settled::Done { login_id, conversation, seq: due.seq }
}

fn again(due: &Due, due_at_ms: i64, counts: bool) -> Settled {
    let (login_id, conversation) = (due.target.login_id.clone(), due.conversation);
    Settled::Again { login_id, conversation, due_at_ms, counts }
}
