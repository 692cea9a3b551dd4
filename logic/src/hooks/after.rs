//! The hook that is told after a message was stored: from the queue to it, a
//! call for each conversation, until it takes it.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use oort_api::clock::now_ms;
use oort_api::codec::envelope::name_of_conversation_kind;
use oort_api::pb::oort::v1::{ChangeEvent, Message};
use rustls::ClientConfig;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::config::{self, kinds};
use super::events::{Events, events};
use super::metrics::Metrics;
use crate::http::{ChangeView, MessageView};
use crate::store::{self, HookBacklog, HookDue, HookKinds, HookSettled, Range, Store};
use crate::webhook::backoff::{random, wait_ms};
use crate::webhook::client::{Bounds, Client, Speaks, post};
use crate::webhook::guard::Guard;
use crate::webhook::signature::{Secret, headers, now_s};

/// Most of an answer that is read, bytes: nothing is done with it.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Every so many rounds it is counted how much waits.
const ROUNDS_PER_COUNT: u32 = 10;
/// Conversations that are given up together when there are too many.
const GIVEN_UP_MAX: u64 = 100;

/// The hook.
#[derive(Debug)]
pub struct After {
    config: config::After,
    kinds: HookKinds,
    store: Arc<dyn Store>,
    uri: Uri,
    secret: Secret,
    client: Client,
    metrics: Metrics,
}

/// How much it did, in this process since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Messages and changes that were taken.
    pub told: u64,
    /// Messages that were given up.
    pub dropped: u64,
}

impl After {
    pub(super) fn new(
        config: &config::After,
        store: Arc<dyn Store>,
        (secret, tls): (&Secret, &Arc<ClientConfig>),
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let uri = Guard::Any.check(&config.url).map_err(|fault| format!("after.url {fault}"))?;
        let bounds = Bounds {
            timeout: Duration::from_millis(config.timeout_ms),
            answer_bytes_max: ANSWER_BYTES_MAX,
            idle_per_host_max: config.calls_max,
        };
        Ok(Self {
            kinds: kinds(&config.kinds),
            store,
            uri,
            secret: secret.clone(),
            client: Client::new(Guard::Any, Speaks::One, tls, bounds),
            metrics: metrics.clone(),
            config: config.clone(),
        })
    }

    pub(super) fn kinds(&self) -> HookKinds {
        self.kinds
    }

    /// How much it did.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let dropped = ["expired", "full"];
        let dropped = dropped.map(|reason| self.metrics.dropped.get_or_create(&[("reason", reason)]).get());
        Counted { told: self.metrics.told.get(), dropped: dropped.into_iter().sum() }
    }

    /// How much waits, on all nodes, counted up to the bound.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn backlog(&self) -> Result<HookBacklog, store::Error> {
        self.store.hook_backlog(now_ms(), self.config.conversations_max).await
    }

    /// Tells until `stop`, and then waits for what is under way.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.config.interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut under_way, mut rounds) = (JoinSet::new(), 0_u32);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = under_way.join_next() => {
                    if let Err(cause) = ended {
                        // Its row comes again when the lease is over.
                        tracing::error!(%cause, "a call of the hook after a send ended by itself");
                    }
                    // What follows in its conversation waits for no tick, but a few together make one look.
                    if under_way.len() >= self.config.calls_max / 2 && !under_way.is_empty() {
                        continue;
                    }
                }
                _ = ticks.tick() => {
                    if rounds.is_multiple_of(ROUNDS_PER_COUNT) {
                        self.note(self.count().await);
                    }
                    rounds = rounds.wrapping_add(1);
                }
            }
            let looked = self.begin(&mut under_way).await;
            if looked.is_err() {
                self.note(looked);
                // Not at once again, however many calls end.
                stop.run_until_cancelled(ticks.tick()).await;
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    fn note(&self, outcome: Result<(), store::Error>) {
        if let Err(cause) = outcome {
            self.metrics.round_failures.inc();
            tracing::debug!(%cause, "it could not be looked for what is to be told");
        }
    }

    async fn begin(self: &Arc<Self>, under_way: &mut JoinSet<()>) -> Result<(), store::Error> {
        let free = self.config.calls_max.saturating_sub(under_way.len());
        if free == 0 {
            return Ok(());
        }
        let (lease_ms, limit) = (whole(self.config.lease_ms), u32::try_from(free).unwrap_or(u32::MAX));
        for due in self.store.take_hooks(now_ms(), lease_ms, limit).await? {
            let this = Arc::clone(self);
            under_way.spawn(async move {
                // Else it comes again when its lease is over.
                this.note(this.settle(due).await);
            });
        }
        Ok(())
    }

    /// Tells what waits of a conversation, and records what became of that.
    async fn settle(&self, due: HookDue) -> Result<(), store::Error> {
        let settled = match due.since_ms.saturating_add(whole(self.config.kept_ms)) <= now_ms() {
            true => HookSettled::Dropped,
            false => self.tell(&due).await?,
        };
        let lost = self.store.settle_hook(&due.place, settled, now_ms()).await?;
        self.metrics.drop("expired", lost);
        Ok(())
    }

    async fn tell(&self, due: &HookDue) -> Result<HookSettled, store::Error> {
        // What was not taken may have been too much at once.
        let max = (self.config.messages_max >> due.attempts.min(16)).max(1);
        let place = &due.place;
        let page = self.store.history(place.conversation, Range::After(place.seq), max).await?;
        let changes = self.store.changes(place.conversation, place.change_seq, max).await?;
        let Events { messages, changes, seq, change_seq } = events(place, page, changes);
        let count = messages.len() + changes.len();
        if count > 0 {
            if let Err((cause, asked)) = self.call(due, (seq, change_seq), messages, changes).await {
                self.metrics.after_failures.get_or_create(&[("cause", cause)]).inc();
                let bounds_ms = (self.config.retry_min_ms, self.config.retry_max_ms);
                let wait_ms = wait_ms(bounds_ms, due.attempts.saturating_add(1), asked, random());
                return Ok(HookSettled::Again { due_at_ms: now_ms().saturating_add(wait_ms) });
            }
            self.metrics.told.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
        Ok(HookSettled::Told { seq, change_seq })
    }

    /// One call; else why it failed, and for how long the receiver wants to be left alone.
    async fn call(
        &self,
        due: &HookDue,
        (seq, change_seq): (i64, i64),
        messages: Vec<Message>,
        changes: Vec<ChangeEvent>,
    ) -> Result<(), (&'static str, Option<Duration>)> {
        let from = &due.place;
        // The same for the same events.
        let id = format!("after-{}-{}-{seq}-{}-{change_seq}", from.conversation, from.seq, from.change_seq);
        let now_s = now_s();
        let body = json!({
            "type": "message.after",
            "timestamp": now_s,
            "data": {
                "id": id,
                "conversationId": from.conversation,
                "conversationKind": name_of_conversation_kind(due.kind),
                "messages": messages.into_iter().map(MessageView::from).collect::<Vec<_>>(),
                "changes": changes.into_iter().map(ChangeView::from).collect::<Vec<_>>(),
            },
        });
        let body = body.to_string();
        let headers = headers(self.secret.bytes(), &id, now_s, &body);
        let sent = self.client.send(post(self.uri.clone(), headers, body)).await;
        let answer = sent.map_err(|cause| (cause, None))?;
        match answer.status {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(("redirection", None)),
            status if status.is_server_error() => Err(("server", answer.retry_after)),
            _ => Err(("client", answer.retry_after)),
        }
    }

    /// Counts what waits, and gives up what is too much.
    async fn count(&self) -> Result<(), store::Error> {
        let bound = self.config.conversations_max;
        let backlog = self.store.hook_backlog(now_ms(), bound.saturating_add(1_000)).await?;
        self.metrics.waiting.set(i64::try_from(backlog.conversations).unwrap_or(i64::MAX));
        let oldest = Duration::from_millis(u64::try_from(backlog.oldest_ms).unwrap_or(0));
        self.metrics.oldest.set(oldest.as_secs_f64());
        let mut beyond = backlog.conversations.saturating_sub(bound.into());
        while beyond > 0 {
            let some = u32::try_from(beyond.min(GIVEN_UP_MAX)).unwrap_or(1);
            let places = self.store.oldest_hooks(some).await?;
            if places.is_empty() {
                break;
            }
            for place in &places {
                let lost = self.store.settle_hook(place, HookSettled::Dropped, now_ms()).await?;
                self.metrics.drop("full", lost);
            }
            // Other nodes are at it, too.
            let waiting = self.store.hook_backlog(now_ms(), bound.saturating_add(1_000)).await?.conversations;
            beyond = waiting.saturating_sub(bound.into());
        }
        Ok(())
    }
}

fn whole(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
