//! The rooms of the comet: how many members each shard has, and whether the directory knows.
//!
//! The first member makes an entry with a new version, which must be recorded before anybody is told that they joined. The
//! last one to leave removes it, with a later version: the directory keeps whatever is later, in whichever order it hears
//! of them.

use std::collections::{HashMap, HashSet};

use oort_api::RoomKey;
use oort_api::directory::Version;
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::RoomRef;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::{Notify, watch};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorded {
    /// Nobody has asked for it, or asking failed.
    No,
    /// It is being asked for.
    Asked,
    /// The directory has it.
    Yes,
}

#[derive(Debug)]
struct Entry {
    /// Members by shard.
    members: SmallVec<[u32; 4]>,
    version: Version,
    recorded: Recorded,
}

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<RoomKey, Entry>,
    to_enter: Vec<RoomKey>,
    /// goim's rooms whose count changed since the last renewal.
    counts_changed: HashSet<RoomKey>,
}

/// The rooms of the comet.
#[derive(Debug)]
pub(crate) struct RoomRegister {
    inner: Mutex<Inner>,
    shards: usize,
    /// Wakes who records entries.
    wake: Notify,
    /// Rises when entries were recorded, or could not be.
    rounds: watch::Sender<u64>,
}

impl Entry {
    fn total(&self) -> u32 {
        self.members.iter().sum()
    }
}

impl RoomRegister {
    pub(crate) fn new(shards: usize) -> Self {
        Self { inner: Mutex::default(), shards, wake: Notify::new(), rounds: watch::Sender::new(0) }
    }

    /// Counts new members on a shard. `version` is taken when they are the comet's first.
    pub(crate) fn join(&self, key: &RoomKey, shard: u16, count: u32, version: impl FnOnce() -> Version) {
        let mut inner = self.inner.lock();
        let shards = self.shards;
        if let Some(entry) = inner.rooms.get_mut(key) {
            add(entry, shard, count);
        } else {
            let members = SmallVec::from_elem(0, shards);
            let mut entry = Entry { members, version: version(), recorded: Recorded::No };
            add(&mut entry, shard, count);
            inner.rooms.insert(key.clone(), entry);
        }
        inner.note_count(key);
    }

    /// Counts members of a shard that left. The entry to remove from the directory, when they were the comet's last.
    pub(crate) fn leave(
        &self,
        key: &RoomKey,
        shard: u16,
        count: u32,
        version: impl FnOnce() -> Version,
    ) -> Option<RoomRef> {
        let mut inner = self.inner.lock();
        inner.note_count(key);
        let entry = inner.rooms.get_mut(key)?;
        if let Some(members) = entry.members.get_mut(usize::from(shard)) {
            *members = members.saturating_sub(count);
        }
        if entry.total() > 0 {
            return None;
        }
        inner.rooms.remove(key);
        Some(RoomRef { room: key.as_str().to_owned(), version: version() })
    }

    /// The shards with members, a bit each.
    pub(crate) fn shards_of(&self, key: &str) -> u64 {
        let inner = self.inner.lock();
        let members = inner.rooms.get(key).map(|entry| entry.members.as_slice()).unwrap_or_default();
        members
            .iter()
            .enumerate()
            .filter(|&(_, &count)| count > 0)
            .fold(0, |mask, (shard, _)| mask | 1 << shard)
    }

    /// Returns when the directory has all of these rooms that still have members.
    ///
    /// # Errors
    /// The directory could not be told.
    pub(crate) async fn ensure(&self, keys: &[RoomKey]) -> Result<(), Refusal> {
        let mut rounds = self.rounds.subscribe();
        let mut is_first = true;
        loop {
            match self.inner.lock().ask_for(keys, is_first) {
                Recorded::Yes => return Ok(()),
                Recorded::No => return Err(Refusal::new(Code::Unavailable, "rooms cannot be entered now")),
                Recorded::Asked => {}
            }
            is_first = false;
            self.wake.notify_one();
            if rounds.changed().await.is_err() {
                return Err(Refusal::new(Code::Draining, "the server is shutting down"));
            }
        }
    }

    /// Waits until a room is to be recorded.
    pub(crate) async fn something_to_enter(&self) {
        self.wake.notified().await;
    }

    /// The next rooms to record, at most so many.
    pub(crate) fn take_entries(&self, count_max: usize) -> Vec<RoomRef> {
        let mut inner = self.inner.lock();
        let Inner { rooms, to_enter, .. } = &mut *inner;
        let count = to_enter.len().min(count_max);
        let entry = |key: RoomKey| {
            let version = rooms.get(&key)?.version;
            Some(RoomRef { room: key.as_str().to_owned(), version })
        };
        to_enter.drain(..count).filter_map(entry).collect()
    }

    /// Says how the recording of these went.
    pub(crate) fn entered(&self, entries: &[RoomRef], is_recorded: bool) {
        let mut inner = self.inner.lock();
        for RoomRef { room, version } in entries {
            if let Some(entry) = inner.rooms.get_mut(room.as_str()).filter(|entry| entry.version == *version)
            {
                entry.recorded = if is_recorded { Recorded::Yes } else { Recorded::No };
            }
        }
        drop(inner);
        self.rounds.send_modify(|round| *round += 1);
    }

    /// Every room, to be announced again.
    pub(crate) fn all(&self) -> Vec<RoomRef> {
        let inner = self.inner.lock();
        let reference = |(key, entry): (&RoomKey, &Entry)| RoomRef {
            room: key.as_str().to_owned(),
            version: entry.version,
        };
        inner.rooms.iter().map(reference).collect()
    }

    /// Members of goim's rooms whose count changed since the last call; 0 for those that are gone.
    pub(crate) fn take_counts(&self) -> HashMap<String, i32> {
        let mut inner = self.inner.lock();
        let changed = std::mem::take(&mut inner.counts_changed);
        let count = |key: &RoomKey| inner.rooms.get(key).map_or(0, Entry::total);
        changed
            .iter()
            .map(|key| (key.as_str().to_owned(), i32::try_from(count(key)).unwrap_or(i32::MAX)))
            .collect()
    }

    /// Puts counts back that could not be told.
    pub(crate) fn counts_not_told(&self, counts: HashMap<String, i32>) {
        let keys = counts.into_keys().filter_map(|key| RoomKey::new(key).ok());
        self.inner.lock().counts_changed.extend(keys);
    }

    /// The names of all rooms.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inner.lock().rooms.keys().map(|key| key.as_str().to_owned()).collect()
    }
}

fn add(entry: &mut Entry, shard: u16, count: u32) {
    if let Some(members) = entry.members.get_mut(usize::from(shard)) {
        *members = members.saturating_add(count);
    }
}

impl Inner {
    fn note_count(&mut self, key: &RoomKey) {
        if key.conversation().is_none() && !key.is_watch() && !self.counts_changed.contains(key) {
            self.counts_changed.insert(key.clone());
        }
    }

    /// Whether all are recorded; asks for those that are not, if `is_first`.
    fn ask_for(&mut self, keys: &[RoomKey], is_first: bool) -> Recorded {
        let mut all = Recorded::Yes;
        for key in keys {
            let Some(entry) = self.rooms.get_mut(key) else { continue };
            match entry.recorded {
                Recorded::Yes => {}
                Recorded::Asked => all = Recorded::Asked,
                Recorded::No if is_first => {
                    entry.recorded = Recorded::Asked;
                    self.to_enter.push(key.clone());
                    all = Recorded::Asked;
                }
                Recorded::No => return Recorded::No,
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> RoomKey {
        RoomKey::new(text).unwrap()
    }

    #[tokio::test]
    async fn nobody_is_told_before_the_room_is_recorded() {
        let rooms = RoomRegister::new(2);
        rooms.join(&key("7"), 1, 1, || 10);
        let keys = [key("7")];
        let mut first = tokio_test(rooms.ensure(&keys));
        assert!(first.is_pending());
        rooms.join(&key("7"), 0, 1, || unreachable!("it has members"));
        let mut second = tokio_test(rooms.ensure(&keys));
        assert!(second.is_pending());
        let entries = rooms.take_entries(10);
        assert_eq!(entries, [RoomRef { room: "7".into(), version: 10 }]);
        rooms.entered(&entries, true);
        assert_eq!((first.now(), second.now()), (Some(Ok(())), Some(Ok(()))));
        assert_eq!(rooms.shards_of("7"), 0b11);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_next_one_asks_again() {
        let rooms = RoomRegister::new(1);
        rooms.join(&key("7"), 0, 1, || 1);
        let keys = [key("7")];
        let mut first = tokio_test(rooms.ensure(&keys));
        assert!(first.is_pending());
        rooms.entered(&rooms.take_entries(10), false);
        assert!(matches!(first.now(), Some(Err(_))));
        let mut second = tokio_test(rooms.ensure(&keys));
        assert!(second.is_pending());
        rooms.entered(&rooms.take_entries(10), true);
        assert_eq!(second.now(), Some(Ok(())));
    }

    #[test]
    fn the_last_to_leave_has_a_later_version() {
        let rooms = RoomRegister::new(2);
        rooms.join(&key("live://1"), 0, 2, || 5);
        rooms.join(&key("live://1"), 1, 1, || 6);
        assert_eq!(rooms.leave(&key("live://1"), 0, 2, || 7), None);
        assert_eq!(rooms.take_counts(), HashMap::from([("live://1".to_owned(), 1)]));
        let left = rooms.leave(&key("live://1"), 1, 1, || 8);
        assert_eq!(left, Some(RoomRef { room: "live://1".into(), version: 8 }));
        assert_eq!(rooms.take_counts(), HashMap::from([("live://1".to_owned(), 0)]));
        assert_eq!((rooms.shards_of("live://1"), rooms.all()), (0, Vec::new()));
    }

    #[test]
    fn a_round_for_an_earlier_entry_changes_nothing() {
        let rooms = RoomRegister::new(1);
        rooms.join(&key("7"), 0, 1, || 1);
        let old = [RoomRef { room: "7".into(), version: 1 }];
        rooms.leave(&key("7"), 0, 1, || 2);
        rooms.join(&key("7"), 0, 1, || 3);
        rooms.entered(&old, true);
        assert_eq!(rooms.inner.lock().rooms[&key("7")].recorded, Recorded::No);
    }

    /// Polls a future by hand.
    struct ByHand<F>(std::pin::Pin<Box<F>>);

    fn tokio_test<F: Future>(future: F) -> ByHand<F> {
        ByHand(Box::pin(future))
    }

    impl<F: Future> ByHand<F> {
        fn now(&mut self) -> Option<F::Output> {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match self.0.as_mut().poll(&mut context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            }
        }

        fn is_pending(&mut self) -> bool {
            self.now().is_none()
        }
    }
}
