//! goim's packet: a 16-byte big-endian header and an opaque body, alike on TCP
//! and inside binary WebSocket messages (`api/protocol/protocol.go` of goim at
//! 1800484).
//!
//! | offset | size | field     |
//! |--------|------|-----------|
//! | 0      | 4    | packLen = 16 + body |
//! | 4      | 2    | headerLen = 16 |
//! | 6      | 2    | ver       |
//! | 8      | 4    | op        |
//! | 12     | 4    | seq       |
//! | 16     | n    | body      |
//!
//! Every length is compared with the bytes that are really there before one of
//! them is read.

use bytes::BufMut;

use crate::op;

#[cfg(test)]
mod tests;

/// Bytes of a header; goim knows no other length.
pub const HEADER_BYTES: usize = 16;
/// [`HEADER_BYTES`] as it stands in the header.
const HEADER_LENGTH: i16 = 16;
/// `ver` of every packet the server starts; replies copy the request's.
pub const SERVER_VERSION: i16 = 1;

/// One packet; the body is borrowed from whatever it was decoded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Version; never checked.
    pub ver: i16,
    /// What the body is; see [`crate::op`].
    pub op: i32,
    /// Echoed in replies, 0 in pushes.
    pub seq: i32,
    /// Opaque here.
    pub body: &'a [u8],
}

/// What carries the packets: it decides how a container looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A byte stream: packets follow each other.
    Tcp,
    /// One binary message each: a container needs a header of its own.
    WebSocket,
}

/// Why bytes are not packets. After one of these a stream cannot be followed
/// any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// `packLen` is smaller than a header, or negative.
    #[error("packLen {declared} is smaller than the {HEADER_BYTES} bytes of a header")]
    Length {
        /// As read.
        declared: i32,
    },
    /// `headerLen` is not 16.
    #[error("headerLen {declared} is not {HEADER_BYTES}")]
    HeaderLength {
        /// As read.
        declared: i16,
    },
    /// The body is larger than this side takes or the format can say.
    #[error("a body of {body_bytes} bytes is larger than the {body_bytes_max} taken")]
    TooLarge {
        /// Size of the body, declared or real.
        body_bytes: usize,
        /// The limit.
        body_bytes_max: usize,
    },
    /// A message ends inside a packet.
    #[error("the message ends inside a packet, {bytes} bytes into it")]
    Truncated {
        /// Bytes that do not make up a packet.
        bytes: usize,
    },
}

/// Reads the packet `buf` begins with, and tells how many bytes it took.
/// `None`: more bytes are needed. A length that can never be right fails as
/// soon as it can be read, before its body is waited for.
///
/// # Errors
/// [`PacketError::Length`], [`PacketError::HeaderLength`] or
/// [`PacketError::TooLarge`].
pub fn decode(buf: &[u8], body_bytes_max: usize) -> Result<Option<(Packet<'_>, usize)>, PacketError> {
    let Some(&length) = buf.first_chunk::<4>() else { return Ok(None) };
    let declared = i32::from_be_bytes(length);
    let packet_bytes = usize::try_from(declared)
        .ok()
        .filter(|&bytes| bytes >= HEADER_BYTES)
        .ok_or(PacketError::Length { declared })?;
    let body_bytes = packet_bytes - HEADER_BYTES;
    if body_bytes > body_bytes_max {
        return Err(PacketError::TooLarge { body_bytes, body_bytes_max });
    }
    let Some(&header) = buf.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [_, _, _, _, h0, h1, v0, v1, o0, o1, o2, o3, s0, s1, s2, s3] = header;
    let header_length = i16::from_be_bytes([h0, h1]);
    if header_length != HEADER_LENGTH {
        return Err(PacketError::HeaderLength { declared: header_length });
    }
    let Some(body) = buf.get(HEADER_BYTES..packet_bytes) else { return Ok(None) };
    let packet = Packet {
        ver: i16::from_be_bytes([v0, v1]),
        op: i32::from_be_bytes([o0, o1, o2, o3]),
        seq: i32::from_be_bytes([s0, s1, s2, s3]),
        body,
    };
    Ok(Some((packet, packet_bytes)))
}

impl Packet<'_> {
    /// The header, for a writer that sends the body from where it lies.
    ///
    /// # Errors
    /// [`PacketError::TooLarge`] when the length does not fit an int32.
    pub fn header(&self) -> Result<[u8; HEADER_BYTES], PacketError> {
        header(self.ver, self.op, self.seq, self.body.len())
    }

    /// Appends header and body.
    ///
    /// # Errors
    /// As [`Packet::header`]; then nothing was written.
    pub fn encode_into(&self, out: &mut impl BufMut) -> Result<(), PacketError> {
        out.put_slice(&self.header()?);
        out.put_slice(self.body);
        Ok(())
    }

    /// Appends the packet as a client on `carrier` expects it: a container
    /// ([`op::RAW`]) loses its outer header on TCP.
    ///
    /// # Errors
    /// As [`Packet::encode_into`].
    pub fn encode_for(&self, carrier: Carrier, out: &mut impl BufMut) -> Result<(), PacketError> {
        if carrier == Carrier::Tcp && self.op == op::RAW {
            out.put_slice(self.body);
            return Ok(());
        }
        self.encode_into(out)
    }
}

fn header(ver: i16, op: i32, seq: i32, body_bytes: usize) -> Result<[u8; HEADER_BYTES], PacketError> {
    let length = body_bytes.checked_add(HEADER_BYTES).and_then(|bytes| i32::try_from(bytes).ok()).ok_or(
        PacketError::TooLarge { body_bytes, body_bytes_max: i32::MAX.unsigned_abs() as usize - HEADER_BYTES },
    )?;
    let mut header = [0; HEADER_BYTES];
    let mut out = header.as_mut_slice();
    out.put_i32(length);
    out.put_i16(HEADER_LENGTH);
    out.put_i16(ver);
    out.put_i32(op);
    out.put_i32(seq);
    Ok(header)
}

/// The packets of one WebSocket message, or of a container's body. Ends after
/// the first error.
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
    body_bytes_max: usize,
}

/// Every packet of `message`, which must hold whole packets and nothing else.
/// goim believes `packLen` and answers with the memory behind a message that
/// is shorter than it says; here that is [`PacketError::Truncated`].
#[must_use]
pub const fn packets(message: &[u8], body_bytes_max: usize) -> Packets<'_> {
    Packets { rest: message, body_bytes_max }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = std::mem::take(&mut self.rest);
        Some(match decode(message, self.body_bytes_max) {
            Ok(Some((packet, consumed))) => {
                self.rest = message.get(consumed..).unwrap_or_default();
                Ok(packet)
            }
            Ok(None) => Err(PacketError::Truncated { bytes: message.len() }),
            Err(error) => Err(error),
        })
    }
}

impl std::iter::FusedIterator for Packets<'_> {}

/// Appends packets that travel together: on TCP one after the other, on
/// WebSocket behind an outer header with [`op::RAW`] (goim's `push.go`,
/// `room.go` of job).
///
/// # Errors
/// [`PacketError::TooLarge`] when the whole does not fit an int32; then
/// `out` holds an incomplete container and must not be sent.
pub fn raw_container(
    packets: &[Packet<'_>],
    carrier: Carrier,
    out: &mut impl BufMut,
) -> Result<(), PacketError> {
    if carrier == Carrier::WebSocket {
        let inner_bytes = packets.iter().map(|packet| HEADER_BYTES + packet.body.len()).sum();
        out.put_slice(&header(SERVER_VERSION, op::RAW, 0, inner_bytes)?);
    }
    packets.iter().try_for_each(|packet| packet.encode_into(out))
}
