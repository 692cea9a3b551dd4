//! The beginning of every body that is published: by it a receiver knows which message it has, and when it was due.
//!
//! `@@`, the stream as 4 hexadecimal digits, the place in the stream as 16, the time it was due (ns of the common clock) as
//! 16, then `x` up to the size wanted. It is plain ASCII, so it looks the same inside JSON.

use bytes::Bytes;

/// Size of a mark, and the least size of a body.
pub(crate) const MARK_BYTES: usize = 38;
const SIGN: u8 = b'@';

/// One published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which publisher's stream.
    pub(crate) stream: u16,
    /// Place in the stream, as its receiver counts: 0, 1, 2, …
    pub(crate) seq: u64,
    /// When it was due, ns of [`crate::clock::now_ns`].
    pub(crate) due_ns: u64,
}

impl Mark {
    /// A body of `body_bytes`, or of [`MARK_BYTES`] if that is more.
    pub(crate) fn body(self, body_bytes: usize) -> Bytes {
        let mut body = Vec::with_capacity(body_bytes.max(MARK_BYTES));
        body.extend_from_slice(&[SIGN, SIGN]);
        write_hex(&mut body, u64::from(self.stream), 4);
        write_hex(&mut body, self.seq, 16);
        write_hex(&mut body, self.due_ns, 16);
        body.resize(body_bytes.max(MARK_BYTES), b'x');
        body.into()
    }

    /// The mark that `text` begins with.
    pub(crate) fn at(text: &[u8]) -> Option<Self> {
        let mark = text.first_chunk::<MARK_BYTES>()?;
        if mark[..2] != [SIGN, SIGN] {
            return None;
        }
        Some(Self {
            stream: u16::try_from(read_hex(&mark[2..6])?).ok()?,
            seq: read_hex(&mark[6..22])?,
            due_ns: read_hex(&mark[22..])?,
        })
    }

    /// The first mark in `text`, and where it begins.
    pub(crate) fn find(text: &[u8]) -> Option<(usize, Self)> {
        let mut from = 0;
        loop {
            let at = from + text.get(from..)?.iter().position(|byte| *byte == SIGN)?;
            if let Some(mark) = Self::at(&text[at..]) {
                return Some((at, mark));
            }
            from = at + 1;
        }
    }
}

fn write_hex(out: &mut Vec<u8>, value: u64, digits: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |place: u32| DIGITS[usize::try_from(value >> (4 * place) & 15).unwrap_or_default()];
    out.extend((0..digits).rev().map(digit));
}

fn read_hex(digits: &[u8]) -> Option<u64> {
    let mut value = 0;
    for digit in digits {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u64::from(digit);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { stream: 0xbeef, seq: 12_345_678_901, due_ns: u64::MAX - 1 };

    #[test]
    fn what_is_written_is_read() {
        let body = MARK.body(100);
        assert_eq!((body.len(), Mark::at(&body)), (100, Some(MARK)));
        assert_eq!(MARK.body(1).len(), MARK_BYTES);
        assert!(body.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'@'), "plain in JSON");
    }

    #[test]
    fn it_is_found_in_other_text() {
        let text = [b"{\"to\":\"a@b@@c\",\"content\":\"".as_slice(), &MARK.body(50), b"\"}"].concat();
        assert_eq!(Mark::find(&text), Some((26, MARK)));
        assert_eq!(Mark::find(&text[..60]), None, "cut short");
        assert_eq!(Mark::find(b""), None);
    }
}
