//! What the micro-benchmark of the queue reaches; no part of the API.

use std::fmt;

use super::Config;
use super::queue::Queue;
use crate::metrics::Metrics;
use crate::store::NewMessage;

/// The queue before the writer.
pub struct Waiting(Queue);

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting")
    }
}

impl Waiting {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self(Queue::new(
            &Config::default(),
            Metrics::register(&mut prometheus_client::registry::Registry::default()),
        ))
    }

    /// Each message as a request of its own, then all taken as one transaction. Returns how many requests were taken.
    #[must_use]
    pub fn pass(&self, messages: Vec<NewMessage>) -> usize {
        let answers: Vec<_> = messages.into_iter().map(|message| self.0.submit(vec![message])).collect();
        let taken = self.0.take();
        drop(answers);
        taken.len()
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self::new()
    }
}
