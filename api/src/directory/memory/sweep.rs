//! Removal of what dead incarnations left behind, a few keys at a time.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::State;
use crate::directory::CometRef;
use crate::ids::{RoomKey, SessionKey, UserId};

/// Where the next sweep begins.
#[derive(Debug)]
pub(super) enum Cursor {
    Users(Bound<UserId>),
    Keys(Bound<SessionKey>),
    Rooms(Bound<RoomKey>),
}

impl Default for Cursor {
    fn default() -> Self {
        Self::Users(Bound::Unbounded)
    }
}

impl State {
    /// Looks at up to `keys_max` keys of one kind; returns entries removed.
    pub(super) fn sweep(&mut self, keys_max: usize) -> usize {
        let Self { comets, sessions, rooms, sweep_from, census: _, nodes: _, attempts: _, questions: _ } =
            self;
        let live = |comet: &CometRef| comets.is_live(comet);
        let (removed, next) = match std::mem::take(sweep_from) {
            Cursor::Users(from) => {
                let keep = |sessions: &mut Vec<super::sessions::Session>| {
                    retain(sessions, |session: &super::sessions::Session| live(&session.place.comet))
                };
                let (removed, next) = sweep_part(&mut sessions.by_user, from, keys_max, keep);
                (
                    removed,
                    next.map_or(Cursor::Keys(Bound::Unbounded), |from| Cursor::Users(Bound::Excluded(from))),
                )
            }
            Cursor::Keys(from) => {
                let keep = |place: &mut super::sessions::Place| {
                    let dead = usize::from(!live(&place.comet));
                    (dead, dead == 1)
                };
                let (removed, next) = sweep_part(&mut sessions.by_key, from, keys_max, keep);
                (
                    removed,
                    next.map_or(Cursor::Rooms(Bound::Unbounded), |from| Cursor::Keys(Bound::Excluded(from))),
                )
            }
            Cursor::Rooms(from) => {
                let keep = |presences: &mut Vec<super::rooms::Presence>| {
                    retain(presences, |presence| live(&presence.comet))
                };
                let (removed, next) = sweep_part(&mut rooms.by_key, from, keys_max, keep);
                (removed, next.map_or_else(Cursor::default, |from| Cursor::Rooms(Bound::Excluded(from))))
            }
        };
        *sweep_from = next;
        comets.forget_dead();
        removed
    }
}

/// Prunes up to `keys_max` values and drops those left empty. Returns entries
/// removed, and the last key looked at unless the table was finished.
fn sweep_part<K: Ord + Clone, V>(
    table: &mut BTreeMap<K, V>,
    from: Bound<K>,
    keys_max: usize,
    mut prune: impl FnMut(&mut V) -> (usize, bool),
) -> (usize, Option<K>) {
    let (mut removed, mut looked_at, mut last, mut empty) = (0, 0, None, Vec::new());
    for (key, value) in table.range_mut((from, Bound::Unbounded)).take(keys_max.max(1)) {
        let (entries, is_empty) = prune(value);
        removed += entries;
        looked_at += 1;
        if is_empty {
            empty.push(key.clone());
        }
        last = Some(key.clone());
    }
    for key in &empty {
        table.remove(key);
    }
    (removed, last.filter(|_| looked_at == keys_max.max(1)))
}

/// Keeps what satisfies the condition; returns how many went, and whether none is left.
fn retain<T>(entries: &mut Vec<T>, keep: impl FnMut(&T) -> bool) -> (usize, bool) {
    let before = entries.len();
    entries.retain(keep);
    (before - entries.len(), entries.is_empty())
}
