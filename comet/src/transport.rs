//! The socket of a client, plain or encrypted. Everything this crate asks of a connection's bytes is here.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::net::SendFlags;
use socket2::SockRef;

pub(crate) mod arrival;
pub(crate) mod encrypted;
pub(crate) mod handshake;
mod session;

use encrypted::Encrypted;

/// A socket that never blocks.
trait Wire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// One that tokio waits for, which learns here when it is full or empty.
impl Wire for tokio::net::TcpStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

/// Not through libc: its `read` and `send` are cancellation points, which costs 40 ns a call.
impl Wire for TcpStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self, buffer)?)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self, bytes, SendFlags::NOSIGNAL)?)
    }
}

/// A client's socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    tls: Option<Box<Encrypted>>,
}

impl Socket {
    /// Nothing is encrypted on it.
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// Writes at once what the socket takes. Bytes that were not taken must be offered again, the same ones first: see
    /// [`Socket::begun`].
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.tls {
            None => self.stream.write(bytes),
            Some(tls) => tls.send(&self.stream, &[IoSlice::new(bytes)]),
        }
    }

    /// As [`Socket::send`], several pieces in one call.
    pub(crate) fn send_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.tls {
            None => SockRef::from(&self.stream).send_vectored(pieces),
            Some(tls) => tls.send(&self.stream, pieces),
        }
    }

    /// How many of the bytes that were offered last and not taken cannot be taken back: they are encrypted, and part of
    /// them may be with the client.
    pub(crate) fn begun(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.begun())
    }

    /// Reads what is there. A buffer must have room for a TLS record.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            None => self.stream.read(buffer),
            Some(tls) => tls.read(&self.stream, buffer),
        }
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn finish(&self) {
        if let Some(tls) = &self.tls {
            tls.say_goodbye(&self.stream);
        }
        // It fails only on a socket that is gone already.
        shut_down(&self.stream);
    }

    /// Ends both directions.
    pub(crate) fn abort(&self) {
        // It fails only on a socket that is gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Tells the peer that nothing more comes. False: the socket is gone.
fn shut_down(stream: &impl AsFd) -> bool {
    SockRef::from(stream).shutdown(Shutdown::Write).is_ok()
}
