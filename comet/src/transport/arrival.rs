//! The socket of a client while hyper reads it. When hyper's part is over it becomes a [`Socket`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::encrypted::Encrypted;
use super::{Socket, shut_down};

/// A client's socket that tokio waits for.
#[derive(Debug)]
pub(crate) struct Arrival {
    stream: TcpStream,
    tls: Option<Box<Encrypted>>,
}

impl Arrival {
    pub(crate) fn new(stream: TcpStream, tls: Option<Box<Encrypted>>) -> Self {
        Self { stream, tls }
    }

    /// The socket of the system underneath.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Tells the peer that nothing more comes. False: the socket is gone.
    pub(crate) fn finish(&self) -> bool {
        if let Some(tls) = &self.tls {
            tls.say_goodbye(&self.stream);
        }
        shut_down(&self.stream)
    }

    /// Takes it away from tokio. Beside it what came and was read by nobody yet.
    pub(crate) fn settle(mut self) -> io::Result<(Socket, Vec<u8>)> {
        let unread = self.tls.as_mut().map(|tls| tls.take_unread()).unwrap_or_default();
        Ok((Socket { stream: self.stream.into_std()?, tls: self.tls }, unread))
    }
}

impl AsyncRead for Arrival {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, tls } = self.get_mut();
        match tls {
            None => Pin::new(stream).poll_read(context, buffer),
            Some(tls) => tls.poll_read(stream, context, buffer),
        }
    }
}

impl AsyncWrite for Arrival {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, tls } = self.get_mut();
        match tls {
            None => Pin::new(stream).poll_write(context, bytes),
            Some(tls) => tls.poll_write(stream, context, &[IoSlice::new(bytes)]),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, tls } = self.get_mut();
        match tls {
            None => Pin::new(stream).poll_write_vectored(context, pieces),
            Some(tls) => tls.poll_write(stream, context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, tls } = self.get_mut();
        match tls {
            None => Pin::new(stream).poll_flush(context),
            Some(tls) => tls.poll_flush(stream, context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, tls } = self.get_mut();
        if let Some(tls) = tls {
            ready!(tls.poll_flush(stream, context))?;
            tls.say_goodbye(stream);
        }
        shut_down(stream);
        Poll::Ready(Ok(()))
    }
}
