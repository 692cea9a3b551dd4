//! The send path: one transaction for a batch, in two round trips.

use std::collections::{BTreeSet, HashMap, HashSet};

use mysql_async::Conn;
use oort_api::pb::oort::v1::{ConversationKind, MessageKind};
use parking_lot::RwLock;
use tonic::async_trait;

use super::failure::Failure;
use super::files::{carry, hold_readable};
use super::history::{MESSAGES, messages};
use super::lane::{Done, Work, begin};
use super::sanctions::{ask_mutes, read_mutes};
use super::sql::{Set, Sql};
use super::{expiries, hooks, notifications};
use crate::policy::Role;
use crate::store::changes::read_extra;
use crate::store::events::kind;
use crate::store::files::file_of;
use crate::store::payload::Payload;
use crate::store::plan::{
    Blocked, Earlier, Head, Known, Plan, Sender, answered, kind_of, named, plan, quote,
};
use crate::store::{Appended, Error, HookKinds, NewMessage, OutboxRow};

/// A row of a head: id, kind, last_seq, last_at_ms, user_lo, user_hi, blocked, muted_all, dissolved_at_ms,
/// expires_in_ms.
type HeadRow = (i64, i64, i64, i64, Option<i64>, Option<i64>, i64, bool, i64, i64);
/// sender_id, client_msg_id, conversation_id, seq, created_at_ms, content, extra.
type EarlierRow = (i64, Vec<u8>, i64, i64, i64, String, Option<Vec<u8>>);

/// See [`crate::store::Store::append`].
#[derive(Debug)]
pub(super) struct Append<'a> {
    pub(super) batch: &'a [NewMessage],
    pub(super) published: &'a [i64],
    /// Files of other servers, each with a sender who may read it there.
    pub(super) vouched: &'a HashSet<(i64, i64)>,
    pub(super) now_ms: i64,
    pub(super) packet_bytes_max: usize,
    pub(super) rooms: &'a RwLock<HashSet<i64>>,
    pub(super) rooms_cached_max: usize,
    /// Conversations of these kinds go into the queue of hooks.
    pub(super) hooked: HookKinds,
}

#[async_trait]
impl Work for Append<'_> {
    type Output = (Vec<Appended>, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let known = self.look(connection, owner).await?;
        let plan = plan(self.batch, known, self.now_ms);
        let id = self.write(connection, owner, &plan).await?;
        let row = plan.payload.zip(id).map(|(payload, id)| OutboxRow { id, payload });
        Ok(Done { value: (plan.outcomes, row), last_row: id })
    }
}

impl Append<'_> {
    /// First packet: locks, then looks. What is looked at after the heads are
    /// locked cannot change in them.
    async fn look(&self, connection: &mut Conn, owner: &str) -> Result<Known, Failure> {
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        if self.batch.is_empty() {
            sql.run(connection).await?;
            return Ok(Known::default());
        }
        let ids: BTreeSet<i64> = self.batch.iter().map(|message| message.conversation.get()).collect();
        let heads = lock_heads(&mut sql, ids);
        // The one look at earlier messages that may lag: another node may be
        // inserting the same identity into another conversation. The unique
        // key sees that, and the whole transaction is run again.
        sql.raw(
            "SELECT sender_id, client_msg_id, conversation_id, seq, created_at_ms, content, extra
             FROM messages FORCE INDEX (messages_client_msg_id) WHERE (sender_id, client_msg_id) IN ",
        );
        sql.separated("(", self.batch, |sql, message| {
            sql.raw("(").int(message.sender.id).raw(",").bytes(message.client_msg_id.as_bytes()).raw(")");
        });
        let earlier = sql.raw(")").end();
        let members = self.ask_members(&mut sql);
        let quoted = self.ask_quoted(&mut sql);
        let files = self.ask_files(&mut sql);
        let senders: BTreeSet<i64> = self.batch.iter().map(|message| message.sender.id).collect();
        let mutes = ask_mutes(&mut sql, senders);
        let mut sets = sql.run(connection).await?;
        let mutes = read_mutes(sets.remove(mutes))?.into_iter().collect();
        let mut readable = HashSet::new();
        // From the last one: what is before them keeps its index.
        for (index, asked) in files.into_iter().rev() {
            if !sets.remove(index).typed::<(i64,)>()?.is_empty() {
                readable.insert(asked);
            }
        }
        let quoted = match quoted {
            Some(index) => messages(sets.remove(index))?,
            None => Vec::new(),
        };
        let quoted = quoted.iter().map(|message| ((message.conversation, message.seq), quote(message)));
        let members = match members {
            Some(index) => read_members(sets.remove(index))?,
            None => HashMap::new(),
        };
        let earlier = self.earlier(sets.remove(earlier))?;
        let heads = read_heads(sets.remove(heads))?;
        self.remember_rooms(&heads);
        let (quoted, hooked) = (quoted.collect(), self.hooked);
        Ok(Known { heads, earlier, members, mutes, quoted, files: readable, hooked })
    }

    /// Asks for the messages that are answered, where there are any.
    fn ask_quoted(&self, sql: &mut Sql) -> Option<usize> {
        let places: BTreeSet<(i64, i64)> = self.batch.iter().filter_map(answered).collect();
        if places.is_empty() {
            return None;
        }
        sql.raw(MESSAGES).raw("(conversation_id, seq) IN ");
        sql.separated("(", places, |sql, (conversation, seq)| {
            sql.raw("(").int(conversation).raw(",").int(seq).raw(")");
        });
        Some(sql.raw(")").end())
    }

    /// Asks for the files that are carried, each as its sender may read it: sender and file by statement.
    fn ask_files(&self, sql: &mut Sql) -> Vec<(usize, (i64, i64))> {
        let asked = self.batch.iter().filter_map(|message| Some((message.sender.id, file_of(message)?)));
        let asked: BTreeSet<(i64, i64)> = asked.collect();
        let hold = |(sender, file)| {
            let is_vouched = self.vouched.contains(&(sender, file));
            (hold_readable(sql, file, (!is_vouched).then_some(sender)), (sender, file))
        };
        asked.into_iter().map(hold).collect()
    }

    /// Asks for the membership of senders, and of whom they speak to, where it may matter.
    fn ask_members(&self, sql: &mut Sql) -> Option<usize> {
        let pairs: BTreeSet<(i64, i64)> = {
            let rooms = self.rooms.read();
            let closed = self.batch.iter().filter(|message| !rooms.contains(&message.conversation.get()));
            let users = |message: &'_ NewMessage| {
                let id = message.conversation.get();
                named(message).chain([message.sender.id]).map(move |user| (id, user)).collect::<Vec<_>>()
            };
            closed.flat_map(users).collect()
        };
        if pairs.is_empty() {
            return None;
        }
        sql.raw(
            "SELECT conversation_id, user_id, role, muted_until_ms FROM members FORCE INDEX (PRIMARY)
             WHERE (conversation_id, user_id) IN ",
        );
        sql.separated("(", pairs, |sql, (conversation, user)| {
            sql.raw("(").int(conversation).raw(",").int(user).raw(")");
        });
        Some(sql.raw(")").end())
    }

    fn earlier(&self, set: Set) -> Result<HashMap<usize, Earlier>, Failure> {
        let rows: Vec<EarlierRow> = set.typed()?;
        if rows.is_empty() {
            return Ok(HashMap::new());
        }
        let by_identity = rows
            .into_iter()
            .map(|(sender, id, conversation, seq, created_at_ms, content, extra)| {
                let payload = Payload { content, extra: read_extra(extra)? };
                Ok(((sender, id), Earlier { conversation, seq, created_at_ms, payload }))
            })
            .collect::<Result<HashMap<(i64, Vec<u8>), Earlier>, Error>>()?;
        let found = self.batch.iter().enumerate().filter_map(|(index, message)| {
            let identity = (message.sender.id, message.client_msg_id.as_bytes().to_vec());
            by_identity.get(&identity).map(|earlier| (index, earlier.clone()))
        });
        Ok(found.collect())
    }

    fn remember_rooms(&self, heads: &HashMap<i64, Head>) {
        let open = heads.iter().filter(|(_, head)| head.kind == ConversationKind::Room).map(|(&id, _)| id);
        let new: Vec<i64> = {
            let rooms = self.rooms.read();
            open.filter(|id| !rooms.contains(id)).collect()
        };
        if new.is_empty() {
            return;
        }
        let mut rooms = self.rooms.write();
        let space = self.rooms_cached_max.saturating_sub(rooms.len());
        rooms.extend(new.into_iter().take(space));
    }

    /// Last packet (or more, when it is large): writes and commits. Answers the
    /// id of the outbox row.
    async fn write(
        &self,
        connection: &mut Conn,
        owner: &str,
        plan: &Plan<'_>,
    ) -> Result<Option<i64>, Failure> {
        let mut sql = Sql::default();
        hooks::enqueue(&mut sql, &plan.hooked, self.now_ms);
        for (&id, &(seq, at_ms)) in &plan.bumps {
            bump(&mut sql, id, seq, at_ms);
        }
        let mut rows = plan.rows.iter().peekable();
        while rows.peek().is_some() {
            if sql.len() > self.packet_bytes_max {
                std::mem::take(&mut sql).run(connection).await?;
            }
            sql.raw(INSERT_MESSAGES);
            let mut comma = "";
            while sql.len() <= self.packet_bytes_max
                && let Some(row) = rows.next()
            {
                sql.raw(comma);
                let place = (row.message.conversation.get(), row.seq, row.created_at_ms);
                let sender = (row.message.sender.id, row.message.sender.username.as_str());
                let id = Some(row.message.client_msg_id.as_str());
                let body = (kind_of(row.message), row.message.content.as_str(), row.extra());
                message(&mut sql, place, sender, id, body);
                comma = ",";
            }
            sql.end();
        }
        if !plan.refs.is_empty() {
            carry(&mut sql, &plan.refs);
        }
        if !plan.expiries.is_empty() {
            expiries::note(&mut sql, &plan.expiries);
        }
        let outbox = plan.payload.as_ref().map(|payload| {
            sql.raw("INSERT INTO outbox (owner, payload, created_at_ms) VALUES (");
            sql.bytes(owner.as_bytes()).raw(",").bytes(payload).raw(",").int(self.now_ms).raw(")").end()
        });
        if let Some(feed) = &plan.feed {
            notifications::feed(&mut sql, feed, self.now_ms);
        }
        // By id each: a list of ids makes the server scan, and wait for, rows of other nodes.
        for &id in self.published {
            sql.raw("DELETE FROM outbox WHERE id = ").int(id).end();
        }
        sql.raw("COMMIT").end();
        let sets = sql.run(connection).await?;
        Ok(outbox.and_then(|index| sets.get(index)).map(|set| set.insert_id))
    }
}

/// Head of a multi-row insert; [`message`] writes its rows.
pub(super) const INSERT_MESSAGES: &str = "INSERT INTO messages (conversation_id, seq, created_at_ms, \
     sender_id, sender_name, client_msg_id, kind, content, extra) VALUES ";

/// One row of [`INSERT_MESSAGES`]. `place`: conversation, seq, created_at_ms. `body`: kind, content, extra.
pub(super) fn message(
    sql: &mut Sql,
    place: (i64, i64, i64),
    sender: (i64, &str),
    client_msg_id: Option<&str>,
    body: (MessageKind, &str, Option<Vec<u8>>),
) {
    sql.raw("(").int(place.0).raw(",").int(place.1).raw(",").int(place.2);
    sql.raw(",").int(sender.0).raw(",").text(sender.1).raw(",");
    match client_msg_id {
        Some(id) => sql.bytes(id.as_bytes()),
        None => sql.raw("NULL"),
    };
    sql.raw(",").int(i32::from(body.0).into()).raw(",").text(body.1).raw(",");
    match body.2 {
        Some(extra) => sql.bytes(&extra),
        None => sql.raw("NULL"),
    };
    sql.raw(")");
}

/// Locks heads in the order of their ids; answers the statement's index.
pub(super) fn lock_heads(sql: &mut Sql, ids: impl IntoIterator<Item = i64>) -> usize {
    sql.raw(
        "SELECT id, kind, last_seq, last_at_ms, user_lo, user_hi, blocked, muted_all, dissolved_at_ms, expires_in_ms
         FROM conversations FORCE INDEX (PRIMARY) WHERE id IN ",
    );
    sql.list(ids).raw(" ORDER BY id FOR UPDATE").end()
}

/// What [`lock_heads`] found.
pub(super) fn read_heads(set: Set) -> Result<HashMap<i64, Head>, Failure> {
    let rows: Vec<HeadRow> = set.typed()?;
    let heads = rows.into_iter().map(
        |(id, raw, last_seq, last_at_ms, lo, hi, blocked, is_muted_all, dissolved_at_ms, expires_in_ms)| {
            let (kind, pair, blocked) = (kind(raw), lo.zip(hi), Blocked(blocked));
            let is_dissolved = dissolved_at_ms > 0;
            let head =
                Head { kind, last_seq, last_at_ms, pair, blocked, is_muted_all, is_dissolved, expires_in_ms };
            (id, head)
        },
    );
    Ok(heads.collect())
}

pub(super) fn read_members(set: Set) -> Result<HashMap<(i64, i64), Sender>, Failure> {
    let rows: Vec<(i64, i64, i64, i64)> = set.typed()?;
    let members = rows.into_iter().map(|(conversation, user, role, muted_until_ms)| {
        ((conversation, user), Sender { role: Role::of(Some(role)), muted_until_ms })
    });
    Ok(members.collect())
}

/// Writes a conversation's newest place.
pub(super) fn bump(sql: &mut Sql, id: i64, seq: i64, at_ms: i64) {
    sql.raw("UPDATE conversations SET last_seq = ").int(seq).raw(", last_at_ms = ").int(at_ms);
    sql.raw(" WHERE id = ").int(id).end();
}
