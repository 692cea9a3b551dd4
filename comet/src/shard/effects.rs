//! What messages to a shard do beside deliveries: membership, resync, census, drain.

use std::rc::Rc;

use oort_api::RoomKey;
use oort_api::codec::envelope::ServerFrame;

use super::Shard;
use super::inbox::{Inbound, Whom};
use crate::connection::Connection;
use crate::connection::close::CloseReason;

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
            Inbound::Drain => self.drain(),
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

    /// Tells every client to go elsewhere: not all at the same moment.
    fn drain(&self) {
        let all: Vec<Rc<Connection>> =
            self.connections.borrow().0.iter().map(|(_, connection)| Rc::clone(connection)).collect();
        let spread_ms = self.node.config.reconnect_spread_ms.max(1);
        for connection in all {
            if connection.dialect.can_be_behind() {
                let after_ms = jitter(connection.id.version) % spread_ms;
                let frame = ServerFrame::Reconnect { after_ms, reason: "draining" };
                connection.send_json(&self.node, &frame);
            }
            connection.close(&self.node, CloseReason::Draining);
        }
    }
}

/// Spreads neighbours over all values (splitmix64's finaliser).
fn jitter(version: i64) -> u64 {
    let mut x = version.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
