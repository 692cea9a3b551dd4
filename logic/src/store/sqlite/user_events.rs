//! Events of users.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{OutboxRecord, UserEvent};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::{SqliteStore, outbox};
use crate::outbox::encode;
use crate::store::user_events::{next, placed};
use crate::store::{Error, EventPage, NewUserEvent, OutboxRow, UserEvents};

#[async_trait]
impl UserEvents for SqliteStore {
    async fn add_user_events(
        &self,
        owner: &str,
        events: &[NewUserEvent],
        now_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        if events.is_empty() {
            return Ok(None);
        }
        let (owner, events) = (owner.to_owned(), events.to_vec());
        let add = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let records = append(&transaction, &events, now_ms)?;
            let row = outbox::insert(&transaction, &owner, encode(records), now_ms)?;
            transaction.commit()?;
            Ok(Some(row))
        };
        self.publish(add, |row: &Option<OutboxRow>| row.as_ref().map(|row| row.id)).await
    }

    async fn event_heads(&self, users: &[UserId]) -> Result<Vec<i64>, Error> {
        let users = users.to_vec();
        self.read(move |connection| users.iter().map(|&user| Ok(head(connection, user)?.0)).collect()).await
    }

    async fn user_events(&self, user: UserId, after: i64, limit: u32) -> Result<EventPage, Error> {
        self.read(move |connection| page(connection, user, after, limit)).await
    }

    async fn forget_user_events(&self, before_ms: i64, limit: u32) -> Result<u64, Error> {
        self.write(move |connection| forget(connection, before_ms, limit)).await
    }
}

/// Appends events inside the open transaction; answers what is to be published, in their order.
pub(super) fn append(
    transaction: &Transaction<'_>,
    events: &[NewUserEvent],
    now_ms: i64,
) -> Result<Vec<OutboxRecord>, Error> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO user_events (user_id, seq, at_ms, kind, data) VALUES (?, ?, ?, ?, ?)")?;
    let mut raise = transaction.prepare_cached(
        "INSERT INTO user_heads (user_id, last_seq, last_at_ms) VALUES (?, ?, ?)
         ON CONFLICT (user_id) DO UPDATE SET last_seq = excluded.last_seq, last_at_ms = excluded.last_at_ms",
    )?;
    let mut records = Vec::with_capacity(events.len());
    for event in events {
        let user = event.user.get();
        let (seq, at_ms) = next(head(transaction, event.user)?, now_ms);
        let (data, record) = placed(event, (seq, at_ms));
        insert.execute(params![user, seq, at_ms, event.kind, data])?;
        raise.execute([user, seq, at_ms])?;
        records.push(record);
    }
    Ok(records)
}

fn head(connection: &Connection, user: UserId) -> Result<(i64, i64), Error> {
    let mut select =
        connection.prepare_cached("SELECT last_seq, last_at_ms FROM user_heads WHERE user_id = ?")?;
    let found = select.query_row([user.get()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(found.unwrap_or_default())
}

fn page(connection: &mut Connection, user: UserId, after: i64, limit: u32) -> Result<EventPage, Error> {
    let transaction = connection.transaction()?;
    let (head, _) = head(&transaction, user)?;
    let mut select = transaction.prepare_cached(
        "SELECT seq, at_ms, kind, data FROM user_events WHERE user_id = ? AND seq > ? AND seq <= ?
         ORDER BY seq LIMIT ?",
    )?;
    let events = select.query_map(params![user.get(), after, head, limit], |row| {
        Ok(UserEvent { seq: row.get(0)?, at_ms: row.get(1)?, kind: row.get(2)?, data: row.get(3)? })
    })?;
    Ok(EventPage { events: events.collect::<Result<_, _>>()?, head })
}

fn forget(connection: &Connection, before_ms: i64, limit: u32) -> Result<u64, Error> {
    let sql = "DELETE FROM user_events WHERE (user_id, seq) IN
               (SELECT user_id, seq FROM user_events WHERE at_ms < ? ORDER BY at_ms LIMIT ?)";
    Ok(connection.prepare_cached(sql)?.execute(params![before_ms, limit])? as u64)
}
