//! Events of users.

use std::collections::{BTreeSet, HashMap};

use mysql_async::Conn;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{OutboxRecord, UserEvent};
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::sql::{Sql, execute, first, rows};
use super::store::{replicated, retried};
use crate::outbox;
use crate::store::user_events::{next, placed};
use crate::store::{Error, EventPage, NewUserEvent, OutboxRow, UserEvents};

#[async_trait]
impl UserEvents for MysqlStore {
    async fn add_user_events(
        &self,
        owner: &str,
        events: &[NewUserEvent],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        if events.is_empty() {
            return Ok(None);
        }
        self.transact(owner, &Add { events, now_ms }).await.map(Some)
    }

    async fn event_heads(&self, users: &[UserId]) -> Result<Vec<i64>, Error> {
        replicated!(self, |connection| heads(connection, users))
    }

    async fn user_events(&self, user: UserId, after: i64, limit: u32) -> Result<EventPage, Error> {
        replicated!(self, |connection| page(connection, user, after, limit))
    }

    async fn forget_user_events(&self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        retried!(self, |connection| forget(connection, before_ms, limit))
    }
}

/// See [`UserEvents::add_user_events`].
#[derive(Debug)]
struct Add<'a> {
    events: &'a [NewUserEvent],
    now_ms: i64,
}

#[async_trait]
impl Work for Add<'_> {
    type Output = OutboxRow;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let records = append(connection, self.events, self.now_ms).await?;
        let row = commit(connection, owner, outbox::encode(records), self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: row })
    }
}

/// Appends events inside the open transaction; answers what is to be published, in their order. The heads are locked in
/// the order of user ids: nothing else may be locked after them.
pub(super) async fn append(
    connection: &mut Conn,
    events: &[NewUserEvent],
    now_ms: i64,
) -> Result<Vec<OutboxRecord>, Failure> {
    let users: BTreeSet<i64> = events.iter().map(|event| event.user.get()).collect();
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    for &user in &users {
        // Locks the row, and makes it when there is none.
        sql.raw("INSERT INTO user_heads (user_id, last_seq, last_at_ms) VALUES (").int(user);
        sql.raw(",0,0) ON DUPLICATE KEY UPDATE user_id = user_id").end();
    }
    sql.raw("SELECT user_id, last_seq, last_at_ms FROM user_heads WHERE user_id IN ");
    let found = sql.list(users.iter().copied()).raw(" FOR UPDATE").end();
    let set = sql.run(connection).await?.remove(found);
    let mut heads: HashMap<i64, (i64, i64)> =
        set.typed()?.into_iter().map(|(user, seq, at_ms)| (user, (seq, at_ms))).collect();
    let mut sql = Sql::default();
    let mut records = Vec::with_capacity(events.len());
    sql.raw("INSERT INTO user_events (user_id, seq, at_ms, kind, data) VALUES ");
    sql.separated("", events, |sql, event| {
        let user = event.user.get();
        let place = next(heads.get(&user).copied().unwrap_or_default(), now_ms);
        heads.insert(user, place);
        let (data, record) = placed(event, place);
        records.push(record);
        sql.raw("(").int(user).raw(",").int(place.0).raw(",").int(place.1).raw(",").text(event.kind);
        sql.raw(",").text(&data).raw(")");
    });
    sql.end();
    for user in users {
        let (seq, at_ms) = heads.get(&user).copied().unwrap_or_default();
        sql.raw("UPDATE user_heads SET last_seq = ").int(seq).raw(", last_at_ms = ").int(at_ms);
        sql.raw(" WHERE user_id = ").int(user).end();
    }
    sql.run(connection).await?;
    Ok(records)
}

async fn heads(connection: &mut Conn, users: &[UserId]) -> Result<Vec<i64>, Failure> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT user_id, last_seq FROM user_heads WHERE user_id IN ");
    sql.list(users.iter().map(|user| user.get())).end();
    let found: HashMap<i64, i64> = sql.run(connection).await?.remove(0).typed()?.into_iter().collect();
    Ok(users.iter().map(|user| found.get(&user.get()).copied().unwrap_or(0)).collect())
}

async fn page(connection: &mut Conn, user: UserId, after: i64, limit: u32) -> Result<EventPage, Failure> {
    let head: Option<(i64,)> =
        first(connection, "SELECT last_seq FROM user_heads WHERE user_id = ?", (user.get(),)).await?;
    let head = head.map_or(0, |(seq,)| seq);
    // What came after the head was read is left for the next page.
    let found: Vec<(i64, i64, String, String)> = rows(
        connection,
        "SELECT seq, at_ms, kind, data FROM user_events WHERE user_id = ? AND seq > ? AND seq <= ?
         ORDER BY seq LIMIT ?",
        (user.get(), after, head, limit),
    )
    .await?;
    let event = |(seq, at_ms, kind, data)| UserEvent { seq, at_ms, kind, data };
    Ok(EventPage { events: found.into_iter().map(event).collect(), head })
}

async fn forget(connection: &mut Conn, before_ms: i64, limit: u32) -> Result<u64, Failure> {
    let sql = "DELETE FROM user_events WHERE at_ms < ? ORDER BY at_ms LIMIT ?";
    Ok(execute(connection, sql, (before_ms, limit)).await?.1)
}
