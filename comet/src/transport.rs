//! The socket of a client, plain or encrypted. Everything this crate asks of a connection's bytes is here.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::SendFlags;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(crate) mod encrypted;
pub(crate) mod handshake;
mod session;

use encrypted::Encrypted;

/// A client's socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<Encrypted>),
}

impl Socket {
    /// The socket of the system underneath.
    pub(crate) fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => tls.stream(),
        }
    }

    /// Writes at once what the socket takes. A bare `send(2)`: what tokio knows of the socket's readiness is left alone,
    /// so whoever gets `WouldBlock` goes on with [`Socket::try_write`]. Bytes that were not taken must be offered again,
    /// the same ones first: see [`Socket::begun`].
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Not through libc: its `send` is a cancellation point, which costs 40 ns a call.
            Self::Plain(stream) => Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL)?),
            Self::Tls(tls) => tls.send(&[IoSlice::new(bytes)]),
        }
    }

    /// As [`Socket::send`], several pieces in one call.
    pub(crate) fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => SockRef::from(stream).send_vectored(pieces),
            Self::Tls(tls) => tls.send(pieces),
        }
    }

    /// Writes what the socket takes; after `WouldBlock`, [`Socket::poll_writable`] waits.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_write_vectored(pieces),
            Self::Tls(tls) => tls.try_write(pieces),
        }
    }

    /// How many of the bytes that were offered last and not taken cannot be taken back: they are encrypted, and part of
    /// them may be with the client.
    pub(crate) fn begun(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(tls) => tls.begun(),
        }
    }

    /// Reads what is there. A buffer must have room for a TLS record.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_read(buffer),
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_write_ready(context)
    }

    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read_ready(context)
    }

    /// What came and was read by nobody yet; to be asked once, when hyper's part is over.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Tls(tls) => tls.take_unread(),
        }
    }

    /// Tells the peer that nothing more comes. False: the socket is gone.
    pub(crate) fn finish(&self) -> bool {
        if let Self::Tls(tls) = self {
            tls.say_goodbye();
        }
        SockRef::from(self.stream()).shutdown(Shutdown::Write).is_ok()
    }

    /// Ends both directions.
    pub(crate) fn abort(&self) {
        // It fails only on a socket that is gone already.
        let _ = SockRef::from(self.stream()).shutdown(Shutdown::Both);
    }
}

/// For hyper, until the connection is ours.
impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(tls) => tls.poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(tls) => tls.poll_write(context, &[IoSlice::new(bytes)]),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Tls(tls) => tls.poll_write(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(tls) => tls.poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if let Self::Tls(tls) = socket {
            std::task::ready!(tls.poll_flush(context))?;
        }
        socket.finish();
        Poll::Ready(Ok(()))
    }
}
