//! How many clients are due to be sent away. Sans-I/O.

use std::time::Duration;

/// Clients per second, over all comets that drain.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    at: Duration,
    /// Clients that may be told now; the fraction is of the next one.
    due: f64,
}

/// No more is saved up than this time brings: a drain that was held up does not make up for it at once.
const SAVED: Duration = Duration::from_millis(100);

impl Pace {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), at: Duration::ZERO, due: 0.0 }
    }

    /// How many are due `at` this time after the beginning, when so many comets `draining` share the budget. They count as
    /// told, unless they are [given back](Self::give_back).
    pub(crate) fn due(&mut self, at: Duration, draining: u32) -> usize {
        let share = self.per_second / f64::from(draining.max(1));
        let passed = at.saturating_sub(self.at).min(SAVED);
        self.at = at;
        self.due += share * passed.as_secs_f64();
        let whole = self.due.floor();
        self.due -= whole;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not negative")]
        let due = whole as usize;
        due
    }

    /// Some were due, and nobody was there to be told.
    pub(crate) fn give_back(&mut self, count: usize) {
        let saved = self.per_second * SAVED.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let count = count as f64;
        self.due = (self.due + count).min(saved);
    }

    /// How long so many take, when no other comet drains.
    pub(crate) fn time_for(&self, clients: usize) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "a time")]
        let clients = clients as f64;
        Duration::from_secs_f64((clients / self.per_second).min(86_400.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pace: &mut Pace, from_ms: u64, to_ms: u64, draining: u32) -> usize {
        (from_ms..to_ms).step_by(5).map(|ms| pace.due(Duration::from_millis(ms), draining)).sum()
    }

    #[test]
    fn the_budget_is_kept_and_used_up() {
        let mut pace = Pace::new(1_000);
        assert_eq!(told(&mut pace, 0, 3_001, 1), 3_000);
    }

    #[test]
    fn comets_that_drain_together_share_it() {
        let (mut first, mut second) = (Pace::new(1_000), Pace::new(1_000));
        let alone = told(&mut first, 0, 1_001, 1);
        let both = told(&mut first, 1_005, 2_001, 2) + told(&mut second, 0, 1_001, 2);
        assert_eq!((alone, both), (1_000, 1_000));
    }

    #[test]
    fn what_was_held_up_is_not_made_up_for_at_once() {
        let mut pace = Pace::new(1_000);
        assert_eq!(pace.due(Duration::from_secs(10), 1), 100);
        pace.give_back(1_000_000);
        assert_eq!(pace.due(Duration::from_secs(10), 1), 100);
    }

    #[test]
    fn a_slow_pace_comes_to_everybody() {
        let mut pace = Pace::new(3);
        assert_eq!(told(&mut pace, 0, 10_001, 1), 30);
        assert_eq!(Pace::new(2_000).time_for(10_000), Duration::from_secs(5));
    }
}
