//! Notifications for devices that are away.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::MessageKind;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tonic::async_trait;

use super::SqliteStore;
use super::changes::extra;
use crate::store::events::kind;
use crate::store::notifications::{DUE, feed_row, is_untold};
use crate::store::{
    Due, Error, FeedRow, Listener, NewNotification, NotificationBacklog, NotificationStore, Settled, Target,
    TargetKind,
};

#[async_trait]
impl NotificationStore for SqliteStore {
    async fn put_target(&self, target: &Target) -> Result<Option<Target>, Error> {
        let target = target.clone();
        self.write(move |connection| put(connection, &target)).await
    }

    async fn target(&self, login_id: &str, user: UserId) -> Result<Option<Target>, Error> {
        let login_id = login_id.to_owned();
        self.read(move |connection| find(connection, &login_id, user)).await
    }

    async fn remove_target(&self, login_id: &str, id: &str) -> Result<bool, Error> {
        let (login_id, id) = (login_id.to_owned(), id.to_owned());
        self.write(move |connection| {
            let sql = "DELETE FROM notification_targets WHERE login_id = ? AND id = ?";
            Ok(connection.prepare_cached(sql)?.execute([login_id, id])? > 0)
        })
        .await
    }

    async fn take_feed(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<FeedRow>, Error> {
        let none_due = "SELECT 1 FROM notification_feed WHERE due_at_ms <= ?";
        if !self.is_due(none_due, now_ms).await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| take_feed(connection, now_ms, lease_ms, limit)).await
    }

    async fn delete_feed(&self, ids: &[i64]) -> Result<(), Error> {
        let ids = ids.to_vec();
        self.write(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut delete = transaction.prepare_cached("DELETE FROM notification_feed WHERE id = ?")?;
                for id in ids {
                    delete.execute([id])?;
                }
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    async fn trim_feed(&self, rows_max: u32, limit: u32) -> Result<u64, Error> {
        let sql = "DELETE FROM notification_feed WHERE id IN
                       (SELECT id FROM notification_feed
                        WHERE id <= (SELECT MAX(id) FROM notification_feed) - ?1 ORDER BY id LIMIT ?2)";
        self.write(move |connection| Ok(connection.prepare_cached(sql)?.execute([rows_max, limit])? as u64))
            .await
    }

    async fn listeners(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Listener>, Error> {
        self.read(move |connection| listeners(connection, id, after, limit)).await
    }

    async fn queue_notifications(
        &self,
        new: &[NewNotification],
        device_rows_max: u32,
        now_ms: i64,
    ) -> Result<u64, Error> {
        let new = new.to_vec();
        self.write(move |connection| queue(connection, &new, device_rows_max, now_ms)).await
    }

    async fn take_notifications(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Error> {
        if !self.is_due("SELECT 1 FROM notifications WHERE due_at_ms <= ?", now_ms).await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| take(connection, now_ms, lease_ms, limit)).await
    }

    async fn settle_notifications(&self, settled: &[Settled], now_ms: i64) -> Result<(), Error> {
        let settled = settled.to_vec();
        self.write(move |connection| settle(connection, &settled, now_ms)).await
    }

    async fn notification_backlog(&self, now_ms: i64) -> Result<NotificationBacklog, Error> {
        self.read(move |connection| backlog(connection, now_ms)).await
    }
}

impl SqliteStore {
    /// Whether there is a row that is due: an idle server writes nothing.
    pub(super) async fn is_due(&self, sql: &'static str, now_ms: i64) -> Result<bool, Error> {
        self.read(move |connection| Ok(connection.prepare_cached(sql)?.exists([now_ms])?)).await
    }
}

/// Writes what was sent, while anybody is to be notified at all.
pub(super) fn feed(transaction: &Transaction<'_>, payload: &[u8], now_ms: i64) -> Result<(), Error> {
    let sql = "INSERT INTO notification_feed (payload, created_at_ms, due_at_ms)
               SELECT ?1, ?2, ?2 WHERE EXISTS (SELECT 1 FROM notification_targets)";
    transaction.prepare_cached(sql)?.execute(params![payload, now_ms])?;
    Ok(())
}

fn put(connection: &mut Connection, target: &Target) -> Result<Option<Target>, Error> {
    let transaction = connection.transaction()?;
    let is_live = transaction
        .prepare_cached("SELECT 1 FROM logins WHERE id = ? AND user_id = ? AND expires_at_ms > ?")?
        .exists(params![target.login_id, target.user.get(), target.created_at_ms])?;
    if !is_live {
        return Ok(None);
    }
    if let Some(held) = find(&transaction, &target.login_id, target.user)?
        && held.is_as(target)
    {
        return Ok(Some(held));
    }
    transaction
        .prepare_cached("DELETE FROM notification_targets WHERE login_id = ? OR address_hash = ?")?
        .execute(params![target.login_id, target.address_hash()])?;
    transaction
        .prepare_cached(
            "INSERT INTO notification_targets
             (login_id, id, user_id, kind, address, address_hash, secret, created_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            target.login_id,
            target.id,
            target.user.get(),
            target.kind.number(),
            target.address,
            target.address_hash(),
            target.secret,
            target.created_at_ms
        ])?;
    transaction.commit()?;
    Ok(Some(target.clone()))
}

fn find(connection: &Connection, login_id: &str, user: UserId) -> Result<Option<Target>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT id, kind, address, secret, created_at_ms FROM notification_targets
             WHERE login_id = ? AND user_id = ?",
        )?
        .query_row(params![login_id, user.get()], |row| {
            let kind: i64 = row.get(1)?;
            Ok((row.get(0)?, kind, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((id, kind, address, secret, created_at_ms)) = found else { return Ok(None) };
    let (login_id, kind) = (login_id.to_owned(), TargetKind::of_number(kind)?);
    Ok(Some(Target { id, login_id, user, kind, address, secret, created_at_ms }))
}

fn take_feed(
    connection: &mut Connection,
    now_ms: i64,
    lease_ms: i64,
    limit: u32,
) -> Result<Vec<FeedRow>, Error> {
    let sql = "UPDATE notification_feed SET due_at_ms = ?1 WHERE id IN
                   (SELECT id FROM notification_feed WHERE due_at_ms <= ?2 ORDER BY due_at_ms LIMIT ?3)
               RETURNING id, payload";
    let mut update = connection.prepare_cached(sql)?;
    let rows = update.query_map(params![now_ms + lease_ms, now_ms, limit], |row| {
        Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let found: Vec<(i64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
    Ok(found.into_iter().map(|(id, payload)| feed_row(id, &payload)).collect())
}

fn listeners(
    connection: &Connection,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Listener>, Error> {
    let sql = "SELECT m.user_id, t.login_id FROM
                   (SELECT user_id FROM members WHERE conversation_id = ? AND user_id > ?
                    ORDER BY user_id LIMIT ?) m
               LEFT JOIN notification_targets t ON t.user_id = m.user_id ORDER BY m.user_id";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![id.get(), after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, Option<String>)> = rows.collect::<Result<_, _>>()?;
    Ok(found
        .into_iter()
        .filter_map(|(user, login_id)| Some(Listener { user: UserId::new(user)?, login_id }))
        .collect())
}

fn queue(
    connection: &mut Connection,
    new: &[NewNotification],
    device_rows_max: u32,
    now_ms: i64,
) -> Result<u64, Error> {
    let transaction = connection.transaction()?;
    let mut lost = 0;
    {
        // A device that went meanwhile has no target.
        let mut insert = transaction.prepare_cached(
            "INSERT INTO notifications
             (login_id, conversation_id, user_id, seq, attempts, due_at_ms, created_at_ms)
             SELECT ?1, ?2, ?3, ?4, 0, ?5, ?6
             WHERE EXISTS (SELECT 1 FROM notification_targets WHERE login_id = ?1)
             ON CONFLICT (login_id, conversation_id) DO UPDATE SET seq = MAX(seq, excluded.seq)",
        )?;
        let mut trim = transaction.prepare_cached(
            "DELETE FROM notifications WHERE (login_id, conversation_id) IN
                 (SELECT login_id, conversation_id FROM notifications WHERE login_id = ?
                  ORDER BY created_at_ms DESC, conversation_id DESC LIMIT -1 OFFSET ?)",
        )?;
        for row in new {
            let (user, conversation) = (row.user.get(), row.conversation.get());
            insert.execute(params![row.login_id, conversation, user, row.seq, row.due_at_ms, now_ms])?;
            lost += trim.execute(params![row.login_id, device_rows_max])? as u64;
        }
    }
    transaction.commit()?;
    Ok(lost)
}

fn take(connection: &mut Connection, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Error> {
    let transaction = connection.transaction()?;
    let mut due = Vec::new();
    {
        let mut update = transaction.prepare_cached(
            "UPDATE notifications SET due_at_ms = ?1 WHERE (login_id, conversation_id) IN
                 (SELECT login_id, conversation_id FROM notifications WHERE due_at_ms <= ?2
                  ORDER BY due_at_ms LIMIT ?3)
             RETURNING login_id, conversation_id",
        )?;
        let rows = update
            .query_map(params![now_ms + lease_ms, now_ms, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let taken: Vec<(String, i64)> = rows.collect::<Result<_, _>>()?;
        let mut select =
            transaction.prepare_cached(&format!("{} ? AND n.conversation_id = ?", DUE.concat()))?;
        for (login_id, conversation) in taken {
            let found = select.query_row(params![login_id, conversation], |row| Ok(read(row)))?;
            due.push(found?);
        }
    }
    transaction.commit()?;
    Ok(due)
}

fn read(row: &Row<'_>) -> Result<Due, Error> {
    let whole = || Error::Internal("a row of the notification queue is not whole".to_owned());
    let user = UserId::new(row.get(2)?).ok_or_else(whole)?;
    let (head, read_seq, own): (i64, i64, i64) = (row.get(14)?, row.get(15)?, row.get(26)?);
    Ok(Due {
        target: Target {
            id: row.get(6)?,
            login_id: row.get(0)?,
            user,
            kind: TargetKind::of_number(row.get(7)?)?,
            address: row.get(8)?,
            secret: row.get(9)?,
            created_at_ms: row.get(10)?,
        },
        login_expires_at_ms: row.get(11)?,
        conversation: ConversationId::new(row.get(1)?).ok_or_else(whole)?,
        kind: kind(row.get(12)?),
        name: row.get(13)?,
        is_member: row.get::<_, i64>(17)? != 0,
        seq: row.get(3)?,
        read_seq,
        muted_until_ms: row.get(16)?,
        is_sender_blocked: row.get::<_, i64>(18)? != 0,
        is_hidden: row.get::<_, i64>(19)? != 0,
        unread: (head - read_seq - own).max(0),
        sender: row.get(20)?,
        sender_name: row.get(21)?,
        message_kind: MessageKind::try_from(row.get::<_, i32>(22)?).unwrap_or_default(),
        content: row.get(23)?,
        is_untold: is_untold(extra(row, 25)?.as_ref()),
        sent_at_ms: row.get(24)?,
        attempts: row.get(4)?,
        created_at_ms: row.get(5)?,
    })
}

fn settle(connection: &mut Connection, settled: &[Settled], now_ms: i64) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    for one in settled {
        match one {
            Settled::Done { login_id, conversation, seq } => {
                let place = params![login_id, conversation.get(), seq];
                transaction
                    .prepare_cached(
                        "DELETE FROM notifications WHERE login_id = ? AND conversation_id = ? AND seq <= ?",
                    )?
                    .execute(place)?;
                transaction
                    .prepare_cached(
                        "UPDATE notifications SET due_at_ms = ?3, attempts = 0, created_at_ms = ?3
                         WHERE login_id = ?1 AND conversation_id = ?2",
                    )?
                    .execute(params![login_id, conversation.get(), now_ms])?;
            }
            Settled::Again { login_id, conversation, due_at_ms, counts } => {
                transaction
                    .prepare_cached(
                        "UPDATE notifications SET due_at_ms = ?, attempts = attempts + ?
                         WHERE login_id = ? AND conversation_id = ?",
                    )?
                    .execute(params![due_at_ms, counts, login_id, conversation.get()])?;
            }
        }
    }
    Ok(transaction.commit()?)
}

fn backlog(connection: &Connection, now_ms: i64) -> Result<NotificationBacklog, Error> {
    let sql = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM notification_feed LIMIT 10000) f),
                      (SELECT COUNT(*) FROM (SELECT 1 FROM notifications LIMIT 10000) q),
                      (SELECT created_at_ms FROM notifications ORDER BY created_at_ms LIMIT 1)";
    let found: (i64, i64, Option<i64>) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(NotificationBacklog {
        feed: u64::try_from(found.0).unwrap_or(0),
        queue: u64::try_from(found.1).unwrap_or(0),
        oldest_ms: found.2.map_or(0, |oldest| (now_ms - oldest).max(0)),
    })
}
