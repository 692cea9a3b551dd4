//! Records that cannot be read or make no sense.

use std::sync::Arc;

use oort_api::bus::{Consumed, Error, Producer, Record};
use tokio::time::sleep;
use tracing::warn;

use crate::backoff::Backoff;
use crate::config::{Config, ms};
use crate::metrics::Metrics;

/// Writes to the dead-letter log.
#[derive(Debug)]
pub(crate) struct DeadLetters {
    producer: Arc<dyn Producer>,
    patience_ms: u64,
    retry_min_ms: u64,
    retry_max_ms: u64,
    metrics: Metrics,
}

impl DeadLetters {
    pub(crate) fn new(producer: Arc<dyn Producer>, config: &Config, metrics: &Metrics) -> Self {
        Self {
            producer,
            patience_ms: config.dead_letter_patience_ms,
            retry_min_ms: config.retry_min_ms,
            retry_max_ms: config.retry_max_ms,
            metrics: metrics.clone(),
        }
    }

    /// Writes a record there, and again until it is written: it is lost
    /// otherwise. Only what the log can never take is dropped.
    ///
    /// Cancel safe, but for a letter written twice.
    pub(crate) async fn bury(&self, partition: i32, consumed: Consumed, reason: &'static str) {
        let Consumed { offset, key, value, traceparent, .. } = consumed;
        warn!(partition, offset, bytes = value.len(), reason, "dead letter");
        let letter = Record { key, value, traceparent };
        let mut backoff = Backoff::new(ms(self.retry_min_ms), ms(self.retry_max_ms));
        loop {
            match self.producer.publish_dead_letter(letter.clone(), reason, ms(self.patience_ms)).await {
                Ok(()) => {
                    self.metrics.dead_letters.inc();
                    return;
                }
                Err(error @ (Error::TooLarge { .. } | Error::Config(_))) => {
                    warn!(partition, offset, %error, "dead letter dropped");
                    self.metrics.dead_letters_dropped.inc();
                    return;
                }
                Err(error @ (Error::Unavailable(_) | Error::Full)) => {
                    warn!(partition, offset, %error, "dead letter not written; trying again");
                }
            }
            sleep(backoff.next()).await;
        }
    }
}
