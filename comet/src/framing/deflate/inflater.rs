//! From compressed messages of clients to what they say.

use flate2::{Decompress, FlushDecompress, Status};

use super::TAIL;
use crate::framing::Violation;

/// What a message is first given room for.
const FIRST_BYTES: usize = 4 * 1024;

/// Decompresses message after message, each by itself. Holds about 47 KiB and the longest message it saw.
#[derive(Debug)]
pub struct Inflater {
    decompress: Decompress,
    message: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompress: Decompress::new(false), message: Vec::new() }
    }
}

impl Inflater {
    /// What a compressed payload says, if that is not longer than `bytes_max`.
    ///
    /// # Errors
    /// [`Violation::MessageTooLong`] as soon as it is too long, so that little costs little; [`Violation::Deflate`] when it
    /// is not the output of a compressor.
    pub fn inflate(&mut self, payload: &[u8], bytes_max: usize) -> Result<&[u8], Violation> {
        self.decompress.reset(false);
        self.message.clear();
        // Another message may have been allowed more.
        self.message.shrink_to(bytes_max.saturating_add(1));
        for input in [payload, &TAIL] {
            self.take(input, bytes_max)?;
        }
        if self.message.len() > bytes_max {
            return Err(Violation::MessageTooLong);
        }
        Ok(&self.message)
    }

    fn take(&mut self, mut input: &[u8], bytes_max: usize) -> Result<(), Violation> {
        loop {
            if self.message.len() > bytes_max {
                return Err(Violation::MessageTooLong);
            }
            let before = self.decompress.total_in();
            self.make_room(bytes_max);
            let length = self.message.len();
            let status = self
                .decompress
                .decompress_vec(input, &mut self.message, FlushDecompress::Sync)
                .map_err(|_| Violation::Deflate)?;
            let used = usize::try_from(self.decompress.total_in() - before).unwrap_or(input.len());
            input = &input[used..];
            if status == Status::StreamEnd {
                // A compressor may end its stream and begin another within a message (RFC 7692 §7.2.3.4).
                self.decompress.reset(false);
            } else if self.message.len() < self.message.capacity() && input.is_empty() {
                return Ok(());
            } else if used == 0 && self.message.len() == length {
                return Err(Violation::Deflate);
            }
            if input.is_empty() && status == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    /// Doubles as a `Vec` does, but not past one byte more than is allowed.
    fn make_room(&mut self, bytes_max: usize) {
        let length = self.message.len();
        if length == self.message.capacity() {
            let wanted = (2 * length).max(FIRST_BYTES).min(bytes_max.saturating_add(1));
            self.message.reserve_exact(wanted - length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Deflater;

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut inflater = Inflater::default();
        let examples: [&[u8]; 5] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            // A stored block.
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            // A final block.
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            // Two blocks.
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        ];
        for example in examples {
            assert_eq!(inflater.inflate(example, 5), Ok(&b"Hello"[..]), "{example:02x?}");
        }
        assert_eq!(inflater.inflate(&[0], 5), Ok(&b""[..]), "an empty message (RFC 7692 §7.2.3.6)");
        assert_eq!(inflater.inflate(examples[0], 4), Err(Violation::MessageTooLong));
    }

    #[test]
    fn a_bomb_is_found_before_it_is_large() {
        let bomb = vec![0; 50 << 20];
        let mut deflater = Deflater::new(9);
        let small = deflater.deflate(&bomb).unwrap();
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(small, 64 * 1024), Err(Violation::MessageTooLong));
        assert!(inflater.message.capacity() <= 64 * 1024 + 1);
        let whole = vec![7; 64 * 1024];
        assert_eq!(inflater.inflate(deflater.deflate(&whole).unwrap(), 64 * 1024), Ok(&whole[..]));
    }

    #[test]
    fn what_no_compressor_makes_is_a_violation() {
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(b"\xff\xff\xff\xff", 100), Err(Violation::Deflate));
        assert_eq!(inflater.inflate(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 100), Ok(&b"Hello"[..]));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message_or_a_violation(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let mut inflater = Inflater::default();
            match inflater.inflate(&bytes, 2_000) {
                Ok(message) => proptest::prop_assert!(message.len() <= 2_000),
                Err(violation) => proptest::prop_assert!(
                    matches!(violation, Violation::Deflate | Violation::MessageTooLong)
                ),
            }
        }
    }
}
