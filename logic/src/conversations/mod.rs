//! Conversations: who may do what, and the front of the durable send path.

use std::sync::Arc;

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Conversation, ConversationKind, CursorEvent, Details, User};

use crate::config::Limits;
use crate::hooks::Before;
use crate::messages::{mark_own, of_reader};
use crate::metrics::Metrics;
use crate::policy::{self, Operation, Role};
use crate::rates::Rates;
use crate::reads::Reads;
use crate::store::{
    self, About, Appended, ConversationInfo, CursorMove, Filling, Member, MemberCursor, Page, Range, Store,
};
use crate::transactions::Transactions;
use crate::words::Words;

mod asking;
mod groups;
mod listing;
mod sends;
mod validate;

pub use groups::LinkTerms;
pub(crate) use listing::reread as reread_list_cursor;
pub use listing::{Config as ListingConfig, Listing};
pub use sends::{Answers, Group};
pub(crate) use validate::{client_key as check_client_key, content as check_content};

/// A message as its sender gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The sender's id for it, so that a repeat stores it once: 1 to 64
    /// printable ASCII characters without blanks. `None` = the sender cannot
    /// repeat it.
    pub client_msg_id: Option<String>,
    /// The text.
    pub content: String,
    /// What it has beside the text; `None` = nothing.
    pub details: Option<Box<Details>>,
}

/// A committed message's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Its place in the conversation.
    pub seq: Seq,
    /// ms since the epoch.
    pub created_at_ms: i64,
    /// An earlier attempt had stored it.
    pub duplicate: bool,
}

/// What conversations work with.
#[derive(Debug)]
pub struct Parts {
    /// Where conversations are.
    pub store: Arc<dyn Store>,
    /// Where lists of conversations are read.
    pub reads: Arc<Reads>,
    /// How often a user may send.
    pub rates: Arc<Rates>,
    /// What is not to be said.
    pub words: Arc<Words>,
    /// Asked before a message is stored; `None` = nobody.
    pub before: Option<Arc<Before>>,
    /// How incremental lists are made.
    pub listing: ListingConfig,
    /// Where everything else with an outbox row is committed.
    pub transactions: Arc<Transactions>,
    /// Counters.
    pub metrics: Metrics,
}

/// Conversations, for both doors.
#[derive(Debug)]
pub struct Conversations {
    limits: Limits,
    parts: Parts,
}

impl Conversations {
    /// Conversations within limits.
    #[must_use]
    pub fn new(limits: Limits, parts: Parts) -> Self {
        Self { limits, parts }
    }

    /// A page of messages, of at most `limit` and the configured maximum.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `invalid_field`, `unavailable`.
    pub async fn history(
        &self,
        user: UserId,
        id: ConversationId,
        range: Range,
        limit: u32,
    ) -> Result<Page, Refusal> {
        self.readable(user, id).await?;
        if matches!(range, Range::After(seq) if seq < 0) {
            return Err(Refusal::new(Code::InvalidField, "after is negative"));
        }
        let mut page =
            self.parts.store.history(id, range, validate::page(limit, self.limits.page_max)?).await?;
        let mut messages: Vec<_> = page.messages.iter_mut().collect();
        of_reader(&*self.parts.store, user, &mut messages).await?;
        Ok(page)
    }

    /// Creates an open room, which everyone is in.
    ///
    /// # Errors
    /// `invalid_field`, `rate_limited`, `room_name_taken`, `unavailable`.
    pub async fn create_room(&self, creator: &User, name: &str) -> Result<ConversationInfo, Refusal> {
        let name = self.name(name)?;
        self.parts.rates.send(creator.id, 1)?;
        let (creator, asked) = (creator.clone(), name.clone());
        self.parts
            .transactions
            .run(About::Room(&asked), move |store, owner| async move {
                let (info, row) = store.create_room(&owner, &name, &creator, now_ms()).await?;
                Ok((info, Some(row)))
            })
            .await
    }

    /// The conversation of two users, created when there is none.
    ///
    /// # Errors
    /// `invalid_field` (with oneself), `not_found` (the peer), `unavailable`.
    pub async fn direct(&self, user: &User, peer: UserId) -> Result<ConversationInfo, Refusal> {
        if user.id == peer.get() {
            return Err(Refusal::new(
                Code::InvalidField,
                "peer: a direct conversation is with somebody else",
            ));
        }
        self.parts.rates.send(user.id, 1)?;
        let user = user.clone();
        let about = UserId::new(user.id).map_or(About::Users, |one| About::Pair(one, peer));
        self.parts
            .transactions
            .run(about, move |store, owner| async move { store.direct(&owner, &user, peer, now_ms()).await })
            .await
    }

    /// Members of a group or direct conversation by id, after `after` (0 =
    /// from the start).
    ///
    /// # Errors
    /// `not_found` (also for open rooms: everyone is in them), `not_member`,
    /// `invalid_field`, `unavailable`.
    pub async fn members(
        &self,
        user: UserId,
        id: ConversationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Member>, Refusal> {
        let info = self.readable(user, id).await?;
        if info.kind == ConversationKind::Room {
            return Err(Refusal::new(
                Code::NotFound,
                "an open room has no list of members: everyone is in it",
            ));
        }
        Ok(self.parts.store.members(id, after, validate::page(limit, self.limits.page_max)?).await?)
    }

    /// The user's conversations, each with its `latest` newest messages
    /// (bounded by the configured maximum): all, or what changed `since` an
    /// earlier list, when its cursor is known.
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn list(&self, user: UserId, latest: u32, since: &str) -> Result<Listing, Refusal> {
        let latest = latest.min(self.limits.latest_max);
        let rooms_max = self.limits.open_rooms_max;
        let now_ms = now_ms();
        let entries = self.parts.reads.entries(user).await?;
        let mut listing = listing::pick(&self.parts.listing, (user, rooms_max), entries, since, now_ms);
        if !listing.conversations.is_empty() {
            let list = std::mem::take(&mut listing.conversations);
            listing.conversations = self.parts.reads.filled(Filling { user, list, latest }).await?;
            let (some, none): (Vec<&mut Conversation>, Vec<&mut Conversation>) =
                listing.conversations.iter_mut().partition(|room| room.has_hidden);
            mark_own(&*self.parts.store, user, none.into_iter().flat_map(|room| &mut room.latest)).await?;
            let mut messages: Vec<_> = some.into_iter().flat_map(|room| &mut room.latest).collect();
            if !messages.is_empty() {
                of_reader(&*self.parts.store, user, &mut messages).await?;
            }
        }
        Ok(listing)
    }

    /// Moves the user's cursor; 0 leaves a place as it is. `key` is the session
    /// that gets the answer itself. Returns when it is committed.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `overloaded`, `draining`,
    /// `unavailable`.
    pub async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        (delivered_seq, read_seq): (i64, i64),
        key: Option<String>,
    ) -> Result<CursorEvent, Refusal> {
        if delivered_seq < 0 || read_seq < 0 {
            return Err(Refusal::new(Code::InvalidField, "deliveredSeq, readSeq: whole numbers from 0"));
        }
        let asker_keys = key.into_iter().collect();
        let step = CursorMove { user, conversation, delivered_seq, read_seq, asker_keys };
        let standing = self.parts.transactions.lanes.advance(step.clone()).await?;
        Ok(store::cursor_event(&step, &standing))
    }

    /// Cursors of the members of a direct conversation or small group.
    ///
    /// # Errors
    /// `not_found` (also for open rooms and larger groups), `not_member`,
    /// `unavailable`.
    pub async fn cursors(&self, user: UserId, id: ConversationId) -> Result<Vec<MemberCursor>, Refusal> {
        let info = self.readable(user, id).await?;
        let members_max = self.parts.transactions.lanes.told_members_max().max(2);
        let cursors = match info.kind {
            ConversationKind::Room => Vec::new(),
            _ => self.parts.store.cursors(id, members_max + 1).await?,
        };
        if cursors.is_empty() || cursors.len() > members_max as usize {
            return Err(Refusal::new(
                Code::NotFound,
                format!("cursors are shown in conversations of at most {members_max} members"),
            ));
        }
        Ok(shown(user, cursors))
    }

    /// Ids of the open rooms and of the user's groups.
    ///
    /// # Errors
    /// `overloaded`, `unavailable`.
    pub async fn rooms_of(&self, user: UserId) -> Result<Vec<ConversationId>, Refusal> {
        self.parts.reads.rooms(user).await
    }

    /// The conversation, when the user may read it.
    async fn readable(&self, user: UserId, id: ConversationId) -> Result<ConversationInfo, Refusal> {
        readable(&*self.parts.store, user, id).await
    }

    fn name(&self, name: &str) -> Result<String, Refusal> {
        validate::name(name, self.limits.name_chars_max)
            .map_err(|fault| Refusal::new(Code::InvalidField, fault))
    }
}

/// Who sends no receipts is shown none, and shows none: as if they had read nothing.
fn shown(user: UserId, mut cursors: Vec<MemberCursor>) -> Vec<MemberCursor> {
    let is_secretive = cursors.iter().any(|cursor| cursor.user == user.get() && !cursor.sends_receipts);
    let others = cursors.iter_mut().filter(|cursor| cursor.user != user.get());
    for cursor in others.filter(|cursor| is_secretive || !cursor.sends_receipts) {
        cursor.read_seq = 0;
    }
    cursors
}

/// The conversation, when the user may read it.
pub(crate) async fn readable(
    store: &dyn Store,
    user: UserId,
    id: ConversationId,
) -> Result<ConversationInfo, Refusal> {
    match store.conversation(id, user).await? {
        Some((info, is_in)) => {
            let role = if is_in { Role::Member } else { Role::Stranger };
            policy::check(Operation::Read, role, None, false)?;
            Ok(info)
        }
        None => Err(not_found()),
    }
}

pub(crate) fn not_member() -> Refusal {
    Refusal::new(Code::NotMember, "you are not a member of this conversation")
}

pub(crate) fn not_found() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such conversation")
}

/// 0: all are muted, and nobody knows until when.
pub(crate) fn muted(until_ms: i64) -> Refusal {
    if until_ms == 0 {
        return Refusal::new(Code::Muted, "only admins and the owner may send in this group now");
    }
    let text = format!("you are muted in this group until {until_ms} (ms since the epoch)");
    let retry_after_ms = u64::try_from(until_ms.saturating_sub(now_ms())).ok();
    Refusal { retry_after_ms, ..Refusal::new(Code::Muted, text) }
}

/// 0: without end.
pub(crate) fn silenced(until_ms: i64) -> Refusal {
    if until_ms == 0 {
        return Refusal::new(Code::Muted, "an operator muted you");
    }
    let text = format!("an operator muted you until {until_ms} (ms since the epoch)");
    let retry_after_ms = u64::try_from(until_ms.saturating_sub(now_ms())).ok();
    Refusal { retry_after_ms, ..Refusal::new(Code::Muted, text) }
}

pub(crate) fn dissolved() -> Refusal {
    Refusal::new(Code::Dissolved, "the group was dissolved")
}

pub(crate) fn blocked() -> Refusal {
    Refusal::new(Code::Blocked, "this message cannot be delivered")
}

fn sent(appended: Appended) -> Result<Sent, Refusal> {
    match appended {
        Appended::Stored { seq, created_at_ms } => Ok(Sent { seq, created_at_ms, duplicate: false }),
        Appended::Duplicate { seq, created_at_ms } => Ok(Sent { seq, created_at_ms, duplicate: true }),
        Appended::Conflict => Err(Refusal::new(
            Code::IdempotencyConflict,
            "clientMsgId: you used this id for another message; take a new one",
        )),
        Appended::NotMember => Err(not_member()),
        Appended::Muted(until_ms) => Err(muted(until_ms)),
        Appended::Silenced(until_ms) => Err(silenced(until_ms)),
        Appended::Dissolved => Err(dissolved()),
        Appended::NoQuoted => {
            Err(Refusal::new(Code::InvalidField, "replyTo: there is no such message in the conversation"))
        }
        Appended::MentionedNotMember(user) => Err(Refusal::new(
            Code::MentionedNotMember,
            format!("mentions: user {user} is not in the conversation"),
        )),
        Appended::NoFile => Err(Refusal::new(
            Code::InvalidField,
            "attachment.fileId: there is no such file that you may send, or it is not uploaded yet",
        )),
        Appended::FileUnknown => {
            Err(Refusal::new(Code::Unavailable, "the file cannot be looked at now; try again"))
        }
        Appended::NoOriginal => Err(Refusal::new(Code::MessageGone, "forward: that message is gone")),
        Appended::NoConversation => Err(not_found()),
        Appended::Blocked => Err(blocked()),
    }
}
