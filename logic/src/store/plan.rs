//! What one append does, decided without a database: both dialects read what
//! is [`Known`], ask [`plan`], and write what it says.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use oort_api::expiry;
use oort_api::ids::{Seq, UserId};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{ConversationKind, Message, MessageExtra, MessageKind, OutboxRecord, Quote};
use prost::Message as _;

use super::files::{Carried, file_of};
use super::payload::{self, Payload, is_same};
use super::sanctions::is_in_force;
use super::{Appended, ConversationInfo, HookKinds, NewMessage, notifications};
use crate::outbox::{self, Audience};
use crate::policy::{self, Operation, Role};

/// A conversation's newest place, read under its lock.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Direct, group or room.
    pub(super) kind: ConversationKind,
    /// 0 = no message yet.
    pub(super) last_seq: i64,
    /// Time of the newest message.
    pub(super) last_at_ms: i64,
    /// The two users of a direct conversation.
    pub(super) pair: Option<(i64, i64)>,
    /// Who of them blocks the other.
    pub(super) blocked: Blocked,
    /// Only admins and the owner of the group may send.
    pub(super) is_muted_all: bool,
    /// The group ended.
    pub(super) is_dissolved: bool,
    /// How long messages stay, ms; 0 = for ever.
    pub(super) expires_in_ms: i64,
}

/// Who of a direct conversation blocks the other, as the column holds it: 1
/// for the smaller user id, 2 for the larger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Blocked(pub(super) i64);

impl Blocked {
    /// Of two users, each with whether they block the other.
    pub(super) fn of(one: (i64, bool), other: (i64, bool)) -> Self {
        let (lo, hi) = if one.0 < other.0 { (one, other) } else { (other, one) };
        Self(i64::from(lo.1) | i64::from(hi.1) << 1)
    }

    /// Whether one of the pair is blocked by the other.
    pub(super) fn stops(self, sender: i64, (lo, hi): (i64, i64)) -> bool {
        (sender == hi && self.0 & 1 != 0) || (sender == lo && self.0 & 2 != 0)
    }
}

/// A sender as a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) role: Role,
    /// May not send until then.
    pub(super) muted_until_ms: i64,
}

impl Head {
    /// Of a group that is known to be locked.
    pub(super) fn of(info: &ConversationInfo) -> Self {
        let &ConversationInfo { kind, head, last_at_ms, .. } = info;
        Self {
            kind,
            last_seq: head,
            last_at_ms,
            pair: None,
            blocked: Blocked::default(),
            is_muted_all: false,
            is_dissolved: false,
            expires_in_ms: 0,
        }
    }

    /// Why somebody may not send here.
    pub(super) fn refuses(&self, id: i64, sender: Option<&Sender>, now_ms: i64) -> Option<Appended> {
        if self.kind == ConversationKind::Room {
            return None;
        }
        if self.pair.is_some_and(|pair| self.blocked.stops(id, pair)) {
            return Some(Appended::Blocked);
        }
        let role = sender.map_or(Role::Stranger, |sender| sender.role);
        let muted_until_ms = sender.map_or(0, |sender| sender.muted_until_ms);
        if !policy::allows(Operation::Send, role, None, false) {
            Some(Appended::NotMember)
        } else if self.is_dissolved {
            Some(Appended::Dissolved)
        } else if muted_until_ms > now_ms {
            Some(Appended::Muted(muted_until_ms))
        } else if self.is_muted_all && !policy::allows(Operation::SendWhileAllMuted, role, None, false) {
            Some(Appended::Muted(0))
        } else {
            None
        }
    }

    /// Whom messages of the conversation go to.
    pub(super) fn audience(&self) -> Audience {
        match self.pair {
            Some((lo, hi)) => {
                let mut users: Vec<UserId> = [lo, hi].into_iter().filter_map(UserId::new).collect();
                users.dedup();
                Audience::Users(users)
            }
            None => Audience::Room,
        }
    }

    /// Takes the next place: its seq and its time, both above the last ones.
    pub(super) fn next(&mut self, now_ms: i64) -> (i64, i64) {
        self.last_seq += 1;
        self.last_at_ms = now_ms.max(self.last_at_ms + 1);
        (self.last_seq, self.last_at_ms)
    }
}

/// A message stored earlier under the same (sender, client message id).
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    pub(super) conversation: i64,
    pub(super) seq: i64,
    pub(super) created_at_ms: i64,
    pub(super) payload: Payload,
}

/// What the store holds about a batch.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By conversation; those that exist.
    pub(super) heads: HashMap<i64, Head>,
    /// By index into the batch.
    pub(super) earlier: HashMap<usize, Earlier>,
    /// (conversation, user) of groups and direct conversations, as far as they send or are spoken to.
    pub(super) members: HashMap<(i64, i64), Sender>,
    /// Until when operators muted senders everywhere, by user; 0 = without end.
    pub(super) mutes: HashMap<i64, i64>,
    /// Messages that are answered, by (conversation, seq).
    pub(super) quoted: HashMap<(i64, i64), Quote>,
    /// (sender, file): files that are ready, and that the sender may read.
    pub(super) files: HashSet<(i64, i64)>,
    /// Conversations of these kinds go into the queue of hooks.
    pub(super) hooked: HookKinds,
}

/// A row to insert.
#[derive(Debug, Clone)]
pub(super) struct Row<'b> {
    pub(super) message: &'b NewMessage,
    pub(super) seq: i64,
    pub(super) created_at_ms: i64,
    pub(super) extra: Option<MessageExtra>,
}

impl Row<'_> {
    /// What its column has.
    pub(super) fn extra(&self) -> Option<Vec<u8>> {
        self.extra.as_ref().map(MessageExtra::encode_to_vec)
    }
}

/// The message that a new one answers: conversation and seq.
pub(super) fn answered(message: &NewMessage) -> Option<(i64, i64)> {
    let seq = message.details.as_ref()?.reply_to;
    (seq > 0).then_some((message.conversation.get(), seq))
}

/// The users a new message speaks to by name.
pub(super) fn named(message: &NewMessage) -> impl Iterator<Item = i64> {
    message.details.iter().flat_map(|details| details.mentions.iter().copied())
}

/// The kind of a new message.
pub(super) fn kind_of(message: &NewMessage) -> MessageKind {
    message.details.as_ref().map_or(MessageKind::Text, |details| details.kind())
}

/// Characters of a message that those which answer it show.
const QUOTED_CHARS: usize = 100;

/// What is shown of a message by those that answer it.
pub(super) fn quote(message: &Message) -> Quote {
    let extra = message.extra.as_ref().filter(|extra| extra.gone() == Gone::NotGone);
    Quote {
        seq: message.seq,
        sender: message.sender.clone(),
        content: message.content.chars().take(QUOTED_CHARS).collect(),
        kind: message.kind,
        expires_at_ms: extra.map_or(0, |extra| extra.expires_at_ms),
    }
}

/// What to write and what to answer.
#[derive(Debug)]
pub(super) struct Plan<'b> {
    /// In the order of the batch.
    pub(super) outcomes: Vec<Appended>,
    /// In the order of the batch.
    pub(super) rows: Vec<Row<'b>>,
    /// Conversation → (last_seq, last_at_ms), those that changed, by id.
    pub(super) bumps: BTreeMap<i64, (i64, i64)>,
    /// Which rows carry which files.
    pub(super) refs: Vec<Carried>,
    /// When something of which rows is to be erased: conversation, seq, ms since the epoch.
    pub(super) expiries: Vec<(i64, i64, i64)>,
    /// What to publish; `None` when no row is inserted.
    pub(super) payload: Option<Bytes>,
    /// What goes into the feed of notifications; `None` = nothing.
    pub(super) feed: Option<Vec<u8>>,
    /// Conversations that go into the queue of hooks, by id.
    pub(super) hooked: Vec<i64>,
}

/// Decides the fate of every message of the batch.
pub(super) fn plan<'b>(batch: &'b [NewMessage], mut known: Known, now_ms: i64) -> Plan<'b> {
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut rows: Vec<Row<'b>> = Vec::with_capacity(batch.len());
    let mut records = Vec::with_capacity(batch.len());
    let (mut bumps, mut refs, mut expiries) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut stored: HashMap<(i64, &str), usize> = HashMap::with_capacity(batch.len());
    #[cfg(feature = "simulation")]
    planted::remember(&mut known.heads);
    for (index, message) in batch.iter().enumerate() {
        let conversation = message.conversation.get();
        let identity = (message.sender.id, message.client_msg_id.as_str());
        let outcome = if let Some(earlier) = known.earlier.get(&index) {
            let same = earlier.conversation == conversation && earlier.payload.is_of(message);
            repeat(same, earlier.seq, earlier.created_at_ms)
        } else if let Some(row) = stored.get(&identity).map(|&row| &rows[row]) {
            let same = row.message.conversation == message.conversation && is_same(row.message, message);
            repeat(same, row.seq, row.created_at_ms)
        } else if let Some(head) = known.heads.get_mut(&conversation) {
            let sender = known.members.get(&(conversation, message.sender.id));
            let (answered, file) = (answered(message), file_of(message));
            let quote = answered.and_then(|place| known.quoted.get(&place));
            let mute = known.mutes.get(&message.sender.id).copied();
            if let Some(refused) = head.refuses(message.sender.id, sender, now_ms) {
                refused
            } else if let Some(until_ms) = mute.filter(|&until_ms| is_in_force(until_ms, now_ms)) {
                Appended::Silenced(until_ms)
            } else if is_copy_of_nothing(message) {
                Appended::NoOriginal
            } else if answered.is_some() && quote.is_none() {
                Appended::NoQuoted
            } else if let Some(stranger) = stranger(message, head, &known.members) {
                Appended::MentionedNotMember(stranger)
            } else if file.is_some_and(|file| !known.files.contains(&(message.sender.id, file))) {
                Appended::NoFile
            } else {
                let (seq, created_at_ms) = head.next(now_ms);
                bumps.insert(conversation, (seq, created_at_ms));
                stored.insert(identity, rows.len());
                let extra = extra(message, quote, created_at_ms, head.expires_in_ms);
                let expires_at_ms = extra.as_ref().map_or(0, |extra| extra.expires_at_ms);
                refs.extend(file.map(|file| Carried { file, conversation, seq, expires_at_ms }));
                let due_ms = extra.as_ref().and_then(expiry::next_ms);
                expiries.extend(due_ms.map(|due_ms| (conversation, seq, due_ms)));
                let row = Row { message, seq, created_at_ms, extra };
                records.push(record(&row, &head.audience()));
                rows.push(row);
                Appended::Stored { seq: place(seq), created_at_ms }
            }
        } else {
            Appended::NoConversation
        };
        outcomes.push(outcome);
    }
    #[cfg(feature = "simulation")]
    planted::keep(&bumps);
    let payload = (!records.is_empty()).then(|| outbox::encode(records));
    let is_room = |id| known.heads.get(&id).is_some_and(|head| head.kind == ConversationKind::Room);
    let feed = notifications::feed(&rows, is_room);
    let is_hooked = |id: &i64| known.heads.get(id).is_some_and(|head| known.hooked.has(head.kind));
    let hooked = bumps.keys().copied().filter(is_hooked).collect();
    Plan { outcomes, rows, bumps, refs, expiries, payload, feed, hooked }
}

/// What a message has beside its text; `None` = nothing.
fn extra(
    message: &NewMessage,
    quote: Option<&Quote>,
    created_at_ms: i64,
    expires_in_ms: i64,
) -> Option<MessageExtra> {
    let details = message.details.as_deref();
    let own_in_ms = details.map_or(0, |details| details.expires_in_ms);
    let expires_at_ms = expiry::deadline(created_at_ms, own_in_ms, expires_in_ms);
    let sent_digest = payload::written_digest(message);
    if details.is_none() && expires_at_ms == 0 && sent_digest.is_none() {
        return None;
    }
    let mut quote = quote.cloned();
    if let Some(quote) = &mut quote
        && expiry::is_over(quote.expires_at_ms, created_at_ms)
    {
        quote.content.clear();
    }
    Some(MessageExtra {
        details: details.cloned(),
        quote,
        expires_at_ms,
        sent_digest: sent_digest.unwrap_or_default(),
        ..MessageExtra::default()
    })
}

/// A message sent on that has nothing of what it was copied from.
fn is_copy_of_nothing(message: &NewMessage) -> bool {
    let details = message.details.as_deref();
    let is_bare = details.is_some_and(|details| details.forwarded.is_some() && details.attachment.is_empty());
    is_bare && message.content.is_empty()
}

/// Somebody the message speaks to who is not in the conversation. Everybody is in open rooms.
fn stranger(message: &NewMessage, head: &Head, members: &HashMap<(i64, i64), Sender>) -> Option<i64> {
    if head.kind == ConversationKind::Room {
        return None;
    }
    named(message).find(|&user| !members.contains_key(&(message.conversation.get(), user)))
}

/// Places given out are kept in memory, whatever becomes of their transaction.
#[cfg(feature = "simulation")]
mod planted {
    use std::cell::RefCell;
    use std::collections::{BTreeMap, HashMap};

    use oort_api::planted::{Bug, is};

    use super::Head;

    thread_local! {
        static GIVEN_OUT: RefCell<BTreeMap<i64, i64>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(super) fn remember(heads: &mut HashMap<i64, Head>) {
        if is(Bug::SeqOutsideTransaction) {
            GIVEN_OUT.with_borrow(|given_out| {
                for (conversation, head) in heads {
                    head.last_seq = head.last_seq.max(given_out.get(conversation).copied().unwrap_or(0));
                }
            });
        }
    }

    pub(super) fn keep(bumps: &BTreeMap<i64, (i64, i64)>) {
        if is(Bug::SeqOutsideTransaction) {
            GIVEN_OUT.with_borrow_mut(|given_out| {
                given_out.extend(bumps.iter().map(|(conversation, (seq, _))| (*conversation, *seq)));
            });
        }
    }
}

fn repeat(same_payload: bool, seq: i64, created_at_ms: i64) -> Appended {
    if same_payload { Appended::Duplicate { seq: place(seq), created_at_ms } } else { Appended::Conflict }
}

#[expect(clippy::expect_used, reason = "seqs count from 1 upwards, in 64 bits")]
fn place(seq: i64) -> Seq {
    Seq::new(seq).expect("seqs are positive")
}

fn record(row: &Row<'_>, audience: &Audience) -> OutboxRecord {
    let message = Message {
        conversation: row.message.conversation.get(),
        seq: row.seq,
        sender: Some(row.message.sender.clone()),
        client_msg_id: row.message.client_msg_id.clone(),
        content: row.message.content.clone(),
        created_at_ms: row.created_at_ms,
        kind: kind_of(row.message).into(),
        extra: row.extra.clone(),
    };
    outbox::message_record(&message, audience, &row.message.traceparent)
}

#[cfg(test)]
mod tests {
    use oort_api::ids::ConversationId;
    use oort_api::pb::oort::v1::{Details, User};

    use super::*;

    fn message(conversation: i64, sender: i64, id: &str, content: &str) -> NewMessage {
        NewMessage {
            conversation: ConversationId::new(conversation).expect("positive"),
            sender: User { id: sender, username: format!("user{sender}") },
            client_msg_id: id.to_owned(),
            content: content.to_owned(),
            written: None,
            details: None,
            traceparent: String::new(),
        }
    }

    fn known() -> Known {
        let head = |kind, last_seq, last_at_ms, pair| Head {
            kind,
            last_seq,
            last_at_ms,
            pair,
            blocked: Blocked::default(),
            is_muted_all: false,
            is_dissolved: false,
            expires_in_ms: 0,
        };
        let room = head(ConversationKind::Room, 4, 1_000, None);
        let direct = head(ConversationKind::Direct, 0, 0, Some((1, 2)));
        let member = Sender { role: Role::Member, muted_until_ms: 0 };
        Known {
            heads: HashMap::from([(1, room), (2, direct)]),
            members: HashMap::from([((2, 1), member), ((2, 2), member)]),
            ..Known::default()
        }
    }

    #[test]
    fn muted_members_and_dissolved_groups_are_refused() {
        let send = |role, muted_until_ms, is_muted_all, is_dissolved| {
            let mut known = known();
            let group = Head { kind: ConversationKind::Group, pair: None, ..known.heads[&2].clone() };
            known.heads.insert(3, Head { is_muted_all, is_dissolved, ..group });
            known.members.insert((3, 1), Sender { role, muted_until_ms });
            plan(&[message(3, 1, "a", "x")], known, 5_000).outcomes.remove(0)
        };
        let stored = Appended::Stored { seq: place(1), created_at_ms: 5_000 };
        for role in [Role::Member, Role::Admin, Role::Owner] {
            assert_eq!(send(role, 0, false, false), stored);
            assert_eq!(send(role, 5_000, false, false), stored, "the time is over");
            assert_eq!(send(role, 5_001, false, false), Appended::Muted(5_001));
            assert_eq!(send(role, 5_001, true, true), Appended::Dissolved);
            let all = if role == Role::Member { Appended::Muted(0) } else { stored.clone() };
            assert_eq!(send(role, 0, true, false), all, "{role:?}");
        }
    }

    #[test]
    fn seqs_are_dense_and_times_rise_even_when_the_clock_does_not() {
        let batch = [message(1, 1, "a", "x"), message(1, 2, "a", "y"), message(2, 1, "b", "z")];
        let plan = plan(&batch, known(), 10);
        let stored = |seq, created_at_ms| Appended::Stored { seq: place(seq), created_at_ms };
        assert_eq!(plan.outcomes, vec![stored(5, 1_001), stored(6, 1_002), stored(1, 10)]);
        assert_eq!(plan.bumps, BTreeMap::from([(1, (6, 1_002)), (2, (1, 10))]));
    }

    #[test]
    fn a_repeat_inside_the_batch_is_a_repeat() {
        let batch = [
            message(1, 1, "a", "x"),
            message(1, 1, "a", "x"),
            message(1, 1, "a", "other"),
            message(2, 1, "a", "x"),
        ];
        let plan = plan(&batch, known(), 5_000);
        assert_eq!(plan.rows.len(), 1);
        assert_eq!(plan.outcomes[1], Appended::Duplicate { seq: place(5), created_at_ms: 5_000 });
        assert_eq!(plan.outcomes[2..], [Appended::Conflict, Appended::Conflict]);
    }

    #[test]
    fn a_refused_message_does_not_shadow_a_later_one() {
        let batch = [
            message(9, 1, "a", "x"),
            message(2, 3, "b", "x"),
            message(1, 1, "a", "x"),
            message(1, 3, "b", "x"),
        ];
        let plan = plan(&batch, known(), 5_000);
        assert_eq!(plan.outcomes[..2], [Appended::NoConversation, Appended::NotMember]);
        assert_eq!(plan.rows.len(), 2);
    }

    #[test]
    fn who_is_blocked_is_refused_and_who_blocks_is_not() {
        let batch = [message(2, 1, "a", "x"), message(2, 2, "a", "x")];
        for (one, other, refused) in [(true, false, [false, true]), (false, true, [true, false])] {
            let mut known = known();
            known.heads.get_mut(&2).expect("there").blocked = Blocked::of((2, other), (1, one));
            let outcomes = plan(&batch, known, 1).outcomes;
            let found: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Appended::Blocked).collect();
            assert_eq!(found, refused);
        }
    }

    #[test]
    fn a_message_carries_a_file_that_its_sender_may_read() {
        let with = |sender, id: &str| {
            let details = Details {
                kind: MessageKind::File.into(),
                attachment: r#"{"fileId":"7","name":"a"}"#.to_owned(),
                ..Details::default()
            };
            NewMessage { details: Some(Box::new(details)), ..message(1, sender, id, "") }
        };
        let batch = [with(1, "a"), with(2, "a"), with(1, "b")];
        let known = Known { files: HashSet::from([(1, 7)]), ..known() };
        let plan = plan(&batch, known, 5_000);
        assert_eq!(plan.outcomes[1], Appended::NoFile);
        let carried = |seq| Carried { file: 7, conversation: 1, seq, expires_at_ms: 0 };
        assert_eq!(plan.refs, [carried(5), carried(6)]);
    }

    fn detailed(conversation: i64, id: &str, details: Details) -> NewMessage {
        NewMessage { details: Some(Box::new(details)), ..message(conversation, 1, id, "x") }
    }

    #[test]
    fn a_message_ends_after_its_own_time_or_that_of_its_conversation() {
        let in_ms = |expires_in_ms| Details { expires_in_ms, ..Details::default() };
        let answer = Details { reply_to: 4, ..in_ms(0) };
        let batch = [
            message(1, 1, "a", "x"),
            message(2, 1, "b", "x"),
            detailed(2, "c", in_ms(50)),
            detailed(2, "d", in_ms(500)),
            detailed(1, "e", answer.clone()),
            detailed(1, "f", Details { expires_in_ms: 50, ..answer }),
        ];
        let mut known = known();
        known.heads.get_mut(&2).expect("there").expires_in_ms = 100;
        let quote = Quote { seq: 4, content: "y".to_owned(), expires_at_ms: 5_070, ..Quote::default() };
        known.quoted.insert((1, 4), quote);
        let plan = plan(&batch, known, 5_000);
        let ends = plan.rows.iter().map(|row| row.extra.as_ref().map_or(0, |extra| extra.expires_at_ms));
        assert_eq!(ends.collect::<Vec<_>>(), [0, 5_100, 5_051, 5_102, 0, 5_052]);
        let due = [(2, 1, 5_100), (2, 2, 5_051), (2, 3, 5_102), (1, 6, 5_070), (1, 7, 5_052)];
        assert_eq!(plan.expiries, due, "an answer is looked at when what it quotes ends");
    }

    #[test]
    fn what_ended_is_not_quoted() {
        let answer = |id: &str| detailed(1, id, Details { reply_to: 4, ..Details::default() });
        let quoted = |now_ms| {
            let mut known = known();
            let quote = Quote { seq: 4, content: "y".to_owned(), expires_at_ms: 5_000, ..Quote::default() };
            known.quoted.insert((1, 4), quote);
            let batch = [answer("a")];
            let extra = plan(&batch, known, now_ms).rows.remove(0).extra;
            extra.and_then(|extra| extra.quote).unwrap_or_default().content
        };
        assert_eq!((quoted(4_999).as_str(), quoted(5_000).as_str()), ("y", ""));
    }

    #[test]
    fn a_message_speaks_to_members_only() {
        let to = |conversation, id: &str, mentions: &[i64]| {
            detailed(conversation, id, Details { mentions: mentions.to_vec(), ..Details::default() })
        };
        let batch = [to(2, "a", &[2]), to(2, "b", &[2, 3]), to(1, "c", &[3]), to(2, "b", &[2])];
        let outcomes = plan(&batch, known(), 5_000).outcomes;
        let is_stored: Vec<bool> =
            outcomes.iter().map(|outcome| matches!(outcome, Appended::Stored { .. })).collect();
        assert_eq!(is_stored, [true, false, true, true], "everybody is in an open room");
        assert_eq!(outcomes[1], Appended::MentionedNotMember(3));
    }

    #[test]
    fn who_is_muted_everywhere_is_refused_in_every_kind_of_conversation() {
        let batch = [message(1, 1, "a", "x"), message(2, 1, "b", "x"), message(1, 2, "a", "x")];
        let outcomes = |until_ms| {
            let mutes = HashMap::from([(1, until_ms)]);
            plan(&batch, Known { mutes, ..known() }, 5_000).outcomes
        };
        let is_stored = |outcome: &Appended| matches!(outcome, Appended::Stored { .. });
        for until_ms in [0, 5_001] {
            let outcomes = outcomes(until_ms);
            assert_eq!(outcomes[..2], [Appended::Silenced(until_ms), Appended::Silenced(until_ms)]);
            assert!(is_stored(&outcomes[2]), "the other user");
        }
        assert!(outcomes(5_000).iter().all(is_stored), "the time is over");
    }

    #[test]
    fn what_was_replaced_is_compared_by_what_was_written() {
        let replaced = |text: &str| NewMessage { written: Some("x".into()), ..message(1, 1, "a", text) };
        let batch = [replaced("y"), message(1, 1, "a", "x"), replaced("z"), message(1, 1, "a", "y")];
        let outcomes = plan(&batch, known(), 5_000).outcomes;
        let again = Appended::Duplicate { seq: place(5), created_at_ms: 5_000 };
        assert_eq!(outcomes[1..], [again.clone(), again, Appended::Conflict]);
    }

    #[test]
    fn conversations_of_the_kinds_that_are_wanted_are_told() {
        let batch = [message(1, 1, "a", "x"), message(2, 1, "b", "x"), message(2, 9, "c", "x")];
        let hooked = |kinds: &[ConversationKind]| {
            let hooked = HookKinds::of(kinds.iter().copied());
            plan(&batch, Known { hooked, ..known() }, 5_000).hooked
        };
        assert_eq!(hooked(&[]), [0; 0]);
        assert_eq!(hooked(&[ConversationKind::Direct]), [2]);
        assert_eq!(hooked(&[ConversationKind::Direct, ConversationKind::Room]), [1, 2]);
    }

    #[test]
    fn nothing_stored_publishes_nothing() {
        assert_eq!(plan(&[message(9, 1, "a", "x")], known(), 1).payload, None);
    }
}
