//! The trait: calls that publish go through their owner's lane, all others
//! take a connection of the pool.

use std::collections::HashSet;
use std::sync::Arc;

use mysql_async::prelude::Queryable;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, User};
use tonic::async_trait;

use super::accounts::{self, By};
use super::conversations::{self, CreateDirect, CreateRoom};
use super::cursors::{self, MoveCursors};
use super::failure::Failure;
use super::{MysqlStore, client_keys, devices, groups, history, logins, operators, outbox};
use crate::policy::operators::OperatorRole;
use crate::store::{
    Admission, Appended, Audit, Begun, ClientKey, ConversationInfo, Credentials, CursorMove, Device, Entry,
    Error, Filling, Login, Member, MemberCursor, Moved, NewAudit, NewDevice, NewMessage, NewUser, Operator,
    Outbox, OutboxRow, Page, Range, ReplicaState, Rotation, Sightings, SigningKey, Store,
};

/// A call on a connection of the pool.
macro_rules! pooled {
    ($self:ident, |$connection:ident| $call:expr) => {
        $self
            .bounded(async {
                let mut pooled = $self.pooled().await?;
                let $connection = &mut pooled;
                $call.await
            })
            .await
    };
}

/// A read at a replica that has everything the primary had when it was asked for, else at the primary.
macro_rules! replicated {
    ($self:ident, |$connection:ident| $call:expr) => {
        $self
            .bounded(async {
                if let Some(mut visit) = $self.replicas.visit(&$self.pool).await {
                    let time_max = visit.time_max();
                    let outcome = {
                        let $connection = visit.connection();
                        tokio::time::timeout(time_max, $call).await
                    };
                    if let Some(answer) = visit.end(outcome) {
                        return answer;
                    }
                }
                let mut pooled = $self.pooled().await?;
                let $connection = &mut pooled;
                $call.await
            })
            .await
    };
}

/// The same for a transaction, which may have to be run again.
macro_rules! retried {
    ($self:ident, |$connection:ident| $call:expr) => {
        $self
            .bounded(async {
                let mut attempts = $crate::store::mysql::lane::Attempts::default();
                loop {
                    let mut pooled = $self.pooled().await?;
                    let $connection = &mut pooled;
                    match $call.await {
                        Err(failure) if $self.again(&failure, &mut attempts) => {}
                        outcome => break outcome,
                    }
                }
            })
            .await
    };
}

pub(super) use pooled;
pub(super) use replicated;
pub(super) use retried;

#[async_trait]
impl Store for MysqlStore {
    async fn check(&self) -> Result<(), Error> {
        self.bounded(async {
            let mut connection = self.pooled().await?;
            let read_only: Option<i64> = connection.query_first("SELECT @@global.read_only").await?;
            match read_only {
                Some(0) => Ok(()),
                _ => Err(Failure::Refused(Error::Unavailable("the server is read-only".into()))),
            }
        })
        .await
    }

    async fn replicas(&self) -> Vec<ReplicaState> {
        self.replicas.states(&self.pool).await
    }

    async fn create_user(&self, user: &NewUser) -> Result<User, Error> {
        retried!(self, |connection| accounts::create_user(connection, user))
    }

    async fn was_made(&self, key: &ClientKey, now_ms: i64) -> Result<bool, Error> {
        Ok(pooled!(self, |connection| client_keys::find(connection, key, now_ms))?.is_some())
    }

    async fn credentials_by_name(&self, username_key: &str) -> Result<Option<Credentials>, Error> {
        pooled!(self, |connection| accounts::credentials(connection, By::Name(username_key)))
    }

    async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, Error> {
        pooled!(self, |connection| accounts::credentials(connection, By::Email(email)))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        pooled!(self, |connection| accounts::user(connection, id.get()))
    }

    async fn find_users(&self, prefix: &str, limit: u32) -> Result<Vec<User>, Error> {
        replicated!(self, |connection| accounts::find_users(connection, prefix, limit))
    }

    async fn create_login(
        &self,
        login: &Login,
        device: &NewDevice,
        admission: &Admission,
    ) -> Result<Begun, Error> {
        retried!(self, |connection| logins::create_login(connection, login, device, admission))
    }

    async fn end_other_logins(&self, user: UserId, keep: &str) -> Result<Vec<String>, Error> {
        retried!(self, |connection| logins::end_others(connection, user, keep))
    }

    async fn login(&self, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error> {
        pooled!(self, |connection| logins::login(connection, id, now_ms))
    }

    async fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Result<Vec<Option<UserId>>, Error> {
        pooled!(self, |connection| logins::live_logins(connection, ids, now_ms))
    }

    async fn login_by_cookie(
        &self,
        cookie_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<(Login, User)>, Error> {
        pooled!(self, |connection| logins::login_by_cookie(connection, cookie_hash, now_ms))
    }

    async fn rotate_refresh(
        &self,
        old: &[u8; 32],
        new: &[u8; 32],
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<Rotation, Error> {
        retried!(self, |connection| logins::rotate_refresh(connection, old, new, now_ms, expires_at_ms))
    }

    async fn end_login(&self, id: &str, user: UserId) -> Result<bool, Error> {
        pooled!(self, |connection| logins::end_login(connection, id, user))
    }

    async fn devices_of(&self, user: UserId, now_ms: i64, limit: u32) -> Result<Vec<Device>, Error> {
        pooled!(self, |connection| devices::of_user(connection, user, now_ms, limit))
    }

    async fn note_seen(&self, seen: &Sightings) -> Result<(), Error> {
        retried!(self, |connection| devices::note_seen(connection, seen))
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        replicated!(self, |connection| devices::last_seen(connection, users))
    }

    async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error> {
        retried!(self, |connection| logins::signing_keys(connection, candidate))
    }

    async fn create_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        self.transact(owner, &CreateRoom { name, shard: None, creator, now_ms }).await
    }

    async fn direct(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        // Mostly it exists; that needs no turn in the lane.
        let one = UserId::new(creator.id).ok_or(Error::NoUser(creator.id))?;
        let found = pooled!(self, |connection| conversations::find_direct(connection, one, peer))?;
        match found {
            Some(info) => Ok((info, None)),
            None => {
                self.transact(owner, &CreateDirect { creator, peer, shard: None, home: None, now_ms }).await
            }
        }
    }

    async fn conversation(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<(ConversationInfo, bool)>, Error> {
        pooled!(self, |connection| conversations::conversation(connection, id, user))
    }

    async fn members(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Member>, Error> {
        replicated!(self, |connection| groups::members(connection, id, after, limit))
    }

    async fn rooms_of_all(
        &self,
        users: &[UserId],
        rooms_max: u32,
    ) -> Result<Vec<Vec<ConversationId>>, Error> {
        replicated!(self, |connection| history::rooms_of_all(connection, users, rooms_max))
    }

    async fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Result<Vec<Vec<Entry>>, Error> {
        if !self.replicas.is_empty() {
            let seen =
                replicated!(self, |connection| history::seen_entries_of_all(connection, users, rooms_max))?;
            if let Some(entries) = seen {
                return Ok(entries);
            }
        }
        retried!(self, |connection| history::entries_of_all(connection, users, rooms_max))
    }

    async fn filled_all(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error> {
        replicated!(self, |connection| history::filled_all(connection, fillings))
    }

    async fn history(&self, id: ConversationId, range: Range, limit: u32) -> Result<Page, Error> {
        replicated!(self, |connection| history::history(connection, id, range, limit))
    }

    async fn prune(&self, id: ConversationId, below: Seq, limit: u32) -> Result<u64, Error> {
        retried!(self, |connection| history::prune(connection, id, below, limit))
    }

    async fn append(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        self.append_vouched(owner, batch, &HashSet::new(), published, now_ms).await
    }

    async fn move_cursors(
        &self,
        owner: &str,
        moves: &[CursorMove],
        told_members_max: u32,
        now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
        self.transact(owner, &MoveCursors { moves, told_members_max, now_ms }).await
    }

    async fn cursors(&self, id: ConversationId, limit: u32) -> Result<Vec<MemberCursor>, Error> {
        replicated!(self, |connection| cursors::cursors(connection, id, limit))
    }

    fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
        vec![self]
    }

    async fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> Result<bool, Error> {
        pooled!(self, |connection| operators::grant(connection, user, role, now_ms))
    }

    async fn revoke_operator(&self, user: UserId) -> Result<bool, Error> {
        pooled!(self, |connection| operators::revoke(connection, user))
    }

    async fn operator_role(&self, user: UserId) -> Result<Option<OperatorRole>, Error> {
        pooled!(self, |connection| operators::role(connection, user))
    }

    async fn operators(&self, limit: u32) -> Result<Vec<Operator>, Error> {
        pooled!(self, |connection| operators::operators(connection, limit))
    }

    async fn add_audit(&self, audit: &NewAudit) -> Result<i64, Error> {
        pooled!(self, |connection| operators::add_audit(connection, audit))
    }

    async fn audit(&self, before: i64, limit: u32) -> Result<Vec<Audit>, Error> {
        pooled!(self, |connection| operators::audit(connection, before, limit))
    }
}

#[async_trait]
impl Outbox for MysqlStore {
    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        pooled!(self, |connection| outbox::outbox(connection, owner, after, limit))
    }

    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error> {
        retried!(self, |connection| outbox::delete(connection, ids))
    }

    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error> {
        retried!(self, |connection| outbox::renew(connection, owner, lease_ms))
    }

    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error> {
        self.transact(owner, &outbox::Adopt { limit }).await
    }

    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error> {
        pooled!(self, |connection| outbox::backlog(connection, now_ms))
    }
}
