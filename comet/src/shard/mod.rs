//! A shard: one thread with its own listener, connections, rooms and timers. Shards share nothing that is touched per frame.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use oort_api::clock::now_ms;
use oort_api::pb::oort::v1::{ConnectReply, SessionRef};
use oort_api::{RoomKey, SessionKey};
use slab::Slab;

use crate::connection::close::CloseReason;
use crate::connection::meter::Rates;
use crate::connection::{Connection, GoimSide, Stage, Tally};
use crate::dialect::Dialect;
use crate::framing::Inflater;
use crate::node::Node;
use crate::register::ConnectionId;
use crate::register::addresses::TooMuch;
use crate::session::cursors::Underway;
use crate::session::typing::TypingGate;
use crate::transport::arrival::Arrival;
use crate::transport::encrypted::Buffers;

pub(crate) mod accept;
pub(crate) mod agenda;
pub(crate) mod effects;
mod ends;
pub(crate) mod fanout;
pub(crate) mod http;
pub(crate) mod inbox;
mod logins;
pub(crate) mod poller;
pub(crate) mod queue;
pub(crate) mod rooms;
pub(crate) mod run;
pub(crate) mod timers;
mod tls;
pub(crate) mod wheel;

use agenda::{Agenda, Ticket};
use ends::Ends;
use inbox::Inbound;
use logins::Logins;
use poller::Poller;
use rooms::{Memberships, MembershipsOf, Rooms};
use wheel::Wheel;

/// Bytes read from a socket at once; one buffer per shard.
const SCRATCH_BYTES: usize = 64 * 1024;

/// The connections of a shard by slot.
#[derive(Debug, Default)]
pub(crate) struct Connections(pub(crate) Slab<Rc<Connection>>);

/// One shard.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) node: Arc<Node>,
    pub(crate) index: u16,
    pub(crate) connections: RefCell<Connections>,
    pub(crate) rooms: RefCell<Rooms>,
    pub(crate) wheel: RefCell<Wheel>,
    pub(crate) poller: Rc<Poller>,
    pub(crate) agenda: Rc<Agenda>,
    /// Turns of the wheel since the start.
    pub(crate) now: Cell<u32>,
    /// What all connections read into, in turn.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    /// What compressed messages are read with, in turn; made for the first one.
    pub(crate) inflater: RefCell<Option<Inflater>>,
    /// What encrypted connections use in turn; made for the first one.
    tls_buffers: OnceCell<Rc<Buffers>>,
    /// Connections with a change of a cursor under way.
    pub(crate) cursors: Underway,
    /// Broadcasts at a pace under way.
    paced: Cell<usize>,
    /// Connections of lower slots were sent away.
    sent_away: Cell<usize>,
    /// The log-ins of registered connections.
    logins: RefCell<Logins>,
    /// When their tokens end.
    ends: RefCell<Ends>,
    /// Who told of their typing a moment ago.
    typing: RefCell<TypingGate>,
    rates: Rates,
    started: std::time::Instant,
}

impl MembershipsOf for Connections {
    fn memberships(&self, slot: u32, change: impl FnOnce(&mut Memberships)) {
        if let Some(connection) = self.0.get(slot as usize) {
            let mut memberships = connection.memberships.take();
            change(&mut memberships);
            connection.memberships.set(memberships);
        }
    }
}

impl Connections {
    /// The connection, if it is still there.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Rc<Connection>> {
        self.0.get(id.slot as usize).filter(|connection| connection.id == id)
    }

    /// The connection of a ticket, if it is still there.
    pub(crate) fn holder(&self, ticket: Ticket) -> Option<&Rc<Connection>> {
        let connection = self.0.get(ticket.slot as usize)?;
        (connection.id.version_low() == ticket.version).then_some(connection)
    }
}

impl Shard {
    pub(crate) fn new(node: Arc<Node>, index: u16) -> std::io::Result<Self> {
        let config = &node.config;
        let rates = Rates {
            frames_per_second: config.frames_per_second,
            frames_burst: config.frames_burst,
            bytes_per_second: config.bytes_per_second,
            bytes_burst: config.bytes_burst,
        };
        let typing = TypingGate::new(config.watch.typing_interval_ms, config.watch.typing_remembered_max);
        Ok(Self {
            logins: RefCell::default(),
            ends: RefCell::default(),
            typing: RefCell::new(typing),
            node,
            index,
            poller: Rc::new(Poller::new()?),
            agenda: Rc::default(),
            cursors: Underway::default(),
            paced: Cell::new(0),
            sent_away: Cell::new(0),
            connections: RefCell::default(),
            rooms: RefCell::default(),
            wheel: RefCell::new(Wheel::new()),
            now: Cell::new(0),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice()),
            inflater: RefCell::default(),
            tls_buffers: OnceCell::new(),
            rates,
            started: std::time::Instant::now(),
        })
    }

    /// Takes a socket as a connection that is to authenticate itself. Beside it what the client said already. `None`: the
    /// socket was of no use any more.
    pub(crate) fn open(
        &self,
        arrival: Arrival,
        address: IpAddr,
        dialect: Dialect,
    ) -> Option<(Rc<Connection>, Vec<u8>)> {
        let (socket, early) = match arrival.settle() {
            Ok(settled) => settled,
            Err(error) => {
                tracing::debug!(%error, "a socket went away");
                self.node.metrics.refuse("socket");
                socket_left(&self.node, address);
                return None;
            }
        };
        let mut connections = self.connections.borrow_mut();
        let entry = connections.0.vacant_entry();
        let slot = u32::try_from(entry.key()).unwrap_or(u32::MAX);
        let id = ConnectionId { shard: self.index, slot, version: self.node.next_version() };
        let (now, agenda) = (self.now.get(), Rc::clone(&self.agenda));
        let connection = Rc::new(Connection::new(socket, id, dialect, address, now, agenda));
        entry.insert(Rc::clone(&connection));
        drop(connections);
        self.node.opening.fetch_add(1, Ordering::Relaxed);
        self.node.metrics.handshakes.inc();
        self.schedule(&connection);
        Some((connection, early))
    }

    /// Counts a connection as authenticated, or as given up.
    fn opened(&self, connection: &Connection) {
        if connection.is_opening.replace(false) {
            self.node.opening.fetch_sub(1, Ordering::Relaxed);
            self.node.metrics.handshakes.dec();
        }
    }

    /// Records a session that logic has recorded.
    pub(crate) fn register(&self, connection: &Connection, reply: &ConnectReply) {
        let node = &self.node;
        self.opened(connection);
        connection.is_registered.set(true);
        let user = reply.user.as_ref().map_or(0, |user| user.id);
        connection.user.set(user);
        self.logins.borrow_mut().set(connection.id.slot, reply.login);
        if reply.expires_at_ms > 0 && node.config.token_grace_ms > 0 {
            let left_ms = u64::try_from(reply.expires_at_ms.saturating_sub(now_ms())).unwrap_or(0);
            self.ends.borrow_mut().set(connection.id.slot, self.in_turns(left_ms));
        }
        if !connection.dialect.is_json() {
            let key = (reply.key != connection.id.key(node.nonce)).then(|| SessionKey::new(&reply.key).ok());
            let accepts = (!reply.accepts.is_empty()).then(|| reply.accepts.as_slice().into());
            let side = GoimSide { key: key.flatten(), accepts, room: None };
            if side.key.is_some() || side.accepts.is_some() {
                connection.goim.replace(Some(Box::new(side)));
            }
            let heartbeat_ms = u64::try_from(reply.goim_heartbeat_ms).unwrap_or(0);
            let limit = if heartbeat_ms == 0 { node.config.goim_heartbeat_ms } else { heartbeat_ms };
            connection.idle_turns.set(self.turns(limit));
        }
        let goim = connection.goim.borrow();
        let key = goim.as_ref().and_then(|goim| goim.key.as_ref());
        let replaced = node.sessions.add(connection.id, user, key);
        if !connection.is_closing() {
            connection.stage.set(Stage::Registered);
        }
        if let Some(id) = replaced {
            self.close_elsewhere(id);
        }
    }

    /// Ends a connection whose key another one took, on whichever shard it is.
    fn close_elsewhere(&self, id: ConnectionId) {
        let reason = CloseReason::Replaced;
        if id.shard == self.index {
            if let Some(connection) = self.connections.borrow().get(id) {
                connection.close(&self.node, reason);
            }
            return;
        }
        let inbox = self.node.inboxes.get(usize::from(id.shard));
        if inbox.is_none_or(|inbox| inbox.try_send(Inbound::Close { id, reason }).is_err()) {
            tracing::warn!(shard = id.shard, "a replaced connection could not be closed at once");
        }
    }

    /// Enters a room on this shard.
    ///
    /// # Errors
    /// The connection would be in too many.
    pub(crate) fn join(&self, connection: &Connection, room: &RoomKey) -> Result<(), CloseReason> {
        let node = &self.node;
        let mut memberships = connection.memberships.take();
        let mut rooms = self.rooms.borrow_mut();
        let is_full = memberships.len() >= node.config.rooms_per_connection_max;
        if is_full && !rooms.contains(&memberships, room) {
            connection.memberships.set(memberships);
            return Err(CloseReason::TooManyRooms);
        }
        let is_new = rooms.join(room, connection.id.slot, &mut memberships);
        connection.memberships.set(memberships);
        if is_new {
            node.rooms.join(room, self.index, 1, || node.next_version());
        }
        Ok(())
    }

    /// Leaves a room on this shard, and in the directory if nobody of the comet is left in it.
    pub(crate) fn leave(&self, connection: &Connection, room: &RoomKey) {
        let mut memberships = connection.memberships.take();
        let left = self.rooms.borrow_mut().leave(room, &mut memberships, &*self.connections.borrow());
        connection.memberships.set(memberships);
        if left {
            let node = &self.node;
            let emptied = node.rooms.leave(room, self.index, 1, || node.next_version());
            if emptied.is_some() {
                node.departed(None, emptied);
            }
        }
    }

    /// The rooms a connection is in by what it watches.
    pub(crate) fn watched(&self, connection: &Connection) -> Vec<RoomKey> {
        let memberships = connection.memberships.take();
        let watched = self.rooms.borrow().watched(&memberships);
        connection.memberships.set(memberships);
        watched
    }

    /// Whether a connection may tell of its typing in a conversation now.
    pub(crate) fn may_type(&self, connection: &Connection, conversation: i64) -> bool {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.typing.borrow_mut().admit((connection.id.version, conversation), now_ms)
    }

    pub(crate) fn is_member(&self, connection: &Connection, room: &RoomKey) -> bool {
        let memberships = connection.memberships.take();
        let is_member = self.rooms.borrow().contains(&memberships, room);
        connection.memberships.set(memberships);
        is_member
    }

    /// Forgets a connection that ended: here, and with logic.
    pub(crate) fn forget(&self, connection: &Connection) {
        let node = &self.node;
        connection.kill();
        self.opened(connection);
        let memberships = connection.memberships.take();
        let left = self.rooms.borrow_mut().leave_all(memberships, &*self.connections.borrow());
        let emptied: Vec<_> = left
            .iter()
            .filter_map(|room| node.rooms.leave(room, self.index, 1, || node.next_version()))
            .collect();
        let is_registered = connection.is_registered.replace(false);
        if is_registered {
            let goim = connection.goim.borrow();
            let key = goim.as_ref().and_then(|goim| goim.key.as_ref());
            node.sessions.remove(connection.id, connection.user.get(), key);
        }
        if is_registered || !emptied.is_empty() {
            node.departed(is_registered.then(|| self.session(connection)), emptied);
        }
        self.logins.borrow_mut().set(connection.id.slot, 0);
        self.ends.borrow_mut().forget(connection.id.slot);
        self.connections.borrow_mut().0.try_remove(connection.id.slot as usize);
        socket_left(node, connection.address);
    }

    /// Counts what a client sent. False: it was too much, and the connection is closing.
    pub(crate) fn admit(&self, connection: &Connection, payload_bytes: usize) -> bool {
        let is_admitted = self.is_within_rates(connection, payload_bytes);
        if !is_admitted {
            connection.close(&self.node, CloseReason::RateLimited);
        }
        is_admitted
    }

    /// Counts what a frame names as further frames, as each costs as much. False: it is too much now, and not counted.
    pub(crate) fn admit_named(&self, connection: &Connection, count: usize) -> bool {
        // Never so many that it could not be admitted at all.
        let frames = u32::try_from(count).unwrap_or(u32::MAX).min(self.rates.frames_burst / 2);
        let mut meter = connection.meter.get();
        let is_admitted = meter.admit(frames, 0, self.meter_ms(), &self.rates);
        if is_admitted {
            connection.meter.set(meter);
        }
        is_admitted
    }

    fn meter_ms(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_millis() & u128::from(u32::MAX)).unwrap_or(0)
    }

    /// Counts a frame. False: it is more than may be sent.
    pub(crate) fn is_within_rates(&self, connection: &Connection, payload_bytes: usize) -> bool {
        self.node.metrics.frames_received.inc();
        let now_ms = self.meter_ms();
        let mut meter = connection.meter.get();
        let is_admitted = meter.admit(1, payload_bytes, now_ms, &self.rates);
        connection.meter.set(meter);
        is_admitted
    }

    /// Adds up what was sent.
    pub(crate) fn count(&self, tally: &Tally) {
        self.node.metrics.sends.inc_by(tally.sends);
        self.node.metrics.frames_sent.inc_by(tally.frames);
    }

    /// The sessions that logic knows.
    fn census(&self) -> Vec<SessionRef> {
        let connections = self.connections.borrow();
        let registered = connections.0.iter().filter(|(_, connection)| connection.is_registered.get());
        registered.map(|(_, connection)| self.session(connection)).collect()
    }

    pub(crate) fn session(&self, connection: &Connection) -> SessionRef {
        connection.session(&self.node, self.logins.borrow().get(connection.id.slot))
    }
}

/// Counts a client's socket, unless its address has too many. One of a trusted proxy is counted by address once it is
/// known whose it is: [`socket_is_of`].
pub(crate) fn socket_arrived(node: &Node, address: IpAddr) -> Result<(), TooMuch> {
    if !node.config.trusted_proxies.trusts(address) {
        node.addresses.enter(address)?;
    }
    node.sockets.fetch_add(1, Ordering::Relaxed);
    node.metrics.connections.inc();
    node.sessions.arrived(address);
    Ok(())
}

/// Counts a socket of a trusted proxy as its client's from now on.
pub(crate) fn socket_is_of(node: &Node, client: IpAddr, proxy: IpAddr) -> Result<(), TooMuch> {
    if !node.config.trusted_proxies.trusts(client) {
        node.addresses.enter(client)?;
    }
    node.sessions.left(proxy);
    node.sessions.arrived(client);
    Ok(())
}

/// Counts a client's socket as gone.
pub(crate) fn socket_left(node: &Node, address: IpAddr) {
    node.sockets.fetch_sub(1, Ordering::Relaxed);
    node.metrics.connections.dec();
    node.sessions.left(address);
    if !node.config.trusted_proxies.trusts(address) {
        node.addresses.leave(address);
    }
}
