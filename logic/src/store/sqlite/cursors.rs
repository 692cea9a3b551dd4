//! How far users have got.

use std::collections::BTreeSet;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::outbox;
use crate::store::cursors::{Known, Place, RowChange, Verdict, judge, tell};
use crate::store::events::kind;
use crate::store::{CursorMove, Error, MemberCursor, Moved, OutboxRow};

/// See [`crate::store::Store::move_cursors`].
pub(super) fn advance(
    connection: &mut Connection,
    owner: &str,
    moves: &[CursorMove],
    told_members_max: u32,
    now_ms: i64,
) -> Result<(Vec<Moved>, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let known = known(&transaction, moves, told_members_max)?;
    let verdicts: Vec<Verdict> = moves.iter().map(|step| judge(step, &known)).collect();
    let mut own = Vec::with_capacity(moves.len());
    for (step, verdict) in moves.iter().zip(&verdicts) {
        let (user, conversation) = (step.user.get(), step.conversation.get());
        let Verdict::Stands { delivered_seq, read_seq, head, row } = *verdict else {
            own.push(0);
            continue;
        };
        if row != RowChange::None {
            raise(&transaction, (user, conversation), (delivered_seq, read_seq), now_ms)?;
        }
        own.push(own_above(&transaction, user, conversation, read_seq, head)?);
    }
    let (answers, payload) = tell(moves, &verdicts, &own, &known, told_members_max, now_ms);
    let row = match payload {
        Some(payload) => Some(outbox::insert(&transaction, owner, payload, now_ms)?),
        None => None,
    };
    transaction.commit()?;
    Ok((answers, row))
}

fn known(transaction: &Transaction<'_>, moves: &[CursorMove], told_members_max: u32) -> Result<Known, Error> {
    let mut known = Known::default();
    let mut place = transaction.prepare_cached(
        "SELECT kind, last_seq, created_at_ms, user_lo, user_hi FROM conversations WHERE id = ?",
    )?;
    let mut companions =
        transaction.prepare_cached("SELECT user_id FROM members WHERE conversation_id = ? LIMIT ?")?;
    let mut secretive = transaction
        .prepare_cached("SELECT 1 FROM contact_settings WHERE user_id = ? AND sends_receipts = 0")?;
    let mut member =
        transaction.prepare_cached("SELECT 1 FROM members WHERE conversation_id = ? AND user_id = ?")?;
    let mut since = transaction.prepare_cached("SELECT created_at_ms FROM users WHERE id = ?")?;
    let mut row = transaction.prepare_cached(
        "SELECT delivered_seq, read_seq FROM cursors WHERE user_id = ? AND conversation_id = ?",
    )?;
    let conversations: BTreeSet<i64> = moves.iter().map(|step| step.conversation.get()).collect();
    for id in conversations {
        let found = place.query_row([id], |row| {
            let pair: (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            let kind = kind(row.get(0)?);
            Ok(Place { kind, head: row.get(1)?, created_at_ms: row.get(2)?, pair: pair.0.zip(pair.1) })
        });
        let Some(found) = found.optional()? else { continue };
        if found.kind == ConversationKind::Group {
            let limit = i64::from(told_members_max) + 1;
            let members = companions.query_map([id, limit], |row| row.get(0))?;
            known.companions.insert(id, members.collect::<Result<_, _>>()?);
        }
        let told = known.companions.get(&id).into_iter().flatten().copied();
        for user in told.chain(found.pair.into_iter().flat_map(|(lo, hi)| [lo, hi])) {
            if secretive.exists([user])? {
                known.secretive.insert(user);
            }
        }
        known.places.insert(id, found);
    }
    for step in moves {
        let (user, conversation) = (step.user.get(), step.conversation.get());
        if member.exists([conversation, user])? {
            known.members.insert((conversation, user));
        }
        if let Some(created_at_ms) = since.query_row([user], |row| row.get(0)).optional()? {
            known.since.insert(user, created_at_ms);
        }
        let found = row.query_row([user, conversation], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some(found) = found {
            known.rows.insert((user, conversation), found);
        }
    }
    Ok(known)
}

/// Raises a cursor to at least these places. `at`: user, conversation.
pub(super) fn raise(
    connection: &Connection,
    at: (i64, i64),
    (delivered_seq, read_seq): (i64, i64),
    now_ms: i64,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO cursors (user_id, conversation_id, delivered_seq, read_seq, updated_at_ms)
             VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET delivered_seq = MAX(delivered_seq, excluded.delivered_seq),
                 read_seq = MAX(read_seq, excluded.read_seq), updated_at_ms = excluded.updated_at_ms",
        )?
        .execute(params![at.0, at.1, delivered_seq, read_seq, now_ms])?;
    Ok(())
}

/// Messages of the user's own above a place, up to another.
pub(super) fn own_above(
    connection: &Connection,
    user: i64,
    conversation: i64,
    above: i64,
    up_to: i64,
) -> Result<i64, Error> {
    if above >= up_to {
        return Ok(0);
    }
    let count = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM messages
             WHERE sender_id = ? AND conversation_id = ? AND seq > ? AND seq <= ?",
        )?
        .query_row([user, conversation, above, up_to], |row| row.get(0))?;
    Ok(count)
}

/// Where a user begins in rooms that are older than the account: (room, head).
pub(super) fn begin(
    connection: &mut Connection,
    rooms: &[(UserId, i64, i64)],
    now_ms: i64,
) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO cursors (user_id, conversation_id, delivered_seq, read_seq, updated_at_ms)
             VALUES (?1, ?2, ?3, ?3, ?4)",
        )?;
        for (user, room, head) in rooms {
            insert.execute([user.get(), *room, *head, now_ms])?;
        }
    }
    Ok(transaction.commit()?)
}

pub(super) fn cursors(
    connection: &Connection,
    id: ConversationId,
    limit: u32,
) -> Result<Vec<MemberCursor>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT m.user_id, COALESCE(k.delivered_seq, 0), COALESCE(k.read_seq, 0), COALESCE(s.sends_receipts, 1)
         FROM members m LEFT JOIN cursors k ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id
         LEFT JOIN contact_settings s ON s.user_id = m.user_id
         WHERE m.conversation_id = ? ORDER BY m.user_id LIMIT ?",
    )?;
    let rows = select.query_map([id.get(), i64::from(limit)], |row| {
        Ok(MemberCursor {
            user: row.get(0)?,
            delivered_seq: row.get(1)?,
            read_seq: row.get(2)?,
            sends_receipts: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What lists show of the user is another: in all conversations in which they were ever seen, the lists of the others
/// have to be told of it.
pub(super) fn stamp_all(connection: &Connection, user: UserId, now_ms: i64) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE cursors SET updated_at_ms = MAX(updated_at_ms, ?) WHERE user_id = ?")?
        .execute([now_ms, user.get()])?;
    Ok(())
}
