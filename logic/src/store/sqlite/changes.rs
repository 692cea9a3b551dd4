//! Changes of messages.

use oort_api::clock::now_ms;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{ChangeEvent, Message, MessageExtra, User};
use prost::Message as _;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tonic::async_trait;

use super::sanctions::mute;
use super::{SqliteStore, append, files, history, hooks, outbox, search};
use crate::store::changes::{Known, Place, ReactionRows, Step, Verdict, judge, read_extra, shown};
use crate::store::search::Written;
use crate::store::{ChangeBounds, ChangePage, Changed, Changes, Error, HookKinds, NewChange, OutboxRow};

#[async_trait]
impl Changes for SqliteStore {
    async fn change(
        &self,
        owner: &str,
        change: &NewChange,
        bounds: &ChangeBounds,
        now_ms: i64,
    ) -> Result<(Changed, Option<OutboxRow>), Error> {
        let (owner, change, bounds, hooked) = (owner.to_owned(), change.clone(), *bounds, self.hooks.get());
        self.publish(
            move |connection| run(connection, &owner, &change, &bounds, hooked, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn changes(&self, id: ConversationId, after: i64, limit: u32) -> Result<ChangePage, Error> {
        self.read(move |connection| page(connection, id, after, limit)).await
    }

    async fn own_reactions(
        &self,
        user: UserId,
        messages: &[(i64, i64)],
    ) -> Result<Vec<(i64, i64, String)>, Error> {
        let messages = messages.to_vec();
        self.read(move |connection| own_reactions(connection, user, &messages)).await
    }
}

/// A column with the extra of a message.
pub(super) fn extra(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<MessageExtra>> {
    read_extra(row.get(index)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Blob, error.into()))
}

fn run(
    connection: &mut Connection,
    owner: &str,
    change: &NewChange,
    bounds: &ChangeBounds,
    hooked: HookKinds,
    now_ms: i64,
) -> Result<(Changed, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let known = Known { hooked, ..known(&transaction, change)? };
    let step = match judge(change, known, bounds, now_ms) {
        Verdict::Write(step) => *step,
        Verdict::Trim(message) => {
            let extra = message.extra.as_ref().map(MessageExtra::encode_to_vec);
            transaction
                .prepare_cached("UPDATE messages SET extra = ? WHERE conversation_id = ? AND seq = ?")?
                .execute(params![extra, message.conversation, message.seq])?;
            transaction.commit()?;
            return Ok((Changed::Stands(message), None));
        }
        Verdict::Answer(answer) => return Ok((answer, None)),
    };
    if step.is_hooked {
        hooks::enqueue(&transaction, &[change.conversation.get()], now_ms)?;
    }
    write(&transaction, change, &step)?;
    let row = outbox::insert(&transaction, owner, step.payload, now_ms)?;
    transaction.commit()?;
    Ok((Changed::Stands(Box::new(step.message)), Some(row)))
}

fn known(transaction: &Transaction<'_>, change: &NewChange) -> Result<Known, Error> {
    let (id, seq, actor) = (change.conversation.get(), change.seq.get(), change.actor.id);
    let place = transaction
        .prepare_cached("SELECT creator_id, change_seq, changed_at_ms FROM conversations WHERE id = ?")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let head = append::head(transaction, id)?;
    let place = head.zip(place).map(|(head, (creator, change_seq, changed_at_ms))| Place {
        head,
        creator,
        change_seq,
        changed_at_ms,
    });
    let member = append::member(transaction, id, actor)?;
    let sql = format!("SELECT {} FROM messages WHERE conversation_id = ? AND seq = ?", history::COLUMNS);
    let message = transaction.prepare_cached(&sql)?.query_row([id, seq], history::read_stored).optional()?;
    let has_reacted = transaction
        .prepare_cached(
            "SELECT 1 FROM reactions WHERE conversation_id = ? AND seq = ? AND user_id = ? AND emoji = ?",
        )?
        .exists(params![id, seq, actor, change.alteration.emoji()])?;
    let mute = mute(transaction, actor)?;
    Ok(Known { place, member, mute, message, has_reacted, ..Known::default() })
}

fn write(transaction: &Transaction<'_>, change: &NewChange, step: &Step) -> Result<(), Error> {
    let Step { message, before, event, reactions, .. } = step;
    let Message { conversation: id, seq, .. } = *message;
    transaction
        .prepare_cached("UPDATE conversations SET change_seq = ?, changed_at_ms = ? WHERE id = ?")?
        .execute([event.change_seq, event.at_ms, id])?;
    let extra = message.extra.as_ref().map(MessageExtra::encode_to_vec);
    transaction
        .prepare_cached("UPDATE messages SET content = ?, extra = ? WHERE conversation_id = ? AND seq = ?")?
        .execute(params![message.content, extra, id, seq])?;
    let written = Written { conversation: id, seq, at_ms: message.created_at_ms };
    search::revise(transaction, written, before, &message.content)?;
    let actor = &change.actor;
    transaction
        .prepare_cached(
            "INSERT INTO changes (conversation_id, change_seq, seq, kind, actor_id, actor_name, emoji, at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            event.change_seq,
            seq,
            event.kind,
            actor.id,
            actor.username,
            event.emoji,
            event.at_ms
        ])?;
    if message.extra.as_ref().is_some_and(|extra| extra.gone() != Gone::NotGone) {
        files::drop_carried(transaction, id, seq)?;
    }
    match reactions {
        ReactionRows::Keep => 0,
        ReactionRows::Insert => transaction
            .prepare_cached(
                "INSERT INTO reactions (conversation_id, seq, user_id, emoji) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![id, seq, actor.id, event.emoji])?,
        ReactionRows::Delete => transaction
            .prepare_cached(
                "DELETE FROM reactions WHERE conversation_id = ? AND seq = ? AND user_id = ? AND emoji = ?",
            )?
            .execute(params![id, seq, actor.id, event.emoji])?,
        ReactionRows::Clear => transaction
            .prepare_cached("DELETE FROM reactions WHERE conversation_id = ? AND seq = ?")?
            .execute([id, seq])?,
    };
    Ok(())
}

fn page(
    connection: &mut Connection,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<ChangePage, Error> {
    let snapshot = connection.transaction()?;
    let head: Option<i64> = snapshot
        .prepare_cached("SELECT change_seq FROM conversations WHERE id = ?")?
        .query_row([id.get()], |row| row.get(0))
        .optional()?;
    let head = head.ok_or(Error::NoConversation)?;
    let mut select = snapshot.prepare_cached(
        "SELECT c.change_seq, c.seq, c.kind, c.actor_id, COALESCE(u.username, c.actor_name), c.emoji, c.at_ms,
                m.content, m.extra
         FROM changes c LEFT JOIN messages m ON m.conversation_id = c.conversation_id AND m.seq = c.seq
         LEFT JOIN users u ON u.id = c.actor_id
         WHERE c.conversation_id = ? AND c.change_seq > ? ORDER BY c.change_seq LIMIT ?",
    )?;
    let changes = select.query_map(params![id.get(), after, limit], |row| {
        let change = ChangeEvent {
            conversation: id.get(),
            change_seq: row.get(0)?,
            seq: row.get(1)?,
            kind: row.get(2)?,
            actor: Some(User { id: row.get(3)?, username: row.get(4)? }),
            emoji: row.get(5)?,
            at_ms: row.get(6)?,
            ..ChangeEvent::default()
        };
        let content: Option<String> = row.get(7)?;
        Ok(shown(change, (&content.unwrap_or_default(), extra(row, 8)?.as_ref()), now_ms()))
    })?;
    Ok(ChangePage::of(changes.collect::<Result<_, _>>()?, after, head))
}

fn own_reactions(
    connection: &Connection,
    user: UserId,
    messages: &[(i64, i64)],
) -> Result<Vec<(i64, i64, String)>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT emoji FROM reactions WHERE conversation_id = ? AND seq = ? AND user_id = ?",
    )?;
    let mut found = Vec::new();
    for &(conversation, seq) in messages {
        let emojis = select.query_map([conversation, seq, user.get()], |row| row.get(0))?;
        for emoji in emojis {
            found.push((conversation, seq, emoji?));
        }
    }
    Ok(found)
}
