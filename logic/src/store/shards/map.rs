//! Where conversations are: sixteen logical shards, each at one server.

use oort_api::ids::ConversationId;

/// How many shards there are. An id modulo this is its shard, for ever.
pub const SHARDS: i64 = 16;

/// A logical shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(i64);

impl Shard {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// The shard of a conversation.
    #[must_use]
    pub fn of(conversation: ConversationId) -> Self {
        Self(conversation.get().rem_euclid(SHARDS))
    }

    /// Of something that has no id yet: always the same shard.
    #[must_use]
    pub fn for_key(key: &[u8]) -> Self {
        // FNV-1a.
        let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // Its last byte reaches few bits of it; those that are highest after this depend on all.
        Self(i64::try_from((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 60).unwrap_or(0))
    }

    /// 0 to 15.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }
}

/// Which server has which shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map([usize; 16]);

impl Map {
    /// Server by shard, shard 0 first.
    #[must_use]
    pub fn new(servers: [usize; 16]) -> Self {
        Self(servers)
    }

    /// The server of a shard.
    #[must_use]
    pub fn server(&self, shard: Shard) -> usize {
        self.0.get(shard.index()).copied().unwrap_or(0)
    }

    /// The numbers of the shards that a server has.
    #[must_use]
    pub fn shards_at(&self, server: usize) -> Vec<i64> {
        Shard::all().filter(|&shard| self.server(shard) == server).map(Shard::number).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_says_its_shard_and_the_map_its_server() {
        let id = |id| ConversationId::new(id).expect("positive");
        assert_eq!(Shard::of(id(1)).number(), 1);
        assert_eq!(Shard::of(id(16)).number(), 0);
        assert_eq!(Shard::of(id(47)).number(), 15);
        let map = Map::new(std::array::from_fn(|shard| shard % 2));
        assert_eq!((map.server(Shard::of(id(47))), map.server(Shard::of(id(32)))), (1, 0));
    }

    #[test]
    fn keys_are_spread_over_all_shards_and_stay_where_they_are() {
        let of = |n: i64| Shard::for_key(&n.to_be_bytes());
        let found: HashSet<Shard> = (0..1000).map(of).collect();
        assert_eq!(found.len(), 16);
        assert_eq!(of(7), of(7));
    }
}
