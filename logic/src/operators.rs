//! What people who look after the server see and do. Whatever changes
//! something is recorded first: what cannot be recorded is not done.

use std::collections::HashMap;
use std::sync::Arc;

use oort_api::bus::{DeadLetters, Error as BusError, LetterPlace, Letters};
use oort_api::clock::now_ms;
use oort_api::directory::{Directory, NodeEntry, UserSession};
use oort_api::error::{Code, Refusal};
use oort_api::ids::{SessionKey, UserId};
use oort_api::pb::oort::v1::User;
use serde_json::Value;

use crate::error::directory_refusal;
use crate::kicks::{Kicks, Reason};
use crate::policy::operators::{OperatorRole, check_against};
use crate::store::{Audit, NewAudit, Sanction, Store};

/// Operators looked up at once; far more than there ever are.
const OPERATORS_MAX: u32 = 10_000;

/// Session keys named by one entry of the audit; their number is always told.
const AUDITED_KEYS_MAX: usize = 100;

/// What the calls of operators stand on.
#[derive(Debug)]
pub struct Operators {
    /// Roles and audit.
    pub store: Arc<dyn Store>,
    /// Processes and sessions.
    pub directory: Arc<dyn Directory>,
    /// Records given up on.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Entries in one page.
    pub page_max: u32,
}

/// A user as operators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserState {
    /// Who.
    pub user: User,
    /// What operator they are.
    pub role: Option<OperatorRole>,
    /// They have a session.
    pub is_online: bool,
    /// Their ban and their mute.
    pub sanctions: Vec<Sanction>,
}

impl Operators {
    /// What operator the user is, as of now.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn role(&self, user: UserId) -> Result<Option<OperatorRole>, Refusal> {
        Ok(self.store.operator_role(user).await?)
    }

    /// Whether an operator of this role may act against a user.
    ///
    /// # Errors
    /// `forbidden`, `unavailable` when the store is.
    pub async fn reach(&self, role: OperatorRole, user: UserId) -> Result<(), Refusal> {
        check_against(role, self.role(user).await?)
    }

    /// Records what `actor` is about to do.
    ///
    /// # Errors
    /// `unavailable` when the store is; then it must not be done.
    pub async fn record(
        &self,
        actor: UserId,
        action: &'static str,
        subject: impl Into<String> + Send,
        details: &Value,
    ) -> Result<(), Refusal> {
        self.record_as(actor.get(), action, subject, details).await
    }

    /// The same; actor 0 = the command line.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_as(
        &self,
        actor: i64,
        action: &'static str,
        subject: impl Into<String> + Send,
        details: &Value,
    ) -> Result<(), Refusal> {
        let audit = NewAudit {
            at_ms: now_ms(),
            actor_id: actor,
            action,
            subject: subject.into(),
            details: details.to_string(),
        };
        tracing::info!(actor = audit.actor_id, action, subject = audit.subject, "operator");
        self.store.add_audit(&audit).await?;
        Ok(())
    }

    /// What operators did, newest first, with ids below `before`; and whether there is more.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn audit(
        &self,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<(Vec<Audit>, bool), Refusal> {
        let limit = self.limit(limit);
        let mut found = self.store.audit(before.unwrap_or(i64::MAX), limit + 1).await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Ok((found, has_more))
    }

    /// Every process that reported lately, by role and name.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn nodes(&self) -> Result<Vec<NodeEntry>, Refusal> {
        let mut nodes = self.directory.nodes().await.map_err(directory_refusal)?;
        nodes.sort_by(|a, b| (&a.role, &a.name, &a.id).cmp(&(&b.role, &b.name, &b.id)));
        Ok(nodes)
    }

    /// The same users with what operators want to know of them.
    ///
    /// # Errors
    /// `unavailable` when the store or the directory is.
    pub async fn states(&self, users: Vec<User>) -> Result<Vec<UserState>, Refusal> {
        let operators = self.store.operators(OPERATORS_MAX).await?;
        let operators: HashMap<i64, OperatorRole> =
            operators.into_iter().map(|operator| (operator.user.id, operator.role)).collect();
        let ids: Vec<UserId> = users.iter().filter_map(|user| UserId::new(user.id)).collect();
        let sanctions = self.store.sanctions_of(&ids, now_ms()).await?;
        let routes = self.directory.route(&ids, &[], &[]).await.map_err(directory_refusal)?;
        let state = |user: User| UserState {
            role: operators.get(&user.id).copied(),
            is_online: UserId::new(user.id).is_some_and(|id| routes.users.contains_key(&id)),
            sanctions: sanctions.iter().filter(|sanction| sanction.user.id == user.id).cloned().collect(),
            user,
        };
        Ok(users.into_iter().map(state).collect())
    }

    /// Sessions of a user, by comet and key.
    ///
    /// # Errors
    /// `unavailable` when the directory is.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<UserSession>, Refusal> {
        let mut sessions = self.directory.sessions(user).await.map_err(directory_refusal)?;
        sessions.sort_by(|a, b| (&a.comet.id, &a.key).cmp(&(&b.comet.id, &b.key)));
        Ok(sessions)
    }

    /// Has the sessions of a user closed, or the one with this key; returns how many.
    ///
    /// # Errors
    /// `not_found` when there is no session with the key; `unavailable` when
    /// the store, the directory or the bus is.
    pub async fn kick(
        &self,
        kicks: &Kicks,
        actor: UserId,
        user: UserId,
        key: Option<SessionKey>,
    ) -> Result<usize, Refusal> {
        let mut sessions = self.sessions_of(user).await?;
        sessions.retain(|session| key.as_ref().is_none_or(|key| session.key == *key));
        if key.is_some() && sessions.is_empty() {
            return Err(Refusal::new(Code::NotFound, "the user has no such connection"));
        }
        let keys: Vec<&str> =
            sessions.iter().take(AUDITED_KEYS_MAX).map(|session| session.key.as_str()).collect();
        let details = serde_json::json!({ "connections": sessions.len(), "keys": keys });
        self.record(actor, "kick", user.to_string(), &details).await?;
        kicks.kick(user, key, Reason::Kicked);
        Ok(sessions.len())
    }

    /// Outbox rows waiting and the age of the oldest, ms.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn outbox(&self) -> Result<(u64, i64), Refusal> {
        Ok(self.store.outbox_backlog(now_ms()).await?)
    }

    /// Records given up on, behind a place.
    ///
    /// # Errors
    /// `overloaded`, or `unavailable` when the bus is.
    pub async fn dead_letters(
        &self,
        after: Option<LetterPlace>,
        limit: Option<u32>,
    ) -> Result<Letters, Refusal> {
        let limit = self.limit(limit) as usize;
        self.dead_letters.read(after, limit).await.map_err(|error| match error {
            BusError::Full => Refusal::new(Code::Overloaded, "others read the dead letters; try again"),
            error => {
                tracing::debug!(%error, "dead letters not read");
                Refusal::new(Code::Unavailable, "the bus does not answer; try again")
            }
        })
    }

    pub(crate) fn limit(&self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(50).clamp(1, self.page_max)
    }
}
