//! Waits that grow, with jitter so that many do not come back at once.

use std::time::Duration;

use uuid::Uuid;

/// Doubles from `min` to `max`; each wait is drawn from its upper half.
#[derive(Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, next: min }
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.max);
        wait / 2 + (wait / 2).mul_f64(random_fraction())
    }

    /// The thing waited for worked: start small again.
    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }
}

/// Uniform in 0..1. Version 4 UUIDs are the random source at hand; the first
/// four bytes of one hold no version bits.
fn random_fraction() -> f64 {
    let [a, b, c, d, ..] = *Uuid::new_v4().as_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_start_small_again() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(100));
        for expected_ms in [10, 20, 40, 80, 100, 100] {
            let wait = backoff.next();
            assert!(wait >= Duration::from_millis(expected_ms) / 2, "{wait:?} of {expected_ms}");
            assert!(wait <= Duration::from_millis(expected_ms), "{wait:?} of {expected_ms}");
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(10));
    }
}
