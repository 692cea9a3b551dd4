//! The trait: each call goes to the writer's or the readers' threads.

use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, User};
use rusqlite::{Connection, TransactionBehavior};
use tonic::async_trait;

use super::accounts::{self, By};
use super::claim::{Claim, Orphans};
use super::history::Listed;
use super::{
    SqliteStore, append, client_keys, conversations, cursors, devices, groups, history, logins, operators,
    outbox,
};
use crate::policy::operators::OperatorRole;
use crate::store::{
    Admission, Appended, Audit, Begun, ClientKey, ConversationInfo, Credentials, CursorMove, Device, Entry,
    Error, Filling, Login, Member, MemberCursor, Metrics, Moved, NewAudit, NewDevice, NewMessage, NewUser,
    Operator, Outbox, OutboxRow, Page, Range, Rotation, Sightings, SigningKey, Store,
};

impl SqliteStore {
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        self.counted(self.readers.call(work).await)
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        self.counted(self.writer.call(work).await)
    }

    /// A write that makes an outbox row: when the caller goes away before it
    /// learns of the row, the relay gets it.
    pub(super) async fn publish<T, F, R>(&self, work: F, row: R) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
        R: FnOnce(&T) -> Option<i64> + Send + 'static,
    {
        let orphans = self.orphans.clone();
        let metrics = self.metrics.clone();
        let claim = self
            .writer
            .call(move |connection| {
                disown(connection, &orphans, &metrics)?;
                let value = work(connection)?;
                let row = row(&value);
                Ok(Claim::new(value, row, orphans))
            })
            .await;
        let value = claim.and_then(|claim| {
            claim.claim().ok_or_else(|| Error::Internal("a result was claimed twice".into()))
        });
        self.counted(value)
    }

    fn counted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if matches!(result, Err(Error::Unavailable(_))) {
            self.metrics.unavailable.inc();
        }
        result
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn check(&self) -> Result<(), Error> {
        self.write(|connection| {
            // A real commit: a full or read-only disk shows only then.
            connection.execute("UPDATE schema_migrations SET version = version WHERE version = 1", [])?;
            Ok(())
        })
        .await
    }

    async fn create_user(&self, user: &NewUser) -> Result<User, Error> {
        let user = user.clone();
        self.write(move |connection| accounts::create_user(connection, &user)).await
    }

    async fn was_made(&self, key: &ClientKey, now_ms: i64) -> Result<bool, Error> {
        let key = key.clone();
        let found = self.read(move |connection| client_keys::find(connection, &key, now_ms)).await?;
        Ok(found.is_some())
    }

    async fn credentials_by_name(&self, username_key: &str) -> Result<Option<Credentials>, Error> {
        let key = username_key.to_owned();
        self.read(move |connection| accounts::credentials(connection, By::Name(&key))).await
    }

    async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>, Error> {
        let key = email.to_owned();
        self.read(move |connection| accounts::credentials(connection, By::Email(&key))).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        self.read(move |connection| accounts::user(connection, id.get())).await
    }

    async fn find_users(&self, prefix: &str, limit: u32) -> Result<Vec<User>, Error> {
        let prefix = prefix.to_owned();
        self.read(move |connection| accounts::find_users(connection, &prefix, limit)).await
    }

    async fn create_login(
        &self,
        login: &Login,
        device: &NewDevice,
        admission: &Admission,
    ) -> Result<Begun, Error> {
        let (login, device, admission) = (login.clone(), device.clone(), admission.clone());
        self.write(move |connection| logins::create_login(connection, &login, &device, &admission)).await
    }

    async fn end_other_logins(&self, user: UserId, keep: &str) -> Result<Vec<String>, Error> {
        let keep = keep.to_owned();
        self.write(move |connection| logins::end_others(connection, user, &keep)).await
    }

    async fn login(&self, id: &str, now_ms: i64) -> Result<Option<(Login, User)>, Error> {
        let id = id.to_owned();
        self.read(move |connection| logins::login(connection, &id, now_ms)).await
    }

    async fn live_logins(&self, ids: &[Arc<str>], now_ms: i64) -> Result<Vec<Option<UserId>>, Error> {
        let ids = ids.to_vec();
        self.read(move |connection| logins::live_logins(connection, &ids, now_ms)).await
    }

    async fn login_by_cookie(
        &self,
        cookie_hash: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<(Login, User)>, Error> {
        let hash = *cookie_hash;
        self.read(move |connection| logins::login_by_cookie(connection, &hash, now_ms)).await
    }

    async fn rotate_refresh(
        &self,
        old: &[u8; 32],
        new: &[u8; 32],
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<Rotation, Error> {
        let (old, new) = (*old, *new);
        self.write(move |connection| logins::rotate_refresh(connection, &old, &new, now_ms, expires_at_ms))
            .await
    }

    async fn end_login(&self, id: &str, user: UserId) -> Result<bool, Error> {
        let id = id.to_owned();
        self.write(move |connection| logins::end_login(connection, &id, user)).await
    }

    async fn devices_of(&self, user: UserId, now_ms: i64, limit: u32) -> Result<Vec<Device>, Error> {
        self.read(move |connection| devices::of_user(connection, user, now_ms, limit)).await
    }

    async fn note_seen(&self, seen: &Sightings) -> Result<(), Error> {
        let seen = seen.clone();
        self.write(move |connection| devices::note_seen(connection, &seen)).await
    }

    async fn last_seen(&self, users: &[UserId]) -> Result<Vec<(UserId, i64)>, Error> {
        let users = users.to_vec();
        self.read(move |connection| devices::last_seen(connection, &users)).await
    }

    async fn signing_keys(&self, candidate: &SigningKey) -> Result<Vec<SigningKey>, Error> {
        let candidate = candidate.clone();
        self.write(move |connection| logins::signing_keys(connection, &candidate)).await
    }

    async fn create_room(
        &self,
        owner: &str,
        name: &str,
        creator: &User,
        now_ms: i64,
    ) -> Result<(ConversationInfo, OutboxRow), Error> {
        let (owner, name, creator) = (owner.to_owned(), name.to_owned(), creator.clone());
        self.publish(
            move |connection| conversations::create_room(connection, &owner, &name, &creator, now_ms),
            |(_, row)| Some(row.id),
        )
        .await
    }

    async fn direct(
        &self,
        owner: &str,
        creator: &User,
        peer: UserId,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let (owner, creator) = (owner.to_owned(), creator.clone());
        self.publish(
            move |connection| conversations::direct(connection, &owner, &creator, peer, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn conversation(
        &self,
        id: ConversationId,
        user: UserId,
    ) -> Result<Option<(ConversationInfo, bool)>, Error> {
        self.read(move |connection| conversations::conversation(connection, id, user)).await
    }

    async fn members(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Member>, Error> {
        self.read(move |connection| groups::members(connection, id, after, limit)).await
    }

    async fn rooms_of_all(
        &self,
        users: &[UserId],
        rooms_max: u32,
    ) -> Result<Vec<Vec<ConversationId>>, Error> {
        let users = users.to_vec();
        self.read(move |connection| {
            users.iter().map(|user| history::rooms_of(connection, *user, rooms_max)).collect()
        })
        .await
    }

    async fn entries_of_all(&self, users: &[UserId], rooms_max: u32) -> Result<Vec<Vec<Entry>>, Error> {
        let users: Arc<[UserId]> = users.into();
        let look = |users: Arc<[UserId]>| {
            self.read(move |connection| {
                let listed = users.iter().map(|user| history::entries_of(connection, *user, rooms_max));
                listed.collect::<Result<Vec<_>, _>>()
            })
        };
        let mut listed = look(Arc::clone(&users)).await?;
        let begins = users.iter().zip(&listed).flat_map(|(user, list)| {
            let begins = |(entry, head): &Listed| head.map(|head| (*user, entry.conversation.id, head));
            list.iter().filter_map(begins)
        });
        let begins: Vec<(UserId, i64, i64)> = begins.collect();
        if !begins.is_empty() {
            self.write(move |connection| cursors::begin(connection, &begins, clock_ms())).await?;
            listed = look(users).await?;
        }
        Ok(listed.into_iter().map(|list| list.into_iter().map(|(entry, _)| entry).collect()).collect())
    }

    async fn filled_all(&self, fillings: &[Filling]) -> Result<Vec<Vec<Conversation>>, Error> {
        let fillings = fillings.to_vec();
        self.read(move |connection| history::filled(connection, fillings)).await
    }

    async fn history(&self, id: ConversationId, range: Range, limit: u32) -> Result<Page, Error> {
        self.read(move |connection| history::history(connection, id, range, limit)).await
    }

    async fn prune(&self, id: ConversationId, below: Seq, limit: u32) -> Result<u64, Error> {
        self.write(move |connection| history::prune(connection, id, below, limit)).await
    }

    async fn append(
        &self,
        owner: &str,
        batch: &[NewMessage],
        published: &[i64],
        now_ms: i64,
    ) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
        let (owner, batch, published) = (owner.to_owned(), batch.to_vec(), published.to_vec());
        let hooked = self.hooks.get();
        self.publish(
            move |connection| append::append(connection, &owner, &batch, &published, hooked, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn move_cursors(
        &self,
        owner: &str,
        moves: &[CursorMove],
        told_members_max: u32,
        now_ms: i64,
    ) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
        let (owner, moves) = (owner.to_owned(), moves.to_vec());
        self.publish(
            move |connection| cursors::advance(connection, &owner, &moves, told_members_max, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn cursors(&self, id: ConversationId, limit: u32) -> Result<Vec<MemberCursor>, Error> {
        self.read(move |connection| cursors::cursors(connection, id, limit)).await
    }

    fn outboxes(self: Arc<Self>) -> Vec<Arc<dyn Outbox>> {
        vec![self]
    }

    async fn grant_operator(&self, user: UserId, role: OperatorRole, now_ms: i64) -> Result<bool, Error> {
        self.write(move |connection| operators::grant(connection, user, role, now_ms)).await
    }

    async fn revoke_operator(&self, user: UserId) -> Result<bool, Error> {
        self.write(move |connection| operators::revoke(connection, user)).await
    }

    async fn operator_role(&self, user: UserId) -> Result<Option<OperatorRole>, Error> {
        self.read(move |connection| operators::role(connection, user)).await
    }

    async fn operators(&self, limit: u32) -> Result<Vec<Operator>, Error> {
        self.read(move |connection| operators::operators(connection, limit)).await
    }

    async fn add_audit(&self, audit: &NewAudit) -> Result<i64, Error> {
        let audit = audit.clone();
        self.write(move |connection| operators::add_audit(connection, &audit)).await
    }

    async fn audit(&self, before: i64, limit: u32) -> Result<Vec<Audit>, Error> {
        self.read(move |connection| operators::audit(connection, before, limit)).await
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn outbox(&self, owner: &str, after: i64, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let owner = owner.to_owned();
        self.read(move |connection| outbox::rows(connection, &owner, after, limit)).await
    }

    async fn outbox_delete(&self, ids: &[i64]) -> Result<(), Error> {
        let ids = ids.to_vec();
        self.write(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            outbox::delete(&transaction, &ids)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn outbox_renew(&self, owner: &str, lease_ms: i64) -> Result<(), Error> {
        let owner = owner.to_owned();
        self.write(move |connection| outbox::renew(connection, &owner, clock_ms().saturating_add(lease_ms)))
            .await
    }

    async fn outbox_adopt(&self, owner: &str, limit: u32) -> Result<u64, Error> {
        let owner = owner.to_owned();
        let (orphans, metrics) = (self.orphans.clone(), self.metrics.clone());
        self.write(move |connection| {
            disown(connection, &orphans, &metrics)?;
            outbox::adopt(connection, &owner, limit, clock_ms())
        })
        .await
    }

    async fn outbox_backlog(&self, now_ms: i64) -> Result<(u64, i64), Error> {
        self.read(move |connection| outbox::backlog(connection, now_ms)).await
    }
}

fn disown(connection: &Connection, orphans: &Orphans, metrics: &Metrics) -> Result<(), Error> {
    let ids = orphans.take();
    if let Err(error) = outbox::disown(connection, &ids) {
        orphans.restore(ids);
        return Err(error);
    }
    metrics.outbox_orphaned.inc_by(ids.len() as u64);
    Ok(())
}

/// The store's clock: this machine's, as there is one process.
fn clock_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_millis()).ok())
        .unwrap_or(0)
}
