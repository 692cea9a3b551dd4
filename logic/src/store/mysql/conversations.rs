//! Creation of conversations, and what they are.

use mysql_async::Conn;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin_now, commit};
use super::part::next_id;
use super::sql::{Sql, execute, first};
use super::{accounts, contacts};
use crate::store::shards::Shard;
use crate::store::{ConversationInfo, Error, OutboxRow, events};

/// id, kind, name, creator_id, last_seq, last_at_ms.
pub(super) type Columns = (i64, i64, String, i64, i64, i64);

pub(super) fn read(
    (id, kind, name, creator_id, head, last_at_ms): Columns,
) -> Result<ConversationInfo, Failure> {
    let id = ConversationId::new(id).ok_or_else(|| Error::Internal(format!("conversation id {id}")))?;
    Ok(ConversationInfo { id, kind: events::kind(kind), name, creator_id, head, last_at_ms })
}

/// See [`crate::store::Store::create_room`].
#[derive(Debug)]
pub(super) struct CreateRoom<'a> {
    pub(super) name: &'a str,
    pub(super) shard: Option<Shard>,
    pub(super) creator: &'a User,
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for CreateRoom<'_> {
    type Output = (ConversationInfo, OutboxRow);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        begin_now(connection, owner).await?;
        let place = next_id(connection, self.shard).await?;
        let inserted = execute(
            connection,
            "INSERT INTO conversations (id, kind, name, name_key, creator_id, created_at_ms)
             VALUES (?, ?, ?, ?, ?, ?)",
            (
                place,
                i32::from(ConversationKind::Room),
                self.name,
                self.name.to_lowercase().into_bytes(),
                self.creator.id,
                self.now_ms,
            ),
        )
        .await;
        let (made, _) = inserted.map_err(|failure| match failure.duplicate() {
            Some(message) if message.contains("conversations_room") => Error::RoomNameTaken.into(),
            _ => failure,
        })?;
        let id = place.unwrap_or(made);
        let kind = i64::from(i32::from(ConversationKind::Room));
        let info = read((id, kind, self.name.to_owned(), self.creator.id, 0, 0))?;
        let payload = events::room_created(&info, self.creator, self.now_ms);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (info, row) })
    }
}

/// See [`crate::store::Store::direct`]. Of two that create it at the same time
/// one hits the unique key, is run again, and finds it.
#[derive(Debug)]
pub(super) struct CreateDirect<'a> {
    pub(super) creator: &'a User,
    pub(super) peer: UserId,
    pub(super) shard: Option<Shard>,
    /// Who knows who of them blocks whom, where it is not this server.
    pub(super) home: Option<&'a super::MysqlStore>,
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for CreateDirect<'_> {
    type Output = (ConversationInfo, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let creator = UserId::new(self.creator.id).ok_or(Error::NoUser(self.creator.id))?;
        if let Some(info) = find_direct(connection, creator, self.peer).await? {
            return Ok(Done { value: (info, None), last_row: None });
        }
        let peer = accounts::users(connection, &[self.peer]).await?.pop();
        let peer = peer.ok_or(Error::NoUser(self.peer.get()))?;
        accounts::users(connection, &[creator]).await?;
        let (lo, hi) = (creator.min(self.peer), creator.max(self.peer));
        begin_now(connection, owner).await?;
        let pair = (lo.get(), hi.get());
        let blocked = contacts::lock_blocked(connection, pair).await?;
        if blocked.stops(creator.get(), pair) {
            return Err(Error::Blocked.into());
        }
        let place = next_id(connection, self.shard).await?;
        let kind = i32::from(ConversationKind::Direct);
        let (made, _) = execute(
            connection,
            "INSERT INTO conversations (id, kind, name, creator_id, user_lo, user_hi, blocked, created_at_ms)
             VALUES (?, ?, '', ?, ?, ?, ?, ?)",
            (place, kind, self.creator.id, pair.0, pair.1, blocked.0, self.now_ms),
        )
        .await?;
        let id = place.unwrap_or(made);
        if let Some(home) = self.home {
            // Asked behind the row, whose lock who blocks from now on waits for.
            let blocked = home.blocks(pair).await?;
            if blocked.stops(creator.get(), pair) {
                return Err(Error::Blocked.into());
            }
            let sql = "UPDATE conversations SET blocked = ? WHERE id = ?";
            execute(connection, sql, (blocked.0, id)).await?;
        }
        let mut sides = vec![lo, hi];
        sides.dedup();
        insert_members(connection, id, &sides, self.now_ms).await?;
        let kind = i64::from(i32::from(ConversationKind::Direct));
        let info = read((id, kind, String::new(), self.creator.id, 0, 0))?;
        let payload = events::direct_created(&info, self.creator, &peer, self.now_ms);
        let row = commit(connection, owner, payload, self.now_ms).await?;
        Ok(Done { last_row: Some(row.id), value: (info, Some(row)) })
    }
}

/// The direct conversation of two users.
pub(super) async fn find_direct(
    connection: &mut Conn,
    one: UserId,
    other: UserId,
) -> Result<Option<ConversationInfo>, Failure> {
    let found: Option<Columns> = first(
        connection,
        "SELECT id, kind, name, creator_id, last_seq, last_at_ms
         FROM conversations WHERE user_lo = ? AND user_hi = ?",
        (one.min(other).get(), one.max(other).get()),
    )
    .await?;
    found.map(read).transpose()
}

pub(super) async fn conversation(
    connection: &mut Conn,
    id: ConversationId,
    user: UserId,
) -> Result<Option<(ConversationInfo, bool)>, Failure> {
    let found: Option<(i64, i64, String, i64, i64, i64, bool)> = first(
        connection,
        "SELECT c.id, c.kind, c.name, c.creator_id, c.last_seq, c.last_at_ms,
                EXISTS (SELECT 1 FROM members m WHERE m.conversation_id = c.id AND m.user_id = ?)
         FROM conversations c WHERE c.id = ?",
        (user.get(), id.get()),
    )
    .await?;
    let Some((id, kind, name, creator_id, head, last_at_ms, member)) = found else { return Ok(None) };
    let info = read((id, kind, name, creator_id, head, last_at_ms))?;
    let open = info.kind == ConversationKind::Room;
    Ok(Some((info, member || open)))
}

/// Adds members that are none yet, of a conversation that is locked or new.
pub(super) async fn insert_members(
    connection: &mut Conn,
    conversation: i64,
    members: &[UserId],
    now_ms: i64,
) -> Result<(), Failure> {
    let mut sql = Sql::default();
    sql.raw("INSERT INTO members (conversation_id, user_id, joined_at_ms) VALUES ");
    sql.separated("", members, |sql, member| {
        sql.raw("(").int(conversation).raw(",").int(member.get()).raw(",").int(now_ms).raw(")");
    });
    sql.end();
    sql.run(connection).await.map(drop)
}
