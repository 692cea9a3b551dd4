//! Links by which people come into groups.

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{client_keys, groups};
use crate::policy::Role;
use crate::store::groups::{Opening, judge_link, link_subject, no_link};
use crate::store::{ConversationInfo, Error, GroupLink, NewLink, OutboxRow};

const LINKS: &str = "SELECT l.id, l.creator_id, COALESCE(u.username, ''), l.created_at_ms, l.expires_at_ms, \
     l.uses_max, l.uses FROM group_links l LEFT JOIN users u ON u.id = l.creator_id WHERE l.conversation_id = ?";

fn link(row: &Row<'_>) -> rusqlite::Result<GroupLink> {
    Ok(GroupLink {
        id: row.get(0)?,
        creator: User { id: row.get(1)?, username: row.get(2)? },
        created_at_ms: row.get(3)?,
        expires_at_ms: row.get(4)?,
        uses_max: row.get(5)?,
        uses: row.get(6)?,
    })
}

/// See [`crate::store::GroupStore::create_link`].
pub(super) fn create(connection: &mut Connection, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error> {
    let transaction = connection.transaction()?;
    let group = groups::state(&transaction, new.group)?.ok_or(Error::NoConversation)?;
    let id = new.group.get();
    if let Some(key) = &new.key
        && let Some(subject) = client_keys::find(&transaction, key, new.now_ms)?
    {
        let (made, salt) = link_subject(&subject)?;
        let mut select = transaction.prepare_cached(&format!("{LINKS} AND l.id = ?"))?;
        let found = select.query_row([id, made], link).optional()?;
        return Ok((found.ok_or_else(no_link)?, salt));
    }
    transaction
        .prepare_cached(
            "DELETE FROM group_links WHERE conversation_id = ? AND expires_at_ms BETWEEN 1 AND ?",
        )?
        .execute([id, new.now_ms])?;
    let count = transaction
        .prepare_cached("SELECT COUNT(*) FROM group_links WHERE conversation_id = ?")?
        .query_row([id], |row| row.get(0))?;
    let role = UserId::new(new.creator.id).map(|user| groups::standing(&transaction, new.group, user));
    let role = role.transpose()?.flatten().map_or(Role::Stranger, |(role, _)| role);
    judge_link(new, role, &group, count)?;
    let made = transaction
        .prepare_cached(
            "INSERT INTO group_links (conversation_id, token_hash, creator_id, created_at_ms, expires_at_ms, uses_max)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .insert(params![
            id,
            &new.token_hash[..],
            new.creator.id,
            new.now_ms,
            new.expires_at_ms,
            new.uses_max
        ])?;
    if let Some(key) = &new.key {
        let subject = [&made.to_be_bytes()[..], &new.salt].concat();
        client_keys::write(&transaction, key, &subject, new.now_ms)?;
    }
    transaction.commit()?;
    Ok((new.link(made), new.salt))
}

pub(super) fn of_group(connection: &Connection, id: ConversationId) -> Result<Vec<GroupLink>, Error> {
    let mut select = connection.prepare_cached(&format!("{LINKS} ORDER BY l.id"))?;
    let rows = select.query_map([id.get()], link)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn revoke(connection: &Connection, id: ConversationId, made: i64) -> Result<bool, Error> {
    let mut delete =
        connection.prepare_cached("DELETE FROM group_links WHERE conversation_id = ? AND id = ?")?;
    Ok(delete.execute([id.get(), made])? > 0)
}

/// See [`crate::store::GroupStore::join_by_link`].
pub(super) fn join(
    connection: &mut Connection,
    owner: &str,
    token_hash: &[u8; 32],
    user: &User,
    members_max: u32,
    now_ms: i64,
) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let found: Option<(i64, i64, i64, i64)> = transaction
        .prepare_cached(
            "SELECT conversation_id, expires_at_ms, uses_max, uses FROM group_links WHERE token_hash = ?",
        )?
        .query_row([&token_hash[..]], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let (id, expires_at_ms, uses_max, uses) = found.ok_or_else(no_link)?;
    let id = ConversationId::new(id).ok_or_else(no_link)?;
    let group = groups::state(&transaction, id)?.ok_or(Error::NoConversation)?;
    let member = UserId::new(user.id).ok_or(Error::NoUser(user.id))?;
    let is_member = groups::standing(&transaction, id, member)?.is_some();
    let order = Opening { expires_at_ms, uses_max, uses, is_member }.order(id, user, members_max, now_ms)?;
    if !is_member {
        transaction
            .prepare_cached("UPDATE group_links SET uses = uses + 1 WHERE token_hash = ?")?
            .execute([&token_hash[..]])?;
    }
    let info = group.info.clone();
    let row = groups::change_in(&transaction, owner, &order, group)?;
    transaction.commit()?;
    Ok((info, row))
}
