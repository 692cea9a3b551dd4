//! What a connection does when nothing happens: the deadlines of its stages, driven by the shard's wheel.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use oort_api::codec::envelope::ServerFrame;

use super::Shard;
use super::effects::jitter;
use super::ends::Due;
use super::wheel::Wheel;
use crate::connection::close::CloseReason;
use crate::connection::{Connection, Stage};
use crate::session;

/// A ping without payload: the same bytes for everybody.
const PING: Bytes = Bytes::from_static(&[0x89, 0]);

impl Shard {
    /// Turns of the wheel in a time, rounded up.
    pub(crate) fn turns(&self, ms: u64) -> u32 {
        u32::try_from(ms.div_ceil(self.node.config.wheel_slot_ms)).unwrap_or(u32::MAX)
    }

    /// Has the wheel come back to a connection when its stage asks for it.
    pub(crate) fn schedule(&self, connection: &Connection) {
        let silent = self.limit(connection).saturating_sub(self.silence(connection)).saturating_add(1);
        let ahead = match self.ends.borrow().due(connection.id.slot, self.now.get()) {
            Due::Not(left) => Wheel::ahead(silent.min(left)),
            Due::Token | Due::Session => Wheel::ahead(1),
        };
        let due = self.now.get().wrapping_add(ahead);
        if connection.due.replace(due) != due {
            self.wheel.borrow_mut().add(connection.ticket(), ahead);
        }
    }

    /// The connection began to close: it has a last while.
    pub(crate) fn linger(&self, connection: &Connection) {
        connection.heard.set(self.now.get());
        self.schedule(connection);
    }

    /// The turn of the wheel after so many ms.
    pub(crate) fn in_turns(&self, ms: u64) -> u32 {
        // Further ahead it could not be told from the past.
        self.now.get().wrapping_add(self.turns(ms).clamp(1, u32::MAX / 4))
    }

    /// The token of a live session has ended: its client is told, and has a while to connect anew.
    fn token_ended(&self, connection: &Connection) {
        let grace_ms = self.node.config.token_grace_ms;
        self.ends.borrow_mut().leave(connection.id.slot, self.in_turns(grace_ms));
        if connection.dialect.can_be_behind() {
            // Time is left to try again when the first attempt fails.
            let after_ms = jitter(connection.id.version) % (grace_ms / 2).max(1);
            connection.send_json(&self.node, &ServerFrame::Reconnect { after_ms, reason: "token_expired" });
        }
    }

    fn silence(&self, connection: &Connection) -> u32 {
        self.now.get().wrapping_sub(connection.heard.get())
    }

    /// Turns of silence after which something is due.
    fn limit(&self, connection: &Connection) -> u32 {
        let config = &self.node.config;
        match connection.stage.get() {
            Stage::Opening | Stage::Registered => self.turns(config.handshake_timeout_ms),
            Stage::Closing | Stage::Dead => self.turns(config.close_linger_ms),
            Stage::Live if connection.dialect.is_json() => {
                let ping = self.turns(config.ping_interval_ms).max(1);
                let silence = self.turns(config.silence_limit_ms);
                // The next of the pings, or the end.
                (self.silence(connection) / ping + 1).saturating_mul(ping).min(silence)
            }
            Stage::Live => connection.idle_turns.get(),
        }
    }

    /// Turns the wheel, for ever.
    pub(crate) async fn turn_wheel(self: Rc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.node.config.wheel_slot_ms));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.now.set(self.now.get().wrapping_add(1));
            let due = self.wheel.borrow_mut().turn();
            for ticket in &due {
                let connection = self.connections.borrow().holder(*ticket).cloned();
                // Others were put in elsewhere since.
                if let Some(connection) = connection.filter(|held| held.due.get() == self.now.get()) {
                    self.due(&connection);
                }
            }
            self.wheel.borrow_mut().give_back(due);
        }
    }

    fn due(&self, connection: &Connection) {
        let silence = self.silence(connection);
        let config = &self.node.config;
        if connection.stage.get() == Stage::Live {
            let due = self.ends.borrow().due(connection.id.slot, self.now.get());
            match due {
                Due::Not(_) => {}
                Due::Token => self.token_ended(connection),
                Due::Session => return connection.close(&self.node, CloseReason::TokenEnded),
            }
        }
        match connection.stage.get() {
            Stage::Dead => return,
            Stage::Opening | Stage::Registered if silence >= self.turns(config.handshake_timeout_ms) => {
                if connection.dialect.is_json() {
                    // It showed its credential with the upgrade: what is late is logic.
                    session::json::turn_away(self, connection, CloseReason::Unavailable);
                } else {
                    connection.close(&self.node, CloseReason::HandshakeTimeout);
                }
                return;
            }
            Stage::Closing if silence >= self.turns(config.close_linger_ms) => {
                connection.kill();
                return;
            }
            Stage::Live if connection.dialect.is_json() => {
                if silence >= self.turns(config.silence_limit_ms) {
                    connection.close(&self.node, CloseReason::Silent);
                    return;
                }
                if silence >= self.turns(config.ping_interval_ms) {
                    connection.send_own(&self.node, &PING);
                }
            }
            Stage::Live if silence >= self.limit(connection) => {
                connection.close(&self.node, CloseReason::Silent);
                return;
            }
            Stage::Opening | Stage::Registered | Stage::Closing | Stage::Live => {}
        }
        self.schedule(connection);
    }
}
