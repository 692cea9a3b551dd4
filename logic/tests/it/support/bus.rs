//! A bus that fails on demand and remembers what it took.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use oort_api::bus::memory::{MemoryBus, Settings};
use oort_api::bus::{DeadLetters, Error, Producer, Record};
use parking_lot::Mutex;
use tonic::async_trait;

#[derive(Debug, Default)]
pub(crate) struct TestBus {
    taken: Mutex<Vec<Record>>,
    pub(crate) is_down: AtomicBool,
    /// Of so many calls one fails, after it took some of its records; 0 = none.
    pub(crate) one_in_fails: AtomicU64,
    /// Values larger than this are refused; 0 = none.
    pub(crate) record_bytes_max: AtomicUsize,
    /// Records in one call beyond this are refused with `Full`; 0 = any number.
    pub(crate) records_max: AtomicUsize,
    state: AtomicU64,
}

impl TestBus {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: AtomicU64::new(0x9e37_79b9_7f4a_7c15), ..Self::default() })
    }

    pub(crate) fn seeded(seed: u64) -> Arc<Self> {
        Arc::new(Self { state: AtomicU64::new(seed | 1), ..Self::default() })
    }

    pub(crate) fn taken(&self) -> Vec<Record> {
        self.taken.lock().clone()
    }

    fn random(&self) -> u64 {
        let mut x = self.state.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.state.store(x, Ordering::Relaxed);
        x
    }
}

/// A dead-letter log without letters.
pub(crate) fn no_letters() -> Arc<dyn DeadLetters> {
    MemoryBus::new(Settings::default()).letters()
}

#[async_trait]
impl Producer for TestBus {
    async fn publish(&self, records: Vec<Record>, _patience: Duration) -> Result<(), Error> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("down".to_owned()));
        }
        let (bytes_max, records_max) =
            (self.record_bytes_max.load(Ordering::Relaxed), self.records_max.load(Ordering::Relaxed));
        if let Some(large) = records.iter().find(|record| bytes_max > 0 && record.value.len() > bytes_max) {
            return Err(Error::TooLarge { bytes: large.value.len() });
        }
        if records_max > 0 && records.len() > records_max {
            return Err(Error::Full);
        }
        let one_in = self.one_in_fails.load(Ordering::Relaxed);
        if one_in > 0 && self.random().is_multiple_of(one_in) {
            let count = usize::try_from(self.random() % (records.len() as u64 + 1)).expect("small");
            self.taken.lock().extend(records.into_iter().take(count));
            // Later than calls that follow it and succeed.
            tokio::time::sleep(Duration::from_millis(self.random() % 8)).await;
            return Err(Error::Unavailable("chance".to_owned()));
        }
        self.taken.lock().extend(records);
        for _ in 0..self.random() % 3 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn publish_dead_letter(&self, _: Record, _: &str, _: Duration) -> Result<(), Error> {
        Ok(())
    }

    async fn check(&self) -> Result<(), Error> {
        match self.is_down.load(Ordering::Relaxed) {
            true => Err(Error::Unavailable("down".to_owned())),
            false => Ok(()),
        }
    }
}
