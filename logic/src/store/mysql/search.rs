//! The index of words. Messages that are taken in are locked: who changes one waits, and then finds its words there, or
//! was first, and it is taken in as it is then.

use std::collections::HashMap;

use mysql_async::Conn;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message};
use tonic::async_trait;

use super::MysqlStore;
use super::failure::Failure;
use super::history::{MESSAGES, messages};
use super::sql::{Set, Sql};
use super::store::{pooled, replicated, retried};
use crate::store::search::{Written, revised, share, words_of};
use crate::store::{Compared, Error, Indexed, Look, Posting, Search, Searched};

#[async_trait]
impl Search for MysqlStore {
    async fn index(&self, ids: &[ConversationId], limit: u32) -> Result<Indexed, Error> {
        let mut ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        ids.sort_unstable();
        if ids.is_empty() {
            return Ok(Indexed::default());
        }
        let bytes_max = self.settings.packet_bytes_max;
        retried!(self, |connection| index(connection, &ids, limit, bytes_max))
    }

    async fn compare(&self, after: i64, limit: u32) -> Result<Compared, Error> {
        pooled!(self, |connection| compare(connection, after, limit))
    }

    async fn lease_sweep(
        &self,
        owner: &str,
        now_ms: i64,
        lease_ms: i64,
        at: Option<i64>,
    ) -> Result<Option<i64>, Error> {
        pooled!(self, |connection| lease_sweep(connection, owner, (now_ms, lease_ms), at))
    }

    async fn searched(&self, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Error> {
        replicated!(self, |connection| searched(connection, user, rooms_max))
    }

    async fn postings(
        &self,
        words: &[String],
        looks: &[Look],
        limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error> {
        if words.is_empty() || looks.is_empty() {
            return Ok(vec![Vec::new(); looks.len()]);
        }
        replicated!(self, |connection| postings(connection, words, looks, limit))
    }

    async fn messages_at(&self, places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        replicated!(self, |connection| messages_at(connection, places))
    }
}

const INSERT: &str = "INSERT IGNORE INTO search_words (conversation_id, word, at_ms, seq) VALUES ";

fn row(sql: &mut Sql, message: Written, word: &str) {
    sql.raw("(").int(message.conversation).raw(",").bytes(word.as_bytes());
    sql.raw(",").int(message.at_ms).raw(",").int(message.seq).raw(")");
}

async fn index(
    connection: &mut Conn,
    ids: &[i64],
    limit: u32,
    packet_bytes_max: usize,
) -> Result<Indexed, Failure> {
    let share = share(limit, ids.len());
    let mut sql = Sql::default();
    sql.raw("START TRANSACTION").end();
    sql.separated("INSERT INTO search_cursors (conversation_id, seq) VALUES ", ids, |sql, &id| {
        sql.raw("(").int(id).raw(",0)");
    });
    sql.raw(" ON DUPLICATE KEY UPDATE seq = seq").end();
    sql.raw("SELECT conversation_id, seq FROM search_cursors WHERE conversation_id IN ");
    let done = sql.list(ids.iter().copied()).end();
    sql.raw("SELECT id, last_seq FROM conversations WHERE id IN ");
    let heads = sql.list(ids.iter().copied()).end();
    let mut sets = sql.run(connection).await?;
    let heads: HashMap<i64, i64> = pairs(sets.remove(heads))?.into_iter().collect();
    let behind: Vec<(i64, i64, i64)> = pairs(sets.remove(done))?
        .into_iter()
        .filter_map(|(id, done)| Some((id, done, *heads.get(&id)?)))
        .filter(|(_, done, head)| done < head)
        .collect();
    let mut sql = Sql::default();
    for &(id, done, head) in &behind {
        sql.raw("SELECT seq, created_at_ms, kind, content FROM messages FORCE INDEX (PRIMARY) WHERE conversation_id = ");
        // Up to what was committed: nobody's insert is waited for.
        sql.int(id).raw(" AND seq > ").int(done).raw(" AND seq <= ").int(head);
        sql.raw(" ORDER BY seq LIMIT ").int(share.into()).raw(" LOCK IN SHARE MODE").end();
    }
    let sets = if behind.is_empty() { Vec::new() } else { sql.run(connection).await? };
    let mut indexed = Indexed::default();
    let mut rows: Vec<(Written, String)> = Vec::new();
    let mut sql = Sql::default();
    for (&(conversation, _, head), set) in behind.iter().zip(sets) {
        let found: Vec<(i64, i64, i32, String)> = set.typed()?;
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        // Fewer than were asked for: there are no more, whatever was deleted from the start.
        let last = found.last().filter(|_| count >= share).map_or(head, |&(seq, ..)| seq);
        indexed.messages += count;
        if last < head {
            indexed.unfinished.extend(ConversationId::new(conversation));
        }
        for (seq, at_ms, kind, content) in found {
            let written = Written { conversation, seq, at_ms };
            rows.extend(words_of(kind, &content).map(|word| (written, word)));
        }
        sql.raw("UPDATE search_cursors SET seq = ").int(last);
        sql.raw(" WHERE conversation_id = ").int(conversation).end();
    }
    // In the order of the key.
    rows.sort_unstable_by(|(a, of_a), (b, of_b)| {
        (a.conversation, of_a, a.at_ms).cmp(&(b.conversation, of_b, b.at_ms))
    });
    let mut rows = rows.iter().peekable();
    while rows.peek().is_some() {
        if sql.len() > packet_bytes_max {
            std::mem::take(&mut sql).run(connection).await?;
        }
        sql.raw(INSERT);
        let mut comma = "";
        while sql.len() <= packet_bytes_max
            && let Some((written, word)) = rows.next()
        {
            sql.raw(comma);
            row(&mut sql, *written, word);
            comma = ",";
        }
        sql.end();
    }
    sql.raw("COMMIT").end();
    sql.run(connection).await?;
    Ok(indexed)
}

fn pairs(set: Set) -> Result<Vec<(i64, i64)>, Failure> {
    set.typed()
}

/// Words of a message whose text is another one. The message's row was locked by an earlier statement.
pub(super) fn revise(sql: &mut Sql, message: Written, before: &str, after: &str) {
    let (gone, new) = revised(before, after);
    delete(sql, message.conversation, message.at_ms, &gone);
    if !new.is_empty() {
        sql.separated(INSERT, &new, |sql, word| row(sql, message, word)).end();
    }
}

/// Deletes the words of messages that are deleted or emptied: when they were written, their kind, their text. Their rows
/// were locked by an earlier statement.
pub(super) fn forget(sql: &mut Sql, conversation: i64, messages: &[(i64, i32, String)]) {
    for (at_ms, kind, content) in messages {
        let words: Vec<String> = words_of(*kind, content).collect();
        delete(sql, conversation, *at_ms, &words);
    }
}

fn delete(sql: &mut Sql, conversation: i64, at_ms: i64, words: &[String]) {
    if words.is_empty() {
        return;
    }
    sql.raw("DELETE FROM search_words WHERE conversation_id = ").int(conversation);
    sql.separated(" AND word IN (", words, |sql, word| {
        sql.bytes(word.as_bytes());
    });
    sql.raw(") AND at_ms = ").int(at_ms).end();
}

async fn compare(connection: &mut Conn, after: i64, limit: u32) -> Result<Compared, Failure> {
    let mut sql = Sql::default();
    sql.raw("SELECT c.id, c.last_seq, COALESCE(s.seq, 0) FROM conversations c LEFT JOIN search_cursors s");
    sql.raw(" ON s.conversation_id = c.id WHERE c.id > ").int(after);
    let index = sql.raw(" ORDER BY c.id LIMIT ").int(limit.into()).end();
    let rows: Vec<(i64, i64, i64)> = sql.run(connection).await?.remove(index).typed()?;
    Ok(Compared::of(&rows, limit))
}

async fn lease_sweep(
    connection: &mut Conn,
    owner: &str,
    (now_ms, lease_ms): (i64, i64),
    at: Option<i64>,
) -> Result<Option<i64>, Failure> {
    let mut sql = Sql::default();
    // Columns are set in this order, each from those before it as they are by then.
    sql.raw("UPDATE search_sweep SET after_id = ");
    match at {
        Some(at) => sql.raw("IF(owner = ").bytes(owner.as_bytes()).raw(", ").int(at).raw(", after_id)"),
        None => sql.raw("after_id"),
    };
    sql.raw(", owner = ").bytes(owner.as_bytes());
    sql.raw(", lease_until_ms = ").int(now_ms.saturating_add(lease_ms));
    sql.raw(" WHERE id = 1 AND (owner = ").bytes(owner.as_bytes());
    sql.raw(" OR lease_until_ms <= ").int(now_ms).raw(")").end();
    sql.raw("SELECT after_id FROM search_sweep WHERE id = 1 AND owner = ").bytes(owner.as_bytes());
    let index = sql.end();
    let found: Vec<(i64,)> = sql.run(connection).await?.remove(index).typed()?;
    Ok(found.first().map(|&(at,)| at))
}

async fn searched(connection: &mut Conn, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Failure> {
    let mut sql = Sql::default();
    sql.raw("SELECT id, last_at_ms FROM conversations WHERE kind = ");
    sql.int(i32::from(ConversationKind::Room).into()).raw(" ORDER BY id LIMIT ").int(rooms_max.into()).end();
    sql.raw("SELECT c.id, c.last_at_ms FROM members m JOIN conversations c ON c.id = m.conversation_id");
    sql.raw(" WHERE m.user_id = ").int(user.get()).end();
    let mut found = Vec::new();
    for set in sql.run(connection).await? {
        let of_set = pairs(set)?.into_iter();
        found.extend(of_set.map(|(conversation, last_at_ms)| Searched { conversation, last_at_ms }));
    }
    Ok(found)
}

async fn postings(
    connection: &mut Conn,
    words: &[String],
    looks: &[Look],
    limit: u32,
) -> Result<Vec<Vec<Posting>>, Failure> {
    let Some((first, others)) = words.split_first() else { return Ok(vec![Vec::new(); looks.len()]) };
    let mut sql = Sql::default();
    for look in looks {
        sql.raw("SELECT p.at_ms, p.seq, 1");
        for word in others {
            sql.raw(" AND EXISTS (SELECT 1 FROM search_words q WHERE q.conversation_id = ");
            sql.int(look.conversation).raw(" AND q.word = ").bytes(word.as_bytes());
            sql.raw(" AND q.at_ms = p.at_ms)");
        }
        sql.raw(" FROM search_words p WHERE p.conversation_id = ").int(look.conversation);
        sql.raw(" AND p.word = ").bytes(first.as_bytes()).raw(" AND p.at_ms < ").int(look.before_ms);
        sql.raw(" ORDER BY p.at_ms DESC LIMIT ").int(limit.into()).end();
    }
    let mut found = Vec::with_capacity(looks.len());
    for set in sql.run(connection).await? {
        let rows: Vec<(i64, i64, bool)> = set.typed()?;
        found.push(rows.into_iter().map(|(at_ms, seq, has_all)| Posting { at_ms, seq, has_all }).collect());
    }
    Ok(found)
}

async fn messages_at(connection: &mut Conn, places: &[(i64, i64)]) -> Result<Vec<Message>, Failure> {
    let mut sql = Sql::default();
    for &(conversation, seq) in places {
        sql.raw(MESSAGES).raw("conversation_id = ").int(conversation).raw(" AND seq = ").int(seq).end();
    }
    let mut found = Vec::with_capacity(places.len());
    for set in sql.run(connection).await? {
        found.extend(messages(set)?);
    }
    Ok(found)
}
