//! The sockets of all connections of a shard, in one epoll set: a connection costs the kernel's entry and nothing here, and
//! one task waits for all of them.
//!
//! Sockets are watched edge-triggered and both ways: what an event said is noted in the connection until a read or write
//! finds that it holds no longer. The set itself is a file that tokio waits for.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::task::{Context, Poll};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Shard;
use super::agenda::Ticket;
use crate::transport::Socket;

/// Events taken from the system at once.
const EVENTS_MAX: usize = 256;
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// The sockets of a shard.
#[derive(Debug)]
pub(crate) struct Poller(OwnedFd);

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    /// Watches a socket until it is closed. What holds already is told as an event.
    pub(crate) fn add(&self, socket: &Socket, ticket: Ticket) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.0, socket, EventData::new_u64(ticket.pack()), flags)?)
    }
}

impl Shard {
    /// Serves the connections, for ever. After `sends_per_yield` of them others get their turn.
    pub(crate) async fn serve_connections(self: Rc<Self>) -> io::Result<()> {
        #[expect(
            deprecated,
            reason = "its successor is unsafe; the set is owned here for as long as tokio knows it"
        )]
        let set = AsyncFd::with_interest(Rc::clone(&self.poller), Interest::READABLE)?;
        let mut events = Vec::with_capacity(EVENTS_MAX);
        let turns_max = self.node.config.sends_per_yield;
        let mut turns = 0;
        loop {
            poll_fn(|context| self.poll_work(&set, &mut events, context)).await?;
            while turns < turns_max
                && let Some(ticket) = self.agenda.next()
            {
                turns += 1;
                let connection = self.connections.borrow().holder(ticket).cloned();
                if let Some(connection) = connection {
                    self.step(&connection);
                }
            }
            if turns == turns_max {
                turns = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes events in, if there are any; ready when a connection has something to do.
    fn poll_work(
        &self,
        set: &AsyncFd<Rc<Poller>>,
        events: &mut Vec<Event>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Poll::Ready(ready) = set.poll_read_ready(context) {
            let mut ready = ready?;
            events.clear();
            match epoll::wait(&self.poller.0, spare_capacity(events), Some(&AT_ONCE)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            if events.len() < EVENTS_MAX {
                ready.clear_ready();
            }
            let connections = self.connections.borrow();
            for event in &*events {
                let (flags, data) = (event.flags, event.data);
                if let Some(connection) = connections.holder(Ticket::unpack(data.u64())) {
                    connection.notice(flags);
                }
            }
            // More of them wait; first what these were about.
            if events.len() == EVENTS_MAX && !self.agenda.is_empty() {
                break;
            }
        }
        if self.agenda.is_empty() {
            self.agenda.sleep(context);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}
