//! Typing of a JSON client, on its way to logic. Nobody waits for it, and it is never answered.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use oort_api::RoomKey;
use oort_api::codec::envelope::Typing;
use oort_api::pb::oort::v1::TypingCommand;
use oort_api::pb::oort::v1::receive_request::Command;

use super::json::receive;
use crate::connection::Connection;
use crate::connection::drive::Job;
use crate::shard::Shard;

/// A connection, by its version, and a conversation.
type Place = (i64, i64);

/// Lets the first through and holds what follows within the interval. Sans-I/O, bounded.
#[derive(Debug)]
pub(crate) struct TypingGate {
    interval_ms: u64,
    remembered_max: usize,
    told: HashSet<Place>,
    /// When each may tell again, in order.
    by_time: VecDeque<(u64, Place)>,
}

impl TypingGate {
    pub(crate) fn new(interval_ms: u64, remembered_max: usize) -> Self {
        Self { interval_ms, remembered_max, told: HashSet::new(), by_time: VecDeque::new() }
    }

    pub(crate) fn admit(&mut self, place: Place, now_ms: u64) -> bool {
        while let Some(&(until_ms, over)) = self.by_time.front()
            && until_ms <= now_ms
        {
            self.by_time.pop_front();
            self.told.remove(&over);
        }
        if self.told.len() >= self.remembered_max || !self.told.insert(place) {
            return false;
        }
        self.by_time.push_back((now_ms.saturating_add(self.interval_ms), place));
        true
    }
}

/// What tells logic; `None`: it is not told.
pub(crate) fn begin(shard: &Rc<Shard>, connection: &Rc<Connection>, typing: Typing) -> Option<Job> {
    let Typing { conversation, active } = typing;
    if !shard.may_type(connection, conversation.get()) {
        shard.node.metrics.typing_dropped.inc();
        return None;
    }
    let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
    Some(Box::pin(async move {
        let is_member = shard.is_member(&connection, &RoomKey::from(conversation));
        let command = TypingCommand { conversation: conversation.get(), active, is_member };
        if receive(&shard, &connection, Command::Typing(command)).await.is_err() {
            shard.node.metrics.typing_dropped.inc();
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_an_interval_for_each_conversation_within_the_bound() {
        let mut gate = TypingGate::new(100, 2);
        assert!(gate.admit((1, 7), 0));
        assert!(!gate.admit((1, 7), 99));
        assert!(gate.admit((1, 8), 50), "another conversation");
        assert!(!gate.admit((2, 7), 60), "there is no room for a third");
        assert!(gate.admit((1, 7), 100) && !gate.admit((1, 8), 149) && gate.admit((1, 8), 150));
        assert!(gate.admit((3, 9), 1000) && gate.told.len() == 1 && gate.by_time.len() == 1);
    }
}
