//! The index of words.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::{SqliteStore, history};
use crate::store::search::{Written, revised, share, words_of};
use crate::store::{Compared, Error, Indexed, Look, Posting, Search, Searched};

#[async_trait]
impl Search for SqliteStore {
    async fn index(&self, ids: &[ConversationId], limit: u32) -> Result<Indexed, Error> {
        let ids = ids.to_vec();
        self.write(move |connection| index(connection, &ids, limit)).await
    }

    async fn compare(&self, after: i64, limit: u32) -> Result<Compared, Error> {
        self.read(move |connection| compare(connection, after, limit)).await
    }

    async fn lease_sweep(
        &self,
        owner: &str,
        now_ms: i64,
        lease_ms: i64,
        at: Option<i64>,
    ) -> Result<Option<i64>, Error> {
        let owner = owner.to_owned();
        self.write(move |connection| lease_sweep(connection, &owner, (now_ms, lease_ms), at)).await
    }

    async fn searched(&self, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Error> {
        self.read(move |connection| searched(connection, user, rooms_max)).await
    }

    async fn postings(
        &self,
        words: &[String],
        looks: &[Look],
        limit: u32,
    ) -> Result<Vec<Vec<Posting>>, Error> {
        let (words, looks) = (words.to_vec(), looks.to_vec());
        self.read(move |connection| postings(connection, &words, &looks, limit)).await
    }

    async fn messages_at(&self, places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
        let places = places.to_vec();
        self.read(move |connection| messages_at(connection, &places)).await
    }
}

const INSERT: &str =
    "INSERT OR IGNORE INTO search_words (conversation_id, word, at_ms, seq) VALUES (?, ?, ?, ?)";

fn index(connection: &mut Connection, ids: &[ConversationId], limit: u32) -> Result<Indexed, Error> {
    let transaction = connection.transaction()?;
    let mut indexed = Indexed::default();
    let share = share(limit, ids.len());
    {
        let mut place = transaction.prepare_cached(
            "SELECT c.last_seq, COALESCE(s.seq, 0) FROM conversations c
             LEFT JOIN search_cursors s ON s.conversation_id = c.id WHERE c.id = ?",
        )?;
        let mut select = transaction.prepare_cached(
            "SELECT seq, created_at_ms, kind, content FROM messages
             WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        )?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        let mut set = transaction.prepare_cached(
            "INSERT INTO search_cursors (conversation_id, seq) VALUES (?1, ?2)
             ON CONFLICT (conversation_id) DO UPDATE SET seq = ?2",
        )?;
        for &id in ids {
            let found: Option<(i64, i64)> =
                place.query_row([id.get()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((head, done)) = found.filter(|(head, done)| done < head) else { continue };
            let mut last = head;
            let mut count = 0;
            let mut rows = select.query(params![id.get(), done, share])?;
            while let Some(row) = rows.next()? {
                let (seq, at_ms, kind): (i64, i64, i32) = (row.get(0)?, row.get(1)?, row.get(2)?);
                for word in words_of(kind, row.get_ref(3)?.as_str().unwrap_or_default()) {
                    insert.execute(params![id.get(), word, at_ms, seq])?;
                }
                (last, count) = (seq, count + 1);
            }
            // Fewer than were asked for: there are no more, whatever was deleted from the start.
            let last = if count < share { head } else { last };
            set.execute([id.get(), last])?;
            indexed.messages += count;
            if last < head {
                indexed.unfinished.push(id);
            }
        }
    }
    transaction.commit()?;
    Ok(indexed)
}

/// Words of a message whose text is another one.
pub(super) fn revise(
    transaction: &Transaction<'_>,
    message: Written,
    before: &str,
    after: &str,
) -> Result<(), Error> {
    let (gone, new) = revised(before, after);
    let Written { conversation, seq, at_ms } = message;
    let mut delete = transaction
        .prepare_cached("DELETE FROM search_words WHERE conversation_id = ? AND word = ? AND at_ms = ?")?;
    for word in gone {
        delete.execute(params![conversation, word, at_ms])?;
    }
    let mut insert = transaction.prepare_cached(INSERT)?;
    for word in new {
        insert.execute(params![conversation, word, at_ms, seq])?;
    }
    Ok(())
}

/// Deletes the words of messages of a conversation, which are about to be deleted or emptied.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    conversation: i64,
    seqs: impl IntoIterator<Item = i64>,
) -> Result<(), Error> {
    let mut select = transaction.prepare_cached(
        "SELECT created_at_ms, kind, content FROM messages WHERE conversation_id = ? AND seq = ?",
    )?;
    let mut delete = transaction
        .prepare_cached("DELETE FROM search_words WHERE conversation_id = ? AND word = ? AND at_ms = ?")?;
    for seq in seqs {
        let found: Option<(i64, i32, String)> = select
            .query_row([conversation, seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((at_ms, kind, content)) = found else { continue };
        for word in words_of(kind, &content) {
            delete.execute(params![conversation, word, at_ms])?;
        }
    }
    Ok(())
}

fn compare(connection: &Connection, after: i64, limit: u32) -> Result<Compared, Error> {
    let mut select = connection.prepare_cached(
        "SELECT c.id, c.last_seq, COALESCE(s.seq, 0) FROM conversations c
         LEFT JOIN search_cursors s ON s.conversation_id = c.id WHERE c.id > ? ORDER BY c.id LIMIT ?",
    )?;
    let rows = select.query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(i64, i64, i64)> = rows.collect::<Result<_, _>>()?;
    Ok(Compared::of(&rows, limit))
}

fn lease_sweep(
    connection: &Connection,
    owner: &str,
    (now_ms, lease_ms): (i64, i64),
    at: Option<i64>,
) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached(
            "UPDATE search_sweep SET after_id = CASE owner WHEN ?1 THEN COALESCE(?2, after_id) ELSE after_id END,
                    owner = ?1, lease_until_ms = ?3
             WHERE id = 1 AND (owner = ?1 OR lease_until_ms <= ?4)",
        )?
        .execute(params![owner, at, now_ms.saturating_add(lease_ms), now_ms])?;
    let found = connection
        .prepare_cached("SELECT after_id FROM search_sweep WHERE id = 1 AND owner = ?")?
        .query_row([owner], |row| row.get(0));
    Ok(found.optional()?)
}

fn searched(connection: &Connection, user: UserId, rooms_max: u32) -> Result<Vec<Searched>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT id, last_at_ms FROM (SELECT id, last_at_ms FROM conversations WHERE kind = ?1 ORDER BY id LIMIT ?2)
         UNION ALL
         SELECT c.id, c.last_at_ms FROM members m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.user_id = ?3",
    )?;
    let room = i32::from(ConversationKind::Room);
    let rows = select.query_map(params![room, rooms_max, user.get()], |row| {
        Ok(Searched { conversation: row.get(0)?, last_at_ms: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn postings(
    connection: &Connection,
    words: &[String],
    looks: &[Look],
    limit: u32,
) -> Result<Vec<Vec<Posting>>, Error> {
    let Some((first, others)) = words.split_first() else { return Ok(vec![Vec::new(); looks.len()]) };
    let mut select = connection.prepare_cached(
        "SELECT at_ms, seq FROM search_words WHERE conversation_id = ? AND word = ? AND at_ms < ?
         ORDER BY at_ms DESC LIMIT ?",
    )?;
    let mut has = connection
        .prepare_cached("SELECT 1 FROM search_words WHERE conversation_id = ? AND word = ? AND at_ms = ?")?;
    let mut found = Vec::with_capacity(looks.len());
    for look in looks {
        let bounds = params![look.conversation, first, look.before_ms, limit];
        let rows = select.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut of_look = Vec::new();
        for row in rows {
            let (at_ms, seq): (i64, i64) = row?;
            let mut has_all = true;
            for word in others {
                has_all = has_all && has.exists(params![look.conversation, word, at_ms])?;
            }
            of_look.push(Posting { at_ms, seq, has_all });
        }
        found.push(of_look);
    }
    Ok(found)
}

fn messages_at(connection: &Connection, places: &[(i64, i64)]) -> Result<Vec<Message>, Error> {
    let sql = format!("SELECT {} FROM messages WHERE conversation_id = ? AND seq = ?", history::COLUMNS);
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(places.len());
    for &(conversation, seq) in places {
        found.extend(select.query_row([conversation, seq], history::read).optional()?);
    }
    Ok(found)
}
