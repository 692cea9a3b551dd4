//! Groups.

use std::collections::{BTreeSet, HashMap};

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message, User};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tonic::async_trait;

use super::sanctions::mute;
use super::{
    SqliteStore, accounts, append, client_keys, conversation_settings, conversations, cursors, group_links,
    outbox,
};
use crate::policy::Role;
use crate::store::client_keys::conversation_of;
use crate::store::groups::{Known, Verdict, Write, judge, tell};
use crate::store::plan::Head;
use crate::store::sanctions::refuse_silenced;
use crate::store::{
    ConversationInfo, ConversationSettings, Error, GroupChange, GroupDetails, GroupLink, GroupOrder,
    GroupState, GroupStore, Member, NewGroup, NewLink, OutboxRow, SettingsChange, events,
};

#[async_trait]
impl GroupStore for SqliteStore {
    async fn found_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let (owner, new) = (owner.to_owned(), new.clone());
        self.publish(
            move |connection| found(connection, &owner, &new),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn change_group(&self, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error> {
        let (owner, order) = (owner.to_owned(), order.clone());
        self.publish(
            move |connection| change(connection, &owner, &order),
            |row| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn group(&self, id: ConversationId, user: UserId) -> Result<Option<GroupDetails>, Error> {
        self.read(move |connection| details(connection, id, user)).await
    }

    async fn create_link(&self, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error> {
        let new = new.clone();
        self.write(move |connection| group_links::create(connection, &new)).await
    }

    async fn links(&self, id: ConversationId) -> Result<Vec<GroupLink>, Error> {
        self.read(move |connection| group_links::of_group(connection, id)).await
    }

    async fn revoke_link(&self, id: ConversationId, link: i64) -> Result<bool, Error> {
        self.write(move |connection| group_links::revoke(connection, id, link)).await
    }

    async fn join_by_link(
        &self,
        owner: &str,
        token_hash: &[u8; 32],
        user: &User,
        members_max: u32,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        let (owner, token_hash, user) = (owner.to_owned(), *token_hash, user.clone());
        self.publish(
            move |connection| group_links::join(connection, &owner, &token_hash, &user, members_max, now_ms),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }

    async fn set_for_user(
        &self,
        owner: &str,
        change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
        let (owner, change) = (owner.to_owned(), *change);
        self.publish(
            move |connection| conversation_settings::change(connection, &owner, &change),
            |(_, row)| row.as_ref().map(|row| row.id),
        )
        .await
    }
}

fn found(
    connection: &mut Connection,
    owner: &str,
    new: &NewGroup,
) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
    let transaction = connection.transaction()?;
    let creator = UserId::new(new.creator.id).ok_or(Error::NoUser(new.creator.id))?;
    if let Some(key) = &new.key
        && let Some(subject) = client_keys::find(&transaction, key, new.now_ms)?
    {
        let found = conversations::conversation(&transaction, conversation_of(&subject)?, creator)?;
        let (info, _) = found.ok_or(Error::NoConversation)?;
        return Ok((info, None));
    }
    let members: BTreeSet<UserId> = new.members.iter().copied().chain([creator]).collect();
    let members: Vec<UserId> = members.into_iter().collect();
    accounts::users(&transaction, &members)?;
    refuse_silenced(mute(&transaction, new.creator.id)?, new.now_ms)?;
    let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let id = transaction
        .prepare_cached(
            "INSERT INTO conversations (kind, name, creator_id, created_at_ms, members_count)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .insert(params![i32::from(ConversationKind::Group), new.name, new.creator.id, new.now_ms, count])?;
    conversations::insert_members(&transaction, id, &members, new.now_ms)?;
    update_member(&transaction, id, creator, Role::Owner, 0)?;
    if let Some(key) = &new.key {
        client_keys::write(&transaction, key, &id.to_be_bytes(), new.now_ms)?;
    }
    let info = conversations::fresh(id, ConversationKind::Group, &new.name, &new.creator)?;
    let payload = events::group_created(&info, &new.creator, members, new.now_ms);
    let row = outbox::insert(&transaction, owner, payload, new.now_ms)?;
    transaction.commit()?;
    Ok((info, Some(row)))
}

fn change(connection: &mut Connection, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error> {
    let transaction = connection.transaction()?;
    let group = state(&transaction, order.group)?.ok_or(Error::NoConversation)?;
    let row = change_in(&transaction, owner, order, group)?;
    transaction.commit()?;
    Ok(row)
}

/// Changes a group inside the transaction.
pub(super) fn change_in(
    transaction: &Transaction<'_>,
    owner: &str,
    order: &GroupOrder,
    group: GroupState,
) -> Result<Option<OutboxRow>, Error> {
    let known = known(transaction, order, group)?;
    let Some(verdict) = judge(order, &known)? else { return Ok(None) };
    write(transaction, order, &verdict)?;
    let content = verdict.content.as_ref();
    let message = content.map(|content| say(transaction, order, &verdict.group.info, content.clone()));
    let payload = tell(order, &verdict, message.transpose()?.as_ref());
    Ok(Some(outbox::insert(transaction, owner, payload, order.now_ms)?))
}

/// The group of this id.
pub(super) fn state(connection: &Connection, id: ConversationId) -> Result<Option<GroupState>, Error> {
    let sql = format!(
        "SELECT {}, c.members_count, c.avatar, c.announcement, c.muted_all, c.dissolved_at_ms, c.expires_in_ms
         FROM conversations c WHERE c.id = ? AND c.kind = ?",
        conversations::COLUMNS
    );
    let found = connection.prepare_cached(&sql)?.query_row(
        params![id.get(), i32::from(ConversationKind::Group)],
        |row| {
            Ok(GroupState {
                info: conversations::read(row)?,
                members: row.get(6)?,
                avatar: row.get(7)?,
                announcement: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
                is_muted_all: row.get(9)?,
                dissolved_at_ms: row.get(10)?,
                expires_in_ms: row.get(11)?,
            })
        },
    );
    Ok(found.optional()?)
}

/// What a member is, and until when they may not send.
pub(super) fn standing(
    connection: &Connection,
    group: ConversationId,
    user: UserId,
) -> Result<Option<(Role, i64)>, Error> {
    let found = connection
        .prepare_cached("SELECT role, muted_until_ms FROM members WHERE conversation_id = ? AND user_id = ?")?
        .query_row([group.get(), user.get()], |row| Ok((Role::of(row.get(0)?), row.get(1)?)));
    Ok(found.optional()?)
}

fn known(transaction: &Transaction<'_>, order: &GroupOrder, group: GroupState) -> Result<Known, Error> {
    let named = order.named();
    let mut members = HashMap::new();
    for user in named.iter().copied().chain(UserId::new(order.actor.id)) {
        members.extend(standing(transaction, order.group, user)?.map(|standing| (user.get(), standing)));
    }
    let (mut users, mut kept_mutes) = (HashMap::new(), HashMap::new());
    let mut kept = transaction.prepare_cached(
        "SELECT until_ms FROM kept_mutes WHERE conversation_id = ? AND user_id = ? AND until_ms > ?",
    )?;
    for user in named {
        let until_ms = kept.query_row([order.group.get(), user.get(), order.now_ms], |row| row.get(0));
        kept_mutes.extend(until_ms.optional()?.map(|until_ms| (user.get(), until_ms)));
        let found = match order.change {
            GroupChange::Add(_) => accounts::present(transaction, user)?,
            _ => accounts::user(transaction, user.get())?,
        };
        users.extend(found.map(|found| (user.get(), found)));
    }
    let admins = transaction
        .prepare_cached(
            "SELECT COUNT(*) FROM members INDEXED BY members_role
             WHERE conversation_id = ? AND role > 0 AND role = ?",
        )?
        .query_row([order.group.get(), Role::Admin.stored()], |row| row.get(0))?;
    let silenced = mute(transaction, order.actor.id)?;
    Ok(Known { group, members, users, admins, kept_mutes, silenced })
}

fn write(transaction: &Transaction<'_>, order: &GroupOrder, verdict: &Verdict) -> Result<(), Error> {
    let GroupState { info, members, avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms } =
        &verdict.group;
    let id = info.id.get();
    for write in &verdict.writes {
        match write {
            Write::Insert(added) => {
                conversations::insert_members(transaction, id, added, order.now_ms)?;
                let mut forget = transaction
                    .prepare_cached("DELETE FROM kept_mutes WHERE conversation_id = ? AND user_id = ?")?;
                for member in added {
                    cursors::raise(transaction, (member.get(), id), (info.head, info.head), order.now_ms)?;
                    forget.execute([id, member.get()])?;
                }
            }
            Write::KeepMute(member, until_ms) => {
                transaction
                    .prepare_cached("DELETE FROM kept_mutes WHERE conversation_id = ? AND until_ms <= ?")?
                    .execute([id, order.now_ms])?;
                transaction
                    .prepare_cached(
                        "REPLACE INTO kept_mutes (conversation_id, user_id, until_ms) VALUES (?, ?, ?)",
                    )?
                    .execute([id, member.get(), *until_ms])?;
            }
            Write::Delete(member) => {
                transaction
                    .prepare_cached("DELETE FROM members WHERE conversation_id = ? AND user_id = ?")?
                    .execute([id, member.get()])?;
            }
            Write::Update(member, role, until_ms) => {
                update_member(transaction, id, *member, *role, *until_ms)?;
            }
        }
    }
    transaction
        .prepare_cached(
            "UPDATE conversations SET name = ?, members_count = ?, avatar = ?, announcement = ?, muted_all = ?,
                 dissolved_at_ms = ?, expires_in_ms = ? WHERE id = ?",
        )?
        .execute(params![
            info.name,
            members,
            avatar,
            announcement,
            is_muted_all,
            dissolved_at_ms,
            expires_in_ms,
            id
        ])?;
    Ok(())
}

fn update_member(
    transaction: &Transaction<'_>,
    group: i64,
    member: UserId,
    role: Role,
    muted_until_ms: i64,
) -> Result<(), Error> {
    transaction
        .prepare_cached(
            "UPDATE members SET role = ?, muted_until_ms = ? WHERE conversation_id = ? AND user_id = ?",
        )?
        .execute([role.stored(), muted_until_ms, group, member.get()])?;
    Ok(())
}

/// Appends a SYSTEM message.
fn say(
    transaction: &Transaction<'_>,
    order: &GroupOrder,
    info: &ConversationInfo,
    content: String,
) -> Result<Message, Error> {
    let (seq, at_ms) = Head::of(info).next(order.now_ms);
    append::bump(transaction, info.id.get(), seq, at_ms)?;
    let message = events::system_message(info, (seq, at_ms), &order.actor, content);
    transaction
        .prepare_cached(
            "INSERT INTO messages
             (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content, created_at_ms)
             VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
        )?
        .execute(params![
            message.conversation,
            message.seq,
            order.actor.id,
            order.actor.username,
            message.kind,
            message.content,
            message.created_at_ms
        ])?;
    Ok(message)
}

fn details(
    connection: &mut Connection,
    id: ConversationId,
    user: UserId,
) -> Result<Option<GroupDetails>, Error> {
    let snapshot = connection.transaction()?;
    let Some(state) = state(&snapshot, id)? else { return Ok(None) };
    let (role, muted_until_ms) = standing(&snapshot, id, user)?.unwrap_or((Role::Stranger, 0));
    let mut select = snapshot.prepare_cached(
        "SELECT user_id, role FROM members INDEXED BY members_role
         WHERE conversation_id = ? AND role > 0 ORDER BY user_id",
    )?;
    let rows = select.query_map([id.get()], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let managers: Vec<(i64, Option<i64>)> = rows.collect::<Result<_, _>>()?;
    let manager = |(user, role)| Some((UserId::new(user)?, Role::of(role)));
    let managers = managers.into_iter().filter_map(manager).collect();
    Ok(Some(GroupDetails { state, role, muted_until_ms, managers }))
}

pub(super) fn members(
    connection: &Connection,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Member>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT m.user_id, COALESCE(u.username, ''), m.joined_at_ms, m.role, m.muted_until_ms
         FROM members m LEFT JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
    )?;
    let rows = select.query_map(params![id.get(), after, limit], |row| {
        Ok(Member {
            user: User { id: row.get(0)?, username: row.get(1)? },
            joined_at_ms: row.get(2)?,
            role: Role::of(row.get(3)?),
            muted_until_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
