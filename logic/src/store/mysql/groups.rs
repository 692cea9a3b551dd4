//! Groups. The group's row is locked by whoever changes it, so a change has its place among the messages, and what was
//! allowed when it was judged still is when it is committed.

use std::collections::{BTreeSet, HashMap};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message, MessageKind, User};
use tonic::async_trait;

use super::append::{INSERT_MESSAGES, bump, message};
use super::conversation_settings::SetForUser;
use super::conversations::{insert_members, read};
use super::cursors::begin_members;
use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::part::next_id;
use super::sanctions::{ask_mutes, read_mutes};
use super::sql::{Sql, column, execute, first, rows};
use super::store::{pooled, retried};
use super::{MysqlStore, accounts, client_keys, conversations, group_links};
use crate::policy::Role;
use crate::store::client_keys::conversation_of;
use crate::store::groups::{Known, Verdict, Write, judge, tell};
use crate::store::plan::Head;
use crate::store::sanctions::refuse_silenced;
use crate::store::shards::Shard;
use crate::store::{
    ConversationInfo, ConversationSettings, Error, GroupChange, GroupDetails, GroupLink, GroupOrder,
    GroupState, GroupStore, Member, NewGroup, NewLink, OutboxRow, SettingsChange, events,
};

const GROUP: &str = "SELECT id, kind, name, creator_id, last_seq, last_at_ms, members_count, avatar, \
     announcement, muted_all, dissolved_at_ms, expires_in_ms FROM conversations WHERE id = ? AND kind = 2";

#[async_trait]
impl GroupStore for MysqlStore {
    async fn found_group(
        &self,
        owner: &str,
        new: &NewGroup,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.transact(owner, &FoundGroup { new, shard: None }).await
    }

    async fn change_group(&self, owner: &str, order: &GroupOrder) -> Result<Option<OutboxRow>, Error> {
        self.transact(owner, order).await
    }

    async fn group(&self, id: ConversationId, user: UserId) -> Result<Option<GroupDetails>, Error> {
        pooled!(self, |connection| details(connection, id, user))
    }

    async fn create_link(&self, new: &NewLink) -> Result<(GroupLink, [u8; 32]), Error> {
        retried!(self, |connection| group_links::create(connection, new))
    }

    async fn links(&self, id: ConversationId) -> Result<Vec<GroupLink>, Error> {
        pooled!(self, |connection| group_links::of_group(connection, id))
    }

    async fn revoke_link(&self, id: ConversationId, link: i64) -> Result<bool, Error> {
        pooled!(self, |connection| group_links::revoke(connection, id, link))
    }

    async fn join_by_link(
        &self,
        owner: &str,
        token_hash: &[u8; 32],
        user: &User,
        members_max: u32,
        now_ms: i64,
    ) -> Result<(ConversationInfo, Option<OutboxRow>), Error> {
        self.transact(owner, &group_links::Join { token_hash, user, members_max, now_ms }).await
    }

    async fn set_for_user(
        &self,
        owner: &str,
        change: &SettingsChange,
    ) -> Result<(ConversationSettings, Option<OutboxRow>), Error> {
        self.transact(owner, &SetForUser { change, is_member: false }).await
    }
}

/// See [`GroupStore::found_group`].
#[derive(Debug)]
pub(super) struct FoundGroup<'a> {
    pub(super) new: &'a NewGroup,
    pub(super) shard: Option<Shard>,
}

#[async_trait]
impl Work for FoundGroup<'_> {
    type Output = (ConversationInfo, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let NewGroup { name, creator: founder, members, key, now_ms } = self.new;
        let creator = UserId::new(founder.id).ok_or(Error::NoUser(founder.id))?;
        let members: BTreeSet<UserId> = members.iter().copied().chain([creator]).collect();
        let members: Vec<UserId> = members.into_iter().collect();
        begin_now(connection, owner).await?;
        if let Some(key) = key
            && let Some(subject) = client_keys::find(connection, key, *now_ms).await?
        {
            let id = conversation_of(&subject)?;
            let found = conversations::conversation(connection, id, creator).await?;
            let (info, _) = found.ok_or(Error::NoConversation)?;
            connection.query_drop("COMMIT").await?;
            return Ok(Done { value: (info, None), last_row: None });
        }
        accounts::users(connection, &members).await?;
        let mut sql = Sql::default();
        ask_mutes(&mut sql, [founder.id]);
        let mutes = read_mutes(sql.run(connection).await?.remove(0))?;
        refuse_silenced(mutes.first().map(|&(_, until_ms)| until_ms), *now_ms)?;
        let count = i64::try_from(members.len()).unwrap_or(i64::MAX);
        let place = next_id(connection, self.shard).await?;
        let (made, _) = execute(
            connection,
            "INSERT INTO conversations (id, kind, name, creator_id, created_at_ms, members_count)
             VALUES (?, ?, ?, ?, ?, ?)",
            (place, i32::from(ConversationKind::Group), name, founder.id, now_ms, count),
        )
        .await?;
        let id = place.unwrap_or(made);
        insert_members(connection, id, &members, *now_ms).await?;
        update_member(connection, id, creator, Role::Owner, 0).await?;
        if let Some(key) = key {
            client_keys::write(connection, key, &id.to_be_bytes(), *now_ms).await?;
        }
        let kind = i64::from(i32::from(ConversationKind::Group));
        let info = read((id, kind, name.clone(), founder.id, 0, 0))?;
        let payload = events::group_created(&info, founder, members, *now_ms);
        let row = commit(connection, owner, payload, *now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (info, Some(row)) })
    }
}

#[async_trait]
impl Work for GroupOrder {
    type Output = Option<OutboxRow>;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let group = lock(connection, self.group).await?;
        let row = change(connection, owner, self, group).await?;
        Ok(Done { last_row: row.as_ref().map(|row| row.id), value: row })
    }
}

/// Changes a group whose row is locked, and commits.
pub(super) async fn change(
    connection: &mut Conn,
    owner: &str,
    order: &GroupOrder,
    group: GroupState,
) -> Result<Option<OutboxRow>, Failure> {
    let known = known(connection, order, group).await?;
    let Some(verdict) = judge(order, &known)? else {
        connection.query_drop("COMMIT").await?;
        return Ok(None);
    };
    write(connection, order, &verdict).await?;
    let message = match &verdict.content {
        Some(content) => Some(say(connection, order, &verdict.group.info, content.clone()).await?),
        None => None,
    };
    let payload = tell(order, &verdict, message.as_ref());
    Ok(Some(commit(connection, owner, payload, order.now_ms).await?))
}

/// The group, its row locked.
pub(super) async fn lock<Q: Queryable>(
    connection: &mut Q,
    id: ConversationId,
) -> Result<GroupState, Failure> {
    let found = first(connection, &format!("{GROUP} FOR UPDATE"), (id.get(),)).await?;
    state(found.ok_or(Error::NoConversation)?)
}

fn state(mut row: mysql_async::Row) -> Result<GroupState, Failure> {
    let row = &mut row;
    let columns = (
        column(row, 0)?,
        column(row, 1)?,
        column(row, 2)?,
        column(row, 3)?,
        column(row, 4)?,
        column(row, 5)?,
    );
    Ok(GroupState {
        info: read(columns)?,
        members: column(row, 6)?,
        avatar: column(row, 7)?,
        announcement: column::<Option<String>>(row, 8)?.unwrap_or_default(),
        is_muted_all: column(row, 9)?,
        dissolved_at_ms: column(row, 10)?,
        expires_in_ms: column(row, 11)?,
    })
}

async fn known(connection: &mut Conn, order: &GroupOrder, group: GroupState) -> Result<Known, Failure> {
    let id = group.info.id.get();
    let named: BTreeSet<i64> = order.named().iter().map(|user| user.get()).collect();
    let mut sql = Sql::default();
    sql.raw(
        "SELECT user_id, role, muted_until_ms FROM members FORCE INDEX (PRIMARY) WHERE conversation_id = ",
    );
    sql.int(id).raw(" AND user_id IN ").list(named.iter().copied().chain([order.actor.id])).end();
    sql.raw("SELECT COUNT(*) FROM members FORCE INDEX (members_role) WHERE role = ")
        .int(Role::Admin.stored());
    sql.raw(" AND conversation_id = ").int(id).end();
    ask_mutes(&mut sql, [order.actor.id]);
    sql.raw("SELECT user_id, until_ms FROM kept_mutes FORCE INDEX (PRIMARY) WHERE conversation_id = ")
        .int(id);
    sql.raw(" AND until_ms > ").int(order.now_ms).raw(" AND user_id IN ");
    sql.list(named.iter().copied().chain([order.actor.id])).end();
    if !named.is_empty() {
        sql.raw("SELECT id, username FROM users WHERE id IN ").list(named);
        if matches!(order.change, GroupChange::Add(_)) {
            sql.raw(accounts::NOT_DELETED);
        }
        sql.end();
    }
    let mut sets = sql.run(connection).await?.into_iter();
    let mut next = || sets.next().ok_or_else(|| Error::Internal("a statement was not answered".into()));
    let members: Vec<(i64, i64, i64)> = next()?.typed()?;
    let members = members.into_iter().map(|(user, role, until_ms)| (user, (Role::of(Some(role)), until_ms)));
    let members = members.collect();
    let admins: Vec<(u32,)> = next()?.typed()?;
    let admins = admins.first().map_or(0, |&(count,)| count);
    let silenced = read_mutes(next()?)?.first().map(|&(_, until_ms)| until_ms);
    let kept_mutes: Vec<(i64, i64)> = next()?.typed()?;
    let kept_mutes = kept_mutes.into_iter().collect();
    let users: Vec<(i64, String)> = match next() {
        Ok(set) => set.typed()?,
        Err(_) => Vec::new(),
    };
    let users =
        users.into_iter().map(|(id, username)| (id, User { id, username })).collect::<HashMap<_, _>>();
    Ok(Known { group, members, users, admins, kept_mutes, silenced })
}

async fn write(connection: &mut Conn, order: &GroupOrder, verdict: &Verdict) -> Result<(), Failure> {
    let GroupState { info, members, avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms } =
        &verdict.group;
    let id = info.id.get();
    for write in &verdict.writes {
        match write {
            Write::Insert(added) => {
                insert_members(connection, id, added, order.now_ms).await?;
                begin_members(connection, id, added, info.head, order.now_ms).await?;
                let mut sql = Sql::default();
                sql.raw("DELETE FROM kept_mutes WHERE conversation_id = ").int(id).raw(" AND user_id IN ");
                sql.list(added.iter().map(|member| member.get())).end();
                sql.run(connection).await?;
            }
            Write::KeepMute(member, until_ms) => {
                let sql = "DELETE FROM kept_mutes WHERE conversation_id = ? AND until_ms <= ?";
                execute(connection, sql, (id, order.now_ms)).await?;
                let sql = "REPLACE INTO kept_mutes (conversation_id, user_id, until_ms) VALUES (?, ?, ?)";
                execute(connection, sql, (id, member.get(), until_ms)).await?;
            }
            Write::Delete(member) => {
                let sql = "DELETE FROM members WHERE conversation_id = ? AND user_id = ?";
                execute(connection, sql, (id, member.get())).await?;
            }
            Write::Update(member, role, until_ms) => {
                update_member(connection, id, *member, *role, *until_ms).await?;
            }
        }
    }
    execute(
        connection,
        "UPDATE conversations SET name = ?, members_count = ?, avatar = ?, announcement = ?, muted_all = ?,
             dissolved_at_ms = ?, expires_in_ms = ? WHERE id = ?",
        (&info.name, members, avatar, announcement, is_muted_all, dissolved_at_ms, expires_in_ms, id),
    )
    .await?;
    Ok(())
}

async fn update_member(
    connection: &mut Conn,
    group: i64,
    member: UserId,
    role: Role,
    muted_until_ms: i64,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE members SET role = ?, muted_until_ms = ? WHERE conversation_id = ? AND user_id = ?",
        (role.stored(), muted_until_ms, group, member.get()),
    )
    .await?;
    Ok(())
}

/// Appends a SYSTEM message.
async fn say(
    connection: &mut Conn,
    order: &GroupOrder,
    info: &ConversationInfo,
    content: String,
) -> Result<Message, Failure> {
    let (seq, at_ms) = Head::of(info).next(order.now_ms);
    let mut sql = Sql::default();
    bump(&mut sql, info.id.get(), seq, at_ms);
    sql.raw(INSERT_MESSAGES);
    let (place, sender) = ((info.id.get(), seq, at_ms), (order.actor.id, order.actor.username.as_str()));
    message(&mut sql, place, sender, None, (MessageKind::System, &content, None));
    sql.end();
    sql.run(connection).await?;
    Ok(events::system_message(info, (seq, at_ms), &order.actor, content))
}

pub(super) async fn is_member(
    connection: &mut Conn,
    group: ConversationId,
    user: UserId,
) -> Result<bool, Failure> {
    let sql = "SELECT role FROM members WHERE conversation_id = ? AND user_id = ?";
    Ok(first::<_, (i64,)>(connection, sql, (group.get(), user.get())).await?.is_some())
}

async fn details(
    connection: &mut Conn,
    id: ConversationId,
    user: UserId,
) -> Result<Option<GroupDetails>, Failure> {
    let Some(found) = first(connection, GROUP, (id.get(),)).await? else { return Ok(None) };
    let state = state(found)?;
    let own: Option<(i64, i64)> = first(
        connection,
        "SELECT role, muted_until_ms FROM members WHERE conversation_id = ? AND user_id = ?",
        (id.get(), user.get()),
    )
    .await?;
    let managers: Vec<(i64, i64)> = rows(
        connection,
        "SELECT user_id, role FROM members FORCE INDEX (members_role)
         WHERE conversation_id = ? AND role > 0 ORDER BY user_id",
        (id.get(),),
    )
    .await?;
    let manager = |(user, role)| Some((UserId::new(user)?, Role::of(Some(role))));
    Ok(Some(GroupDetails {
        state,
        role: Role::of(own.map(|(role, _)| role)),
        muted_until_ms: own.map_or(0, |(_, until_ms)| until_ms),
        managers: managers.into_iter().filter_map(manager).collect(),
    }))
}

pub(super) async fn members(
    connection: &mut Conn,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Member>, Failure> {
    let found: Vec<(i64, String, i64, i64, i64)> = rows(
        connection,
        "SELECT m.user_id, COALESCE(u.username, ''), m.joined_at_ms, m.role, m.muted_until_ms
         FROM members m FORCE INDEX (PRIMARY) LEFT JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
        (id.get(), after, limit),
    )
    .await?;
    let member = |(id, username, joined_at_ms, role, muted_until_ms)| Member {
        user: User { id, username },
        joined_at_ms,
        role: Role::of(Some(role)),
        muted_until_ms,
    };
    Ok(found.into_iter().map(member).collect())
}
