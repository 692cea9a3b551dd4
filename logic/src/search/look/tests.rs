//! Against the whole of a small index, sorted.

use std::collections::BTreeMap;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::Message;
use parking_lot::Mutex;
use proptest::prelude::*;
use tonic::async_trait;

use super::*;
use crate::store::{Compared, Indexed};

/// (conversation, at_ms) → has all the words.
#[derive(Debug, Default)]
struct Index {
    postings: BTreeMap<(i64, i64), bool>,
    entries: Mutex<usize>,
}

fn unused<T>() -> Result<T, Error> {
    Err(Error::Internal("not looked at".to_owned()))
}

#[async_trait]
impl Search for Index {
    async fn index(&self, _ids: &[ConversationId], _limit: u32) -> Result<Indexed, Error> {
        unused()
    }

    async fn compare(&self, _after: i64, _limit: u32) -> Result<Compared, Error> {
        unused()
    }

    async fn lease_sweep(
        &self,
        _owner: &str,
        _now_ms: i64,
        _lease_ms: i64,
        _at: Option<i64>,
    ) -> Result<Option<i64>, Error> {
        unused()
    }

    async fn searched(&self, _user: UserId, _rooms_max: u32) -> Result<Vec<Searched>, Error> {
        unused()
    }

    async fn postings(
        &self,
        _words: &[String],
        looks: &[Look],
        limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error> {
        let of = |look: &Look| {
            let range = (look.conversation, i64::MIN)..(look.conversation, look.before_ms);
            let newest = self.postings.range(range).rev().take(limit as usize);
            newest.map(|(&(_, at_ms), &has_all)| Posting { at_ms, seq: at_ms, has_all }).collect::<Vec<_>>()
        };
        let found: Vec<Vec<Posting>> = looks.iter().map(of).collect();
        *self.entries.lock() += found.iter().map(|of_look| of_look.len().max(1)).sum::<usize>();
        Ok(found)
    }

    async fn messages_at(&self, _places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
        unused()
    }
}

/// Page after page; panics when a page gets no further.
async fn all(index: &Index, conversations: &[Searched], bounds: Bounds) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let mut after = Place::START;
    loop {
        *index.entries.lock() = 0;
        let (hits, next) = look(index, &["x".to_owned()], conversations, after, bounds).await.expect("finds");
        let read = *index.entries.lock();
        // What is read together is not broken off.
        let together = bounds.conversations_per_read * BLOCK_MAX.min(bounds.entries_max);
        assert!(read <= bounds.entries_max + together, "{read}");
        assert!(hits.len() <= bounds.limit);
        found.extend(hits.iter().map(|hit| (hit.at_ms, hit.conversation)));
        let Some(next) = next else { return found };
        assert!(
            (next.at_ms, next.conversation) < (after.at_ms, after.conversation) || after == Place::START,
            "{next} is not after {after}"
        );
        assert_eq!(next.to_string().parse(), Ok(next));
        after = next;
    }
}

proptest! {
    #[test]
    fn pages_together_are_all_of_it_newest_first(
        postings in prop::collection::btree_map((1_i64..6, 1_i64..40), any::<bool>(), 0..80),
        limit in 1_usize..6,
        entries_max in 10_usize..40,
        conversations_per_read in 1_usize..4,
    ) {
        let index = Index { postings, ..Index::default() };
        let newest = |conversation| {
            let of = index.postings.keys().filter(|(of, _)| *of == conversation);
            of.map(|&(_, at_ms)| at_ms).max().unwrap_or(50)
        };
        // One of the six is not the reader's.
        let conversations: Vec<Searched> =
            (1..5).map(|conversation| Searched { conversation, last_at_ms: newest(conversation) }).collect();
        let mut expected: Vec<(i64, i64)> = index
            .postings
            .iter()
            .filter(|((conversation, _), has_all)| **has_all && *conversation < 5)
            .map(|(&(conversation, at_ms), _)| (at_ms, conversation))
            .collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        let bounds = Bounds { limit, entries_max, conversations_per_read };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        prop_assert_eq!(runtime.block_on(all(&index, &conversations, bounds)), expected);
    }
}

#[tokio::test]
async fn a_rare_word_in_a_thousand_conversations_is_one_look_at_each() {
    let mut index = Index::default();
    index.postings.insert((700, 5), true);
    let conversations: Vec<Searched> =
        (1..=1_000).map(|conversation| Searched { conversation, last_at_ms: 10_000 }).collect();
    let bounds = Bounds { limit: 20, entries_max: 50_000, conversations_per_read: 100 };
    assert_eq!(all(&index, &conversations, bounds).await, [(5, 700)]);
    assert_eq!(*index.entries.lock(), 1_000);
}

#[tokio::test]
async fn a_frequent_word_is_read_in_the_newest_conversations_only() {
    let mut index = Index::default();
    for conversation in 1..=1_000 {
        index.postings.extend((0..50).map(|message| ((conversation, conversation * 1_000 + message), true)));
    }
    let conversations: Vec<Searched> = (1..=1_000)
        .map(|conversation| Searched { conversation, last_at_ms: conversation * 1_000 + 49 })
        .collect();
    let bounds = Bounds { limit: 20, entries_max: 50_000, conversations_per_read: 100 };
    let (hits, next) =
        look(&index, &["x".to_owned()], &conversations, Place::START, bounds).await.expect("finds");
    assert!(hits.iter().all(|hit| hit.conversation == 1_000) && hits.len() == 20 && next.is_some());
    assert!(*index.entries.lock() <= 2_500);
}

#[test]
fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
    for bad in ["", "1", "-", "1-", "a-1", "1-2-3", "-1-2", "99999999999999999999-1", "１-1"] {
        assert_eq!(bad.parse::<Place>(), Err(()), "{bad}");
    }
}
