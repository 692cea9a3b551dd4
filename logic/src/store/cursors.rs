//! Cursors: how far users have got in conversations, and what moving them does,
//! decided without a database. Both dialects read what is [`Known`], [`judge`]
//! each move, write the rows, count, and [`tell`] what came of it.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, CursorEvent, OutboxRecord};

use crate::outbox;

/// A user has got so far. In one call each (user, conversation) at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorMove {
    /// Whose cursor.
    pub user: UserId,
    /// Where.
    pub conversation: ConversationId,
    /// Has been given messages up to here; 0 leaves it.
    pub delivered_seq: i64,
    /// Has read messages up to here; 0 leaves it.
    pub read_seq: i64,
    /// Sessions that get the answer itself, so not the event.
    pub asker_keys: Vec<String>,
}

/// Where a user stands in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Has been given messages up to here.
    pub delivered_seq: i64,
    /// Has read messages up to here; never above `delivered_seq`.
    pub read_seq: i64,
    /// seq of the newest message when `unread` was counted.
    pub head: i64,
    /// Messages above `read_seq`, up to `head`, that the user did not send.
    pub unread: i64,
    /// The cursor moved.
    pub moved: bool,
}

/// What became of one [`CursorMove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The cursor as it is now.
    Stands(Standing),
    /// The user is not a member.
    NotMember,
    /// There is no such conversation.
    NoConversation,
}

/// The cursor of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberCursor {
    /// Whose.
    pub user: i64,
    /// Has been given messages up to here.
    pub delivered_seq: i64,
    /// Has read messages up to here.
    pub read_seq: i64,
    /// Sends receipts.
    pub sends_receipts: bool,
}

/// A conversation in its reader's list, without messages and `unread`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The conversation.
    pub conversation: Conversation,
    /// When the entry changed last by the clock of whoever changed it: a
    /// message, a cursor it shows, its creation or the reader's joining.
    pub changed_at_ms: i64,
}

/// A conversation as a move needs it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) kind: ConversationKind,
    pub(super) head: i64,
    pub(super) created_at_ms: i64,
    /// The two users of a direct conversation.
    pub(super) pair: Option<(i64, i64)>,
}

/// What the store holds about some moves.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By conversation; those that exist.
    pub(super) places: HashMap<i64, Place>,
    /// (conversation, user) of groups and direct conversations.
    pub(super) members: HashSet<(i64, i64)>,
    /// When each user's account was created.
    pub(super) since: HashMap<i64, i64>,
    /// (user, conversation) → (delivered, read).
    pub(super) rows: HashMap<(i64, i64), (i64, i64)>,
    /// Group → its members, at most one more than are told.
    pub(super) companions: HashMap<i64, Vec<i64>>,
    /// Of those who are told or tell: who sends no receipts.
    pub(super) secretive: HashSet<i64>,
}

/// What to do with the row of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowChange {
    None,
    Insert,
    Update,
}

/// What a move comes to, but for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Stands { delivered_seq: i64, read_seq: i64, head: i64, row: RowChange },
    NotMember,
    NoConversation,
}

/// Whether a user without a row in an open room begins at its head: the room
/// is older than the account. Both times are fixed for ever, so every reading
/// finds the same.
pub(super) fn begins_at_head(room_created_at_ms: i64, user_created_at_ms: Option<i64>) -> bool {
    user_created_at_ms.is_some_and(|user| room_created_at_ms < user)
}

/// Decides what a move comes to: the larger wins, nothing goes above the head,
/// what was read was delivered.
pub(super) fn judge(step: &CursorMove, known: &Known) -> Verdict {
    let (user, conversation) = (step.user.get(), step.conversation.get());
    let Some(place) = known.places.get(&conversation) else { return Verdict::NoConversation };
    let is_open = place.kind == ConversationKind::Room;
    if !is_open && !known.members.contains(&(conversation, user)) {
        return Verdict::NotMember;
    }
    let row = known.rows.get(&(user, conversation)).copied();
    let begins = is_open && begins_at_head(place.created_at_ms, known.since.get(&user).copied());
    let (delivered, read) = row.unwrap_or(if begins { (place.head, place.head) } else { (0, 0) });
    let read_seq = read.max(step.read_seq.min(place.head));
    let delivered_seq = delivered.max(step.delivered_seq.min(place.head)).max(read_seq);
    let is_moved = (delivered_seq, read_seq) != (delivered, read);
    let change = match row {
        Some(_) if is_moved => RowChange::Update,
        None if is_moved || begins => RowChange::Insert,
        _ => RowChange::None,
    };
    Verdict::Stands { delivered_seq, read_seq, head: place.head, row: change }
}

/// The answers, and what to publish. `own`: by move, its user's own messages
/// above the read place, up to the head.
pub(super) fn tell(
    moves: &[CursorMove],
    verdicts: &[Verdict],
    own: &[i64],
    known: &Known,
    told_members_max: u32,
    now_ms: i64,
) -> (Vec<Moved>, Option<Bytes>) {
    let mut answers = Vec::with_capacity(moves.len());
    let mut records = Vec::new();
    for ((step, verdict), own) in moves.iter().zip(verdicts).zip(own) {
        answers.push(match *verdict {
            Verdict::NotMember => Moved::NotMember,
            Verdict::NoConversation => Moved::NoConversation,
            Verdict::Stands { delivered_seq, read_seq, head, row } => {
                let unread = (head - read_seq - own).max(0);
                let moved = row != RowChange::None;
                let standing = Standing { delivered_seq, read_seq, head, unread, moved };
                if moved {
                    let others = others(step, known, told_members_max);
                    records.extend(events(step, &standing, others, known, now_ms));
                }
                Moved::Stands(standing)
            }
        });
    }
    let payload = (!records.is_empty()).then(|| outbox::encode(records));
    (answers, payload)
}

/// Members beside the user who are told of the move.
fn others(step: &CursorMove, known: &Known, told_members_max: u32) -> Vec<UserId> {
    let conversation = step.conversation.get();
    let pair = known.places.get(&conversation).and_then(|place| place.pair);
    let members = match (pair, known.companions.get(&conversation)) {
        (Some((lo, hi)), _) => vec![lo, hi],
        (None, Some(members)) if members.len() <= told_members_max as usize => members.clone(),
        _ => Vec::new(),
    };
    let others = members.into_iter().filter(|&member| member != step.user.get());
    let mut others: Vec<UserId> = others.filter_map(UserId::new).collect();
    others.sort_unstable();
    others.dedup();
    others
}

/// To oneself, to those who send receipts as well, and to those of whom one does not. The last are told only of what
/// was delivered, and only when that moved: else the time would tell them what was read.
fn events(
    step: &CursorMove,
    standing: &Standing,
    others: Vec<UserId>,
    known: &Known,
    now_ms: i64,
) -> Vec<OutboxRecord> {
    let own = event(step, standing);
    let mut records = vec![outbox::cursor_record(&own, &[step.user], &step.asker_keys, now_ms)];
    let is_secretive = |user: &UserId| known.secretive.contains(&user.get());
    let hides = is_secretive(&step.user);
    let (unread, read): (Vec<UserId>, Vec<UserId>) =
        others.into_iter().partition(|other| hides || is_secretive(other));
    let seen = CursorEvent { own: false, head: 0, unread: 0, ..own };
    if !read.is_empty() {
        records.push(outbox::cursor_record(&seen, &read, &[], now_ms));
    }
    let before = known.rows.get(&(step.user.get(), step.conversation.get())).map_or(0, |row| row.0);
    if !unread.is_empty() && standing.delivered_seq > before {
        let delivered = CursorEvent { read_seq: 0, ..seen };
        records.push(outbox::cursor_record(&delivered, &unread, &[], now_ms));
    }
    records
}

/// What the user is told of their own cursor.
pub(crate) fn event(step: &CursorMove, standing: &Standing) -> CursorEvent {
    CursorEvent {
        conversation: step.conversation.get(),
        user_id: step.user.get(),
        delivered_seq: standing.delivered_seq,
        read_seq: standing.read_seq,
        own: true,
        head: standing.head,
        unread: standing.unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(delivered_seq: i64, read_seq: i64) -> CursorMove {
        CursorMove {
            user: UserId::new(1).expect("positive"),
            conversation: ConversationId::new(7).expect("positive"),
            delivered_seq,
            read_seq,
            asker_keys: Vec::new(),
        }
    }

    fn known(kind: ConversationKind, row: Option<(i64, i64)>) -> Known {
        let place = Place { kind, head: 10, created_at_ms: 5, pair: None };
        Known {
            places: HashMap::from([(7, place)]),
            members: HashSet::from([(7, 1)]),
            since: HashMap::from([(1, 5)]),
            rows: row.map(|row| ((1, 7), row)).into_iter().collect(),
            companions: HashMap::new(),
            secretive: HashSet::new(),
        }
    }

    fn stands(delivered_seq: i64, read_seq: i64, row: RowChange) -> Verdict {
        Verdict::Stands { delivered_seq, read_seq, head: 10, row }
    }

    #[test]
    fn the_larger_wins_up_to_the_head_and_read_is_delivered() {
        let group = |row| known(ConversationKind::Group, row);
        assert_eq!(judge(&step(4, 2), &group(None)), stands(4, 2, RowChange::Insert));
        assert_eq!(judge(&step(0, 6), &group(Some((4, 2)))), stands(6, 6, RowChange::Update));
        assert_eq!(judge(&step(3, 1), &group(Some((4, 2)))), stands(4, 2, RowChange::None));
        assert_eq!(judge(&step(i64::MAX, 99), &group(Some((4, 2)))), stands(10, 10, RowChange::Update));
        assert_eq!(judge(&step(0, 0), &group(None)), stands(0, 0, RowChange::None));
    }

    #[test]
    fn whoever_is_younger_than_an_open_room_begins_at_its_head() {
        let mut room = known(ConversationKind::Room, None);
        assert_eq!(judge(&step(2, 2), &room), stands(2, 2, RowChange::Insert));
        room.since.insert(1, 6);
        assert_eq!(judge(&step(2, 2), &room), stands(10, 10, RowChange::Insert));
    }

    #[test]
    fn strangers_and_nowhere() {
        let mut group = known(ConversationKind::Group, None);
        group.members.clear();
        assert_eq!(judge(&step(1, 1), &group), Verdict::NotMember);
        group.places.clear();
        assert_eq!(judge(&step(1, 1), &group), Verdict::NoConversation);
    }

    #[test]
    fn large_groups_are_not_told() {
        let mut group = known(ConversationKind::Group, None);
        let verdict = [judge(&step(3, 3), &group)];
        group.companions.insert(7, vec![1, 2, 3]);
        let records = |group: &Known, max| {
            let (_, payload) = tell(&[step(3, 3)], &verdict, &[0], group, max, 1);
            let payload = payload.expect("the user's own");
            <oort_api::pb::oort::v1::OutboxBatch as prost::Message>::decode(payload).expect("a batch").records
        };
        assert_eq!(records(&group, 3).len(), 2);
        assert_eq!(records(&group, 2).len(), 1);
    }

    #[test]
    fn who_sends_no_receipts_is_shown_none_and_shows_none() {
        let mut group = known(ConversationKind::Group, Some((2, 1)));
        group.companions.insert(7, vec![1, 2, 3]);
        let told = |group: &Known, moved: CursorMove| {
            let verdict = [judge(&moved, group)];
            let (_, payload) = tell(&[moved], &verdict, &[0], group, 3, 1);
            let payload = payload.expect("the user's own");
            let batch: oort_api::pb::oort::v1::OutboxBatch =
                prost::Message::decode(payload).expect("a batch");
            let told = batch.records.into_iter().map(|record| {
                let push: oort_api::pb::goim::logic::PushMsg =
                    prost::Message::decode(record.push_msg).expect("a push");
                let event: CursorEvent = prost::Message::decode(push.msg).expect("an event");
                (push.user_ids, event.delivered_seq, event.read_seq)
            });
            told.collect::<Vec<_>>()
        };
        let own = |delivered, read| (vec![1], delivered, read);
        group.secretive.insert(3);
        assert_eq!(told(&group, step(4, 3)), [own(4, 3), (vec![2], 4, 3), (vec![3], 4, 0)]);
        assert_eq!(told(&group, step(0, 2)), [own(2, 2), (vec![2], 2, 2)], "nothing was delivered to 3");
        group.secretive = HashSet::from([1]);
        assert_eq!(told(&group, step(4, 3)), [own(4, 3), (vec![2, 3], 4, 0)]);
        assert_eq!(told(&group, step(0, 2)), [own(2, 2)], "not even when");
    }
}
