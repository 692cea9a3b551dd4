//! Erases messages whose time is over. Nobody is shown them by then; this takes them out of the store, and tells clients
//! by a change, as of a message that was taken back.
//!
//! Every node looks. What one takes is put off for the others, so that what was left by one that died is taken again;
//! erased twice is erased once.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::expiry::next_ms;
use oort_api::ids::{ConversationId, Seq};
use oort_api::metrics::{Counter, Gauge, Registry};
use oort_api::pb::oort::v1::Message;
use oort_api::pb::oort::v1::message_extra::Gone;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::messages::Messages;
use crate::store::{ExpirySettled, Store};

/// Settings of [`Expiry`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often a node looks for messages whose time is over, ms.
    pub interval_ms: u64,
    /// How long what a node took is left to it, ms: longer than it needs for `page` messages.
    pub hold_ms: u64,
    /// Messages taken at once.
    pub page: u32,
    /// Messages of them that are erased at the same time.
    pub at_once: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { interval_ms: 1_000, hold_ms: 60_000, page: 200, at_once: 16 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("interval_ms", self.interval_ms, 1, 3_600_000),
            ("hold_ms", self.hold_ms, 1_000, 3_600_000),
            ("page", self.page.into(), 1, 10_000),
            ("at_once", self.at_once as u64, 1, 1_000),
        ];
        crate::bounds::faults(bounds)
    }
}

/// Counters of [`Expiry`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    looked_at: Counter,
    failures: Counter,
    late: Gauge<f64, AtomicU64>,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "expiries",
            "Messages of which what was over was erased",
            metrics.looked_at.clone(),
        );
        registry.register(
            "expiry_failures",
            "Messages that could not be erased when their time was over; it is tried again",
            metrics.failures.clone(),
        );
        registry.register(
            "expiry_late_seconds",
            "How long the time of the message was over that was erased last; 0 = none waits",
            metrics.late.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Notes how long a message's time was over.
    fn erased(&self, message: &Message, now_ms: i64) {
        let extra = message.extra.as_ref().filter(|extra| extra.gone() == Gone::Expired);
        if let Some(extra) = extra {
            let late_ms = u64::try_from(now_ms.saturating_sub(extra.expires_at_ms)).unwrap_or(0);
            self.late.set(Duration::from_millis(late_ms).as_secs_f64());
        }
    }
}

/// Erases.
#[derive(Debug)]
pub struct Expiry {
    config: Config,
    store: Arc<dyn Store>,
    metrics: Metrics,
}

impl Expiry {
    /// What is in this store.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self { config, store, metrics }
    }

    /// Looks now and then, until `stop`.
    pub async fn run(&self, messages: &Messages, stop: CancellationToken) {
        let interval = Duration::from_millis(self.config.interval_ms);
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            if let Err(cause) = self.round(messages, &stop).await {
                tracing::warn!(%cause, "messages whose time is over could not be looked for; it is tried again");
            }
        }
    }

    /// Erases what there is, until `stop`.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn round(&self, messages: &Messages, stop: &CancellationToken) -> Result<(), Refusal> {
        let hold_ms = i64::try_from(self.config.hold_ms).unwrap_or(i64::MAX);
        while !stop.is_cancelled() {
            let taken = self.store.take_expiries(now_ms(), hold_ms, self.config.page).await?;
            let is_last = taken.len() < self.config.page as usize;
            let settled: Vec<_> = stream::iter(taken)
                .take_while(|_| ready(!stop.is_cancelled()))
                .map(|(conversation, seq)| self.erase(messages, conversation, seq))
                .buffer_unordered(self.config.at_once)
                .filter_map(ready)
                .collect()
                .await;
            self.metrics.looked_at.inc_by(settled.len() as u64);
            if !settled.is_empty() {
                self.store.settle_expiries(&settled).await?;
            }
            if is_last {
                self.metrics.late.set(0.0);
                break;
            }
        }
        Ok(())
    }

    /// `None`: it is tried again after `hold_ms`.
    async fn erase(
        &self,
        messages: &Messages,
        conversation: ConversationId,
        seq: Seq,
    ) -> Option<ExpirySettled> {
        let next_ms = match messages.expire(conversation, seq).await {
            Ok(message) => {
                self.metrics.erased(&message, now_ms());
                message.extra.as_ref().and_then(next_ms)
            }
            Err(Refusal { code: Code::NotFound | Code::Forbidden, .. }) => None,
            Err(cause) => {
                self.metrics.failures.inc();
                tracing::debug!(%cause, conversation = conversation.get(), seq = seq.get(), "not erased yet");
                return None;
            }
        };
        Some(ExpirySettled { conversation, seq, next_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        assert_eq!(Config { interval_ms: 0, hold_ms: 0, page: 0, at_once: 0 }.faults().len(), 4);
    }
}
