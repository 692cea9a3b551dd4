//! What readers see: lists of conversations and pages of messages.

use std::collections::{HashMap, HashSet};

use mysql_async::{Conn, Row};
use oort_api::clock::now_ms;
use oort_api::expiry;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, User};

use super::cursors::{begin_rooms, count_own};
use super::failure::Failure;
use super::logins::user;
use super::search;
use super::sql::{Set, Sql, column};
use crate::store::changes::read_extra;
use crate::store::cursors::begins_at_head;
use crate::store::events::{kind, member_role};
use crate::store::{Entry, Error, Filling, Page, Range};

/// conversation_id, seq, sender_id, sender_name, client_msg_id, content, created_at_ms, kind, extra.
type MessageRow = (i64, i64, i64, String, Option<Vec<u8>>, String, i64, i32, Option<Vec<u8>>);
pub(super) const MESSAGES: &str = "SELECT conversation_id, seq, sender_id, sender_name, client_msg_id, content, \
     created_at_ms, kind, extra FROM messages FORCE INDEX (PRIMARY) WHERE ";

pub(super) async fn rooms_of_all(
    connection: &mut Conn,
    users: &[UserId],
    rooms_max: u32,
) -> Result<Vec<Vec<ConversationId>>, Failure> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::default();
    sql.raw("SELECT id FROM conversations WHERE kind = ").int(i32::from(ConversationKind::Room).into());
    let open = sql.raw(" ORDER BY id LIMIT ").int(rooms_max.into()).end();
    sql.raw("SELECT m.user_id, c.id FROM members m JOIN conversations c ON c.id = m.conversation_id WHERE m.user_id IN ");
    sql.list(users.iter().map(|user| user.get()));
    let groups = sql.raw(" AND c.kind = ").int(i32::from(ConversationKind::Group).into()).end();
    let mut sets = sql.run(connection).await?;
    let groups: Vec<(i64, i64)> = sets.remove(groups).typed()?;
    let open: Vec<(i64,)> = sets.remove(open).typed()?;
    let mut of: HashMap<i64, Vec<i64>> = HashMap::new();
    groups.into_iter().for_each(|(user, group)| of.entry(user).or_default().push(group));
    let rooms = |user: &UserId| {
        let mut ids: Vec<i64> = open.iter().map(|&(id,)| id).collect();
        ids.extend(of.get(&user.get()).into_iter().flatten());
        ids.sort_unstable();
        ids.into_iter().filter_map(ConversationId::new).collect()
    };
    Ok(users.iter().map(rooms).collect())
}

/// What a page of the newest messages depends on: conversation, head, how many.
type PageOf = (i64, i64, u32);

pub(super) async fn filled_all(
    connection: &mut Conn,
    fillings: &[Filling],
) -> Result<Vec<Vec<Conversation>>, Failure> {
    let mut sql = Sql::default();
    let mut own: HashMap<(i64, i64, i64, i64), usize> = HashMap::new();
    // Readers of one conversation share its page.
    let mut pages: HashMap<PageOf, usize> = HashMap::new();
    for Filling { user, list, latest } in fillings {
        for conversation in list {
            let (id, read, head) = (conversation.id, conversation.read_seq, conversation.head);
            if read < head {
                let count = || count_own(&mut sql, user.get(), id, read, head);
                own.entry((user.get(), id, read, head)).or_insert_with(count);
            }
            if *latest > 0 && head > 0 {
                pages.entry((id, head, *latest)).or_insert_with(|| newest(&mut sql, id, head, *latest));
            }
        }
    }
    let sets = if sql.len() > 0 { sql.run(connection).await? } else { Vec::new() };
    let mut sets: Vec<Option<Set>> = sets.into_iter().map(Some).collect();
    let mut take = |index: usize| {
        let set = sets.get_mut(index).and_then(Option::take);
        set.ok_or_else(|| Failure::from(Error::Internal("a statement was not answered".into())))
    };
    let mut counts: HashMap<(i64, i64, i64, i64), i64> = HashMap::with_capacity(own.len());
    for (of, index) in own {
        let count: Vec<(i64,)> = take(index)?.typed()?;
        counts.insert(of, count.first().map_or(0, |&(count,)| count));
    }
    let mut read: HashMap<PageOf, (Vec<Message>, bool)> = HashMap::with_capacity(pages.len());
    for (of, index) in pages {
        read.insert(of, cut(messages(take(index)?)?, of.2));
    }
    let fill = |user: i64, latest: u32, conversation: &Conversation| {
        let (id, read_seq, head) = (conversation.id, conversation.read_seq, conversation.head);
        let own = counts.get(&(user, id, read_seq, head)).copied().unwrap_or(0);
        let (messages, more) = read.get(&(id, head, latest)).cloned().unwrap_or_default();
        Conversation {
            unread: (head - read_seq - own).max(0),
            has_more: more || (latest == 0 && head > 0),
            latest: messages,
            ..conversation.clone()
        }
    };
    let lists = fillings.iter().map(|Filling { user, list, latest }| {
        list.iter().map(|conversation| fill(user.get(), *latest, conversation)).collect()
    });
    Ok(lists.collect())
}

/// The newest messages, not above the head that was read, which may be older by now.
fn newest(sql: &mut Sql, id: i64, head: i64, latest: u32) -> usize {
    sql.raw("(").raw(MESSAGES).raw("conversation_id = ").int(id).raw(" AND seq <= ").int(head);
    sql.raw(" ORDER BY seq DESC LIMIT ").int(i64::from(latest) + 1).raw(")").end()
}

/// The lists. Where a reader begins in open rooms that are older than the
/// account is recorded first, and read back: another reading may have said so.
pub(super) async fn entries_of_all(
    connection: &mut Conn,
    users: &[UserId],
    rooms_max: u32,
) -> Result<Vec<Vec<Entry>>, Failure> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed = look(connection, users, rooms_max).await?;
    let begins: Vec<(UserId, i64, i64)> = listed
        .iter()
        .filter_map(|found| found.begins.map(|head| (found.reader, found.entry.conversation.id, head)))
        .collect();
    if !begins.is_empty() {
        begin_rooms(connection, &begins, now_ms()).await?;
        listed = look(connection, users, rooms_max).await?;
    }
    Ok(by_reader(users, listed))
}

/// The same where nothing can be recorded; `None` when something is to be.
pub(super) async fn seen_entries_of_all(
    connection: &mut Conn,
    users: &[UserId],
    rooms_max: u32,
) -> Result<Option<Vec<Vec<Entry>>>, Failure> {
    if users.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let listed = look(connection, users, rooms_max).await?;
    let is_all_recorded = listed.iter().all(|found| found.begins.is_none());
    Ok(is_all_recorded.then(|| by_reader(users, listed)))
}

fn by_reader(users: &[UserId], listed: Vec<Listed>) -> Vec<Vec<Entry>> {
    let mut of: HashMap<UserId, Vec<Entry>> = HashMap::with_capacity(users.len());
    listed.into_iter().for_each(|found| of.entry(found.reader).or_default().push(found.entry));
    // Somebody may be named twice.
    users.iter().map(|user| of.get(user).cloned().unwrap_or_default()).collect()
}

/// An entry of a reader's list.
struct Listed {
    reader: UserId,
    entry: Entry,
    /// The head the reader begins at, when that is to be recorded.
    begins: Option<i64>,
}

async fn look(connection: &mut Conn, users: &[UserId], rooms_max: u32) -> Result<Vec<Listed>, Failure> {
    let readers = || users.iter().map(|user| user.get());
    let mut sql = Sql::default();
    sql.raw(
        "(SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, 0 AS peer_id, NULL AS peer_name,
                 k.delivered_seq, k.read_seq, NULL AS peer_delivered_seq, NULL AS peer_read_seq,
                 GREATEST(c.created_at_ms, c.last_at_ms, c.changed_at_ms, COALESCE(k.updated_at_ms, 0)) AS stamp_ms,
                 c.created_at_ms, u.created_at_ms AS since_ms, u.id AS reader_id,
                 s.pinned, s.muted_until_ms, COALESCE(s.changed_at_ms, 0) AS settings_at_ms,
                 NULL AS role, 0 AS silenced_until_ms, 0 AS members_count, '' AS avatar, 0 AS muted_all,
                 0 AS dissolved_at_ms, c.change_seq, c.expires_in_ms
          FROM users u CROSS JOIN (SELECT * FROM conversations WHERE kind = ",
    );
    sql.int(i32::from(ConversationKind::Room).into()).raw(" ORDER BY id LIMIT ").int(rooms_max.into());
    sql.raw(
        ") c LEFT JOIN cursors k ON k.user_id = u.id AND k.conversation_id = c.id
          LEFT JOIN conversation_settings s ON s.user_id = u.id AND s.conversation_id = c.id
          WHERE u.id IN ",
    );
    sql.list(readers()).raw(
        ") UNION ALL
         (SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, COALESCE(p.id, 0), p.username,
                 k.delivered_seq, k.read_seq, q.delivered_seq, IF(COALESCE(r.sends_receipts, 1), q.read_seq, 0),
                 GREATEST(m.joined_at_ms, c.last_at_ms, c.changed_at_ms,
                          COALESCE(k.updated_at_ms, 0), COALESCE(q.updated_at_ms, 0)),
                 c.created_at_ms, NULL, m.user_id, s.pinned, s.muted_until_ms, COALESCE(s.changed_at_ms, 0),
                 m.role, m.muted_until_ms, c.members_count, c.avatar, c.muted_all, c.dissolved_at_ms, c.change_seq,
                 c.expires_in_ms
          FROM members m JOIN conversations c ON c.id = m.conversation_id
          LEFT JOIN users p ON p.id = IF(c.user_lo = m.user_id, c.user_hi, c.user_lo)
          LEFT JOIN cursors k ON k.user_id = m.user_id AND k.conversation_id = c.id
          LEFT JOIN cursors q ON q.user_id = p.id AND q.conversation_id = c.id
          LEFT JOIN contact_settings r ON r.user_id = p.id
          LEFT JOIN conversation_settings s ON s.user_id = m.user_id AND s.conversation_id = c.id
          WHERE m.user_id IN ",
    );
    sql.list(readers()).raw(") ORDER BY 1").end();
    sql.raw("SELECT DISTINCT user_id, conversation_id FROM hidden WHERE user_id IN ");
    sql.list(readers()).end();
    sql.raw("SELECT user_id, 0 FROM contact_settings WHERE sends_receipts = 0 AND user_id IN ");
    sql.list(readers()).end();
    let mut sets = sql.run(connection).await?;
    let secretive: HashSet<i64> =
        sets.remove(2).typed::<(i64, i64)>()?.into_iter().map(|(id, _)| id).collect();
    let hidden: HashSet<(i64, i64)> = sets.remove(1).typed()?.into_iter().collect();
    let found: Vec<Row> = sets.remove(0).typed()?;
    let mut listed = found.into_iter().map(listed).collect::<Result<Vec<_>, _>>()?;
    for Listed { reader, entry, .. } in &mut listed {
        entry.conversation.has_hidden = hidden.contains(&(reader.get(), entry.conversation.id));
        if secretive.contains(&reader.get()) {
            entry.conversation.peer_read_seq = 0;
        }
    }
    Ok(listed)
}

fn listed(mut row: Row) -> Result<Listed, Failure> {
    let row = &mut row;
    let cursor: Option<i64> = column(row, 8)?;
    let peer_name: Option<String> = column(row, 7)?;
    let kind = kind(column(row, 1)?);
    let role: Option<i64> = column(row, 19)?;
    let changed_at_ms = column::<i64>(row, 12)?.max(column(row, 18)?);
    let conversation = Conversation {
        id: column(row, 0)?,
        kind: kind.into(),
        name: peer_name.map_or_else(|| column(row, 2), Ok)?,
        creator_id: column(row, 3)?,
        head: column(row, 4)?,
        last_at_ms: column(row, 5)?,
        peer_id: column(row, 6)?,
        delivered_seq: cursor.unwrap_or(0),
        read_seq: column::<Option<i64>>(row, 9)?.unwrap_or(0),
        peer_delivered_seq: column::<Option<i64>>(row, 10)?.unwrap_or(0),
        peer_read_seq: column::<Option<i64>>(row, 11)?.unwrap_or(0),
        pinned: column::<Option<bool>>(row, 16)?.unwrap_or_default(),
        muted_until_ms: column::<Option<i64>>(row, 17)?.unwrap_or_default(),
        role: member_role(kind, role).into(),
        silenced_until_ms: column(row, 20)?,
        members: column(row, 21)?,
        avatar: column(row, 22)?,
        mute_all: column(row, 23)?,
        dissolved_at_ms: column(row, 24)?,
        change_seq: column(row, 25)?,
        expires_in_ms: column(row, 26)?,
        ..Conversation::default()
    };
    let begins = cursor.is_none() && begins_at_head(column(row, 13)?, column(row, 14)?);
    let begins = begins.then_some(conversation.head);
    let reader = user(column(row, 15)?)?;
    Ok(Listed { reader, entry: Entry { conversation, changed_at_ms }, begins })
}

pub(super) async fn history(
    connection: &mut Conn,
    id: ConversationId,
    range: Range,
    limit: u32,
) -> Result<Page, Failure> {
    let mut sql = Sql::default();
    // Before the messages: what they lack of later changes is told by those, and no head is told whose message they
    // lack, should one be stored in between.
    sql.raw("SELECT change_seq, last_seq FROM conversations WHERE id = ").int(id.get()).end();
    let (bound, order) = match range {
        Range::Newest => ((" AND seq > ", 0), " ORDER BY seq DESC LIMIT "),
        Range::Before(seq) => ((" AND seq < ", seq.get()), " ORDER BY seq DESC LIMIT "),
        Range::After(seq) => ((" AND seq > ", seq), " ORDER BY seq LIMIT "),
    };
    sql.raw(MESSAGES).raw("conversation_id = ").int(id.get()).raw(bound.0).int(bound.1);
    sql.raw(order).int(i64::from(limit) + 1).end();
    let mut sets = sql.run(connection).await?;
    let messages = messages(sets.remove(1))?;
    let heads: Vec<(i64, i64)> = sets.remove(0).typed()?;
    let (change_seq, before) = heads.into_iter().next().ok_or(Error::NoConversation)?;
    // What was stored in between is in the page.
    let head = messages.iter().map(|message| message.seq).fold(before, i64::max);
    let (messages, has_more) = cut(messages, limit);
    Ok(Page { messages, has_more, head, change_seq })
}

/// Messages as they may be shown now.
pub(super) fn messages(set: Set) -> Result<Vec<Message>, Failure> {
    let mut messages = stored_messages(set)?;
    let now_ms = now_ms();
    messages.iter_mut().for_each(|message| expiry::hide(message, now_ms));
    Ok(messages)
}

/// Messages as they are stored, for whoever changes them.
pub(super) fn stored_messages(set: Set) -> Result<Vec<Message>, Failure> {
    let rows: Vec<Row> = set.typed()?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Message, Failure> {
    let (conversation, seq, sender, name, client_msg_id, content, created_at_ms, kind, extra): MessageRow =
        mysql_async::from_row_opt(row)?;
    let client_msg_id = String::from_utf8(client_msg_id.unwrap_or_default())
        .map_err(|_| Error::Internal("a client message id is not text".into()))?;
    Ok(Message {
        conversation,
        seq,
        sender: Some(User { id: sender, username: name }),
        client_msg_id,
        content,
        created_at_ms,
        kind,
        extra: read_extra(extra)?,
    })
}

/// One more was read than asked for, to know whether there is more.
fn cut(mut messages: Vec<Message>, limit: u32) -> (Vec<Message>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > limit;
    messages.truncate(limit);
    (messages, more)
}

/// See [`crate::store::Store::prune`].
pub(super) async fn prune(
    connection: &mut Conn,
    id: ConversationId,
    below: Seq,
    limit: u32,
) -> Result<u64, Failure> {
    let mut sql = Sql::default();
    sql.raw("START TRANSACTION").end();
    sql.raw("SELECT seq, created_at_ms, kind, content FROM messages FORCE INDEX (PRIMARY) WHERE conversation_id = ");
    sql.int(id.get()).raw(" AND seq < ").int(below.get());
    let index = sql.raw(" ORDER BY seq LIMIT ").int(limit.into()).raw(" FOR UPDATE").end();
    let found: Vec<(i64, i64, i32, String)> = sql.run(connection).await?.remove(index).typed()?;
    let mut sql = Sql::default();
    if let Some(&(last, ..)) = found.last() {
        let count = found.len();
        let texts: Vec<_> = found.into_iter().map(|(_, at_ms, kind, text)| (at_ms, kind, text)).collect();
        search::forget(&mut sql, id.get(), &texts);
        sql.raw("DELETE FROM messages WHERE conversation_id = ").int(id.get());
        sql.raw(" AND seq <= ").int(last).end();
        sql.raw("COMMIT").end();
        sql.run(connection).await?;
        return Ok(count as u64);
    }
    sql.raw("COMMIT").end();
    sql.run(connection).await?;
    Ok(0)
}
