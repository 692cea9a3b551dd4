//! What a `clientMsgId` of the load says: which send it is, and when it was due. So whoever sees the message knows its
//! latency without a table.

/// Length of the text, bytes.
pub(crate) const TAG_BYTES: usize = 33;

/// One send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Unique in the run, never 0.
    pub(crate) number: u64,
    /// ns of [`crate::clock::now_ns`].
    pub(crate) due_ns: u64,
}

impl Tag {
    /// As text: two numbers in hex with a dot between, always of the same length.
    pub(crate) fn text(self) -> [u8; TAG_BYTES] {
        let mut text = [b'.'; TAG_BYTES];
        let (number, due) = text.split_at_mut(16);
        hex(self.number, number);
        hex(self.due_ns, due.get_mut(1..).unwrap_or_default());
        text
    }

    /// Reads it back; `None` for ids of others.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, due) = text.split_once('.')?;
        if text.len() != TAG_BYTES {
            return None;
        }
        Some(Self {
            number: u64::from_str_radix(number, 16).ok()?,
            due_ns: u64::from_str_radix(due, 16).ok()?,
        })
    }
}

fn hex(value: u64, to: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, shift) in to.iter_mut().zip((0..16).rev()) {
        *byte = DIGITS
            .get(usize::try_from(value >> (shift * 4) & 15).unwrap_or_default())
            .copied()
            .unwrap_or(b'0');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (number, due_ns) in [(1, 0), (u64::MAX, u64::MAX), (0x00ab_cdef, 1_234_567_890)] {
            let tag = Tag { number, due_ns };
            let text = tag.text();
            assert_eq!(Tag::parse(std::str::from_utf8(&text).unwrap()), Some(tag));
        }
        assert_eq!(&Tag { number: 255, due_ns: 16 }.text(), b"00000000000000ff.0000000000000010");
        for other in ["", "1.2", "c-43", "zz000000000000ff.0000000000000010"] {
            assert_eq!(Tag::parse(other), None, "{other}");
        }
    }
}
