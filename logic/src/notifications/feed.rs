//! From what was sent to the queue: who is to be notified of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oort_api::clock::now_ms;
use oort_api::directory::LoginTag;
use oort_api::ids::{ConversationId, UserId};

use super::{Failure, Notifications};
use crate::store::{Listener, NewNotification, Sent};

/// Users looked up in the directory at the same time.
const LOOK_UPS: usize = 16;
/// Rows given up in one transaction.
const TRIMMED_ROWS: u32 = 1_000;

/// In each conversation the newest message of each sender.
type Newest = BTreeMap<ConversationId, HashMap<i64, i64>>;

impl Notifications {
    /// Looks at a part of the feed; whether there may be more.
    ///
    /// What fails is left to whoever takes it when the lease is over: some are then put into the queue once more.
    pub(super) async fn read_feed(&self) -> Result<bool, Failure> {
        let rows = self.store.take_feed(now_ms(), self.lease_ms(), self.config.feed_rows_max).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(false);
        }
        let unreadable = rows.iter().filter(|row| row.sent.is_none()).count();
        self.metrics.drop("unreadable", unreadable as u64);
        for (conversation, senders) in newest(rows.iter().flat_map(|row| row.sent.iter().flatten())) {
            self.notify_members(conversation, &senders).await?;
        }
        self.store.delete_feed(&ids).await?;
        Ok(ids.len() >= usize::try_from(self.config.feed_rows_max).unwrap_or(usize::MAX))
    }

    /// Gives up what is too much.
    pub(super) async fn trim_feed(&self) -> Result<(), Failure> {
        loop {
            let trimmed = self.store.trim_feed(self.config.feed_waiting_max, TRIMMED_ROWS).await?;
            self.metrics.drop("feed_full", trimmed);
            if trimmed < u64::from(TRIMMED_ROWS) {
                return Ok(());
            }
        }
    }

    async fn notify_members(
        &self,
        conversation: ConversationId,
        senders: &HashMap<i64, i64>,
    ) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let page = self.store.listeners(conversation, after, self.config.members_page).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.user.get();
            let online = self.online(page.iter().filter(|one| one.login_id.is_some())).await?;
            let now_ms = now_ms();
            let due_at_ms = now_ms.saturating_add(i64::try_from(self.config.delay_ms).unwrap_or(i64::MAX));
            let mut new = Vec::new();
            for Listener { user, login_id } in page {
                let (Some(login_id), Some(seq)) = (login_id, of_others(senders, user)) else { continue };
                if online.contains(&(user, LoginTag::of(&login_id))) {
                    self.metrics.drop("online", 1);
                } else {
                    new.push(NewNotification { login_id, user, conversation, seq, due_at_ms });
                }
            }
            if !new.is_empty() {
                let lost = self.store.queue_notifications(&new, self.config.device_rows_max, now_ms).await?;
                self.metrics.drop("full", lost);
            }
        }
    }

    /// Log-ins of these users that have a connection.
    async fn online<'l>(
        &self,
        listeners: impl Iterator<Item = &'l Listener>,
    ) -> Result<HashSet<(UserId, LoginTag)>, Failure> {
        let users: HashSet<UserId> = listeners.map(|listener| listener.user).collect();
        if users.is_empty() {
            return Ok(HashSet::new());
        }
        // One round trip tells who has any.
        let users: Vec<UserId> = users.into_iter().collect();
        let routes = self.directory.route(&users, &[], &[]).await?;
        let found: Vec<Vec<(UserId, LoginTag)>> = stream::iter(routes.users.into_keys())
            .map(|user| self.connected(user))
            .buffer_unordered(LOOK_UPS)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Log-ins of the user that have a connection.
    pub(super) async fn connected(&self, user: UserId) -> Result<Vec<(UserId, LoginTag)>, Failure> {
        let sessions = self.directory.sessions(user).await?;
        Ok(sessions.into_iter().filter_map(|session| Some((user, session.login?))).collect())
    }
}

fn newest<'s>(sent: impl Iterator<Item = &'s Sent>) -> Newest {
    let mut newest = Newest::new();
    for sent in sent {
        let seq = newest.entry(sent.conversation).or_default().entry(sent.sender).or_default();
        *seq = sent.seq.max(*seq);
    }
    newest
}

/// The newest message that the user did not write.
fn of_others(senders: &HashMap<i64, i64>, user: UserId) -> Option<i64> {
    senders.iter().filter(|(sender, _)| **sender != user.get()).map(|(_, seq)| *seq).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_notified_of_what_they_said() {
        let conversation = ConversationId::new(5).expect("positive");
        let sent = [(1, 1), (4, 2), (3, 1)].map(|(seq, sender)| Sent { conversation, seq, sender });
        let newest = newest(sent.iter());
        let senders = &newest[&conversation];
        let of = |user| of_others(senders, UserId::new(user).expect("positive"));
        assert_eq!((of(1), of(2), of(3)), (Some(4), Some(3), Some(4)));
        let alone = HashMap::from([(1, 7)]);
        assert_eq!(of_others(&alone, UserId::new(1).expect("positive")), None);
    }
}
