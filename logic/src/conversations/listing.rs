//! The list of conversations, whole or what changed of it since an earlier
//! reading.
//!
//! A reading is named by a cursor: when it was made, and digests of the list
//! and of the set of ids. Whatever changed since bears a later stamp, but for
//! changes whose transaction was under way then, or whose writer's clock is
//! behind: so stamps are compared with an earlier time. What did not change may
//! come again; what did never stays away. A change without a stamp shows in the
//! digest, and then everything comes.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Place};
use serde::Deserialize;

use crate::store::Entry;

/// Settings of incremental lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What changed so long before the earlier reading comes again, ms. Longer
    /// than a call of the store may last, with the difference of the nodes' clocks.
    pub overlap_ms: u64,
    /// Age up to which an earlier reading is believed, ms; beyond it everything comes.
    pub age_max_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { overlap_ms: 30_000, age_max_ms: 30 * 24 * 3_600_000 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.overlap_ms > self.age_max_ms || self.age_max_ms > 1 << 40 {
            faults.push("overlap_ms, age_max_ms and 2^40 must rise in this order".to_owned());
        }
        faults
    }
}

/// What a reader gets.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// All conversations, or those that changed, by id.
    pub conversations: Vec<Conversation>,
    /// Names this reading.
    pub cursor: String,
    /// Only what changed.
    pub partial: bool,
    /// Partial only: conversations came or went.
    pub set_changed: bool,
    /// Every conversation, by id.
    pub places: Vec<Place>,
}

/// A reading, as its cursor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    at_ms: i64,
    /// Whose list, and how it was cut.
    scope: u32,
    list: u64,
    ids: u64,
}

/// Layout of a cursor: version, time, scope, two digests.
const CURSOR_BYTES: usize = 1 + 8 + 4 + 8 + 8;
const VERSION: u8 = 1;

impl Reading {
    fn of(user: UserId, rooms_max: u32, entries: &[Entry], at_ms: i64) -> Self {
        let (mut list, mut ids) = (DefaultHasher::new(), DefaultHasher::new());
        for Entry { conversation: room, .. } in entries {
            room.id.hash(&mut ids);
            (room.id, room.kind, room.creator_id, room.peer_id, &room.name).hash(&mut list);
            (room.head, room.read_seq, room.delivered_seq, room.change_seq).hash(&mut list);
            (room.peer_read_seq, room.peer_delivered_seq).hash(&mut list);
            (room.pinned, room.muted_until_ms, room.role, room.silenced_until_ms).hash(&mut list);
            (room.members, &room.avatar, room.mute_all, room.dissolved_at_ms).hash(&mut list);
        }
        let mut scope = DefaultHasher::new();
        (user.get(), rooms_max).hash(&mut scope);
        let scope = u32::try_from(scope.finish() >> 32).unwrap_or_default();
        Self { at_ms, scope, list: list.finish(), ids: ids.finish() }
    }

    fn cursor(&self) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.scope.to_be_bytes());
        bytes.extend_from_slice(&self.list.to_be_bytes());
        bytes.extend_from_slice(&self.ids.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(cursor: &str) -> Option<Self> {
        let bytes: [u8; CURSOR_BYTES] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
        let (&[version], rest) = bytes.split_first_chunk::<1>()?;
        let (at_ms, rest) = rest.split_first_chunk::<8>()?;
        let (scope, rest) = rest.split_first_chunk::<4>()?;
        let (list, ids) = rest.split_first_chunk::<8>()?;
        (version == VERSION).then_some(Self {
            at_ms: i64::from_be_bytes(*at_ms),
            scope: u32::from_be_bytes(*scope),
            list: u64::from_be_bytes(*list),
            ids: u64::from_be_bytes(ids.try_into().ok()?),
        })
    }
}

/// A cursor, read and written again: for its check under `fuzz/`.
pub(crate) fn reread(cursor: &str) -> Option<String> {
    Reading::parse(cursor).map(|reading| reading.cursor())
}

/// Picks what the reader lacks. `now_ms`: before the entries were read.
pub(super) fn pick(
    config: &Config,
    (user, rooms_max): (UserId, u32),
    entries: Vec<Entry>,
    since: &str,
    now_ms: i64,
) -> Listing {
    let reading = Reading::of(user, rooms_max, &entries, now_ms);
    let cursor = reading.cursor();
    let places = entries.iter().map(|entry| place(&entry.conversation)).collect();
    let age_max_ms = i64::try_from(config.age_max_ms).unwrap_or(i64::MAX);
    let is_believed = |earlier: &Reading| {
        earlier.scope == reading.scope && (0..=age_max_ms).contains(&now_ms.saturating_sub(earlier.at_ms))
    };
    let whole = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.conversation).collect();
    let Some(earlier) = Reading::parse(since).filter(is_believed) else {
        return Listing { conversations: whole(entries), cursor, places, ..Listing::default() };
    };
    let set_changed = earlier.ids != reading.ids;
    let from_ms = earlier.at_ms.saturating_sub(i64::try_from(config.overlap_ms).unwrap_or(i64::MAX));
    let is_changed = |entry: &&Entry| earlier.list != reading.list && entry.changed_at_ms > from_ms;
    let changed: Vec<Conversation> =
        entries.iter().filter(is_changed).map(|entry| entry.conversation.clone()).collect();
    if changed.is_empty() && earlier.list != reading.list && !set_changed {
        return Listing { conversations: whole(entries), cursor, places, ..Listing::default() };
    }
    Listing { conversations: changed, cursor, partial: true, set_changed, places }
}

fn place(conversation: &Conversation) -> Place {
    Place {
        conversation: conversation.id,
        head: conversation.head,
        direct: conversation.kind() == ConversationKind::Direct,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn ann() -> (UserId, u32) {
        (UserId::new(1).expect("positive"), 100)
    }

    fn entry(id: i64, head: i64, changed_at_ms: i64) -> Entry {
        Entry { conversation: Conversation { id, head, ..Conversation::default() }, changed_at_ms }
    }

    fn listed(entries: &[Entry], since: &str, now_ms: i64) -> Listing {
        pick(&Config::default(), ann(), entries.to_vec(), since, now_ms)
    }

    fn ids(listing: &Listing) -> Vec<i64> {
        listing.conversations.iter().map(|conversation| conversation.id).collect()
    }

    #[test]
    fn nothing_new_is_nothing() {
        let entries = [entry(1, 4, NOW - 5), entry(2, 0, 0)];
        let first = listed(&entries, "", NOW);
        assert!(!first.partial && ids(&first) == [1, 2] && first.cursor.len() <= 64);
        let again = listed(&entries, &first.cursor, NOW + 1000);
        assert!(again.partial && !again.set_changed && again.conversations.is_empty());
        assert_eq!(again.places.len(), 2);
    }

    #[test]
    fn what_changed_comes_and_what_was_under_way() {
        let before = [entry(1, 4, NOW - 3_600_000), entry(2, 0, 0), entry(3, 1, NOW - 3_600_000)];
        let since = listed(&before, "", NOW).cursor;
        // The stamp of 2 is of a clock that is behind.
        let after = [entry(1, 5, NOW + 9), entry(2, 1, NOW - 29_000), entry(3, 1, NOW - 3_600_000)];
        let listing = listed(&after, &since, NOW + 10_000);
        assert!(listing.partial && !listing.set_changed);
        assert_eq!(ids(&listing), [1, 2]);
        let left = listed(&after[1..], &since, NOW + 10_000);
        assert!(left.partial && left.set_changed);
    }

    #[test]
    fn a_change_without_a_stamp_brings_everything() {
        let since = listed(&[entry(1, 4, 0), entry(2, 0, 0)], "", NOW).cursor;
        let listing = listed(&[entry(1, 5, 0), entry(2, 0, 0)], &since, NOW + 1);
        assert!(!listing.partial);
        assert_eq!(ids(&listing), [1, 2]);
    }

    #[test]
    fn what_is_foreign_old_or_of_the_future_brings_everything() {
        let entries = [entry(1, 4, 0)];
        let since = listed(&entries, "", NOW).cursor;
        let bob = (UserId::new(2).expect("positive"), 100);
        assert!(!pick(&Config::default(), bob, entries.to_vec(), &since, NOW).partial);
        let month_ms = 30 * 24 * 3_600_000;
        assert!(listed(&entries, &since, NOW + month_ms).partial);
        assert!(!listed(&entries, &since, NOW + month_ms + 1).partial);
        assert!(!listed(&entries, &since, NOW - 1).partial);
        for junk in ["", "AQ", "%%%", &"A".repeat(39), &"A".repeat(4000)] {
            assert!(!listed(&entries, junk, NOW).partial, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_none_and_is_written_as_it_was_read(text in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for cursor in [text, URL_SAFE_NO_PAD.encode(&bytes)] {
                if let Some(reading) = Reading::parse(&cursor) {
                    prop_assert_eq!(reading.cursor(), cursor);
                }
            }
        }

        #[test]
        fn cursors_are_read_as_written(at_ms: i64, scope: u32, list: u64, ids: u64) {
            let reading = Reading { at_ms, scope, list, ids };
            prop_assert!(reading.cursor().len() <= 64);
            prop_assert_eq!(Reading::parse(&reading.cursor()), Some(reading));
        }

        #[test]
        fn any_text_is_read_or_not(text in ".{0,80}") {
            let _ = Reading::parse(&text);
        }

        /// A client that keeps what it has and takes what comes has the list.
        #[test]
        fn a_client_that_applies_what_comes_has_the_list(
            steps in prop::collection::vec((1_i64..6, 0_u8..4, 0_i64..40_000), 1..40),
        ) {
            let mut server: std::collections::BTreeMap<i64, Entry> = std::collections::BTreeMap::new();
            let mut client: std::collections::BTreeMap<i64, Conversation> = std::collections::BTreeMap::new();
            let (mut cursor, mut now) = (String::new(), NOW);
            for (id, kind, wait_ms) in steps {
                now += wait_ms;
                match kind {
                    0 => drop(server.remove(&id)),
                    1 => {
                        let list: Vec<Entry> = server.values().cloned().collect();
                        let listing = listed(&list, &cursor, now);
                        if listing.partial && listing.set_changed {
                            let all: Vec<i64> = listing.places.iter().map(|place| place.conversation).collect();
                            client.retain(|id, _| all.contains(id));
                        } else if !listing.partial {
                            client.clear();
                        }
                        client.extend(listing.conversations.into_iter().map(|room| (room.id, room)));
                        cursor = listing.cursor;
                        let expected: Vec<_> = list.iter().map(|entry| entry.conversation.clone()).collect();
                        prop_assert_eq!(client.values().cloned().collect::<Vec<_>>(), expected);
                    }
                    _ => {
                        let held = server.entry(id).or_insert_with(|| entry(id, 0, now));
                        held.conversation.head += 1;
                        // The writer's clock may be behind by up to 20 s.
                        held.changed_at_ms = held.changed_at_ms.max(now - 20_000);
                    }
                }
            }
        }
    }
}
