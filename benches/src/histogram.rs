//! Latencies of a run, recorded in nanoseconds with three digits, up to an hour.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// One hour.
const MAX_NS: u64 = 3_600_000_000_000;

/// Records latencies, and can be added to another's.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(Histogram<u64>);

impl Recorder {
    /// An empty one.
    #[expect(clippy::expect_used, reason = "the bounds are constants that the library takes")]
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_NS, 3).expect("valid bounds"))
    }

    /// Records one latency; longer than an hour counts as an hour.
    pub(crate) fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns.max(1));
    }

    /// Adds all that another has recorded.
    #[expect(clippy::expect_used, reason = "all have the same bounds")]
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the same bounds");
    }

    /// The histogram, in nanoseconds.
    pub(crate) fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }
}

/// What was recorded, as it travels between processes: (ns, count).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts(Vec<(u64, u64)>);

impl From<&Recorder> for Counts {
    fn from(recorder: &Recorder) -> Self {
        let recorded = recorder.0.iter_recorded();
        Self(recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
    }
}

impl From<&Counts> for Recorder {
    fn from(counts: &Counts) -> Self {
        let mut recorder = Self::new();
        counts.0.iter().for_each(|(ns, count)| recorder.0.saturating_record_n(*ns, *count));
        recorder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_travel_unchanged_and_add_up() {
        let mut one = Recorder::new();
        for ns in [0, 1_000, 1_000, 250_000, u64::MAX] {
            one.record(ns);
        }
        let mut two = Recorder::from(&Counts::from(&one));
        assert_eq!(two.histogram(), one.histogram());
        two.add(&one);
        assert_eq!(two.histogram().len(), 10);
        assert!(two.histogram().max() >= MAX_NS);
    }
}
