//! The rooms of a shard: dense arrays of members. Sans-I/O.
//!
//! A membership costs sixteen bytes: eight in the room's array, eight in the
//! connection's. Each side knows its place in the other, so leaving is a
//! `swap_remove` on both.

use std::collections::HashMap;

use oort_api::RoomKey;
use slab::Slab;
use smallvec::SmallVec;

/// A member, as its room knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Slot of the connection in the shard's slab.
    pub(crate) slot: u32,
    /// Place of the room in the connection's [`Memberships`].
    place: u32,
}

/// A room, as a member knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Index of the room in [`Rooms`].
    room: u32,
    /// Place of the connection in the room's members.
    place: u32,
}

/// The rooms of one connection; a single one takes no memory beside it.
pub(crate) type Memberships = SmallVec<[Membership; 1]>;

#[derive(Debug)]
struct Room {
    key: RoomKey,
    members: Vec<Member>,
}

/// The rooms with members on this shard.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    index: HashMap<RoomKey, u32>,
    rooms: Slab<Room>,
}

/// Where a connection's memberships are found, to keep places true when another leaves.
pub(crate) trait MembershipsOf {
    /// Calls `change` with the memberships of the connection at `slot`.
    fn memberships(&self, slot: u32, change: impl FnOnce(&mut Memberships));
}

fn small(index: usize) -> u32 {
    // Slots and places are bounded by the file descriptors of a process.
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Rooms {
    /// The members of a room; none if it has none.
    pub(crate) fn members(&self, key: &RoomKey) -> &[Member] {
        let room = self.index.get(key).and_then(|&index| self.rooms.get(index as usize));
        room.map_or(&[], |room| &room.members)
    }

    /// Whether a connection with these memberships is in the room.
    pub(crate) fn contains(&self, memberships: &Memberships, key: &RoomKey) -> bool {
        self.index.get(key).is_some_and(|&index| memberships.iter().any(|held| held.room == index))
    }

    /// The room's own copy of its key, while it has members: what holds on to it shares its memory.
    pub(crate) fn own_key(&self, key: &RoomKey) -> Option<RoomKey> {
        self.index.get_key_value(key).map(|(own, _)| own.clone())
    }

    /// The rooms a connection with these memberships is in by what it watches.
    pub(crate) fn watched(&self, memberships: &Memberships) -> Vec<RoomKey> {
        let rooms = memberships.iter().filter_map(|held| self.rooms.get(held.room as usize));
        rooms.map(|room| &room.key).filter(|key| key.is_watch()).cloned().collect()
    }

    /// Adds the connection at `slot`. False if it was a member already.
    pub(crate) fn join(&mut self, key: &RoomKey, slot: u32, memberships: &mut Memberships) -> bool {
        let index = match self.index.get(key) {
            Some(&index) => index,
            None => {
                let index = small(self.rooms.insert(Room { key: key.clone(), members: Vec::new() }));
                self.index.insert(key.clone(), index);
                index
            }
        };
        if memberships.iter().any(|held| held.room == index) {
            return false;
        }
        if let Some(room) = self.rooms.get_mut(index as usize) {
            memberships.push(Membership { room: index, place: small(room.members.len()) });
            room.members.push(Member { slot, place: small(memberships.len() - 1) });
        }
        true
    }

    /// Removes the connection whose memberships these are from one room. False if it was no member.
    pub(crate) fn leave(
        &mut self,
        key: &RoomKey,
        memberships: &mut Memberships,
        others: &impl MembershipsOf,
    ) -> bool {
        let Some(&index) = self.index.get(key) else { return false };
        let Some(at) = memberships.iter().position(|held| held.room == index) else { return false };
        let left = memberships.swap_remove(at);
        if let Some(moved) = memberships.get(at)
            && let Some(room) = self.rooms.get_mut(moved.room as usize)
            && let Some(member) = room.members.get_mut(moved.place as usize)
        {
            member.place = small(at);
        }
        self.drop_member(left, others);
        true
    }

    /// Removes a connection from all its rooms and tells which they were.
    pub(crate) fn leave_all(
        &mut self,
        memberships: Memberships,
        others: &impl MembershipsOf,
    ) -> Vec<RoomKey> {
        memberships.into_iter().filter_map(|held| self.drop_member(held, others)).collect()
    }

    /// Takes a member out of a room's array, and the room away when it was the last.
    fn drop_member(&mut self, held: Membership, others: &impl MembershipsOf) -> Option<RoomKey> {
        let room = self.rooms.get_mut(held.room as usize)?;
        room.members.swap_remove(held.place as usize);
        if let Some(moved) = room.members.get(held.place as usize).copied() {
            others.memberships(moved.slot, |memberships| {
                if let Some(theirs) = memberships.get_mut(moved.place as usize) {
                    theirs.place = held.place;
                }
            });
        }
        let key = room.key.clone();
        if room.members.is_empty() {
            self.index.remove(&key);
            self.rooms.remove(held.room as usize);
        } else if room.members.len() * 4 < room.members.capacity() {
            room.members.shrink_to(room.members.len() * 2);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Connections whose memberships can be borrowed one by one.
    struct World(Vec<RefCell<Memberships>>);

    impl MembershipsOf for World {
        fn memberships(&self, slot: u32, change: impl FnOnce(&mut Memberships)) {
            change(&mut self.0[slot as usize].borrow_mut());
        }
    }

    fn key(room: u8) -> RoomKey {
        RoomKey::new(format!("t://{room}")).unwrap()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Join(u32, u8),
        Leave(u32, u8),
        Gone(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u32..8, 0u8..5).prop_map(|(slot, room)| Step::Join(slot, room)),
            2 => (0u32..8, 0u8..5).prop_map(|(slot, room)| Step::Leave(slot, room)),
            1 => (0u32..8).prop_map(Step::Gone),
        ]
    }

    proptest! {
        #[test]
        fn rooms_are_the_sets_they_stand_for(steps in proptest::collection::vec(step(), 0..120)) {
            let world = World((0..8).map(|_| RefCell::default()).collect());
            let mut rooms = Rooms::default();
            let mut model: BTreeSet<(u8, u32)> = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Join(slot, room) => {
                        let mut held = world.0[slot as usize].borrow_mut();
                        prop_assert_eq!(rooms.join(&key(room), slot, &mut held), model.insert((room, slot)));
                    }
                    Step::Leave(slot, room) => {
                        let mut held = std::mem::take(&mut *world.0[slot as usize].borrow_mut());
                        let left = rooms.leave(&key(room), &mut held, &world);
                        *world.0[slot as usize].borrow_mut() = held;
                        prop_assert_eq!(left, model.remove(&(room, slot)));
                    }
                    Step::Gone(slot) => {
                        let held = std::mem::take(&mut *world.0[slot as usize].borrow_mut());
                        let left = rooms.leave_all(held, &world);
                        let before = model.len();
                        model.retain(|&(_, member)| member != slot);
                        prop_assert_eq!(left.len(), before - model.len());
                    }
                }
                for room in 0..5 {
                    let members: BTreeSet<u32> = rooms.members(&key(room)).iter().map(|m| m.slot).collect();
                    let expected: BTreeSet<u32> =
                        model.iter().filter(|(of, _)| *of == room).map(|&(_, slot)| slot).collect();
                    prop_assert_eq!(rooms.members(&key(room)).len(), expected.len());
                    prop_assert_eq!(members, expected);
                }
            }
        }
    }
}
