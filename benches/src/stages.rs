//! Where the time of a message goes: the histograms that servers export along the way of a message.

use std::collections::BTreeMap;

use crate::report::Latency;
use crate::system::Api;

/// The way of a message: the name of each stage and the histogram that times it, in their order.
const PIPELINE: [(&str, &str); 8] = [
    // In logic: waiting for a transaction, the transaction, from commit to the bus.
    ("queue", "oort_logic_batch_wait_seconds"),
    ("transaction", "oort_logic_batch_transaction_seconds"),
    ("publish", "oort_logic_publish_seconds"),
    // In job: from publish to read, finding out who is where, from first send to ack of a comet, the whole record.
    ("bus", "oort_job_bus_seconds"),
    ("route", "oort_job_route_seconds"),
    ("push", "oort_job_push_seconds"),
    ("record", "oort_job_record_seconds"),
    // In comet: from what a shard takes to the last send.
    ("socket", "oort_comet_tick_seconds"),
];

/// What the names of stages begin with among the latencies of a result.
const PREFIX: &str = "stage_";

/// The place of a latency of this name on the way of a message; `None` when it is no stage.
pub(crate) fn place(name: &str) -> Option<usize> {
    let stage = name.strip_prefix(PREFIX)?;
    Some(PIPELINE.iter().position(|(known, _)| *known == stage).unwrap_or(PIPELINE.len()))
}

/// Histograms by stage: cumulative counts by upper bound in seconds, as in the Prometheus text format.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stages(BTreeMap<&'static str, Buckets>);

#[derive(Debug, Clone, Default, PartialEq)]
struct Buckets(Vec<(f64, f64)>);

/// Percentiles that a curve shows.
const CURVE: [f64; 14] =
    [0.0, 10.0, 25.0, 50.0, 75.0, 85.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.99, 100.0];

impl Stages {
    /// Reads all nodes and adds them up. A node that does not answer fails the run.
    pub(crate) async fn scrape(admins: &[Api]) -> anyhow::Result<Self> {
        let mut stages = Self::default();
        for admin in admins {
            stages.read(&admin.text("/metrics").await?);
        }
        Ok(stages)
    }

    /// Adds the histograms of one node.
    fn read(&mut self, text: &str) {
        for line in text.lines() {
            let Some((name, rest)) = line.split_once("_bucket{") else { continue };
            let Some((stage, _)) = PIPELINE.iter().find(|(_, histogram)| *histogram == name) else {
                continue;
            };
            let Some((labels, count)) = rest.split_once("} ") else { continue };
            let count = count.split(' ').next().and_then(|count| count.parse::<f64>().ok());
            // `+Inf` is read as infinity.
            let bound = label(labels, "le").and_then(|bound| bound.parse::<f64>().ok());
            if let (Some(bound), Some(count)) = (bound, count) {
                self.0.entry(stage).or_default().put(bound, count);
            }
        }
    }

    /// What was counted since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self(self.0.iter().map(|(stage, after)| (*stage, after.since(before.0.get(stage)))).collect())
    }

    /// Adds what was counted at another time.
    pub(crate) fn add(&mut self, other: &Self) {
        for (stage, Buckets(buckets)) in &other.0 {
            let own = self.0.entry(stage).or_default();
            buckets.iter().for_each(|(bound, count)| own.put(*bound, *count));
        }
    }

    /// As latencies named `stage_…`; stages that did nothing are left out.
    pub(crate) fn latencies(&self) -> BTreeMap<String, Latency> {
        let latencies = self
            .0
            .iter()
            .filter_map(|(stage, buckets)| Some((format!("{PREFIX}{stage}"), buckets.latency()?)));
        latencies.collect()
    }
}

impl Buckets {
    /// Adds to the count up to `bound`.
    fn put(&mut self, bound: f64, count: f64) {
        match self.0.binary_search_by(|(known, _)| known.total_cmp(&bound)) {
            Ok(at) => self.0[at].1 += count,
            Err(at) => self.0.insert(at, (bound, count)),
        }
    }

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

    const BEFORE: &str = "# TYPE oort_logic_batch_wait_seconds histogram\n\
        oort_logic_batch_wait_seconds_bucket{le=\"0.001\"} 10\n\
        oort_logic_batch_wait_seconds_bucket{le=\"0.002\"} 10\n\
        oort_logic_batch_wait_seconds_bucket{le=\"+Inf\"} 10\n";
    const AFTER: &str = "oort_logic_batch_wait_seconds_sum 0.4\n\
        oort_logic_batch_wait_seconds_bucket{le=\"0.001\"} 60 # {trace_id=\"7\"} 0.0005\n\
        oort_logic_batch_wait_seconds_bucket{le=\"0.002\"} 110\n\
        oort_logic_batch_wait_seconds_bucket{le=\"+Inf\"} 110\n\
        oort_job_route_seconds_bucket{le=\"+Inf\"} 0\n\
        oort_other_seconds_bucket{le=\"0.001\"} 5\n";

    #[test]
    fn what_a_run_added_is_told_by_stage() {
        let (mut before, mut after) = (Stages::default(), Stages::default());
        before.read(BEFORE);
        after.read(AFTER);
        let run = after.since(&before);
        let latencies = run.latencies();
        assert_eq!(latencies.keys().collect::<Vec<_>>(), ["stage_queue"], "route did nothing");
        let queue = &latencies["stage_queue"];
        assert_eq!((queue.count, queue.p50_ms, queue.max_ms), (100, 1.0, 2.0));
        assert!((queue.p90_ms - 1.8).abs() < 1e-9, "{}", queue.p90_ms);
        // Two nodes count twice, and so do two cycles.
        let mut both = after.clone();
        both.read(AFTER);
        assert_eq!(both.latencies()["stage_queue"].count, 220);
        let mut cycles = run.clone();
        cycles.add(&run);
        assert_eq!(cycles.latencies()["stage_queue"].count, 200);
    }

    #[test]
    fn beyond_the_last_bound_the_bound_is_told() {
        let mut stages = Stages::default();
        stages
            .read("oort_job_bus_seconds_bucket{le=\"0.5\"} 1\noort_job_bus_seconds_bucket{le=\"+Inf\"} 2\n");
        let bus = &stages.latencies()["stage_bus"];
        assert_eq!((bus.p50_ms, bus.p99_ms), (500.0, 500.0));
    }

    #[test]
    fn stages_have_the_order_of_the_way() {
        let mut names = ["stage_socket", "stage_bus", "stage_queue", "stage_other", "stage_record"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["stage_queue", "stage_bus", "stage_record", "stage_socket", "stage_other"]);
        assert_eq!(place("delivered"), None);
    }
}
