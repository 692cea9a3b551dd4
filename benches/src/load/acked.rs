//! What the server acknowledged: by conversation and seq, the number of the send.

/// Acks of a run. Conversations are counted from 0 in the order of the run's own list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Acked {
    rooms: Vec<Vec<u64>>,
    conflicts: u64,
}

impl Acked {
    /// Of `rooms` conversations, nothing acknowledged yet.
    pub(crate) fn new(rooms: usize) -> Self {
        Self { rooms: vec![Vec::new(); rooms], conflicts: 0 }
    }

    /// Send `number` was acknowledged as `seq` of `room`.
    pub(crate) fn insert(&mut self, room: usize, seq: i64, number: u64) {
        let (Some(log), Ok(at)) = (self.rooms.get_mut(room), usize::try_from(seq)) else {
            self.conflicts += 1;
            return;
        };
        if log.len() <= at {
            log.resize(at + 1, 0);
        }
        if let Some(place) = log.get_mut(at) {
            // The same answer twice is fine: a repeat gets the same seq.
            self.conflicts += u64::from(*place != 0 && *place != number);
            *place = number;
        }
    }

    /// Takes in what another thread was told.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.conflicts += other.conflicts;
        for (room, log) in other.rooms.iter().enumerate() {
            for (seq, number) in Self::entries(log) {
                self.insert(room, seq, number);
            }
        }
    }

    /// (seq, number of the send) of one conversation, by seq.
    pub(crate) fn of(&self, room: usize) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.rooms.get(room).into_iter().flat_map(|log| Self::entries(log))
    }

    /// The highest seq acknowledged in a conversation; 0 = none.
    pub(crate) fn head(&self, room: usize) -> i64 {
        self.rooms.get(room).map_or(0, |log| i64::try_from(log.len()).unwrap_or(i64::MAX) - 1).max(0)
    }

    /// Acks that gave two sends the same seq, or an impossible one.
    pub(crate) fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// All acks.
    pub(crate) fn len(&self) -> usize {
        (0..self.rooms.len()).map(|room| self.of(room).count()).sum()
    }

    fn entries(log: &[u64]) -> impl Iterator<Item = (i64, u64)> + '_ {
        (0..).zip(log.iter().copied()).filter(|(_, number)| *number != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sends_never_share_a_seq() {
        let mut acked = Acked::new(2);
        acked.insert(0, 2, 10);
        acked.insert(0, 2, 10);
        acked.insert(1, 5, 11);
        assert_eq!((acked.conflicts(), acked.len(), acked.head(0), acked.head(1)), (0, 2, 2, 5));
        let mut other = Acked::new(2);
        other.insert(0, 3, 12);
        other.insert(1, 5, 13);
        acked.merge(&other);
        assert_eq!((acked.conflicts(), acked.len(), acked.head(0)), (1, 3, 3));
        assert_eq!(acked.of(0).collect::<Vec<_>>(), [(2, 10), (3, 12)]);
        acked.insert(0, -1, 14);
        acked.insert(9, 1, 15);
        assert_eq!(acked.conflicts(), 3);
    }
}
