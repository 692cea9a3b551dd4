//! When log-ins and users were last seen: gathered in memory, the latest time
//! wins, and written in batches, so that nobody waits for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::store::{Sightings, Store};

/// Settings of [`Seen`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often what was gathered is written, ms.
    pub write_interval_ms: u64,
    /// Log-ins, and users, that may wait to be written; what is beyond is dropped and counted.
    pub waiting_max: usize,
    /// Log-ins and users in one write.
    pub batch_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { write_interval_ms: 2_000, waiting_max: 100_000, batch_max: 500 }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.write_interval_ms == 0 {
            faults.push("write_interval_ms is 0".to_owned());
        }
        if self.waiting_max == 0 {
            faults.push("waiting_max is 0".to_owned());
        }
        if !(1..=10_000).contains(&self.batch_max) {
            faults.push("batch_max is not within 1 to 10000".to_owned());
        }
        faults
    }
}

/// When log-ins and users were last seen.
#[derive(Debug)]
pub struct Seen {
    config: Config,
    store: Arc<dyn Store>,
    waiting: Mutex<Waiting>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Waiting {
    logins: HashMap<Arc<str>, i64>,
    users: HashMap<UserId, i64>,
}

impl Waiting {
    fn take(&mut self, count_max: usize) -> Sightings {
        Sightings {
            logins: take(&mut self.logins, count_max).map(|(id, at_ms)| (id.to_string(), at_ms)).collect(),
            users: take(&mut self.users, count_max).collect(),
        }
    }
}

fn take<K: Eq + Hash + Clone>(
    from: &mut HashMap<K, i64>,
    count_max: usize,
) -> impl Iterator<Item = (K, i64)> {
    let keys: Vec<K> = from.keys().take(count_max).cloned().collect();
    keys.into_iter().filter_map(|key| from.remove_entry(&key))
}

/// Keeps the later time. False: there is no room for one more.
fn note<K: Eq + Hash>(into: &mut HashMap<K, i64>, key: K, at_ms: i64, count_max: usize) -> bool {
    if let Some(known) = into.get_mut(&key) {
        *known = at_ms.max(*known);
        return true;
    }
    let has_room = into.len() < count_max;
    if has_room {
        into.insert(key, at_ms);
    }
    has_room
}

impl Seen {
    /// Writes to `store`.
    #[must_use]
    pub fn new(config: Config, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self { config, store, waiting: Mutex::default(), metrics }
    }

    /// A log-in and its user were seen now.
    pub fn login(&self, login_id: &Arc<str>, user: UserId) {
        let (now_ms, max) = (now_ms(), self.config.waiting_max);
        let mut waiting = self.waiting.lock();
        let is_kept = note(&mut waiting.logins, Arc::clone(login_id), now_ms, max)
            & note(&mut waiting.users, user, now_ms, max);
        drop(waiting);
        self.count(is_kept);
    }

    /// A user was seen at this time.
    pub fn user(&self, user: UserId, at_ms: i64) {
        let is_kept = note(&mut self.waiting.lock().users, user, at_ms, self.config.waiting_max);
        self.count(is_kept);
    }

    fn count(&self, is_kept: bool) {
        if !is_kept {
            self.metrics.seen_dropped.inc();
        }
    }

    /// When these users were last seen, as far as this node and the store know.
    ///
    /// # Errors
    /// `unavailable` when the store is.
    pub async fn last(&self, users: &[UserId]) -> Result<HashMap<UserId, i64>, Refusal> {
        let mut last: HashMap<UserId, i64> = self.store.last_seen(users).await?.into_iter().collect();
        let waiting = self.waiting.lock();
        for user in users {
            if let Some(&at_ms) = waiting.users.get(user) {
                let known = last.entry(*user).or_default();
                *known = at_ms.max(*known);
            }
        }
        Ok(last)
    }

    /// Writes now and then until `stop`, and once more after it.
    pub async fn run(&self, stop: CancellationToken) {
        let interval = Duration::from_millis(self.config.write_interval_ms);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(interval) => {}
            }
            self.write().await;
        }
    }

    /// Writes what was gathered; what the store does not take waits for the next time.
    async fn write(&self) {
        loop {
            let batch = self.waiting.lock().take(self.config.batch_max);
            if batch.logins.is_empty() && batch.users.is_empty() {
                return;
            }
            if let Err(cause) = self.store.note_seen(&batch).await {
                self.metrics.seen_failures.inc();
                tracing::debug!(%cause, "who was seen was not written");
                return self.put_back(batch);
            }
        }
    }

    fn put_back(&self, batch: Sightings) {
        let max = self.config.waiting_max;
        let mut waiting = self.waiting.lock();
        let mut dropped = 0;
        for (id, at_ms) in batch.logins {
            dropped += u64::from(!note(&mut waiting.logins, id.into(), at_ms, max));
        }
        for (user, at_ms) in batch.users {
            dropped += u64::from(!note(&mut waiting.users, user, at_ms, max));
        }
        drop(waiting);
        self.metrics.seen_dropped.inc_by(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_time_wins_within_the_bound() {
        let mut waiting = Waiting::default();
        let id = |id| UserId::new(id).expect("positive");
        assert!(note(&mut waiting.users, id(1), 5, 2) && note(&mut waiting.users, id(1), 3, 2));
        assert!(note(&mut waiting.users, id(2), 1, 2));
        assert!(!note(&mut waiting.users, id(3), 1, 2), "there is no room");
        assert!(note(&mut waiting.users, id(2), 9, 2), "who waits already has room");
        let mut taken = waiting.take(1).users;
        taken.extend(waiting.take(5).users);
        taken.sort_unstable();
        assert_eq!(taken, [(id(1), 5), (id(2), 9)]);
        assert_eq!(waiting.take(5), Sightings::default());
    }

    #[test]
    fn every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        assert_eq!(Config { write_interval_ms: 0, waiting_max: 0, batch_max: 0 }.faults().len(), 3);
    }
}
