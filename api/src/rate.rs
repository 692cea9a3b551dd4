//! How often somebody may do something: a token bucket per key, in bounded memory.

use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::generations::Generations;

/// So many at once after a pause, and so many per second on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// On average.
    pub per_second: u32,
    /// At once after a pause; 0 counts as 1.
    pub burst: u32,
}

/// A bucket per key. What is kept of one is the moment at which it will be full again, so an entry that is forgotten
/// is a full bucket.
#[derive(Debug)]
pub struct Buckets<K> {
    full_at_ns: Mutex<Generations<K, u64>>,
    /// Time that one token takes to come back.
    interval_ns: u64,
    burst: u32,
    started: Instant,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Remembers at most `keys_max` keys; beyond it the ones not used for longest are forgotten. `None` for a rate of 0,
    /// which means that there is no limit.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize) -> Option<Self> {
        let interval_ns = 1_000_000_000_u64.checked_div(rate.per_second.into())?;
        Some(Self {
            full_at_ns: Mutex::new(Generations::new(keys_max)),
            interval_ns: interval_ns.max(1),
            burst: rate.burst.max(1),
            started: Instant::now(),
        })
    }

    /// Takes `count` tokens at once; more than a bucket holds count as a whole bucket.
    ///
    /// # Errors
    /// How long it takes until there are as many; then none is taken.
    pub fn take(&self, key: K, count: u32) -> Result<(), Duration> {
        self.take_at(key, count, self.started.elapsed())
    }

    /// The same at a time since the start.
    fn take_at(&self, key: K, count: u32, now: Duration) -> Result<(), Duration> {
        let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let cost_ns = self.interval_ns.saturating_mul(count.min(self.burst).into());
        let depth_ns = self.interval_ns.saturating_mul(self.burst.into());
        let mut buckets = self.full_at_ns.lock();
        let known = buckets.get_mut(&key);
        let full_at_ns = known.as_ref().map_or(0, |at| **at).max(now_ns).saturating_add(cost_ns);
        let missing_ns = full_at_ns.saturating_sub(now_ns).saturating_sub(depth_ns);
        if missing_ns > 0 {
            return Err(Duration::from_nanos(missing_ns));
        }
        match known {
            Some(at) => *at = full_at_ns,
            None => buckets.insert(key, full_at_ns),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let buckets = Buckets::new(Rate { per_second: 10, burst: 3 }, 100).expect("a limit");
        for _ in 0..3 {
            assert_eq!(buckets.take_at("ada", 1, at(0)), Ok(()));
        }
        assert_eq!(buckets.take_at("ada", 1, at(0)), Err(at(100)));
        assert_eq!(buckets.take_at("bob", 1, at(0)), Ok(()), "each has their own");
        assert_eq!(buckets.take_at("ada", 1, at(40)), Err(at(60)), "a refusal costs nothing");
        assert_eq!(buckets.take_at("ada", 1, at(100)), Ok(()));
        assert_eq!(buckets.take_at("ada", 2, at(200)), Err(at(100)), "all or nothing");
        assert_eq!(buckets.take_at("ada", 2, at(300)), Ok(()));
        for _ in 0..3 {
            assert_eq!(
                buckets.take_at("ada", 1, at(1_000_000)),
                Ok(()),
                "it fills to the brim and no further"
            );
        }
        assert!(buckets.take_at("ada", 1, at(1_000_000)).is_err());
    }

    #[test]
    fn what_no_bucket_could_hold_takes_a_whole_one() {
        let buckets = Buckets::new(Rate { per_second: 10, burst: 3 }, 100).expect("a limit");
        assert_eq!(buckets.take_at("ada", 1_000, at(0)), Ok(()));
        assert_eq!(buckets.take_at("ada", 1_000, at(0)), Err(at(300)));
    }

    #[test]
    fn no_rate_is_no_limit_and_the_largest_is_one() {
        assert!(Buckets::<u8>::new(Rate { per_second: 0, burst: 9 }, 2).is_none());
        let buckets = Buckets::new(Rate { per_second: u32::MAX, burst: u32::MAX }, 2).expect("a limit");
        assert_eq!(buckets.take_at(1, u32::MAX, at(0)), Ok(()));
    }

    #[test]
    fn a_bucket_that_is_forgotten_is_full() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 1 }, 4).expect("a limit");
        for key in 0..100 {
            assert_eq!(buckets.take_at(key, 1, at(0)), Ok(()));
        }
        assert!(buckets.take_at(99, 1, at(0)).is_err(), "the newest is remembered");
        assert_eq!(buckets.take_at(0, 1, at(0)), Ok(()));
    }
}
