//! The end of accounts: at home, and what it leaves at each server.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Message, User};
use tonic::async_trait;

use super::super::mysql::part::Copied;
use super::super::{Departure, Departures, Erased, Error};
use super::ShardedStore;
use super::outbox::marked;

#[async_trait]
impl Departures for ShardedStore {
    async fn deactivate(&self, user: UserId, now_ms: i64) -> Result<Vec<String>, Error> {
        self.home().deactivate(user, now_ms).await
    }

    async fn reactivate(&self, user: UserId) -> Result<(), Error> {
        self.home().reactivate(user).await
    }

    async fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Result<Vec<String>, Error> {
        self.changed(Copied::Person(user), now_ms, self.home().delete_account(user, erase, now_ms)).await
    }

    async fn departing(&self, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Error> {
        self.home().departing(before_ms, limit).await
    }

    async fn groups_of(&self, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Error> {
        let mut all = Vec::new();
        for (server, groups) in self.each(|server| server.groups_of(user, limit)).await? {
            all.extend(groups.into_iter().filter(|group| self.place(*group) == server));
        }
        all.sort_unstable();
        all.truncate(limit as usize);
        Ok(all)
    }

    async fn erase_messages(
        &self,
        owner: &str,
        server: usize,
        user: &User,
        limit: u32,
        now_ms: i64,
    ) -> Result<Erased, Error> {
        let Some(store) = self.servers.get(server) else { return Ok(Erased::All) };
        // Where it stands is kept in its copy.
        self.ensure(server, [user.id]).await?;
        Ok(match store.erase_messages(owner, server, user, limit, now_ms).await? {
            Erased::Some(row) => Erased::Some(row.map(|row| marked(server, row))),
            Erased::All => Erased::All,
        })
    }

    async fn departed(&self, user: UserId) -> Result<(), Error> {
        self.home().departed(user).await
    }

    async fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Result<Vec<Message>, Error> {
        let mut all = Vec::new();
        for (server, messages) in self.each(|server| server.messages_by(user, after, limit)).await? {
            all.extend(messages.into_iter().filter(|message| self.is_at(server, message.conversation)));
        }
        all.sort_by_key(|message| (message.conversation, message.seq));
        all.truncate(limit as usize);
        Ok(all)
    }
}
