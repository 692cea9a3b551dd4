//! The floor server's clients: let in without a check, then one file descriptor each.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;
use rustix::net::SendFlags;

use crate::clock;
use crate::dialect::{Dialect, Stage, Who, accept_response};
use crate::floor::wire::Reply;

/// All clients. Their place is their token.
#[derive(Debug)]
pub(crate) struct Conns {
    dialect: Dialect,
    all: Vec<Option<TcpStream>>,
    free: Vec<usize>,
    /// Those not yet in, with what came of their opening.
    opening: HashMap<usize, (Stage, Vec<u8>)>,
    by_number: HashMap<u64, usize>,
    count: u32,
}

impl Conns {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            all: Vec::new(),
            free: Vec::new(),
            opening: HashMap::new(),
            by_number: HashMap::new(),
            count: 0,
        }
    }

    /// Takes a new connection; the caller registers it under the place returned.
    pub(crate) fn add(&mut self, stream: TcpStream) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() - 1
        });
        self.all[place] = Some(stream);
        self.opening.insert(place, (self.dialect.first_stage(), Vec::new()));
        self.count += 1;
        place
    }

    /// The connection at a place.
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut TcpStream> {
        self.all.get_mut(place)?.as_mut()
    }

    /// Reads what a client sent, and lets it in when it asks. Clients that are in may say what they want.
    pub(crate) fn read(&mut self, place: usize, scratch: &mut [u8]) {
        let Some(stream) = self.all.get_mut(place).and_then(Option::as_mut) else { return };
        let is_alive = loop {
            match stream.read(scratch) {
                Ok(0) => break false,
                Ok(bytes) => {
                    if let Some((_, held)) = self.opening.get_mut(&place) {
                        held.extend_from_slice(&scratch[..bytes]);
                    }
                    if bytes < scratch.len() {
                        break true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        if !is_alive {
            return self.remove(place);
        }
        self.open(place);
    }

    fn open(&mut self, place: usize) {
        let Some((stage, held)) = self.opening.get_mut(&place) else { return };
        let Some(stream) = self.all.get_mut(place).and_then(Option::as_mut) else { return };
        let (dialect, mut answer, mut number) = (self.dialect, Vec::new(), None);
        if *stage == Stage::Upgrading {
            let Some((response, protocols, taken)) = accept_response(held) else { return };
            number = protocols.and_then(|names| Who::number_of(names.split_once("bearer.")?.1));
            answer = response;
            held.drain(..taken);
            *stage = Stage::Authenticating;
        }
        number = number.or_else(|| dialect.asked_in(held));
        if let Some(number) = number {
            answer.extend(dialect.welcome());
            self.by_number.insert(number, place);
            self.opening.remove(&place);
        }
        // A client that takes not even this is one that has gone.
        let _ = stream.write(&answer);
    }

    fn remove(&mut self, place: usize) {
        self.opening.remove(&place);
        if self.all[place].take().is_some() {
            self.free.push(place);
            self.count -= 1;
        }
    }

    /// Sends the same bytes to every client, one call each.
    pub(crate) fn send_to_all(&self, bytes: &[u8]) -> Reply {
        let (mut sent, mut failed) = (0, 0);
        let before_ns = clock::thread_cpu_ns();
        for stream in self.all.iter().flatten() {
            if send(stream, bytes) { sent += 1 } else { failed += 1 }
        }
        let cpu_ns = clock::thread_cpu_ns() - before_ns;
        Reply { sent, failed, cpu_ns, clients: self.count }
    }

    /// Sends to one client.
    pub(crate) fn send_to(&self, number: u64, bytes: &[u8]) -> Reply {
        let before_ns = clock::thread_cpu_ns();
        let stream = self.by_number.get(&number).and_then(|place| self.all.get(*place)?.as_ref());
        let sent = u32::from(stream.is_some_and(|stream| send(stream, bytes)));
        let cpu_ns = clock::thread_cpu_ns() - before_ns;
        Reply { sent, failed: 1 - sent, cpu_ns, clients: self.count }
    }
}

fn send(stream: &TcpStream, bytes: &[u8]) -> bool {
    rustix::net::send(stream, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) == Ok(bytes.len())
}
