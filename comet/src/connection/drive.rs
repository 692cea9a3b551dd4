//! The one task of a connection: waits for its socket, reads commands, runs one at a time, writes what waits.
//!
//! While a command is under way nothing is read: the client is held back by its own socket.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use oort_api::codec::packet;

use super::close::CloseReason;
use super::{Connection, Stage};
use crate::framing::{Event, Reader, Violation, close_reply, pong_frame};
use crate::session::{self, sends::Sends};
use crate::shard::Shard;

/// A command under way.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()>>>;

/// What a connection reads from: idle, it holds no memory beyond itself.
#[derive(Debug, Default)]
pub(crate) struct Input {
    reader: Reader,
    /// What came behind a command that is under way; for TCP also a packet that is not complete.
    pending: Vec<u8>,
}

enum Wake {
    JobDone,
    Writable,
    Readable,
    /// It began to close.
    Closing,
    /// Closing, and everything is written.
    Written,
    Dead,
}

/// Serves one connection to its end. `early` came with the upgrade; `job` opens the session.
pub(crate) async fn drive(shard: Rc<Shard>, connection: Rc<Connection>, early: Vec<u8>, job: Option<Job>) {
    let may_compress = connection.dialect.inflated().is_some();
    let mut input = Input { reader: Reader::inflating(may_compress), pending: early };
    let mut job = job;
    let mut closing = Closing::No;
    if job.is_none() {
        job = input.resume(&shard, &connection);
    }
    loop {
        match poll_fn(|context| poll_wake(&connection, &mut job, closing, context)).await {
            Wake::JobDone => job = input.resume(&shard, &connection),
            Wake::Writable => _ = connection.flush(&shard.node),
            Wake::Readable => {
                if let Some(next) = input.read(&shard, &connection, closing) {
                    job = Some(next);
                }
            }
            Wake::Closing => {
                closing = Closing::Writing;
                input = Input::default();
                shard.linger(&connection);
            }
            Wake::Written => {
                closing = Closing::Waiting;
                connection.socket.finish();
            }
            Wake::Dead => break,
        }
    }
    // What a job began (a session that logic now knows) must be known before the connection is forgotten.
    if let Some(job) = job {
        job.await;
    }
    shard.forget(&connection);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    /// What waits still goes out.
    Writing,
    /// For the client to close, so that what was written is not lost with the socket.
    Waiting,
}

fn poll_wake(
    connection: &Connection,
    job: &mut Option<Job>,
    closing: Closing,
    context: &mut Context<'_>,
) -> Poll<Wake> {
    connection.remember(context);
    if connection.stage.get() == Stage::Dead {
        return Poll::Ready(Wake::Dead);
    }
    if let Some(running) = job
        && running.as_mut().poll(context).is_ready()
    {
        *job = None;
        return Poll::Ready(Wake::JobDone);
    }
    match connection.stage.get() {
        Stage::Dead => return Poll::Ready(Wake::Dead),
        Stage::Closing if closing == Closing::No => return Poll::Ready(Wake::Closing),
        _ => {}
    }
    if connection.outbox.borrow().has_backlog() {
        if connection.socket.poll_writable(context).is_ready() {
            return Poll::Ready(Wake::Writable);
        }
    } else if closing == Closing::Writing {
        return Poll::Ready(Wake::Written);
    }
    if (job.is_none() || closing != Closing::No) && connection.socket.poll_readable(context).is_ready() {
        return Poll::Ready(Wake::Readable);
    }
    Poll::Pending
}

impl Input {
    /// Reads once. The next command, if it takes time.
    fn read(&mut self, shard: &Rc<Shard>, connection: &Rc<Connection>, closing: Closing) -> Option<Job> {
        let mut scratch = shard.scratch.borrow_mut();
        match connection.socket.try_read(&mut scratch) {
            Ok(0) => connection.kill(),
            Ok(_) if closing != Closing::No => {}
            Ok(count) => {
                if connection.stage.get() == Stage::Live {
                    connection.heard.set(shard.now.get());
                }
                return self.process(shard, connection, &mut scratch[..count]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => connection.kill(),
        }
        None
    }

    /// Goes on with what came meanwhile.
    fn resume(&mut self, shard: &Rc<Shard>, connection: &Rc<Connection>) -> Option<Job> {
        if self.pending.is_empty() || connection.is_closing() {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.pending);
        self.process(shard, connection, &mut bytes)
    }

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
