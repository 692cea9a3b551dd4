//! Who is online, and who types: transient, told to those who watch it.
//!
//! Who watches is in a room of its own (`presence://<user>`,
//! `typing://<conversation>`), which comets keep like any other. What happens
//! waits here for a moment, so that it costs its cause nothing; then a task
//! asks the directory who is online and what is watched, and publishes what
//! somebody watches. What cannot be told in time is shed and counted: it holds
//! up nothing else, and asking again shows the truth.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::bus::Producer;
use oort_api::clock::now_ms;
use oort_api::directory::Directory;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, SessionKey, UserId};
use oort_api::pb::oort::v1 as pb;
use oort_api::pb::oort::v1::ConversationKind;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::directory_refusal;
use crate::metrics::{Metrics, TransientKind};
use crate::seen::Seen;
use crate::store::Store;
use crate::users::Users;
use oort_api::generations::Generations;

mod changes;
mod config;
mod shown;
mod telling;

pub use config::Config;

use changes::Changes;
use shown::{Shown, gone, here};

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
    /// Who blocked whom.
    blocks: HashSet<(UserId, UserId)>,
}

impl Presence {
    /// Tells nothing until [`run`](Self::run).
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let changes = Changes::new(config.waiting_max);
        let waiting = Waiting { changes, typing: HashMap::new(), blocks: HashSet::new() };
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

    /// A device of the user was left alone, or no longer.
    pub fn altered(&self, user: UserId) {
        let is_kept = self.waiting.lock().changes.altered(user, Instant::now());
        self.kept(is_kept, TransientKind::Presence);
    }

    /// The user appears offline from now on, or no longer.
    pub fn veiled(&self, user: UserId) {
        let is_kept = self.waiting.lock().changes.veiled(user, now_ms(), Instant::now());
        self.kept(is_kept, TransientKind::Presence);
    }

    /// The user blocks another, who sees them as offline from now on.
    pub fn blocked(&self, user: UserId, other: UserId) {
        let mut waiting = self.waiting.lock();
        let has_room = waiting.blocks.len() < self.config.waiting_max;
        if has_room {
            waiting.blocks.insert((user, other));
        }
        drop(waiting);
        self.kept(has_room, TransientKind::Presence);
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

    /// Whether these users are online, with what, and when they were last seen, in the order asked for: as they show
    /// themselves to the viewer, who sees those who block them as never seen.
    ///
    /// # Errors
    /// `unavailable` when the directory or the store is.
    pub async fn of(&self, viewer: UserId, users: &[UserId]) -> Result<Vec<pb::Presence>, Refusal> {
        let (shown, blockers) = tokio::try_join!(self.shown(users), self.blockers(viewer, users))?;
        let devices = |user: &UserId| shown.devices(*user, viewer);
        let is_known = |user: &UserId| blockers.contains(user) || shown.veiled.contains_key(user);
        let is_offline = |user: &UserId| devices(user).is_none() && !is_known(user);
        let offline: Vec<UserId> = users.iter().copied().filter(is_offline).collect();
        let last = if offline.is_empty() { HashMap::new() } else { self.parts.seen.last(&offline).await? };
        let now_ms = now_ms();
        let presence = |user: &UserId| match devices(user) {
            _ if blockers.contains(user) => gone(*user, 0),
            Some(devices) => here(*user, devices, now_ms),
            None => {
                // They were there when they veiled themselves; what they do since is not told.
                let last_seen_ms = shown.veiled.get(user).or_else(|| last.get(user));
                gone(*user, last_seen_ms.copied().unwrap_or(0))
            }
        };
        Ok(users.iter().map(presence).collect())
    }

    async fn shown(&self, users: &[UserId]) -> Result<Shown, Refusal> {
        let present = async { self.parts.directory.present(users).await.map_err(directory_refusal) };
        let veiled = async { Ok::<_, Refusal>(self.parts.store.invisible(users).await?) };
        let (present, veiled) = tokio::try_join!(present, veiled)?;
        Ok(Shown { present, veiled: veiled.into_iter().collect() })
    }

    /// Those of these users who block the viewer. Few are blocked by many: all of them are read first.
    async fn blockers(&self, viewer: UserId, users: &[UserId]) -> Result<HashSet<UserId>, Refusal> {
        let store = &self.parts.store;
        let max = self.config.blocks_max;
        let all = store.blockers_of(&[viewer], max).await?;
        if all.len() < max as usize {
            return Ok(all.into_iter().map(|(blocker, _)| blocker).collect());
        }
        Ok(store.blockers_among(users, viewer).await?.into_iter().collect())
    }

    /// As [`of`](Self::of), for a request with so many users as a client names.
    ///
    /// # Errors
    /// `invalid_field` for too many, `unavailable`.
    pub async fn asked(&self, viewer: UserId, users: &[UserId]) -> Result<Vec<pb::Presence>, Refusal> {
        let max = self.config.users_max;
        if users.is_empty() || users.len() > max {
            return Err(Refusal::new(Code::InvalidField, format!("users: 1 to {max} ids")));
        }
        self.of(viewer, users).await
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
}
