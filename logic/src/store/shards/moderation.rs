//! Sanctions are at home, with mutes copied to where sends look at them; queues of hooks are at each server.

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::super::mysql::part::Copied;
use super::super::{
    Asking, Error, HookBacklog, HookDue, HookKinds, HookPlace, HookSettled, HookStore, NewSanction,
    OutboxRow, Sanction, SanctionKind, Sanctioned, Sanctions,
};
use super::outbox::marked;
use super::{ShardedStore, in_order};

#[async_trait]
impl Sanctions for ShardedStore {
    async fn sanction(&self, owner: &str, new: &NewSanction) -> Result<Sanctioned, Error> {
        let sanction = self.home().sanction(owner, new);
        let Sanctioned { ended, row } = match new.kind {
            SanctionKind::Mute => self.changed(Copied::Person(new.user), new.now_ms, sanction).await?,
            SanctionKind::Ban => sanction.await?,
        };
        Ok(Sanctioned { ended, row: row.map(|row| marked(0, row)) })
    }

    async fn lift(
        &self,
        owner: &str,
        kind: SanctionKind,
        user: UserId,
        now_ms: i64,
    ) -> Result<(bool, Option<OutboxRow>), Error> {
        let lift = self.home().lift(owner, kind, user, now_ms);
        let (was_in_force, row) = match kind {
            SanctionKind::Mute => self.changed(Copied::Person(user), now_ms, lift).await?,
            SanctionKind::Ban => lift.await?,
        };
        Ok((was_in_force, row.map(|row| marked(0, row))))
    }

    async fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Error> {
        self.home().sanctions_of(users, now_ms).await
    }

    async fn sanctions(
        &self,
        kind: SanctionKind,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Sanction>, Error> {
        self.home().sanctions(kind, after, limit, now_ms).await
    }
}

#[async_trait]
impl HookStore for ShardedStore {
    fn want_hooks(&self, kinds: HookKinds) {
        self.servers.iter().for_each(|server| server.want_hooks(kinds));
    }

    async fn askings(
        &self,
        sender: UserId,
        messages: &[(ConversationId, String)],
    ) -> Result<Vec<Asking>, Error> {
        let mut parts = Vec::new();
        for (server, (places, of)) in self.by_server(messages.iter().cloned(), |(id, _)| *id) {
            parts.push((places, self.server(server).askings(sender, &of).await?));
        }
        Ok(in_order(parts))
    }

    async fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<HookDue>, Error> {
        self.take(limit, |_, server, left| server.take_hooks(now_ms, lease_ms, left)).await
    }

    async fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> Result<u64, Error> {
        self.of(place.conversation).settle_hook(place, settled, now_ms).await
    }

    async fn hook_backlog(&self, now_ms: i64, count_max: u32) -> Result<HookBacklog, Error> {
        let mut all = HookBacklog::default();
        for (_, part) in self.each(|server| server.hook_backlog(now_ms, count_max)).await? {
            all.conversations = (all.conversations + part.conversations).min(count_max.into());
            all.oldest_ms = all.oldest_ms.max(part.oldest_ms);
        }
        Ok(all)
    }

    async fn oldest_hooks(&self, limit: u32) -> Result<Vec<HookPlace>, Error> {
        // Each server says its own in order, not since when they wait: one of each in turn.
        let parts = self.each(|server| server.oldest_hooks(limit)).await?;
        let mut parts: Vec<_> = parts.into_iter().map(|(_, part)| part.into_iter()).collect();
        let mut all = Vec::new();
        while all.len() < limit as usize {
            let before = all.len();
            all.extend(parts.iter_mut().filter_map(Iterator::next));
            if all.len() == before {
                break;
            }
        }
        all.truncate(limit as usize);
        Ok(all)
    }
}
