//! Notifications for devices that are away.

use std::collections::BTreeSet;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, TxOpts};
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::MessageKind;
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::logins::{ascii, user};
use super::sql::{Sql, column, execute, first, rows};
use super::store::{pooled, retried};
use crate::store::changes::read_extra;
use crate::store::events::kind;
use crate::store::notifications::{DUE, feed_row, is_untold};
use crate::store::{
    Due, Error, FeedRow, Listener, NewNotification, NotificationBacklog, NotificationStore, Settled, Target,
    TargetKind,
};

#[async_trait]
impl NotificationStore for MysqlStore {
    async fn put_target(&self, target: &Target) -> Result<Option<Target>, Error> {
        retried!(self, |connection| put(connection, target))
    }

    async fn target(&self, login_id: &str, user: UserId) -> Result<Option<Target>, Error> {
        pooled!(self, |connection| find(connection, login_id, user))
    }

    async fn remove_target(&self, login_id: &str, id: &str) -> Result<bool, Error> {
        retried!(self, |connection| remove(connection, login_id, id))
    }

    async fn take_feed(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<FeedRow>, Error> {
        retried!(self, |connection| take_feed(connection, now_ms, lease_ms, limit))
    }

    async fn delete_feed(&self, ids: &[i64]) -> Result<(), Error> {
        retried!(self, |connection| delete_feed(connection, ids))
    }

    async fn trim_feed(&self, rows_max: u32, limit: u32) -> Result<u64, Error> {
        retried!(self, |connection| trim_feed(connection, rows_max, limit))
    }

    async fn listeners(&self, id: ConversationId, after: i64, limit: u32) -> Result<Vec<Listener>, Error> {
        pooled!(self, |connection| listeners(connection, id, after, limit))
    }

    async fn queue_notifications(
        &self,
        new: &[NewNotification],
        device_rows_max: u32,
        now_ms: i64,
    ) -> Result<u64, Error> {
        if new.is_empty() {
            return Ok(0);
        }
        retried!(self, |connection| queue(connection, new, device_rows_max, now_ms))
    }

    async fn take_notifications(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Error> {
        retried!(self, |connection| take(connection, now_ms, lease_ms, limit))
    }

    async fn settle_notifications(&self, settled: &[Settled], now_ms: i64) -> Result<(), Error> {
        if settled.is_empty() {
            return Ok(());
        }
        retried!(self, |connection| settle(connection, settled, now_ms))
    }

    async fn notification_backlog(&self, now_ms: i64) -> Result<NotificationBacklog, Error> {
        pooled!(self, |connection| backlog(connection, now_ms))
    }
}

/// Writes what was sent, while anybody is to be notified at all; a part of the packet that commits the batch.
pub(super) fn feed(sql: &mut Sql, payload: &[u8], now_ms: i64) {
    sql.raw("INSERT INTO notification_feed (payload, created_at_ms, due_at_ms) SELECT ").bytes(payload);
    sql.raw(",").int(now_ms).raw(",").int(now_ms);
    sql.raw(" FROM DUAL WHERE EXISTS (SELECT 1 FROM notification_targets LIMIT 1)");
    sql.raw(" OR EXISTS (SELECT 1 FROM listening)").end();
}

async fn put(connection: &mut Conn, target: &Target) -> Result<Option<Target>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let live: Option<(i64,)> = first(
        &mut transaction,
        "SELECT user_id FROM logins WHERE id = ? AND user_id = ? AND expires_at_ms > ? FOR UPDATE",
        (target.login_id.as_bytes(), target.user.get(), target.created_at_ms),
    )
    .await?;
    if live.is_none() {
        transaction.rollback().await?;
        return Ok(None);
    }
    let held = find(&mut transaction, &target.login_id, target.user).await?;
    if let Some(held) = held.filter(|held| held.is_as(target)) {
        transaction.rollback().await?;
        return Ok(Some(held));
    }
    let hash = target.address_hash();
    for (sql, key) in [
        ("DELETE FROM notification_targets WHERE login_id = ?", target.login_id.as_bytes()),
        ("DELETE FROM notification_targets WHERE address_hash = ?", &hash[..]),
    ] {
        execute(&mut transaction, sql, (key,)).await?;
    }
    execute(
        &mut transaction,
        "INSERT INTO notification_targets
         (login_id, id, user_id, kind, address, address_hash, secret, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            target.login_id.as_bytes(),
            target.id.as_bytes(),
            target.user.get(),
            target.kind.number(),
            target.address.as_bytes(),
            &hash[..],
            &target.secret[..],
            target.created_at_ms,
        ),
    )
    .await?;
    transaction.commit().await?;
    Ok(Some(target.clone()))
}

/// id, kind, address, secret, created_at_ms.
type TargetRow = (Vec<u8>, i64, Vec<u8>, Vec<u8>, i64);

async fn find<Q: Queryable>(
    connection: &mut Q,
    login_id: &str,
    user: UserId,
) -> Result<Option<Target>, Failure> {
    let found: Option<TargetRow> = first(
        connection,
        "SELECT id, kind, address, secret, created_at_ms FROM notification_targets
         WHERE login_id = ? AND user_id = ?",
        (login_id.as_bytes(), user.get()),
    )
    .await?;
    let Some((id, kind, address, secret, created_at_ms)) = found else { return Ok(None) };
    let (id, address, kind) = (ascii(id)?, ascii(address)?, TargetKind::of_number(kind)?);
    Ok(Some(Target { id, login_id: login_id.to_owned(), user, kind, address, secret, created_at_ms }))
}

async fn remove(connection: &mut Conn, login_id: &str, id: &str) -> Result<bool, Failure> {
    let sql = "DELETE FROM notification_targets WHERE login_id = ? AND id = ?";
    Ok(execute(connection, sql, (login_id.as_bytes(), id.as_bytes())).await?.1 > 0)
}

async fn take_feed(
    connection: &mut Conn,
    now_ms: i64,
    lease_ms: i64,
    limit: u32,
) -> Result<Vec<FeedRow>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let found: Vec<(i64, Vec<u8>)> = rows(
        &mut transaction,
        "SELECT id, payload FROM notification_feed FORCE INDEX (notification_feed_due)
         WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ? FOR UPDATE SKIP LOCKED",
        (now_ms, limit),
    )
    .await?;
    if found.is_empty() {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    for &(id, _) in &found {
        sql.raw("UPDATE notification_feed SET due_at_ms = ").int(now_ms + lease_ms);
        sql.raw(" WHERE id = ").int(id).end();
    }
    sql.run(&mut transaction).await?;
    transaction.commit().await?;
    Ok(found.into_iter().map(|(id, payload)| feed_row(id, &payload)).collect())
}

async fn delete_feed(connection: &mut Conn, ids: &[i64]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let mut sql = Sql::default();
    for &id in ids {
        sql.raw("DELETE FROM notification_feed WHERE id = ").int(id).end();
    }
    sql.run(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

async fn trim_feed(connection: &mut Conn, rows_max: u32, limit: u32) -> Result<u64, Failure> {
    let newest: Option<Option<i64>> = first(connection, "SELECT MAX(id) FROM notification_feed", ()).await?;
    let Some(newest) = newest.flatten() else { return Ok(0) };
    let oldest: Vec<(i64,)> =
        rows(connection, "SELECT id FROM notification_feed ORDER BY id LIMIT ?", (limit,)).await?;
    let last = newest - i64::from(rows_max);
    let mut given_up = oldest.into_iter().map(|(id,)| id).take_while(|&id| id <= last);
    let Some(first) = given_up.next() else { return Ok(0) };
    let last = given_up.last().unwrap_or(first);
    // Another node may be at the same ones: each counts what it deleted.
    Ok(execute(connection, "DELETE FROM notification_feed WHERE id BETWEEN ? AND ?", (first, last)).await?.1)
}

async fn listeners(
    connection: &mut Conn,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Listener>, Failure> {
    let found: Vec<(i64, Option<Vec<u8>>)> = rows(
        connection,
        "SELECT m.user_id, t.login_id FROM
             (SELECT user_id FROM members FORCE INDEX (PRIMARY)
              WHERE conversation_id = ? AND user_id > ? ORDER BY user_id LIMIT ?) m
         LEFT JOIN notification_targets t ON t.user_id = m.user_id ORDER BY m.user_id",
        (id.get(), after, limit),
    )
    .await?;
    let listener = |(id, login): (i64, Option<Vec<u8>>)| {
        Ok(Listener { user: user(id)?, login_id: login.map(ascii).transpose()? })
    };
    found.into_iter().map(listener).collect()
}

/// Rows are locked in the order of devices and conversations, as whoever takes or settles them locks each by itself.
async fn queue(
    connection: &mut Conn,
    new: &[NewNotification],
    device_rows_max: u32,
    now_ms: i64,
) -> Result<u64, Failure> {
    let mut new: Vec<&NewNotification> = new.iter().collect();
    new.sort_by_key(|row| (row.login_id.as_str(), row.conversation.get()));
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let mut sql = Sql::default();
    for row in &new {
        // A device that went meanwhile has no target.
        sql.raw("INSERT INTO notifications (login_id, conversation_id, user_id, seq, attempts, due_at_ms, ");
        sql.raw("created_at_ms) SELECT login_id,").int(row.conversation.get()).raw(",").int(row.user.get());
        sql.raw(",").int(row.seq).raw(",0,").int(row.due_at_ms).raw(",").int(now_ms);
        sql.raw(" FROM notification_targets WHERE login_id = ").bytes(row.login_id.as_bytes());
        sql.raw(" ON DUPLICATE KEY UPDATE seq = GREATEST(notifications.seq, VALUES(seq))").end();
    }
    sql.run(&mut transaction).await?;
    let devices: BTreeSet<&str> = new.iter().map(|row| row.login_id.as_str()).collect();
    let mut sql = Sql::default();
    for device in &devices {
        sql.raw("SELECT login_id, conversation_id, created_at_ms FROM notifications WHERE login_id = ");
        sql.bytes(device.as_bytes()).end();
    }
    let mut beyond = Sql::default();
    let mut lost = 0;
    for set in sql.run(&mut transaction).await? {
        let mut held: Vec<(Vec<u8>, i64, i64)> = set.typed()?;
        held.sort_by_key(|&(_, conversation, at_ms)| std::cmp::Reverse((at_ms, conversation)));
        for (device, conversation, _) in
            held.iter().skip(usize::try_from(device_rows_max).unwrap_or(usize::MAX))
        {
            beyond.raw("DELETE FROM notifications WHERE login_id = ").bytes(device);
            beyond.raw(" AND conversation_id = ").int(*conversation).end();
            lost += 1;
        }
    }
    if lost > 0 {
        beyond.run(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(lost)
}

async fn take(connection: &mut Conn, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Due>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let taken: Vec<(Vec<u8>, i64)> = rows(
        &mut transaction,
        "SELECT login_id, conversation_id FROM notifications FORCE INDEX (notifications_due)
         WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ? FOR UPDATE SKIP LOCKED",
        (now_ms, limit),
    )
    .await?;
    if taken.is_empty() {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    for (login_id, conversation) in &taken {
        sql.raw("UPDATE notifications SET due_at_ms = ").int(now_ms + lease_ms).raw(" WHERE login_id = ");
        sql.bytes(login_id).raw(" AND conversation_id = ").int(*conversation).end();
    }
    sql.run(&mut transaction).await?;
    let mut sql = Sql::default();
    for (login_id, conversation) in &taken {
        sql.raw(DUE[0])
            .raw(" FORCE INDEX (messages_sender)")
            .raw(DUE[1])
            .bytes(login_id)
            .raw(" AND n.conversation_id = ")
            .int(*conversation)
            .end();
    }
    let sets = sql.run(&mut transaction).await?;
    transaction.commit().await?;
    let mut due = Vec::with_capacity(taken.len());
    for set in sets {
        due.extend(set.typed::<Row>()?.into_iter().next().map(read).transpose()?);
    }
    Ok(due)
}

fn read(mut row: Row) -> Result<Due, Failure> {
    let row = &mut row;
    let (head, read_seq, own): (i64, i64, i64) = (column(row, 14)?, column(row, 15)?, column(row, 26)?);
    let conversation = ConversationId::new(column(row, 1)?);
    Ok(Due {
        target: Target {
            id: ascii(column(row, 6)?)?,
            login_id: ascii(column(row, 0)?)?,
            user: user(column(row, 2)?)?,
            kind: TargetKind::of_number(column(row, 7)?)?,
            address: ascii(column(row, 8)?)?,
            secret: column(row, 9)?,
            created_at_ms: column(row, 10)?,
        },
        login_expires_at_ms: column(row, 11)?,
        conversation: conversation.ok_or_else(|| Error::Internal("a conversation's id".to_owned()))?,
        kind: kind(column(row, 12)?),
        name: column(row, 13)?,
        is_member: column::<i64>(row, 17)? != 0,
        seq: column(row, 3)?,
        read_seq,
        muted_until_ms: column(row, 16)?,
        is_sender_blocked: column::<i64>(row, 18)? != 0,
        is_hidden: column::<i64>(row, 19)? != 0,
        unread: (head - read_seq - own).max(0),
        sender: column(row, 20)?,
        sender_name: column(row, 21)?,
        message_kind: MessageKind::try_from(column::<i32>(row, 22)?).unwrap_or_default(),
        content: column(row, 23)?,
        is_untold: is_untold(read_extra(column(row, 25)?)?.as_ref()),
        sent_at_ms: column(row, 24)?,
        attempts: column(row, 4)?,
        created_at_ms: column(row, 5)?,
    })
}

async fn settle(connection: &mut Conn, settled: &[Settled], now_ms: i64) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let mut sql = Sql::default();
    for one in settled {
        match one {
            Settled::Done { login_id, conversation, seq } => {
                sql.raw("DELETE FROM notifications WHERE login_id = ").bytes(login_id.as_bytes());
                sql.raw(" AND conversation_id = ").int(conversation.get());
                sql.raw(" AND seq <= ").int(*seq).end();
                sql.raw("UPDATE notifications SET due_at_ms = ").int(now_ms).raw(", attempts = 0");
                sql.raw(", created_at_ms = ").int(now_ms).raw(" WHERE login_id = ");
                sql.bytes(login_id.as_bytes()).raw(" AND conversation_id = ").int(conversation.get()).end();
            }
            Settled::Again { login_id, conversation, due_at_ms, counts } => {
                sql.raw("UPDATE notifications SET due_at_ms = ").int(*due_at_ms);
                sql.raw(", attempts = attempts + ").int(i64::from(*counts)).raw(" WHERE login_id = ");
                sql.bytes(login_id.as_bytes()).raw(" AND conversation_id = ").int(conversation.get()).end();
            }
        }
    }
    sql.run(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

async fn backlog(connection: &mut Conn, now_ms: i64) -> Result<NotificationBacklog, Failure> {
    let sql = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM notification_feed LIMIT 10000) f),
                      (SELECT COUNT(*) FROM (SELECT 1 FROM notifications LIMIT 10000) q),
                      (SELECT created_at_ms FROM notifications ORDER BY created_at_ms LIMIT 1)";
    let found: Option<(u64, u64, Option<i64>)> = first(connection, sql, ()).await?;
    let (feed, queue, oldest) = found.unwrap_or_default();
    Ok(NotificationBacklog { feed, queue, oldest_ms: oldest.map_or(0, |oldest| (now_ms - oldest).max(0)) })
}
