//! The end of accounts.

use mysql_async::{Conn, TxOpts};
use oort_api::clock::now_ms;
use oort_api::expiry;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message, MessageKind, User};
use tonic::async_trait;

use super::append::{INSERT_MESSAGES, bump, lock_heads, message, read_heads};
use super::failure::Failure;
use super::files::drop_carried;
use super::lane::{Done, Work, begin_now, commit};
use super::logins::end_logins;
use super::sql::{Sql, column, execute, first, rows};
use super::store::{pooled, retried};
use super::{MysqlStore, cursors, operators, search};
use crate::outbox;
use crate::store::changes::read_extra;
use crate::store::departures::{
    DEACTIVATED, DELETED, erased_content, erased_extra, erased_key, erased_name, revoked,
};
use crate::store::{Departure, Departures, Erased, Error};

#[async_trait]
impl Departures for MysqlStore {
    async fn deactivate(&self, user: UserId, now_ms: i64) -> Result<Vec<String>, Error> {
        retried!(self, |connection| deactivate(connection, user, now_ms))
    }

    async fn reactivate(&self, user: UserId) -> Result<(), Error> {
        pooled!(self, |connection| reactivate(connection, user))
    }

    async fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Result<Vec<String>, Error> {
        retried!(self, |connection| delete(connection, user, erase, now_ms))
    }

    async fn departing(&self, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Error> {
        pooled!(self, |connection| departing(connection, before_ms, limit))
    }

    async fn groups_of(&self, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Error> {
        pooled!(self, |connection| groups_of(connection, user, limit))
    }

    async fn erase_messages(
        &self,
        owner: &str,
        _server: usize,
        user: &User,
        limit: u32,
        now_ms: i64,
    ) -> Result<Erased, Error> {
        self.transact(owner, &Erase { user, limit, now_ms }).await
    }

    async fn departed(&self, user: UserId) -> Result<(), Error> {
        pooled!(self, |connection| departed(connection, user))
    }

    async fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Result<Vec<Message>, Error> {
        pooled!(self, |connection| messages_by(connection, user, after, limit))
    }
}

async fn deactivate(connection: &mut Conn, user: UserId, now_ms: i64) -> Result<Vec<String>, Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    // Locked first: a log-in that begins meanwhile waits for it.
    let found: Option<(i64,)> =
        first(&mut transaction, "SELECT id FROM users WHERE id = ? FOR UPDATE", (user.get(),)).await?;
    if found.is_none() {
        transaction.rollback().await?;
        return Err(Error::NoUser(user.get()).into());
    }
    // One that was deleted stays so.
    execute(
        &mut transaction,
        "INSERT INTO departures (user_id, state, at_ms) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE state = state",
        (user.get(), DEACTIVATED, now_ms),
    )
    .await?;
    let ended = end_logins(&mut transaction, user.get(), "").await?;
    transaction.commit().await?;
    Ok(ended)
}

async fn reactivate(connection: &mut Conn, user: UserId) -> Result<(), Failure> {
    let sql = "DELETE FROM departures WHERE user_id = ? AND state = ?";
    execute(connection, sql, (user.get(), DEACTIVATED)).await.map(drop)
}

async fn delete(
    connection: &mut Conn,
    user: UserId,
    erase: bool,
    now_ms: i64,
) -> Result<Vec<String>, Failure> {
    let id = user.get();
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let found: Option<(i64,)> =
        first(&mut transaction, "SELECT id FROM users WHERE id = ? FOR UPDATE", (id,)).await?;
    if found.is_none() {
        transaction.rollback().await?;
        return Err(Error::NoUser(id).into());
    }
    execute(&mut transaction, "UPDATE users SET email_key = NULL, password_hash = '' WHERE id = ?", (id,))
        .await?;
    if erase {
        execute(
            &mut transaction,
            "UPDATE users SET username = ?, username_key = ? WHERE id = ?",
            (erased_name(user), erased_key(user).into_bytes(), id),
        )
        .await?;
        let mut sql = Sql::default();
        cursors::stamp_all(&mut sql, user, now_ms);
        sql.run(&mut transaction).await?;
    }
    if operators::revoke(&mut transaction, user).await? {
        operators::add_audit(&mut transaction, &revoked(user, now_ms)).await?;
    }
    for sql in ["DELETE FROM profiles WHERE user_id = ?", "DELETE FROM users_seen WHERE user_id = ?"] {
        execute(&mut transaction, sql, (id,)).await?;
    }
    execute(
        &mut transaction,
        "INSERT INTO departures (user_id, state, at_ms, pending, erase) VALUES (?, ?, ?, 1, ?)
         ON DUPLICATE KEY UPDATE state = VALUES(state), at_ms = VALUES(at_ms), pending = 1,
         erase = VALUES(erase)",
        (id, DELETED, now_ms, erase),
    )
    .await?;
    let ended = end_logins(&mut transaction, id, "").await?;
    transaction.commit().await?;
    Ok(ended)
}

async fn departing(connection: &mut Conn, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Failure> {
    let found: Vec<(i64, String, bool)> = rows(
        connection,
        "SELECT d.user_id, u.username, d.erase FROM departures d JOIN users u ON u.id = d.user_id
         WHERE d.pending = 1 AND d.at_ms < ? ORDER BY d.user_id LIMIT ?",
        (before_ms, limit),
    )
    .await?;
    let departure = |(id, username, erase)| Departure { user: User { id, username }, erase };
    Ok(found.into_iter().map(departure).collect())
}

async fn groups_of(connection: &mut Conn, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Failure> {
    let found: Vec<(i64,)> = rows(
        connection,
        "SELECT m.conversation_id FROM members m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.user_id = ? AND c.kind = ? ORDER BY m.conversation_id LIMIT ?",
        (user.get(), i32::from(ConversationKind::Group), limit),
    )
    .await?;
    Ok(found.into_iter().filter_map(|(id,)| ConversationId::new(id)).collect())
}

async fn departed(connection: &mut Conn, user: UserId) -> Result<(), Failure> {
    let sql = "UPDATE departures SET pending = 0 WHERE user_id = ?";
    execute(connection, sql, (user.get(),)).await.map(drop)
}

/// See [`Departures::erase_messages`].
#[derive(Debug)]
struct Erase<'a> {
    user: &'a User,
    limit: u32,
    now_ms: i64,
}

#[async_trait]
impl Work for Erase<'_> {
    type Output = Erased;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let user = self.user.id;
        let place: Option<(i64, i64)> = first(
            connection,
            "SELECT conversation_id, seq FROM departures WHERE user_id = ? FOR UPDATE",
            (user,),
        )
        .await?;
        let Some((id, seqs)) = self.next(connection, place.ok_or(Error::NoUser(user))?).await? else {
            let mut sql = Sql::default();
            sql.raw("COMMIT").end();
            sql.run(connection).await?;
            return Ok(Done { value: Erased::All, last_row: None });
        };
        let is_last = seqs.len() <= self.limit as usize;
        let seqs = &seqs[..seqs.len().min(self.limit as usize)];
        let (first_seq, last_seq) = (seqs.first().copied().unwrap_or(0), seqs.last().copied().unwrap_or(0));
        let mut sql = Sql::default();
        let heads = lock_heads(&mut sql, [id]);
        sql.raw("SELECT created_at_ms, kind, content FROM messages FORCE INDEX (PRIMARY) WHERE conversation_id = ");
        sql.int(id).raw(" AND seq IN ").list(seqs.iter().copied());
        let texts = sql.raw(" ORDER BY seq FOR UPDATE").end();
        sql.raw("UPDATE messages SET sender_name = ").text(&self.user.username);
        let system = i32::from(MessageKind::System).into();
        sql.raw(", content = IF(kind = ").int(system).raw(", content, '')");
        sql.raw(", extra = IF(kind = ").int(system).raw(", extra, ").bytes(&erased_extra()).raw(")");
        sql.raw(" WHERE conversation_id = ").int(id).raw(" AND seq BETWEEN ").int(first_seq);
        sql.raw(" AND ").int(last_seq).raw(" AND sender_id = ").int(user).end();
        sql.raw("DELETE FROM reactions WHERE conversation_id = ").int(id).raw(" AND seq IN ");
        sql.list(seqs.iter().copied()).end();
        drop_carried(&mut sql, id, seqs);
        // Behind the last message, what the server says of it is no message of theirs.
        let place = if is_last { i64::MAX } else { last_seq };
        sql.raw("UPDATE departures SET conversation_id = ").int(id).raw(", seq = ").int(place);
        sql.raw(" WHERE user_id = ").int(user).end();
        let mut sets = sql.run(connection).await?;
        let mut sql = Sql::default();
        search::forget(&mut sql, id, &sets.remove(texts).typed::<(i64, i32, String)>()?);
        let mut heads = read_heads(sets.remove(heads))?;
        let head = heads.remove(&id).filter(|_| is_last);
        let Some(mut head) = head else {
            sql.raw("COMMIT").end();
            sql.run(connection).await?;
            return Ok(Done { value: Erased::Some(None), last_row: None });
        };
        let (seq, created_at_ms) = head.next(self.now_ms);
        let said = Message {
            conversation: id,
            seq,
            sender: Some(self.user.clone()),
            content: erased_content(self.user),
            created_at_ms,
            kind: MessageKind::System.into(),
            ..Message::default()
        };
        bump(&mut sql, id, seq, created_at_ms);
        sql.raw(INSERT_MESSAGES);
        let (place, sender) = ((id, seq, created_at_ms), (user, self.user.username.as_str()));
        message(&mut sql, place, sender, None, (MessageKind::System, &said.content, None));
        sql.end();
        sql.run(connection).await?;
        let payload = outbox::encode(vec![outbox::message_record(&said, &head.audience(), "")]);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: Erased::Some(Some(row)) })
    }
}

impl Erase<'_> {
    /// The conversation to go on in, and places of messages there: one more than are erased at once, if there is.
    async fn next(
        &self,
        connection: &mut Conn,
        (mut conversation, mut seq): (i64, i64),
    ) -> Result<Option<(i64, Vec<i64>)>, Failure> {
        loop {
            let seqs: Vec<(i64,)> = rows(
                connection,
                "SELECT seq FROM messages FORCE INDEX (messages_sender)
                 WHERE sender_id = ? AND conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                (self.user.id, conversation, seq, self.limit.saturating_add(1)),
            )
            .await?;
            if !seqs.is_empty() {
                return Ok(Some((conversation, seqs.into_iter().map(|(seq,)| seq).collect())));
            }
            let next: Option<(i64,)> = first(
                connection,
                "SELECT conversation_id FROM messages FORCE INDEX (messages_sender)
                 WHERE sender_id = ? AND conversation_id > ? ORDER BY conversation_id LIMIT 1",
                (self.user.id, conversation),
            )
            .await?;
            match next {
                Some((next,)) => (conversation, seq) = (next, 0),
                None => return Ok(None),
            }
        }
    }
}

async fn messages_by(
    connection: &mut Conn,
    user: UserId,
    (conversation, seq): (i64, i64),
    limit: u32,
) -> Result<Vec<Message>, Failure> {
    let mut sql = Sql::default();
    let select = "SELECT conversation_id, seq, sender_id, sender_name, COALESCE(client_msg_id, ''), kind, content, \
                  created_at_ms, extra FROM messages FORCE INDEX (messages_sender) WHERE sender_id = ";
    // Each by the index: what is left of this conversation, then the later ones.
    sql.raw("(").raw(select).int(user.get()).raw(" AND conversation_id = ").int(conversation);
    sql.raw(" AND seq > ").int(seq).raw(" ORDER BY seq LIMIT ").int(limit.into()).raw(") UNION ALL (");
    sql.raw(select).int(user.get()).raw(" AND conversation_id > ").int(conversation);
    sql.raw(" ORDER BY conversation_id, seq LIMIT ").int(limit.into());
    sql.raw(") ORDER BY conversation_id, seq LIMIT ").int(limit.into()).end();
    let found: Vec<mysql_async::Row> = sql.run(connection).await?.remove(0).typed()?;
    let message = |mut row: mysql_async::Row| {
        let id: Vec<u8> = column(&mut row, 4)?;
        let kind: i64 = column(&mut row, 5)?;
        let mut message = Message {
            conversation: column(&mut row, 0)?,
            seq: column(&mut row, 1)?,
            sender: Some(User { id: column(&mut row, 2)?, username: column(&mut row, 3)? }),
            client_msg_id: String::from_utf8_lossy(&id).into_owned(),
            kind: i32::try_from(kind).unwrap_or_default(),
            content: column(&mut row, 6)?,
            created_at_ms: column(&mut row, 7)?,
            extra: read_extra(column(&mut row, 8)?)?,
        };
        expiry::hide(&mut message, now_ms());
        Ok(message)
    };
    found.into_iter().map(message).collect()
}
