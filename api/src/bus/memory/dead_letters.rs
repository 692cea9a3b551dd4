//! The newest records given up on.

use std::collections::VecDeque;
use std::sync::Arc;

use tonic::async_trait;

use super::{DeadLetter, MemoryBus};
use crate::bus::{DeadLetters, Error, LetterPlace, Letters, Record};
use crate::clock::now_ms;

#[derive(Debug, Default)]
pub(super) struct DeadLetterLog {
    kept: VecDeque<DeadLetter>,
    pub(super) forgotten: u64,
    next: i64,
}

impl DeadLetterLog {
    /// Keeps a letter, instead of the oldest when there are `most`.
    pub(super) fn push(&mut self, record: Record, reason: &str, most: usize) {
        if self.kept.len() >= most {
            self.kept.pop_front();
            self.forgotten += 1;
        }
        let place = LetterPlace { partition: 0, offset: self.next };
        self.next += 1;
        self.kept.push_back(DeadLetter { place, at_ms: now_ms(), reason: reason.to_owned(), record });
    }

    pub(super) fn all(&self) -> Vec<DeadLetter> {
        self.kept.iter().cloned().collect()
    }

    fn page(&self, after: Option<LetterPlace>, limit: usize) -> Letters {
        let mut behind = self.kept.iter().filter(|letter| Some(letter.place) > after);
        let letters = behind.by_ref().take(limit.max(1)).cloned().collect();
        Letters { letters, has_more: behind.next().is_some() }
    }
}

impl MemoryBus {
    /// The dead-letter log, to be read page by page.
    #[must_use]
    pub fn letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl DeadLetters for MemoryBus {
    async fn read(&self, after: Option<LetterPlace>, limit: usize) -> Result<Letters, Error> {
        Ok(self.shared.state.lock().dead_letters.page(after, limit))
    }
}
