//! Messages delivered once more, as an operator orders: straight to the bus, to whoever is online, marked as a replay. Nothing is
//! stored but the audit.

use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::bus::{Error as BusError, Producer};
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::goim::protocol::proto::Replay;
use oort_api::pb::oort::v1::{ConversationKind, Message};
use serde::Deserialize;
use serde_json::json;

use crate::metrics::Metrics;
use crate::operators::Operators;
use crate::outbox::{Audience, replay_record};
use crate::store::{ConversationInfo, Page, Range, Store};

/// Settings of [`Replays`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Messages of one order; it says where to go on.
    pub messages_max: u32,
    /// Longest wait for the bus for each portion, ms; then the order is refused with `unavailable` (and part of it may arrive).
    pub patience_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { messages_max: 1_000, patience_ms: 5_000 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !(1..=100_000).contains(&self.messages_max) {
            faults.push("messages_max is not within 1 to 100000".to_owned());
        }
        if self.patience_ms == 0 {
            faults.push("patience_ms is 0".to_owned());
        }
        faults
    }
}

/// What is to be delivered once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of one conversation.
    Conversation {
        /// Which.
        id: ConversationId,
        /// From here on.
        from: Seq,
        /// Up to here; `None` = its head.
        to: Option<Seq>,
        /// To this member alone; `None` = to all.
        user: Option<UserId>,
    },
    /// Of all conversations of a user, to that user alone.
    User {
        /// Who.
        user: UserId,
        /// Messages written from then on, ms since the epoch.
        since_ms: i64,
    },
}

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub scope: Scope,
    /// Also to clients that know no seq and may show it twice.
    pub to_all_clients: bool,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Messages that the bus has.
    pub messages: usize,
    /// Conversations they are of.
    pub conversations: usize,
    /// There is more: the bound was reached.
    pub has_more: bool,
    /// Where to go on, of one conversation with more.
    pub next_seq: Option<i64>,
}

/// Delivers once more.
#[derive(Debug)]
pub struct Replays {
    /// Settings.
    pub config: Config,
    /// Messages.
    pub store: Arc<dyn Store>,
    /// The bus.
    pub producer: Arc<dyn Producer>,
    /// Counters.
    pub metrics: Metrics,
}

/// Messages read at a time, and given to the bus together.
const PORTION: u32 = 200;
/// Conversations of a user that are looked at.
const ROOMS_MAX: u32 = 10_000;

/// Messages of one conversation, and to whom they go.
struct Found {
    audience: Audience,
    /// Oldest first.
    messages: Vec<Message>,
}

impl Replays {
    /// Reads what the order names, has it audited, and gives it to the bus.
    ///
    /// # Errors
    /// `not_found` for a conversation there is not, `not_member` for a user who is not in it, `invalid_field`, `overloaded`;
    /// `unavailable` when the store or the bus is. Part of it may then arrive.
    pub async fn run(
        &self,
        operators: &Operators,
        actor: i64,
        order: Order,
        traceparent: &str,
    ) -> Result<Replayed, Refusal> {
        let (found, replayed) = match order.scope {
            Scope::Conversation { id, from, to, user } => self.of_conversation(id, from, to, user).await?,
            Scope::User { user, since_ms } => self.of_user(user, since_ms).await?,
        };
        let subject = match order.scope {
            Scope::Conversation { id, .. } => format!("conversation {id}"),
            Scope::User { user, .. } => user.to_string(),
        };
        let details = json!({
            "messages": replayed.messages, "conversations": replayed.conversations,
            "toAllClients": order.to_all_clients, "scope": told(&order.scope),
        });
        operators.record_as(actor, "replay", subject, &details).await?;
        self.metrics.replays.inc();
        let replay = if order.to_all_clients { Replay::All } else { Replay::V1 };
        for Found { audience, messages } in found {
            for portion in messages.chunks(PORTION as usize) {
                let records =
                    portion.iter().map(|message| replay_record(message, &audience, replay, traceparent));
                let patience = Duration::from_millis(self.config.patience_ms);
                self.producer.publish(records.collect(), patience).await.map_err(refused)?;
                self.metrics.replayed_messages.inc_by(portion.len() as u64);
            }
        }
        Ok(replayed)
    }

    async fn of_conversation(
        &self,
        id: ConversationId,
        from: Seq,
        to: Option<Seq>,
        user: Option<UserId>,
    ) -> Result<(Vec<Found>, Replayed), Refusal> {
        let to = to.map_or(i64::MAX, Seq::get);
        if to < from.get() {
            return Err(Refusal::new(Code::InvalidField, "toSeq is below fromSeq"));
        }
        // Whoever asks, the conversation is the same.
        let asker = user.or_else(|| UserId::new(1));
        let known = match asker {
            Some(asker) => self.store.conversation(id, asker).await?,
            None => None,
        };
        let none = || Refusal::new(Code::NotFound, "there is no such conversation");
        let (info, may_read) = known.ok_or_else(none)?;
        let audience = match user {
            Some(_) if !may_read => {
                return Err(Refusal::new(Code::NotMember, "the user is not in the conversation"));
            }
            Some(user) => Audience::Users(vec![user]),
            None => self.audience(&info).await?,
        };
        let max = self.config.messages_max as usize;
        let (mut messages, mut after): (Vec<Message>, i64) = (Vec::new(), from.get() - 1);
        // One more than goes out: whether there is more.
        while messages.len() <= max {
            let page = self.store.history(id, Range::After(after), PORTION).await?;
            let is_last = !page.has_more;
            after = page.messages.last().map_or(after, |message| message.seq);
            messages.extend(page.messages.into_iter().filter(|message| message.seq <= to));
            if is_last || after >= to {
                break;
            }
        }
        let next_seq = messages.get(max).map(|message| message.seq);
        messages.truncate(max);
        let replayed = Replayed {
            messages: messages.len(),
            conversations: usize::from(!messages.is_empty()),
            has_more: next_seq.is_some(),
            next_seq,
        };
        Ok((vec![Found { audience, messages }], replayed))
    }

    async fn audience(&self, info: &ConversationInfo) -> Result<Audience, Refusal> {
        if info.kind != ConversationKind::Direct {
            return Ok(Audience::Room);
        }
        let members = self.store.members(info.id, 0, 2).await?;
        Ok(Audience::Users(members.iter().filter_map(|member| UserId::new(member.user.id)).collect()))
    }

    async fn of_user(&self, user: UserId, since_ms: i64) -> Result<(Vec<Found>, Replayed), Refusal> {
        let entries = self.store.entries_of(user, ROOMS_MAX).await?;
        let mut left = self.config.messages_max as usize;
        let mut has_more = false;
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| entry.conversation.last_at_ms >= since_ms) {
            let Some(id) = ConversationId::new(entry.conversation.id) else { continue };
            let (messages, is_cut) = self.since(id, since_ms, left).await?;
            left -= messages.len();
            has_more |= is_cut;
            if !messages.is_empty() {
                found.push(Found { audience: Audience::Users(vec![user]), messages });
            }
        }
        let messages = found.iter().map(|found| found.messages.len()).sum();
        let conversations = found.len();
        Ok((found, Replayed { messages, conversations, has_more, next_seq: None }))
    }

    /// The newest messages written since then, at most `max`, oldest first; and whether there are more.
    async fn since(
        &self,
        id: ConversationId,
        since_ms: i64,
        max: usize,
    ) -> Result<(Vec<Message>, bool), Refusal> {
        let (mut messages, mut range): (Vec<Message>, Range) = (Vec::new(), Range::Newest);
        loop {
            let Page { messages: page, has_more, .. } = self.store.history(id, range, PORTION).await?;
            let before = page.last().and_then(|message| Seq::new(message.seq));
            let fresh = page.iter().take_while(|message| message.created_at_ms >= since_ms).count();
            let is_end = fresh < page.len() || !has_more;
            messages.extend(page.into_iter().take(fresh));
            match before {
                Some(before) if !is_end && messages.len() <= max => range = Range::Before(before),
                _ => break,
            }
        }
        let is_cut = messages.len() > max;
        messages.truncate(max);
        messages.reverse();
        Ok((messages, is_cut))
    }
}

fn told(scope: &Scope) -> serde_json::Value {
    match scope {
        Scope::Conversation { from, to, user, .. } => {
            json!({ "fromSeq": from.get(), "toSeq": to.map(Seq::get), "userId": user.map(|user| user.to_string()) })
        }
        Scope::User { since_ms, .. } => json!({ "sinceMs": since_ms }),
    }
}

fn refused(error: BusError) -> Refusal {
    match error {
        BusError::Full => {
            Refusal::new(Code::Overloaded, "too much waits for the bus; part of it may arrive, try again")
        }
        error => {
            tracing::debug!(%error, "a replay was not published");
            Refusal::new(Code::Unavailable, "the bus does not answer; part of it may arrive, try again")
        }
    }
}
