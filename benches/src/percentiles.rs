//! Percentiles of a run that fits in memory.

use std::time::Duration;

/// Sorted samples.
#[derive(Debug)]
pub(crate) struct Percentiles(Vec<Duration>);

impl Percentiles {
    /// Of these samples.
    pub(crate) fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The sample that `per_mille` of all are at or below, in ms; 0 without samples.
    pub(crate) fn at_ms(&self, per_mille: usize) -> f64 {
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        self.0.get(rank - 1).map_or(0.0, |sample| sample.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_nearest() {
        let percentiles = Percentiles::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(
            (percentiles.at_ms(500), percentiles.at_ms(990), percentiles.at_ms(1000)),
            (50.0, 99.0, 100.0)
        );
        assert_eq!(Percentiles::of(Vec::new()).at_ms(500), 0.0);
    }
}
