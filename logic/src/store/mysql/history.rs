//! What readers see: lists of conversations and pages of messages.

use std::collections::HashMap;

use mysql_async::{Conn, Row};
use oort_api::clock::now_ms;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, User};

use super::cursors::{begin_rooms, count_own};
use super::failure::Failure;
use super::sql::{Set, Sql, column, rows};
use crate::store::cursors::begins_at_head;
use crate::store::events::kind;
use crate::store::{Entry, Error, Page, Range};

/// conversation_id, seq, sender_id, sender_name, client_msg_id, content, created_at_ms, kind.
type MessageRow = (i64, i64, i64, String, Option<Vec<u8>>, String, i64, i32);
const MESSAGES: &str = "SELECT conversation_id, seq, sender_id, sender_name, client_msg_id, content, \
     created_at_ms, kind FROM messages FORCE INDEX (PRIMARY) WHERE ";

pub(super) async fn rooms_of(
    connection: &mut Conn,
    user: UserId,
    rooms_max: u32,
) -> Result<Vec<ConversationId>, Failure> {
    let ids: Vec<(i64,)> = rows(
        connection,
        "(SELECT id FROM conversations WHERE kind = ? ORDER BY id LIMIT ?)
         UNION ALL
         (SELECT c.id FROM members m JOIN conversations c ON c.id = m.conversation_id
          WHERE m.user_id = ? AND c.kind = ?)
         ORDER BY 1",
        (i32::from(ConversationKind::Room), rooms_max, user.get(), i32::from(ConversationKind::Group)),
    )
    .await?;
    Ok(ids.into_iter().filter_map(|(id,)| ConversationId::new(id)).collect())
}

pub(super) async fn filled(
    connection: &mut Conn,
    user: UserId,
    mut list: Vec<Conversation>,
    latest: u32,
) -> Result<Vec<Conversation>, Failure> {
    let mut sql = Sql::default();
    let mut asked = Vec::with_capacity(list.len());
    for conversation in &list {
        let (id, read, head) = (conversation.id, conversation.read_seq, conversation.head);
        let own = (read < head).then(|| count_own(&mut sql, user.get(), id, read, head));
        let page = (latest > 0 && head > 0).then(|| {
            // Not above the head that was read, which may be older by now.
            sql.raw("(").raw(MESSAGES).raw("conversation_id = ").int(id).raw(" AND seq <= ").int(head);
            sql.raw(" ORDER BY seq DESC LIMIT ").int(i64::from(latest) + 1).raw(")").end()
        });
        asked.push((own, page));
    }
    let mut sets: HashMap<usize, Set> = HashMap::new();
    if sql.len() > 0 {
        sets.extend(sql.run(connection).await?.into_iter().enumerate());
    }
    for (conversation, (own, page)) in list.iter_mut().zip(asked) {
        let own: Vec<(i64,)> = match own.and_then(|index| sets.remove(&index)) {
            Some(set) => set.typed()?,
            None => Vec::new(),
        };
        let own = own.first().map_or(0, |&(count,)| count);
        conversation.unread = (conversation.head - conversation.read_seq - own).max(0);
        let messages = match page.and_then(|index| sets.remove(&index)) {
            Some(set) => messages(set)?,
            None => Vec::new(),
        };
        let (messages, more) = cut(messages, latest);
        conversation.has_more = more || (latest == 0 && conversation.head > 0);
        conversation.latest = messages;
    }
    Ok(list)
}

/// The list. Where the reader begins in open rooms that are older than the
/// account is recorded first, and read back: another reading may have said so.
pub(super) async fn entries_of(
    connection: &mut Conn,
    user: UserId,
    rooms_max: u32,
) -> Result<Vec<Entry>, Failure> {
    let mut listed = look(connection, user, rooms_max).await?;
    let begins: Vec<(i64, i64)> = listed
        .iter()
        .filter_map(|(entry, begins)| begins.map(|head| (entry.conversation.id, head)))
        .collect();
    if !begins.is_empty() {
        begin_rooms(connection, user, &begins, now_ms()).await?;
        listed = look(connection, user, rooms_max).await?;
    }
    Ok(listed.into_iter().map(|(entry, _)| entry).collect())
}

/// An entry, and the head its reader begins at when that is to be recorded.
type Listed = (Entry, Option<i64>);

async fn look(connection: &mut Conn, user: UserId, rooms_max: u32) -> Result<Vec<Listed>, Failure> {
    let user = user.get();
    let found: Vec<Row> = rows(
        connection,
        "(SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, 0 AS peer_id, NULL AS peer_name,
                 k.delivered_seq, k.read_seq, NULL AS peer_delivered_seq, NULL AS peer_read_seq,
                 GREATEST(c.created_at_ms, c.last_at_ms, COALESCE(k.updated_at_ms, 0)) AS changed_at_ms,
                 c.created_at_ms, (SELECT u.created_at_ms FROM users u WHERE u.id = ?) AS since_ms
          FROM (SELECT * FROM conversations WHERE kind = ? ORDER BY id LIMIT ?) c
          LEFT JOIN cursors k ON k.user_id = ? AND k.conversation_id = c.id)
         UNION ALL
         (SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms, COALESCE(p.id, 0), p.username,
                 k.delivered_seq, k.read_seq, q.delivered_seq, q.read_seq,
                 GREATEST(m.joined_at_ms, c.last_at_ms, COALESCE(k.updated_at_ms, 0), COALESCE(q.updated_at_ms, 0)),
                 c.created_at_ms, NULL
          FROM members m JOIN conversations c ON c.id = m.conversation_id
          LEFT JOIN users p ON p.id = IF(c.user_lo = ?, c.user_hi, c.user_lo)
          LEFT JOIN cursors k ON k.user_id = ? AND k.conversation_id = c.id
          LEFT JOIN cursors q ON q.user_id = p.id AND q.conversation_id = c.id
          WHERE m.user_id = ?)
         ORDER BY 1",
        (user, i32::from(ConversationKind::Room), rooms_max, user, user, user, user),
    )
    .await?;
    found.into_iter().map(listed).collect()
}

fn listed(mut row: Row) -> Result<Listed, Failure> {
    let row = &mut row;
    let cursor: Option<i64> = column(row, 8)?;
    let peer_name: Option<String> = column(row, 7)?;
    let conversation = Conversation {
        id: column(row, 0)?,
        kind: kind(column(row, 1)?).into(),
        name: peer_name.map_or_else(|| column(row, 2), Ok)?,
        creator_id: column(row, 3)?,
        head: column(row, 4)?,
        last_at_ms: column(row, 5)?,
        peer_id: column(row, 6)?,
        delivered_seq: cursor.unwrap_or(0),
        read_seq: column::<Option<i64>>(row, 9)?.unwrap_or(0),
        peer_delivered_seq: column::<Option<i64>>(row, 10)?.unwrap_or(0),
        peer_read_seq: column::<Option<i64>>(row, 11)?.unwrap_or(0),
        ..Conversation::default()
    };
    let begins = cursor.is_none() && begins_at_head(column(row, 13)?, column(row, 14)?);
    let begins = begins.then_some(conversation.head);
    Ok((Entry { conversation, changed_at_ms: column(row, 12)? }, begins))
}

pub(super) async fn history(
    connection: &mut Conn,
    id: ConversationId,
    range: Range,
    limit: u32,
) -> Result<Page, Failure> {
    let mut sql = Sql::default();
    let (bound, order) = match range {
        Range::Newest => ((" AND seq > ", 0), " ORDER BY seq DESC LIMIT "),
        Range::Before(seq) => ((" AND seq < ", seq.get()), " ORDER BY seq DESC LIMIT "),
        Range::After(seq) => ((" AND seq > ", seq), " ORDER BY seq LIMIT "),
    };
    sql.raw(MESSAGES).raw("conversation_id = ").int(id.get()).raw(bound.0).int(bound.1);
    sql.raw(order).int(i64::from(limit) + 1).end();
    // After the messages, so that it is never below them.
    sql.raw("SELECT last_seq FROM conversations WHERE id = ").int(id.get()).end();
    let mut sets = sql.run(connection).await?;
    let head: Vec<(i64,)> = sets.remove(1).typed()?;
    let (head,) = head.into_iter().next().ok_or(Error::NoConversation)?;
    let (messages, has_more) = cut(messages(sets.remove(0))?, limit);
    Ok(Page { messages, has_more, head })
}

fn messages(set: Set) -> Result<Vec<Message>, Failure> {
    let rows: Vec<Row> = set.typed()?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Message, Failure> {
    let (conversation, seq, sender, name, client_msg_id, content, created_at_ms, kind): MessageRow =
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
    })
}

/// One more was read than asked for, to know whether there is more.
fn cut(mut messages: Vec<Message>, limit: u32) -> (Vec<Message>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > limit;
    messages.truncate(limit);
    (messages, more)
}
