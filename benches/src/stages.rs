//! Where the time of a message goes: the histograms of the pipeline's stages, as the servers export them.

use std::collections::BTreeMap;

use crate::report::Latency;
use crate::system::Api;

/// Histograms by stage: cumulative counts by upper bound in seconds, as in the Prometheus text format.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stages(BTreeMap<String, Buckets>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Buckets(Vec<(f64, f64)>);

/// Name of the histograms' buckets.
const BUCKETS: &str = "oort_stage_seconds_bucket{";

/// Percentiles that a curve shows.
const CURVE: [f64; 14] =
    [0.0, 10.0, 25.0, 50.0, 75.0, 85.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.99, 100.0];

impl Stages {
    /// Reads all nodes and adds them up. A node that does not answer fails the run.
    pub(crate) async fn scrape(admins: &[Api]) -> anyhow::Result<Self> {
        let mut stages = Self::default();
        for admin in admins {
            stages.add(&admin.text("/metrics").await?);
        }
        Ok(stages)
    }

    /// Adds the histograms of one node.
    fn add(&mut self, text: &str) {
        for line in text.lines() {
            let Some((labels, count)) = line.strip_prefix(BUCKETS).and_then(|rest| rest.split_once("} "))
            else {
                continue;
            };
            let count = count.split(' ').next().and_then(|count| count.parse::<f64>().ok());
            let (stage, bound, count) = match (label(labels, "stage"), label(labels, "le"), count) {
                (Some(stage), Some("+Inf"), Some(count)) => (stage, f64::INFINITY, count),
                (Some(stage), Some(le), Some(count)) => match le.parse() {
                    Ok(bound) => (stage, bound, count),
                    Err(_) => continue,
                },
                _ => continue,
            };
            let Buckets(buckets) = self.0.entry(stage.to_owned()).or_default();
            match buckets.iter_mut().find(|(known, _)| f64::total_cmp(known, &bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound, count)),
            }
            buckets.sort_by(|(one, _), (two, _)| one.total_cmp(two));
        }
    }

    /// What was added since `before`, as latencies named `stage_…`; stages that did nothing are left out.
    pub(crate) fn since(&self, before: &Self) -> BTreeMap<String, Latency> {
        let latencies = self.0.iter().filter_map(|(stage, after)| {
            let latency = after.since(before.0.get(stage)).latency()?;
            Some((format!("stage_{stage}"), latency))
        });
        latencies.collect()
    }
}

impl Buckets {
    fn since(&self, before: Option<&Self>) -> Self {
        let count_before = |bound: f64| {
            let found = before?.0.iter().find(|(known, _)| f64::total_cmp(known, &bound).is_eq());
            found.map(|(_, count)| *count)
        };
        Self(
            self.0
                .iter()
                .map(|(bound, count)| (*bound, count - count_before(*bound).unwrap_or_default()))
                .collect(),
        )
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are whole and not negative"
    )]
    fn latency(&self) -> Option<Latency> {
        let (_, count) = self.0.last().copied().filter(|(_, count)| *count >= 1.0)?;
        Some(Latency {
            count: count as u64,
            p50_ms: self.at_ms(50.0),
            p90_ms: self.at_ms(90.0),
            p99_ms: self.at_ms(99.0),
            p999_ms: self.at_ms(99.9),
            max_ms: self.at_ms(100.0),
            curve: CURVE.iter().map(|percent| (*percent, self.at_ms(*percent))).collect(),
        })
    }

    /// The percentile by a straight line through its bucket; in the last, open one its lower bound.
    fn at_ms(&self, percent: f64) -> f64 {
        let total = self.0.last().map_or(0.0, |(_, count)| *count);
        let rank = total * percent / 100.0;
        let (mut below_s, mut below_count) = (0.0, 0.0);
        for (bound_s, count) in &self.0 {
            if *count >= rank && *count > below_count {
                if bound_s.is_infinite() {
                    break;
                }
                let part = (rank - below_count).max(0.0) / (count - below_count);
                return (below_s + (bound_s - below_s) * part) * 1e3;
            }
            if bound_s.is_finite() {
                (below_s, below_count) = (*bound_s, *count);
            }
        }
        below_s * 1e3
    }
}

/// The value of a label; ours hold no escapes.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# TYPE oort_stage_seconds histogram\n\
        oort_stage_seconds_bucket{le=\"0.001\",stage=\"queue\"} 10\n\
        oort_stage_seconds_bucket{le=\"0.002\",stage=\"queue\"} 10\n\
        oort_stage_seconds_bucket{le=\"+Inf\",stage=\"queue\"} 10\n";
    const AFTER: &str = "oort_stage_seconds_sum{stage=\"queue\"} 0.4\n\
        oort_stage_seconds_bucket{stage=\"queue\",le=\"0.001\"} 60 # {trace_id=\"7\"} 0.0005\n\
        oort_stage_seconds_bucket{stage=\"queue\",le=\"0.002\"} 110\n\
        oort_stage_seconds_bucket{stage=\"queue\",le=\"+Inf\"} 110\n\
        oort_stage_seconds_bucket{stage=\"route\",le=\"+Inf\"} 0\n\
        oort_other_bucket{stage=\"queue\",le=\"0.001\"} 5\n";

    #[test]
    fn what_a_run_added_is_told_by_stage() {
        let (mut before, mut after) = (Stages::default(), Stages::default());
        before.add(BEFORE);
        after.add(AFTER);
        let latencies = after.since(&before);
        assert_eq!(latencies.keys().collect::<Vec<_>>(), ["stage_queue"], "route did nothing");
        let queue = &latencies["stage_queue"];
        assert_eq!((queue.count, queue.p50_ms, queue.max_ms), (100, 1.0, 2.0));
        assert!((queue.p90_ms - 1.8).abs() < 1e-9, "{}", queue.p90_ms);
        // Two nodes count twice.
        let mut both = after.clone();
        both.add(AFTER);
        assert_eq!(both.since(&Stages::default())["stage_queue"].count, 220);
    }

    #[test]
    fn beyond_the_last_bound_the_bound_is_told() {
        let mut stages = Stages::default();
        stages.add("oort_stage_seconds_bucket{stage=\"bus\",le=\"0.5\"} 1\noort_stage_seconds_bucket{stage=\"bus\",le=\"+Inf\"} 2\n");
        let bus = &stages.since(&Stages::default())["stage_bus"];
        assert_eq!((bus.p50_ms, bus.p99_ms), (500.0, 500.0));
    }
}
