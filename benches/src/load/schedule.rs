//! When sends are due: fixed before the run, so that a server that falls behind cannot slow its own load.

use std::ops::Range;

/// Sends of one thread of the load. Times are ns of [`crate::clock::now_ns`].
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// Sends per second; 0 = a send is due whenever a sender is free.
    rate: u64,
    /// When the first one is due.
    first_ns: u64,
    /// Nothing is due from here on.
    end_ns: u64,
    taken: u64,
}

const NS_PER_S: u64 = 1_000_000_000;

impl Schedule {
    /// The share of thread `thread` of `threads` in `rate` sends per second during `time_ns`; a rate of 0 is as many
    /// as the senders manage.
    pub(crate) fn share(rate: u64, time_ns: &Range<u64>, thread: u64, threads: u64) -> Self {
        let own = rate / threads + u64::from(thread < rate % threads);
        let first_ns = time_ns.start + (thread * NS_PER_S).checked_div(rate).unwrap_or_default();
        // A thread that has no send of an open loop must not become a closed loop.
        let end_ns = if rate > 0 && own == 0 { 0 } else { time_ns.end };
        Self { rate: own, first_ns, end_ns, taken: 0 }
    }

    /// Takes the next send if it is due at `now_ns`; returns when it was due.
    pub(crate) fn take(&mut self, now_ns: u64) -> Option<u64> {
        if self.is_over(now_ns) || now_ns < self.first_ns {
            return None;
        }
        let due = if self.rate == 0 { now_ns } else { self.due(self.taken) };
        if due > now_ns || due >= self.end_ns {
            return None;
        }
        self.taken += 1;
        Some(due)
    }

    /// When the next send is due that is not due yet.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        let due = self.due(self.taken);
        (self.rate > 0 && due < self.end_ns).then_some(due)
    }

    /// Nothing is begun any more.
    pub(crate) fn is_over(&self, now_ns: u64) -> bool {
        now_ns >= self.end_ns
    }

    /// When the sends were due that were never begun: the server was too slow for the rate.
    pub(crate) fn not_begun(&self) -> impl Iterator<Item = u64> + '_ {
        let open = self.rate > 0;
        (self.taken..).map(|number| self.due(number)).take_while(move |due| open && *due < self.end_ns)
    }

    fn due(&self, number: u64) -> u64 {
        let after = u128::from(number) * u128::from(NS_PER_S) / u128::from(self.rate.max(1));
        self.first_ns.saturating_add(u64::try_from(after).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_do_not_depend_on_when_they_are_taken() {
        let mut late = Schedule::share(1000, &(0..NS_PER_S), 0, 1);
        assert_eq!(late.take(0), Some(0));
        assert_eq!((late.take(999_999), late.next_ns()), (None, Some(1_000_000)));
        let taken: Vec<_> = std::iter::from_fn(|| late.take(3_000_000)).collect();
        assert_eq!(taken, [1_000_000, 2_000_000, 3_000_000]);
    }

    #[test]
    fn what_was_not_begun_is_told() {
        let mut schedule = Schedule::share(10, &(0..NS_PER_S), 0, 1);
        while schedule.take(650_000_000).is_some() {}
        assert!(schedule.take(NS_PER_S).is_none() && schedule.is_over(NS_PER_S));
        assert_eq!(schedule.not_begun().collect::<Vec<_>>(), [700_000_000, 800_000_000, 900_000_000]);
    }

    #[test]
    fn threads_share_the_rate() {
        let whole: usize = (0..3)
            .map(|thread| {
                let mut share = Schedule::share(1000, &(0..NS_PER_S), thread, 3);
                std::iter::from_fn(move || share.take(NS_PER_S - 1)).count()
            })
            .sum();
        assert_eq!(whole, 1000);
        let mut none = Schedule::share(1, &(0..NS_PER_S), 1, 2);
        assert_eq!((none.take(5), none.next_ns(), none.not_begun().count()), (None, None, 0));
    }

    #[test]
    fn a_closed_loop_is_due_at_once_and_ends() {
        let mut closed = Schedule::share(0, &(10..100), 0, 1);
        assert_eq!((closed.take(9), closed.take(42), closed.take(100)), (None, Some(42), None));
        assert_eq!((closed.next_ns(), closed.not_begun().count()), (None, 0));
    }
}
