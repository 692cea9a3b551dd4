//! What all devices of a crowd share.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::ledger::{Event, Ledger};
use crate::load::frames::Refusal;
use crate::load::tag::Tag;
use crate::load::tally::{Shared, Tally};
use crate::system::{Account, Api};

use super::options::CrowdOptions;

/// How often tokens are looked at.
const REFRESH_EVERY: Duration = Duration::from_secs(20);
/// A token is exchanged when it lives no longer than this, ms.
const REFRESH_BEFORE_MS: u64 = 120_000;

/// Conversations, accounts and counts.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) shared: Shared,
    pub(crate) index: HashMap<String, usize>,
    pub(crate) comets: Vec<String>,
    pub(crate) apis: Vec<Api>,
    pub(crate) content: String,
    /// Longest time that a device or a send may go without an answer.
    pub(crate) patience: Duration,
    /// Where everything is written down, if it is.
    ledger: Option<Ledger>,
    accounts: Vec<Mutex<Account>>,
    tally: Mutex<Tally>,
    pub(crate) counts: Counts,
}

/// Counts of a crowd beside those of its messages.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Sends begun and not yet answered.
    pub(crate) under_way: AtomicU64,
    pub(crate) connects: AtomicU64,
    pub(crate) pages: AtomicU64,
    /// Pages of history with a hole or out of order.
    pub(crate) bad_pages: AtomicU64,
    /// Connections that the server ended.
    pub(crate) ended: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl World {
    /// Of these accounts and conversations.
    pub(crate) fn new(
        rooms: Vec<String>,
        accounts: Vec<Account>,
        (comets, apis): (Vec<String>, Vec<Api>),
        options: &CrowdOptions,
        ledger: Option<Ledger>,
    ) -> Self {
        let tally = Tally::new(0..0, rooms.len());
        Self {
            index: rooms.iter().cloned().zip(0..).collect(),
            shared: Shared::new(rooms, 1),
            comets,
            apis,
            content: "x".repeat(options.content_bytes),
            patience: Duration::from_secs(options.patience),
            ledger,
            accounts: accounts.into_iter().map(Mutex::new).collect(),
            tally: Mutex::new(tally),
            counts: Counts::default(),
        }
    }

    /// The highest seq that was acknowledged in each conversation.
    pub(crate) fn acked_heads(&self) -> Vec<i64> {
        let tally = self.tally();
        (0..self.shared.rooms.len()).map(|room| tally.acked.head(room)).collect()
    }

    /// Writes down what happened to `device`, if this run keeps a ledger.
    pub(crate) fn note(&self, device: Option<usize>, event: impl FnOnce() -> Event) {
        if let Some(ledger) = &self.ledger {
            ledger.write(device, event());
        }
    }

    /// The ledger, if this run keeps one.
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// The counts and latencies.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    /// A send was acknowledged with its seq, or refused.
    pub(crate) fn answered(&self, room: usize, tag: Tag, answer: Result<i64, &Refusal<'_>>, now_ns: u64) {
        self.counts.under_way.fetch_sub(1, Ordering::Relaxed);
        let mut tally = self.tally();
        match answer {
            Ok(seq) => tally.ack(&self.shared, room, seq, tag, now_ns),
            Err(refusal) => {
                tally.refuse(&refusal.code);
                tally.answer(tag.due_ns, now_ns);
            }
        }
    }

    /// How many accounts there are.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// An account with its tokens of now.
    pub(crate) fn account(&self, account: usize) -> Account {
        lock(&self.accounts[account]).clone()
    }

    /// The account of the user with this id, if it is one of the crowd's.
    pub(crate) fn account_of(&self, id: &str) -> Option<usize> {
        self.accounts.iter().position(|account| lock(account).id == id)
    }

    /// Keeps the tokens alive until it is dropped.
    pub(crate) async fn keep_tokens(&self) -> Infallible {
        loop {
            tokio::time::sleep(REFRESH_EVERY).await;
            for (number, account) in self.accounts.iter().enumerate() {
                let old = lock(account).clone();
                if old.access_expires_at_ms < clock::wall_ms() + REFRESH_BEFORE_MS {
                    // Each of them may be down; the next round tries again.
                    for turn in 0..self.apis.len() {
                        if let Ok(new) = self.apis[(number + turn) % self.apis.len()].refresh(&old).await {
                            *lock(account) = new;
                            break;
                        }
                    }
                }
            }
        }
    }
}

/// A thread that panicked left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
