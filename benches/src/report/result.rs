//! What a run measured: the one shape that scenarios fill in and that tables, plots and the README are made from.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that one scenario measured of one target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunResult {
    /// Name of the scenario: `fanout`, `send`, …
    pub(crate) scenario: String,
    /// Who was measured: `oort`, `goim`, `centrifugo`, `floor`.
    pub(crate) target: String,
    /// What the run was told: `members`, `body_bytes`, `frames_waiting`, `senders`, …
    pub(crate) params: BTreeMap<String, Value>,
    /// Measured values by name, units in the names: `cpu_us_per_message`, `messages_per_s`, `rss_bytes_per_connection`.
    pub(crate) figures: BTreeMap<String, Figure>,
    /// The target's figure over the floor's of the same cycle, by the name of the figure.
    pub(crate) ratios: BTreeMap<String, Figure>,
    /// Latencies by name: `delivered`, `answered`, and one per stage of the pipeline as `stage_…`.
    pub(crate) latencies: BTreeMap<String, Latency>,
    /// Deliveries per second over the time of the run: (second, deliveries).
    pub(crate) timeline: Vec<(f64, f64)>,
    /// CPU per message of each process, µs, by the name of the process.
    pub(crate) cpu_us_per_message: BTreeMap<String, f64>,
    /// Whether everything came, once and in order.
    pub(crate) verdict: Verdict,
    /// The command that repeats the run.
    pub(crate) command: String,
    /// When it began, ms since the epoch.
    pub(crate) started_at_ms: u64,
    /// What it ran on.
    pub(crate) machine: Machine,
    /// What a reader must know beside the figures.
    pub(crate) notes: Vec<String>,
}

/// A value measured several times, one sample per cycle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// In the order of the cycles.
    pub(crate) samples: Vec<f64>,
}

impl Figure {
    /// Of one measurement.
    pub(crate) fn once(value: f64) -> Self {
        Self { samples: vec![value] }
    }

    /// The middle sample, the mean of the two middle ones of an even number; 0 without samples.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
            (Some(low), Some(high)) if sorted.len().is_multiple_of(2) => f64::midpoint(*low, *high),
            (_, Some(high)) => *high,
            _ => 0.0,
        }
    }

    /// The least sample; 0 without samples.
    pub(crate) fn min(&self) -> f64 {
        self.samples.iter().copied().min_by(f64::total_cmp).unwrap_or_default()
    }

    /// The greatest sample; 0 without samples.
    pub(crate) fn max(&self) -> f64 {
        self.samples.iter().copied().max_by(f64::total_cmp).unwrap_or_default()
    }
}

/// Latencies of a run: from when a message was *due*, so a late sender counts against the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// Samples.
    pub(crate) count: u64,
    /// Milliseconds.
    pub(crate) p50_ms: f64,
    /// Milliseconds.
    pub(crate) p90_ms: f64,
    /// Milliseconds.
    pub(crate) p99_ms: f64,
    /// Milliseconds.
    pub(crate) p999_ms: f64,
    /// Milliseconds.
    pub(crate) max_ms: f64,
    /// The curve: (percentile 0 to 100, ms), denser towards 100.
    pub(crate) curve: Vec<(f64, f64)>,
}

impl Latency {
    /// Of a histogram in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "a latency in ns has fewer digits than an f64")]
    pub(crate) fn of_ns(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e6;
        let curve = histogram
            .iter_quantiles(2)
            .map(|step| (step.quantile_iterated_to() * 100.0, step.value_iterated_to() as f64 / 1e6))
            .collect();
        Self {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: histogram.max() as f64 / 1e6,
            curve,
        }
    }
}

/// What the connections saw of what they were to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// Messages that came, each counted once per connection.
    pub(crate) delivered: u64,
    /// Messages that did not come.
    pub(crate) lost: u64,
    /// Messages that came again.
    pub(crate) duplicated: u64,
    /// Messages that came before an earlier one.
    pub(crate) reordered: u64,
}

impl Verdict {
    /// Nothing lost, nothing twice, everything in order.
    pub(crate) fn is_pass(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.reordered == 0
    }
}

impl std::ops::AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}

/// The machine of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Model of the processor.
    pub(crate) cpu: String,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Memory, bytes.
    pub(crate) memory_bytes: u64,
}
