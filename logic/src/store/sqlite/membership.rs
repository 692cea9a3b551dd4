//! Who is in a group.

use std::collections::BTreeSet;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Message, User};
use rusqlite::{Connection, Transaction, params};

use super::{accounts, append, conversations, cursors, outbox};
use crate::store::{ConversationInfo, Error, Member, OutboxRow, events};

pub(super) fn add(
    connection: &mut Connection,
    owner: &str,
    group: ConversationId,
    actor: &User,
    members: &[UserId],
    now_ms: i64,
) -> Result<Option<OutboxRow>, Error> {
    let transaction = connection.transaction()?;
    let info = conversations::group(&transaction, group)?;
    let mut added = Vec::new();
    for &member in &members.iter().copied().collect::<BTreeSet<_>>() {
        if !is_member(&transaction, group, member)? {
            added.push(member);
        }
    }
    if added.is_empty() {
        return Ok(None);
    }
    let content = events::added_content(&accounts::users(&transaction, &added)?);
    conversations::insert_members(&transaction, group.get(), &added, now_ms)?;
    for member in &added {
        cursors::raise(&transaction, (member.get(), group.get()), (info.head, info.head), now_ms)?;
    }
    let message = say(&transaction, &info, actor, content, now_ms)?;
    let payload = events::members_added(&info, actor, added, &message);
    let row = outbox::insert(&transaction, owner, payload, now_ms)?;
    transaction.commit()?;
    Ok(Some(row))
}

pub(super) fn remove(
    connection: &mut Connection,
    owner: &str,
    group: ConversationId,
    actor: &User,
    member: UserId,
    now_ms: i64,
) -> Result<Option<OutboxRow>, Error> {
    let transaction = connection.transaction()?;
    let info = conversations::group(&transaction, group)?;
    let removed = transaction
        .prepare_cached("DELETE FROM members WHERE conversation_id = ? AND user_id = ?")?
        .execute(params![group.get(), member.get()])?;
    if removed == 0 {
        return Ok(None);
    }
    let user = accounts::user(&transaction, member.get())?
        .unwrap_or_else(|| User { id: member.get(), username: String::new() });
    let message = say(&transaction, &info, actor, events::removed_content(actor, &user), now_ms)?;
    let payload = events::member_removed(&info, actor, member, &message);
    let row = outbox::insert(&transaction, owner, payload, now_ms)?;
    transaction.commit()?;
    Ok(Some(row))
}

pub(super) fn members(
    connection: &Connection,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Member>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT m.user_id, COALESCE(u.username, ''), m.joined_at_ms
         FROM members m LEFT JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
    )?;
    let rows = select.query_map(params![id.get(), after, limit], |row| {
        Ok(Member { user: User { id: row.get(0)?, username: row.get(1)? }, joined_at_ms: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn is_member(transaction: &Transaction<'_>, group: ConversationId, user: UserId) -> Result<bool, Error> {
    Ok(transaction
        .prepare_cached("SELECT 1 FROM members WHERE conversation_id = ? AND user_id = ?")?
        .exists(params![group.get(), user.get()])?)
}

/// Appends a SYSTEM message.
fn say(
    transaction: &Transaction<'_>,
    info: &ConversationInfo,
    actor: &User,
    content: String,
    now_ms: i64,
) -> Result<Message, Error> {
    let mut head = append::head(transaction, info.id.get())?.ok_or(Error::NoConversation)?;
    let (seq, at_ms) = head.next(now_ms);
    append::bump(transaction, info.id.get(), seq, at_ms)?;
    let message = events::system_message(info, (seq, at_ms), actor, content);
    transaction
        .prepare_cached(
            "INSERT INTO messages
             (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content, created_at_ms)
             VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
        )?
        .execute(params![
            message.conversation,
            message.seq,
            actor.id,
            actor.username,
            message.kind,
            message.content,
            message.created_at_ms
        ])?;
    Ok(message)
}
