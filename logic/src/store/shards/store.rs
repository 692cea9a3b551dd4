//! The trait: calls about users go home, calls about a conversation to its server, all others to several.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, User};
use tokio::time::timeout;
use tonic::async_trait;

use super::super::mysql::MysqlStore;
use super::super::{
    About, Admission, Appended, Audit, Begun, ClientKey, ConversationInfo, Credentials, CursorMove, Device,
    Entry, Error, Filling, Login, Member, MemberCursor, Moved, NewAudit, NewDevice, NewMessage, NewUser,
    Operator, Outbox, OutboxRow, Page, Range, ReplicaState, Rotation, Sightings, SigningKey, Store,
};
use super::ShardedStore;
use super::outbox::OneOutbox;
use crate::policy::operators::OperatorRole;

/// Longest wait for the answer of a server whether it is well.
const CHECK_MAX: Duration = Duration::from_millis(1500);

#[async_trait]
impl Store for ShardedStore {
    async fn check(&self) -> Result<(), Error> {
        self.home().check().await
    }

    async fn further_servers(&self) -> Vec<ReplicaState> {
        let ask = |(number, server): (usize, &Arc<MysqlStore>)| {
            let server = Arc::clone(server);
            async move {
                let fault = match timeout(CHECK_MAX, server.check()).await {
                    Ok(outcome) => outcome.err().map(|cause| cause.to_string()),
                    Err(_) => Some("no answer".to_owned()),
                };
                ReplicaState { name: format!("server {number}"), fault }
            }
        };
        join_all(self.servers.iter().enumerate().skip(1).map(ask)).await
    }

    async fn replicas(&self) -> Vec<ReplicaState> {
        join_all(self.servers.iter().map(|server| server.replicas())).await.into_iter().flatten().collect()
    }

    async fn create_user(&self, user: &NewUser) -> Result<User, Error> {
        self.home().create_user(user).await
    }

    async fn was_made(&self, key: &ClientKey, now_ms: i64) -> Result<bool, Error> {
        self.home().was_made(key, now_ms).await
    }

    async fn credentials_by_name(&self, username_key: &str) -> Result<Option<Credentials>, Error> {
        self.home().credentials_by_name(username_key).await
    }

    async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, Error> {
        self.home().credentials_by_email(email).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        self.home().user(id).await
    }

    async fn find_users(&self, prefix: &str, limit: u32) -> Result<Vec<User>, Error> {
        self.home().find_users(prefix, limit).await
    }

    async fn create_login(
        &self,
        login: &Login,
        device: &NewDevice,
        admission: &Admission,
    ) -> Result<Begun, Error> {
        self.home().create_login(login, device, admission).await
    }

    async fn end_other_logins(&self, user: UserId, keep: &str) -> Result<Vec<String>, Error> {
        self.home().end_other_logins(user, keep).await
    }

    async fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Result<Vec<Option<UserId>>, Error> {
        self.home().live_logins(ids, now_ms).await
    }

    async fn login(&self, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error> {
        self.home().login(id, now_ms).await
    }

    async fn login_by_cookie(
        &self,
        cookie_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<(Login, User)>, Error> {
        self.home().login_by_cookie(cookie_hash, now_ms).await
    }

    async fn rotate_refresh(
        &self,
        old: &[u8; 32],
        new: &[u8; 32],
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<Rotation, Error> {
        self.home().rotate_refresh(old, new, now_ms, expires_at_ms).await
    }

    async fn end_login(&self, id: &str, user: UserId) -> Result<bool, Error> {
        self.home().end_login(id, user).await
    }

    async fn devices_of(&self, user: UserId, now_ms: i64, limit: u32) -> Result<Vec<Device>, Error> {
        self.home().devices_of(user, now_ms, limit).await
    }

    async fn note_seen(&self, seen: &Sightings) -> Result<(), Error> {
        self.home().note_seen(seen).await
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        self.home().last_seen(users).await
    }

    async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error> {
        self.home().signing_keys(candidate).await
    }

    async fn create_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        self.new_room(owner, name, creator, now_ms).await
    }

    async fn direct(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.direct_of(owner, creator, peer, now_ms).await
    }

    async fn conversation(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<(ConversationInfo, bool)>, Error> {
        self.of(id).conversation(id, user).await
    }

    async fn members(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Member>, Error> {
        self.of(id).members(id, after, limit).await
    }

    async fn rooms_of_all(
        &self,
        users: &[UserId],
        rooms_max: u32,
    ) -> Result<Vec<Vec<ConversationId>>, Error> {
        self.all_rooms_of(users, rooms_max).await
    }

    async fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Result<Vec<Vec<Entry>>, Error> {
        self.all_entries_of(users, rooms_max).await
    }

    async fn filled_all(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error> {
        self.all_filled(fillings).await
    }

    async fn history(&self, id: ConversationId, range: Range, limit: u32) -> Result<Page, Error> {
        self.of(id).history(id, range, limit).await
    }

    async fn prune(&self, id: ConversationId, below: Seq, limit: u32) -> Result<u64, Error> {
        self.of(id).prune(id, below, limit).await
    }

    async fn append(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        self.append_at_one(owner, batch, published, now_ms).await
    }

    async fn move_cursors(
        &self,
        owner: &str,
        moves: &[CursorMove],
        told_members_max: u32,
        now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
        self.move_at_one(owner, moves, told_members_max, now_ms).await
    }

    async fn cursors(&self, id: ConversationId, limit: u32) -> Result<Vec<MemberCursor>, Error> {
        self.of(id).cursors(id, limit).await
    }

    fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
        (0..self.servers.len())
            .map(|server| Arc::new(OneOutbox { store: Arc::clone(&self), server }) as _)
            .collect()
    }

    fn server_of(&self, conversation: ConversationId) -> usize {
        self.place(conversation)
    }

    async fn server_about(&self, about: About<'_>) -> Result<usize, Error> {
        self.about(about).await
    }

    async fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> Result<bool, Error> {
        self.home().grant_operator(user, role, now_ms).await
    }

    async fn revoke_operator(&self, user: UserId) -> Result<bool, Error> {
        self.home().revoke_operator(user).await
    }

    async fn operator_role(&self, user: UserId) -> Result<Option<OperatorRole>, Error> {
        self.home().operator_role(user).await
    }

    async fn operators(&self, limit: u32) -> Result<Vec<Operator>, Error> {
        self.home().operators(limit).await
    }

    async fn add_audit(&self, audit: &NewAudit) -> Result<i64, Error> {
        self.home().add_audit(audit).await
    }

    async fn audit(&self, before: i64, limit: u32) -> Result<Vec<Audit>, Error> {
        self.home().audit(before, limit).await
    }
}
