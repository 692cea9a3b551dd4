//! By which log-ins the connections of a shard were opened. Apart from them: a connection fills its size class of the
//! allocator, so that four bytes more in it would cost thirty-two.

/// Tags of log-ins by slot; 0 = none.
#[derive(Debug, Default)]
pub(crate) struct Logins(Vec<u32>);

impl Logins {
    pub(crate) fn set(&mut self, slot: u32, tag: u32) {
        let place = slot as usize;
        if place >= self.0.len() {
            if tag == 0 {
                return;
            }
            self.0.resize(place + 1, 0);
        }
        if let Some(known) = self.0.get_mut(place) {
            *known = tag;
        }
    }

    pub(crate) fn get(&self, slot: u32) -> u32 {
        self.0.get(slot as usize).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_what_was_said_of_it_last() {
        let mut logins = Logins::default();
        logins.set(9, 0);
        assert!(logins.0.is_empty(), "nothing is kept for nothing");
        logins.set(3, 7);
        logins.set(1, 8);
        assert_eq!((logins.get(3), logins.get(1), logins.get(0), logins.get(99)), (7, 8, 0, 0));
        logins.set(3, 0);
        assert_eq!(logins.get(3), 0);
    }
}
