//! From all that a process counts to the few numbers that operators see.

use std::time::{Duration, Instant};

use oort_api::directory::NodeMetrics;
use oort_api::metrics::Registry;

use super::process;
use super::samples::Samples;

/// The stage whose duration is shown: the first that the process has. One
/// process has all of them; the job's spans the most of a message's way.
const STAGES: [&str; 3] =
    ["oort_job_record_seconds", "oort_logic_batch_transaction_seconds", "oort_comet_tick_seconds"];
/// Likewise.
const PUSHES: [&str; 3] =
    ["oort_logic_pushes_total", "oort_job_delivered_total", "oort_comet_deliveries_total"];
const QUEUES: [&str; 2] = ["oort_logic_batch_queue_messages", "oort_job_records_in_flight"];
const CONNECTIONS: [&str; 2] = ["oort_comet_connections", "oort_logic_http_connections"];

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Seen {
    at: Instant,
    samples: Samples,
    cpu: Option<Duration>,
}

impl Seen {
    pub(super) fn now(registry: &Registry, at: Instant) -> Self {
        let mut text = String::new();
        // A text that was cut short lacks some numbers, no more.
        let _ = prometheus_client::encoding::text::encode(&mut text, registry);
        Self { at, samples: Samples::read(&text), cpu: process::cpu() }
    }

    /// Connections held.
    pub(super) fn connections(&self) -> i64 {
        self.first(&CONNECTIONS).map_or(0, whole)
    }

    /// What changed since `before`; without one, only what needs none.
    pub(super) fn since(&self, before: Option<&Self>) -> NodeMetrics {
        let now = NodeMetrics {
            queue: self.first(&QUEUES).map(whole),
            outbox_rows: self.samples.value("oort_logic_outbox_rows").map(whole),
            outbox_age_ms: self.ms("oort_logic_outbox_oldest_seconds"),
            canary_ms: self.ms("oort_canary_last_delivery_seconds").filter(|ms| *ms > 0.0),
            canary_age_ms: self.ms("oort_canary_last_success_age_seconds"),
            rss_bytes: process::rss_bytes(),
            ..NodeMetrics::default()
        };
        let Some(before) = before else { return now };
        let elapsed = self.at.saturating_duration_since(before.at).as_secs_f64().max(1e-3);
        let rate = |name: &str| Some(rounded((self.increase(before, name)? / elapsed).max(0.0)));
        let stage = STAGES.into_iter().find(|name| self.samples.has_histogram(name));
        let quantile = |share| {
            let seconds = self.samples.quantile_since(&before.samples, stage?, share)?;
            Some(rounded(seconds * 1000.0))
        };
        let cpu = self.cpu.zip(before.cpu).map(|(now, before)| now.saturating_sub(before));
        NodeMetrics {
            sends_per_s: rate("oort_logic_messages_stored_total"),
            pushes_per_s: PUSHES.into_iter().find_map(rate),
            frames_per_s: rate("oort_comet_frames_sent_total"),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            bus_lag_ms: self.mean_ms(before, "oort_job_bus_seconds"),
            cpu_percent: cpu.map(|cpu| rounded(cpu.as_secs_f64() / elapsed * 100.0)),
            ..now
        }
    }

    fn first(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.samples.value(name))
    }

    /// A gauge in seconds.
    fn ms(&self, name: &str) -> Option<f64> {
        self.samples.value(name).map(|seconds| rounded(seconds * 1000.0))
    }

    fn increase(&self, before: &Self, name: &str) -> Option<f64> {
        Some(self.samples.value(name)? - before.samples.value(name).unwrap_or(0.0))
    }

    fn mean_ms(&self, before: &Self, histogram: &str) -> Option<f64> {
        let count = self.increase(before, &format!("{histogram}_count"))?;
        let sum = self.increase(before, &format!("{histogram}_sum"))?;
        (count > 0.0).then(|| rounded((sum / count * 1000.0).max(0.0)))
    }
}

/// Enough digits for people.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "gauges of ours are whole and far below the bounds")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::{Counter, Gauge, Histogram};

    use super::*;

    #[test]
    fn rates_are_differences_between_reports() {
        let mut registry = Registry::with_prefix("oort");
        let (stored, rows) = (Counter::<u64>::default(), Gauge::<i64>::default());
        let (record, bus) = (Histogram::new([0.001, 0.01]), Histogram::new([0.001]));
        registry.register("logic_messages_stored", "Stored", stored.clone());
        registry.register("logic_outbox_rows", "Rows", rows.clone());
        registry.register("job_record_seconds", "Record", record.clone());
        registry.register("job_bus_seconds", "Bus", bus.clone());
        stored.inc_by(1000);
        let start = Instant::now();
        let first = Seen::now(&registry, start);
        assert_eq!(first.since(None).sends_per_s, None, "there is nothing to compare with");
        stored.inc_by(30);
        rows.set(4);
        record.observe(0.0005);
        bus.observe(0.25);
        bus.observe(0.75);
        let second = Seen::now(&registry, start + Duration::from_secs(2));
        let metrics = second.since(Some(&first));
        assert_eq!((metrics.sends_per_s, metrics.outbox_rows), (Some(15.0), Some(4)));
        assert_eq!((metrics.p50_ms, metrics.bus_lag_ms), (Some(0.5), Some(500.0)));
        assert_eq!(
            (metrics.frames_per_s, metrics.queue, metrics.outbox_age_ms),
            (None, None, None),
            "not of this role"
        );
        let third = Seen::now(&registry, start + Duration::from_secs(4));
        let metrics = third.since(Some(&second));
        assert_eq!((metrics.sends_per_s, metrics.p50_ms, metrics.bus_lag_ms), (Some(0.0), None, None));
    }
}
