//! Notifications: targets and queue are with the users, what they are about is at the servers of conversations.

use std::collections::HashMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, TxOpts};
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{ConversationKind, MessageExtra, MessageKind};

use super::super::MysqlStore;
use super::super::failure::Failure;
use super::super::logins::{ascii, user};
use super::super::sql::{Sql, column, execute, first, rows};
use super::super::store::{pooled, retried};
use crate::store::changes::read_extra;
use crate::store::events::kind;
use crate::store::{Error, Target, TargetKind};

/// A row of the queue that was taken, as the first server has it.
#[derive(Debug)]
pub(in crate::store) struct Taken {
    pub(in crate::store) target: Target,
    pub(in crate::store) login_expires_at_ms: i64,
    pub(in crate::store) conversation: i64,
    pub(in crate::store) seq: i64,
    pub(in crate::store) attempts: u32,
    pub(in crate::store) created_at_ms: i64,
    pub(in crate::store) muted_until_ms: i64,
    pub(in crate::store) is_hidden: bool,
}

/// What it is about, as the server of the conversation has it.
#[derive(Debug)]
pub(in crate::store) struct Place {
    pub(in crate::store) kind: ConversationKind,
    pub(in crate::store) name: String,
    pub(in crate::store) is_member: bool,
    pub(in crate::store) read_seq: i64,
    pub(in crate::store) unread: i64,
    pub(in crate::store) sender: i64,
    pub(in crate::store) sender_name: String,
    pub(in crate::store) message_kind: MessageKind,
    pub(in crate::store) content: String,
    pub(in crate::store) extra: Option<MessageExtra>,
    pub(in crate::store) sent_at_ms: i64,
}

impl MysqlStore {
    /// From now on what is sent here goes into the feed: there are targets at the first server.
    pub(in crate::store) async fn listen(&self) -> Result<(), Error> {
        let sql = "INSERT INTO listening (id) VALUES (1) ON DUPLICATE KEY UPDATE id = id";
        pooled!(self, |connection| drained(connection, sql))
    }

    /// What is sent here goes into the feed no more, if there are no targets at `home`.
    pub(in crate::store) async fn listen_less(&self, home: &Self) -> Result<(), Error> {
        retried!(self, |connection| listen_less(connection, home))
    }

    /// Log-ins of these users that have a target.
    pub(in crate::store) async fn targets_of(
        &self,
        users: &[UserId],
    ) -> Result<HashMap<i64, Vec<String>>, Error> {
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        pooled!(self, |connection| targets(connection, users))
    }

    /// [`take_notifications`](crate::store::NotificationStore::take_notifications), with what is known here.
    pub(in crate::store) async fn take_queued(
        &self,
        now_ms: i64,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error> {
        retried!(self, |connection| take(connection, now_ms, lease_ms, limit))
    }

    /// What messages (conversation, seq) are to users, in their order.
    pub(in crate::store) async fn places_of(
        &self,
        of: &[(i64, i64, i64)],
    ) -> Result<Vec<Option<Place>>, Error> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        pooled!(self, |connection| places(connection, of))
    }
}

async fn drained(connection: &mut Conn, sql: &str) -> Result<(), Failure> {
    Ok(connection.query_drop(sql).await?)
}

async fn listen_less(connection: &mut Conn, home: &MysqlStore) -> Result<(), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let listens: Option<(i64,)> =
        first(&mut transaction, "SELECT id FROM listening WHERE id = 1 FOR UPDATE", ()).await?;
    if listens.is_none() {
        transaction.rollback().await?;
        return Ok(());
    }
    // Behind the lock: who puts one says so here behind that, and waits.
    let sql = "SELECT 1 FROM notification_targets LIMIT 1";
    let is_wanted: Option<(i64,)> = pooled!(home, |connection| first(connection, sql, ()))?;
    if is_wanted.is_none() {
        execute(&mut transaction, "DELETE FROM listening WHERE id = 1", ()).await?;
    }
    Ok(transaction.commit().await?)
}

async fn targets(connection: &mut Conn, users: &[UserId]) -> Result<HashMap<i64, Vec<String>>, Failure> {
    let mut sql = Sql::default();
    sql.raw("SELECT user_id, login_id FROM notification_targets WHERE user_id IN ");
    sql.list(users.iter().map(|user| user.get())).end();
    let found: Vec<(i64, Vec<u8>)> = sql.run(connection).await?.remove(0).typed()?;
    let mut of: HashMap<i64, Vec<String>> = HashMap::new();
    for (user, login_id) in found {
        of.entry(user).or_default().push(ascii(login_id)?);
    }
    Ok(of)
}

async fn take(connection: &mut Conn, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Taken>, Failure> {
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
    for (login_id, conversation) in &taken {
        sql.raw(
            "SELECT n.login_id, n.conversation_id, n.user_id, n.seq, n.attempts, n.created_at_ms,
                    t.id, t.kind, t.address, t.secret, t.created_at_ms, l.expires_at_ms,
                    COALESCE(s.muted_until_ms, 0), h.seq IS NOT NULL
             FROM notifications n
             JOIN notification_targets t ON t.login_id = n.login_id
             JOIN logins l ON l.id = n.login_id
             LEFT JOIN conversation_settings s
                 ON s.user_id = n.user_id AND s.conversation_id = n.conversation_id
             LEFT JOIN hidden h
                 ON h.user_id = n.user_id AND h.conversation_id = n.conversation_id AND h.seq = n.seq
             WHERE n.login_id = ",
        );
        sql.bytes(login_id).raw(" AND n.conversation_id = ").int(*conversation).end();
    }
    let sets = sql.run(&mut transaction).await?;
    transaction.commit().await?;
    let mut found = Vec::with_capacity(taken.len());
    for set in sets.into_iter().skip(taken.len()) {
        found.extend(set.typed::<Row>()?.into_iter().next().map(read).transpose()?);
    }
    Ok(found)
}

fn read(mut row: Row) -> Result<Taken, Failure> {
    let row = &mut row;
    Ok(Taken {
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
        conversation: column(row, 1)?,
        seq: column(row, 3)?,
        attempts: column(row, 4)?,
        created_at_ms: column(row, 5)?,
        muted_until_ms: column(row, 12)?,
        is_hidden: column(row, 13)?,
    })
}

async fn places(connection: &mut Conn, of: &[(i64, i64, i64)]) -> Result<Vec<Option<Place>>, Failure> {
    let mut sql = Sql::default();
    for &(user, conversation, seq) in of {
        sql.raw("SELECT c.kind, c.name, c.last_seq, COALESCE(k.read_seq, 0), m.user_id IS NOT NULL,");
        sql.raw(" COALESCE(x.sender_id, 0), COALESCE(x.sender_name, ''), COALESCE(x.kind, 0),");
        sql.raw(" COALESCE(x.content, ''), COALESCE(x.created_at_ms, 0), x.extra,");
        sql.raw(" (SELECT COUNT(*) FROM messages o FORCE INDEX (messages_sender) WHERE o.sender_id = ");
        sql.int(user).raw(" AND o.conversation_id = c.id AND o.seq > COALESCE(k.read_seq, 0))");
        sql.raw(" FROM conversations c LEFT JOIN members m ON m.conversation_id = c.id AND m.user_id = ");
        sql.int(user).raw(" LEFT JOIN cursors k ON k.conversation_id = c.id AND k.user_id = ").int(user);
        sql.raw(" LEFT JOIN messages x ON x.conversation_id = c.id AND x.seq = ").int(seq);
        sql.raw(" WHERE c.id = ").int(conversation).end();
    }
    let mut found = Vec::with_capacity(of.len());
    for set in sql.run(connection).await? {
        found.push(set.typed::<Row>()?.into_iter().next().map(place).transpose()?);
    }
    Ok(found)
}

fn place(mut row: Row) -> Result<Place, Failure> {
    let row = &mut row;
    let (head, read_seq, own): (i64, i64, i64) = (column(row, 2)?, column(row, 3)?, column(row, 11)?);
    Ok(Place {
        kind: kind(column(row, 0)?),
        name: column(row, 1)?,
        is_member: column(row, 4)?,
        read_seq,
        unread: (head - read_seq - own).max(0),
        sender: column(row, 5)?,
        sender_name: column(row, 6)?,
        message_kind: MessageKind::try_from(column::<i32>(row, 7)?).unwrap_or_default(),
        content: column(row, 8)?,
        sent_at_ms: column(row, 9)?,
        extra: read_extra(column(row, 10)?)?,
    })
}
