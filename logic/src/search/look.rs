//! Which messages have the words, newest first, over many conversations.
//!
//! Conversations are asked in the order of the newest message that each may still have, a bounded number of entries of
//! the index at a time, until nothing newer than what was found can be left, or until enough was read. What is answered
//! is exact either way: up to the place from which the next request goes on, nothing is left out.

use std::collections::BinaryHeap;
use std::fmt;
use std::str::FromStr;

use crate::store::{Error, Look, Posting, Search, Searched};

/// Entries of one conversation read together.
const BLOCK_MAX: usize = 256;

/// A place in what is found: only what comes after it, which was written earlier, is meant. Of messages of the same
/// millisecond those of the conversation with the higher id come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at_ms: i64,
    conversation: i64,
}

impl Place {
    /// Before everything.
    pub(super) const START: Self = Self { at_ms: i64::MAX, conversation: 0 };

    /// In this conversation what was written before then comes after it.
    fn bound(self, conversation: i64) -> i64 {
        if conversation < self.conversation { self.at_ms.saturating_add(1) } else { self.at_ms }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at_ms, self.conversation)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at_ms, conversation) = text.split_once('-').ok_or(())?;
        let number = |text: &str| text.parse::<u64>().ok().and_then(|number| i64::try_from(number).ok());
        Ok(Self { at_ms: number(at_ms).ok_or(())?, conversation: number(conversation).ok_or(())? })
    }
}

/// A message that has all the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) at_ms: i64,
    pub(super) conversation: i64,
    pub(super) seq: i64,
}

/// How much may be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Messages to answer with.
    pub(super) limit: usize,
    /// Entries of the index.
    pub(super) entries_max: usize,
    /// Conversations asked about together.
    pub(super) conversations_per_read: usize,
}

/// What a conversation may still have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    /// Nothing that was written later.
    newest_ms: i64,
    conversation: i64,
}

/// What was found, newest first, and where to go on if there may be more.
pub(super) type Found = (Vec<Hit>, Option<Place>);

/// Looks for messages with all these words.
pub(super) async fn look(
    store: &dyn Search,
    words: &[String],
    conversations: &[Searched],
    after: Place,
    bounds: Bounds,
) -> Result<Found, Error> {
    let open = |searched: &Searched| Open {
        newest_ms: searched.last_at_ms.min(after.bound(searched.conversation) - 1),
        conversation: searched.conversation,
    };
    let mut open: BinaryHeap<Open> = conversations.iter().map(open).collect();
    // So that half of the entries is enough for each conversation once.
    let block = (bounds.entries_max / 2 / open.len().max(1)).clamp(1, BLOCK_MAX);
    let mut hits: Vec<Hit> = Vec::new();
    let mut entries = 0;
    while entries < bounds.entries_max {
        // One more than is answered, to know whether there is one.
        let enough = hits.get(bounds.limit).map(|hit| hit.at_ms);
        let mut asked = Vec::new();
        while asked.len() < bounds.conversations_per_read
            && let Some(next) = open.peek()
            && enough.is_none_or(|at_ms| next.newest_ms >= at_ms)
        {
            asked.extend(open.pop());
        }
        if asked.is_empty() {
            break;
        }
        let looks: Vec<Look> = asked
            .iter()
            .map(|&Open { newest_ms, conversation }| Look { conversation, before_ms: newest_ms + 1 })
            .collect();
        let limit = u32::try_from(block).unwrap_or(u32::MAX);
        for (look, postings) in looks.iter().zip(store.postings(words, &looks, limit).await?) {
            entries += postings.len().max(1);
            let conversation = look.conversation;
            if let Some(last) = postings.last().filter(|_| postings.len() >= block) {
                open.push(Open { newest_ms: last.at_ms - 1, conversation });
            }
            let all = postings.into_iter().filter(|posting| posting.has_all);
            hits.extend(all.map(|Posting { at_ms, seq, .. }| Hit { at_ms, conversation, seq }));
        }
        hits.sort_unstable_by(|a, b| b.cmp(a));
    }
    // What a conversation that was not read to its end may still have comes before what is older.
    let frontier = open.peek().map(|open| open.newest_ms);
    let certain = hits.iter().take_while(|hit| frontier.is_none_or(|newest_ms| hit.at_ms > newest_ms));
    let certain = certain.count();
    hits.truncate(certain.min(bounds.limit));
    let next = if certain > bounds.limit {
        hits.last().map(|last| Place { at_ms: last.at_ms, conversation: last.conversation })
    } else {
        frontier.map(|newest_ms| Place { at_ms: newest_ms.saturating_add(1), conversation: 0 })
    };
    Ok((hits, next))
}

#[cfg(test)]
mod tests;
