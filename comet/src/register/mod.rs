//! What the comet as a whole holds: its rooms, its sessions, and what must still be told to logic. The cold side: shards
//! come here when somebody comes or goes, and jobs to find whom a delivery is for.

pub(crate) mod addresses;
pub(crate) mod departures;
pub(crate) mod rooms;
pub(crate) mod sessions;

/// One connection, for as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId {
    /// The shard that serves it.
    pub(crate) shard: u16,
    /// Its place in the shard's slab.
    pub(crate) slot: u32,
    /// Tells it from others that had the place: rises with each connection of this comet, and is the version of its
    /// session in the directory.
    pub(crate) version: i64,
}

impl ConnectionId {
    /// The session key of a connection that brought none of its own. `nonce` tells comets apart.
    pub(crate) fn key(self, nonce: u64) -> String {
        format!("{nonce:016x}-{:x}-{:x}-{:x}", self.shard, self.slot, self.version)
    }

    /// The lower half of the version: tells it from others that had the place, where a word is all there is.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    #[expect(clippy::cast_sign_loss, reason = "the lower half")]
    pub(crate) fn version_low(self) -> u32 {
        self.version as u32
    }

    /// Reads back [`ConnectionId::key`]; `None` for any other text.
    pub(crate) fn from_key(text: &str, nonce: u64) -> Option<Self> {
        let mut parts = text.split('-');
        if u64::from_str_radix(parts.next()?, 16).ok()? != nonce {
            return None;
        }
        let shard = u16::from_str_radix(parts.next()?, 16).ok()?;
        let slot = u32::from_str_radix(parts.next()?, 16).ok()?;
        let version = i64::from_str_radix(parts.next()?, 16).ok()?;
        let id = Self { shard, slot, version };
        (parts.next().is_none() && id.key(nonce) == text).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_connection() {
        let id = ConnectionId { shard: 3, slot: 70_000, version: 1 << 40 };
        let key = id.key(7);
        assert_eq!(ConnectionId::from_key(&key, 7), Some(id));
        assert_eq!(ConnectionId::from_key(&key, 8), None);
        for other in ["", "x", "7", "+7-1-1-1", &format!("{key}-1"), &key.to_uppercase().replace('0', "00")] {
            assert_eq!(ConnectionId::from_key(other, 7), None, "{other}");
        }
    }
}
