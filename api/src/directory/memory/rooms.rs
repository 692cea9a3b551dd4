//! Which comets have members of a room.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::directory::{CometRef, LEFT_KEPT, RoomEntry, Version};
use crate::ids::RoomKey;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    pub(super) by_key: BTreeMap<RoomKey, Vec<Presence>>,
    /// Rooms left, oldest first: each is looked at again after [`LEFT_KEPT`].
    left: VecDeque<(Instant, RoomKey)>,
}

/// A comet's latest word about a room.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) comet: Arc<CometRef>,
    version: Version,
    /// It has no members any more. Kept for a while, so that an entering
    /// that was overtaken by this leaving does not bring it back.
    left_at: Option<Instant>,
}

impl Rooms {
    pub(super) fn enter(&mut self, comet: &Arc<CometRef>, entry: &RoomEntry) {
        self.tell(comet, entry, None);
    }

    pub(super) fn leave(&mut self, comet: &Arc<CometRef>, entry: &RoomEntry) {
        let now = Instant::now();
        self.tell(comet, entry, Some(now));
        self.left.push_back((now, entry.room.clone()));
    }

    pub(super) fn comets_of(
        &self,
        room: &RoomKey,
        live: impl Fn(&CometRef) -> bool,
    ) -> Option<Vec<CometRef>> {
        let present = self.by_key.get(room)?.iter().filter(|presence| presence.left_at.is_none());
        let comets: Vec<CometRef> = present
            .filter(|presence| live(&presence.comet))
            .map(|presence| (*presence.comet).clone())
            .collect();
        (!comets.is_empty()).then_some(comets)
    }

    fn tell(&mut self, comet: &Arc<CometRef>, entry: &RoomEntry, left_at: Option<Instant>) {
        self.forget_left();
        let presences = self.by_key.entry(entry.room.clone()).or_default();
        let told = Presence { comet: comet.clone(), version: entry.version, left_at };
        match presences.iter_mut().find(|presence| presence.comet.id == comet.id) {
            Some(recorded) => {
                #[cfg(feature = "simulation")]
                if left_at.is_some() && crate::planted::is(crate::planted::Bug::DisconnectWithoutVersion) {
                    *recorded = told;
                    return;
                }
                if (recorded.comet.epoch, recorded.version) < (comet.epoch, entry.version) {
                    *recorded = told;
                }
            }
            None => presences.push(told),
        }
    }

    /// Forgets leavings that nothing can be overtaken by any more.
    fn forget_left(&mut self) {
        while let Some((at, _)) = self.left.front()
            && at.elapsed() >= LEFT_KEPT
            && let Some((_, room)) = self.left.pop_front()
        {
            let Some(presences) = self.by_key.get_mut(&room) else { continue };
            presences.retain(|presence| presence.left_at.is_none_or(|at| at.elapsed() < LEFT_KEPT));
            if presences.is_empty() {
                self.by_key.remove(&room);
            }
        }
    }
}
