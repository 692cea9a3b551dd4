//! The TLS handshake of one client. Whoever calls bounds its time and its number.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;

use super::encrypted::{Buffers, Encrypted};
use super::session::Progress;

/// The first byte of a TLS connection: a record of the handshake (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// Said to a client that speaks HTTP where TLS is spoken.
const USE_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 73\r\n\r\n\
    {\"code\":\"invalid_request\",\"message\":\"this port is encrypted: use https\"}\n";

/// Why a client did not get an encrypted connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// It took too long.
    #[error("it took too long")]
    Timeout,
    /// The client went away.
    #[error("the client went away")]
    Gone,
    /// The client speaks HTTP without TLS.
    #[error("plain HTTP")]
    PlainHttp,
    /// The client speaks something else.
    #[error("not TLS")]
    NotTls,
    /// No version, cipher or protocol that both speak.
    #[error("nothing in common: {0}")]
    NothingInCommon(rustls::Error),
    /// The client refused, as when it does not trust the certificate.
    #[error("the client refused: {0}")]
    Refused(rustls::Error),
    /// The client broke the protocol.
    #[error("{0}")]
    Protocol(rustls::Error),
    /// The socket failed.
    #[error("{0}")]
    Socket(io::Error),
}

impl HandshakeError {
    /// The value of a metric's label.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Gone => "gone",
            Self::PlainHttp => "plain_http",
            Self::NotTls => "not_tls",
            Self::NothingInCommon(_) => "nothing_in_common",
            Self::Refused(_) => "refused",
            Self::Protocol(_) => "protocol",
            Self::Socket(_) => "socket",
        }
    }
}

impl From<rustls::Error> for HandshakeError {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error::{AlertReceived, NoApplicationProtocol, PeerIncompatible};
        match error {
            PeerIncompatible(_) | NoApplicationProtocol => Self::NothingInCommon(error),
            AlertReceived(_) => Self::Refused(error),
            error => Self::Protocol(error),
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::Gone,
            _ => match error.downcast::<rustls::Error>() {
                Ok(error) => error.into(),
                Err(error) => Self::Socket(error),
            },
        }
    }
}

/// Agrees with a client on how to encrypt.
pub(crate) async fn shake_hands(
    stream: &TcpStream,
    config: Arc<ServerConfig>,
    buffers: Rc<Buffers>,
) -> Result<Box<Encrypted>, HandshakeError> {
    let mut encrypted = Box::new(Encrypted::new(config, buffers)?);
    let first = first_byte(stream).await?;
    if first != HANDSHAKE_RECORD {
        if !first.is_ascii_uppercase() {
            return Err(HandshakeError::NotTls);
        }
        // A fresh socket takes it, and reading what the client said lets it arrive.
        let _ = stream.try_write(USE_TLS);
        let _ = stream.try_read(&mut [0; 4096]);
        return Err(HandshakeError::PlainHttp);
    }
    loop {
        let progress = encrypted.shake(stream);
        // What is to be said goes out first, above all why it failed.
        let flushed = std::future::poll_fn(|context| encrypted.poll_flush(stream, context)).await;
        match progress? {
            Some(Progress::Open) => {
                flushed?;
                return Ok(encrypted);
            }
            Some(Progress::Blocked) => flushed?,
            None => stream.readable().await?,
        }
    }
}

/// The first of what came, without taking it.
async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_has_the_length_it_says() {
        let text = std::str::from_utf8(USE_TLS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
