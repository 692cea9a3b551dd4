//! The end of accounts.

use oort_api::clock::now_ms;
use oort_api::expiry;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message, MessageKind, User};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::changes::extra;
use super::fault::foreign_key;
use super::logins::end_logins;
use super::{SqliteStore, append, cursors, files, operators, outbox, search};
use crate::outbox::{encode, message_record};
use crate::store::departures::{
    DEACTIVATED, DELETED, erased_content, erased_extra, erased_key, erased_name, revoked,
};
use crate::store::{Departure, Departures, Erased, Error};

#[async_trait]
impl Departures for SqliteStore {
    async fn deactivate(&self, user: UserId, now_ms: i64) -> Result<Vec<String>, Error> {
        self.write(move |connection| deactivate(connection, user, now_ms)).await
    }

    async fn reactivate(&self, user: UserId) -> Result<(), Error> {
        self.write(move |connection| reactivate(connection, user)).await
    }

    async fn delete_account(&self, user: UserId, erase: bool, now_ms: i64) -> Result<Vec<String>, Error> {
        self.write(move |connection| delete(connection, user, erase, now_ms)).await
    }

    async fn departing(&self, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Error> {
        self.read(move |connection| departing(connection, before_ms, limit)).await
    }

    async fn groups_of(&self, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Error> {
        self.read(move |connection| groups_of(connection, user, limit)).await
    }

    async fn erase_messages(
        &self,
        owner: &str,
        _server: usize,
        user: &User,
        limit: u32,
        now_ms: i64,
    ) -> Result<Erased, Error> {
        let (owner, user) = (owner.to_owned(), user.clone());
        self.publish(
            move |connection| erase(connection, &owner, &user, limit, now_ms),
            |erased| match erased {
                Erased::Some(row) => row.as_ref().map(|row| row.id),
                Erased::All => None,
            },
        )
        .await
    }

    async fn departed(&self, user: UserId) -> Result<(), Error> {
        self.write(move |connection| departed(connection, user)).await
    }

    async fn messages_by(&self, user: UserId, after: (i64, i64), limit: u32) -> Result<Vec<Message>, Error> {
        self.read(move |connection| messages_by(connection, user, after, limit)).await
    }
}

fn deactivate(connection: &mut Connection, user: UserId, now_ms: i64) -> Result<Vec<String>, Error> {
    let transaction = connection.transaction()?;
    // One that was deleted stays so.
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO departures (user_id, state, at_ms) VALUES (?, ?, ?) ON CONFLICT (user_id) DO NOTHING",
        )?
        .execute(params![user.get(), DEACTIVATED, now_ms]);
    match inserted {
        Err(error) if foreign_key(&error) => return Err(Error::NoUser(user.get())),
        inserted => inserted?,
    };
    let ended = end_logins(&transaction, user, "")?;
    transaction.commit()?;
    Ok(ended)
}

fn reactivate(connection: &Connection, user: UserId) -> Result<(), Error> {
    let sql = "DELETE FROM departures WHERE user_id = ? AND state = ?";
    connection.prepare_cached(sql)?.execute(params![user.get(), DEACTIVATED])?;
    Ok(())
}

fn delete(connection: &mut Connection, user: UserId, erase: bool, now_ms: i64) -> Result<Vec<String>, Error> {
    let id = user.get();
    let transaction = connection.transaction()?;
    let changed = transaction
        .prepare_cached("UPDATE users SET email_key = NULL, password_hash = '' WHERE id = ?")?
        .execute([id])?;
    if changed == 0 {
        return Err(Error::NoUser(id));
    }
    if erase {
        transaction
            .prepare_cached("UPDATE users SET username = ?, username_key = ? WHERE id = ?")?
            .execute(params![erased_name(user), erased_key(user), id])?;
        cursors::stamp_all(&transaction, user, now_ms)?;
    }
    if operators::revoke(&transaction, user)? {
        operators::add_audit(&transaction, &revoked(user, now_ms))?;
    }
    for sql in ["DELETE FROM profiles WHERE user_id = ?", "DELETE FROM users_seen WHERE user_id = ?"] {
        transaction.prepare_cached(sql)?.execute([id])?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO departures (user_id, state, at_ms, pending, erase) VALUES (?, ?, ?, 1, ?)
             ON CONFLICT (user_id) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms, pending = 1,
             erase = excluded.erase",
        )?
        .execute(params![id, DELETED, now_ms, erase])?;
    let ended = end_logins(&transaction, user, "")?;
    transaction.commit()?;
    Ok(ended)
}

fn departing(connection: &Connection, before_ms: i64, limit: u32) -> Result<Vec<Departure>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT d.user_id, u.username, d.erase FROM departures d JOIN users u ON u.id = d.user_id
         WHERE d.pending = 1 AND d.at_ms < ? ORDER BY d.user_id LIMIT ?",
    )?;
    let rows = select.query_map(params![before_ms, limit], |row| {
        Ok(Departure { user: User { id: row.get(0)?, username: row.get(1)? }, erase: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn groups_of(connection: &Connection, user: UserId, limit: u32) -> Result<Vec<ConversationId>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT m.conversation_id FROM members m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.user_id = ? AND c.kind = ? ORDER BY m.conversation_id LIMIT ?",
    )?;
    let rows = select.query_map(params![user.get(), i32::from(ConversationKind::Group), limit], |row| {
        Ok(ConversationId::new(row.get(0)?))
    })?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn departed(connection: &Connection, user: UserId) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE departures SET pending = 0 WHERE user_id = ?")?
        .execute([user.get()])?;
    Ok(())
}

fn erase(
    connection: &mut Connection,
    owner: &str,
    user: &User,
    limit: u32,
    now_ms: i64,
) -> Result<Erased, Error> {
    let transaction = connection.transaction()?;
    let place = transaction
        .prepare_cached("SELECT conversation_id, seq FROM departures WHERE user_id = ?")?
        .query_row([user.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, seqs)) = next(&transaction, user, place.ok_or(Error::NoUser(user.id))?, limit)? else {
        return Ok(Erased::All);
    };
    let is_last = seqs.len() <= limit as usize;
    let seqs = &seqs[..seqs.len().min(limit as usize)];
    search::forget(&transaction, id, seqs.iter().copied())?;
    let mut update = transaction.prepare_cached(
        "UPDATE messages SET sender_name = ?1, content = CASE kind WHEN ?2 THEN content ELSE '' END,
                extra = CASE kind WHEN ?2 THEN extra ELSE ?3 END
         WHERE conversation_id = ?4 AND seq = ?5",
    )?;
    let mut reactions =
        transaction.prepare_cached("DELETE FROM reactions WHERE conversation_id = ? AND seq = ?")?;
    for seq in seqs {
        let system = i32::from(MessageKind::System);
        update.execute(params![user.username, system, erased_extra(), id, seq])?;
        reactions.execute([id, *seq])?;
        files::drop_carried(&transaction, id, *seq)?;
    }
    drop((update, reactions));
    // Behind the last message, what the server says of it is no message of theirs.
    let place = if is_last { i64::MAX } else { seqs.last().copied().unwrap_or(0) };
    transaction
        .prepare_cached("UPDATE departures SET conversation_id = ?, seq = ? WHERE user_id = ?")?
        .execute([id, place, user.id])?;
    let mut row = None;
    if is_last && let Some(mut head) = append::head(&transaction, id)? {
        let (seq, created_at_ms) = head.next(now_ms);
        append::bump(&transaction, id, seq, created_at_ms)?;
        let said = Message {
            conversation: id,
            seq,
            sender: Some(user.clone()),
            content: erased_content(user),
            created_at_ms,
            kind: MessageKind::System.into(),
            ..Message::default()
        };
        transaction
            .prepare_cached(
                "INSERT INTO messages
                 (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content, created_at_ms)
                 VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
            )?
            .execute(params![id, seq, user.id, user.username, said.kind, said.content, created_at_ms])?;
        let payload = encode(vec![message_record(&said, &head.audience(), "")]);
        row = Some(outbox::insert(&transaction, owner, payload, now_ms)?);
    }
    transaction.commit()?;
    Ok(Erased::Some(row))
}

/// The conversation to go on in, and places of messages there: one more than are erased at once, if there is.
fn next(
    transaction: &Transaction<'_>,
    user: &User,
    (mut conversation, mut seq): (i64, i64),
    limit: u32,
) -> Result<Option<(i64, Vec<i64>)>, Error> {
    let mut seqs = transaction.prepare_cached(
        "SELECT seq FROM messages WHERE sender_id = ? AND conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
    )?;
    let mut conversations = transaction.prepare_cached(
        "SELECT conversation_id FROM messages WHERE sender_id = ? AND conversation_id > ?
         ORDER BY conversation_id LIMIT 1",
    )?;
    loop {
        let found = seqs
            .query_map(params![user.id, conversation, seq, limit.saturating_add(1)], |row| row.get(0))?
            .collect::<Result<Vec<i64>, _>>()?;
        if !found.is_empty() {
            return Ok(Some((conversation, found)));
        }
        match conversations.query_row([user.id, conversation], |row| row.get(0)).optional()? {
            Some(next) => (conversation, seq) = (next, 0),
            None => return Ok(None),
        }
    }
}

fn messages_by(
    connection: &Connection,
    user: UserId,
    (conversation, seq): (i64, i64),
    limit: u32,
) -> Result<Vec<Message>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT conversation_id, seq, sender_id, sender_name, COALESCE(client_msg_id, ''), kind, content,
                created_at_ms, extra
         FROM messages WHERE sender_id = ? AND (conversation_id, seq) > (?, ?)
         ORDER BY conversation_id, seq LIMIT ?",
    )?;
    let rows = select.query_map(params![user.get(), conversation, seq, limit], |row| {
        let mut message = Message {
            conversation: row.get(0)?,
            seq: row.get(1)?,
            sender: Some(User { id: row.get(2)?, username: row.get(3)? }),
            client_msg_id: row.get(4)?,
            kind: row.get(5)?,
            content: row.get(6)?,
            created_at_ms: row.get(7)?,
            extra: extra(row, 8)?,
        };
        expiry::hide(&mut message, now_ms());
        Ok(message)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
