//! What messages to a shard do beside deliveries: membership, resync, census, drain.

use std::rc::Rc;

use oort_api::RoomKey;
use oort_api::codec::envelope::ServerFrame;

use super::Shard;
use super::inbox::{Inbound, Leaving, Whom};
use crate::connection::close::CloseReason;
use crate::connection::{Connection, Stage};

impl Shard {
    /// Does what a message says. Deliveries have their own way.
    pub(crate) fn apply(self: &Rc<Self>, message: Inbound) {
        match message {
            Inbound::Deliver { .. } => {}
            Inbound::Join { room, whom, done } => {
                self.join_all(&room, &whom);
                drop(done);
            }
            Inbound::Leave { room, whom, done } => {
                let typing = room.conversation().map(RoomKey::typing);
                for connection in self.sessions_of(&whom) {
                    self.leave(&connection, &room);
                    // Who is no member is not told who types either.
                    typing.iter().for_each(|typing| self.leave(&connection, typing));
                }
                drop(done);
            }
            Inbound::Resync { done } => {
                self.resync();
                drop(done);
            }
            Inbound::Close { id, reason } => {
                if let Some(connection) = self.connections.borrow().get(id) {
                    connection.close(&self.node, reason);
                }
            }
            Inbound::Census { reply } => {
                // Whoever asked may have given up.
                let _ = reply.send(self.census());
            }
            Inbound::SendAway(leaving) => self.send_away(leaving),
            Inbound::Drain { spread_ms } => self.drain(spread_ms),
        }
    }

    fn sessions_of(&self, whom: &Whom) -> Vec<Rc<Connection>> {
        let connections = self.connections.borrow();
        match whom {
            Whom::Connections(ids) => ids.iter().filter_map(|id| connections.get(*id).cloned()).collect(),
            Whom::Followers => connections
                .0
                .iter()
                .map(|(_, connection)| connection)
                .filter(|connection| connection.dialect.is_json() && connection.is_registered.get())
                .cloned()
                .collect(),
        }
    }

    fn join_all(&self, room: &RoomKey, whom: &Whom) {
        for connection in self.sessions_of(whom) {
            if !connection.is_closing()
                && let Err(reason) = self.join(&connection, room)
            {
                connection.close(&self.node, reason);
            }
        }
    }

    /// Frames were lost on the way here: sessions that can be told are told, the others are to connect again.
    fn resync(&self) {
        let all: Vec<Rc<Connection>> =
            self.connections.borrow().0.iter().map(|(_, connection)| Rc::clone(connection)).collect();
        for connection in all.iter().filter(|connection| connection.is_registered.get()) {
            if !connection.dialect.can_be_behind() {
                connection.close(&self.node, CloseReason::Resync);
            } else if connection.outbox.borrow_mut().miss_everything() {
                self.node.metrics.behind.inc();
                if !connection.outbox.borrow().has_backlog() {
                    connection.flush(&self.node);
                }
            }
        }
    }

    /// Tells some clients to go elsewhere: in the order of their slots, each once. Those that understand it open another
    /// connection before they leave this one; the others' connections end.
    fn send_away(&self, leaving: Leaving) {
        let Leaving { at_most, spread_ms, told } = leaving;
        let from = self.sent_away.get();
        let next: Vec<(usize, Rc<Connection>)> = {
            let connections = self.connections.borrow();
            let waiting = connections.0.iter().skip_while(|(slot, _)| *slot < from);
            let waiting = waiting.filter(|(_, connection)| !connection.is_closing());
            waiting.take(at_most + 1).map(|(slot, connection)| (slot, Rc::clone(connection))).collect()
        };
        for (slot, connection) in next.iter().take(at_most) {
            self.sent_away.set(slot + 1);
            self.tell_to_leave(connection, spread_ms);
            if !connection.dialect.can_be_behind() || connection.stage.get() != Stage::Live {
                connection.close(&self.node, CloseReason::Draining);
            }
        }
        // Whoever asked may have given up.
        let _ = told.send((next.len().min(at_most), next.len() > at_most));
    }

    /// Tells every client to come again: not all at the same moment. Their connections end.
    fn drain(&self, spread_ms: u64) {
        let all: Vec<Rc<Connection>> =
            self.connections.borrow().0.iter().map(|(_, connection)| Rc::clone(connection)).collect();
        for connection in all {
            self.tell_to_leave(&connection, spread_ms);
            connection.close(&self.node, CloseReason::Draining);
        }
    }

    fn tell_to_leave(&self, connection: &Connection, spread_ms: u64) {
        if connection.dialect.can_be_behind() {
            let after_ms = jitter(connection.id.version) % spread_ms.max(1);
            connection.send_json(&self.node, &ServerFrame::Reconnect { after_ms, reason: "draining" });
        }
    }
}

/// Spreads neighbours over all values (splitmix64's finaliser).
pub(crate) fn jitter(version: i64) -> u64 {
    let mut x = version.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
