//! Tells those who watch: takes what waits, asks what of it is watched and how it is shown, and publishes that.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use oort_api::bus::Record;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, RoomKey, UserId};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::oort::v1 as pb;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::changes::Change;
use super::shown::{gone_for, presence_record, record, to_room};
use super::{Presence, Typing};
use crate::metrics::TransientKind;

/// What is told in one go.
#[derive(Debug, Default)]
struct Batch {
    changes: Vec<(UserId, Change)>,
    typing: Vec<(UserId, ConversationId, Typing)>,
    blocks: Vec<(UserId, UserId)>,
}

impl Presence {
    /// Tells what waits, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let due = self.waiting.lock().changes.next_due();
            let next = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = next => {}
            }
            sleep(Duration::from_millis(self.config.gather_ms)).await;
            while let Some(batch) = self.take() {
                self.tell(batch).await;
            }
        }
    }

    fn take(&self) -> Option<Batch> {
        let count_max = self.config.batch_max;
        let mut waiting = self.waiting.lock();
        let changes = waiting.changes.take_due(Instant::now(), count_max);
        let places: Vec<_> = waiting.typing.keys().take(count_max).copied().collect();
        let typing: Vec<_> = places
            .into_iter()
            .filter_map(|place| Some((place.0, place.1, waiting.typing.remove(&place)?)))
            .collect();
        let blocks: Vec<_> = waiting.blocks.iter().take(count_max).copied().collect();
        blocks.iter().for_each(|block| _ = waiting.blocks.remove(block));
        let is_something = !changes.is_empty() || !typing.is_empty() || !blocks.is_empty();
        is_something.then_some(Batch { changes, typing, blocks })
    }

    /// Publishes what of it is watched.
    async fn tell(&self, batch: Batch) {
        let Batch { mut changes, mut typing, mut blocks } = batch;
        let mut rooms: Vec<RoomKey> = changes.iter().map(|(user, _)| RoomKey::presence(*user)).collect();
        rooms.extend(blocks.iter().map(|(user, _)| RoomKey::presence(*user)));
        rooms.extend(typing.iter().map(|(_, conversation, _)| RoomKey::typing(*conversation)));
        rooms.sort_unstable();
        rooms.dedup();
        let watched = match self.parts.directory.route(&[], &[], &rooms).await {
            Ok(routes) => routes.rooms,
            Err(cause) => {
                tracing::debug!(%cause, "presence and typing are not told");
                self.shed(TransientKind::Presence, changes.len() + blocks.len());
                return self.shed(TransientKind::Typing, typing.len());
            }
        };
        changes.retain(|(user, _)| watched.contains_key(&RoomKey::presence(*user)));
        if !changes.is_empty() {
            self.tell_presence(changes).await;
        }
        blocks.retain(|(user, _)| watched.contains_key(&RoomKey::presence(*user)));
        let gone = blocks.into_iter().map(|(user, other)| gone_for(user, other)).collect();
        self.publish(TransientKind::Presence, gone).await;
        typing.retain(|(_, conversation, _)| watched.contains_key(&RoomKey::typing(*conversation)));
        if !typing.is_empty() {
            self.tell_typing(typing).await;
        }
    }

    async fn tell_typing(&self, typing: Vec<(UserId, ConversationId, Typing)>) {
        let mut users: Vec<UserId> = typing.iter().map(|(user, ..)| *user).collect();
        users.sort_unstable();
        users.dedup();
        let (store, max) = (&self.parts.store, self.config.blocks_max);
        let found = tokio::try_join!(
            store.invisible(&users),
            store.blocked_by(&users, max),
            store.blockers_of(&users, max)
        );
        let (veiled, blocked, blockers) = match found {
            Ok(found) if found.1.len() < max as usize && found.2.len() < max as usize => found,
            Ok(_) => return self.shed(TransientKind::Typing, typing.len()),
            Err(cause) => {
                tracing::debug!(%cause, "typing is not told");
                return self.shed(TransientKind::Typing, typing.len());
            }
        };
        let veiled: HashSet<UserId> = veiled.into_iter().map(|(user, _)| user).collect();
        let apart = |user: UserId| {
            let theirs = blocked.iter().filter(|(one, _)| *one == user).map(|(_, other)| other.get());
            theirs
                .chain(blockers.iter().filter(|(_, one)| *one == user).map(|(other, _)| other.get()))
                .collect()
        };
        let shown = typing.into_iter().filter(|(user, ..)| !veiled.contains(user));
        let records = shown
            .map(|(user, conversation, typing)| self.typing_record(user, conversation, typing, apart(user)));
        let records = futures_util::future::join_all(records).await;
        self.publish(TransientKind::Typing, records.into_iter().flatten().collect()).await;
    }

    async fn tell_presence(&self, changes: Vec<(UserId, Change)>) {
        let users: Vec<UserId> = changes.iter().map(|(user, _)| *user).collect();
        let max = self.config.blocks_max;
        let blocked = async { Ok::<_, Refusal>(self.parts.store.blocked_by(&users, max).await?) };
        match tokio::try_join!(self.shown(&users), blocked) {
            Ok((shown, blocked)) if blocked.len() < max as usize => {
                let mut apart: HashMap<UserId, Vec<i64>> = HashMap::new();
                for (user, other) in blocked {
                    apart.entry(user).or_default().push(other.get());
                }
                let record = |(user, change): (UserId, Change)| {
                    presence_record(user, change, &shown, apart.remove(&user).unwrap_or_default())
                };
                self.publish(TransientKind::Presence, changes.into_iter().filter_map(record).collect()).await;
            }
            Ok(_) => self.shed(TransientKind::Presence, users.len()),
            Err(cause) => {
                tracing::debug!(%cause, "presence is not told");
                self.shed(TransientKind::Presence, users.len());
            }
        }
    }

    async fn publish(&self, kind: TransientKind, records: Vec<Record>) {
        let count = records.len();
        if count == 0 {
            return;
        }
        let patience = Duration::from_millis(self.config.patience_ms);
        match self.parts.producer.publish(records, patience).await {
            Ok(()) => {
                let told = self.parts.metrics.transient_told.get_or_create(&kind.into()).clone();
                told.inc_by(count as u64);
            }
            Err(cause) => {
                tracing::debug!(%cause, "presence and typing are not told");
                self.shed(kind, count);
            }
        }
    }

    /// `None`: they are no member, or cannot be told of now.
    async fn typing_record(
        &self,
        user: UserId,
        conversation: ConversationId,
        typing: Typing,
        exclude_user_ids: Vec<i64>,
    ) -> Option<Record> {
        let membership = async {
            match typing.is_member {
                true => Ok(true),
                false => self.is_member(user, conversation).await,
            }
        };
        let found = tokio::join!(membership, self.parts.users.get(user), self.parts.directory.sessions(user));
        let (Ok(true), Ok(user), sessions) = found else {
            self.shed(TransientKind::Typing, 1);
            return None;
        };
        // Their other devices know who types.
        let sessions = sessions.unwrap_or_default();
        let mut exclude_keys: Vec<String> =
            sessions.into_iter().map(|session| session.key.as_str().to_owned()).collect();
        if !exclude_keys.iter().any(|key| key == typing.key.as_str()) {
            exclude_keys.push(typing.key.as_str().to_owned());
        }
        let event =
            pb::TypingEvent { conversation: conversation.get(), user: Some(user), active: typing.active };
        let room = RoomKey::typing(conversation);
        let push = to_room(&room, op::TYPING, &event);
        Some(record(&room, &PushMsg { exclude_keys, exclude_user_ids, ..push }))
    }
}
