//! `soak`: a crowd for a long time, watched for memory that only grows.

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::crowd::options::CrowdOptions;
use crate::load::run::ratio;
use crate::report::{self, Figure, OutputOptions, Progress};
use crate::system::{SystemOptions, block_on};

use super::mixed::{self, Memory};

/// Options of `oort-bench soak`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Minutes that it takes.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) minutes: f64,
    /// Seconds between two samples of memory.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) sample: f64,
    /// Share of the run, from its beginning, in which memory may grow as it likes: caches fill.
    #[arg(long, default_value_t = 0.3)]
    pub(crate) warmup_share: f64,
    /// By how many percent the resident memory of a process of Oort may grow after that.
    #[arg(long, default_value_t = 15.0)]
    pub(crate) growth_percent: f64,
    #[command(flatten)]
    pub(crate) crowd: CrowdOptions,
    #[command(flatten)]
    pub(crate) system: SystemOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Processes that are not Oort's: their caches may take what they were given.
const BACKENDS: [&str; 4] = ["mariadb", "mysql", "redis", "kafka"];

/// Runs the scenario, and reports it.
///
/// # Errors
/// "FAIL: …" when a message was lost, repeated or disordered, or memory grew by more than allowed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let time = Duration::try_from_secs_f64(options.minutes * 60.0)?;
    let every = Duration::try_from_secs_f64(options.sample)?.max(Duration::from_millis(100));
    let title = format!("soak, {}", options.system.shape.name());
    let progress = Progress::new(&options.output, title);
    let soak = mixed::measure("soak", &options.crowd, &options.system, time, every, progress);
    let (mut result, memory) = block_on(soak)?;
    result.params.insert("minutes".to_owned(), options.minutes.into());
    let mut grown = Vec::new();
    for (name, samples) in own(&memory) {
        let growth = growth_percent(samples, options.warmup_share);
        result.figures.insert(format!("growth_percent_{name}"), Figure::once(growth));
        let samples = samples.iter().map(|bytes| ratio(*bytes, 1)).collect();
        result.figures.insert(format!("rss_bytes_{name}"), Figure { samples });
        if growth > options.growth_percent {
            grown.push(format!("{name} by {growth:.1} %"));
        }
    }
    if !grown.is_empty() {
        result.notes.push(format!("memory grew after the warm-up: {}", grown.join(", ")));
    }
    report::finish(&[result], &options.output)?;
    if !grown.is_empty() {
        bail!("FAIL: memory grew after the warm-up: {}", grown.join(", "));
    }
    Ok(())
}

fn own(memory: &Memory) -> impl Iterator<Item = (&String, &Vec<u64>)> {
    memory.iter().filter(|(name, _)| !BACKENDS.contains(&name.as_str()))
}

/// How much more there is in the last fifth of the time after the warm-up than in its first fifth, by the medians.
fn growth_percent(samples: &[u64], warmup_share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count"
    )]
    let warmup = (samples.len() as f64 * warmup_share.clamp(0.0, 1.0)) as usize;
    let after = samples.get(warmup..).unwrap_or_default();
    let part = (after.len() / 5).max(1);
    let (Some(first), Some(last)) = (median(after.get(..part)), median(after.rchunks(part).next())) else {
        return 0.0;
    };
    (ratio(last, first) - 1.0) * 100.0
}

fn median(samples: Option<&[u64]>) -> Option<u64> {
    let mut sorted = samples?.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_counts_after_the_warm_up_only() {
        let filling: Vec<_> = (0..30).map(|step| 100 + step * 10).chain(vec![400; 70]).collect();
        assert_eq!(growth_percent(&filling, 0.3), 0.0);
        let leak: Vec<_> = (0..100).map(|step| 1000 + step * 10).collect();
        let growth = growth_percent(&leak, 0.3);
        assert!((40.0..50.0).contains(&growth), "{growth}");
        // A single peak is no growth.
        let mut peak = vec![100; 100];
        peak[95] = 1000;
        assert_eq!(growth_percent(&peak, 0.3), 0.0);
        assert_eq!(growth_percent(&[], 0.3), 0.0);
    }
}
