//! What readers see: lists of conversations and pages of messages.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, HashSet};

use oort_api::clock::now_ms;
use oort_api::expiry;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, User};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::changes::extra;
use super::cursors::own_above;
use super::search;
use crate::store::cursors::begins_at_head;
use crate::store::events::{kind, member_role};
use crate::store::{Entry, Error, Filling, Page, Range};

pub(super) const COLUMNS: &str =
    "conversation_id, seq, sender_id, sender_name, client_msg_id, content, created_at_ms, kind, extra";

/// A message as it may be shown now.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let mut message = read_stored(row)?;
    expiry::hide(&mut message, now_ms());
    Ok(message)
}

/// A message as it is stored, for whoever changes it.
pub(super) fn read_stored(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        conversation: row.get(0)?,
        seq: row.get(1)?,
        sender: Some(User { id: row.get(2)?, username: row.get(3)? }),
        client_msg_id: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        content: row.get(5)?,
        created_at_ms: row.get(6)?,
        kind: row.get(7)?,
        extra: extra(row, 8)?,
    })
}

pub(super) fn rooms_of(
    connection: &Connection,
    user: UserId,
    rooms_max: u32,
) -> Result<Vec<ConversationId>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT id FROM (SELECT id FROM conversations WHERE kind = ?1 ORDER BY id LIMIT ?2)
         UNION ALL
         SELECT c.id FROM members m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.user_id = ?3 AND c.kind = ?4
         ORDER BY 1",
    )?;
    let kinds = (i32::from(ConversationKind::Room), i32::from(ConversationKind::Group));
    let rows =
        select.query_map(params![kinds.0, rooms_max, user.get(), kinds.1], |row| row.get::<_, i64>(0))?;
    let ids: Vec<i64> = rows.collect::<Result<_, _>>()?;
    Ok(ids.into_iter().filter_map(ConversationId::new).collect())
}

/// An entry, and the head its reader begins at when that is to be recorded.
pub(super) type Listed = (Entry, Option<i64>);

pub(super) fn entries_of(
    connection: &Connection,
    user: UserId,
    rooms_max: u32,
) -> Result<Vec<Listed>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, 0, NULL,
                k.delivered_seq, k.read_seq, NULL, NULL,
                MAX(c.created_at_ms, c.last_at_ms, c.changed_at_ms, COALESCE(k.updated_at_ms, 0)), c.created_at_ms,
                (SELECT created_at_ms FROM users WHERE id = ?3),
                s.pinned, s.muted_until_ms, COALESCE(s.changed_at_ms, 0), NULL, 0, 0, '', 0, 0, c.change_seq,
                c.expires_in_ms
         FROM (SELECT * FROM conversations WHERE kind = ?1 ORDER BY id LIMIT ?2) c
         LEFT JOIN cursors k ON k.user_id = ?3 AND k.conversation_id = c.id
         LEFT JOIN conversation_settings s ON s.user_id = ?3 AND s.conversation_id = c.id
         UNION ALL
         SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, COALESCE(p.id, 0), p.username,
                k.delivered_seq, k.read_seq, q.delivered_seq,
                CASE WHEN COALESCE(r.sends_receipts, 1) = 1 THEN q.read_seq ELSE 0 END,
                MAX(m.joined_at_ms, c.last_at_ms, c.changed_at_ms,
                    COALESCE(k.updated_at_ms, 0), COALESCE(q.updated_at_ms, 0)),
                c.created_at_ms, NULL, s.pinned, s.muted_until_ms, COALESCE(s.changed_at_ms, 0),
                m.role, m.muted_until_ms, c.members_count, c.avatar, c.muted_all, c.dissolved_at_ms, c.change_seq,
                c.expires_in_ms
         FROM members m JOIN conversations c ON c.id = m.conversation_id
         LEFT JOIN users p ON p.id = CASE WHEN c.user_lo = ?3 THEN c.user_hi ELSE c.user_lo END
         LEFT JOIN cursors k ON k.user_id = ?3 AND k.conversation_id = c.id
         LEFT JOIN cursors q ON q.user_id = p.id AND q.conversation_id = c.id
         LEFT JOIN contact_settings r ON r.user_id = p.id
         LEFT JOIN conversation_settings s ON s.user_id = ?3 AND s.conversation_id = c.id
         WHERE m.user_id = ?3
         ORDER BY 1",
    )?;
    let room = i32::from(ConversationKind::Room);
    let rows = select.query_map(params![room, rooms_max, user.get()], listed)?;
    let mut list: Vec<Listed> = rows.collect::<Result<_, _>>()?;
    let mut select =
        connection.prepare_cached("SELECT DISTINCT conversation_id FROM hidden WHERE user_id = ?")?;
    let hidden = select.query_map([user.get()], |row| row.get(0))?;
    let hidden: HashSet<i64> = hidden.collect::<Result<_, _>>()?;
    let is_secretive = connection
        .prepare_cached("SELECT 1 FROM contact_settings WHERE user_id = ? AND sends_receipts = 0")?
        .exists([user.get()])?;
    for (entry, _) in &mut list {
        entry.conversation.has_hidden = hidden.contains(&entry.conversation.id);
        if is_secretive {
            entry.conversation.peer_read_seq = 0;
        }
    }
    Ok(list)
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let cursor: Option<i64> = row.get(8)?;
    let kind = kind(row.get(1)?);
    let conversation = Conversation {
        id: row.get(0)?,
        kind: kind.into(),
        name: row.get::<_, Option<String>>(7)?.map_or_else(|| row.get(2), Ok)?,
        creator_id: row.get(3)?,
        head: row.get(4)?,
        last_at_ms: row.get(5)?,
        peer_id: row.get(6)?,
        delivered_seq: cursor.unwrap_or(0),
        read_seq: row.get::<_, Option<i64>>(9)?.unwrap_or(0),
        peer_delivered_seq: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
        peer_read_seq: row.get::<_, Option<i64>>(11)?.unwrap_or(0),
        pinned: row.get::<_, Option<bool>>(15)?.unwrap_or_default(),
        muted_until_ms: row.get::<_, Option<i64>>(16)?.unwrap_or_default(),
        role: member_role(kind, row.get(18)?).into(),
        silenced_until_ms: row.get(19)?,
        members: row.get(20)?,
        avatar: row.get(21)?,
        mute_all: row.get(22)?,
        dissolved_at_ms: row.get(23)?,
        change_seq: row.get(24)?,
        expires_in_ms: row.get(25)?,
        ..Conversation::default()
    };
    let begins = cursor.is_none() && begins_at_head(row.get(13)?, row.get(14)?);
    let begins = begins.then_some(conversation.head);
    let changed_at_ms = row.get::<_, i64>(12)?.max(row.get(17)?);
    Ok((Entry { conversation, changed_at_ms }, begins))
}

/// What a page of the newest messages depends on: conversation, head, how many.
type PageOf = (i64, i64, u32);

pub(super) fn filled(
    connection: &mut Connection,
    fillings: Vec<Filling>,
) -> Result<Vec<Vec<Conversation>>, Error> {
    let snapshot = connection.transaction()?;
    // Readers of one conversation share its page.
    let mut pages: HashMap<PageOf, (Vec<Message>, bool)> = HashMap::new();
    let mut lists = Vec::with_capacity(fillings.len());
    for Filling { user, mut list, latest } in fillings {
        for conversation in &mut list {
            let (id, read, head) = (conversation.id, conversation.read_seq, conversation.head);
            let own = own_above(&snapshot, user.get(), id, read, head)?;
            conversation.unread = (head - read - own).max(0);
            let page = match pages.entry((id, head, latest)) {
                MapEntry::Occupied(page) => page.into_mut(),
                // Not above the head that was read, which may be older by now.
                MapEntry::Vacant(page) => page.insert(newest(&snapshot, id, head.saturating_add(1), latest)?),
            };
            (conversation.latest, conversation.has_more) = page.clone();
        }
        lists.push(list);
    }
    Ok(lists)
}

pub(super) fn history(
    connection: &mut Connection,
    id: ConversationId,
    range: Range,
    limit: u32,
) -> Result<Page, Error> {
    let snapshot = connection.transaction()?;
    let places: Option<(i64, i64)> = snapshot
        .prepare_cached("SELECT last_seq, change_seq FROM conversations WHERE id = ?")?
        .query_row([id.get()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (head, change_seq) = places.ok_or(Error::NoConversation)?;
    let (messages, has_more) = match range {
        Range::Newest => newest(&snapshot, id.get(), i64::MAX, limit)?,
        Range::Before(seq) => newest(&snapshot, id.get(), seq.get(), limit)?,
        Range::After(seq) => after(&snapshot, id.get(), seq, limit)?,
    };
    Ok(Page { messages, has_more, head, change_seq })
}

fn newest(connection: &Connection, id: i64, before: i64, limit: u32) -> Result<(Vec<Message>, bool), Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    );
    page(connection, &sql, (id, before), limit)
}

fn after(connection: &Connection, id: i64, seq: i64, limit: u32) -> Result<(Vec<Message>, bool), Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM messages WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?");
    page(connection, &sql, (id, seq), limit)
}

/// Reads one more than asked for, to know whether there is more.
fn page(
    connection: &Connection,
    sql: &str,
    bounds: (i64, i64),
    limit: u32,
) -> Result<(Vec<Message>, bool), Error> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![bounds.0, bounds.1, i64::from(limit) + 1], read)?;
    let mut messages: Vec<Message> = rows.collect::<Result<_, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > limit;
    messages.truncate(limit);
    Ok((messages, more))
}

/// See [`crate::store::Store::prune`].
pub(super) fn prune(
    connection: &mut Connection,
    id: ConversationId,
    below: Seq,
    limit: u32,
) -> Result<u64, Error> {
    let transaction = connection.transaction()?;
    let seqs: Vec<i64> = transaction
        .prepare_cached(
            "SELECT seq FROM messages WHERE conversation_id = ? AND seq < ? ORDER BY seq LIMIT ?",
        )?
        .query_map(params![id.get(), below.get(), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    search::forget(&transaction, id.get(), seqs.iter().copied())?;
    let last = seqs.last().copied().unwrap_or(0);
    let deleted = transaction
        .prepare_cached("DELETE FROM messages WHERE conversation_id = ? AND seq <= ?")?
        .execute([id.get(), last])?;
    transaction.commit()?;
    Ok(deleted as u64)
}
