//! Notifications: targets and queue are at home, feeds at each server that has conversations.

use std::collections::HashSet;

use oort_api::ids::{ConversationId, UserId};
use tonic::async_trait;

use super::super::mysql::part::{Place, Taken};
use super::super::notifications::is_untold;
use super::super::{
    Due, Error, FeedRow, Listener, NewNotification, NotificationBacklog, NotificationStore, Receipts as _,
    Settled, Target,
};
use super::outbox::SERVERS;
use super::{ShardedStore, in_order};

#[async_trait]
impl NotificationStore for ShardedStore {
    async fn put_target(&self, target: &Target) -> Result<Option<Target>, Error> {
        let put = self.home().put_target(target).await?;
        // Behind it, as others take it back where they see no target; and before the answer.
        for server in self.away() {
            self.server(server).listen().await?;
        }
        Ok(put)
    }

    async fn target(&self, login_id: &str, user: UserId) -> Result<Option<Target>, Error> {
        self.home().target(login_id, user).await
    }

    async fn remove_target(&self, login_id: &str, id: &str) -> Result<bool, Error> {
        let was_there = self.home().remove_target(login_id, id).await?;
        self.listen_less().await?;
        Ok(was_there)
    }

    async fn take_feed(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<FeedRow>, Error> {
        self.take(limit, |number, server, left| async move {
            let rows = server.take_feed(now_ms, lease_ms, left).await?;
            let number = i64::try_from(number).unwrap_or(0);
            Ok(rows.into_iter().map(|row| FeedRow { id: row.id * SERVERS + number, ..row }).collect())
        })
        .await
    }

    async fn delete_feed(&self, ids: &[i64]) -> Result<(), Error> {
        for (server, ids) in self.unmarked(ids) {
            self.server(server).delete_feed(&ids).await?;
        }
        Ok(())
    }

    async fn trim_feed(&self, rows_max: u32, limit: u32) -> Result<u64, Error> {
        let mut trimmed = 0;
        for server in self.holders() {
            match self.server(server).trim_feed(rows_max, limit).await {
                Ok(rows) => trimmed += rows,
                // The others have bounds as well.
                Err(cause) => tracing::warn!(%cause, server, "a feed of notifications is not trimmed"),
            }
        }
        self.listen_less().await?;
        Ok(trimmed)
    }

    async fn listeners(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Listener>, Error> {
        // The server of the conversation has its members, and no targets unless it is home.
        let members = self.of(id).listeners(id, after, limit).await?;
        if self.place(id) == 0 {
            return Ok(members);
        }
        let users: Vec<UserId> = members.into_iter().map(|listener| listener.user).collect();
        let mut targets = self.home().targets_of(&users).await?;
        let mut all = Vec::with_capacity(users.len());
        for user in users {
            match targets.remove(&user.get()) {
                Some(logins) => {
                    all.extend(
                        logins.into_iter().map(|login_id| Listener { user, login_id: Some(login_id) }),
                    );
                }
                None => all.push(Listener { user, login_id: None }),
            }
        }
        Ok(all)
    }

    async fn queue_notifications(
        &self,
        new: &[NewNotification],
        device_rows_max: u32,
        now_ms: i64,
    ) -> Result<u64, Error> {
        self.home().queue_notifications(new, device_rows_max, now_ms).await
    }

    async fn take_notifications(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Error> {
        let taken = self.home().take_queued(now_ms, lease_ms, limit).await?;
        let of = taken
            .iter()
            .filter_map(|row| Some((row.target.user.get(), ConversationId::new(row.conversation)?, row.seq)));
        let mut parts = Vec::new();
        for (server, (indexes, of)) in self.by_server(of, |&(_, id, _)| id) {
            let of: Vec<(i64, i64, i64)> =
                of.into_iter().map(|(user, id, seq)| (user, id.get(), seq)).collect();
            match self.server(server).places_of(&of).await {
                Ok(places) => parts.push((indexes, places)),
                // They are taken again when their lease is over.
                Err(cause) => {
                    tracing::warn!(%cause, server, "notifications wait for a server");
                    parts.push((indexes, of.iter().map(|_| None).collect()));
                }
            }
        }
        let known: Vec<(Taken, Place)> =
            taken.into_iter().zip(in_order(parts)).filter_map(|(row, place)| Some((row, place?))).collect();
        let users: HashSet<UserId> = known.iter().map(|(row, _)| row.target.user).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let senders: HashSet<UserId> =
            known.iter().filter_map(|(_, place)| UserId::new(place.sender)).collect();
        let mut blocked = HashSet::new();
        for sender in senders {
            let by = self.home().blockers_among(&users, sender).await?;
            blocked.extend(by.into_iter().map(|user| (user, sender.get())));
        }
        let due = |(row, place): (Taken, Place)| {
            let is_sender_blocked = blocked.contains(&(row.target.user, place.sender));
            due(row, place, is_sender_blocked)
        };
        Ok(known.into_iter().filter_map(due).collect())
    }

    async fn settle_notifications(&self, settled: &[Settled], now_ms: i64) -> Result<(), Error> {
        self.home().settle_notifications(settled, now_ms).await
    }

    async fn notification_backlog(&self, now_ms: i64) -> Result<NotificationBacklog, Error> {
        let mut all = self.home().notification_backlog(now_ms).await?;
        for server in self.away() {
            all.feed += self.server(server).notification_backlog(now_ms).await?.feed;
        }
        Ok(all)
    }
}

impl ShardedStore {
    /// Nothing is fed for nobody.
    async fn listen_less(&self) -> Result<(), Error> {
        for server in self.away() {
            self.server(server).listen_less(self.home()).await?;
        }
        Ok(())
    }
}

fn due(row: Taken, place: Place, is_sender_blocked: bool) -> Option<Due> {
    Some(Due {
        conversation: ConversationId::new(row.conversation)?,
        target: row.target,
        login_expires_at_ms: row.login_expires_at_ms,
        kind: place.kind,
        name: place.name,
        is_member: place.is_member,
        seq: row.seq,
        read_seq: place.read_seq,
        muted_until_ms: row.muted_until_ms,
        is_sender_blocked,
        is_hidden: row.is_hidden,
        unread: place.unread,
        sender: place.sender,
        sender_name: place.sender_name,
        message_kind: place.message_kind,
        content: place.content,
        is_untold: is_untold(place.extra.as_ref()),
        sent_at_ms: place.sent_at_ms,
        attempts: row.attempts,
        created_at_ms: row.created_at_ms,
    })
}
