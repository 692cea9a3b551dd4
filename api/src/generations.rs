//! A bounded map that forgets what was not used for longest, roughly, in
//! constant time: two generations, the older one dropped when the younger is full.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map of bounded size. What was not used for longest goes first, roughly.
#[derive(Debug)]
pub struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation_max: usize,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    /// Holds at most `entries_max` entries.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation_max: (entries_max / 2).max(1) }
    }

    /// The entry, which counts as used now.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.old.is_empty()
            && !self.young.contains_key(key)
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Adds an entry, or replaces it; it counts as used now.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.generation_max && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Removes an entry.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_bound_and_keeps_what_is_used() {
        let mut map = Generations::new(8);
        map.insert(0, "used");
        for key in 1..1000 {
            map.insert(key, "once");
            assert_eq!(map.get_mut(&0).copied(), Some("used"), "after {key}");
            assert!(map.young.len() + map.old.len() <= 8);
        }
        assert!(map.get_mut(&1).is_none());
    }

    #[test]
    fn a_removed_entry_does_not_come_back() {
        let mut map = Generations::new(4);
        for key in 0..3 {
            map.insert(key, key);
        }
        map.insert(0, 100);
        assert_eq!(map.remove(&0), Some(100));
        assert!(map.get_mut(&0).is_none());
    }
}
