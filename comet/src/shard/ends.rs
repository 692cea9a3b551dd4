//! When the tokens of connections end, by slot. Sans-I/O. It holds nothing until the first token that ends.

/// The end of a connection's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    /// The turn of the wheel.
    turn: u32,
    /// It has come: this is the end of what was left to the connection.
    is_last: bool,
}

/// Ends by slot.
#[derive(Debug, Default)]
pub(crate) struct Ends(Vec<Option<End>>);

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing, for so many turns.
    Not(u32),
    /// The token has ended.
    Token,
    /// What was left after that has passed, too.
    Session,
}

impl Ends {
    /// The token of this slot's connection ends at a turn of the wheel.
    pub(crate) fn set(&mut self, slot: u32, turn: u32) {
        self.put(slot, Some(End { turn, is_last: false }));
    }

    /// It has ended, and the connection has until this turn.
    pub(crate) fn leave(&mut self, slot: u32, turn: u32) {
        self.put(slot, Some(End { turn, is_last: true }));
    }

    /// The connection is gone.
    pub(crate) fn forget(&mut self, slot: u32) {
        if let Some(end) = self.0.get_mut(slot as usize) {
            *end = None;
        }
    }

    fn put(&mut self, slot: u32, end: Option<End>) {
        let slot = slot as usize;
        if self.0.len() <= slot {
            self.0.resize(slot + 1, None);
        }
        if let Some(place) = self.0.get_mut(slot) {
            *place = end;
        }
    }

    /// What is due at this turn.
    pub(crate) fn due(&self, slot: u32, now: u32) -> Due {
        let Some(Some(end)) = self.0.get(slot as usize) else { return Due::Not(u32::MAX) };
        let left = end.turn.wrapping_sub(now);
        // Turns wrap: what lies more than half of them ahead lies behind.
        match (left > 0 && left <= u32::MAX / 2, end.is_last) {
            (true, _) => Due::Not(left),
            (false, false) => Due::Token,
            (false, true) => Due::Session,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_the_token_ends_and_then_the_session() {
        let mut ends = Ends::default();
        assert_eq!(ends.due(7, 0), Due::Not(u32::MAX));
        ends.set(7, 2);
        assert_eq!((ends.due(7, u32::MAX), ends.due(7, 1)), (Due::Not(3), Due::Not(1)));
        assert_eq!((ends.due(7, 2), ends.due(7, 9)), (Due::Token, Due::Token));
        ends.leave(7, 12);
        assert_eq!((ends.due(7, 11), ends.due(7, 12)), (Due::Not(1), Due::Session));
        assert_eq!((ends.due(6, 12), ends.due(8, 12)), (Due::Not(u32::MAX), Due::Not(u32::MAX)));
        ends.forget(7);
        ends.forget(8);
        assert_eq!(ends.due(7, 12), Due::Not(u32::MAX));
    }
}
