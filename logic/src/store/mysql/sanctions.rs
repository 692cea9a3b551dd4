//! Bans and mutes.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::logins::end_logins;
use super::sql::{Set, Sql, execute, first, rows};
use super::store::pooled;
use super::{MysqlStore, user_events};
use crate::outbox;
use crate::store::sanctions::{is_in_force, mute_changed};
use crate::store::{
    Error, NewSanction, NewUserEvent, OutboxRow, Sanction, SanctionKind, Sanctioned, Sanctions,
};

const SELECT: &str = "SELECT s.kind, s.user_id, u.username, s.until_ms, s.reason, s.actor_id, s.at_ms \
     FROM sanctions s JOIN users u ON u.id = s.user_id WHERE ";

/// As [`SELECT`] has them.
type Columns = (i64, i64, String, i64, String, i64, i64);

#[async_trait]
impl Sanctions for MysqlStore {
    async fn sanction(&self, owner: &str, new: &NewSanction) -> Result<Sanctioned, Error> {
        self.transact(owner, new).await
    }

    async fn lift(
        &self,
        owner: &str,
        kind: SanctionKind,
        user: UserId,
        now_ms: i64,
    ) -> Result<(bool, Option<OutboxRow>), Error> {
        self.transact(owner, &Lift { kind, user, now_ms }).await
    }

    async fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Error> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        pooled!(self, |connection| of_users(connection, users, now_ms))
    }

    async fn sanctions(
        &self,
        kind: SanctionKind,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Sanction>, Error> {
        pooled!(self, |connection| page(connection, kind, after, limit, now_ms))
    }
}

#[async_trait]
impl Work for NewSanction {
    type Output = Sanctioned;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let user = self.user.get();
        // Locked first: a log-in that begins meanwhile waits for it.
        let found: Option<(i64,)> =
            first(connection, "SELECT id FROM users WHERE id = ? FOR UPDATE", (user,)).await?;
        found.ok_or(Error::NoUser(user))?;
        let held = held(connection, self.kind, self.user).await?;
        let held = held.filter(|(until_ms, _)| is_in_force(*until_ms, self.now_ms));
        let is_new = held.is_none_or(|(until_ms, reason)| until_ms != self.until_ms || reason != self.reason);
        if is_new {
            execute(
                connection,
                "INSERT INTO sanctions (kind, user_id, until_ms, reason, actor_id, at_ms) VALUES (?, ?, ?, ?, ?, ?)
                 ON DUPLICATE KEY UPDATE until_ms = VALUES(until_ms), reason = VALUES(reason),
                 actor_id = VALUES(actor_id), at_ms = VALUES(at_ms)",
                (self.kind.number(), user, self.until_ms, &self.reason, self.actor_id, self.now_ms),
            )
            .await?;
        }
        let (mut ended, mut event) = (Vec::new(), None);
        match self.kind {
            SanctionKind::Ban => ended = end_logins(connection, user, "").await?,
            SanctionKind::Mute if is_new => {
                event = Some(mute_changed(self.user, Some((self.until_ms, &self.reason))));
            }
            SanctionKind::Mute => {}
        }
        let row = tell_and_commit(connection, owner, event, self.now_ms).await?;
        Ok(Done { last_row: row.as_ref().map(|row| row.id), value: Sanctioned { ended, row } })
    }
}

/// See [`Sanctions::lift`].
#[derive(Debug)]
struct Lift {
    kind: SanctionKind,
    user: UserId,
    now_ms: i64,
}

#[async_trait]
impl Work for Lift {
    type Output = (bool, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let user = self.user.get();
        let _: Option<(i64,)> =
            first(connection, "SELECT id FROM users WHERE id = ? FOR UPDATE", (user,)).await?;
        let held = held(connection, self.kind, self.user).await?;
        let was_in_force = held.is_some_and(|(until_ms, _)| is_in_force(until_ms, self.now_ms));
        let sql = "DELETE FROM sanctions WHERE kind = ? AND user_id = ?";
        execute(connection, sql, (self.kind.number(), user)).await?;
        let is_told = was_in_force && self.kind == SanctionKind::Mute;
        let event = is_told.then(|| mute_changed(self.user, None));
        let row = tell_and_commit(connection, owner, event, self.now_ms).await?;
        Ok(Done { last_row: row.as_ref().map(|row| row.id), value: (was_in_force, row) })
    }
}

async fn tell_and_commit(
    connection: &mut Conn,
    owner: &str,
    event: Option<NewUserEvent>,
    now_ms: i64,
) -> Result<Option<OutboxRow>, Failure> {
    let Some(event) = event else {
        let mut sql = Sql::default();
        sql.raw("COMMIT").end();
        sql.run(connection).await?;
        return Ok(None);
    };
    let records = user_events::append(connection, &[event], now_ms).await?;
    commit(connection, owner, outbox::encode(records), now_ms).await.map(Some)
}

/// Until when, and why. The user's row is locked.
async fn held<Q: Queryable>(
    connection: &mut Q,
    kind: SanctionKind,
    user: UserId,
) -> Result<Option<(i64, String)>, Failure> {
    let sql = "SELECT until_ms, reason FROM sanctions WHERE kind = ? AND user_id = ? FOR UPDATE";
    first(connection, sql, (kind.number(), user.get())).await
}

/// The ban of a user that is in force: until when, and why. The user's row is locked.
pub(super) async fn ban<Q: Queryable>(
    connection: &mut Q,
    user: UserId,
    now_ms: i64,
) -> Result<Option<(i64, String)>, Failure> {
    let held = held(connection, SanctionKind::Ban, user).await?;
    Ok(held.filter(|(until_ms, _)| is_in_force(*until_ms, now_ms)))
}

/// Asks until when these users are muted; answers the statement's index.
pub(super) fn ask_mutes(sql: &mut Sql, users: impl IntoIterator<Item = i64>) -> usize {
    sql.raw("SELECT user_id, until_ms FROM sanctions FORCE INDEX (PRIMARY) WHERE kind = ");
    sql.int(SanctionKind::Mute.number()).raw(" AND user_id IN ").list(users).end()
}

/// What [`ask_mutes`] found, whether or not it is over.
pub(super) fn read_mutes(set: Set) -> Result<Vec<(i64, i64)>, Failure> {
    set.typed()
}

async fn of_users(connection: &mut Conn, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Failure> {
    let mut sql = Sql::default();
    sql.raw(SELECT).raw("s.kind IN (");
    sql.int(SanctionKind::Ban.number()).raw(",").int(SanctionKind::Mute.number()).raw(") AND s.user_id IN ");
    sql.list(users.iter().map(|user| user.get()));
    sql.raw(" AND (s.until_ms = 0 OR s.until_ms > ").int(now_ms).raw(") ORDER BY s.kind, s.user_id").end();
    let found: Vec<Columns> = sql.run(connection).await?.remove(0).typed()?;
    Ok(found.into_iter().filter_map(read).collect())
}

async fn page(
    connection: &mut Conn,
    kind: SanctionKind,
    after: i64,
    limit: u32,
    now_ms: i64,
) -> Result<Vec<Sanction>, Failure> {
    let sql = format!(
        "{SELECT}s.kind = ? AND s.user_id > ? AND (s.until_ms = 0 OR s.until_ms > ?) ORDER BY s.user_id LIMIT ?"
    );
    let found: Vec<Columns> = rows(connection, &sql, (kind.number(), after, now_ms, limit)).await?;
    Ok(found.into_iter().filter_map(read).collect())
}

/// A kind of a newer schema is passed over.
fn read((kind, id, username, until_ms, reason, actor_id, at_ms): Columns) -> Option<Sanction> {
    let kind = SanctionKind::of_number(kind)?;
    Some(Sanction { user: User { id, username }, kind, until_ms, reason, actor_id, at_ms })
}
