//! Settings of the job tier.

use std::time::Duration;

use serde::Deserialize;

/// Room left in one gRPC message for what surrounds a record: ids of the
/// batch, the frame's own fields, a traceparent from the record's header.
const MESSAGE_SLACK_BYTES: usize = 16 * 1024;

/// Most hops remembered: 768 MiB of them.
const TRAIL_ENTRIES_MAX: usize = 1 << 24;

/// Settings of the job tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often the live comets are read from the directory, ms. A third of
    /// the comets' lease or less.
    pub lease_poll_ms: u64,
    /// A comet without a stream whose lease has been missing for so long is
    /// taken for dead, ms. Longer than a wiped directory needs to fill again.
    pub lease_gone_after_ms: u64,
    /// First wait after the directory or the dead-letter log did not answer, ms.
    pub retry_min_ms: u64,
    /// Longest wait between two attempts, ms.
    pub retry_max_ms: u64,
    /// Longest wait for one publication to the dead-letter log, ms; it is
    /// repeated until it works.
    pub dead_letter_patience_ms: u64,
    /// Time to wait for acks of what is under way when told to stop, ms.
    pub drain_ms: u64,
    /// Time to leave the consumer group after that, ms.
    pub close_ms: u64,
    /// Hops of messages remembered for operators, 48 bytes each, rounded up to a power of two: two for each message and two for
    /// each comet it goes to. 0 = none.
    pub trail_entries: usize,
    /// One partition.
    pub pipeline: PipelineConfig,
    /// One stream to one comet.
    pub link: LinkConfig,
    /// Streams over gRPC.
    pub grpc: GrpcConfig,
}

/// Settings of the pipeline of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineConfig {
    /// Records taken from the bus at a time.
    pub poll_records_max: usize,
    /// Records read and not yet done. When it is reached, comets without a
    /// stream are given up until they answer; so are, after
    /// `slow_comet_wait_ms`, those that lag. Below what one partition of an
    /// in-process bus holds, or publishers wait before that happens.
    pub in_flight_records_max: usize,
    /// Bytes of records read and not yet done; as above.
    pub in_flight_bytes_max: usize,
    /// Largest record taken, bytes; larger ones are dead letters.
    pub record_bytes_max: usize,
    /// Longest wait of a message for one with a lower seq, ms.
    pub reorder_wait_ms: u64,
    /// Longest wait for the first message of a conversation that is new to
    /// this job: it may have gone out before, ms.
    pub start_wait_ms: u64,
    /// Messages waiting for one with a lower seq; beyond it the conversation
    /// that waited longest waits no more.
    pub held_records_max: usize,
    /// Conversations whose order and duplicates are remembered; beyond it the
    /// ones not used for longest are forgotten.
    pub conversations_max: usize,
    /// Longest wait for room in the queue of a comet that is connected but
    /// slow, ms; then its oldest deliveries are dropped and it is told to resync.
    pub slow_comet_wait_ms: u64,
    /// Longest wait for the acks a membership change needs, ms; then the
    /// comets that owe them are given up until they answer, and told to resync.
    pub fence_wait_ms: u64,
}

/// Settings of one stream to one comet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConfig {
    /// Deliveries waiting for one comet.
    pub queue_deliveries_max: usize,
    /// Bytes waiting for one comet.
    pub queue_bytes_max: usize,
    /// Deliveries in one batch.
    pub batch_deliveries_max: usize,
    /// Bytes in one batch, unless one delivery alone is larger.
    pub batch_bytes_max: usize,
    /// Batches sent and not yet acknowledged.
    pub window_batches: usize,
    /// Longest wait for a stream to open, ms.
    pub open_timeout_ms: u64,
    /// Streams that begin to open at the same time.
    pub opening_max: u32,
    /// How long one that opens keeps the next from beginning, ms.
    pub opening_turn_ms: u64,
    /// Longest wait for the ack of a batch, ms; then the stream is opened anew.
    pub ack_timeout_ms: u64,
    /// First wait before a stream is opened again, ms.
    pub reconnect_min_ms: u64,
    /// Longest wait before a stream is opened again, ms.
    pub reconnect_max_ms: u64,
    /// Times a comet may refuse a batch as unreadable before its deliveries
    /// are dropped and it is told to resync.
    pub batch_refusals_max: u32,
}

/// Settings of streams over gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// Longest wait for a TCP connection, ms.
    pub connect_timeout_ms: u64,
    /// Interval of HTTP/2 pings, ms.
    pub keep_alive_interval_ms: u64,
    /// A connection whose ping is not answered for so long is dead, ms.
    pub keep_alive_timeout_ms: u64,
    /// Largest gRPC message sent or taken, bytes. The comets' own limit must
    /// not be lower.
    pub message_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lease_poll_ms: 2_000,
            lease_gone_after_ms: 5_000,
            retry_min_ms: 50,
            retry_max_ms: 2_000,
            dead_letter_patience_ms: 5_000,
            drain_ms: 10_000,
            close_ms: 5_000,
            trail_entries: 65_536,
            pipeline: PipelineConfig::default(),
            link: LinkConfig::default(),
            grpc: GrpcConfig::default(),
        }
    }
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            poll_records_max: 1_024,
            in_flight_records_max: 32_768,
            in_flight_bytes_max: 32 * 1024 * 1024,
            record_bytes_max: 4 * 1024 * 1024,
            reorder_wait_ms: 2_000,
            start_wait_ms: 300,
            held_records_max: 4_096,
            conversations_max: 16_384,
            slow_comet_wait_ms: 1_000,
            fence_wait_ms: 3_000,
        }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            queue_deliveries_max: 65_536,
            queue_bytes_max: 64 * 1024 * 1024,
            batch_deliveries_max: 2_048,
            batch_bytes_max: 1024 * 1024,
            window_batches: 8,
            open_timeout_ms: 3_000,
            opening_max: 64,
            opening_turn_ms: 500,
            ack_timeout_ms: 30_000,
            reconnect_min_ms: 50,
            reconnect_max_ms: 2_000,
            batch_refusals_max: 5,
        }
    }
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 2_000,
            keep_alive_interval_ms: 2_000,
            keep_alive_timeout_ms: 3_000,
            message_bytes_max: 16 * 1024 * 1024,
        }
    }
}

impl Config {
    /// Everything that cannot work, as sentences that name the setting.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |is_fine: bool, text: &str| {
            if !is_fine {
                faults.push(text.to_owned());
            }
        };
        check(self.trail_entries <= TRAIL_ENTRIES_MAX, "trail_entries must be at most 16777216");
        let Self { pipeline, link, grpc, .. } = self;
        for (value, name) in [
            (self.lease_poll_ms, "lease_poll_ms"),
            (self.retry_min_ms, "retry_min_ms"),
            (self.dead_letter_patience_ms, "dead_letter_patience_ms"),
            (pipeline.fence_wait_ms, "pipeline.fence_wait_ms"),
            (link.open_timeout_ms, "link.open_timeout_ms"),
            (link.opening_turn_ms, "link.opening_turn_ms"),
            (link.ack_timeout_ms, "link.ack_timeout_ms"),
            (link.reconnect_min_ms, "link.reconnect_min_ms"),
            (u64::from(link.opening_max), "link.opening_max"),
            (u64::from(link.batch_refusals_max), "link.batch_refusals_max"),
            (grpc.connect_timeout_ms, "grpc.connect_timeout_ms"),
            (grpc.keep_alive_interval_ms, "grpc.keep_alive_interval_ms"),
            (grpc.keep_alive_timeout_ms, "grpc.keep_alive_timeout_ms"),
        ] {
            check(value > 0, &format!("{name} must be at least 1"));
        }
        for (value, name) in [
            (pipeline.poll_records_max, "pipeline.poll_records_max"),
            (pipeline.in_flight_bytes_max, "pipeline.in_flight_bytes_max"),
            (pipeline.record_bytes_max, "pipeline.record_bytes_max"),
            (pipeline.held_records_max, "pipeline.held_records_max"),
            (pipeline.conversations_max, "pipeline.conversations_max"),
            (link.queue_deliveries_max, "link.queue_deliveries_max"),
            (link.queue_bytes_max, "link.queue_bytes_max"),
            (link.batch_deliveries_max, "link.batch_deliveries_max"),
            (link.batch_bytes_max, "link.batch_bytes_max"),
            (link.window_batches, "link.window_batches"),
        ] {
            check(value > 0, &format!("{name} must be at least 1"));
        }
        check(
            link.queue_bytes_max / 2 >= pipeline.record_bytes_max,
            "link.queue_bytes_max must be at least twice pipeline.record_bytes_max: a full queue drops half to take one more",
        );
        check(self.retry_max_ms >= self.retry_min_ms, "retry_max_ms must not be below retry_min_ms");
        check(
            link.reconnect_max_ms >= link.reconnect_min_ms,
            "link.reconnect_max_ms must not be below link.reconnect_min_ms",
        );
        check(
            pipeline.in_flight_records_max >= pipeline.poll_records_max,
            "pipeline.in_flight_records_max must not be below pipeline.poll_records_max",
        );
        check(
            pipeline.held_records_max < pipeline.in_flight_records_max,
            "pipeline.held_records_max must be below pipeline.in_flight_records_max",
        );
        check(
            pipeline.record_bytes_max.saturating_add(MESSAGE_SLACK_BYTES) <= grpc.message_bytes_max
                && link.batch_bytes_max.saturating_add(MESSAGE_SLACK_BYTES) <= grpc.message_bytes_max,
            "grpc.message_bytes_max must be above pipeline.record_bytes_max and link.batch_bytes_max by 16384",
        );
        faults
    }
}

/// A setting in ms as a duration.
pub(crate) const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let config = Config {
            lease_poll_ms: 0,
            link: LinkConfig { window_batches: 0, reconnect_max_ms: 1, ..LinkConfig::default() },
            grpc: GrpcConfig { message_bytes_max: 1024, ..GrpcConfig::default() },
            ..Config::default()
        };
        assert_eq!(config.faults().len(), 4, "{:?}", config.faults());
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"pipeline":{"poll_records":1}}"#).is_err());
        let config: Config = serde_json::from_str(r#"{"link":{"window_batches":2}}"#).expect("parses");
        assert_eq!(config.link.window_batches, 2);
    }
}
