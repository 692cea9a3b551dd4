//! When refused clients come again. Sans-I/O.
//!
//! Each is given a time of its own, one after the other, as far apart as clients were let in of late: as if they stood in a
//! queue that costs nothing. So they come back as fast as they can be served, whatever their number.

/// Shortest time over which it is counted how fast clients are let in, µs.
const WINDOW_US: u64 = 250_000;
/// Clients per second, before anything was counted.
const RATE_AT_FIRST: f64 = 2_000.0;
/// The least that is believed: one client that takes long says little.
const RATE_MIN: f64 = 20.0;

/// Gives out times.
#[derive(Debug)]
pub(crate) struct RetryTimes {
    min_us: u64,
    max_us: u64,
    /// Clients let in per second while others waited.
    rate: f64,
    window_from_us: u64,
    let_in: u32,
    /// The next time that is free.
    next_us: u64,
}

impl RetryTimes {
    pub(crate) fn new(min_ms: u64, max_ms: u64) -> Self {
        let us = |ms: u64| ms.saturating_mul(1000);
        Self {
            min_us: us(min_ms),
            max_us: us(max_ms),
            rate: RATE_AT_FIRST,
            window_from_us: 0,
            let_in: 0,
            next_us: 0,
        }
    }

    /// A client was let in; `is_busy`: others waited.
    pub(crate) fn let_in(&mut self, now_us: u64, is_busy: bool) {
        if !is_busy {
            // How fast clients come says nothing about how fast they could.
            (self.window_from_us, self.let_in) = (now_us, 0);
            return;
        }
        self.let_in += 1;
        let window_us = now_us.saturating_sub(self.window_from_us);
        if window_us >= WINDOW_US {
            #[expect(clippy::cast_precision_loss, reason = "a rate")]
            let rate = f64::from(self.let_in) * 1e6 / window_us as f64;
            self.rate = ((self.rate + rate) / 2.0).max(RATE_MIN);
            (self.window_from_us, self.let_in) = (now_us, 0);
        }
    }

    /// How long the next client is to stay away, ms; `inside` are before it.
    pub(crate) fn next(&mut self, now_us: u64, inside: usize) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "a time")]
        let queue_us = whole(inside as f64 * 1e6 / self.rate);
        let soonest = now_us.saturating_add(queue_us.min(self.max_us / 2).max(self.min_us));
        let latest = now_us.saturating_add(self.max_us);
        // Beyond the longest wait they begin anew, and share times.
        let time = if self.next_us > latest { soonest } else { self.next_us.max(soonest) };
        self.next_us = time.saturating_add(whole(1e6 / self.rate).max(1));
        (time.min(latest) - now_us).div_ceil(1000)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped by its callers; never negative"
)]
fn whole(us: f64) -> u64 {
    us as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// As many clients per second as asked for, for three seconds, while others wait.
    fn after(rate: u64) -> (RetryTimes, u64) {
        let mut times = RetryTimes::new(1_000, 30_000);
        let now = (0..3 * rate).map(|n| n * SECOND / rate).inspect(|now| times.let_in(*now, true)).max();
        (times, now.unwrap_or(0))
    }

    #[test]
    fn those_refused_come_back_as_fast_as_they_are_let_in() {
        let (mut times, now) = after(2_000);
        let waits: Vec<u64> = (0..10_000).map(|_| times.next(now, 1_000)).collect();
        assert!((1_000..=1_010).contains(&waits[0]), "{}", waits[0]);
        assert!(waits.is_sorted());
        let in_each_second: Vec<usize> =
            (1..6).map(|second| waits.iter().filter(|wait| *wait / 1_000 == second).count()).collect();
        assert!(in_each_second.iter().all(|count| (1_800..2_200).contains(count)), "{in_each_second:?}");
    }

    #[test]
    fn a_slow_server_keeps_them_away_longer() {
        let (mut times, now) = after(100);
        assert!((9_000..=15_000).contains(&times.next(now, 1_000)));
    }

    #[test]
    fn nobody_waits_longer_than_the_longest_time() {
        let (mut times, now) = after(100);
        let waits: Vec<u64> = (0..20_000).map(|_| times.next(now, 0)).collect();
        assert!(waits.iter().all(|wait| (1_000..=30_000).contains(wait)));
        // More than fit into the longest time share their times evenly.
        let late = waits.iter().filter(|wait| **wait > 15_500).count();
        assert!((8_000..12_000).contains(&late), "{late}");
    }

    #[test]
    fn an_idle_server_says_nothing_of_its_speed() {
        let (mut times, now) = after(2_000);
        let before = times.rate;
        (0..100).for_each(|n| times.let_in(now + n * SECOND, false));
        assert!((times.rate - before).abs() < f64::EPSILON);
        let later = now + 200 * SECOND;
        assert_eq!(times.next(later, 0), 1_000);
    }
}
