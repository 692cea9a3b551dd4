//! Receipts: who has read a message. Small groups are told by name, of larger
//! ones there is a number: it is counted when somebody asks, up to a bound, and
//! for a while everybody who asks gets the same one. Nobody is told of it
//! unasked, so that a read costs the same in a group of any size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::generations::Generations;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::conversations::readable;
use crate::metrics::Metrics;
use crate::store::{Reader, ReceiptOf, Store};

/// Settings of [`Receipts`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Members of a group up to which readers are told by name.
    pub listed_members_max: u32,
    /// Readers in one page.
    pub page_max: u32,
    /// Readers counted in a larger group; more are told as that many or more.
    pub count_max: u32,
    /// For how long a number of readers is told again, ms.
    pub count_kept_ms: u64,
    /// Messages whose number of readers is remembered.
    pub counts_max: usize,
    /// Numbers counted at the same time.
    pub counting_max: usize,
    /// Longest wait for the turn to count, ms; then it is refused with `overloaded`.
    pub wait_max_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listed_members_max: 200,
            page_max: 100,
            count_max: 10_000,
            count_kept_ms: 2_000,
            counts_max: 10_000,
            counting_max: 2,
            wait_max_ms: 2_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("listed_members_max", self.listed_members_max.into(), 2, 1_000),
            ("page_max", self.page_max.into(), 1, 1_000),
            ("count_max", self.count_max.into(), 1, 100_000),
            ("count_kept_ms", self.count_kept_ms, 0, 60_000),
            ("counts_max", self.counts_max as u64, 2, 10_000_000),
            ("counting_max", self.counting_max as u64, 1, 1_000),
            ("wait_max_ms", self.wait_max_ms, 1, 60_000),
        ];
        crate::bounds::faults(bounds)
    }
}

/// Who has read a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBy {
    /// How many; not those who send no receipts, nor the sender.
    pub count: u32,
    /// There may be more than that.
    pub has_more_than_count: bool,
    /// A page of them, by id; `None` in a group that is too large.
    pub readers: Option<Vec<Reader>>,
}

/// A number of readers, and when it was counted.
type Counted = (Instant, u32);

/// Receipts of all conversations.
#[derive(Debug)]
pub struct Receipts {
    config: Config,
    store: Arc<dyn Store>,
    metrics: Metrics,
    counts: Mutex<Generations<(ConversationId, Seq), Counted>>,
    turns: Semaphore,
}

impl Receipts {
    /// Receipts of what is in the store.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        let counts = Mutex::new(Generations::new(config.counts_max));
        let turns = Semaphore::new(config.counting_max.min(Semaphore::MAX_PERMITS));
        Self { config, store, metrics, counts, turns }
    }

    /// Who has read a message: in groups of at most `listed_members_max`, and direct conversations, a page of them by id,
    /// after `after` (0 = from the start).
    ///
    /// # Errors
    /// `not_found` (the message; also in open rooms), `not_member`, `forbidden` for who sends no receipts,
    /// `invalid_field`, `overloaded`, `unavailable`.
    pub async fn of(
        &self,
        user: UserId,
        (id, seq): (ConversationId, Seq),
        after: i64,
        limit: Option<u32>,
    ) -> Result<ReadBy, Refusal> {
        if limit == Some(0) {
            return Err(Refusal::new(Code::InvalidField, "limit is 0"));
        }
        let info = readable(&*self.store, user, id).await?;
        if info.kind == ConversationKind::Room {
            return Err(Refusal::new(Code::NotFound, "an open room has no receipts: everyone is in it"));
        }
        let place = self.store.receipt_place(id, seq, user).await?;
        let place = place.ok_or_else(|| Refusal::new(Code::NotFound, "there is no such message"))?;
        if !place.is_shown {
            let text = "you send no read receipts, so you are shown none";
            return Err(Refusal::new(Code::Forbidden, text));
        }
        let of = ReceiptOf { conversation: id, seq, sender: place.sender };
        if place.members > i64::from(self.config.listed_members_max) {
            let count = self.count(of).await?;
            return Ok(ReadBy { count, has_more_than_count: count >= self.config.count_max, readers: None });
        }
        let limit = limit.unwrap_or(self.config.page_max).min(self.config.page_max);
        let readers = self.store.readers(of, after, limit).await?;
        // Members may have come since: no page is longer than what is counted.
        let count = self.store.count_readers(of, self.config.count_max).await?;
        Ok(ReadBy { count, has_more_than_count: false, readers: Some(readers) })
    }

    /// The number that was told lately, or a new one. Those who ask for the same at once wait for one to count.
    async fn count(&self, of: ReceiptOf) -> Result<u32, Refusal> {
        if let Some(count) = self.kept(of) {
            return Ok(count);
        }
        let wait = Duration::from_millis(self.config.wait_max_ms);
        let Ok(Ok(_turn)) = tokio::time::timeout(wait, self.turns.acquire()).await else {
            self.metrics.receipt_overloads.inc();
            return Err(Refusal::new(Code::Overloaded, "too many readers are being counted; try again"));
        };
        if let Some(count) = self.kept(of) {
            return Ok(count);
        }
        let at = Instant::now();
        let count = self.store.count_readers(of, self.config.count_max).await?;
        self.metrics.receipts_counted.inc();
        self.counts.lock().insert((of.conversation, of.seq), (at, count));
        Ok(count)
    }

    fn kept(&self, of: ReceiptOf) -> Option<u32> {
        let kept = Duration::from_millis(self.config.count_kept_ms);
        let mut counts = self.counts.lock();
        let (_, count) = counts.get_mut(&(of.conversation, of.seq)).filter(|(at, _)| at.elapsed() < kept)?;
        self.metrics.receipts_shared.inc();
        Some(*count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let broken = Config { listed_members_max: 1, counting_max: 0, ..Config::default() };
        assert_eq!(broken.faults().len(), 2);
    }
}
