//! One connection of the load: bytes in and out without waiting.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};

use mio::net::TcpStream;

/// Free space that a read is offered at least, bytes.
const READ_BYTES: usize = 16 * 1024;

/// A connected socket with what was read and not yet used, and what could not be written yet.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    inbox: Vec<u8>,
    /// Bytes of the inbox that hold something.
    filled: usize,
    used: usize,
    outbox: Vec<u8>,
    /// The other end sends no more.
    pub(crate) ended: bool,
}

impl Wire {
    /// Connects, waiting for it.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Self::of(stream, &[])
    }

    /// Of a connected stream from which `unread` was already read.
    pub(crate) fn of(stream: std::net::TcpStream, unread: &[u8]) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        let (inbox, filled) = (unread.to_vec(), unread.len());
        Ok(Self { stream, inbox, filled, used: 0, outbox: Vec::new(), ended: false })
    }

    /// Reads what there is, all of it: the poll tells only of what is new.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        self.inbox.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        self.used = 0;
        loop {
            if self.inbox.len() < self.filled + READ_BYTES {
                self.inbox.resize(self.filled + 2 * READ_BYTES, 0);
            }
            let space = self.inbox.len() - self.filled;
            match self.stream.read(&mut self.inbox[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(read) => {
                    self.filled += read;
                    // epoll(7): a short read of a stream has emptied it.
                    if read < space {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    self.ended = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What was read and not used.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.inbox[self.used..self.filled]
    }

    /// The first `bytes` of what was read are used.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.used = (self.used + bytes).min(self.filled);
    }

    /// Writes at once what the socket takes and keeps the rest for [`Self::flush`]. An ended connection takes
    /// nothing; its reader will notice.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = if self.outbox.is_empty() { self.try_write(bytes)? } else { 0 };
        self.outbox.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Writes what is left, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if !self.outbox.is_empty() {
            let left = std::mem::take(&mut self.outbox);
            let written = self.try_write(&left)?;
            self.outbox = left;
            self.outbox.drain(..written);
        }
        Ok(())
    }

    /// Ends the connection.
    pub(crate) fn end(&self) {
        // Already gone is fine.
        drop(self.stream.shutdown(Shutdown::Both));
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            match self.stream.write(&bytes[written..]) {
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    self.ended = true;
                    return Ok(bytes.len());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}
