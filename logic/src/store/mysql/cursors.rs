//! How far users have got. A transaction locks the rows that are there, by
//! key; of two that insert the same one, one hits the primary key and is run
//! again.

use std::collections::{BTreeSet, HashMap, HashSet};

use mysql_async::Conn;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use tonic::async_trait;

use super::failure::Failure;
use super::lane::{Done, Work, begin};
use super::sql::{Sql, rows};
use crate::store::cursors::{Known, Place, RowChange, Verdict, judge, tell};
use crate::store::events::kind;
use crate::store::{CursorMove, Error, MemberCursor, Moved, OutboxRow};

/// id, kind, last_seq, created_at_ms, user_lo, user_hi.
type PlaceRow = (i64, i64, i64, i64, Option<i64>, Option<i64>);

/// See [`crate::store::Store::move_cursors`].
#[derive(Debug)]
pub(super) struct MoveCursors<'a> {
    pub(super) moves: &'a [CursorMove],
    pub(super) told_members_max: u32,
    pub(super) now_ms: i64,
}

#[async_trait]
impl Work for MoveCursors<'_> {
    type Output = (Vec<Moved>, Option<OutboxRow>);

    async fn run(&self, connection: &mut Conn, owner: &str) -> Result<Done<Self::Output>, Failure> {
        let known = self.look(connection, owner).await?;
        let verdicts: Vec<Verdict> = self.moves.iter().map(|step| judge(step, &known)).collect();
        let own = self.write(connection, &verdicts).await?;
        let (answers, payload) =
            tell(self.moves, &verdicts, &own, &known, self.told_members_max, self.now_ms);
        let mut sql = Sql::default();
        let row = payload.as_ref().map(|payload| {
            sql.raw("INSERT INTO outbox (owner, payload, created_at_ms) VALUES (");
            sql.bytes(owner.as_bytes()).raw(",").bytes(payload).raw(",").int(self.now_ms).raw(")").end()
        });
        sql.raw("COMMIT").end();
        let sets = sql.run(connection).await?;
        let id = row.and_then(|index| sets.get(index)).map(|set| set.insert_id);
        let row = payload.zip(id).map(|(payload, id)| OutboxRow { id, payload });
        Ok(Done { value: (answers, row), last_row: id })
    }
}

impl MoveCursors<'_> {
    /// First packet: the rows are locked before anything else is looked at.
    async fn look(&self, connection: &mut Conn, owner: &str) -> Result<Known, Failure> {
        let mut sql = Sql::default();
        begin(&mut sql, owner);
        if self.moves.is_empty() {
            sql.run(connection).await?;
            return Ok(Known::default());
        }
        let ids: BTreeSet<i64> = self.moves.iter().map(|step| step.conversation.get()).collect();
        let pairs: BTreeSet<(i64, i64)> =
            self.moves.iter().map(|step| (step.user.get(), step.conversation.get())).collect();
        let users: BTreeSet<i64> = pairs.iter().map(|&(user, _)| user).collect();
        sql.raw(
            "SELECT user_id, conversation_id, delivered_seq, read_seq FROM cursors FORCE INDEX (PRIMARY)
             WHERE (user_id, conversation_id) IN ",
        );
        sql.separated("(", &pairs, |sql, &(user, conversation)| {
            sql.raw("(").int(user).raw(",").int(conversation).raw(")");
        });
        let held = sql.raw(") ORDER BY user_id, conversation_id FOR UPDATE").end();
        sql.raw("SELECT id, kind, last_seq, created_at_ms, user_lo, user_hi FROM conversations WHERE id IN ");
        let places = sql.list(ids.iter().copied()).end();
        sql.raw(
            "SELECT conversation_id, user_id FROM members FORCE INDEX (PRIMARY)
             WHERE (conversation_id, user_id) IN ",
        );
        sql.separated("(", &pairs, |sql, &(user, conversation)| {
            sql.raw("(").int(conversation).raw(",").int(user).raw(")");
        });
        let members = sql.raw(")").end();
        sql.raw("SELECT id, created_at_ms FROM users WHERE id IN ");
        let since = sql.list(users).end();
        let mut companions = Vec::with_capacity(ids.len());
        for &id in &ids {
            sql.raw(
                "SELECT m.conversation_id, m.user_id, COALESCE(s.sends_receipts, 1)
                 FROM members m LEFT JOIN contact_settings s ON s.user_id = m.user_id WHERE m.conversation_id = ",
            );
            sql.int(id);
            companions.push(sql.raw(" LIMIT ").int(i64::from(self.told_members_max) + 1).end());
        }
        let mut sets: Vec<Option<_>> = sql.run(connection).await?.into_iter().map(Some).collect();
        let mut take = |index: usize| {
            let set = sets.get_mut(index).and_then(Option::take);
            set.ok_or_else(|| Failure::from(Error::Internal("a statement was not answered".into())))
        };
        let rows: Vec<(i64, i64, i64, i64)> = take(held)?.typed()?;
        let found: Vec<PlaceRow> = take(places)?.typed()?;
        let mut known = Known {
            rows: rows
                .into_iter()
                .map(|(user, id, delivered, read)| ((user, id), (delivered, read)))
                .collect(),
            members: take(members)?.typed()?.into_iter().collect(),
            since: take(since)?.typed::<(i64, i64)>()?.into_iter().collect(),
            places: found.into_iter().map(place).collect(),
            companions: HashMap::new(),
            secretive: HashSet::new(),
        };
        for index in companions {
            for (id, user, sends_receipts) in take(index)?.typed::<(i64, i64, i64)>()? {
                if sends_receipts == 0 {
                    known.secretive.insert(user);
                }
                if known.places.get(&id).is_some_and(|place| place.kind == ConversationKind::Group) {
                    known.companions.entry(id).or_default().push(user);
                }
            }
        }
        Ok(known)
    }

    /// Second packet: writes rows, and counts each user's own messages above
    /// the read place. Those are there for good, so the count may come later
    /// than the head.
    async fn write(&self, connection: &mut Conn, verdicts: &[Verdict]) -> Result<Vec<i64>, Failure> {
        let mut sql = Sql::default();
        let mut own = vec![0; self.moves.len()];
        let mut counts = Vec::new();
        let mut fresh = Vec::new();
        for (index, (step, verdict)) in self.moves.iter().zip(verdicts).enumerate() {
            let Verdict::Stands { delivered_seq, read_seq, head, row } = *verdict else { continue };
            let (user, conversation) = (step.user.get(), step.conversation.get());
            match row {
                RowChange::None => {}
                RowChange::Insert => fresh.push((user, conversation, delivered_seq, read_seq)),
                RowChange::Update => {
                    sql.raw("UPDATE cursors SET delivered_seq = ").int(delivered_seq);
                    sql.raw(", read_seq = ").int(read_seq).raw(", updated_at_ms = ").int(self.now_ms);
                    sql.raw(" WHERE user_id = ").int(user).raw(" AND conversation_id = ").int(conversation);
                    sql.end();
                }
            }
            if read_seq < head {
                counts.push((index, count_own(&mut sql, user, conversation, read_seq, head)));
            }
        }
        if !fresh.is_empty() {
            fresh.sort_unstable();
            sql.raw(INSERT_CURSORS);
            sql.separated("", fresh, |sql, row| values(sql, row, self.now_ms));
            sql.end();
        }
        if sql.len() == 0 {
            return Ok(own);
        }
        let sets = sql.run(connection).await?;
        let mut sets = sets.into_iter().enumerate();
        for (index, statement) in counts {
            let found = sets.find(|(place, _)| *place == statement);
            let counted = found.map(|(_, set)| set.typed::<(i64,)>()).transpose()?.unwrap_or_default();
            own[index] = counted.first().map_or(0, |&(count,)| count);
        }
        Ok(own)
    }
}

fn place((id, raw, head, created_at_ms, lo, hi): PlaceRow) -> (i64, Place) {
    (id, Place { kind: kind(raw), head, created_at_ms, pair: lo.zip(hi) })
}

/// Head of a multi-row insert; [`values`] writes its rows.
pub(super) const INSERT_CURSORS: &str =
    "INSERT INTO cursors (user_id, conversation_id, delivered_seq, read_seq, updated_at_ms) VALUES ";

/// One row of [`INSERT_CURSORS`]: user, conversation, delivered, read.
pub(super) fn values(sql: &mut Sql, row: (i64, i64, i64, i64), now_ms: i64) {
    sql.raw("(").int(row.0).raw(",").int(row.1).raw(",").int(row.2).raw(",").int(row.3);
    sql.raw(",").int(now_ms).raw(")");
}

/// Counts messages of the user's own above a place, up to another; answers
/// the statement's index.
pub(super) fn count_own(sql: &mut Sql, user: i64, conversation: i64, above: i64, up_to: i64) -> usize {
    sql.raw("SELECT COUNT(*) FROM messages FORCE INDEX (messages_sender) WHERE sender_id = ").int(user);
    sql.raw(" AND conversation_id = ").int(conversation).raw(" AND seq > ").int(above);
    sql.raw(" AND seq <= ").int(up_to).end()
}

/// New members begin at the head. Their rows may be there from an earlier time.
pub(super) async fn begin_members(
    connection: &mut Conn,
    conversation: i64,
    members: &[UserId],
    head: i64,
    now_ms: i64,
) -> Result<(), Failure> {
    let mut sql = Sql::default();
    sql.raw(INSERT_CURSORS);
    sql.separated("", members, |sql, member| values(sql, (member.get(), conversation, head, head), now_ms));
    sql.raw(
        " ON DUPLICATE KEY UPDATE delivered_seq = GREATEST(delivered_seq, VALUES(delivered_seq)),
           read_seq = GREATEST(read_seq, VALUES(read_seq)), updated_at_ms = VALUES(updated_at_ms)",
    );
    sql.end();
    sql.run(connection).await.map(drop)
}

/// Where a user begins in rooms that are older than the account: (room, head).
/// Of two readings that say so, the first counts.
pub(super) async fn begin_rooms(
    connection: &mut Conn,
    rooms: &[(UserId, i64, i64)],
    now_ms: i64,
) -> Result<(), Failure> {
    let mut sql = Sql::default();
    sql.raw(INSERT_CURSORS);
    sql.separated("", rooms, |sql, &(user, room, head)| values(sql, (user.get(), room, head, head), now_ms));
    sql.raw(" ON DUPLICATE KEY UPDATE user_id = user_id").end();
    sql.run(connection).await.map(drop)
}

pub(super) async fn cursors(
    connection: &mut Conn,
    id: ConversationId,
    limit: u32,
) -> Result<Vec<MemberCursor>, Failure> {
    let found: Vec<(i64, i64, i64, i64)> = rows(
        connection,
        "SELECT m.user_id, COALESCE(k.delivered_seq, 0), COALESCE(k.read_seq, 0), COALESCE(s.sends_receipts, 1)
         FROM members m LEFT JOIN cursors k ON k.user_id = m.user_id AND k.conversation_id = m.conversation_id
         LEFT JOIN contact_settings s ON s.user_id = m.user_id
         WHERE m.conversation_id = ? ORDER BY m.user_id LIMIT ?",
        (id.get(), limit),
    )
    .await?;
    let cursor = |(user, delivered_seq, read_seq, sends_receipts)| MemberCursor {
        user,
        delivered_seq,
        read_seq,
        sends_receipts: sends_receipts != 0,
    };
    Ok(found.into_iter().map(cursor).collect())
}

/// What lists show of the user is another: in all conversations in which they were ever seen, the lists of the others
/// have to be told of it.
pub(super) fn stamp_all(sql: &mut Sql, user: UserId, now_ms: i64) {
    sql.raw("UPDATE cursors SET updated_at_ms = GREATEST(updated_at_ms, ").int(now_ms);
    sql.raw(") WHERE user_id = ").int(user.get()).end();
}
