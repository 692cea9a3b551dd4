//! A TLS connection on a socket.
//!
//! What is to be written is encrypted a record at a time into a buffer of the shard and sent at once. The rest of a record
//! that the socket does not take is kept, and its plaintext not reported as written: so it stays with whoever offered it,
//! counts to the session's send budget, and is offered again first. One connection holds one record beyond that budget.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use super::Wire;
use super::session::{Progress, RECORD_BYTES_MAX, RECORD_PLAIN_BYTES_MAX, SEALED_BYTES_MAX, Session};

/// Read at once while hyper reads, which takes less at a time than a record may hold.
const HEAD_BYTES: usize = RECORD_BYTES_MAX;
/// Room for the longest message of a handshake (64 KiB) and a record behind it.
const INCOMING_BYTES: usize = 64 * 1024 + 2 * RECORD_BYTES_MAX;

/// What all encrypted connections of a shard use in turn.
#[derive(Debug)]
pub(crate) struct Buffers {
    incoming: RefCell<Box<[u8]>>,
    outgoing: RefCell<Box<[u8]>>,
    gathered: RefCell<Vec<u8>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            incoming: RefCell::new(vec![0; INCOMING_BYTES].into_boxed_slice()),
            outgoing: RefCell::new(vec![0; SEALED_BYTES_MAX].into_boxed_slice()),
            gathered: RefCell::new(Vec::with_capacity(RECORD_PLAIN_BYTES_MAX)),
        }
    }
}

#[derive(Debug)]
struct State {
    session: Session,
    /// Plaintext at the front of what is offered next, of which the unsent record is made.
    begun: usize,
    /// Plaintext that hyper has not read.
    unread: Vec<u8>,
}

/// What is encrypted about a connection; its socket is given to whatever needs it.
#[derive(Debug)]
pub(crate) struct Encrypted {
    state: RefCell<State>,
    buffers: Rc<Buffers>,
}

impl Encrypted {
    pub(super) fn new(config: Arc<ServerConfig>, buffers: Rc<Buffers>) -> Result<Self, rustls::Error> {
        let state = State { session: Session::new(config)?, begun: 0, unread: Vec::new() };
        Ok(Self { state: RefCell::new(state), buffers })
    }

    pub(super) fn begun(&self) -> usize {
        self.state.borrow().begun
    }

    /// Bytes of the pieces that are with the system.
    pub(super) fn send(&self, wire: &impl Wire, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let State { session, begun, .. } = &mut *self.state.borrow_mut();
        push(wire, session)?;
        let mut written = std::mem::take(begun);
        let total = pieces.iter().map(|piece| piece.len()).sum();
        let mut out = self.buffers.outgoing.borrow_mut();
        let mut gathered = self.buffers.gathered.borrow_mut();
        while written < total {
            let plain = portion(pieces, written, &mut gathered);
            let sealed_bytes = session.seal(plain, &mut out)?;
            let sealed = &out[..sealed_bytes];
            let taken = match wire.write(sealed) {
                Err(error) if !is_for_later(&error) => return Err(error),
                taken => taken.unwrap_or_default(),
            };
            if taken < sealed.len() {
                session.keep(&sealed[taken..]);
                *begun = plain.len();
                break;
            }
            written += plain.len();
        }
        if written == 0 && total > 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(written) }
    }

    /// Reads so that all of the plaintext fits the buffer.
    pub(super) fn read(&self, wire: &impl Wire, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let bytes_max = buffer.len();
        let mut state = self.state.borrow_mut();
        loop {
            let is_over = self.read_into(wire, &mut state.session, bytes_max, |plain| {
                buffer[filled..filled + plain.len()].copy_from_slice(plain);
                filled += plain.len();
            })?;
            if filled > 0 || is_over {
                return Ok(filled);
            }
        }
    }

    /// Reads once, at most so much with what came before; true at the end.
    fn read_into(
        &self,
        wire: &impl Wire,
        session: &mut Session,
        bytes_max: usize,
        sink: impl FnMut(&[u8]),
    ) -> io::Result<bool> {
        if session.is_ended() {
            return Ok(true);
        }
        let mut incoming = self.buffers.incoming.borrow_mut();
        let bytes_max = bytes_max.min(incoming.len());
        let kept = session.partial().len();
        if kept >= bytes_max {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message of TLS is too long"));
        }
        let count = wire.read(&mut incoming[kept..bytes_max])?;
        if count == 0 {
            return Ok(true);
        }
        incoming[..kept].copy_from_slice(session.partial());
        let opened = session.open(&mut incoming[..kept + count], sink);
        // Answers to what TLS itself asked: if the socket is full they go before the next record.
        match push(wire, session) {
            Err(error) if !is_for_later(&error) => return Err(error),
            _ => {}
        }
        match opened {
            Ok(_) => Ok(session.is_ended()),
            Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
        }
    }

    /// Goes on with the handshake as far as it goes without waiting. `None`: the client must say more.
    pub(super) fn shake(&self, wire: &impl Wire) -> io::Result<Option<Progress>> {
        let State { session, unread, .. } = &mut *self.state.borrow_mut();
        let mut incoming = self.buffers.incoming.borrow_mut();
        let kept = session.partial().len();
        if kept + RECORD_BYTES_MAX > incoming.len() {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message of the handshake is too long"));
        }
        let count = match wire.read(&mut incoming[kept..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if is_for_later(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        incoming[..kept].copy_from_slice(session.partial());
        let opened = session.open(&mut incoming[..kept + count], |plain| unread.extend_from_slice(plain));
        opened.map(Some).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.get_mut().unread)
    }

    /// Says the end, if the socket takes it. Nothing may wait any more.
    pub(super) fn say_goodbye(&self, wire: &impl Wire) {
        let session = &mut self.state.borrow_mut().session;
        let mut out = self.buffers.outgoing.borrow_mut();
        if session.unsent().is_empty()
            && let Ok(count) = session.seal_end(&mut out)
        {
            // The client sees the end of the socket right behind it.
            let _ = wire.write(&out[..count]);
        }
    }

    pub(super) fn poll_read(
        &mut self,
        stream: &TcpStream,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let State { session, unread, .. } = &mut *self.state.borrow_mut();
            if !unread.is_empty() {
                let count = unread.len().min(buffer.remaining());
                buffer.put_slice(&unread[..count]);
                unread.drain(..count);
                if unread.is_empty() {
                    *unread = Vec::new();
                }
                return Poll::Ready(Ok(()));
            }
            let bytes_max = session.partial().len() + HEAD_BYTES;
            match self.read_into(stream, session, bytes_max, |plain| unread.extend_from_slice(plain)) {
                Ok(true) if unread.is_empty() => return Poll::Ready(Ok(())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(stream.poll_read_ready(context))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes bytes over: what the socket does not take of them goes before the next.
    pub(super) fn poll_write(
        &mut self,
        stream: &TcpStream,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(stream, context))?;
        let written = match self.send(stream, pieces) {
            Err(error) if !is_for_later(&error) => return Poll::Ready(Err(error)),
            written => written.unwrap_or_default(),
        };
        Poll::Ready(Ok(written + std::mem::take(&mut self.state.get_mut().begun)))
    }

    pub(super) fn poll_flush(
        &mut self,
        stream: &TcpStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let pushed = push(stream, &mut self.state.borrow_mut().session);
            match pushed {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(stream.poll_write_ready(context))?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                pushed => return Poll::Ready(pushed),
            }
        }
    }
}

/// Writes all of what waits; `WouldBlock` if that cannot be.
fn push(wire: &impl Wire, session: &mut Session) -> io::Result<()> {
    while !session.unsent().is_empty() {
        let taken = wire.write(session.unsent())?;
        session.sent(taken);
    }
    Ok(())
}

/// Whether it was only not the time.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What comes behind the first `at` bytes of the pieces, as much as one record holds.
fn portion<'a>(pieces: &'a [IoSlice<'_>], mut at: usize, gathered: &'a mut Vec<u8>) -> &'a [u8] {
    let mut pieces = pieces;
    while let [first, rest @ ..] = pieces
        && at >= first.len()
    {
        at -= first.len();
        pieces = rest;
    }
    let [first, rest @ ..] = pieces else { return &[] };
    let first = &first[at..first.len().min(at + RECORD_PLAIN_BYTES_MAX)];
    if first.len() == RECORD_PLAIN_BYTES_MAX || rest.is_empty() {
        return first;
    }
    gathered.clear();
    gathered.extend_from_slice(first);
    for piece in rest {
        let room = RECORD_PLAIN_BYTES_MAX - gathered.len();
        gathered.extend_from_slice(&piece[..piece.len().min(room)]);
        if gathered.len() == RECORD_PLAIN_BYTES_MAX {
            break;
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_filled_from_all_pieces_in_order() {
        let (a, b, c) = (vec![1u8; 10], vec![2u8; RECORD_PLAIN_BYTES_MAX], vec![3u8; 5]);
        let pieces = [IoSlice::new(&a), IoSlice::new(&b), IoSlice::new(&[]), IoSlice::new(&c)];
        let all = [&a[..], &b, &c].concat();
        for at in [0, 3, 9, 10, 11, 20, a.len() + b.len() - 1, a.len() + b.len(), all.len() - 1] {
            let mut gathered = Vec::new();
            let wanted = &all[at..all.len().min(at + RECORD_PLAIN_BYTES_MAX)];
            assert_eq!(portion(&pieces, at, &mut gathered), wanted, "from {at}");
        }
    }
}
