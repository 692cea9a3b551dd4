//! The calls of the store, each under one lock.

use std::sync::Arc;

use oort_api::clock::now_ms;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, User};
use tonic::async_trait;

use super::{MemoryStore, Row};
use crate::policy::operators::OperatorRole;
use crate::store::plan::plan;
use crate::store::{
    Admission, Appended, Audit, Begun, ClientKey, ConversationInfo, Credentials, CursorMove, Device, Entry,
    Error, Filling, Login, Member, MemberCursor, Moved, NewAudit, NewDevice, NewMessage, NewUser, Operator,
    Outbox, OutboxRow, Page, Range, Rotation, Sightings, SigningKey, Store, events,
};

pub(super) fn refused<T>() -> Result<T, Error> {
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
        Ok(Page { messages, has_more, head: room.info.head, change_seq: 0 })
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

    fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
        vec![self]
    }

    async fn grant_operator(&self, _user: UserId, _role: OperatorRole, _now_ms: i64) -> Result<bool, Error> {
        refused()
    }

    async fn revoke_operator(&self, _user: UserId) -> Result<bool, Error> {
        refused()
    }

    async fn operator_role(&self, _user: UserId) -> Result<Option<OperatorRole>, Error> {
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

    async fn create_user(&self, _user: &NewUser) -> Result<User, Error> {
        refused()
    }

    async fn was_made(&self, _key: &ClientKey, _now_ms: i64) -> Result<bool, Error> {
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

    async fn create_login(
        &self,
        _login: &Login,
        _device: &NewDevice,
        _admission: &Admission,
    ) -> Result<Begun, Error> {
        refused()
    }

    async fn end_other_logins(&self, _user: UserId, _keep: &str) -> Result<Vec<String>, Error> {
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
}

#[async_trait]
impl Outbox for MemoryStore {
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
}
