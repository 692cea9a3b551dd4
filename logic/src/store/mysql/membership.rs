//! Who is in a group. The group's head is locked by whoever changes it, so a
//! change has its place among the messages.

use std::collections::{BTreeSet, HashSet};

use mysql_async::Conn;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, Message, MessageKind, User};
use tonic::async_trait;

use super::accounts;
use super::append::{INSERT_MESSAGES, bump, message};
use super::conversations::{Columns, insert_members, read};
use super::cursors::begin_members;
use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::sql::{Sql, execute, first, rows};
use crate::store::plan::Head;
use crate::store::{ConversationInfo, Error, Member, OutboxRow, events};

/// See [`crate::store::Store::add_members`].
#[derive(Debug)]
pub(super) struct AddMembers<'a> {
    pub(super) group: ConversationId,
    pub(super) actor: &'a User,
    pub(super) members: &'a [UserId],
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for AddMembers<'_> {
    type Output = Option<OutboxRow>;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let (info, head) = lock_group(connection, self.group).await?;
        let present: Vec<(i64,)> =
            rows(connection, "SELECT user_id FROM members WHERE conversation_id = ?", (self.group.get(),))
                .await?;
        let present: HashSet<i64> = present.into_iter().map(|(id,)| id).collect();
        let wanted: BTreeSet<UserId> = self.members.iter().copied().collect();
        let added: Vec<UserId> = wanted.into_iter().filter(|id| !present.contains(&id.get())).collect();
        if added.is_empty() {
            return nothing(connection).await;
        }
        let users = accounts::users(connection, &added).await?;
        insert_members(connection, self.group.get(), &added, self.now_ms).await?;
        begin_members(connection, self.group.get(), &added, info.head, self.now_ms).await?;
        let content = events::added_content(&users);
        let message = say(connection, (&info, head), self.actor, content, self.now_ms).await?;
        let payload = events::members_added(&info, self.actor, added, &message);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: Some(row) })
    }
}

/// See [`crate::store::Store::remove_member`].
#[derive(Debug)]
pub(super) struct RemoveMember<'a> {
    pub(super) group: ConversationId,
    pub(super) actor: &'a User,
    pub(super) member: UserId,
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for RemoveMember<'_> {
    type Output = Option<OutboxRow>;

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let (info, head) = lock_group(connection, self.group).await?;
        let (_, removed) = execute(
            connection,
            "DELETE FROM members WHERE conversation_id = ? AND user_id = ?",
            (self.group.get(), self.member.get()),
        )
        .await?;
        if removed == 0 {
            return nothing(connection).await;
        }
        let user = accounts::user(connection, self.member.get()).await?;
        let user = user.unwrap_or_else(|| User { id: self.member.get(), username: String::new() });
        let content = events::removed_content(self.actor, &user);
        let message = say(connection, (&info, head), self.actor, content, self.now_ms).await?;
        let payload = events::member_removed(&info, self.actor, self.member, &message);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: Some(row) })
    }
}

pub(super) async fn members(
    connection: &mut Conn,
    id: ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Member>, Failure> {
    let found: Vec<(i64, String, i64)> = rows(
        connection,
        "SELECT m.user_id, COALESCE(u.username, ''), m.joined_at_ms
         FROM members m LEFT JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?",
        (id.get(), after, limit),
    )
    .await?;
    let member = |(id, username, joined_at_ms)| Member { user: User { id, username }, joined_at_ms };
    Ok(found.into_iter().map(member).collect())
}

async fn lock_group(connection: &mut Conn, id: ConversationId) -> Result<(ConversationInfo, Head), Failure> {
    let found: Option<(i64, i64, String, i64, i64, i64)> = first(
        connection,
        "SELECT id, kind, name, creator_id, last_seq, last_at_ms
         FROM conversations WHERE id = ? AND kind = ? FOR UPDATE",
        (id.get(), i32::from(ConversationKind::Group)),
    )
    .await?;
    let (id, kind, name, creator_id, last_seq, last_at_ms) = found.ok_or(Error::NoConversation)?;
    let columns: Columns = (id, kind, name, creator_id, last_seq, last_at_ms);
    Ok((read(columns)?, Head { kind: ConversationKind::Group, last_seq, last_at_ms, pair: None }))
}

/// Ends a transaction that changed nothing.
async fn nothing(connection: &mut Conn) -> Result<Done<Option<OutboxRow>>, Failure> {
    let mut sql = Sql::default();
    sql.raw("COMMIT").end();
    sql.run(connection).await?;
    Ok(Done { value: None, last_row: None })
}

/// Appends a SYSTEM message.
async fn say(
    connection: &mut Conn,
    (info, mut head): (&ConversationInfo, Head),
    actor: &User,
    content: String,
    now_ms: i64,
) -> Result<Message, Failure> {
    let (seq, at_ms) = head.next(now_ms);
    let mut sql = Sql::default();
    bump(&mut sql, info.id.get(), seq, at_ms);
    sql.raw(INSERT_MESSAGES);
    let (place, sender) = ((info.id.get(), seq, at_ms), (actor.id, actor.username.as_str()));
    message(&mut sql, place, sender, None, MessageKind::System, &content);
    sql.end();
    sql.run(connection).await?;
    Ok(events::system_message(info, (seq, at_ms), actor, content))
}
