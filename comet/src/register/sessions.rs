//! The sessions of the comet, by user and by the keys that clients chose.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use oort_api::SessionKey;
use parking_lot::Mutex;

use super::ConnectionId;

/// Where a user is. Most are in one place: that takes no more than its name.
#[expect(clippy::box_collection, reason = "a word, for what is seldom")]
#[derive(Debug)]
enum Places {
    One {
        shard: u16,
        slot: u32,
        version: i64,
    },
    /// More.
    Some(Box<Vec<ConnectionId>>),
}

#[derive(Debug, Default)]
struct Inner {
    users: HashMap<i64, Places>,
    keys: HashMap<SessionKey, ConnectionId>,
    addresses: HashMap<IpAddr, u32>,
}

impl Places {
    fn one(ConnectionId { shard, slot, version }: ConnectionId) -> Self {
        Self::One { shard, slot, version }
    }

    fn each(&self, mut found: impl FnMut(ConnectionId)) {
        match self {
            &Self::One { shard, slot, version } => found(ConnectionId { shard, slot, version }),
            Self::Some(ids) => ids.iter().copied().for_each(found),
        }
    }

    fn add(&mut self, id: ConnectionId) {
        match self {
            &mut Self::One { shard, slot, version } => {
                *self = Self::Some(Box::new(vec![ConnectionId { shard, slot, version }, id]));
            }
            Self::Some(ids) => ids.push(id),
        }
    }

    /// False: nothing is left.
    fn remove(&mut self, id: ConnectionId) -> bool {
        match self {
            &mut Self::One { shard, slot, version } => ConnectionId { shard, slot, version } != id,
            Self::Some(ids) => {
                ids.retain(|held| *held != id);
                if let [last] = ids[..] {
                    *self = Self::one(last);
                    return true;
                }
                !ids.is_empty()
            }
        }
    }
}

/// The sessions of the comet.
#[derive(Debug, Default)]
pub(crate) struct SessionRegister(Mutex<Inner>);

impl SessionRegister {
    /// Adds a session. `user` 0 = nobody's. The connection that had the key before, if any: it is to be closed.
    pub(crate) fn add(&self, id: ConnectionId, user: i64, key: Option<&SessionKey>) -> Option<ConnectionId> {
        let mut inner = self.0.lock();
        if user > 0 {
            match inner.users.entry(user) {
                Entry::Occupied(mut known) => known.get_mut().add(id),
                Entry::Vacant(new) => _ = new.insert(Places::one(id)),
            }
        }
        key.and_then(|key| inner.keys.insert(key.clone(), id))
    }

    /// Removes a session; a key that another connection has taken over stays.
    pub(crate) fn remove(&self, id: ConnectionId, user: i64, key: Option<&SessionKey>) {
        let mut inner = self.0.lock();
        if let Entry::Occupied(mut known) = inner.users.entry(user)
            && !known.get_mut().remove(id)
        {
            known.remove();
        }
        if let Some(key) = key
            && inner.keys.get(key) == Some(&id)
        {
            inner.keys.remove(key);
        }
    }

    /// Calls `found` with each session of the users, `missing` with each user that has none here.
    pub(crate) fn of_users(
        &self,
        users: &[i64],
        mut found: impl FnMut(ConnectionId),
        mut missing: impl FnMut(i64),
    ) {
        let inner = self.0.lock();
        for user in users {
            match inner.users.get(user) {
                Some(places) => places.each(&mut found),
                None => missing(*user),
            }
        }
    }

    /// The connection with a key that its client chose.
    pub(crate) fn of_key(&self, key: &str) -> Option<ConnectionId> {
        self.0.lock().keys.get(key).copied()
    }

    /// Counts a socket from an address.
    pub(crate) fn arrived(&self, address: IpAddr) {
        *self.0.lock().addresses.entry(address).or_default() += 1;
    }

    /// Counts a socket from an address as gone.
    pub(crate) fn left(&self, address: IpAddr) {
        let mut inner = self.0.lock();
        if let Some(count) = inner.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                inner.addresses.remove(&address);
            }
        }
    }

    /// Distinct addresses.
    pub(crate) fn addresses(&self) -> usize {
        self.0.lock().addresses.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(slot: u32) -> ConnectionId {
        ConnectionId { shard: 0, slot, version: slot.into() }
    }

    #[test]
    fn a_user_is_found_in_all_places_and_then_in_none() {
        assert_eq!(size_of::<Places>(), 16);
        let register = SessionRegister::default();
        (1..=3).for_each(|slot| _ = register.add(id(slot), 7, None));
        for left in [vec![1, 3], vec![3], vec![]] {
            let gone = [2, 1, 3][2 - left.len()];
            register.remove(id(gone), 7, None);
            // A second time changes nothing.
            register.remove(id(gone), 7, None);
            let mut found = Vec::new();
            register.of_users(&[7], |id| found.push(id.slot), |_| {});
            assert_eq!(found, left);
        }
        assert!(register.0.lock().users.is_empty());
    }

    #[test]
    fn a_late_end_does_not_remove_who_took_the_key_over() {
        let register = SessionRegister::default();
        let key = SessionKey::new("k").unwrap();
        assert_eq!(register.add(id(1), 7, Some(&key)), None);
        assert_eq!(register.add(id(2), 7, Some(&key)), Some(id(1)));
        register.remove(id(1), 7, Some(&key));
        assert_eq!(register.of_key("k"), Some(id(2)));
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        register.of_users(&[7, 8], |id| found.push(id), |user| missing.push(user));
        assert_eq!((found, missing), (vec![id(2)], vec![8]));
    }
}
