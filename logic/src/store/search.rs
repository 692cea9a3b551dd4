//! The words by which messages are found. They are made after the fact from what is stored, each conversation in the
//! order of its messages. Who changes a message changes its words in the same transaction, so that nothing is left of
//! what was taken back; what is not in the index yet is taken in as it is then.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Message, MessageKind};
use tonic::async_trait;

use super::Error;
use crate::search::words::words;

/// What became of a step of the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Messages that were taken in.
    pub messages: u32,
    /// Conversations of which there is more.
    pub unfinished: Vec<ConversationId>,
}

/// Conversations whose index was compared with their messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Those that have messages which are not in the index.
    pub behind: Vec<ConversationId>,
    /// The last one that was looked at; `None`: there are no more.
    pub last: Option<ConversationId>,
}

/// A conversation that a user may search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// Which.
    pub conversation: i64,
    /// When its newest message was written, ms since the epoch.
    pub last_at_ms: i64,
}

/// Where to look for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// In this conversation.
    pub conversation: i64,
    /// In messages written before then, ms since the epoch.
    pub before_ms: i64,
}

/// A message with the first of the words that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// When it was written, ms since the epoch.
    pub at_ms: i64,
    /// Its place.
    pub seq: i64,
    /// It has the other words too.
    pub has_all: bool,
}

/// The index of words.
#[async_trait]
pub trait Search: Send + Sync {
    /// Takes at most `limit` further messages of these conversations (each once, at least one) into the index, in one
    /// transaction. Two nodes that do it for the same conversation wait for each other.
    async fn index(&self, ids: &[ConversationId], limit: u32) -> Result<Indexed, Error>;
    /// Compares at most `limit` conversations after this one (0 = from the first).
    async fn compare(&self, after: i64, limit: u32) -> Result<Compared, Error>;
    /// Takes or renews the right to compare, and says how far it has got; `None`: another node has the right. With
    /// `at`, it has got there.
    async fn lease_sweep(
        &self,
        owner: &str,
        now_ms: i64,
        lease_ms: i64,
        at: Option<i64>,
    ) -> Result<Option<i64>, Error>;
    /// What a user may search: the open rooms, at most `rooms_max`, the oldest, and where they are a member.
    async fn searched(&self, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Error>;
    /// For each look the newest messages with the first word, at most `limit`, newest first. There is at least one word.
    async fn postings(
        &self,
        words: &[String],
        looks: &[Look],
        limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error>;
    /// Messages at places (conversation, seq); those that are not there are left out.
    async fn messages_at(&self, places: &[(i64, i64)]) -> Result<Vec<Message>, Error>;
}

/// A message as the index sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) conversation: i64,
    pub(super) seq: i64,
    pub(super) at_ms: i64,
}

/// The words of a stored message; none of what the server wrote.
pub(super) fn words_of(kind: i32, content: &str) -> impl Iterator<Item = String> {
    let is_said = kind != i32::from(MessageKind::System);
    is_said.then(|| words(content)).into_iter().flatten()
}

/// How many messages of each of so many conversations are taken in together.
pub(super) fn share(limit: u32, conversations: usize) -> u32 {
    let conversations = u32::try_from(conversations).unwrap_or(u32::MAX).max(1);
    (limit / conversations).max(1)
}

/// Words that a changed message has no longer, and those that are new.
pub(super) fn revised(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let (before, after) = (words(before), words(after));
    (before.difference(&after).cloned().collect(), after.difference(&before).cloned().collect())
}

impl Compared {
    /// Of rows (conversation, its newest message, the newest one in the index), of which `limit` were asked for.
    pub(super) fn of(rows: &[(i64, i64, i64)], limit: u32) -> Self {
        let behind = rows.iter().filter(|&&(_, head, done)| done < head);
        let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
        let last = rows.last().filter(|_| is_full).and_then(|&(id, ..)| ConversationId::new(id));
        Self { behind: behind.filter_map(|&(id, ..)| ConversationId::new(id)).collect(), last }
    }
}
