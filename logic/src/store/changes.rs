//! Changes of messages: edits, recalls, reactions. Each conversation counts
//! its own, in the order in which they were committed; the message's row has
//! what it is now. What a change does is decided without a database: both
//! dialects lock the conversation, read what is [`Known`], ask [`judge`], and
//! write what it says.

use bytes::Bytes;
use oort_api::expiry;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::change_event::Kind;
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{
    ChangeEvent, ConversationKind, Message, MessageExtra, MessageKind, Reaction, User,
};
use prost::Message as _;
use tonic::async_trait;

use super::payload;
use super::plan::{Head, Sender};
use super::sanctions::is_in_force;
use super::{Appended, Error, HookKinds, OutboxRow};
use crate::messages::policy::{Operation, Rule, Standing};
use crate::outbox;
use crate::policy::Role;

/// What is to become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    /// Its text becomes this one.
    Edit(String),
    /// It is taken back: nothing of what was sent is kept.
    Recall,
    /// The actor reacts so.
    React(String),
    /// The actor does not react so.
    Unreact(String),
    /// It is removed by the server: nothing of what was sent is kept.
    Erase,
    /// What ended of it by now is erased: all of it, or what it quotes.
    Expire,
}

impl Alteration {
    fn operation(&self) -> Operation {
        match self {
            Self::Edit(_) => Operation::Edit,
            Self::Recall => Operation::Recall,
            Self::React(_) | Self::Unreact(_) => Operation::React,
            Self::Erase | Self::Expire => Operation::Erase,
        }
    }

    /// The emoji of a reaction; else empty.
    pub(super) fn emoji(&self) -> &str {
        match self {
            Self::React(emoji) | Self::Unreact(emoji) => emoji,
            Self::Edit(_) | Self::Recall | Self::Erase | Self::Expire => "",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Edit(_) => Kind::Edited,
            Self::Recall => Kind::Recalled,
            Self::React(_) => Kind::Reacted,
            Self::Unreact(_) => Kind::Unreacted,
            Self::Erase => Kind::Erased,
            Self::Expire => Kind::Expired,
        }
    }
}

/// A change that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// Where.
    pub conversation: ConversationId,
    /// Which message.
    pub seq: Seq,
    /// Who; id 0 = the server.
    pub actor: User,
    /// What.
    pub alteration: Alteration,
}

/// Bounds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeBounds {
    /// How long after it was sent a message may be edited, ms.
    pub edit_within_ms: i64,
    /// How long after it was sent its sender may take a message back, ms.
    pub recall_within_ms: i64,
    /// Different reactions to one message.
    pub reaction_kinds_max: usize,
}

/// What became of a [`NewChange`].
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// The message as it is now, changed or as it was asked for already.
    Stands(Box<Message>),
    /// The actor may not do that.
    Forbidden,
    /// The time in which it could be done is over.
    TooLate,
    /// The message was taken back or erased, or its time is over.
    Gone,
    /// The message has as many different reactions as it may.
    TooManyReactions,
    /// The actor is not a member.
    NotMember,
    /// The actor is muted in the group until then, ms since the epoch; 0 = all are.
    Muted(i64),
    /// An operator muted the actor everywhere until then, ms since the epoch; 0 = without end.
    Silenced(i64),
    /// The group was dissolved.
    Dissolved,
    /// The other user of the direct conversation blocks the actor.
    Blocked,
    /// There is no such message.
    NoMessage,
    /// There is no such conversation.
    NoConversation,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangePage {
    /// Oldest first. What they say of the message is what it is now.
    pub changes: Vec<ChangeEvent>,
    /// The conversation's newest change when the page was read, 0 = none.
    pub head: i64,
    /// There are more.
    pub has_more: bool,
}

impl ChangePage {
    /// `changes` after a place, of a conversation with this newest one.
    pub(super) fn of(changes: Vec<ChangeEvent>, after: i64, head: i64) -> Self {
        let last = changes.last().map_or(after, |last| last.change_seq);
        Self { has_more: last < head, changes, head }
    }
}

/// Changes of messages.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Changes a message, in one transaction with its outbox row. What is as it was asked for already is not changed, and
    /// nothing is published then.
    async fn change(
        &self,
        owner: &str,
        change: &NewChange,
        bounds: &ChangeBounds,
        now_ms: i64,
    ) -> Result<(Changed, Option<OutboxRow>), Error>;
    /// Changes of a conversation after this one (0 = from the first), at most `limit`. The caller has checked that the
    /// reader may.
    async fn changes(&self, id: ConversationId, after: i64, limit: u32) -> Result<ChangePage, Error>;
    /// Which of these messages (conversation, seq) the user reacts to, and how.
    async fn own_reactions(
        &self,
        user: UserId,
        messages: &[(i64, i64)],
    ) -> Result<Vec<(i64, i64, String)>, Error>;
}

/// A conversation as a change needs it, read under its lock.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) head: Head,
    pub(super) creator: i64,
    /// Its newest change.
    pub(super) change_seq: i64,
    /// When that was made.
    pub(super) changed_at_ms: i64,
}

impl Place {
    /// Everybody is in it.
    pub(super) fn is_open(&self) -> bool {
        self.head.kind == ConversationKind::Room
    }
}

/// What the store holds about a change.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) place: Option<Place>,
    /// The actor as a member.
    pub(super) member: Option<Sender>,
    /// Until when an operator muted the actor everywhere; 0 = without end.
    pub(super) mute: Option<i64>,
    pub(super) message: Option<Message>,
    /// The actor reacts so already.
    pub(super) has_reacted: bool,
    /// Conversations of these kinds go into the queue of hooks.
    pub(super) hooked: HookKinds,
}

/// What to do with the rows of reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReactionRows {
    /// Nothing.
    Keep,
    /// The actor's is added.
    Insert,
    /// The actor's is deleted.
    Delete,
    /// All of the message are deleted.
    Clear,
}

/// What to write and what to publish.
#[derive(Debug)]
pub(super) struct Step {
    /// As it will be.
    pub(super) message: Message,
    /// Its text until now.
    pub(super) before: String,
    pub(super) event: ChangeEvent,
    pub(super) reactions: ReactionRows,
    /// The conversation goes into the queue of hooks.
    pub(super) is_hooked: bool,
    pub(super) payload: Bytes,
}

/// What is to be done about a change.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Write this.
    Write(Box<Step>),
    /// Write what the message has beside its text, and publish nothing.
    Trim(Box<Message>),
    /// Answer this.
    Answer(Changed),
}

/// Decides a change. The order of the checks makes repeats safe: what is done already is told as done, whatever the time.
pub(super) fn judge(change: &NewChange, known: Known, bounds: &ChangeBounds, now_ms: i64) -> Verdict {
    let answer = Verdict::Answer;
    let Some(place) = known.place else { return answer(Changed::NoConversation) };
    if !place.is_open() && known.member.is_none() && change.actor.id != 0 {
        return answer(Changed::NotMember);
    }
    let Some(mut message) = known.message else { return answer(Changed::NoMessage) };
    let has_ended = message.extra.as_ref().is_some_and(|extra| expiry::is_ended(extra, now_ms));
    if change.alteration != Alteration::Expire {
        expiry::hide(&mut message, now_ms);
    } else if !has_ended {
        return trim(message, now_ms);
    }
    let standing = Standing {
        kind: place.head.kind,
        creator: place.creator,
        member: known.member.map_or(Role::Stranger, |member| member.role),
        sender: message.sender.as_ref().map_or(0, |sender| sender.id),
        actor: change.actor.id,
    };
    let rule = standing.rule(change.alteration.operation());
    if rule == Rule::Never || message.kind() == MessageKind::System {
        return answer(Changed::Forbidden);
    }
    let is_gone = message.extra.as_ref().is_some_and(|extra| extra.gone() != Gone::NotGone);
    let is_done = match &change.alteration {
        Alteration::Edit(content) => *content == message.content,
        Alteration::Recall | Alteration::Erase => is_gone,
        Alteration::React(_) => known.has_reacted,
        Alteration::Unreact(_) => !known.has_reacted,
        Alteration::Expire => false,
    };
    if is_done {
        return answer(Changed::Stands(Box::new(message)));
    }
    if is_gone {
        return answer(Changed::Gone);
    }
    if let Some(silenced) = silenced(change, &place.head, known.member.as_ref(), now_ms) {
        return answer(silenced);
    }
    let is_speech = change.actor.id != 0 && change.alteration != Alteration::Recall;
    if let Some(until_ms) = known.mute.filter(|&until_ms| is_speech && is_in_force(until_ms, now_ms)) {
        return answer(Changed::Silenced(until_ms));
    }
    let within_ms = match change.alteration {
        Alteration::Edit(_) => bounds.edit_within_ms,
        _ => bounds.recall_within_ms,
    };
    if rule == Rule::InTime && now_ms.saturating_sub(message.created_at_ms) >= within_ms {
        return answer(Changed::TooLate);
    }
    let is_hooked = known.hooked.has(place.head.kind);
    match alter(change, message, &place, bounds, now_ms) {
        Some(step) => Verdict::Write(Box::new(Step { is_hooked, ..step })),
        None => answer(Changed::TooManyReactions),
    }
}

/// What a message quotes ends by itself: clients know when.
fn trim(mut message: Message, now_ms: i64) -> Verdict {
    let before = message.extra.clone();
    expiry::hide(&mut message, now_ms);
    let is_trimmed = message.extra != before;
    let message = Box::new(message);
    if is_trimmed { Verdict::Trim(message) } else { Verdict::Answer(Changed::Stands(message)) }
}

/// Who may not send may not speak by changes either; what they sent they may take back, until the group ends.
fn silenced(change: &NewChange, head: &Head, member: Option<&Sender>, now_ms: i64) -> Option<Changed> {
    if change.actor.id == 0 {
        return None;
    }
    let takes_back = change.alteration == Alteration::Recall;
    match head.refuses(change.actor.id, member, now_ms)? {
        Appended::Dissolved => Some(Changed::Dissolved),
        _ if takes_back => None,
        Appended::Muted(until_ms) => Some(Changed::Muted(until_ms)),
        Appended::Blocked => Some(Changed::Blocked),
        _ => Some(Changed::NotMember),
    }
}

/// `None`: one more reaction is too many.
fn alter(
    change: &NewChange,
    mut message: Message,
    place: &Place,
    bounds: &ChangeBounds,
    now_ms: i64,
) -> Option<Step> {
    let change_seq = place.change_seq + 1;
    let at_ms = now_ms.max(place.changed_at_ms);
    let mut extra = message.extra.take().unwrap_or_default();
    let before = message.content.clone();
    let emoji = change.alteration.emoji();
    let reactions = match &change.alteration {
        Alteration::Edit(content) => {
            payload::keep_digest(&message, &mut extra);
            message.content.clone_from(content);
            extra.edited_at_ms = at_ms;
            ReactionRows::Keep
        }
        Alteration::Recall | Alteration::Erase | Alteration::Expire => {
            payload::keep_digest(&message, &mut extra);
            let had_reactions = !extra.reactions.is_empty();
            message.content.clear();
            let sent_digest = std::mem::take(&mut extra.sent_digest);
            let left = |gone: Gone| MessageExtra { gone: gone.into(), ..MessageExtra::default() };
            let remains = match change.alteration {
                Alteration::Expire => expiry::remains(&extra),
                Alteration::Erase => left(Gone::Erased),
                _ => left(Gone::Recalled),
            };
            extra = MessageExtra { sent_digest, ..remains };
            if had_reactions { ReactionRows::Clear } else { ReactionRows::Keep }
        }
        Alteration::React(_) => {
            let kinds = extra.reactions.len();
            match extra.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
                Some(reaction) => reaction.count += 1,
                None if kinds >= bounds.reaction_kinds_max => return None,
                None => {
                    extra.reactions.push(Reaction { emoji: emoji.to_owned(), count: 1, mine: false });
                }
            }
            ReactionRows::Insert
        }
        Alteration::Unreact(_) => {
            if let Some(reaction) = extra.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
                reaction.count -= 1;
            }
            extra.reactions.retain(|reaction| reaction.count > 0);
            ReactionRows::Delete
        }
    };
    extra.change_seq = change_seq;
    message.extra = Some(extra);
    let kind = change.alteration.kind();
    let event = shown(
        ChangeEvent {
            conversation: message.conversation,
            change_seq,
            seq: message.seq,
            kind: kind.into(),
            actor: Some(change.actor.clone()),
            at_ms,
            emoji: emoji.to_owned(),
            ..ChangeEvent::default()
        },
        (&message.content, message.extra.as_ref()),
        now_ms,
    );
    let record = outbox::change_record(&event, &place.head.audience());
    let payload = outbox::encode(vec![record]);
    Some(Step { message, before, event, reactions, is_hooked: false, payload })
}

/// A change with what it says of its message, text and extra, which is now so.
pub(super) fn shown(
    change: ChangeEvent,
    (content, extra): (&str, Option<&MessageExtra>),
    now_ms: i64,
) -> ChangeEvent {
    let expires_at_ms = extra.map_or(0, |extra| extra.expires_at_ms);
    let mut change = ChangeEvent { expires_at_ms, ..change };
    match change.kind() {
        Kind::Edited => change.content = content.to_owned(),
        Kind::Reacted | Kind::Unreacted => {
            let reactions = extra.map(|extra| extra.reactions.as_slice()).unwrap_or_default();
            let found = reactions.iter().find(|reaction| reaction.emoji == change.emoji);
            change.count = found.map_or(0, |reaction| reaction.count);
        }
        Kind::Recalled | Kind::Erased | Kind::Expired => {}
    }
    expiry::hide_of_change(&mut change, now_ms);
    change
}

/// Reads the extra of a message.
pub(super) fn read_extra(bytes: Option<Vec<u8>>) -> Result<Option<MessageExtra>, Error> {
    let Some(bytes) = bytes else { return Ok(None) };
    let extra = MessageExtra::decode(bytes.as_slice());
    extra.map(Some).map_err(|_| Error::Internal("the extra of a message cannot be read".to_owned()))
}
