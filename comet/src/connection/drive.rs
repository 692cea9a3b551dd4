//! What a connection does when its socket or a command of its own has something for it: reads commands, runs one at a time,
//! writes what waits. Idle, it is in the shard's set of sockets and has no task.
//!
//! While a command is under way nothing is read: the client is held back by its own socket.

use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;

use oort_api::codec::packet;
use rustix::event::epoll::EventFlags;

use super::close::CloseReason;
use super::{Connection, Stage};
use crate::dialect::Dialect;
use crate::framing::{Event, Reader, Violation, close_reply, pong_frame};
use crate::session::{self, sends::Sends};
use crate::shard::Shard;

/// A command under way.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()>>>;

/// What a connection has read and not used up. Kept only while there is some.
#[derive(Debug)]
pub(crate) struct Input {
    reader: Reader,
    /// What came behind a command that is under way; for TCP also a packet that is not complete.
    pending: Vec<u8>,
}

/// How far a connection that closes has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    No,
    /// What waits still goes out.
    Writing,
    /// For the client to close, so that what was written is not lost with the socket.
    Waiting,
}

impl Connection {
    /// The system says something of its socket.
    pub(crate) fn notice(&self, flags: EventFlags) {
        let is_ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if is_ended {
            self.is_ended.set(true);
        }
        if flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR) {
            self.is_full.set(false);
        }
        if is_ended || flags.contains(EventFlags::IN) {
            self.is_readable.set(true);
            self.wake();
        } else if self.outbox.borrow().has_backlog() {
            self.wake();
        }
    }
}

impl Shard {
    /// Begins to serve a connection. `early` came with the upgrade; `job` opens the session.
    pub(crate) fn begin(self: &Rc<Self>, connection: &Rc<Connection>, early: Vec<u8>, job: Option<Job>) {
        if let Err(error) = self.poller.add(&connection.socket, connection.ticket()) {
            tracing::warn!(%error, "a connection cannot be waited for");
            self.node.metrics.refuse("poller");
            return self.forget(connection);
        }
        if !early.is_empty() {
            let input = Input { pending: early, ..Input::new(connection.dialect) };
            connection.input.set(Some(Box::new(input)));
        }
        if let Some(job) = job.or_else(|| self.resume(connection)) {
            self.start(connection, job);
        }
    }

    /// Does what there is to do for a connection, as far as it goes without waiting: reads at most once.
    pub(crate) fn step(self: &Rc<Self>, connection: &Rc<Connection>) {
        connection.is_on_agenda.set(false);
        if connection.stage.get() == Stage::Closing && connection.closing.get() == Closing::No {
            connection.closing.set(Closing::Writing);
            connection.input.take();
            self.linger(connection);
        }
        if !connection.is_full.get() && connection.outbox.borrow().has_backlog() {
            connection.is_full.set(!connection.flush(&self.node));
        }
        if connection.closing.get() == Closing::Writing && !connection.outbox.borrow().has_backlog() {
            connection.closing.set(Closing::Waiting);
            connection.socket.finish();
        }
        if connection.is_readable.get() && connection.may_read() {
            if let Some(job) = self.read(connection) {
                self.start(connection, job);
            } else if connection.is_readable.get() && connection.may_read() {
                // Others get their turn before the rest.
                connection.wake();
            }
        }
        // What a job began (a session that logic now knows) must be known before the connection is forgotten.
        if connection.stage.get() == Stage::Dead && !connection.is_busy.get() {
            self.forget(connection);
        }
    }

    /// Runs a command, and those that came behind it. Meanwhile, and only then, the connection has a task.
    fn start(self: &Rc<Self>, connection: &Rc<Connection>, job: Job) {
        connection.is_busy.set(true);
        let (shard, connection) = (Rc::clone(self), Rc::clone(connection));
        tokio::task::spawn_local(async move {
            let mut job = Some(job);
            while let Some(next) = job {
                next.await;
                job = shard.resume(&connection);
            }
            connection.is_busy.set(false);
            if connection.is_readable.get() || connection.is_closing() {
                connection.wake();
            }
        });
    }

    /// Reads once. The next command, if it takes time.
    fn read(self: &Rc<Self>, connection: &Rc<Connection>) -> Option<Job> {
        let mut scratch = self.scratch.borrow_mut();
        match connection.socket.read(&mut scratch) {
            Ok(0) => connection.kill(),
            Ok(count) => {
                // Less than was asked for is all there is, until the system says that there is more.
                let is_all = count < scratch.len() && connection.socket.is_plain();
                connection.is_readable.set(!is_all || connection.is_ended.get());
                if connection.closing.get() != Closing::No {
                    return None;
                }
                if connection.stage.get() == Stage::Live {
                    connection.heard.set(self.now.get());
                }
                let mut input = connection.take_input();
                let job = input.process(self, connection, &mut scratch[..count]);
                connection.keep_input(input);
                return job;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => connection.is_readable.set(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => connection.kill(),
        }
        None
    }

    /// Goes on with what came meanwhile.
    fn resume(self: &Rc<Self>, connection: &Rc<Connection>) -> Option<Job> {
        if connection.is_closing() {
            return None;
        }
        let mut input = *connection.input.take()?;
        let mut bytes = std::mem::take(&mut input.pending);
        let job = input.process(self, connection, &mut bytes);
        connection.keep_input(input);
        job
    }
}

impl Connection {
    /// A closing connection is read to its end, whatever it still runs.
    fn may_read(&self) -> bool {
        self.stage.get() != Stage::Dead && (!self.is_busy.get() || self.closing.get() != Closing::No)
    }

    fn take_input(&self) -> Input {
        self.input.take().map_or_else(|| Input::new(self.dialect), |input| *input)
    }

    /// Keeps what is partial, if anything is.
    fn keep_input(&self, input: Input) {
        if !self.is_closing() && !input.is_empty() {
            self.input.set(Some(Box::new(input)));
        }
    }
}

impl Input {
    const fn new(dialect: Dialect) -> Self {
        Self { reader: Reader::inflating(dialect.inflated().is_some()), pending: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.reader.is_idle() && !self.reader.is_closed() && self.pending.is_empty()
    }

    /// What it says, until something takes time.
    fn process(&mut self, shard: &Rc<Shard>, connection: &Rc<Connection>, bytes: &mut [u8]) -> Option<Job> {
        if connection.dialect.is_websocket() {
            self.process_websocket(shard, connection, bytes)
        } else if self.pending.is_empty() {
            self.process_packets(shard, connection, bytes)
        } else {
            let mut all = std::mem::take(&mut self.pending);
            all.extend_from_slice(bytes);
            self.process_packets(shard, connection, &all)
        }
    }

    fn process_websocket(
        &mut self,
        shard: &Rc<Shard>,
        connection: &Rc<Connection>,
        bytes: &mut [u8],
    ) -> Option<Job> {
        let node = &shard.node;
        let limits = if connection.dialect.is_json() { &node.json_limits } else { &node.packet_limits };
        let mut events = self.reader.read(bytes, limits);
        let mut sends = Sends::default();
        while !connection.is_closing() {
            let job = match events.next_event() {
                Ok(Some(event)) => websocket_event(shard, connection, event, &mut sends),
                Ok(None) => return None,
                Err(violation) => break_off(shard, connection, violation, &mut sends),
            };
            let job = job.or_else(|| sends.begin_unless(|| events.is_text_next(), shard, connection));
            if job.is_some() {
                self.pending.extend_from_slice(events.unread());
                return job;
            }
        }
        None
    }

    fn process_packets(
        &mut self,
        shard: &Rc<Shard>,
        connection: &Rc<Connection>,
        mut bytes: &[u8],
    ) -> Option<Job> {
        while !connection.is_closing() {
            match packet::decode(bytes, shard.node.config.packet_body_bytes_max) {
                Ok(Some((packet, used))) => {
                    let job = session::goim::packet(shard, connection, &packet, &bytes[..used]);
                    bytes = &bytes[used..];
                    if job.is_some() {
                        self.pending.extend_from_slice(bytes);
                        return job;
                    }
                }
                Ok(None) => {
                    self.pending.extend_from_slice(bytes);
                    return None;
                }
                Err(error) => {
                    session::goim::refuse(shard, connection, &error);
                    return None;
                }
            }
        }
        None
    }
}

/// Acts on an event. A send is put to `sends`; what comes behind them waits for them.
fn websocket_event(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    event: Event<'_>,
    sends: &mut Sends,
) -> Option<Job> {
    let node = &shard.node;
    let is_json = connection.dialect.is_json();
    let payload_bytes = match event {
        Event::Text(text) => text.len(),
        Event::Binary(bytes) | Event::Ping(bytes) | Event::Pong(bytes) => bytes.len(),
        // It counts as what it says.
        Event::Compressed { is_text, payload } => {
            return compressed(shard, connection, (is_text, payload), sends);
        }
        Event::Close { .. } => 0,
    };
    if !shard.is_within_rates(connection, payload_bytes) {
        return sends.before(shard, connection, |shard, connection| {
            connection.close(&shard.node, CloseReason::RateLimited);
        });
    }
    match event {
        Event::Text(text) if is_json => return session::json::command(shard, connection, text, sends),
        Event::Text(text) => return session::goim::message(shard, connection, text.as_bytes()),
        Event::Binary(bytes) if !is_json => return session::goim::message(shard, connection, bytes),
        Event::Binary(_) => {
            node.metrics.violation("not_text");
            connection.close(node, CloseReason::NotText);
        }
        Event::Ping(payload) => connection.send_own(node, &pong_frame(payload)),
        Event::Pong(_) | Event::Compressed { .. } => {}
        Event::Close { code, .. } => connection.finish(close_reply(code)),
    }
    None
}

fn break_off(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    violation: Violation,
    sends: &mut Sends,
) -> Option<Job> {
    sends.before(shard, connection, move |shard, connection| {
        shard.node.metrics.violation(violation.label());
        connection.close(&shard.node, CloseReason::Violation(violation));
    })
}

/// A message that the client compressed.
fn compressed(
    shard: &Rc<Shard>,
    connection: &Rc<Connection>,
    (is_text, payload): (bool, &[u8]),
    sends: &mut Sends,
) -> Option<Job> {
    let node = &shard.node;
    let limits = if connection.dialect.is_json() { &node.json_limits } else { &node.packet_limits };
    let mut inflater = shard.inflater.borrow_mut();
    let inflated = inflater.get_or_insert_default().inflate(payload, limits.message_bytes_max);
    let event = inflated.and_then(|bytes| {
        node.metrics.inflate_bytes_in.inc_by(payload.len() as u64);
        node.metrics.inflate_bytes_out.inc_by(bytes.len() as u64);
        if is_text {
            simdutf8::basic::from_utf8(bytes).map(Event::Text).map_err(|_| Violation::Utf8)
        } else {
            Ok(Event::Binary(bytes))
        }
    });
    match event {
        Ok(event) => websocket_event(shard, connection, event, sends),
        Err(violation) => break_off(shard, connection, violation, sends),
    }
}
