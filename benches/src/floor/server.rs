//! The floor server's process: one thread, one epoll.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;
use clap::Args;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use super::conns::Conns;
use super::wire::Order;
use crate::dialect::Dialect;

const LISTENER: Token = Token(usize::MAX);
const CONTROL: Token = Token(usize::MAX - 1);
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What its clients speak.
    #[arg(long, value_enum, default_value_t = Dialect::PacketWs)]
    dialect: Dialect,
    /// Address for clients; its port is chosen.
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST)]
    address: Ipv4Addr,
}

/// Where it listens: the one line it prints.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// For clients.
    pub(crate) clients: SocketAddr,
    /// For the one who gives orders.
    pub(crate) control: SocketAddr,
}

/// Serves until the connection that gives orders ends.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let clients = TcpListener::bind((options.address, 0))?;
    rustix::net::listen(&clients, BACKLOG)?;
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addresses = Addresses { clients: clients.local_addr()?, control: control.local_addr()? };
    writeln!(io::stdout(), "{}", serde_json::to_string(&addresses)?)?;
    let (control, _) = control.accept()?;
    control.set_nodelay(true)?;
    control.set_nonblocking(true)?;
    clients.set_nonblocking(true)?;
    let server = Server {
        poll: Poll::new()?,
        listener: mio::net::TcpListener::from_std(clients),
        control: mio::net::TcpStream::from_std(control),
        orders: Vec::new(),
        conns: Conns::new(options.dialect),
        scratch: vec![0; 64 * 1024],
    };
    server.serve().context("the floor server ends")
}

struct Server {
    poll: Poll,
    listener: mio::net::TcpListener,
    control: mio::net::TcpStream,
    /// What came of orders.
    orders: Vec<u8>,
    conns: Conns,
    scratch: Vec<u8>,
}

impl Server {
    fn serve(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        self.poll.registry().register(&mut self.listener, LISTENER, Interest::READABLE)?;
        self.poll.registry().register(&mut self.control, CONTROL, Interest::READABLE)?;
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    CONTROL => {
                        if !self.obey()? {
                            return Ok(());
                        }
                    }
                    Token(place) => self.conns.read(place, &mut self.scratch),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            // A connection that ended already is seen when it is read.
            let _ = stream.set_nodelay(true);
            let place = self.conns.add(stream);
            if let Some(stream) = self.conns.get_mut(place) {
                self.poll.registry().register(stream, Token(place), Interest::READABLE)?;
            }
        }
    }

    /// Reads orders and does them. False: there will be no more.
    fn obey(&mut self) -> io::Result<bool> {
        loop {
            match self.control.read(&mut self.scratch) {
                Ok(0) => return Ok(false),
                Ok(bytes) => self.orders.extend_from_slice(&self.scratch[..bytes]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let mut done = 0;
        while let Some((order, bytes)) = Order::decode(&self.orders[done..]) {
            done += bytes;
            let reply = match order.to {
                None => self.conns.send_to_all(order.bytes),
                Some(number) => self.conns.send_to(number, order.bytes),
            };
            // At most a few dozen replies of a few bytes wait for their reader: they fit the socket.
            self.control.write_all(&reply.encode())?;
        }
        self.orders.drain(..done);
        Ok(true)
    }
}
