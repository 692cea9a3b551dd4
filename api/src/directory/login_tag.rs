//! By which log-in a session was opened.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A short hash of a log-in's id: enough to tell the log-ins of one user apart,
/// in four bytes per session. Two that were alike would only end together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoginTag(NonZeroU32);

impl LoginTag {
    /// Reads back [`LoginTag::get`]; `None` for 0, which means none.
    #[must_use]
    pub const fn new(raw: u32) -> Option<Self> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The tag of the log-in with this id: 32 bits of FNV-1a, the same on every node.
    #[must_use]
    pub fn of(login_id: &str) -> Self {
        let hash = login_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        #[expect(clippy::cast_possible_truncation, reason = "folded to the lower half")]
        let folded = (hash ^ (hash >> 32)) as u32;
        Self(NonZeroU32::new(folded).unwrap_or(NonZeroU32::MIN))
    }

    /// The number, never 0.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for LoginTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The text is not 8 hexadecimal digits, or they are all 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a log-in tag")]
pub struct InvalidTag;

impl FromStr for LoginTag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Self, InvalidTag> {
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidTag);
        }
        u32::from_str_radix(text, 16).ok().and_then(Self::new).ok_or(InvalidTag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_written() {
        let tag = LoginTag::of("3b1f0c5e-6a3e-4a77-8a0e-0d9a5f7a9d11");
        assert_eq!(tag.to_string().parse(), Ok(tag));
        assert_eq!(LoginTag::new(tag.get()), Some(tag));
        assert_ne!(tag, LoginTag::of("3b1f0c5e-6a3e-4a77-8a0e-0d9a5f7a9d12"));
        assert_eq!(size_of::<Option<LoginTag>>(), 4);
        for bad in ["", "00000000", "1", "123456789", "+1234567", "x2345678"] {
            assert_eq!(bad.parse::<LoginTag>(), Err(InvalidTag), "{bad}");
        }
    }
}
