//! One TLS connection between bytes of the network and bytes of the client. Sans-I/O.
//!
//! Between two records it holds rustls' keys and nothing else: what is read and written passes through buffers that all
//! connections of a shard share.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};

/// Most plaintext in one record (RFC 8446 §5.1).
pub(super) const RECORD_PLAIN_BYTES_MAX: usize = 16 * 1024;
/// The longest record: 2048 bytes more than its plaintext (RFC 5246 §6.2.3), and a header.
pub(super) const RECORD_BYTES_MAX: usize = RECORD_PLAIN_BYTES_MAX + 2048 + 5;
/// Room for a record, and for what rustls itself has to say before it.
pub(super) const SEALED_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;
/// What rustls may have to say at once when a client broke the protocol.
const LAST_WORDS_MAX: usize = 4;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The handshake needs more of the client.
    Blocked,
    /// Both sides may speak.
    Open,
}

pub(super) struct Session {
    tls: UnbufferedServerConnection,
    /// A record, or a message of a handshake, that is not all here.
    partial: Vec<u8>,
    /// Records the socket did not take.
    unsent: Vec<u8>,
    /// How much of `unsent` it took meanwhile.
    unsent_at: usize,
    is_ended: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("partial", &self.partial.len()).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: UnbufferedServerConnection::new(config)?,
            partial: Vec::new(),
            unsent: Vec::new(),
            unsent_at: 0,
            is_ended: false,
        })
    }

    /// The client has said that nothing more comes.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// What came before and goes in front of what is given to [`Session::open`].
    pub(super) fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// Works off what came, whose beginning is [`Session::partial`]; `sink` gets the plaintext.
    pub(super) fn open(
        &mut self,
        incoming: &mut [u8],
        mut sink: impl FnMut(&[u8]),
    ) -> Result<Progress, rustls::Error> {
        let mut at = 0;
        let progress = loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(&mut incoming[at..]);
            let progress = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        sink(record.payload);
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut self.unsent, |out| data.encode(out).ok())?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.is_ended = true;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Progress::Blocked),
                Ok(_) => Some(Progress::Open),
                Err(error) => {
                    self.keep_last_words(&mut incoming[at + discard..]);
                    return Err(error);
                }
            };
            at += discard;
            if let Some(progress) = progress {
                break progress;
            }
        };
        let rest = &incoming[at..];
        if rest.is_empty() {
            self.partial = Vec::new();
        } else {
            self.partial.clear();
            self.partial.extend_from_slice(rest);
        }
        Ok(progress)
    }

    /// The alert that tells the client what it did wrong.
    fn keep_last_words(&mut self, rest: &mut [u8]) {
        for _ in 0..LAST_WORDS_MAX {
            let Ok(ConnectionState::EncodeTlsData(mut data)) = self.tls.process_tls_records(rest).state
            else {
                return;
            };
            if append(&mut self.unsent, |out| data.encode(out).ok()).is_err() {
                return;
            }
        }
    }

    /// Encrypts up to [`RECORD_PLAIN_BYTES_MAX`] into a buffer of [`SEALED_BYTES_MAX`]; the bytes to be sent.
    pub(super) fn seal(&mut self, plain: &[u8], out: &mut [u8]) -> io::Result<usize> {
        self.say(out, |mut traffic, out| traffic.encrypt(plain, out).map_err(io::Error::other))
    }

    /// The end of what is sent, as far as TLS is concerned.
    pub(super) fn seal_end(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.say(out, |mut traffic, out| traffic.queue_close_notify(out).map_err(io::Error::other))
    }

    fn say(
        &mut self,
        out: &mut [u8],
        write: impl FnOnce(
            rustls::unbuffered::WriteTraffic<'_, rustls::server::ServerConnectionData>,
            &mut [u8],
        ) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            // rustls remembers where a message that is not complete lies in what it was given, so it is given that again. It
            // has nothing to discard: `open` went on until more is needed.
            match self.tls.process_tls_records(&mut self.partial).state {
                Ok(ConnectionState::WriteTraffic(traffic)) => {
                    return Ok(filled + write(traffic, &mut out[filled..])?);
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    filled += data.encode(&mut out[filled..]).map_err(io::Error::other)?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(_) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }

    /// What waits for the socket.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.unsent[self.unsent_at..]
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.unsent_at += count;
        if self.unsent_at >= self.unsent.len() {
            (self.unsent, self.unsent_at) = (Vec::new(), 0);
        }
    }

    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.unsent.extend_from_slice(rest);
    }
}

/// Appends what `encode` writes, at most one record.
fn append(to: &mut Vec<u8>, encode: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<(), rustls::Error> {
    let before = to.len();
    to.resize(before + RECORD_BYTES_MAX, 0);
    let written = encode(&mut to[before..]);
    to.truncate(before + written.unwrap_or_default());
    to.shrink_to_fit();
    written.map(drop).ok_or_else(|| rustls::Error::General("a record is too long".to_owned()))
}
