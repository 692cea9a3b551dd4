//! The store in memory, for simulations: what the databases do to accounts, conversations, messages and the outbox, each
//! call one transaction. What a simulation has no use for is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use oort_api::clock::now_ms;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, MessageKind, User};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tonic::async_trait;

use super::plan::{Earlier, Head, Known, Plan, plan};
use super::{
    Appended, Audit, ConversationInfo, Credentials, CursorMove, Device, Entry, Error, Filling, Login, Member,
    MemberCursor, Moved, NewAudit, NewMessage, NewUser, Operator, OutboxRow, Page, Range, Rotation,
    Sightings, SigningKey, Store, events,
};

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
    /// Members and when they joined, ms since the epoch.
    members: BTreeMap<i64, i64>,
    messages: BTreeMap<i64, Message>,
}

#[derive(Debug)]
struct Row {
    owner: String,
    payload: Bytes,
    created_at_ms: i64,
}

impl Room {
    fn head(&self) -> Head {
        let ConversationInfo { kind, head, last_at_ms, .. } = self.info;
        Head { kind, last_seq: head, last_at_ms, pair: self.pair }
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
        let members = members.iter().map(|member| (*member, now_ms)).collect();
        let room = Room {
            info: info.clone(),
            created_at_ms: now_ms,
            pair: None,
            members,
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
                    content: stored.content.clone(),
                })
            });
            if let Some(earlier) = earlier {
                known.earlier.insert(index, earlier);
                continue;
            }
            let id = message.conversation.get();
            if let Some(room) = self.rooms.get(&id) {
                known.heads.insert(id, room.head());
                if room.members.contains_key(&message.sender.id) {
                    known.members.insert((id, message.sender.id));
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
                kind: MessageKind::Text.into(),
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
            let joined = room.members.get(&user).copied().unwrap_or(room.created_at_ms);
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

fn refused<T>() -> Result<T, Error> {
    Err(Error::Internal("no simulation has a use for this".to_owned()))
}

#[async_trait]
impl Store for MemoryStore {
    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        Ok(self.0.lock().users.get(&id.get()).cloned())
    }

    async fn login(&self, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error> {
        let state = self.0.lock();
        let login = state.logins.get(id).filter(|login| login.expires_at_ms > now_ms);
        Ok(login.and_then(|login| Some((login.clone(), state.users.get(&login.user_id.get())?.clone()))))
    }

    async fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Result<Vec<Option<UserId>>, Error> {
        let state = self.0.lock();
        let owner = |id: &Arc<str>| {
            let login = state.logins.get(id.as_ref()).filter(|login| login.expires_at_ms > now_ms);
            login.map(|login| login.user_id)
        };
        Ok(ids.iter().map(owner).collect())
    }

    async fn login_by_cookie(
        &self,
        cookie_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<(Login, User)>, Error> {
        let id = {
            let state = self.0.lock();
            let mut logins = state.logins.values();
            logins.find(|login| login.cookie_hash.as_ref() == Some(cookie_hash)).map(|login| login.id.clone())
        };
        match id {
            Some(id) => self.login(&id, now_ms).await,
            None => Ok(None),
        }
    }

    async fn note_seen(&self, _seen: &Sightings) -> Result<(), Error> {
        Ok(())
    }

    async fn last_seen(&self, _users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        Ok(Vec::new())
    }

    async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error> {
        let mut state = self.0.lock();
        if state.keys.is_empty() {
            state.keys.push(candidate.clone());
        }
        Ok(state.keys.clone())
    }

    async fn create_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        let mut state = self.0.lock();
        let info = state.create(ConversationKind::Room, name, creator, &[], now_ms)?;
        let payload = events::room_created(&info, creator, now_ms);
        Ok((info, state.insert_row(owner, payload, now_ms)))
    }

    async fn create_group(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        members: &[UserId],
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        let mut state = self.0.lock();
        let mut ids: Vec<i64> = members.iter().map(|member| member.get()).chain([creator.id]).collect();
        ids.sort_unstable();
        ids.dedup();
        let info = state.create(ConversationKind::Group, name, creator, &ids, now_ms)?;
        let told = ids.into_iter().filter_map(UserId::new).collect();
        let payload = events::group_created(&info, creator, told, now_ms);
        Ok((info, state.insert_row(owner, payload, now_ms)))
    }

    async fn direct(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let mut state = self.0.lock();
        let pair = (creator.id.min(peer.get()), creator.id.max(peer.get()));
        if let Some(room) = state.rooms.values().find(|room| room.pair == Some(pair)) {
            return Ok((room.info.clone(), None));
        }
        let peer = state.users.get(&peer.get()).cloned().ok_or(Error::NoUser(peer.get()))?;
        let info = state.create(ConversationKind::Direct, "", creator, &[pair.0, pair.1], now_ms)?;
        if let Some(room) = state.rooms.get_mut(&info.id.get()) {
            room.pair = Some(pair);
        }
        let payload = events::direct_created(&info, creator, &peer, now_ms);
        let row = state.insert_row(owner, payload, now_ms);
        Ok((info, Some(row)))
    }

    async fn add_members(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        members: &[UserId],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let mut state = self.0.lock();
        let users = state.users.clone();
        let room = state.group(group)?;
        let added: Vec<UserId> =
            members.iter().copied().filter(|member| !room.members.contains_key(&member.get())).collect();
        if added.is_empty() {
            return Ok(None);
        }
        let named: Vec<User> = added.iter().filter_map(|member| users.get(&member.get()).cloned()).collect();
        let info = room.info.clone();
        room.members.extend(added.iter().map(|member| (member.get(), now_ms)));
        let message = room.say(actor, events::added_content(&named), now_ms);
        let payload = events::members_added(&info, actor, added, &message);
        Ok(Some(state.insert_row(owner, payload, now_ms)))
    }

    async fn remove_member(
        &self,
        owner: &str,
        group: ConversationId,
        actor: &User,
        member: UserId,
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let mut state = self.0.lock();
        let user = state.users.get(&member.get()).cloned().ok_or(Error::NoUser(member.get()))?;
        let room = state.group(group)?;
        if room.members.remove(&member.get()).is_none() {
            return Ok(None);
        }
        let info = room.info.clone();
        let message = room.say(actor, events::removed_content(actor, &user), now_ms);
        let payload = events::member_removed(&info, actor, member, &message);
        Ok(Some(state.insert_row(owner, payload, now_ms)))
    }

    async fn conversation(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<(ConversationInfo, bool)>, Error> {
        let state = self.0.lock();
        Ok(state.rooms.get(&id.get()).map(|room| (room.info.clone(), room.has(user.get()))))
    }

    async fn rooms_of_all(
        &self,
        users: &[UserId],
        _rooms_max: u32,
    ) -> Result<Vec<Vec<ConversationId>>, Error> {
        let state = self.0.lock();
        let rooms_of = |user: &UserId| {
            let own = state.rooms.values().filter(|room| room.has(user.get()) && room.pair.is_none());
            own.map(|room| room.info.id).collect()
        };
        Ok(users.iter().map(rooms_of).collect())
    }

    async fn entries_of_all(&self, users: &[UserId], _rooms_max: u32) -> Result<Vec<Vec<Entry>>, Error> {
        let state = self.0.lock();
        Ok(users.iter().map(|user| state.entries(user.get())).collect())
    }

    async fn filled_all(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error> {
        let state = self.0.lock();
        let fill = |filling: &Filling| {
            let mut list = filling.list.clone();
            for conversation in &mut list {
                if let Some(room) = state.rooms.get(&conversation.id) {
                    let before = conversation.head.saturating_add(1);
                    (conversation.latest, conversation.has_more) = room.newest(before, filling.latest);
                }
            }
            list
        };
        Ok(fillings.iter().map(fill).collect())
    }

    async fn history(&self, id: ConversationId, range: Range, limit: u32) -> Result<Page, Error> {
        let state = self.0.lock();
        let room = state.rooms.get(&id.get()).ok_or(Error::NoConversation)?;
        let (messages, has_more) = match range {
            Range::Newest => room.newest(i64::MAX, limit),
            Range::Before(seq) => room.newest(seq.get(), limit),
            Range::After(seq) => room.after(seq, limit),
        };
        Ok(Page { messages, has_more, head: room.info.head })
    }

    async fn append(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        let mut state = self.0.lock();
        let plan = plan(batch, state.known(batch), now_ms);
        state.write(&plan);
        let row = plan.payload.map(|payload| state.insert_row(owner, payload, now_ms));
        state.delete_rows(published);
        Ok((plan.outcomes, row))
    }

    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let state = self.0.lock();
        let own = state.outbox.range(after.saturating_add(1)..).filter(|(_, row)| row.owner == owner);
        let row = |(id, row): (&i64, &Row)| OutboxRow { id: *id, payload: row.payload.clone() };
        Ok(own.take(limit as usize).map(row).collect())
    }

    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error> {
        self.0.lock().delete_rows(ids);
        Ok(())
    }

    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error> {
        self.0.lock().owners.insert(owner.to_owned(), now_ms().saturating_add(lease_ms));
        Ok(())
    }

    /// Adopted rows are written anew, above all of their new owner's.
    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error> {
        let now_ms = now_ms();
        let mut state = self.0.lock();
        let is_dead = |row: &Row| {
            row.owner != owner && state.owners.get(&row.owner).is_none_or(|until_ms| *until_ms <= now_ms)
        };
        let left = state.outbox.iter().filter(|(_, row)| is_dead(row)).map(|(id, _)| *id);
        let ids: Vec<i64> = left.take(limit as usize).collect();
        for id in &ids {
            if let Some(row) = state.outbox.remove(id) {
                state.insert_row(owner, row.payload, row.created_at_ms);
            }
        }
        Ok(ids.len() as u64)
    }

    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error> {
        let state = self.0.lock();
        let oldest = state.outbox.values().map(|row| now_ms - row.created_at_ms).max();
        Ok((state.outbox.len() as u64, oldest.unwrap_or(0).max(0)))
    }

    async fn create_user(&self, _user: &NewUser) -> Result<User, Error> {
        refused()
    }

    async fn credentials_by_name(&self, _username_key: &str) -> Result<Option<Credentials>, Error> {
        refused()
    }

    async fn credentials_by_email(&self, _email: &str) -> Result<Option<Credentials>, Error> {
        refused()
    }

    async fn find_users(&self, _prefix: &str, _limit: u32) -> Result<Vec<User>, Error> {
        refused()
    }

    async fn create_login(&self, _login: &Login, _device: &str) -> Result<(), Error> {
        refused()
    }

    async fn rotate_refresh(
        &self,
        _old: &[u8; 32],
        _new: &[u8; 32],
        _now_ms: i64,
        _expires_at_ms: i64,
    ) -> Result<Rotation, Error> {
        refused()
    }

    async fn end_login(&self, _id: &str, _user: UserId) -> Result<bool, Error> {
        refused()
    }

    async fn devices_of(&self, _user: UserId, _now_ms: i64, _limit: u32) -> Result<Vec<Device>, Error> {
        refused()
    }

    async fn members(&self, _id: ConversationId, _after: i64, _limit: u32) -> Result<Vec<Member>, Error> {
        refused()
    }

    async fn move_cursors(
        &self,
        _owner: &str,
        _moves: &[CursorMove],
        _told_members_max: u32,
        _now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
        refused()
    }

    async fn cursors(&self, _id: ConversationId, _limit: u32) -> Result<Vec<MemberCursor>, Error> {
        refused()
    }

    async fn grant_operator(&self, _user: UserId, _now_ms: i64) -> Result<bool, Error> {
        refused()
    }

    async fn revoke_operator(&self, _user: UserId) -> Result<bool, Error> {
        refused()
    }

    async fn is_operator(&self, _user: UserId) -> Result<bool, Error> {
        refused()
    }

    async fn operators(&self, _limit: u32) -> Result<Vec<Operator>, Error> {
        refused()
    }

    async fn add_audit(&self, _audit: &NewAudit) -> Result<i64, Error> {
        refused()
    }

    async fn audit(&self, _before: i64, _limit: u32) -> Result<Vec<Audit>, Error> {
        refused()
    }
}
