//! The store over several MySQL servers.
//!
//! The first server, *home*, has the users and all that hangs on them. Conversations, with their members, messages and
//! cursors, are in sixteen shards by id, and each shard is at one server, which may be home. Each server has the whole
//! schema and its own outbox: what is done to a conversation is one transaction of one server, as with one server
//! alone. What such a transaction needs of users is copied there (`mysql::part`); what a user is shown of many
//! conversations is asked of all servers at once and put together here.

mod accounts;
mod conversations;
mod copies;
mod files;
mod groups;
mod lists;
mod map;
mod messages;
mod moderation;
mod notifications;
mod outbox;
mod placement;
mod search;
mod store;
mod users;

pub use map::{Map, SHARDS, Shard};
pub use outbox::SERVERS_MAX;
pub(super) use placement::check_alone;
pub use placement::{read, settle};

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::try_join_all;
use oort_api::ids::ConversationId;
use parking_lot::RwLock;

use super::mysql::{MysqlStore, Settings};
use super::{Error, Metrics, Store};

/// See the [module](self).
pub struct ShardedStore {
    servers: Vec<Arc<MysqlStore>>,
    map: Map,
    /// Users whose copy is at a server: (server, user).
    copied: RwLock<HashSet<(usize, i64)>>,
    rest: copies::Rest,
}

impl fmt::Debug for ShardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedStore")
            .field("servers", &self.servers)
            .field("map", &self.map)
            .finish_non_exhaustive()
    }
}

impl ShardedStore {
    /// Connects to all servers, home first.
    ///
    /// # Errors
    /// As [`MysqlStore::open`]; [`Error::Schema`] when [`settle`] has work to do, or these are other servers.
    pub async fn open(settings: &[Settings], metrics: &Metrics) -> Result<Arc<dyn Store>, Error> {
        for server in settings {
            super::migrate::mysql_plan(server).await?.require_current()?;
        }
        let map = placement::read(settings).await?;
        let servers = try_join_all(settings.iter().map(|settings| MysqlStore::open_one(settings, metrics)));
        Ok(Arc::new(Self {
            servers: servers.await?,
            map,
            copied: RwLock::default(),
            rest: copies::Rest::default(),
        }))
    }

    /// Where the users are.
    fn home(&self) -> &MysqlStore {
        // There is at least one.
        &self.servers[0]
    }

    fn server(&self, index: usize) -> &MysqlStore {
        &self.servers[index]
    }

    /// The server of a conversation, by its number.
    fn place(&self, id: ConversationId) -> usize {
        self.map.server(Shard::of(id))
    }

    fn of(&self, id: ConversationId) -> &MysqlStore {
        self.server(self.place(id))
    }

    /// Whether a server that told of a conversation is the one that has it.
    fn is_at(&self, server: usize, conversation: i64) -> bool {
        ConversationId::new(conversation).is_some_and(|id| self.place(id) == server)
    }

    /// Servers that have conversations, each once, in the order of their numbers.
    fn holders(&self) -> Vec<usize> {
        let all: HashSet<usize> = Shard::all().map(|shard| self.map.server(shard)).collect();
        let mut all: Vec<usize> = all.into_iter().collect();
        all.sort_unstable();
        all
    }

    /// Those of them that are not home.
    fn away(&self) -> Vec<usize> {
        self.holders().into_iter().filter(|&server| server != 0).collect()
    }

    /// Asks all servers that have conversations at once; answers with their numbers.
    async fn each<'s, T, F, R>(&'s self, ask: F) -> Result<Vec<(usize, T)>, Error>
    where
        F: Fn(&'s MysqlStore) -> R,
        R: Future<Output = Result<T, Error>>,
    {
        try_join_all(self.holders().into_iter().map(|server| {
            let asked = ask(self.server(server));
            async move { Ok((server, asked.await?)) }
        }))
        .await
    }

    /// Takes of each server in turn, as long as there may be more. One that fails keeps nobody from what the others have.
    async fn take<'s, T, F, R>(&'s self, limit: u32, take: F) -> Result<Vec<T>, Error>
    where
        F: Fn(usize, &'s MysqlStore, u32) -> R,
        R: Future<Output = Result<Vec<T>, Error>>,
    {
        let (mut taken, mut failed) = (Vec::new(), None);
        for server in self.holders() {
            let left = limit.saturating_sub(u32::try_from(taken.len()).unwrap_or(limit));
            if left == 0 {
                break;
            }
            match take(server, self.server(server), left).await {
                Ok(more) => taken.extend(more),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if taken.is_empty() => Err(error),
            Some(cause) => {
                tracing::warn!(%cause, "nothing is taken from a server that does not answer");
                Ok(taken)
            }
            None => Ok(taken),
        }
    }

    /// Things by the server of their conversation, each with its place among all.
    fn by_server<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        conversation: impl Fn(&T) -> ConversationId,
    ) -> BTreeMap<usize, (Vec<usize>, Vec<T>)> {
        let mut by: BTreeMap<usize, (Vec<usize>, Vec<T>)> = BTreeMap::new();
        for (index, one) in all.into_iter().enumerate() {
            let (places, ones) = by.entry(self.place(conversation(&one))).or_default();
            places.push(index);
            ones.push(one);
        }
        by
    }
}

/// Answers of parts in the order of what was asked.
fn in_order<T>(parts: impl IntoIterator<Item = (Vec<usize>, Vec<T>)>) -> Vec<T> {
    let mut all: Vec<(usize, T)> =
        parts.into_iter().flat_map(|(places, answers)| places.into_iter().zip(answers)).collect();
    all.sort_by_key(|&(place, _)| place);
    all.into_iter().map(|(_, answer)| answer).collect()
}
