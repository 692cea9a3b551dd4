//! What becomes of messages after they were sent: edits, recalls, reactions.

use std::sync::Arc;

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{Details, Message, MessageKind, Origin, User};

use crate::config::Limits;
use crate::conversations::{self, Outgoing, readable};
use crate::rates::Rates;
use crate::store::{Alteration, ChangePage, Changed, Hid, NewChange, Range, Store};
use crate::transactions::Transactions;

mod config;
pub(crate) mod details;
pub mod policy;
mod reader;

pub use config::Config;
pub(crate) use reader::{mark_own, of_reader};

/// What messages work with.
#[derive(Debug)]
pub struct Parts {
    /// Where messages are.
    pub store: Arc<dyn Store>,
    /// Where changes are committed.
    pub transactions: Arc<Transactions>,
    /// How often a user may change something: a change counts as a message.
    pub rates: Arc<Rates>,
}

/// Messages that were sent.
#[derive(Debug)]
pub struct Messages {
    config: Config,
    limits: Limits,
    parts: Parts,
}

impl Messages {
    /// Messages within limits.
    #[must_use]
    pub fn new(config: Config, limits: Limits, parts: Parts) -> Self {
        Self { config, limits, parts }
    }

    /// Gives a message another text; the same once more changes nothing.
    ///
    /// # Errors
    /// `invalid_field`, `too_large`, `rate_limited`, `not_found`, `not_member`, `forbidden`, `too_late`,
    /// `message_gone`, `unavailable`.
    pub async fn edit(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
        content: String,
    ) -> Result<Message, Refusal> {
        conversations::check_content(&content, &self.limits)?;
        self.change(actor, conversation, seq, Alteration::Edit(content)).await
    }

    /// Takes a message back: nothing of what was sent is kept, its place is.
    ///
    /// # Errors
    /// `rate_limited`, `not_found`, `not_member`, `forbidden`, `too_late`, `unavailable`.
    pub async fn recall(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Message, Refusal> {
        self.change(actor, conversation, seq, Alteration::Recall).await
    }

    /// Reacts to a message, or does no longer.
    ///
    /// # Errors
    /// `invalid_field`, `rate_limited`, `not_found`, `not_member`, `forbidden`, `message_gone`, `unavailable`.
    pub async fn react(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
        emoji: String,
        reacts: bool,
    ) -> Result<Message, Refusal> {
        let is_fine = (1..=self.config.emoji_bytes_max).contains(&emoji.len())
            && !emoji.chars().any(|c| c.is_control() || c.is_whitespace());
        if !is_fine {
            let max = self.config.emoji_bytes_max;
            return Err(Refusal::new(
                Code::InvalidField,
                format!("emoji: 1 to {max} bytes without blanks and control characters"),
            ));
        }
        let alteration = if reacts { Alteration::React(emoji) } else { Alteration::Unreact(emoji) };
        self.change(actor, conversation, seq, alteration).await
    }

    /// A copy of a message, for sending it on: its content and attachment, and where it is from. What was sent on before
    /// keeps whose it was first.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `message_gone`, `unavailable`.
    pub async fn copy(
        &self,
        reader: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Outgoing, Refusal> {
        readable(&*self.parts.store, reader, conversation).await?;
        let page = self.parts.store.history(conversation, Range::After(seq.get() - 1), 1).await?;
        let found = page.messages.into_iter().find(|message| message.seq == seq.get());
        let mut message = found.ok_or_else(|| Refusal::new(Code::NotFound, "there is no such message"))?;
        if message.kind() == MessageKind::System {
            return Err(Refusal::new(Code::Forbidden, "what the server wrote is not sent on"));
        }
        let extra = message.extra.take().unwrap_or_default();
        if extra.gone() != Gone::NotGone {
            return Err(Refusal::new(Code::MessageGone, "the message was taken back"));
        }
        let details = extra.details.unwrap_or_default();
        let sender = details.forwarded.and_then(|origin| origin.sender).or_else(|| message.sender.take());
        let details = Details {
            kind: message.kind,
            attachment: details.attachment,
            forwarded: Some(Origin { conversation: conversation.get(), seq: seq.get(), sender }),
            ..Details::default()
        };
        Ok(Outgoing { content: message.content, details: Some(Box::new(details)), client_msg_id: None })
    }

    /// Changes of a conversation's messages after this one (0 = from the first), oldest first, of at most `limit` and the
    /// configured maximum.
    ///
    /// # Errors
    /// `invalid_field`, `not_found`, `not_member`, `unavailable`.
    pub async fn changes(
        &self,
        user: UserId,
        id: ConversationId,
        after: i64,
        limit: u32,
    ) -> Result<ChangePage, Refusal> {
        if after < 0 || limit == 0 {
            return Err(Refusal::new(Code::InvalidField, "after: from 0, limit: from 1"));
        }
        readable(&*self.parts.store, user, id).await?;
        Ok(self.parts.store.changes(id, after, limit.min(self.limits.page_max)).await?)
    }

    /// Removes a message for the user alone, on all their devices.
    ///
    /// # Errors
    /// `rate_limited`, `not_found`, `not_member`, `unavailable`.
    pub async fn hide(&self, user: UserId, conversation: ConversationId, seq: Seq) -> Result<(), Refusal> {
        self.parts.rates.send(user.get(), 1)?;
        let hid = self.parts.transactions.run(move |store, owner| async move {
            store.hide(&owner, user, conversation, seq, now_ms()).await
        });
        match hid.await? {
            Hid::Stands => Ok(()),
            Hid::NotMember => Err(conversations::not_member()),
            Hid::NoMessage => Err(Refusal::new(Code::NotFound, "there is no such message")),
            Hid::NoConversation => Err(conversations::not_found()),
        }
    }

    async fn change(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
        alteration: Alteration,
    ) -> Result<Message, Refusal> {
        self.parts.rates.send(actor.id, 1)?;
        let change = NewChange { conversation, seq, actor: actor.clone(), alteration };
        let bounds = self.config.bounds();
        let changed = self
            .parts
            .transactions
            .run(move |store, owner| async move { store.change(&owner, &change, &bounds, now_ms()).await });
        let mut message = *stands(changed.await?)?;
        if let Some(actor) = UserId::new(actor.id) {
            mark_own(&*self.parts.store, actor, [&mut message]).await?;
        }
        Ok(message)
    }
}

fn stands(changed: Changed) -> Result<Box<Message>, Refusal> {
    let (code, text) = match changed {
        Changed::Stands(message) => return Ok(message),
        Changed::Forbidden => (Code::Forbidden, "you may not do this to this message"),
        Changed::TooLate => (Code::TooLate, "the time in which this could be done is over"),
        Changed::Gone => (Code::MessageGone, "the message was taken back"),
        Changed::TooManyReactions => {
            (Code::InvalidField, "emoji: the message has as many different reactions as it may")
        }
        Changed::NotMember => return Err(conversations::not_member()),
        Changed::Muted(until_ms) => return Err(conversations::muted(until_ms)),
        Changed::Dissolved => return Err(conversations::dissolved()),
        Changed::Blocked => return Err(conversations::blocked()),
        Changed::NoMessage => (Code::NotFound, "there is no such message"),
        Changed::NoConversation => return Err(conversations::not_found()),
    };
    Err(Refusal::new(code, text))
}
