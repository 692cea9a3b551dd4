//! What operators do about users, messages and groups. It is recorded first, as everything that operators change.

use std::sync::Arc;

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::metrics::{Counter, Registry};
use oort_api::pb::oort::v1::{Message, User};
use serde_json::json;

use crate::accounts::Accounts;
use crate::conversations::Conversations;
use crate::kicks::{Kicks, Reason};
use crate::messages::Messages;
use crate::operators::Operators;
use crate::policy::operators::OperatorRole;
use crate::store::{About, GroupChange, NewSanction, Sanction, SanctionKind, Store};
use crate::transactions::Transactions;

/// Longest reason, characters: what its column holds.
const REASON_CHARS_MAX: usize = 500;
/// The same, bytes.
const REASON_BYTES_MAX: usize = 2000;
/// Latest end of anything: in the year 5138.
const TIME_MS_MAX: i64 = 100_000_000_000_000;

/// Counters of [`Moderation`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    bans: Counter,
    mutes: Counter,
    erased: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let mut counter = |name, help, counter: &Counter| registry.register(name, help, counter.clone());
        counter("bans", "Users banned by operators", &metrics.bans);
        counter("mutes", "Users muted everywhere by operators", &metrics.mutes);
        counter("messages_erased", "Messages removed by operators", &metrics.erased);
        metrics
    }
}

/// The operator who does something.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// Who.
    pub user: &'a User,
    /// What they are.
    pub role: OperatorRole,
}

/// What a ban or a mute is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Why: for the user and for other operators.
    pub reason: String,
    /// ms since the epoch; `None` = without end.
    pub until_ms: Option<i64>,
}

impl Terms {
    fn checked(self, now_ms: i64) -> Result<(String, i64), Refusal> {
        let reason = self.reason.trim();
        let is_fine = (1..=REASON_CHARS_MAX).contains(&reason.chars().count())
            && reason.len() <= REASON_BYTES_MAX
            && !reason.chars().any(char::is_control);
        if !is_fine {
            let text =
                format!("reason: 1 to {REASON_CHARS_MAX} characters, none of them a control character");
            return Err(Refusal::new(Code::InvalidField, text));
        }
        match self.until_ms {
            None => Ok((reason.to_owned(), 0)),
            Some(until_ms) if until_ms > now_ms && until_ms <= TIME_MS_MAX => {
                Ok((reason.to_owned(), until_ms))
            }
            Some(_) => {
                Err(Refusal::new(Code::InvalidField, "until: a time to come, ms since the epoch; or absent"))
            }
        }
    }
}

/// Does it.
#[derive(Debug)]
pub struct Moderation {
    transactions: Arc<Transactions>,
    kicks: Arc<Kicks>,
    metrics: Metrics,
}

impl Moderation {
    /// In the store of these transactions.
    #[must_use]
    pub fn new(transactions: Arc<Transactions>, kicks: Arc<Kicks>, metrics: Metrics) -> Self {
        Self { transactions, kicks, metrics }
    }

    /// Keeps a user out: all their log-ins end in the same transaction, and all their connections by one order.
    ///
    /// # Errors
    /// `invalid_field`, `forbidden` (an operator of the same or a higher role), `not_found`, `unavailable`.
    pub async fn ban(
        &self,
        (operators, accounts): (&Operators, &Accounts),
        actor: Actor<'_>,
        user: UserId,
        terms: Terms,
    ) -> Result<(), Refusal> {
        let new = self.prepare(operators, actor, user, SanctionKind::Ban, terms).await?;
        let kicks = Arc::clone(&self.kicks);
        let banned = self.transactions.run(About::Users, move |store, owner| async move {
            let done = store.sanction(&owner, &new).await?;
            // Also when there was no log-in: an earlier attempt may not have come so far.
            kicks.kick(new.user, None, Reason::SessionEnded);
            Ok((done.ended, done.row))
        });
        accounts.forget(&banned.await?);
        self.metrics.bans.inc();
        Ok(())
    }

    /// Keeps a user from sending, editing and reacting in all conversations; their devices are told.
    ///
    /// # Errors
    /// As [`ban`](Self::ban).
    pub async fn mute(
        &self,
        operators: &Operators,
        actor: Actor<'_>,
        user: UserId,
        terms: Terms,
    ) -> Result<(), Refusal> {
        let new = self.prepare(operators, actor, user, SanctionKind::Mute, terms).await?;
        let muted = self.transactions.run(About::Users, move |store, owner| async move {
            Ok(((), store.sanction(&owner, &new).await?.row))
        });
        muted.await?;
        self.metrics.mutes.inc();
        Ok(())
    }

    async fn prepare(
        &self,
        operators: &Operators,
        actor: Actor<'_>,
        user: UserId,
        kind: SanctionKind,
        terms: Terms,
    ) -> Result<NewSanction, Refusal> {
        let now_ms = now_ms();
        let (reason, until_ms) = terms.checked(now_ms)?;
        operators.reach(actor.role, user).await?;
        if self.store().user(user).await?.is_none() {
            return Err(Refusal::new(Code::NotFound, "there is no such user"));
        }
        let details = json!({ "reason": reason, "until": until_ms });
        operators.record_as(actor.user.id, action(kind, true), user.to_string(), &details).await?;
        Ok(NewSanction { user, kind, until_ms, reason, actor_id: actor.user.id, now_ms })
    }

    /// Takes a ban or a mute back. Nothing happens when there is none.
    ///
    /// # Errors
    /// `forbidden` (an operator of the same or a higher role), `unavailable`.
    pub async fn lift(
        &self,
        operators: &Operators,
        actor: Actor<'_>,
        user: UserId,
        kind: SanctionKind,
    ) -> Result<(), Refusal> {
        operators.reach(actor.role, user).await?;
        operators.record_as(actor.user.id, action(kind, false), user.to_string(), &json!({})).await?;
        self.transactions
            .run(
                About::Users,
                move |store, owner| async move { store.lift(&owner, kind, user, now_ms()).await },
            )
            .await
            .map(drop)
    }

    /// Bans or mutes in force, by user, after this one; and whether there are more.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn list(
        &self,
        operators: &Operators,
        kind: SanctionKind,
        after: i64,
        limit: Option<u32>,
    ) -> Result<(Vec<Sanction>, bool), Refusal> {
        let limit = operators.limit(limit);
        let mut found = self.store().sanctions(kind, after, limit + 1, now_ms()).await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Ok((found, has_more))
    }

    /// Removes a message for everybody: nothing of what was sent is kept, its place is.
    ///
    /// # Errors
    /// `not_found`, `forbidden` (what the server wrote), `unavailable`.
    pub async fn erase(
        &self,
        (operators, messages): (&Operators, &Messages),
        actor: Actor<'_>,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Message, Refusal> {
        let subject = format!("message {conversation}-{seq}");
        operators.record_as(actor.user.id, "message_erased", subject, &json!({})).await?;
        let message = messages.erase(conversation, seq).await?;
        self.metrics.erased.inc();
        Ok(message)
    }

    /// Changes a group, as far as the policy lets operators.
    ///
    /// # Errors
    /// As [`Conversations::change_as_operator`].
    pub async fn change_group(
        &self,
        (operators, conversations): (&Operators, &Conversations),
        actor: Actor<'_>,
        group: ConversationId,
        change: GroupChange,
    ) -> Result<(), Refusal> {
        let (action, details) = match &change {
            GroupChange::Dissolve => ("group_dissolved", json!({})),
            GroupChange::Remove(member) => ("member_removed", json!({ "user": member.to_string() })),
            GroupChange::Mute(member, until_ms) => {
                ("member_muted", json!({ "user": member.to_string(), "until": until_ms }))
            }
            GroupChange::Edit(edit) => {
                let parts = [
                    ("name", edit.name.is_some()),
                    ("avatar", edit.avatar.is_some()),
                    ("announcement", edit.announcement.is_some()),
                    ("muteAll", edit.is_muted_all.is_some()),
                    ("expiresInMs", edit.expires_in_ms.is_some()),
                ];
                let changed: Vec<&str> =
                    parts.iter().filter(|(_, is_in)| *is_in).map(|(name, _)| *name).collect();
                ("group_changed", json!({ "changed": changed }))
            }
            GroupChange::Add(_) | GroupChange::Join | GroupChange::SetRole(..) | GroupChange::HandOver(_) => {
                return Err(Refusal::new(Code::Forbidden, "operators do not do this to a group"));
            }
        };
        operators.record_as(actor.user.id, action, format!("group {group}"), &details).await?;
        conversations.change_as_operator(actor.user, group, change).await
    }

    fn store(&self) -> &dyn Store {
        &*self.transactions.store
    }
}

const fn action(kind: SanctionKind, begins: bool) -> &'static str {
    match (kind, begins) {
        (SanctionKind::Ban, true) => "ban",
        (SanctionKind::Ban, false) => "unban",
        (SanctionKind::Mute, true) => "mute",
        (SanctionKind::Mute, false) => "unmute",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_a_reason_and_end_in_time_to_come() {
        let terms = |reason: &str, until_ms| Terms { reason: reason.to_owned(), until_ms }.checked(1_000);
        assert_eq!(terms(" spam ", None), Ok(("spam".to_owned(), 0)));
        assert_eq!(terms("spam", Some(1_001)), Ok(("spam".to_owned(), 1_001)));
        let long = "é".repeat(REASON_CHARS_MAX);
        assert!(terms(&long, None).is_ok());
        for (reason, until_ms) in [
            ("", None),
            (" ", None),
            ("a\nb", None),
            (&*format!("{long}e"), None),
            ("spam", Some(1_000)),
            ("spam", Some(0)),
            ("spam", Some(TIME_MS_MAX + 1)),
        ] {
            let refusal = terms(reason, until_ms).expect_err("it is refused");
            assert_eq!(refusal.code, Code::InvalidField, "{reason:?} {until_ms:?}");
        }
    }
}
