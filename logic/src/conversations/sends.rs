//! Sends: each message is judged by itself, and what is good is stored.

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::User;

use super::{Conversations, Outgoing, Sent, sent, validate};
use crate::store::NewMessage;

/// Messages of one frame or request: they stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Where they go.
    pub conversation: ConversationId,
    /// In order.
    pub messages: Vec<Outgoing>,
}

/// What became of each message, with the client message id that was used.
pub type Answers = Vec<(String, Result<Sent, Refusal>)>;

/// What became of each message before it is stored, with its id.
pub(super) type Checked = Vec<(String, Result<(), Refusal>)>;

impl Conversations {
    /// Stores messages: adjacent, in order. Each answer comes with the client
    /// message id that was used, in the order asked.
    ///
    /// Refusals: `invalid_field`, `too_large`, `forbidden` (a word), `rejected` (by a hook), `rate_limited`, `not_member`,
    /// `not_found`, `idempotency_conflict`, `overloaded`, `unavailable`, `draining`.
    pub async fn send(
        &self,
        sender: &User,
        conversation: ConversationId,
        messages: Vec<Outgoing>,
        traceparent: &str,
    ) -> Answers {
        let group = Group { conversation, messages };
        self.send_all(sender, vec![group], traceparent).await.pop().unwrap_or_default()
    }

    /// The same for several groups: each is judged by itself, and all are
    /// stored in order, together as far as one transaction takes them. What
    /// follows a transaction that failed is refused as it was.
    pub async fn send_all(&self, sender: &User, groups: Vec<Group>, traceparent: &str) -> Vec<Answers> {
        let (mut checked, mut accepted): (Vec<Checked>, Vec<Vec<NewMessage>>) =
            groups.into_iter().map(|group| self.check(sender, group, traceparent)).unzip();
        if let Some(before) = &self.parts.before {
            Box::pin(self.ask(before, sender, &mut checked, &mut accepted)).await;
        }
        let stored = self.parts.transactions.lanes.append_all(accepted).await;
        checked.into_iter().zip(stored).map(|(checked, stored)| self.answers(checked, stored)).collect()
    }

    /// What is wrong with each message of a group, and those with which nothing is.
    fn check(&self, sender: &User, group: Group, traceparent: &str) -> (Checked, Vec<NewMessage>) {
        let is_too_many = group.messages.len() > self.limits.messages_per_request_max;
        let admitted = if is_too_many {
            Err(self.too_many())
        } else {
            self.parts.rates.send(sender.id, group.messages.len())
        };
        let mut answers = Vec::with_capacity(group.messages.len());
        let mut accepted = Vec::with_capacity(group.messages.len());
        for mut message in group.messages {
            let checked = admitted
                .clone()
                .and_then(|()| validate::message(&mut message, &self.limits))
                .and_then(|()| self.parts.words.screen(&mut message.content));
            let id = message.client_msg_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            if checked.is_ok() {
                accepted.push(NewMessage {
                    conversation: group.conversation,
                    sender: sender.clone(),
                    client_msg_id: id.clone(),
                    content: message.content,
                    written: None,
                    details: message.details,
                    traceparent: traceparent.to_owned(),
                });
            }
            answers.push((id, checked));
        }
        (answers, accepted)
    }

    fn answers(&self, checked: Checked, stored: crate::batcher::Answer) -> Answers {
        let (stored, refusal) = match stored {
            Ok(stored) => (stored, Refusal::new(Code::Internal, "internal error")),
            Err(refusal) => (Vec::new(), refusal),
        };
        let mut stored = stored.into_iter();
        let answers = checked.into_iter().map(|(id, checked)| {
            let outcome = checked.and_then(|()| stored.next().map_or_else(|| Err(refusal.clone()), sent));
            (id, outcome.inspect_err(|refusal| self.count(refusal)))
        });
        answers.collect()
    }

    fn too_many(&self) -> Refusal {
        Refusal::new(
            Code::TooLarge,
            format!("messages: at most {} in one request", self.limits.messages_per_request_max),
        )
    }

    fn count(&self, refusal: &Refusal) {
        self.parts.metrics.messages_refused.get_or_create(&refusal.code.into()).inc();
    }
}
