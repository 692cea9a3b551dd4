//! Copies of what is known of users, where the servers of conversations need it (`mysql::part`).

use std::future::Future;
use std::time::Duration;

use futures_util::future::try_join_all;
use oort_api::clock::now_ms;
use oort_api::ids::UserId;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::super::Error;
use super::super::mysql::part::Copied;
use super::ShardedStore;

/// Most users whose copies are written in one transaction.
const COPIED_AT_ONCE: usize = 256;
/// Users of whom it is remembered that a server has a copy; with more it is asked for again.
const COPIED_MAX: usize = 1_000_000;
/// A note that is older is of somebody who is gone, ms.
const DUE_MS: i64 = 15_000;
/// Notes looked at together.
const DUES_MAX: u32 = 64;
/// Longest wait for servers while others wait for a turn.
const SOON: Duration = Duration::from_millis(1500);
/// How long none are asked so after one did not answer.
const REST: Duration = Duration::from_secs(5);

/// After a server did not answer, none are asked for a while.
#[derive(Debug, Default)]
pub(super) struct Rest(Mutex<Option<Instant>>);

impl Rest {
    fn begin(&self) {
        *self.0.lock() = Some(Instant::now() + REST);
    }

    fn is_on(&self) -> bool {
        self.0.lock().is_some_and(|until| Instant::now() < until)
    }
}

impl ShardedStore {
    /// Sees to it that a server has copies of these users, whatever they are by now.
    pub(super) async fn ensure(
        &self,
        server: usize,
        users: impl IntoIterator<Item = i64>,
    ) -> Result<(), Error> {
        if server == 0 {
            return Ok(());
        }
        let missing: Vec<UserId> = {
            let copied = self.copied.read();
            users
                .into_iter()
                .filter(|&user| !copied.contains(&(server, user)))
                .filter_map(UserId::new)
                .collect()
        };
        for users in missing.chunks(COPIED_AT_ONCE) {
            let there = self.server(server).copy_people(self.home(), users, now_ms()).await?;
            let mut copied = self.copied.write();
            if copied.len() + there.len() > COPIED_MAX {
                copied.clear();
            }
            copied.extend(there.into_iter().map(|user| (server, user)));
        }
        Ok(())
    }

    /// Changes something at home of which there are copies: who is answered knows that all have it.
    pub(super) async fn changed<T>(
        &self,
        copied: Copied,
        now_ms: i64,
        change: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        // By the clock of whoever looks for notes, whatever time the change has.
        let note = self.home().note_due(copied, oort_api::clock::now_ms()).await?;
        let outcome = change.await;
        if !matches!(outcome, Err(Error::Unavailable(_) | Error::Internal(_))) {
            if outcome.is_ok() {
                self.copy(copied, now_ms).await?;
            }
            if let Err(cause) = self.home().settle_due(note).await {
                tracing::debug!(%cause, "what is copied will be copied again");
            }
        }
        // Otherwise it may have been done: the note stays for whoever finds it.
        outcome
    }

    /// Makes the copies that somebody noted and did not make.
    pub(super) async fn finish_copies(&self, now_ms: i64) -> Result<(), Error> {
        for due in self.home().dues(DUES_MAX).await? {
            if due.at_ms + DUE_MS <= now_ms {
                self.copy(due.copied, now_ms).await?;
                self.home().settle_due(due.id).await?;
            }
        }
        Ok(())
    }

    async fn copy(&self, copied: Copied, now_ms: i64) -> Result<(), Error> {
        self.soon(self.copy_now(copied, now_ms)).await
    }

    /// Asks servers while others wait for the asker's turn: one that does not answer is not waited for long, and for a
    /// while not at all.
    pub(super) async fn soon<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.rest.is_on() {
            return Err(Error::Unavailable("a server of the store does not answer".to_owned()));
        }
        let answered = match timeout(SOON, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(Error::Unavailable("a server of the store does not answer in time".to_owned())),
        };
        if matches!(answered, Err(Error::Unavailable(_))) {
            self.rest.begin();
        }
        answered
    }

    async fn copy_now(&self, copied: Copied, now_ms: i64) -> Result<(), Error> {
        match copied {
            Copied::Person(user) => {
                let users = [user];
                let copies = self.away().into_iter();
                let copies =
                    copies.map(|server| self.server(server).copy_people(self.home(), &users, now_ms));
                try_join_all(copies).await.map(drop)
            }
            // At their direct conversation, wherever it is.
            Copied::Pair(one, other) => {
                self.each(|server| server.copy_block(self.home(), one, other)).await.map(drop)
            }
        }
    }
}
