//! Calls that make something in a shard, and sends of files that others vouch for.

use std::collections::HashSet;

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::super::MysqlStore;
use super::super::append::Append;
use super::super::conversations::{self, CreateDirect, CreateRoom};
use super::super::groups::FoundGroup;
use super::super::sql::first;
use super::super::store::pooled;
use crate::store::shards::Shard;
use crate::store::{Appended, ConversationInfo, Error, NewGroup, NewMessage, OutboxRow};

impl MysqlStore {
    /// [`Store::append`](crate::store::Store::append) of messages whose senders may read these files (sender, file) at
    /// another server.
    pub(in crate::store) async fn append_vouched(
        &self,
        owner: &str,
        batch: &[NewMessage],
        vouched: &HashSet<(i64, i64)>,
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        let work = Append {
            batch,
            vouched,
            published,
            now_ms,
            packet_bytes_max: self.settings.packet_bytes_max,
            rooms: &self.rooms,
            rooms_cached_max: self.settings.rooms_cached_max,
            hooked: self.hooks.get(),
        };
        self.transact(owner, &work).await
    }

    /// [`Store::create_room`](crate::store::Store::create_room) in a shard.
    pub(in crate::store) async fn create_room_in(
        &self,
        shard: Shard,
        owner: &str,
        (name, creator): (&str, &User),
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        self.transact(owner, &CreateRoom { name, shard: Some(shard), creator, now_ms }).await
    }

    /// Whether there is a room of this name here.
    pub(in crate::store) async fn has_room(&self, name: &str) -> Result<bool, Error> {
        let key = name.to_lowercase().into_bytes();
        let sql = "SELECT id FROM conversations WHERE name_key = ?";
        let found: Option<(i64,)> = pooled!(self, |connection| first(connection, sql, (key,)))?;
        Ok(found.is_some())
    }

    /// [`Store::direct`](crate::store::Store::direct) in a shard, where there is none.
    pub(in crate::store) async fn create_direct_in(
        &self,
        shard: Shard,
        owner: &str,
        (creator, peer): (&User, UserId),
        home: Option<&Self>,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.transact(owner, &CreateDirect { creator, peer, shard: Some(shard), home, now_ms }).await
    }

    /// The direct conversation of two users, if it is here.
    pub(in crate::store) async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationInfo>, Error> {
        pooled!(self, |connection| conversations::find_direct(connection, one, other))
    }

    /// [`GroupStore::found_group`](crate::store::GroupStore::found_group) in a shard.
    pub(in crate::store) async fn found_group_in(
        &self,
        shard: Shard,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.transact(owner, &FoundGroup { new, shard: Some(shard) }).await
    }

    /// Whether a link of this token is here.
    pub(in crate::store) async fn has_link(&self, token_hash: &[u8; 32]) -> Result<bool, Error> {
        let sql = "SELECT id FROM group_links WHERE token_hash = ?";
        let found: Option<(i64,)> = pooled!(self, |connection| first(connection, sql, (&token_hash[..],)))?;
        Ok(found.is_some())
    }
}
