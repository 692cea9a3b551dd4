//! A message in pieces, while the rest of it is still to come.

use super::frame::{DataKind, Limits, Violation};

/// What came so far of a message that is not complete.
#[derive(Debug)]
pub(super) struct Message {
    is_text: bool,
    is_compressed: bool,
    bytes: Vec<u8>,
    /// How many of `bytes` are known to be UTF-8; at most three fewer than all. Only kept for text that is not
    /// compressed.
    checked_bytes: usize,
    fragments: u32,
}

/// Whether `frame` of `payload_bytes` may come now, with `open` the message it would be part of.
pub(super) fn admit(
    open: Option<&Message>,
    kind: DataKind,
    payload_bytes: usize,
    limits: &Limits,
) -> Result<(), Violation> {
    let (held_bytes, fragments) = match (open, kind) {
        (None, DataKind::Continuation) => return Err(Violation::LoneContinuation),
        (Some(_), DataKind::Text | DataKind::Binary) => return Err(Violation::InterleavedMessage),
        (None, _) => (0, 0),
        (Some(message), DataKind::Continuation) => (message.bytes.len(), message.fragments),
    };
    if fragments >= limits.fragments_max {
        return Err(Violation::TooManyFragments);
    }
    if payload_bytes > limits.message_bytes_max.saturating_sub(held_bytes) {
        return Err(Violation::MessageTooLong);
    }
    Ok(())
}

impl Message {
    /// An empty message of the kind of its first frame.
    pub(super) fn new(kind: DataKind, is_compressed: bool) -> Self {
        let is_text = kind == DataKind::Text;
        Self { is_text, is_compressed, bytes: Vec::new(), checked_bytes: 0, fragments: 0 }
    }

    /// Counts a frame that [`admit`] let pass.
    pub(super) fn begin_fragment(&mut self) {
        self.fragments = self.fragments.saturating_add(1);
    }

    /// Adds unmasked payload. Text that cannot become UTF-8 any more is refused at once.
    pub(super) fn push(&mut self, payload: &[u8], limits: &Limits) -> Result<(), Violation> {
        self.grow_for(payload.len(), limits);
        self.bytes.extend_from_slice(payload);
        if self.is_text && !self.is_compressed {
            self.check()?;
        }
        Ok(())
    }

    /// Takes the message out, whether it is text, and whether it is compressed.
    pub(super) fn into_parts(self) -> (Vec<u8>, bool, bool) {
        (self.bytes, self.is_text, self.is_compressed)
    }

    /// Bytes of memory held.
    pub(super) fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Doubles as a `Vec` does, but not past the limit: what a client announces reserves nothing, what it
    /// sends at most twice as much.
    fn grow_for(&mut self, added_bytes: usize, limits: &Limits) {
        let needed = self.bytes.len() + added_bytes;
        if needed > self.bytes.capacity() {
            let wanted = needed.saturating_mul(2).min(limits.message_bytes_max).max(needed);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }

    fn check(&mut self) -> Result<(), Violation> {
        let unchecked = &self.bytes[self.checked_bytes..];
        match simdutf8::compat::from_utf8(unchecked) {
            Ok(_) => self.checked_bytes = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.checked_bytes += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}
