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
use crate::hooks::{Before, Question};
use crate::rates::Rates;
use crate::store::{About, Alteration, ChangePage, Changed, Hid, NewChange, Range, Store};
use crate::transactions::Transactions;
use crate::words::Words;

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
    /// What is not to be said.
    pub words: Arc<Words>,
    /// Asked before another text is stored; `None` = nobody.
    pub before: Option<Arc<Before>>,
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
    /// `invalid_field`, `too_large`, `rejected`, `rate_limited`, `not_found`, `not_member`, `forbidden`, `too_late`,
    /// `message_gone`, `unavailable`.
    pub async fn edit(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
        mut content: String,
    ) -> Result<Message, Refusal> {
        conversations::check_content(&content, &self.limits)?;
        self.parts.words.screen(&mut content)?;
        self.parts.rates.send(actor.id, 1)?;
        if let Some(before) = &self.parts.before {
            Box::pin(self.ask(before, actor, (conversation, seq), &mut content)).await?;
        }
        self.change_admitted(actor, conversation, seq, Alteration::Edit(content)).await
    }

    /// Asks the operator's hook about another text, which may put one in its place.
    async fn ask(
        &self,
        before: &Before,
        actor: &User,
        place: (ConversationId, Seq),
        content: &mut String,
    ) -> Result<(), Refusal> {
        let Some(user) = UserId::new(actor.id) else { return Ok(()) };
        let found = self.parts.store.conversation(place.0, user).await?;
        // Nobody else need hear of who is not in it; and it is not left to the store, as they may be by then.
        let kind = match found {
            Some((info, true)) => info.kind,
            Some((_, false)) => return Err(conversations::not_member()),
            None => return Err(conversations::not_found()),
        };
        if !before.is_asked_about(kind) {
            return Ok(());
        }
        // Nor of a text for somebody else's message.
        let message = self.message(place.0, place.1).await?;
        if message.kind() == MessageKind::System || message.sender.is_none_or(|sender| sender.id != actor.id)
        {
            return Err(forbidden());
        }
        let verdicts = before.ask(&[Question::of_edit(actor, place, kind, content)]).await;
        if let Some(replaced) = verdicts.into_iter().next().transpose()?.flatten() {
            *content = replaced;
            self.parts.words.screen(content)?;
        }
        Ok(())
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

    /// Removes a message for everybody, as the server: nothing of what was sent is kept, its place is.
    ///
    /// # Errors
    /// `not_found`, `forbidden` (what the server wrote), `unavailable`.
    pub async fn erase(&self, conversation: ConversationId, seq: Seq) -> Result<Message, Refusal> {
        self.commit(NewChange { conversation, seq, actor: User::default(), alteration: Alteration::Erase })
            .await
    }

    /// Erases what ended of a message by now, as the server. Answers the message as it is then.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn expire(&self, conversation: ConversationId, seq: Seq) -> Result<Message, Refusal> {
        let alteration = Alteration::Expire;
        self.commit(NewChange { conversation, seq, actor: User::default(), alteration }).await
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

    /// A copy of a message, for sending it on under an id: its content and attachment, and where it is from. What was sent
    /// on before keeps whose it was first. A repeat of what was stored needs no more than where it is from, so it can be
    /// answered as the first time also when the original is gone, or out of the reader's sight.
    ///
    /// # Errors
    /// `not_found`, `not_member`, `forbidden`, `message_gone`, `unavailable`.
    pub async fn copy(
        &self,
        reader: UserId,
        (conversation, seq): (ConversationId, Seq),
        to: ConversationId,
        client_msg_id: Option<String>,
    ) -> Result<Outgoing, Refusal> {
        let refusal = match self.original(reader, conversation, seq).await {
            Ok((content, details)) => {
                return Ok(Outgoing { client_msg_id, content, details: Some(Box::new(details)) });
            }
            Err(refusal) => refusal,
        };
        let Some(id) = client_msg_id else { return Err(refusal) };
        let key = [(to, id)];
        let known = self.parts.store.askings(reader, &key).await?;
        if !known.iter().any(|asking| asking.is_stored) {
            return Err(refusal);
        }
        let [(_, id)] = key;
        let origin = Origin { conversation: conversation.get(), seq: seq.get(), sender: None };
        let details = Details { forwarded: Some(origin), ..Details::default() };
        Ok(Outgoing { client_msg_id: Some(id), content: String::new(), details: Some(Box::new(details)) })
    }

    /// What is sent on of a message.
    async fn original(
        &self,
        reader: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<(String, Details), Refusal> {
        readable(&*self.parts.store, reader, conversation).await?;
        let mut message = self.message(conversation, seq).await?;
        if message.kind() == MessageKind::System {
            return Err(Refusal::new(Code::Forbidden, "what the server wrote is not sent on"));
        }
        let extra = message.extra.take().unwrap_or_default();
        if extra.gone() != Gone::NotGone {
            return Err(gone());
        }
        let details = extra.details.unwrap_or_default();
        let sender = details.forwarded.and_then(|origin| origin.sender).or_else(|| message.sender.take());
        let details = Details {
            kind: message.kind,
            attachment: details.attachment,
            forwarded: Some(Origin { conversation: conversation.get(), seq: seq.get(), sender }),
            ..Details::default()
        };
        Ok((message.content, details))
    }

    async fn message(&self, conversation: ConversationId, seq: Seq) -> Result<Message, Refusal> {
        let page = self.parts.store.history(conversation, Range::After(seq.get() - 1), 1).await?;
        let found = page.messages.into_iter().find(|message| message.seq == seq.get());
        found.ok_or_else(no_message)
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
        let hid = self.parts.transactions.run(About::Users, move |store, owner| async move {
            store.hide(&owner, user, conversation, seq, now_ms()).await
        });
        match hid.await? {
            Hid::Stands => Ok(()),
            Hid::NotMember => Err(conversations::not_member()),
            Hid::NoMessage => Err(no_message()),
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
        self.change_admitted(actor, conversation, seq, alteration).await
    }

    /// The same by who was counted already.
    async fn change_admitted(
        &self,
        actor: &User,
        conversation: ConversationId,
        seq: Seq,
        alteration: Alteration,
    ) -> Result<Message, Refusal> {
        let change = NewChange { conversation, seq, actor: actor.clone(), alteration };
        let mut message = self.commit(change).await?;
        if let Some(actor) = UserId::new(actor.id) {
            mark_own(&*self.parts.store, actor, [&mut message]).await?;
        }
        Ok(message)
    }

    async fn commit(&self, change: NewChange) -> Result<Message, Refusal> {
        let bounds = self.config.bounds();
        let changed = self
            .parts
            .transactions
            .run(About::Conversation(change.conversation), move |store, owner| async move {
                store.change(&owner, &change, &bounds, now_ms()).await
            });
        Ok(*stands(changed.await?)?)
    }
}

fn gone() -> Refusal {
    Refusal::new(Code::MessageGone, "the message was taken back, or its time is over")
}

fn forbidden() -> Refusal {
    Refusal::new(Code::Forbidden, "you may not do this to this message")
}

fn no_message() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such message")
}

fn stands(changed: Changed) -> Result<Box<Message>, Refusal> {
    let (code, text) = match changed {
        Changed::Stands(message) => return Ok(message),
        Changed::Forbidden => return Err(forbidden()),
        Changed::TooLate => (Code::TooLate, "the time in which this could be done is over"),
        Changed::Gone => return Err(gone()),
        Changed::TooManyReactions => {
            (Code::InvalidField, "emoji: the message has as many different reactions as it may")
        }
        Changed::NotMember => return Err(conversations::not_member()),
        Changed::Muted(until_ms) => return Err(conversations::muted(until_ms)),
        Changed::Silenced(until_ms) => return Err(conversations::silenced(until_ms)),
        Changed::Dissolved => return Err(conversations::dissolved()),
        Changed::Blocked => return Err(conversations::blocked()),
        Changed::NoMessage => return Err(no_message()),
        Changed::NoConversation => return Err(conversations::not_found()),
    };
    Err(Refusal::new(code, text))
}
