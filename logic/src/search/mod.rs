//! Full text: the messages of a user's conversations by the words in them.
//!
//! [`words`] takes texts apart, [`Indexer`] writes the words of what was sent into the store, in the background.
//! What the index says is read again from the messages before it is answered: nothing is shown that is not there any
//! more, that the reader had removed, or that they may not read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use oort_api::metrics::{Counter, Family, Histogram, Registry, SECONDS_BUCKETS};
use oort_api::pb::oort::v1::Message;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::conversations::readable;
use crate::messages::of_reader;
use crate::store::{Searched, Store};

mod config;
mod indexer;
mod look;
pub mod words;

pub use config::Config;
pub use indexer::{Indexer, Metrics as IndexMetrics};
pub use look::Place;

use look::{Bounds, look};
use words::{Query, Span};

/// Counters of [`Searches`].
#[derive(Debug, Clone)]
pub struct Metrics {
    refused: Family<[(&'static str, &'static str); 1], Counter>,
    time: Histogram,
    stale: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            refused: Family::default(),
            time: Histogram::new(SECONDS_BUCKETS),
            stale: Counter::default(),
        };
        registry.register(
            "searches_refused",
            "Searches refused: too many at once, or one took too long",
            metrics.refused.clone(),
        );
        registry.register_with_unit(
            "search_time",
            "How long searches took",
            prometheus_client::registry::Unit::Seconds,
            metrics.time.clone(),
        );
        registry.register(
            "search_passed_over",
            "Messages that the index named and that were not shown: changed, taken back or hidden, or the words are not together",
            metrics.stale.clone(),
        );
        metrics
    }
}

/// What somebody looks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The words.
    pub query: String,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only what comes after this place.
    pub after: Option<Place>,
    /// Most messages to answer with.
    pub limit: u32,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// As its reader sees it.
    pub message: Message,
    /// Where the words are in its text.
    pub spans: Vec<Span>,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// Where to go on; `None`: that was all.
    pub next: Option<Place>,
}

/// Finds messages.
#[derive(Debug)]
pub struct Searches {
    config: Config,
    store: Arc<dyn Store>,
    /// Open rooms that everyone is in.
    rooms_max: u32,
    running: Semaphore,
    metrics: Metrics,
}

impl Searches {
    /// In what this store keeps, and in at most so many open rooms.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, rooms_max: u32, metrics: Metrics) -> Self {
        let running = Semaphore::new(config.running_max);
        Self { config, store, rooms_max, running, metrics }
    }

    /// Messages that the user may read and that have all the words, newest first.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `overloaded` (too many at once, or it took too long), `unavailable`.
    pub async fn search(&self, user: UserId, ask: &Ask) -> Result<Found, Refusal> {
        let (query, words) = self.question(&ask.query)?;
        if ask.limit == 0 {
            return Err(Refusal::new(Code::InvalidField, "limit: from 1"));
        }
        let Ok(_running) = self.running.try_acquire() else {
            return Err(self.refuse("running", "too many search at this moment; try again"));
        };
        let began = Instant::now();
        let time_max = Duration::from_millis(self.config.time_max_ms);
        let found = timeout(time_max, self.found(user, ask, &query, &words)).await;
        self.metrics.time.observe(began.elapsed().as_secs_f64());
        found.unwrap_or_else(|_| {
            Err(self.refuse("time", "the search took too long; look in one conversation, or try again"))
        })
    }

    fn refuse(&self, why: &'static str, text: &str) -> Refusal {
        self.metrics.refused.get_or_create(&[("why", why)]).inc();
        Refusal::new(Code::Overloaded, text)
    }

    fn question(&self, text: &str) -> Result<(Query, Vec<String>), Refusal> {
        let (chars_max, words_max) = (self.config.query_chars_max, self.config.query_words_max);
        let refuse = |fault: String| Refusal::new(Code::InvalidField, format!("q: {fault}"));
        // A character has at most four bytes.
        if text.len() > 4 * chars_max || text.chars().count() > chars_max {
            return Err(refuse(format!("at most {chars_max} characters")));
        }
        let query = Query::parse(text).ok_or_else(|| refuse("has no word in it".to_owned()))?;
        let words = query.words();
        if words.len() > words_max {
            return Err(refuse(format!("at most {words_max} words, or pairs of characters")));
        }
        Ok((query, words))
    }

    async fn found(
        &self,
        user: UserId,
        ask: &Ask,
        query: &Query,
        words: &[String],
    ) -> Result<Found, Refusal> {
        let conversations = match ask.conversation {
            Some(id) => {
                let info = readable(&*self.store, user, id).await?;
                vec![Searched { conversation: id.get(), last_at_ms: info.last_at_ms }]
            }
            None => self.conversations(user).await?,
        };
        let bounds = Bounds {
            limit: ask.limit.min(self.config.page_max) as usize,
            entries_max: self.config.entries_max,
            conversations_per_read: self.config.conversations_per_read,
        };
        let after = ask.after.unwrap_or(Place::START);
        let (hits, next) = look(&*self.store, words, &conversations, after, bounds).await?;
        let places: Vec<(i64, i64)> = hits.iter().map(|hit| (hit.conversation, hit.seq)).collect();
        let mut messages = self.store.messages_at(&places).await?;
        of_reader(&*self.store, user, &mut messages.iter_mut().collect::<Vec<_>>()).await?;
        let messages: HashMap<(i64, i64), Message> =
            messages.into_iter().map(|message| ((message.conversation, message.seq), message)).collect();
        let shown = |place: &(i64, i64)| {
            let message = messages.get(place)?;
            Some(Hit { spans: query.find(&message.content)?, message: message.clone() })
        };
        let hits: Vec<Hit> = places.iter().filter_map(shown).collect();
        self.metrics.stale.inc_by((places.len() - hits.len()) as u64);
        Ok(Found { hits, next })
    }

    /// Those with the newest messages, as many as are searched.
    async fn conversations(&self, user: UserId) -> Result<Vec<Searched>, Refusal> {
        let mut found = self.store.searched(user, self.rooms_max).await?;
        found.retain(|searched| searched.last_at_ms > 0);
        if found.len() > self.config.conversations_max {
            found.sort_unstable_by_key(|searched| std::cmp::Reverse(searched.last_at_ms));
            found.truncate(self.config.conversations_max);
        }
        Ok(found)
    }
}
