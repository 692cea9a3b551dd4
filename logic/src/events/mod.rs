//! Events of users: what changed for somebody and is no message of a
//! conversation. They are pushed; what a device missed it reads here.

use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::error::{Code, Refusal};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::UserEvent;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::reads::Reads;
use crate::store::{EventPage, Store};

/// Settings of [`Events`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long events are kept, ms. A device that was away for longer reads its lists anew.
    pub kept_ms: u64,
    /// How often older ones are deleted, ms.
    pub sweep_interval_ms: u64,
    /// Events deleted by one statement.
    pub sweep_events_max: u32,
    /// Events in one page.
    pub page_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kept_ms: 30 * 24 * 3_600_000,
            sweep_interval_ms: 60_000,
            sweep_events_max: 1_000,
            page_max: 200,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(60_000..1 << 40).contains(&self.kept_ms) {
            faults.push("kept_ms is not within 60000 and 2^40".to_owned());
        }
        if self.sweep_interval_ms == 0 || self.sweep_events_max == 0 || self.page_max == 0 {
            faults.push("sweep_interval_ms, sweep_events_max and page_max must be above 0".to_owned());
        }
        faults
    }
}

/// What a device missed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Missed {
    /// Oldest first.
    pub events: Vec<UserEvent>,
    /// seq of the newest event, 0 = none.
    pub head: i64,
    /// There is more after these.
    pub has_more: bool,
    /// Events after the place asked for are no longer kept: the lists they changed must be read anew.
    pub is_truncated: bool,
}

/// Reads events, and deletes old ones.
#[derive(Debug)]
pub struct Events {
    config: Config,
    store: Arc<dyn Store>,
    reads: Arc<Reads>,
    metrics: Metrics,
}

impl Events {
    /// Events of this store.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, reads: Arc<Reads>, metrics: Metrics) -> Self {
        Self { config, store, reads, metrics }
    }

    /// seq of the user's newest event, 0 = none.
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn head(&self, user: UserId) -> Result<i64, Refusal> {
        self.reads.event_head(user).await
    }

    /// Events after this seq (0 = from the first), at most `limit` and as many as are set.
    ///
    /// # Errors
    /// `invalid_field`, `unavailable`.
    pub async fn after(&self, user: UserId, after: i64, limit: u32) -> Result<Missed, Refusal> {
        if after < 0 || limit == 0 {
            return Err(Refusal::new(Code::InvalidField, "after: from 0, limit: from 1"));
        }
        let page = self.store.user_events(user, after, limit.min(self.config.page_max)).await?;
        Ok(missed(after, page))
    }

    /// Deletes what is too old until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let interval = Duration::from_millis(self.config.sweep_interval_ms);
        let kept_ms = i64::try_from(self.config.kept_ms).unwrap_or(i64::MAX);
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            let before_ms = now_ms().saturating_sub(kept_ms);
            loop {
                match self.store.forget_user_events(before_ms, self.config.sweep_events_max).await {
                    Ok(count) => {
                        self.metrics.user_events_forgotten.inc_by(count);
                        if count < u64::from(self.config.sweep_events_max) || stop.is_cancelled() {
                            break;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "old events of users were not deleted");
                        break;
                    }
                }
            }
        }
    }
}

fn missed(after: i64, page: EventPage) -> Missed {
    let oldest = page.events.first().map_or(page.head + 1, |event| event.seq);
    let newest = page.events.last().map_or(page.head, |event| event.seq);
    Missed {
        is_truncated: after < page.head && oldest > after + 1,
        has_more: newest < page.head,
        head: page.head,
        events: page.events,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: std::ops::Range<i64> = 0..0;

    fn page(seqs: std::ops::Range<i64>, head: i64) -> EventPage {
        EventPage { events: seqs.map(|seq| UserEvent { seq, ..UserEvent::default() }).collect(), head }
    }

    #[test]
    fn what_is_no_longer_kept_is_told() {
        let told = |after, page| {
            let missed = missed(after, page);
            (missed.is_truncated, missed.has_more)
        };
        assert_eq!(told(0, EventPage::default()), (false, false));
        assert_eq!(told(0, page(1..4, 5)), (false, true));
        assert_eq!(told(3, page(4..6, 5)), (false, false));
        assert_eq!(told(5, page(EMPTY, 5)), (false, false));
        assert_eq!(told(3, page(5..6, 5)), (true, false));
        assert_eq!(told(3, page(EMPTY, 5)), (true, false), "none is kept");
        assert_eq!(told(9, page(EMPTY, 5)), (false, false), "a place that was not given out yet");
    }
}
