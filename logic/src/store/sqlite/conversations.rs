//! Creation of conversations, and what they are.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::fault::unique_column;
use super::{accounts, contacts, outbox};
use crate::store::{ConversationInfo, Error, OutboxRow, events};

pub(super) const COLUMNS: &str = "c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<ConversationInfo> {
    let id: i64 = row.get(0)?;
    Ok(ConversationInfo {
        id: ConversationId::new(id).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, id))?,
        kind: events::kind(row.get(1)?),
        name: row.get(2)?,
        creator_id: row.get(3)?,
        head: row.get(4)?,
        last_at_ms: row.get(5)?,
    })
}

pub(super) fn create_room(
    connection: &mut Connection,
    owner: &str,
    name: &str,
    creator: &User,
    now_ms: i64,
) -> Result<(ConversationInfo, OutboxRow), Error> {
    let transaction = connection.transaction()?;
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO conversations (kind, name, name_key, creator_id, created_at_ms) VALUES (?, ?, ?, ?, ?)",
        )?
        .insert(params![i32::from(ConversationKind::Room), name, name.to_lowercase(), creator.id, now_ms]);
    let id = inserted.map_err(|error| match unique_column(&error) {
        Some("conversations.name_key") => Error::RoomNameTaken,
        _ => error.into(),
    })?;
    let info = fresh(id, ConversationKind::Room, name, creator)?;
    let row = outbox::insert(&transaction, owner, events::room_created(&info, creator, now_ms), now_ms)?;
    transaction.commit()?;
    Ok((info, row))
}

pub(super) fn direct(
    connection: &mut Connection,
    owner: &str,
    creator: &User,
    peer: UserId,
    now_ms: i64,
) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let creator_id = UserId::new(creator.id).ok_or(Error::NoUser(creator.id))?;
    let (lo, hi) = (creator_id.min(peer), creator_id.max(peer));
    let sql = format!("SELECT {COLUMNS} FROM conversations c WHERE c.user_lo = ? AND c.user_hi = ?");
    let existing =
        transaction.prepare_cached(&sql)?.query_row(params![lo.get(), hi.get()], read).optional()?;
    if let Some(info) = existing {
        return Ok((info, None));
    }
    let peer_user = accounts::users(&transaction, &[peer])?.pop().ok_or(Error::NoUser(peer.get()))?;
    accounts::users(&transaction, &[creator_id])?;
    let pair = (lo.get(), hi.get());
    let blocked = contacts::blocked(&transaction, pair)?;
    if blocked.stops(creator.id, pair) {
        return Err(Error::Blocked);
    }
    let id = transaction
        .prepare_cached(
            "INSERT INTO conversations (kind, name, creator_id, user_lo, user_hi, blocked, created_at_ms)
             VALUES (?, '', ?, ?, ?, ?, ?)",
        )?
        .insert(params![
            i32::from(ConversationKind::Direct),
            creator.id,
            pair.0,
            pair.1,
            blocked.0,
            now_ms
        ])?;
    let mut sides = vec![lo, hi];
    sides.dedup();
    insert_members(&transaction, id, &sides, now_ms)?;
    let info = fresh(id, ConversationKind::Direct, "", creator)?;
    let payload = events::direct_created(&info, creator, &peer_user, now_ms);
    let row = outbox::insert(&transaction, owner, payload, now_ms)?;
    transaction.commit()?;
    Ok((info, Some(row)))
}

pub(super) fn conversation(
    connection: &Connection,
    id: ConversationId,
    user: UserId,
) -> Result<Option<(ConversationInfo, bool)>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, EXISTS (SELECT 1 FROM members m WHERE m.conversation_id = c.id AND m.user_id = ?2)
         FROM conversations c WHERE c.id = ?1"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row(params![id.get(), user.get()], |row| Ok((read(row)?, row.get::<_, bool>(6)?)));
    let found = found.optional()?;
    Ok(found.map(|(info, member)| {
        let open = info.kind == ConversationKind::Room;
        (info, member || open)
    }))
}

pub(super) fn insert_members(
    transaction: &Transaction<'_>,
    conversation: i64,
    members: &[UserId],
    now_ms: i64,
) -> Result<(), Error> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO members (conversation_id, user_id, joined_at_ms) VALUES (?, ?, ?)")?;
    for member in members {
        insert.execute(params![conversation, member.get(), now_ms])?;
    }
    Ok(())
}

pub(super) fn fresh(
    id: i64,
    kind: ConversationKind,
    name: &str,
    creator: &User,
) -> Result<ConversationInfo, Error> {
    let id = ConversationId::new(id).ok_or_else(|| Error::Internal(format!("conversation id {id}")))?;
    Ok(ConversationInfo { id, kind, name: name.to_owned(), creator_id: creator.id, head: 0, last_at_ms: 0 })
}
