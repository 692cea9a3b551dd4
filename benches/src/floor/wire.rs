//! How the floor server is told what to send: orders of 13 bytes and their payload, replies of 20 bytes, over TCP, in order.

/// Size of an order without its payload.
const ORDER_BYTES: usize = 13;
/// Size of a reply.
pub(crate) const REPLY_BYTES: usize = 20;
/// Longest payload.
const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// What to send to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order<'a> {
    /// The number of one client; `None` = all.
    pub(crate) to: Option<u64>,
    /// Sent as it is.
    pub(crate) bytes: &'a [u8],
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Connections that took all bytes.
    pub(crate) sent: u32,
    /// Connections that did not.
    pub(crate) failed: u32,
    /// CPU time of the thread between the first send and the last, ns.
    pub(crate) cpu_ns: u64,
    /// Clients connected.
    pub(crate) clients: u32,
}

impl<'a> Order<'a> {
    /// The order as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ORDER_BYTES + self.bytes.len());
        out.extend_from_slice(&u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.push(u8::from(self.to.is_some()));
        out.extend_from_slice(&self.to.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(self.bytes);
        out
    }

    /// The order that `input` begins with, and its size; `None` while it is incomplete.
    pub(crate) fn decode(input: &'a [u8]) -> Option<(Self, usize)> {
        let (length, rest) = input.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?.min(PAYLOAD_BYTES_MAX);
        let bytes = rest.get(..length)?;
        let to = (*kind == 1).then_some(u64::from_be_bytes(*number));
        Some((Self { to, bytes }, ORDER_BYTES + length))
    }
}

impl Reply {
    /// The reply as bytes.
    pub(crate) fn encode(self) -> [u8; REPLY_BYTES] {
        let mut out = [0; REPLY_BYTES];
        out[..4].copy_from_slice(&self.sent.to_be_bytes());
        out[4..8].copy_from_slice(&self.failed.to_be_bytes());
        out[8..16].copy_from_slice(&self.cpu_ns.to_be_bytes());
        out[16..].copy_from_slice(&self.clients.to_be_bytes());
        out
    }

    /// Reads it back.
    pub(crate) fn decode(bytes: &[u8; REPLY_BYTES]) -> Self {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let cpu_ns = u64::from(word(8)) << 32 | u64::from(word(12));
        Self { sent: word(0), failed: word(4), cpu_ns, clients: word(16) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_replies_travel() {
        for to in [None, Some(0), Some(u64::MAX)] {
            let order = Order { to, bytes: b"frame" };
            let encoded = order.encode();
            assert_eq!(Order::decode(&encoded), Some((order, encoded.len())));
            assert!((0..encoded.len()).all(|cut| Order::decode(&encoded[..cut]).is_none()));
        }
        let reply = Reply { sent: 7, failed: 1, cpu_ns: 0x0102_0304_0506_0708, clients: 9 };
        assert_eq!(Reply::decode(&reply.encode()), reply);
    }
}
