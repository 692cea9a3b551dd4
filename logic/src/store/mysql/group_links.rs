//! Links by which people come into groups. The group's row is locked before the link's.

use mysql_async::{Conn, TxOpts};
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::User;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now};
use super::sql::{execute, first, rows};
use super::{client_keys, groups};
use crate::policy::Role;
use crate::store::groups::{Opening, judge_link, link_subject, no_link};
use crate::store::{ConversationInfo, Error, GroupLink, NewLink, OutboxRow};

/// id, creator_id, the creator's name, created_at_ms, expires_at_ms, uses_max, uses.
type LinkRow = (i64, i64, String, i64, i64, i64, i64);
const LINKS: &str = "SELECT l.id, l.creator_id, COALESCE(u.username, ''), l.created_at_ms, l.expires_at_ms, \
     l.uses_max, l.uses FROM group_links l LEFT JOIN users u ON u.id = l.creator_id WHERE l.conversation_id = ?";

fn link((id, creator, username, created_at_ms, expires_at_ms, uses_max, uses): LinkRow) -> GroupLink {
    GroupLink { id, creator: User { id: creator, username }, created_at_ms, expires_at_ms, uses_max, uses }
}

/// See [`crate::store::GroupStore::create_link`].
pub(super) async fn create(connection: &mut Conn, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Failure> {
    let mut transaction = connection.start_transaction(TxOpts::default()).await?;
    let group = groups::lock(&mut transaction, new.group).await?;
    let id = new.group.get();
    let role: Option<(i64,)> = first(
        &mut transaction,
        "SELECT role FROM members WHERE conversation_id = ? AND user_id = ?",
        (id, new.creator.id),
    )
    .await?;
    let role = Role::of(role.map(|(role,)| role));
    if let Some(key) = &new.key
        && let Some(subject) = client_keys::find(&mut transaction, key, new.now_ms).await?
    {
        let (made, salt) = link_subject(&subject)?;
        let found: Option<LinkRow> =
            first(&mut transaction, &format!("{LINKS} AND l.id = ?"), (id, made)).await?;
        return Ok((link(found.ok_or_else(no_link)?), salt));
    }
    let sql = "DELETE FROM group_links WHERE conversation_id = ? AND expires_at_ms BETWEEN 1 AND ?";
    execute(&mut transaction, sql, (id, new.now_ms)).await?;
    let count = "SELECT COUNT(*) FROM group_links WHERE conversation_id = ?";
    let count: Option<(u32,)> = first(&mut transaction, count, (id,)).await?;
    judge_link(new, role, &group, count.map_or(0, |(count,)| count))?;
    let (made, _) = execute(
        &mut transaction,
        "INSERT INTO group_links (conversation_id, token_hash, creator_id, created_at_ms, expires_at_ms, uses_max)
         VALUES (?, ?, ?, ?, ?, ?)",
        (id, &new.token_hash[..], new.creator.id, new.now_ms, new.expires_at_ms, new.uses_max),
    )
    .await?;
    if let Some(key) = &new.key {
        let subject = [&made.to_be_bytes()[..], &new.salt].concat();
        client_keys::write(&mut transaction, key, &subject, new.now_ms).await?;
    }
    transaction.commit().await?;
    Ok((new.link(made), new.salt))
}

pub(super) async fn of_group(connection: &mut Conn, id: ConversationId) -> Result<Vec<GroupLink>, Failure> {
    let found: Vec<LinkRow> = rows(connection, &format!("{LINKS} ORDER BY l.id"), (id.get(),)).await?;
    Ok(found.into_iter().map(link).collect())
}

pub(super) async fn revoke(connection: &mut Conn, id: ConversationId, made: i64) -> Result<bool, Failure> {
    let sql = "DELETE FROM group_links WHERE conversation_id = ? AND id = ?";
    Ok(execute(connection, sql, (id.get(), made)).await?.1 > 0)
}

/// See [`crate::store::GroupStore::join_by_link`].
#[derive(Debug)]
pub(super) struct Join<'a> {
    pub(super) token_hash: &'a [u8; 32],
    pub(super) user: &'a User,
    pub(super) members_max: u32,
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for Join<'_> {
    type Output = (ConversationInfo, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let sql = "SELECT conversation_id FROM group_links WHERE token_hash = ?";
        let group: Option<(i64,)> = first(connection, sql, (&self.token_hash[..],)).await?;
        let group = group.and_then(|(id,)| ConversationId::new(id)).ok_or_else(no_link)?;
        let group = groups::lock(connection, group).await?;
        let id = group.info.id;
        let opening: Option<(i64, i64, i64)> = first(
            connection,
            "SELECT expires_at_ms, uses_max, uses FROM group_links WHERE token_hash = ? FOR UPDATE",
            (&self.token_hash[..],),
        )
        .await?;
        let (expires_at_ms, uses_max, uses) = opening.ok_or_else(no_link)?;
        let member = UserId::new(self.user.id).ok_or(Error::NoUser(self.user.id))?;
        let is_member = groups::is_member(connection, id, member).await?;
        let opening = Opening { expires_at_ms, uses_max, uses, is_member };
        let order = opening.order(id, self.user, self.members_max, self.now_ms)?;
        if !is_member {
            let sql = "UPDATE group_links SET uses = uses + 1 WHERE token_hash = ?";
            execute(connection, sql, (&self.token_hash[..],)).await?;
        }
        let info = group.info.clone();
        let row = groups::change(connection, owner, &order, group).await?;
        Ok(Done { last_row: row.as_ref().map(|row| row.id), value: (info, row) })
    }
}
