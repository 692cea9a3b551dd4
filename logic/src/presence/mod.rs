//! Who is online, and who types: transient, told to those who watch it.
//!
//! Who watches is in a room of its own (`presence://<user>`,
//! `typing://<conversation>`), which comets keep like any other. What happens
//! waits here for a moment, so that it costs its cause nothing; then a task
//! asks the directory who is online and what is watched, and publishes what
//! somebody watches. What cannot be told in time is shed and counted: it holds
//! up nothing else, and asking again shows the truth.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::bus::{Producer, Record};
use oort_api::clock::now_ms;
use oort_api::directory::Directory;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, RoomKey, SessionKey, UserId};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1 as pb;
use oort_api::pb::oort::v1::ConversationKind;
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::directory_refusal;
use crate::metrics::{Metrics, TransientKind};
use crate::seen::Seen;
use crate::store::Store;
use crate::users::Users;
use oort_api::generations::Generations;

mod changes;
mod config;

pub use config::Config;

use changes::{Change, Changes};

/// What presence works with.
#[derive(Debug)]
pub struct Parts {
    /// Where sessions and watchers are.
    pub directory: Arc<dyn Directory>,
    /// The bus.
    pub producer: Arc<dyn Producer>,
    /// Where members are.
    pub store: Arc<dyn Store>,
    /// When users were last seen.
    pub seen: Arc<Seen>,
    /// Users by id.
    pub users: Arc<Users>,
    /// Counters.
    pub metrics: Metrics,
}

/// Somebody's typing, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The session they type in; it is not told.
    pub key: SessionKey,
    /// They began, or stopped.
    pub active: bool,
    /// That they are a member is known.
    pub is_member: bool,
}

/// Presence and typing.
#[derive(Debug)]
pub struct Presence {
    config: Config,
    parts: Parts,
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// Members of direct conversations: that never changes.
    directs: Mutex<Generations<(UserId, ConversationId), ()>>,
}

#[derive(Debug)]
struct Waiting {
    changes: Changes,
    typing: HashMap<(UserId, ConversationId), Typing>,
}

/// What is told in one go.
#[derive(Debug, Default)]
struct Batch {
    changes: Vec<(UserId, Change)>,
    typing: Vec<(UserId, ConversationId, Typing)>,
}

impl Presence {
    /// Tells nothing until [`run`](Self::run).
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let waiting = Waiting { changes: Changes::new(config.waiting_max), typing: HashMap::new() };
        let directs = Mutex::new(Generations::new(config.members_cached_max));
        Self { config, parts, waiting: Mutex::new(waiting), wake: Notify::new(), directs }
    }

    /// A session of the user was recorded.
    pub fn came(&self, user: UserId) {
        let is_kept = self.waiting.lock().changes.came(user, Instant::now());
        self.kept(is_kept, TransientKind::Presence);
    }

    /// A session of the user ended.
    pub fn went(&self, user: UserId) {
        let now_ms = now_ms();
        self.parts.seen.user(user, now_ms);
        let due = Instant::now() + Duration::from_millis(self.config.grace_ms);
        let is_kept = self.waiting.lock().changes.went(user, now_ms, due);
        self.kept(is_kept, TransientKind::Presence);
    }

    /// The user types in a conversation, or stopped. The latest counts.
    pub fn types(&self, user: UserId, conversation: ConversationId, typing: Typing) {
        let mut waiting = self.waiting.lock();
        let place = (user, conversation);
        let has_room = waiting.typing.len() < self.config.waiting_max || waiting.typing.contains_key(&place);
        if has_room {
            waiting.typing.insert(place, typing);
        }
        drop(waiting);
        self.kept(has_room, TransientKind::Typing);
    }

    fn kept(&self, is_kept: bool, kind: TransientKind) {
        if is_kept {
            self.wake.notify_one();
        } else {
            self.shed(kind, 1);
        }
    }

    fn shed(&self, kind: TransientKind, count: usize) {
        self.parts.metrics.transient_shed.get_or_create(&kind.into()).inc_by(count as u64);
    }

    /// Whether these users are online, and when they were last seen, in the order asked for.
    ///
    /// # Errors
    /// `unavailable` when the directory or the store is.
    pub async fn of(&self, users: &[UserId]) -> Result<Vec<pb::Presence>, Refusal> {
        let routes = self.parts.directory.route(users, &[], &[]).await.map_err(directory_refusal)?;
        let is_online = |user: &UserId| routes.users.contains_key(user);
        let offline: Vec<UserId> = users.iter().copied().filter(|user| !is_online(user)).collect();
        let last = if offline.is_empty() { HashMap::new() } else { self.parts.seen.last(&offline).await? };
        let now_ms = now_ms();
        let presence = |user: &UserId| match is_online(user) {
            true => pb::Presence { user_id: user.get(), online: true, last_seen_ms: now_ms },
            false => {
                let last_seen_ms = last.get(user).copied().unwrap_or(0);
                pb::Presence { user_id: user.get(), online: false, last_seen_ms }
            }
        };
        Ok(users.iter().map(presence).collect())
    }

    /// As [`of`](Self::of), for a request with so many users as a client names.
    ///
    /// # Errors
    /// `invalid_field` for too many, `unavailable`.
    pub async fn asked(&self, users: &[UserId]) -> Result<Vec<pb::Presence>, Refusal> {
        let max = self.config.users_max;
        if users.is_empty() || users.len() > max {
            return Err(Refusal::new(
                Code::InvalidField,
                format!("users: 1 to {max} ids, with commas between"),
            ));
        }
        self.of(users).await
    }

    /// Of these conversations, those the user is a member of.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn watchable(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<ConversationId>, Refusal> {
        let mut watchable = Vec::new();
        for &conversation in conversations {
            if self.is_member(user, conversation).await? {
                watchable.push(conversation);
            }
        }
        Ok(watchable)
    }

    async fn is_member(&self, user: UserId, conversation: ConversationId) -> Result<bool, Refusal> {
        let place = (user, conversation);
        if self.directs.lock().get_mut(&place).is_some() {
            return Ok(true);
        }
        match self.parts.store.conversation(conversation, user).await? {
            Some((info, true)) => {
                if info.kind == ConversationKind::Direct {
                    self.directs.lock().insert(place, ());
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

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
        let is_something = !changes.is_empty() || !typing.is_empty();
        is_something.then_some(Batch { changes, typing })
    }

    /// Publishes what of it is watched.
    async fn tell(&self, batch: Batch) {
        let Batch { mut changes, mut typing } = batch;
        let mut rooms: Vec<RoomKey> = changes.iter().map(|(user, _)| RoomKey::presence(*user)).collect();
        rooms.extend(typing.iter().map(|(_, conversation, _)| RoomKey::typing(*conversation)));
        rooms.sort_unstable();
        rooms.dedup();
        let watched = match self.parts.directory.route(&[], &[], &rooms).await {
            Ok(routes) => routes.rooms,
            Err(cause) => {
                tracing::debug!(%cause, "presence and typing are not told");
                self.shed(TransientKind::Presence, changes.len());
                return self.shed(TransientKind::Typing, typing.len());
            }
        };
        changes.retain(|(user, _)| watched.contains_key(&RoomKey::presence(*user)));
        if !changes.is_empty() {
            self.tell_presence(changes).await;
        }
        typing.retain(|(_, conversation, _)| watched.contains_key(&RoomKey::typing(*conversation)));
        let records = typing
            .into_iter()
            .map(|(user, conversation, typing)| self.typing_record(user, conversation, typing));
        let records = futures_util::future::join_all(records).await;
        self.publish(TransientKind::Typing, records.into_iter().flatten().collect()).await;
    }

    async fn tell_presence(&self, changes: Vec<(UserId, Change)>) {
        let users: Vec<UserId> = changes.iter().map(|(user, _)| *user).collect();
        match self.parts.directory.route(&users, &[], &[]).await {
            Ok(routes) => {
                let record = |(user, change): (UserId, Change)| {
                    presence_record(user, change, routes.users.contains_key(&user))
                };
                self.publish(TransientKind::Presence, changes.into_iter().filter_map(record).collect()).await;
            }
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
        Some(record(room, op::TYPING, &event, exclude_keys))
    }
}

/// `None`: it is not so any more.
fn presence_record(user: UserId, change: Change, is_online: bool) -> Option<Record> {
    let online = change.told(is_online)?;
    let last_seen_ms = match change {
        Change::Went { at_ms, .. } if !online => at_ms,
        _ => now_ms(),
    };
    let users = vec![pb::Presence { user_id: user.get(), online, last_seen_ms }];
    Some(record(RoomKey::presence(user), op::PRESENCE, &pb::PresenceEvent { users }, Vec::new()))
}

fn record(room: RoomKey, operation: i32, body: &impl Message, exclude_keys: Vec<String>) -> Record {
    let message = PushMsg {
        r#type: Type::Room.into(),
        room: room.to_string(),
        operation,
        msg: body.encode_to_vec().into(),
        exclude_keys,
        created_at_ms: now_ms(),
        ..PushMsg::default()
    };
    Record { key: room.to_string(), value: message.encode_to_vec().into(), traceparent: None }
}
