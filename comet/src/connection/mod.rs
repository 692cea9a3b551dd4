//! One client's connection: its socket, what waits for it, what it belongs to.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, IoSlice};
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use oort_api::codec::envelope::{Head, ServerFrame};
use oort_api::pb::oort::v1::SessionRef;
use oort_api::{RoomKey, SessionKey};

use crate::delivery::Chunk;
use crate::device::Device;
use crate::dialect::{Dialect, json};
use crate::node::Node;
use crate::register::ConnectionId;
use crate::shard::agenda::{Agenda, Ticket};
use crate::shard::rooms::Memberships;
use crate::transport::Socket;

pub(crate) mod close;
pub(crate) mod drive;
pub(crate) mod meter;
pub(crate) mod outbox;

use close::CloseReason;
use drive::{Closing, Input};
use meter::Meter;
use outbox::{Offer, Outbox, Report};

/// Most pieces given to one write.
const PIECES_MAX: usize = 64;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not authenticated.
    Opening,
    /// Logic knows its session; it is not greeted.
    Registered,
    /// Greeted.
    Live,
    /// The last of it goes out; nothing it says counts.
    Closing,
    /// It is to be forgotten.
    Dead,
}

/// What only clients of the packet protocol have, and not all of them.
#[derive(Debug, Default)]
pub(crate) struct GoimSide {
    /// The key the client chose.
    pub(crate) key: Option<SessionKey>,
    /// Operations it wants; `None` = all.
    pub(crate) accepts: Option<Box<[i32]>>,
    /// The room it asked to be in.
    pub(crate) room: Option<RoomKey>,
}

/// One connection. Lives on one shard and is never shared with another thread.
///
/// What a fan-out looks at stands first, in as few cache lines as it takes.
#[repr(C)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) outbox: RefCell<Outbox>,
    pub(crate) socket: Socket,
    pub(crate) dialect: Dialect,
    pub(crate) stage: Cell<Stage>,
    /// Logic knows the session.
    pub(crate) is_registered: Cell<bool>,
    /// It counts among those that are not authenticated.
    pub(crate) is_opening: Cell<bool>,
    /// A command is under way.
    is_busy: Cell<bool>,
    /// The socket may have something to read.
    is_readable: Cell<bool>,
    /// The client will send nothing more, or the socket is gone: it is read until that shows.
    is_ended: Cell<bool>,
    /// The socket takes nothing, until the system says so.
    is_full: Cell<bool>,
    /// Place in the list of those a tick touches; [`Connection::UNTOUCHED`] otherwise.
    pub(crate) touch: Cell<u32>,
    /// Turn of the wheel when something was last heard, or the stage changed.
    pub(crate) heard: Cell<u32>,
    /// Whose; 0 = nobody's.
    pub(crate) user: Cell<i64>,
    pub(crate) meter: Cell<Meter>,
    /// The turn of the wheel at which it is to be asked what is due.
    pub(crate) due: Cell<u32>,
    /// The idle limit of a client of the packet protocol, in turns of the wheel.
    pub(crate) idle_turns: Cell<u32>,
    closing: Cell<Closing>,
    /// The shard will look at it.
    is_on_agenda: Cell<bool>,
    /// What a JSON client said that it is on.
    pub(crate) device: Cell<Device>,
    pub(crate) address: IpAddr,
    pub(crate) memberships: Cell<Memberships>,
    pub(crate) goim: RefCell<Option<Box<GoimSide>>>,
    input: Cell<Option<Box<Input>>>,
    agenda: Rc<Agenda>,
}

/// What became of a piece for one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is in the socket, or waits within the budget.
    Got,
    /// It is withheld, and the session told so.
    Behind,
    /// There is nothing in it for its dialect, or the connection is at its end.
    Nothing,
}

/// What a tick did, counted once at its end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sends: u64,
    pub(crate) frames: u64,
}

impl Connection {
    pub(crate) const UNTOUCHED: u32 = u32::MAX;

    pub(crate) fn new(
        socket: Socket,
        id: ConnectionId,
        dialect: Dialect,
        address: IpAddr,
        now: u32,
        agenda: Rc<Agenda>,
    ) -> Self {
        Self {
            id,
            outbox: RefCell::new(Outbox::new()),
            socket,
            dialect,
            stage: Cell::new(Stage::Opening),
            is_registered: Cell::new(false),
            is_opening: Cell::new(true),
            is_busy: Cell::new(false),
            is_readable: Cell::new(false),
            is_ended: Cell::new(false),
            is_full: Cell::new(false),
            touch: Cell::new(Self::UNTOUCHED),
            heard: Cell::new(now),
            user: Cell::new(0),
            meter: Cell::default(),
            due: Cell::new(now),
            idle_turns: Cell::new(u32::MAX),
            closing: Cell::new(Closing::No),
            is_on_agenda: Cell::new(false),
            device: Cell::default(),
            address,
            memberships: Cell::default(),
            goim: RefCell::default(),
            input: Cell::default(),
            agenda,
        }
    }

    /// Its session key.
    pub(crate) fn key(&self, node: &Node) -> String {
        let chosen = self.goim.borrow().as_ref().and_then(|goim| goim.key.as_ref().map(ToString::to_string));
        chosen.unwrap_or_else(|| self.id.key(node.nonce))
    }

    /// The kind of its client, as the directory has it.
    pub(crate) fn platform(&self) -> String {
        if self.dialect.is_json() { self.device.get().platform() } else { self.dialect.platform().to_owned() }
    }

    /// The session as logic knows it. `login`: the tag of the log-in that opened it.
    pub(crate) fn session(&self, node: &Node, login: u32) -> SessionRef {
        let is_addressable = self.goim.borrow().as_ref().is_some_and(|goim| goim.key.is_some());
        SessionRef {
            user_id: self.user.get(),
            key: self.key(node),
            version: self.id.version,
            platform: self.platform(),
            addressable: is_addressable,
            login,
        }
    }

    /// Whether the client wants pushes of this operation.
    pub(crate) fn accepts(&self, operation: i32) -> bool {
        if self.dialect.is_json() {
            return true;
        }
        let goim = self.goim.borrow();
        let accepts = goim.as_ref().and_then(|goim| goim.accepts.as_ref());
        accepts.is_none_or(|accepts| accepts.contains(&operation))
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.stage.get(), Stage::Closing | Stage::Dead)
    }

    /// Whether the client has gone, as far as its socket says: it is not read while a command is under way.
    pub(crate) fn has_gone(&self) -> bool {
        self.is_closing() || self.is_ended.get()
    }

    /// Whether what is offered would be written at once. Asked of several connections before the first is written to, it
    /// brings all of them into the cache at the same time.
    pub(crate) fn is_clear(&self) -> bool {
        self.outbox.borrow().is_clear() && self.socket.is_plain()
    }

    /// How the system and the agenda name it.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { slot: self.id.slot, version: self.id.version_low() }
    }

    /// Has the shard look at it.
    pub(crate) fn wake(&self) {
        if !self.is_on_agenda.replace(true) {
            self.agenda.add(self.ticket());
        }
    }

    /// Hands it frames of one piece.
    pub(crate) fn deliver(&self, node: &Node, chunk: &Chunk, tally: &mut Tally) -> Given {
        if chunk.bytes(self.dialect).is_empty() {
            return Given::Nothing;
        }
        let offer = self.outbox.borrow_mut().offer(chunk, self.dialect, &node.budget);
        tally.frames += chunk.frames().len() as u64;
        match offer {
            Offer::Write => {
                tally.sends += 1;
                self.write(node, chunk.bytes(self.dialect));
                Given::Got
            }
            other => self.settle(node, other),
        }
    }

    /// Hands it frames of several pieces: one write if nothing waits. `given` is told of each piece, in order.
    pub(crate) fn deliver_pieces(
        &self,
        node: &Node,
        chunks: &[&Chunk],
        tally: &mut Tally,
        given: &mut impl FnMut(Given),
    ) {
        for chunks in chunks.chunks(PIECES_MAX) {
            if !self.outbox.borrow().is_clear() {
                chunks.iter().for_each(|chunk| given(self.deliver(node, chunk, tally)));
                continue;
            }
            tally.sends += 1;
            tally.frames += chunks.iter().map(|chunk| chunk.frames().len() as u64).sum::<u64>();
            self.write_pieces(node, chunks, given);
        }
    }

    fn write_pieces(&self, node: &Node, chunks: &[&Chunk], given: &mut impl FnMut(Given)) {
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        for (piece, chunk) in pieces.iter_mut().zip(chunks) {
            *piece = IoSlice::new(chunk.bytes(self.dialect));
        }
        let count = chunks.len().min(PIECES_MAX);
        let Some(mut written) = self.written(self.socket.send_pieces(&pieces[..count])) else {
            chunks.iter().for_each(|_| given(Given::Nothing));
            return;
        };
        // Of what is not written; it must follow, whatever the budget.
        let mut begun = self.socket.begun();
        let mut is_full = false;
        for chunk in chunks {
            let bytes = chunk.bytes(self.dialect);
            given(if bytes.is_empty() {
                Given::Nothing
            } else if written >= bytes.len() {
                written -= bytes.len();
                Given::Got
            } else if is_full && begun == 0 {
                let offer = self.outbox.borrow_mut().offer(chunk, self.dialect, &node.budget);
                self.settle(node, offer)
            } else {
                let rest = bytes.slice(written..);
                begun = begun.saturating_sub(rest.len());
                self.outbox.borrow_mut().keep(rest);
                (written, is_full) = (0, true);
                Given::Got
            });
        }
        if is_full {
            node.metrics.socket_full.inc();
            self.wake();
        }
    }

    /// Sends an answer to its own command, or a control frame.
    pub(crate) fn send_own(&self, node: &Node, bytes: &Bytes) {
        let deflated = self.dialect.inflated().map(|_| node.encoder.deflate(bytes));
        let bytes = deflated.as_ref().unwrap_or(bytes);
        let offer = self.outbox.borrow_mut().offer_own(bytes, &node.budget);
        match offer {
            Offer::Write => self.write(node, bytes),
            other => _ = self.settle(node, other),
        }
    }

    /// Sends a JSON frame of its own; nothing if its flavour has none.
    pub(crate) fn send_json(&self, node: &Node, frame: &ServerFrame<'_>) {
        self.send_own(node, &json::text(frame, self.dialect.flavour()));
    }

    /// Writes a piece of which nothing else is before it; keeps what is not taken.
    fn write(&self, node: &Node, bytes: &Bytes) {
        let Some(written) = self.written(self.socket.send(bytes)) else { return };
        if written < bytes.len() {
            self.outbox.borrow_mut().keep(bytes.slice(written..));
            node.metrics.socket_full.inc();
            self.wake();
        }
    }

    /// Bytes written; `None` = the socket is gone.
    fn written(&self, result: std::io::Result<usize>) -> Option<usize> {
        match result {
            Ok(count) => Some(count),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Some(0),
            Err(_) => {
                self.kill();
                None
            }
        }
    }

    /// Acts on an offer that was not to be written.
    fn settle(&self, node: &Node, offer: Offer) -> Given {
        match offer {
            Offer::Write | Offer::Queued => Given::Got,
            Offer::Ignored => Given::Nothing,
            Offer::Behind { began, noted, lost } => {
                if began {
                    node.metrics.behind.inc();
                }
                node.metrics.behind_frames.inc_by(noted.into());
                node.metrics.transient_dropped.inc_by(lost.into());
                Given::Behind
            }
            Offer::Overflow => {
                self.close(node, CloseReason::TooSlow);
                Given::Nothing
            }
        }
    }

    /// Writes what waits. False: the socket is full again.
    pub(crate) fn flush(&self, node: &Node) -> bool {
        loop {
            let result = {
                let outbox = self.outbox.borrow();
                let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                match outbox.slices(&mut pieces) {
                    0 => break,
                    count => self.socket.send_pieces(&pieces[..count]),
                }
            };
            match result {
                Ok(count) => self.outbox.borrow_mut().wrote(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.kill();
                    return true;
                }
            }
        }
        let report = self.outbox.borrow_mut().take_report();
        if let Some(Report { heads }) = report {
            let rooms: Vec<Head> =
                heads.into_iter().map(|(conversation, head)| Head { conversation, head }).collect();
            self.send_json(node, &ServerFrame::Behind { rooms: &rooms });
        }
        true
    }

    /// Begins to end it: what waits and the reason still go out.
    pub(crate) fn close(&self, node: &Node, reason: CloseReason) {
        if self.is_closing() {
            return;
        }
        node.metrics.close(reason.label());
        let last = if self.dialect.is_websocket() { reason.frame() } else { Bytes::new() };
        self.finish(last);
    }

    /// Begins to end it with these last bytes.
    pub(crate) fn finish(&self, last: Bytes) {
        if !self.is_closing() {
            self.outbox.borrow_mut().close(last);
            self.stage.set(Stage::Closing);
            self.wake();
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        if self.stage.replace(Stage::Dead) != Stage::Dead {
            self.outbox.borrow_mut().abandon();
            self.socket.abort();
            self.wake();
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Connection");
        out.field("id", &self.id).field("dialect", &self.dialect).field("stage", &self.stage.get());
        out.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs beside its entries in lists of the shard: this, with two counts before it.
    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Connection>() <= 176, "{}", size_of::<Connection>());
    }

    #[test]
    fn what_a_fan_out_looks_at_stands_first() {
        // Two counts stand before it.
        let hot_bytes = std::mem::offset_of!(Connection, touch) + size_of::<u32>() + 2 * size_of::<usize>();
        assert!(hot_bytes <= 128, "{hot_bytes}");
    }
}
