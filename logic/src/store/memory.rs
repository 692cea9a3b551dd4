//! The store in memory, for simulations: what the databases do to accounts, conversations, messages and the outbox, each
//! call one transaction. What a simulation has no use for is refused.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, User};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::payload::Payload;
use super::plan::{Earlier, Head, Known, Plan, Sender, answered, kind_of, named, plan, quote};
use super::{ConversationInfo, Entry, Error, Login, NewMessage, OutboxRow, SigningKey, events};
use crate::policy::Role;

mod accounts;
mod api_keys;
mod calls;
mod changes;
mod contacts;
mod expiries;
mod files;
mod groups;
mod hidden;
mod hooks;
mod notifications;
mod receipts;
mod sanctions;
mod search;
mod user_events;

/// Everything durable, in memory. Outlives the nodes that use it.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<i64, User>,
    logins: BTreeMap<String, Login>,
    keys: Vec<SigningKey>,
    rooms: BTreeMap<i64, Room>,
    /// (sender, client message id) → (conversation, seq).
    sent: BTreeMap<(i64, String), (i64, i64)>,
    outbox: BTreeMap<i64, Row>,
    last_row: i64,
    /// Owners of rows and the end of their lease, ms since the epoch.
    owners: BTreeMap<String, i64>,
}

#[derive(Debug)]
struct Room {
    info: ConversationInfo,
    created_at_ms: i64,
    pair: Option<(i64, i64)>,
    members: BTreeMap<i64, Joined>,
    /// Until when those who left may not send if they come back.
    kept_mutes: HashMap<i64, i64>,
    /// What a group shows beside `info`.
    shown: Shown,
    messages: BTreeMap<i64, Message>,
}

#[derive(Debug, Clone, Copy)]
struct Joined {
    /// ms since the epoch.
    at_ms: i64,
    standing: Sender,
}

#[derive(Debug, Default)]
struct Shown {
    avatar: String,
    announcement: String,
    is_muted_all: bool,
    dissolved_at_ms: i64,
    expires_in_ms: i64,
}

#[derive(Debug)]
struct Row {
    owner: String,
    payload: Bytes,
    created_at_ms: i64,
}

impl Room {
    fn head(&self) -> Head {
        let Shown { is_muted_all, dissolved_at_ms, expires_in_ms, .. } = self.shown;
        let is_dissolved = dissolved_at_ms > 0;
        Head { pair: self.pair, is_muted_all, is_dissolved, expires_in_ms, ..Head::of(&self.info) }
    }

    fn has(&self, user: i64) -> bool {
        self.info.kind == ConversationKind::Room || self.members.contains_key(&user)
    }

    fn push(&mut self, message: Message) {
        (self.info.head, self.info.last_at_ms) = (message.seq, message.created_at_ms);
        self.messages.insert(message.seq, message);
    }

    /// A message of the server at the next place.
    fn say(&mut self, actor: &User, content: String, now_ms: i64) -> Message {
        let place = self.head().next(now_ms);
        let message = events::system_message(&self.info, place, actor, content);
        self.push(message.clone());
        message
    }

    fn newest(&self, before: i64, limit: u32) -> (Vec<Message>, bool) {
        let older = self.messages.range(..before).rev();
        let messages: Vec<Message> = older.take(limit as usize).map(|(_, message)| message.clone()).collect();
        let first = messages.last().map_or(before, |last| last.seq);
        (messages, self.messages.range(..first).next().is_some())
    }

    fn after(&self, seq: i64, limit: u32) -> (Vec<Message>, bool) {
        let newer = self.messages.range(seq.saturating_add(1)..);
        let messages: Vec<Message> = newer.take(limit as usize).map(|(_, message)| message.clone()).collect();
        let last = messages.last().map_or(seq, |last| last.seq);
        (messages, self.messages.range(last.saturating_add(1)..).next().is_some())
    }
}

impl State {
    fn insert_row(&mut self, owner: &str, payload: Bytes, created_at_ms: i64) -> OutboxRow {
        self.last_row += 1;
        let row = Row { owner: owner.to_owned(), payload: payload.clone(), created_at_ms };
        self.outbox.insert(self.last_row, row);
        OutboxRow { id: self.last_row, payload }
    }

    fn delete_rows(&mut self, ids: &[i64]) {
        ids.iter().for_each(|id| _ = self.outbox.remove(id));
    }

    fn create(
        &mut self,
        kind: ConversationKind,
        name: &str,
        creator: &User,
        members: &[i64],
        now_ms: i64,
    ) -> Result<ConversationInfo, Error> {
        let number = self.rooms.last_key_value().map_or(1, |(last, _)| last + 1);
        let id = ConversationId::new(number).ok_or(Error::NoConversation)?;
        let info = ConversationInfo {
            id,
            kind,
            name: name.to_owned(),
            creator_id: creator.id,
            head: 0,
            last_at_ms: 0,
        };
        let joined = |member: &i64| {
            let is_owner = kind == ConversationKind::Group && *member == creator.id;
            let role = if is_owner { Role::Owner } else { Role::Member };
            (*member, Joined { at_ms: now_ms, standing: Sender { role, muted_until_ms: 0 } })
        };
        let room = Room {
            info: info.clone(),
            created_at_ms: now_ms,
            pair: None,
            members: members.iter().map(joined).collect(),
            kept_mutes: HashMap::new(),
            shown: Shown::default(),
            messages: BTreeMap::new(),
        };
        self.rooms.insert(number, room);
        Ok(info)
    }

    fn group(&mut self, id: ConversationId) -> Result<&mut Room, Error> {
        let room = self.rooms.get_mut(&id.get());
        room.filter(|room| room.info.kind == ConversationKind::Group).ok_or(Error::NoConversation)
    }

    fn known(&self, batch: &[NewMessage]) -> Known {
        let mut known = Known::default();
        for (index, message) in batch.iter().enumerate() {
            let identity = (message.sender.id, message.client_msg_id.clone());
            let earlier = self.sent.get(&identity).and_then(|(conversation, seq)| {
                let stored = self.rooms.get(conversation)?.messages.get(seq)?;
                Some(Earlier {
                    conversation: *conversation,
                    seq: *seq,
                    created_at_ms: stored.created_at_ms,
                    payload: Payload { content: stored.content.clone(), extra: stored.extra.clone() },
                })
            });
            if let Some(earlier) = earlier {
                known.earlier.insert(index, earlier);
                continue;
            }
            let id = message.conversation.get();
            if let Some(room) = self.rooms.get(&id) {
                let quoted = answered(message).and_then(|place| Some((place, room.messages.get(&place.1)?)));
                known.quoted.extend(quoted.map(|(place, message)| (place, quote(message))));
                known.heads.insert(id, room.head());
                for user in named(message).chain([message.sender.id]) {
                    if let Some(joined) = room.members.get(&user) {
                        known.members.insert((id, user), joined.standing);
                    }
                }
            }
        }
        known
    }

    fn write(&mut self, plan: &Plan<'_>) {
        for row in &plan.rows {
            let id = row.message.conversation.get();
            let message = Message {
                conversation: id,
                seq: row.seq,
                sender: Some(row.message.sender.clone()),
                client_msg_id: row.message.client_msg_id.clone(),
                content: row.message.content.clone(),
                created_at_ms: row.created_at_ms,
                kind: kind_of(row.message).into(),
                extra: row.extra.clone(),
            };
            let identity = (row.message.sender.id, row.message.client_msg_id.clone());
            self.sent.insert(identity, (id, row.seq));
            if let Some(room) = self.rooms.get_mut(&id) {
                room.push(message);
            }
        }
    }

    fn entries(&self, user: i64) -> Vec<Entry> {
        let own = self.rooms.values().filter(|room| room.has(user));
        let entry = |room: &Room| {
            let info = &room.info;
            let peer = room.pair.map(|(lo, hi)| if lo == user { hi } else { lo });
            let conversation = Conversation {
                id: info.id.get(),
                kind: info.kind.into(),
                name: info.name.clone(),
                creator_id: info.creator_id,
                head: info.head,
                last_at_ms: info.last_at_ms,
                peer_id: peer.unwrap_or(0),
                ..Conversation::default()
            };
            let joined = room.members.get(&user).map_or(room.created_at_ms, |joined| joined.at_ms);
            Entry { conversation, changed_at_ms: info.last_at_ms.max(joined) }
        };
        own.map(entry).collect()
    }
}

impl MemoryStore {
    /// Creates an account and a log-in for ever, which the holder of `cookie` (32 bytes) has.
    pub fn sign_up(&self, id: i64, cookie: [u8; 32]) {
        let user = User { id, username: format!("user{id}") };
        let Some(user_id) = UserId::new(id) else { return };
        let login = Login {
            id: format!("login-{id}"),
            user_id,
            refresh_hash: [0; 32],
            cookie_hash: Some(Sha256::digest(cookie).into()),
            created_at_ms: 0,
            expires_at_ms: i64::MAX,
        };
        let mut state = self.0.lock();
        state.users.insert(id, user);
        state.logins.insert(login.id.clone(), login);
    }

    /// Everything of an append but its commit: the transaction is rolled back.
    pub fn append_in_vain(&self, batch: &[NewMessage], now_ms: i64) {
        let state = self.0.lock();
        drop(plan(batch, state.known(batch), now_ms));
    }

    /// Every message of a conversation, by its place.
    pub fn messages(&self, id: ConversationId) -> Vec<Message> {
        let state = self.0.lock();
        state.rooms.get(&id.get()).map(|room| room.messages.values().cloned().collect()).unwrap_or_default()
    }
}
