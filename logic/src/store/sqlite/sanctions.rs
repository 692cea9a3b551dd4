//! Bans and mutes.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tonic::async_trait;

use super::fault::foreign_key;
use super::logins::end_logins;
use super::{SqliteStore, outbox, user_events};
use crate::outbox::encode;
use crate::store::sanctions::{is_in_force, mute_changed};
use crate::store::{
    Error, NewSanction, NewUserEvent, OutboxRow, Sanction, SanctionKind, Sanctioned, Sanctions,
};

const SELECT: &str = "SELECT s.user_id, u.username, s.until_ms, s.reason, s.actor_id, s.at_ms
     FROM sanctions s JOIN users u ON u.id = s.user_id";

#[async_trait]
impl Sanctions for SqliteStore {
    async fn sanction(&self, owner: &str, new: &NewSanction) -> Result<Sanctioned, Error> {
        let (owner, new) = (owner.to_owned(), new.clone());
        self.publish(
            move |connection| put(connection, &owner, &new),
            |done| done.row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn lift(
        &self,
        owner: &str,
        kind: SanctionKind,
        user: UserId,
        now_ms: i64,
    ) -> Result<(bool, Option<OutboxRow>), Error> {
        let owner = owner.to_owned();
        self.publish(
            move |connection| lift(connection, &owner, kind, user, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn sanctions_of(&self, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Error> {
        let users = users.to_vec();
        self.read(move |connection| of_users(connection, &users, now_ms)).await
    }

    async fn sanctions(
        &self,
        kind: SanctionKind,
        after: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Sanction>, Error> {
        self.read(move |connection| page(connection, kind, after, limit, now_ms)).await
    }
}

fn put(connection: &mut Connection, owner: &str, new: &NewSanction) -> Result<Sanctioned, Error> {
    let transaction = connection.transaction()?;
    let held =
        held(&transaction, new.kind, new.user)?.filter(|(until_ms, _)| is_in_force(*until_ms, new.now_ms));
    let is_new = held.is_none_or(|(until_ms, reason)| until_ms != new.until_ms || reason != new.reason);
    let mut done = Sanctioned::default();
    if is_new {
        let written = transaction
            .prepare_cached(
                "INSERT INTO sanctions (kind, user_id, until_ms, reason, actor_id, at_ms) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT (kind, user_id) DO UPDATE SET until_ms = excluded.until_ms, reason = excluded.reason,
                 actor_id = excluded.actor_id, at_ms = excluded.at_ms",
            )?
            .execute(params![
                new.kind.number(),
                new.user.get(),
                new.until_ms,
                new.reason,
                new.actor_id,
                new.now_ms
            ]);
        match written {
            Err(error) if foreign_key(&error) => return Err(Error::NoUser(new.user.get())),
            written => written?,
        };
    }
    match new.kind {
        SanctionKind::Ban => done.ended = end_logins(&transaction, new.user, "")?,
        SanctionKind::Mute if is_new => {
            let event = mute_changed(new.user, Some((new.until_ms, &new.reason)));
            done.row = Some(tell(&transaction, owner, event, new.now_ms)?);
        }
        SanctionKind::Mute => {}
    }
    transaction.commit()?;
    Ok(done)
}

fn tell(
    transaction: &Transaction<'_>,
    owner: &str,
    event: NewUserEvent,
    now_ms: i64,
) -> Result<OutboxRow, Error> {
    let records = user_events::append(transaction, &[event], now_ms)?;
    outbox::insert(transaction, owner, encode(records), now_ms)
}

/// Until when, and why.
fn held(connection: &Connection, kind: SanctionKind, user: UserId) -> Result<Option<(i64, String)>, Error> {
    let found = connection
        .prepare_cached("SELECT until_ms, reason FROM sanctions WHERE kind = ? AND user_id = ?")?
        .query_row([kind.number(), user.get()], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

/// The ban of a user that is in force: until when, and why.
pub(super) fn ban(
    connection: &Connection,
    user: UserId,
    now_ms: i64,
) -> Result<Option<(i64, String)>, Error> {
    let held = held(connection, SanctionKind::Ban, user)?;
    Ok(held.filter(|(until_ms, _)| is_in_force(*until_ms, now_ms)))
}

/// Until when a user is muted, whether or not that is over.
pub(super) fn mute(connection: &Connection, user: i64) -> Result<Option<i64>, Error> {
    let found = connection
        .prepare_cached("SELECT until_ms FROM sanctions WHERE kind = ? AND user_id = ?")?
        .query_row([SanctionKind::Mute.number(), user], |row| row.get(0));
    Ok(found.optional()?)
}

fn lift(
    connection: &mut Connection,
    owner: &str,
    kind: SanctionKind,
    user: UserId,
    now_ms: i64,
) -> Result<(bool, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let until_ms: Option<i64> = transaction
        .prepare_cached("DELETE FROM sanctions WHERE kind = ? AND user_id = ? RETURNING until_ms")?
        .query_row([kind.number(), user.get()], |row| row.get(0))
        .optional()?;
    let was_in_force = until_ms.is_some_and(|until_ms| is_in_force(until_ms, now_ms));
    let row = match kind {
        SanctionKind::Mute if was_in_force => {
            Some(tell(&transaction, owner, mute_changed(user, None), now_ms)?)
        }
        _ => None,
    };
    transaction.commit()?;
    Ok((was_in_force, row))
}

fn of_users(connection: &Connection, users: &[UserId], now_ms: i64) -> Result<Vec<Sanction>, Error> {
    let sql = format!("{SELECT} WHERE s.kind = ? AND s.user_id = ? AND (s.until_ms = 0 OR s.until_ms > ?)");
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for kind in [SanctionKind::Ban, SanctionKind::Mute] {
        for user in users {
            let one = select.query_row(params![kind.number(), user.get(), now_ms], |row| read(row, kind));
            found.extend(one.optional()?);
        }
    }
    Ok(found)
}

fn page(
    connection: &Connection,
    kind: SanctionKind,
    after: i64,
    limit: u32,
    now_ms: i64,
) -> Result<Vec<Sanction>, Error> {
    let sql = format!(
        "{SELECT} WHERE s.kind = ? AND s.user_id > ? AND (s.until_ms = 0 OR s.until_ms > ?)
         ORDER BY s.user_id LIMIT ?"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params![kind.number(), after, now_ms, limit], |row| read(row, kind))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>, kind: SanctionKind) -> rusqlite::Result<Sanction> {
    Ok(Sanction {
        user: User { id: row.get(0)?, username: row.get(1)? },
        kind,
        until_ms: row.get(2)?,
        reason: row.get(3)?,
        actor_id: row.get(4)?,
        at_ms: row.get(5)?,
    })
}
