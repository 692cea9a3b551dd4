//! Whether a replica is asked: one that was behind or failed rests, then a single read tries it.

use std::time::{Duration, Instant};

/// So many reads in a row that take too long are the replica's fault.
const SLOW_READS: u32 = 3;

/// How a replica did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Well,
    /// Nobody asks it until then.
    Rests(Instant),
    /// One read tries it; another one may from then on, as the first may have been given up.
    Tried(Instant),
}

/// Health of one replica.
#[derive(Debug)]
pub(super) struct Health {
    state: State,
    rest: Duration,
    failed_at: Option<Instant>,
    /// Reads in a row that took too long.
    slow: u32,
    /// It had everything that was committed until then.
    complete_until: Instant,
}

impl Health {
    /// Well until it shows otherwise.
    pub(super) fn new(rest: Duration, now: Instant) -> Self {
        Self { state: State::Well, rest, failed_at: None, slow: 0, complete_until: now }
    }

    /// Whether a read may go there.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        match self.state {
            State::Well => true,
            State::Rests(until) | State::Tried(until) if now < until => false,
            State::Rests(_) | State::Tried(_) => {
                self.state = State::Tried(now + self.rest);
                true
            }
        }
    }

    /// It had everything that was committed when it was asked.
    pub(super) fn had_all(&mut self, asked: Instant) {
        self.complete_until = self.complete_until.max(asked);
    }

    /// It answered a read that was asked then. What it did before it failed says nothing.
    pub(super) fn answered(&mut self, asked: Instant) {
        self.slow = 0;
        if self.failed_at.is_none_or(|failed_at| failed_at <= asked) {
            self.state = State::Well;
        }
    }

    /// A read took too long. That may be the read's fault; the next ones tell.
    pub(super) fn was_slow(&mut self, now: Instant) {
        self.slow += 1;
        if self.slow >= SLOW_READS || self.state != State::Well {
            self.failed(now);
        }
    }

    /// It was behind, or failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.slow = 0;
        self.failed_at = Some(now);
        self.state = State::Rests(now + self.rest);
    }

    /// How far it is behind at most.
    pub(super) fn lag(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.complete_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(1);

    #[test]
    fn a_replica_that_failed_rests_and_then_one_read_tries_it() {
        let start = Instant::now();
        let mut health = Health::new(REST, start);
        assert!(health.admits(start) && health.admits(start), "all go there");
        health.failed(start);
        assert!(!health.admits(start + REST / 2));
        let later = start + REST;
        assert!(health.admits(later), "it is tried");
        assert!(!health.admits(later), "by one");
        health.failed(later);
        assert!(!health.admits(later + REST / 2), "it rests again");
        assert!(health.admits(later + REST));
        health.had_all(later + REST);
        assert!(!health.admits(later + REST), "it has to answer, too");
        health.answered(later + REST);
        assert!(health.admits(later + REST) && health.admits(later + REST), "all go there again");
    }

    #[test]
    fn an_answer_from_before_it_failed_says_nothing() {
        let start = Instant::now();
        let mut health = Health::new(REST, start);
        health.failed(start + REST / 2);
        health.answered(start);
        assert!(!health.admits(start + REST / 2));
    }

    #[test]
    fn one_slow_read_is_forgiven_and_three_in_a_row_are_not() {
        let start = Instant::now();
        let mut health = Health::new(REST, start);
        for _ in 0..4 {
            health.was_slow(start);
            health.was_slow(start);
            assert!(health.admits(start));
            health.answered(start);
        }
        for _ in 0..SLOW_READS {
            assert!(health.admits(start));
            health.was_slow(start);
        }
        assert!(!health.admits(start));
        assert!(health.admits(start + REST), "it is tried");
        health.was_slow(start + REST);
        assert!(!health.admits(start + REST), "and was slow again");
    }

    #[test]
    fn a_trial_that_was_given_up_is_made_again() {
        let start = Instant::now();
        let mut health = Health::new(REST, start);
        health.failed(start);
        assert!(health.admits(start + REST));
        assert!(health.admits(start + 2 * REST));
    }

    #[test]
    fn it_is_behind_by_the_time_since_it_had_all() {
        let start = Instant::now();
        let mut health = Health::new(REST, start);
        health.had_all(start + REST);
        assert_eq!(health.lag(start + 3 * REST), 2 * REST);
        health.failed(start + 4 * REST);
        assert_eq!(health.lag(start + 4 * REST), 3 * REST);
        health.had_all(start);
        assert_eq!(health.lag(start + 4 * REST), 3 * REST, "an answer that comes late takes nothing back");
    }
}
