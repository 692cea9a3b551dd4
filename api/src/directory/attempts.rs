//! Guesses at a secret: how often it was tried, and how long to wait before it may be tried again. Sans-I/O.

use std::time::{Duration, Instant};

use crate::generations::Generations;

/// What is guessed at, and by whom: a digest, of fixed size whatever was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptKey(pub [u8; 16]);

/// How attempts are answered. The same for all that share a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptRules {
    /// Attempts without a wait between them.
    pub free: u32,
    /// Wait after the last of those; it doubles with each further attempt.
    pub wait_min: Duration,
    /// Longest wait.
    pub wait_max: Duration,
    /// After so long without an attempt, once the wait is over, all is forgotten.
    pub forget_after: Duration,
    /// Keys remembered by what has no end of its own for them: the directory inside one process.
    pub remembered_max: usize,
}

impl AttemptRules {
    /// The wait after so many attempts.
    #[must_use]
    pub fn wait_after(&self, made: u32) -> Duration {
        let Some(further) = made.checked_sub(self.free.max(1)) else { return Duration::ZERO };
        if self.wait_min.is_zero() {
            return Duration::ZERO;
        }
        let doubled = 1_u32.checked_shl(further).and_then(|factor| self.wait_min.checked_mul(factor));
        doubled.unwrap_or(self.wait_max).min(self.wait_max)
    }
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It may, and is counted; so many were made by now, this one included.
    Admitted(u32),
    /// Not yet, and it is not counted.
    Wait(Duration),
}

/// What became of an attempt that was admitted. One that was wrong needs no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The secret was right: earlier attempts are forgiven.
    Right,
    /// Nothing was compared, so nothing was learned: it does not count.
    NotMade,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    made: u32,
    open_at: Instant,
}

/// Attempts in memory.
#[derive(Debug)]
pub struct Attempts(Generations<AttemptKey, Tally>);

impl Attempts {
    /// Remembers at most so many keys; beyond it the ones not used for longest are forgotten.
    #[must_use]
    pub fn new(remembered_max: usize) -> Self {
        Self(Generations::new(remembered_max))
    }

    /// Counts an attempt, unless an earlier one has to be waited for. Counted before it is made, so that many at
    /// once get no further than one after the other.
    pub fn attempt(&mut self, key: AttemptKey, rules: &AttemptRules, now: Instant) -> Attempt {
        let tally = self.0.get_mut(&key).copied();
        let tally = tally.filter(|tally| now < tally.open_at + rules.forget_after);
        if let Some(Tally { open_at, .. }) = tally
            && open_at > now
        {
            return Attempt::Wait(open_at - now);
        }
        let made = tally.map_or(0, |tally| tally.made).saturating_add(1);
        self.0.insert(key, Tally { made, open_at: now + rules.wait_after(made) });
        Attempt::Admitted(made)
    }

    /// What became of an attempt.
    pub fn settle(&mut self, key: AttemptKey, settled: Settled, now: Instant) {
        let made = self.0.get_mut(&key).map_or(0, |tally| tally.made);
        if settled == Settled::Right || made <= 1 {
            self.0.remove(&key);
        } else {
            self.0.insert(key, Tally { made: made - 1, open_at: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: AttemptRules = AttemptRules {
        free: 5,
        wait_min: Duration::from_secs(1),
        wait_max: Duration::from_secs(900),
        forget_after: Duration::from_secs(3_600),
        remembered_max: 100,
    };
    const KEY: AttemptKey = AttemptKey([7; 16]);

    #[test]
    fn waits_grow_to_their_longest() {
        let waits: Vec<u64> = (1..=16).map(|made| RULES.wait_after(made).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(RULES.wait_after(u32::MAX), RULES.wait_max);
    }

    #[test]
    fn five_are_free_and_a_refused_one_does_not_prolong_the_wait() {
        let (mut attempts, start) = (Attempts::new(100), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        for made in 1..=5 {
            assert_eq!(attempts.attempt(KEY, &RULES, start), Attempt::Admitted(made));
        }
        for _ in 0..100 {
            assert_eq!(attempts.attempt(KEY, &RULES, start), Attempt::Wait(Duration::from_secs(1)));
        }
        assert_eq!(attempts.attempt(KEY, &RULES, at(1)), Attempt::Admitted(6));
        assert_eq!(attempts.attempt(KEY, &RULES, at(1)), Attempt::Wait(Duration::from_secs(2)));
        assert_eq!(attempts.attempt(AttemptKey([8; 16]), &RULES, at(1)), Attempt::Admitted(1), "another's");
    }

    #[test]
    fn the_right_secret_and_time_forgive() {
        let (mut attempts, start) = (Attempts::new(100), Instant::now());
        (0..5).for_each(|_| _ = attempts.attempt(KEY, &RULES, start));
        attempts.settle(KEY, Settled::Right, start);
        for made in 1..=5 {
            assert_eq!(attempts.attempt(KEY, &RULES, start), Attempt::Admitted(made));
        }
        let later = start + RULES.wait_min + RULES.forget_after;
        assert_eq!(attempts.attempt(KEY, &RULES, later), Attempt::Admitted(1));
    }

    #[test]
    fn what_was_not_made_does_not_count() {
        let (mut attempts, start) = (Attempts::new(100), Instant::now());
        for _ in 0..100 {
            assert_eq!(attempts.attempt(KEY, &RULES, start), Attempt::Admitted(1));
            attempts.settle(KEY, Settled::NotMade, start);
        }
        (0..5).for_each(|_| _ = attempts.attempt(KEY, &RULES, start));
        attempts.settle(KEY, Settled::NotMade, start);
        assert_eq!(attempts.attempt(KEY, &RULES, start), Attempt::Admitted(5));
    }
}
