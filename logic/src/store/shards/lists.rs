//! What a user is shown of all their conversations: asked of all servers at once, put together here.

use std::collections::HashMap;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind};

use super::super::{Entry, Error, Filling, Store as _};
use super::ShardedStore;

impl ShardedStore {
    pub(super) async fn all_rooms_of(
        &self,
        users: &[UserId],
        rooms_max: u32,
    ) -> Result<Vec<Vec<ConversationId>>, Error> {
        let mut all: Vec<Vec<ConversationId>> = vec![Vec::new(); users.len()];
        for (server, lists) in self.each(|server| server.rooms_of_all(users, rooms_max)).await? {
            for (of, list) in all.iter_mut().zip(lists) {
                of.extend(list.into_iter().filter(|&id| self.place(id) == server));
            }
        }
        all.iter_mut().for_each(|list| list.sort_unstable());
        Ok(all)
    }

    pub(super) async fn all_entries_of(
        &self,
        users: &[UserId],
        rooms_max: u32,
    ) -> Result<Vec<Vec<Entry>>, Error> {
        for server in self.holders() {
            self.ensure(server, users.iter().map(|user| user.get())).await?;
        }
        let own = self.home().own_of(users).await?;
        let mut all: Vec<Vec<Entry>> = vec![Vec::new(); users.len()];
        for (server, lists) in self.each(|server| server.entries_of_all(users, rooms_max)).await? {
            for (of, list) in all.iter_mut().zip(lists) {
                of.extend(list.into_iter().filter(|entry| self.is_at(server, entry.conversation.id)));
            }
        }
        for (user, list) in users.iter().zip(&mut all) {
            list.sort_by_key(|entry| entry.conversation.id);
            keep_rooms(list, rooms_max);
            for entry in list {
                let of = (user.get(), entry.conversation.id);
                if let Some(&(pinned, muted_until_ms, at_ms)) = own.settings.get(&of) {
                    entry.conversation.pinned = pinned;
                    entry.conversation.muted_until_ms = muted_until_ms;
                    entry.changed_at_ms = entry.changed_at_ms.max(at_ms);
                }
                entry.conversation.has_hidden = own.hidden.contains(&of);
            }
        }
        Ok(all)
    }

    pub(super) async fn all_filled(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error> {
        let of = |server: usize| -> Vec<Filling> {
            let list = |filling: &Filling| {
                filling.list.iter().filter(|one| self.is_at(server, one.id)).cloned().collect()
            };
            fillings
                .iter()
                .map(|filling| Filling { user: filling.user, list: list(filling), latest: filling.latest })
                .collect()
        };
        let mut filled: Vec<HashMap<i64, Conversation>> = vec![HashMap::new(); fillings.len()];
        for server in self.holders() {
            let lists = self.server(server).filled_all(&of(server)).await?;
            for (all, list) in filled.iter_mut().zip(lists) {
                all.extend(list.into_iter().map(|conversation| (conversation.id, conversation)));
            }
        }
        let lists = fillings
            .iter()
            .zip(&mut filled)
            .map(|(filling, all)| filling.list.iter().filter_map(|one| all.remove(&one.id)).collect());
        Ok(lists.collect())
    }
}

/// The oldest open rooms alone; the list is by id.
fn keep_rooms(list: &mut Vec<Entry>, rooms_max: u32) {
    let mut rooms = 0;
    list.retain(|entry| {
        let is_room = entry.conversation.kind == i32::from(ConversationKind::Room);
        rooms += u32::from(is_room);
        !is_room || rooms <= rooms_max
    });
}
