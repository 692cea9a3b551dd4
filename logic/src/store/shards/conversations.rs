//! New conversations: which shard they come into.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;

use super::super::{About, ConversationInfo, Error, NewGroup, OutboxRow};
use super::outbox::marked;
use super::{Shard, ShardedStore};

/// A room that is made has the shard of its name.
fn of_name(name: &str) -> Shard {
    Shard::for_key(name.to_lowercase().as_bytes())
}

/// A direct conversation that is made has the shard of its pair, whichever of the two asks.
fn of_pair(one: UserId, other: UserId) -> Shard {
    let (lo, hi) = (one.min(other), one.max(other));
    Shard::for_key(&[lo.get().to_be_bytes(), hi.get().to_be_bytes()].concat())
}

/// Groups under a key have the shard of the key, where a repeat finds them; others any.
fn of_group(new: &NewGroup) -> Shard {
    match &new.key {
        Some(key) => Shard::for_key(&key.hash),
        None => Shard::for_key(&[new.creator.id.to_be_bytes(), new.now_ms.to_be_bytes()].concat()),
    }
}

impl ShardedStore {
    /// The server whose outbox a transaction writes, if it writes one.
    pub(super) async fn about(&self, about: About<'_>) -> Result<usize, Error> {
        Ok(match about {
            About::Users => 0,
            About::Conversation(id) => self.place(id),
            About::Room(name) => self.map.server(of_name(name)),
            About::Pair(one, other) => self.map.server(of_pair(one, other)),
            About::Group(new) => self.map.server(of_group(new)),
            About::Link(token_hash) => self.linked(token_hash).await?,
            About::Server(server) => server,
        })
    }

    /// The server of a link; where there is none, that is told as one server would.
    pub(super) async fn linked(&self, token_hash: &[u8; 32]) -> Result<usize, Error> {
        let found = self.soon(self.each(|server| server.has_link(token_hash))).await?;
        Ok(found.into_iter().find(|&(_, is_there)| is_there).map_or(0, |(server, _)| server))
    }

    /// A name has its shard, where the name is unique. Rooms of before are where their ids say.
    pub(super) async fn new_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        let found = self.soon(self.each(|server| server.has_room(name))).await?;
        if found.into_iter().any(|(_, is_there)| is_there) {
            return Err(Error::RoomNameTaken);
        }
        let shard = of_name(name);
        let server = self.map.server(shard);
        let (info, row) = self.server(server).create_room_in(shard, owner, (name, creator), now_ms).await?;
        Ok((info, marked(server, row)))
    }

    /// A pair has its shard, where it is unique.
    pub(super) async fn direct_of(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let one = UserId::new(creator.id).ok_or(Error::NoUser(creator.id))?;
        for (server, found) in self.soon(self.each(|server| server.find_direct(one, peer))).await? {
            if let Some(info) = found.filter(|info| self.place(info.id) == server) {
                return Ok((info, None));
            }
        }
        let shard = of_pair(one, peer);
        let server = self.map.server(shard);
        self.ensure(server, [one.get(), peer.get()]).await?;
        if server != 0 && self.home().is_blocked(one, peer).await? {
            return Err(Error::Blocked);
        }
        let home = (server != 0).then(|| self.home());
        let at = self.server(server);
        let (info, row) = at.create_direct_in(shard, owner, (creator, peer), home, now_ms).await?;
        Ok((info, row.map(|row| marked(server, row))))
    }

    pub(super) async fn new_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let shard = of_group(new);
        let server = self.map.server(shard);
        let members = new.members.iter().map(|member| member.get());
        self.ensure(server, members.chain([new.creator.id])).await?;
        let (info, row) = self.server(server).found_group_in(shard, owner, new).await?;
        Ok((info, row.map(|row| marked(server, row))))
    }
}
