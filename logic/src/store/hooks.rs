//! What the operator's hooks need of the store: what is known of a message
//! before it is asked about, and what is to be told after it was committed.
//!
//! Messages and their changes stay in the store anyway, so the *queue* holds
//! places only: one row for each conversation in which something is not told
//! yet, written by [`append`](super::Store::append) and
//! [`change`](super::Changes::change) in their transactions. What is taken is
//! put off, so that another may take it when whoever took it died: nothing is
//! lost, and some is told twice.

use std::sync::atomic::{AtomicU8, Ordering};

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::ConversationKind;
use tonic::async_trait;

use super::Error;

/// A set of kinds of conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HookKinds(u8);

impl HookKinds {
    /// Those of a list.
    #[must_use]
    pub fn of(kinds: impl IntoIterator<Item = ConversationKind>) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | Self::bit(kind)))
    }

    /// Whether a kind is among them.
    #[must_use]
    pub fn has(self, kind: ConversationKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    fn bit(kind: ConversationKind) -> u8 {
        match kind {
            ConversationKind::Unspecified => 0,
            ConversationKind::Direct => 1,
            ConversationKind::Group => 2,
            ConversationKind::Room => 4,
        }
    }
}

/// The kinds of conversations of which a store writes what is to be told; at first none.
#[derive(Debug, Default)]
pub(super) struct Wanted(AtomicU8);

impl Wanted {
    pub(super) fn set(&self, kinds: HookKinds) {
        self.0.store(kinds.0, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> HookKinds {
        HookKinds(self.0.load(Ordering::Relaxed))
    }
}

/// What is known of a message that its sender wants to send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asking {
    /// Of the conversation, when there is one in which the sender is.
    pub kind: Option<ConversationKind>,
    /// An earlier attempt was stored.
    pub is_stored: bool,
}

/// How far the hook was told of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookPlace {
    /// Which.
    pub conversation: ConversationId,
    /// Messages up to this one.
    pub seq: i64,
    /// Changes up to this one.
    pub change_seq: i64,
}

/// A row of the queue that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookDue {
    /// How far it was told.
    pub place: HookPlace,
    /// Of the conversation.
    pub kind: ConversationKind,
    /// Attempts before this one.
    pub attempts: u32,
    /// Since when nothing of it was taken, ms since the epoch.
    pub since_ms: i64,
}

/// What became of it. What another node did meanwhile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookSettled {
    /// It was told up to here; if there is more, that is due now.
    Told {
        /// The last message.
        seq: i64,
        /// The last change.
        change_seq: i64,
    },
    /// It is tried again.
    Again {
        /// When, ms since the epoch.
        due_at_ms: i64,
    },
    /// All that waits of it is given up.
    Dropped,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HookBacklog {
    /// Conversations; counted up to a bound.
    pub conversations: u64,
    /// How long the one that waits for longest does, ms.
    pub oldest_ms: i64,
}

/// What the operator's hooks need.
#[async_trait]
pub trait HookStore: Send + Sync {
    /// From now on what is committed in conversations of these kinds is put into the queue, by this process.
    fn want_hooks(&self, _kinds: HookKinds) {}

    /// What is known of messages (conversation, client message id) of a sender, in their order.
    async fn askings(
        &self,
        sender: UserId,
        messages: &[(ConversationId, String)],
    ) -> Result<Vec<Asking>, Error>;
    /// Takes rows of the queue that are due, for a time.
    async fn take_hooks(&self, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<HookDue>, Error>;
    /// Records what became of one that stood at this place; answers how many messages and changes were given up.
    async fn settle_hook(&self, place: &HookPlace, settled: HookSettled, now_ms: i64) -> Result<u64, Error>;
    /// How much waits, counted up to `count_max`.
    async fn hook_backlog(&self, now_ms: i64, count_max: u32) -> Result<HookBacklog, Error>;
    /// Those that wait for longest.
    async fn oldest_hooks(&self, limit: u32) -> Result<Vec<HookPlace>, Error>;
}

/// A row of the queue: conversation_id, seq, change_seq, kind, attempts, since_ms.
pub(super) type DueRow = (i64, i64, i64, i64, u32, i64);

/// Reads it.
pub(super) fn due((id, seq, change_seq, kind, attempts, since_ms): DueRow) -> Result<HookDue, Error> {
    let (place, kind) = (place((id, seq, change_seq))?, super::events::kind(kind));
    Ok(HookDue { place, kind, attempts, since_ms })
}

/// Reads conversation_id, seq, change_seq.
pub(super) fn place((id, seq, change_seq): (i64, i64, i64)) -> Result<HookPlace, Error> {
    let conversation = ConversationId::new(id);
    let conversation = conversation.ok_or_else(|| Error::Internal("a conversation's id".to_owned()))?;
    Ok(HookPlace { conversation, seq, change_seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        use ConversationKind::{Direct, Group, Room};
        let all = [Direct, Group, Room];
        let of = |kinds: &[ConversationKind]| all.map(|kind| HookKinds::of(kinds.iter().copied()).has(kind));
        assert_eq!(of(&[]), [false; 3]);
        assert_eq!(of(&[Group]), [false, true, false]);
        assert_eq!(of(&all), [true; 3]);
        let wanted = Wanted::default();
        assert_eq!(wanted.get(), HookKinds::default());
        wanted.set(HookKinds::of([Room]));
        assert!(wanted.get().has(Room) && !wanted.get().has(Direct));
    }
}
