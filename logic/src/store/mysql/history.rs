//! What readers see: lists of conversations and pages of messages.

use std::collections::HashMap;

use mysql_async::{Conn, Row};
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, Message, User};

use super::failure::Failure;
use super::sql::{Set, Sql, rows};
use crate::store::events::kind;
use crate::store::{Error, Page, Range};

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

pub(super) async fn conversations_of(
    connection: &mut Conn,
    user: UserId,
    rooms_max: u32,
    latest: u32,
) -> Result<Vec<Conversation>, Failure> {
    let mut list = heads_of(connection, user, rooms_max).await?;
    let mut sql = Sql::default();
    for conversation in list.iter().filter(|conversation| conversation.head > 0) {
        // Not above the head that was read, which may be older by now.
        sql.raw("(").raw(MESSAGES).raw("conversation_id = ").int(conversation.id);
        sql.raw(" AND seq <= ").int(conversation.head).raw(" ORDER BY seq DESC LIMIT ");
        sql.int(i64::from(latest) + 1).raw(")").end();
    }
    let mut pages: HashMap<i64, Vec<Message>> = HashMap::new();
    if latest > 0 && sql.len() > 0 {
        for set in sql.run(connection).await? {
            let messages = messages(set)?;
            if let Some(first) = messages.first() {
                pages.insert(first.conversation, messages);
            }
        }
    }
    for conversation in &mut list {
        let messages = pages.remove(&conversation.id).unwrap_or_default();
        let (messages, more) = cut(messages, latest);
        conversation.has_more = more || (latest == 0 && conversation.head > 0);
        conversation.latest = messages;
    }
    Ok(list)
}

async fn heads_of(connection: &mut Conn, user: UserId, rooms_max: u32) -> Result<Vec<Conversation>, Failure> {
    /// id, kind, name, creator_id, last_seq, peer id, peer name.
    type HeadRow = (i64, i64, String, i64, i64, i64, Option<String>);
    let found: Vec<HeadRow> = rows(
        connection,
        "(SELECT id, kind, name, creator_id, last_seq, 0 AS peer_id, NULL AS peer_name
          FROM conversations WHERE kind = ? ORDER BY id LIMIT ?)
         UNION ALL
         (SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, COALESCE(p.id, 0), p.username
          FROM members m JOIN conversations c ON c.id = m.conversation_id
          LEFT JOIN users p ON p.id = IF(c.user_lo = ?, c.user_hi, c.user_lo)
          WHERE m.user_id = ?)
         ORDER BY 1",
        (i32::from(ConversationKind::Room), rooms_max, user.get(), user.get()),
    )
    .await?;
    let conversation = |(id, raw, name, creator_id, head, peer_id, peer_name): HeadRow| Conversation {
        id,
        kind: kind(raw).into(),
        name: peer_name.unwrap_or(name),
        creator_id,
        head,
        peer_id,
        ..Conversation::default()
    };
    Ok(found.into_iter().map(conversation).collect())
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
