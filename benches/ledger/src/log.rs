//! What a device has of its conversations, kept as docs/protocol.md asks of clients ("Resume"): whole up to some seq,
//! whatever its connections do.

/// All conversations of one device.
#[derive(Debug)]
pub struct Log {
    rooms: Vec<Option<Room>>,
    /// Messages taken in, each once.
    pub delivered: u64,
    /// Of these, pulled from history.
    pub pulled: u64,
    /// Messages that came again over a healthy connection.
    pub duplicated: u64,
    /// Messages that came before an earlier one over a healthy connection.
    pub reordered: u64,
}

#[derive(Debug, Default)]
struct Room {
    /// Seq before the first message that the device is to have.
    base: i64,
    /// Everything up to it is there.
    last: i64,
    /// What is not newer may come again over this connection: it was there before, or was pulled.
    may_repeat: i64,
    /// The newest seq that is known to exist.
    head: i64,
    /// A page is under way.
    pulling: bool,
    /// Something was left out since it was asked for: it may be too old.
    again: bool,
}

impl Room {
    /// The seq to pull from, if anything is missing and no page is under way.
    fn pull(&mut self) -> Option<i64> {
        let wanted = self.head > self.last && !self.pulling;
        self.pulling |= wanted;
        wanted.then_some(self.last)
    }
}

impl Log {
    /// Of a device that will have everything of its conversations that is newer than these heads.
    #[must_use]
    pub fn new(rooms: usize, bases: impl IntoIterator<Item = (usize, i64)>) -> Self {
        let mut log = Self {
            rooms: (0..rooms).map(|_| None).collect(),
            delivered: 0,
            pulled: 0,
            duplicated: 0,
            reordered: 0,
        };
        for (room, base) in bases {
            log.rooms[room] =
                Some(Room { base, last: base, may_repeat: base, head: base, pulling: false, again: false });
        }
        log
    }

    /// A new connection begins with these heads; returns what to pull: (conversation, seq to pull from).
    pub fn connected(&mut self, heads: impl IntoIterator<Item = (usize, i64)>) -> Vec<(usize, i64)> {
        for room in self.rooms.iter_mut().flatten() {
            (room.pulling, room.again, room.may_repeat) = (false, false, room.last);
        }
        heads.into_iter().filter_map(|(index, head)| Some((index, self.head(index, head)?))).collect()
    }

    /// A conversation is known to reach to `head`; returns the seq to pull from if something is missing.
    pub fn head(&mut self, room: usize, head: i64) -> Option<i64> {
        let room = self.rooms.get_mut(room)?.as_mut()?;
        room.head = room.head.max(head);
        room.pull()
    }

    /// The server says that something of `room` was left out; returns the seq to pull from.
    pub fn behind(&mut self, room: usize, head: i64) -> Option<i64> {
        let room = self.rooms.get_mut(room)?.as_mut()?;
        room.head = room.head.max(head);
        room.again = room.pulling;
        room.pulling = true;
        (!room.again).then_some(room.last)
    }

    /// A live message. True: it is the next one, so its way counts; false: known, or to be pulled.
    pub fn live(&mut self, room: usize, seq: i64) -> bool {
        let Some(room) = self.rooms.get_mut(room).and_then(Option::as_mut) else { return false };
        room.head = room.head.max(seq);
        if seq == room.last + 1 {
            room.last = seq;
            self.delivered += 1;
            return true;
        }
        let healthy = !room.pulling;
        self.duplicated += u64::from(healthy && seq <= room.last && seq > room.may_repeat);
        self.reordered += u64::from(healthy && seq > room.last);
        false
    }

    /// A page that was pulled, oldest first; returns the seq to pull the next one from.
    pub fn page(&mut self, room: usize, seqs: impl IntoIterator<Item = i64>, more: bool) -> Option<i64> {
        let room = self.rooms.get_mut(room)?.as_mut()?;
        for seq in seqs {
            if seq == room.last + 1 {
                room.last = seq;
                self.delivered += 1;
                self.pulled += 1;
            }
            room.may_repeat = room.may_repeat.max(seq);
        }
        room.pulling = more || std::mem::take(&mut room.again);
        if room.pulling { Some(room.last) } else { room.pull() }
    }

    /// The next seq to pull from in any conversation that is known to have more.
    pub fn missing(&mut self) -> Option<(usize, i64)> {
        let mut rooms = self.rooms.iter_mut().enumerate();
        rooms.find_map(|(index, room)| Some((index, room.as_mut()?.pull()?)))
    }

    /// Whether everything up to `head` of `room` is there; of conversations that are not the device's it is.
    #[must_use]
    pub fn has(&self, room: usize, head: i64) -> bool {
        self.rooms.get(room).and_then(Option::as_ref).is_none_or(|room| room.last >= head.max(room.base))
    }

    /// Everything newer than the first and up to the second is there; `None` when the device is not in it.
    #[must_use]
    pub fn span(&self, room: usize) -> Option<(i64, i64)> {
        self.rooms.get(room)?.as_ref().map(|room| (room.base, room.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log::new(2, [(0, 2)])
    }

    #[test]
    fn live_messages_extend_it() {
        let mut log = log();
        assert!((3..=6).all(|seq| log.live(0, seq)));
        assert!(!log.live(1, 1), "not its conversation");
        assert!(log.has(0, 6) && !log.has(0, 7) && log.has(1, 9));
        assert_eq!((log.delivered, log.duplicated, log.reordered, log.span(0)), (4, 0, 0, Some((2, 6))));
    }

    #[test]
    fn a_healthy_connection_neither_repeats_nor_disorders() {
        let mut log = log();
        for seq in [3, 3, 5, 4] {
            log.live(0, seq);
        }
        assert_eq!((log.delivered, log.duplicated, log.reordered), (2, 1, 1));
        assert_eq!(log.missing(), Some((0, 4)), "5 is pulled");
        assert_eq!(log.page(0, [5], false), None);
        assert!(log.has(0, 5));
    }

    #[test]
    fn what_was_missed_is_pulled_while_more_comes_live() {
        let mut log = log();
        log.live(0, 3);
        assert_eq!(log.connected([(0, 7)]), [(0, 3)]);
        // Live while a page is under way: not the next one, so the pull has to bring it.
        assert!(!log.live(0, 8));
        assert_eq!(log.page(0, [4, 5], true), Some(5));
        assert_eq!(log.page(0, [6, 7], false), Some(7), "8 is known to exist");
        assert_eq!(log.page(0, [8], false), None);
        // Sent before the page was read: known, and no fault.
        assert!(!log.live(0, 8) && log.live(0, 9));
        assert_eq!((log.delivered, log.pulled, log.duplicated, log.reordered), (7, 5, 0, 0));
    }

    #[test]
    fn repeats_after_a_reconnect_are_no_fault() {
        let mut log = log();
        log.live(0, 3);
        assert_eq!(log.connected([(0, 3)]), []);
        log.live(0, 3);
        assert_eq!(log.duplicated, 0);
        log.live(0, 4);
        log.live(0, 4);
        assert_eq!(log.duplicated, 1);
    }

    #[test]
    fn behind_without_a_head_pulls_once() {
        let mut log = log();
        assert_eq!(log.behind(0, 0), Some(2));
        assert_eq!(log.behind(0, 0), None, "a page is under way");
        assert_eq!(log.page(0, [3], false), Some(3), "it may be too old");
        assert_eq!(log.page(0, [4], false), None);
        assert!(log.live(0, 5));
    }
}
