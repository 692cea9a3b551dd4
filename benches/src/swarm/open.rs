//! Connecting: so many clients, so many of them under way.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use mio::{Interest, Token};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with};

use super::Swarm;
use super::client::Client;
use super::wire::Wire;

/// Clients of one source address: beyond it the kernel searches long for a free port.
const CLIENTS_PER_SOURCE: usize = 12_000;
/// Pause before a client that was refused tries again.
const RETRY: Duration = Duration::from_millis(50);

/// Clients on their way in.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Clients wanted.
    wanted: usize,
    /// Clients under way at once, at most.
    under_way_max: usize,
    /// The next one that was not tried.
    next: usize,
    /// What the swarm had been refused when this began.
    refused_before: u64,
    /// Connections of the swarm that had ended when this began.
    ended_before: u64,
    /// When the refused ones try again.
    retry_at: Option<Instant>,
}

impl Opening {
    /// Of the first `wanted` clients of a swarm.
    pub(crate) fn new(swarm: &Swarm, wanted: usize, under_way_max: usize) -> Self {
        let refused_before = swarm.tally.refused;
        let ended_before = refused_before + swarm.tally.dropped;
        Self {
            wanted,
            under_way_max: under_way_max.max(1),
            next: 0,
            refused_before,
            ended_before,
            retry_at: None,
        }
    }

    /// Clients refused so far, each time counted.
    pub(crate) fn refused(&self, swarm: &Swarm) -> u64 {
        swarm.tally.refused - self.refused_before
    }

    /// Begins as many as may be under way. True: all are in.
    pub(crate) fn go_on(&mut self, swarm: &mut Swarm) -> io::Result<bool> {
        let live = swarm.tally.live;
        if live >= self.wanted {
            return Ok(true);
        }
        while self.next < self.wanted && self.next.saturating_sub(swarm.tally.live) < self.under_way_max {
            if swarm.clients.get(self.next).is_none_or(Client::is_closed) {
                swarm.connect(self.next)?;
            }
            self.next += 1;
        }
        if swarm.tally.refused + swarm.tally.dropped > self.ended_before {
            self.retry(swarm)?;
        }
        Ok(false)
    }

    fn retry(&mut self, swarm: &mut Swarm) -> io::Result<()> {
        let now = Instant::now();
        if *self.retry_at.get_or_insert(now + RETRY) > now {
            return Ok(());
        }
        self.retry_at = Some(now + RETRY);
        let closed: Vec<_> = (0..self.next).filter(|index| swarm.clients[*index].is_closed()).collect();
        closed.into_iter().take(self.under_way_max).try_for_each(|index| swarm.connect(index))
    }
}

impl Swarm {
    /// Begins to connect the client of an index.
    fn connect(&mut self, index: usize) -> io::Result<()> {
        if self.clients.len() <= index {
            self.clients.resize_with(index + 1, Client::new);
        }
        let stream = begin(self.plan.address, source(index))?;
        let client = &mut self.clients[index];
        client.begin(Wire::new(mio::net::TcpStream::from_std(stream), self.plan.tls.as_ref())?);
        let Some(stream) = client.stream_mut() else { return Ok(()) };
        self.poll.registry().register(stream, Token(index), Interest::READABLE | Interest::WRITABLE)
    }
}

/// The address a client comes from; the first ones leave it to the kernel. Each process has addresses of its own: a port
/// that is bound at one of them is taken, whatever it connects to.
pub(super) fn source(index: usize) -> Option<Ipv4Addr> {
    let group = u8::try_from(index / CLIENTS_PER_SOURCE).unwrap_or(u8::MAX);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    (group > 0).then(|| Ipv4Addr::new(127, 128 | high, low, group))
}

pub(super) fn begin(address: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP)).map_err(|error| {
        let hint = if error == Errno::MFILE { ": raise `ulimit -n`" } else { "" };
        io::Error::other(format!("no more sockets{hint}: {error}"))
    })?;
    if let (Some(source), true) = (source, address.ip().is_loopback()) {
        bind(&socket, &SocketAddrV4::new(source, 0))?;
    }
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}
