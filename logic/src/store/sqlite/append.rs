//! The send path: one transaction for a batch.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use oort_api::pb::oort::v1::ConversationKind;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::changes::extra;
use super::sanctions::mute;
use super::{expiries, files, history, hooks, notifications, outbox};
use crate::policy::Role;
use crate::store::events::kind;
use crate::store::files::file_of;
use crate::store::payload::Payload;
use crate::store::plan::{
    Blocked, Earlier, Head, Known, Plan, Sender, answered, kind_of, named, plan, quote,
};
use crate::store::{Appended, Error, HookKinds, NewMessage, OutboxRow};

pub(super) fn append(
    connection: &mut Connection,
    owner: &str,
    batch: &[NewMessage],
    published: &[i64],
    hooked: HookKinds,
    now_ms: i64,
) -> Result<(Vec<Appended>, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let known = Known { hooked, ..known(&transaction, batch)? };
    let plan = plan(batch, known, now_ms);
    hooks::enqueue(&transaction, &plan.hooked, now_ms)?;
    write(&transaction, &plan)?;
    let row = match plan.payload {
        Some(payload) => Some(outbox::insert(&transaction, owner, payload, now_ms)?),
        None => None,
    };
    if let Some(feed) = &plan.feed {
        notifications::feed(&transaction, feed, now_ms)?;
    }
    outbox::delete(&transaction, published)?;
    transaction.commit()?;
    Ok((plan.outcomes, row))
}

fn known(transaction: &Transaction<'_>, batch: &[NewMessage]) -> Result<Known, Error> {
    let mut known = Known::default();
    let mut earlier = transaction.prepare_cached(
        "SELECT conversation_id, seq, created_at_ms, content, extra FROM messages
         WHERE sender_id = ? AND client_msg_id = ?",
    )?;
    let sql = format!("SELECT {} FROM messages WHERE conversation_id = ? AND seq = ?", history::COLUMNS);
    let mut quoted = transaction.prepare_cached(&sql)?;
    let mut heads: HashMap<i64, Option<Head>> = HashMap::new();
    let mut senders = HashSet::new();
    for (index, message) in batch.iter().enumerate() {
        let found = earlier
            .query_row(params![message.sender.id, message.client_msg_id], |row| {
                let earlier = Earlier {
                    conversation: row.get(0)?,
                    seq: row.get(1)?,
                    created_at_ms: row.get(2)?,
                    payload: Payload { content: row.get(3)?, extra: extra(row, 4)? },
                };
                Ok(earlier)
            })
            .optional()?;
        if let Some(found) = found {
            known.earlier.insert(index, found);
            continue;
        }
        let id = message.conversation.get();
        if senders.insert(message.sender.id) {
            let until_ms = mute(transaction, message.sender.id)?;
            known.mutes.extend(until_ms.map(|until_ms| (message.sender.id, until_ms)));
        }
        let head = match heads.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(head(transaction, id)?),
        };
        if let Some(place) = answered(message)
            && let Entry::Vacant(entry) = known.quoted.entry(place)
            && let Some(found) = quoted.query_row([place.0, place.1], history::read).optional()?
        {
            entry.insert(quote(&found));
        }
        if let Some(file) = file_of(message)
            && files::is_readable(transaction, file, message.sender.id)?
        {
            known.files.insert((message.sender.id, file));
        }
        let closed = head.as_ref().is_some_and(|head| head.kind != ConversationKind::Room);
        if closed {
            for user in named(message).chain([message.sender.id]) {
                let found = member(transaction, id, user)?;
                known.members.extend(found.map(|standing| ((id, user), standing)));
            }
        }
    }
    known.heads = heads.into_iter().filter_map(|(id, head)| head.map(|head| (id, head))).collect();
    Ok(known)
}

/// The newest place of a conversation.
pub(super) fn head(connection: &Connection, id: i64) -> Result<Option<Head>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT kind, last_seq, last_at_ms, user_lo, user_hi, blocked, muted_all, dissolved_at_ms, expires_in_ms
             FROM conversations WHERE id = ?",
        )?
        .query_row([id], |row| {
            let pair: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            Ok(Head {
                kind: kind(row.get(0)?),
                last_seq: row.get(1)?,
                last_at_ms: row.get(2)?,
                pair: pair.0.zip(pair.1),
                blocked: Blocked(row.get(5)?),
                is_muted_all: row.get(6)?,
                is_dissolved: row.get::<_, i64>(7)? > 0,
                expires_in_ms: row.get(8)?,
            })
        });
    Ok(found.optional()?)
}

/// A user as a member.
pub(super) fn member(connection: &Connection, id: i64, user: i64) -> Result<Option<Sender>, Error> {
    let found = connection
        .prepare_cached("SELECT role, muted_until_ms FROM members WHERE conversation_id = ? AND user_id = ?")?
        .query_row([id, user], |row| Ok(Sender { role: Role::of(row.get(0)?), muted_until_ms: row.get(1)? }));
    Ok(found.optional()?)
}

/// Writes a conversation's newest place.
pub(super) fn bump(connection: &Connection, id: i64, seq: i64, at_ms: i64) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE conversations SET last_seq = ?, last_at_ms = ? WHERE id = ?")?
        .execute(params![seq, at_ms, id])?;
    Ok(())
}

fn write(transaction: &Transaction<'_>, plan: &Plan<'_>) -> Result<(), Error> {
    for (&id, &(seq, at_ms)) in &plan.bumps {
        bump(transaction, id, seq, at_ms)?;
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO messages
         (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content, created_at_ms, extra)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for row in &plan.rows {
        insert.execute(params![
            row.message.conversation.get(),
            row.seq,
            row.message.sender.id,
            row.message.sender.username,
            row.message.client_msg_id,
            i32::from(kind_of(row.message)),
            row.message.content,
            row.created_at_ms,
            row.extra()
        ])?;
    }
    files::carry(transaction, &plan.refs)?;
    expiries::note(transaction, &plan.expiries)
}
