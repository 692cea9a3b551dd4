//! Limits guesses: failed log-ins per account and address.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::Config;
use crate::generations::Generations;

/// A token bucket per pair of account and client address.
#[derive(Debug)]
pub(super) struct Attempts {
    buckets: Mutex<Generations<Pair, Bucket>>,
    burst: u32,
    refill: Duration,
}

/// Hash of account and address: of fixed size whatever was typed.
pub(super) type Pair = [u8; 16];

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u32,
    filled_at: Instant,
}

impl Attempts {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            buckets: Mutex::new(Generations::new(config.attempts_watched_max)),
            burst: config.attempts_burst,
            refill: Duration::from_millis(config.attempts_refill_ms),
        }
    }

    pub(super) fn pair(account: &str, address: &str) -> Pair {
        let mut hash = Sha256::new();
        hash.update(account.as_bytes());
        hash.update([0]);
        hash.update(address.as_bytes());
        let mut pair = Pair::default();
        pair.copy_from_slice(&hash.finalize()[..16]);
        pair
    }

    /// Takes one attempt, or says how long to wait for the next.
    pub(super) fn take(&self, pair: Pair, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        let Some(bucket) = buckets.get_mut(&pair) else {
            buckets.insert(pair, Bucket { left: self.burst - 1, filled_at: now });
            return Ok(());
        };
        let periods = now.saturating_duration_since(bucket.filled_at).as_nanos() / self.refill.as_nanos();
        let earned = u32::try_from(periods).unwrap_or(u32::MAX);
        if earned >= self.burst - bucket.left {
            *bucket = Bucket { left: self.burst, filled_at: now };
        } else {
            bucket.left += earned;
            bucket.filled_at += self.refill * earned;
        }
        if bucket.left == 0 {
            return Err((bucket.filled_at + self.refill).saturating_duration_since(now));
        }
        bucket.left -= 1;
        Ok(())
    }

    /// The attempt told nobody anything: the password was not compared.
    pub(super) fn give_back(&self, pair: Pair) {
        if let Some(bucket) = self.buckets.lock().get_mut(&pair) {
            bucket.left = self.burst.min(bucket.left + 1);
        }
    }

    /// The right password was given: earlier mistakes are forgiven.
    pub(super) fn forgive(&self, pair: Pair) {
        self.buckets.lock().remove(&pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_empties_and_refills() {
        let config = Config { attempts_burst: 3, attempts_refill_ms: 1000, ..Config::default() };
        let attempts = Attempts::new(&config);
        let (start, pair) = (Instant::now(), Attempts::pair("ada", "::1"));
        for _ in 0..3 {
            assert_eq!(attempts.take(pair, start), Ok(()));
        }
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(attempts.take(pair, at(400)), Err(Duration::from_millis(600)));
        assert_eq!(attempts.take(Attempts::pair("ada", "::2"), at(400)), Ok(()));
        assert_eq!(attempts.take(pair, at(1000)), Ok(()));
        assert_eq!(attempts.take(pair, at(1500)), Err(Duration::from_millis(500)));
        attempts.forgive(pair);
        assert_eq!(attempts.take(pair, at(1500)), Ok(()));
        attempts.give_back(pair);
        // A long pause fills it to the brim and no further.
        for _ in 0..3 {
            assert_eq!(attempts.take(pair, at(1_000_000)), Ok(()));
        }
        assert!(attempts.take(pair, at(1_000_000)).is_err());
    }

    #[test]
    fn account_and_address_do_not_run_together() {
        assert_ne!(Attempts::pair("a", "bc"), Attempts::pair("ab", "c"));
    }
}
