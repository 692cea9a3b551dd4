//! Search: each server has the index of its conversations.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::Message;
use tonic::async_trait;

use super::super::{Compared, Error, Indexed, Look, Posting, Search, Searched};
use super::{ShardedStore, in_order};

#[async_trait]
impl Search for ShardedStore {
    async fn index(&self, ids: &[ConversationId], limit: u32) -> Result<Indexed, Error> {
        let mut all = Indexed::default();
        for (server, (_, of)) in self.by_server(ids.iter().copied(), |id| *id) {
            let left = limit.saturating_sub(all.messages);
            if left == 0 {
                all.unfinished.extend(of);
                continue;
            }
            let part = self.server(server).index(&of, left).await?;
            all.messages += part.messages;
            all.unfinished.extend(part.unfinished);
        }
        Ok(all)
    }

    async fn compare(&self, after: i64, limit: u32) -> Result<Compared, Error> {
        let parts = self.each(|server| server.compare(after, limit)).await?;
        // A server that was not looked at to its end says nothing of what is behind its last one.
        let last = parts.iter().filter_map(|(_, part)| part.last).min();
        let mut behind: Vec<ConversationId> = Vec::new();
        for (server, part) in parts {
            behind.extend(part.behind.into_iter().filter(|&id| self.place(id) == server));
        }
        behind.retain(|&id| last.is_none_or(|last| id <= last));
        behind.sort_unstable();
        Ok(Compared { behind, last })
    }

    async fn lease_sweep(
        &self,
        owner: &str,
        now_ms: i64,
        lease_ms: i64,
        at: Option<i64>,
    ) -> Result<Option<i64>, Error> {
        self.home().lease_sweep(owner, now_ms, lease_ms, at).await
    }

    async fn searched(&self, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Error> {
        let mut all = Vec::new();
        for (server, part) in self.each(|server| server.searched(user, rooms_max)).await? {
            all.extend(part.into_iter().filter(|found| self.is_at(server, found.conversation)));
        }
        Ok(all)
    }

    async fn postings(
        &self,
        words: &[String],
        looks: &[Look],
        limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error> {
        let mut parts = Vec::new();
        for server in self.holders() {
            let of = looks.iter().enumerate().filter(|(_, look)| self.is_at(server, look.conversation));
            let (places, of): (Vec<usize>, Vec<Look>) = of.map(|(place, look)| (place, *look)).unzip();
            if !of.is_empty() {
                parts.push((places, self.server(server).postings(words, &of, limit).await?));
            }
        }
        Ok(in_order(parts))
    }

    async fn messages_at(&self, places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
        let mut all = Vec::with_capacity(places.len());
        for server in self.holders() {
            let of: Vec<(i64, i64)> =
                places.iter().copied().filter(|&(id, _)| self.is_at(server, id)).collect();
            all.extend(self.server(server).messages_at(&of).await?);
        }
        let order =
            |message: &Message| places.iter().position(|&place| place == (message.conversation, message.seq));
        all.sort_by_cached_key(order);
        Ok(all)
    }
}
