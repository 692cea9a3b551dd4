//! One client: its socket, how far it has come, and what it saw.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;

use super::wire::Wire;
use crate::dialect::{Dialect, Event, Stage, Who};
use crate::report::result::Verdict;
use crate::verdict::Seen;

/// What a read took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    pub(super) bytes: u64,
    pub(super) reads: u64,
}

#[derive(Debug)]
pub(super) struct Client {
    stream: Option<Wire>,
    /// `None`: the opening has not been sent.
    stage: Option<Stage>,
    /// What did not fit the socket.
    unsent: Vec<u8>,
    /// The beginning of something.
    held: Vec<u8>,
    seen: Seen,
}

impl Client {
    pub(super) fn new() -> Self {
        Self { stream: None, stage: None, unsent: Vec::new(), held: Vec::new(), seen: Seen::default() }
    }

    /// Begins anew on a socket that connects.
    pub(super) fn begin(&mut self, stream: Wire) {
        *self = Self { stream: Some(stream), ..Self::new() };
    }

    pub(super) fn stream_mut(&mut self) -> Option<&mut TcpStream> {
        self.stream.as_mut().map(Wire::socket_mut)
    }

    pub(super) fn is_live(&self) -> bool {
        self.stage == Some(Stage::Live)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stream.is_none()
    }

    /// Forgets what it saw.
    pub(super) fn forget(&mut self) {
        self.seen = Seen::default();
    }

    pub(super) fn verdict(&self, stream: u16, expected: u64) -> Verdict {
        self.seen.verdict([(stream, expected)])
    }

    /// Ends the connection with a reset, so that its port is free at once.
    pub(super) fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            // Without it the port is free a minute later.
            let _ = rustix::net::sockopt::set_socket_linger(stream.socket(), Some(std::time::Duration::ZERO));
        }
        (self.stage, self.unsent, self.held) = (None, Vec::new(), Vec::new());
    }

    /// The socket can be written to: the first time it has connected.
    pub(super) fn write(&mut self, first: Stage, opening: impl FnOnce() -> Vec<u8>) -> Result<(), String> {
        if self.stage.is_some() {
            return self.flush();
        }
        let Some(stream) = &self.stream else { return Ok(()) };
        if let Some(error) = stream.socket().take_error().map_err(text)? {
            return Err(text(error));
        }
        self.stage = Some(first);
        self.send(&opening())
    }

    /// Sends, now or when the socket takes it.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.stream.is_some() {
            self.unsent.extend_from_slice(bytes);
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !self.unsent.is_empty() {
            match stream.write(&self.unsent) {
                Ok(bytes) => _ = self.unsent.drain(..bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(text(error)),
            }
        }
        self.unsent = Vec::new();
        Ok(())
    }

    /// Reads all that came; `scratch` is anybody's. With `is_to_the_end` the server has ended the connection, and will not be
    /// heard of again.
    pub(super) fn read(
        &mut self,
        dialect: Dialect,
        who: impl Fn() -> Who,
        (scratch, is_to_the_end): (&mut [u8], bool),
        mut take: impl FnMut(&mut Seen, Event<'_>),
    ) -> Result<Taken, String> {
        let mut taken = Taken::default();
        let mut replies = Vec::new();
        loop {
            let (Some(stream), Some(stage)) = (&mut self.stream, &mut self.stage) else { return Ok(taken) };
            let held = self.held.len();
            if held == scratch.len() {
                return Err("a frame longer than can be read".into());
            }
            scratch[..held].copy_from_slice(&self.held);
            let bytes = match stream.read(&mut scratch[held..]) {
                Ok(0) => return Err("the server ended the connection".into()),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(text(error)),
            };
            taken.bytes += bytes as u64;
            taken.reads += 1;
            let is_all = held + bytes < scratch.len() && stream.is_emptied_by_a_short_read();
            let input = &scratch[..held + bytes];
            let seen = &mut self.seen;
            let done = dialect.read(stage, &who, input, &mut |event| match event {
                Event::Reply(bytes) => replies.extend_from_slice(&bytes),
                other => take(seen, other),
            });
            let done = done.map_err(|broken| broken.to_string())?;
            if done < input.len() {
                self.held.clear();
                self.held.extend_from_slice(&input[done..]);
            } else if held > 0 {
                self.held = Vec::new();
            }
            // A short read has emptied the socket; what comes later is another edge.
            if is_all && !is_to_the_end {
                break;
            }
        }
        if !replies.is_empty() {
            self.send(&replies)?;
        } else if !self.unsent.is_empty() {
            // It waited for a handshake, which what was read may have ended.
            self.flush()?;
        }
        Ok(taken)
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
