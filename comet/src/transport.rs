//! The socket of a client. Everything this crate asks of a connection's bytes is here, so that an encrypted one can stand
//! in its place.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Writes at once what the socket takes. A bare `send(2)`: what tokio knows of the socket's readiness is left alone,
    /// so whoever gets `WouldBlock` goes on with [`Socket::try_write`].
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(&self.0).send(bytes)
    }

    /// As [`Socket::send`], several pieces in one call.
    pub(crate) fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        SockRef::from(&self.0).send_vectored(pieces)
    }

    /// Writes what the socket takes; after `WouldBlock`, [`Socket::poll_writable`] waits.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }

    /// Reads what is there.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(context)
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(context)
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn finish(&self) {
        // It fails only on a socket that is gone already.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
    }

    /// Ends both directions.
    pub(crate) fn abort(&self) {
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}
