//! Many clients on one thread: non-blocking sockets in one epoll, edge-triggered, read into one buffer.

mod client;
mod open;
pub(crate) mod returning;
#[cfg(test)]
mod tests;
mod wire;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token};
use rustls::ClientConfig;

use crate::clock;
use crate::dialect::{Dialect, Event, Room, Who};
use crate::histogram::Recorder;
use crate::report::result::Verdict;
use client::{Client, Taken};

pub(crate) use open::Opening;

/// Events taken in one turn.
pub(crate) const EVENTS_MAX: usize = 256;
/// Longest frame that a client can be sent, and what is read at once.
const SCRATCH_BYTES: usize = 1 << 20;

/// Which clients to have.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    /// What they speak.
    pub(crate) dialect: Dialect,
    /// The room they are in.
    pub(crate) room: Room,
    /// The number of the first one.
    pub(crate) first_number: u64,
    /// How they encrypt; `None` = not.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl Plan {
    fn who(&self, index: usize) -> Who {
        Who { number: self.first_number + index as u64, room: self.room }
    }
}

/// What the clients of a swarm did since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Clients that are in.
    pub(crate) live: usize,
    /// Connections that were refused, or ended before the client was in.
    pub(crate) refused: u64,
    /// Connections that ended after the client was in, and not by its will.
    pub(crate) dropped: u64,
    /// Times that a server withheld messages from a client.
    pub(crate) behind: u64,
    /// Messages of the streams followed that came for the first time.
    pub(crate) delivered: u64,
    /// Messages whose place in the conversation, as the server tells it, is not the one they have.
    pub(crate) misnumbered: u64,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// Reads.
    pub(crate) reads: u64,
}

/// The clients.
#[derive(Debug)]
pub(crate) struct Swarm {
    plan: Plan,
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    scratch: Vec<u8>,
    tally: Tally,
    /// The stream whose messages count; others are left over from before.
    stream: u16,
    /// The server's seq of its first message, where that is known.
    first_seq: Option<u64>,
    latency: Recorder,
    /// Why a connection ended that should not have.
    complaint: Option<String>,
}

impl Swarm {
    /// Without clients; takes what has come from so many of them in one turn.
    pub(crate) fn new(plan: Plan, events_max: usize) -> io::Result<Self> {
        Ok(Self {
            plan,
            poll: Poll::new()?,
            events: Events::with_capacity(events_max),
            clients: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            tally: Tally::default(),
            stream: 0,
            first_seq: None,
            latency: Recorder::new(),
            complaint: None,
        })
    }

    /// What they did.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// How many there are, connected or not.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Why the last connection ended that should not have.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    /// The key of a client.
    pub(crate) fn who(&self, index: usize) -> Who {
        self.plan.who(index)
    }

    /// Follows another stream, and forgets what was seen of those before. `first_seq`: the place in the conversation that
    /// the server will give to its first message, to be compared.
    pub(crate) fn follow(&mut self, stream: u16, first_seq: Option<u64>) {
        (self.stream, self.first_seq) = (stream, first_seq);
        self.latency.clear();
        (self.tally.delivered, self.tally.misnumbered) = (0, 0);
        self.clients.iter_mut().for_each(Client::forget);
    }

    /// Latencies of the stream followed.
    pub(crate) fn latency(&self) -> &Recorder {
        &self.latency
    }

    /// The verdict on the stream followed; `expected`: how many messages were sent to the client of an index.
    pub(crate) fn verdict(&self, expected: impl Fn(usize) -> u64) -> Verdict {
        let mut all = Verdict::default();
        for (index, client) in self.clients.iter().enumerate() {
            all += client.verdict(self.stream, expected(index));
        }
        all
    }

    /// Takes what has come, or waits for so long that something comes (zero: does not wait). False: there was nothing.
    pub(crate) fn turn(&mut self, wait: Duration) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            polled => polled?,
        }
        let mut came = false;
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            came = true;
            let Token(index) = event.token();
            if event.is_writable() {
                self.write(index);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.read(index, event.is_read_closed());
            }
        }
        self.events = events;
        Ok(came)
    }

    fn write(&mut self, index: usize) {
        let Plan { dialect, .. } = self.plan;
        let opening = || dialect.opening(&self.plan.who(index));
        let Some(client) = self.clients.get_mut(index) else { return };
        if let Err(reason) = client.write(dialect.first_stage(), opening) {
            self.lose(index, &reason);
        }
    }

    fn read(&mut self, index: usize, is_to_the_end: bool) {
        let Self { plan, clients, scratch, tally, stream, first_seq, latency, .. } = self;
        let Some(client) = clients.get_mut(index) else { return };
        let mut now_ns = 0;
        let taken = client.read(
            plan.dialect,
            || plan.who(index),
            (scratch, is_to_the_end),
            |seen, event| match event {
                Event::Message { mark, server_seq } if mark.stream == *stream => {
                    if let (Some(first), Some(told)) = (*first_seq, server_seq) {
                        tally.misnumbered += u64::from(told != first + mark.seq);
                    }
                    if now_ns == 0 {
                        now_ns = clock::now_ns();
                    }
                    if seen.take(mark.stream, mark.seq) {
                        tally.delivered += 1;
                        latency.record(now_ns.saturating_sub(mark.due_ns));
                    }
                }
                Event::Ready => tally.live += 1,
                Event::Behind => tally.behind += 1,
                Event::Message { .. } | Event::Reply(_) | Event::Cursor(_) | Event::ComeAgain { .. } => {}
            },
        );
        match taken {
            Ok(Taken { bytes, reads }) => {
                self.tally.bytes += bytes;
                self.tally.reads += reads;
            }
            Err(reason) => self.lose(index, &reason),
        }
    }

    /// A connection has ended that should not have.
    fn lose(&mut self, index: usize, reason: &str) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if client.is_live() {
            self.tally.live -= 1;
            self.tally.dropped += 1;
        } else {
            self.tally.refused += 1;
        }
        client.close();
        self.complaint = Some(reason.to_owned());
    }

    /// Sends a sign of life on one connection, where the dialect wants that.
    pub(crate) fn heartbeat(&mut self, index: usize) {
        if let (Some(client), Some(bytes)) = (self.clients.get_mut(index), self.plan.dialect.heartbeat())
            && let Err(reason) = client.send(&bytes)
        {
            self.lose(index, &reason);
        }
    }

    /// Ends all connections.
    pub(crate) fn close_all(&mut self) {
        self.clients.iter_mut().for_each(Client::close);
        self.tally.live = 0;
    }
}
