//! Clears away what deleted accounts leave behind: they leave their groups,
//! and their messages are erased where that is set.
//!
//! In small transactions, and from where it was left by whoever stopped: every
//! node looks for what is to be done, and done twice it does nothing.

use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use oort_api::metrics::{Counter, Registry};
use oort_api::pb::oort::v1::User;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::policy::Role;
use crate::store::{About, Departure, Erased, GroupChange, GroupOrder, Store};
use crate::transactions::Transactions;

/// Settings of [`Departures`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often a node looks for deleted accounts, ms.
    pub interval_ms: u64,
    /// Time after the deletion, ms: longer than a request of theirs can last that another node still took for live
    /// (`accounts.login_check_ms`, `http.request_timeout_ms`).
    pub grace_ms: u64,
    /// Messages erased in one transaction.
    pub messages_max: u32,
    /// Accounts and groups looked at together.
    pub page: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { interval_ms: 5_000, grace_ms: 15_000, messages_max: 200, page: 100 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("interval_ms", self.interval_ms, 1, 3_600_000),
            ("grace_ms", self.grace_ms, 0, 3_600_000),
            ("messages_max", self.messages_max.into(), 1, 10_000),
            ("page", self.page.into(), 1, 10_000),
        ];
        crate::bounds::faults(bounds)
    }
}

/// Counters of [`Departures`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    done: Counter,
    failures: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "departures",
            "Deleted accounts whose remains were cleared away",
            metrics.done.clone(),
        );
        registry.register(
            "departure_failures",
            "Deleted accounts whose remains could not be cleared away; it is tried again",
            metrics.failures.clone(),
        );
        metrics
    }
}

/// Clears away.
#[derive(Debug)]
pub struct Departures {
    config: Config,
    transactions: Arc<Transactions>,
    metrics: Metrics,
}

impl Departures {
    /// In the store of these transactions.
    #[must_use]
    pub fn new(config: Config, transactions: Arc<Transactions>, metrics: Metrics) -> Self {
        Self { config, transactions, metrics }
    }

    /// Looks now and then, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let interval = Duration::from_millis(self.config.interval_ms);
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            if let Err(cause) = self.round(&stop).await {
                tracing::warn!(%cause, "deleted accounts could not be looked for; it is tried again");
            }
        }
    }

    /// Clears away what there is, until `stop`.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn round(&self, stop: &CancellationToken) -> Result<(), Refusal> {
        let before_ms = now_ms().saturating_sub(i64::try_from(self.config.grace_ms).unwrap_or(i64::MAX));
        for departure in self.transactions.store.departing(before_ms, self.config.page).await? {
            match self.clear(&departure, stop).await {
                Ok(()) => {}
                Err(cause) => {
                    self.metrics.failures.inc();
                    tracing::warn!(%cause, user = departure.user.id, "a deleted account is not cleared away yet");
                }
            }
        }
        Ok(())
    }

    async fn clear(&self, departure: &Departure, stop: &CancellationToken) -> Result<(), Refusal> {
        let store = &self.transactions.store;
        let user = departure.user.clone();
        let Some(id) = UserId::new(user.id) else { return Ok(()) };
        loop {
            let groups = store.groups_of(id, self.config.page).await?;
            if groups.is_empty() {
                break;
            }
            for group in groups {
                if stop.is_cancelled() {
                    return Ok(());
                }
                self.leave(group, &user, id).await?;
            }
        }
        if departure.erase {
            if !self.erase(&user, stop).await? {
                return Ok(());
            }
            store.discard_files_of(id).await?;
        }
        store.departed(id).await?;
        self.metrics.done.inc();
        Ok(())
    }

    /// Erases what the user wrote; `false` when it was stopped before the end.
    async fn erase(&self, user: &User, stop: &CancellationToken) -> Result<bool, Refusal> {
        let servers = self.transactions.lanes.iter().count();
        let mut server = 0;
        while server < servers {
            if stop.is_cancelled() {
                return Ok(false);
            }
            let (user, limit) = (user.clone(), self.config.messages_max);
            let erase = move |store: Arc<dyn Store>, owner: Arc<str>| async move {
                Ok(match store.erase_messages(&owner, server, &user, limit, now_ms()).await? {
                    Erased::Some(row) => (true, row),
                    Erased::All => (false, None),
                })
            };
            if !self.transactions.run(About::Server(server), erase).await? {
                server += 1;
            }
        }
        Ok(true)
    }

    /// Leaves a group; its owner hands it over to an admin first, or else to whoever is in it.
    async fn leave(&self, group: ConversationId, user: &User, id: UserId) -> Result<(), Refusal> {
        let store = &self.transactions.store;
        let details = store.group(group, id).await?;
        if let Some(details) = details.filter(|details| details.role == Role::Owner) {
            let admin = details.managers.iter().map(|&(manager, _)| manager).find(|&manager| manager != id);
            let heir = match admin {
                Some(admin) => Some(admin),
                None => {
                    let members = store.members(group, 0, 2).await?;
                    members
                        .iter()
                        .filter_map(|member| UserId::new(member.user.id))
                        .find(|&member| member != id)
                }
            };
            if let Some(heir) = heir.filter(|_| details.state.dissolved_at_ms == 0) {
                self.change(group, user, GroupChange::HandOver(heir)).await?;
            }
        }
        self.change(group, user, GroupChange::Remove(id)).await
    }

    async fn change(&self, group: ConversationId, user: &User, change: GroupChange) -> Result<(), Refusal> {
        let (actor, now_ms) = (user.clone(), now_ms());
        // Nobody comes in and nobody becomes an admin by this but who hands over: no limit is met.
        let (members_max, admins_max) = (u32::MAX, u32::MAX);
        let order =
            GroupOrder { group, actor, is_by_operator: false, change, members_max, admins_max, now_ms };
        let run = move |store: Arc<dyn Store>, owner: Arc<str>| async move {
            Ok(((), store.change_group(&owner, &order).await?))
        };
        self.transactions.run(About::Conversation(group), run).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config { interval_ms: 0, messages_max: 0, ..Config::default() };
        assert_eq!(bad.faults().len(), 2);
    }
}
