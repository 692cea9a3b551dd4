//! What can be set of the bus over Kafka.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::bus::Error;

/// How record batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast; the default.
    #[default]
    Lz4,
    /// Fewer bytes, more CPU in the client.
    Zstd,
    /// Known to the oldest readers.
    Gzip,
    /// As fast as lz4, more bytes.
    Snappy,
}

impl Compression {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
        }
    }
}

/// The bus over Kafka.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Brokers to begin with: `host:port`, comma-separated.
    pub brokers: String,
    /// Topic of the records.
    pub topic: String,
    /// Topic of records that were given up on.
    pub dead_letter_topic: String,
    /// Partitions of the topic when it is created. More can be added with
    /// Kafka's own tools; readers notice within `metadata_refresh_ms`.
    pub partitions: u16,
    /// Copies of each partition when a topic is created.
    pub replication: u16,
    /// Consumer group of the jobs.
    pub group: String,
    /// How long a record waits for others to share its request, ms. Publishes
    /// are batches already, so waiting only adds delay.
    pub linger_ms: u32,
    /// Compression of record batches.
    pub compression: Compression,
    /// Records sent and not yet acknowledged; beyond it publishing is refused
    /// as full. At least the largest single publish.
    pub unacked_records_max: u32,
    /// Bytes of keys and values sent and not yet acknowledged, likewise.
    pub unacked_bytes_max: u32,
    /// Largest key and value together, in bytes. The broker's
    /// `message.max.bytes` must be at least 1 KiB more.
    pub record_bytes_max: u32,
    /// How long an unacknowledged record is retried, ms; 0 = until it is
    /// acknowledged, which keeps order over any outage.
    pub record_timeout_ms: u32,
    /// Records fetched ahead for each partition.
    pub fetched_records_max: u32,
    /// KiB of records fetched ahead for each partition.
    pub fetched_kib_max: u32,
    /// How long a broker holds a fetch when there is nothing, ms. A partition
    /// newly given to a reader may wait that long for its first record.
    pub fetch_wait_ms: u32,
    /// Time between commits of what is done, ms. So much is read again after
    /// a crash.
    pub commit_interval_ms: u32,
    /// How long the reader of a partition that is taken away may take to
    /// finish what it has, ms; what is not done then is read again.
    pub handover_ms: u32,
    /// A reader not heard of for so long loses its partitions, ms. The broker
    /// bounds it (`group.min.session.timeout.ms`, 6 s unless changed).
    pub session_timeout_ms: u32,
    /// How long one request to a broker may take, ms.
    pub request_timeout_ms: u32,
    /// Longest wait between attempts to reach a broker, ms.
    pub reconnect_max_ms: u32,
    /// How often topics are looked at for new partitions, ms.
    pub metadata_refresh_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "oort-push".to_owned(),
            dead_letter_topic: "oort-push-dead".to_owned(),
            partitions: 4,
            replication: 1,
            group: "oort-job".to_owned(),
            linger_ms: 0,
            compression: Compression::default(),
            unacked_records_max: 100_000,
            unacked_bytes_max: 128 << 20,
            record_bytes_max: 1_000_000,
            record_timeout_ms: 0,
            fetched_records_max: 20_000,
            fetched_kib_max: 16 << 10,
            fetch_wait_ms: 100,
            commit_interval_ms: 200,
            handover_ms: 2_000,
            session_timeout_ms: 6_000,
            request_timeout_ms: 10_000,
            reconnect_max_ms: 1_000,
            metadata_refresh_ms: 5_000,
        }
    }
}

/// Room for a record's headers and framing beside key and value.
const OVERHEAD_BYTES: u32 = 1024;

impl Settings {
    /// Every value that cannot work.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, text) in [
            ("brokers", &self.brokers),
            ("topic", &self.topic),
            ("dead_letter_topic", &self.dead_letter_topic),
            ("group", &self.group),
        ] {
            if text.trim().is_empty() {
                faults.push(format!("{name} must not be empty"));
            }
        }
        if self.topic == self.dead_letter_topic {
            faults.push("dead_letter_topic must differ from topic".to_owned());
        }
        for (name, value, least, most) in [
            ("partitions", u32::from(self.partitions), 1, 10_000),
            ("replication", u32::from(self.replication), 1, 100),
            ("linger_ms", self.linger_ms, 0, 60_000),
            ("unacked_records_max", self.unacked_records_max, 1, 5_000_000),
            ("unacked_bytes_max", self.unacked_bytes_max, self.record_bytes_max, 1 << 30),
            ("record_bytes_max", self.record_bytes_max, 1, 100 << 20),
            ("record_timeout_ms", self.record_timeout_ms, 0, 86_400_000),
            ("fetched_records_max", self.fetched_records_max, 1, 1_000_000),
            ("fetched_kib_max", self.fetched_kib_max, 1, 1 << 20),
            ("fetch_wait_ms", self.fetch_wait_ms, 1, 5_000),
            ("commit_interval_ms", self.commit_interval_ms, 10, 60_000),
            ("handover_ms", self.handover_ms, 0, 60_000),
            ("session_timeout_ms", self.session_timeout_ms, 1_000, 3_600_000),
            ("request_timeout_ms", self.request_timeout_ms, 1_000, 300_000),
            ("reconnect_max_ms", self.reconnect_max_ms, RECONNECT_MS, 60_000),
            ("metadata_refresh_ms", self.metadata_refresh_ms, 100, 3_600_000),
        ] {
            if !(least..=most).contains(&value) {
                faults.push(format!("{name} must be {least} to {most}"));
            }
        }
        faults
    }

    pub(super) fn checked(&self) -> Result<(), Error> {
        let faults = self.faults();
        if faults.is_empty() { Ok(()) } else { Err(Error::Config(faults.join("; "))) }
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms.into())
    }

    /// What every kind of client needs.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "oort")
            .set("socket.timeout.ms", self.request_timeout_ms.to_string())
            .set("socket.nagle.disable", "true")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", RECONNECT_MS.to_string())
            .set("reconnect.backoff.max.ms", self.reconnect_max_ms.to_string())
            .set("topic.metadata.refresh.interval.ms", self.metadata_refresh_ms.to_string())
            .set("metadata.max.age.ms", self.metadata_refresh_ms.saturating_mul(3).to_string());
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", self.record_timeout_ms.to_string())
            .set("linger.ms", self.linger_ms.to_string())
            .set("compression.codec", self.compression.as_str())
            // Of Kafka's own clients: a key goes where they would send it.
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", self.record_bytes_max.saturating_add(OVERHEAD_BYTES).to_string())
            // Our own count refuses first, a whole publish at a time.
            .set("queue.buffering.max.messages", self.unacked_records_max.saturating_mul(2).to_string())
            .set("queue.buffering.max.kbytes", (self.unacked_bytes_max / 512 + 1024).to_string());
        config
    }

    pub(super) fn consumer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", &self.group)
            // Commits what was stored, and nothing is stored but what is done.
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", self.commit_interval_ms.to_string())
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            // Only the partitions that move stop when a member joins or leaves.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", self.session_timeout_ms.to_string())
            .set("heartbeat.interval.ms", (self.session_timeout_ms / 6).max(100).to_string())
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", self.fetch_wait_ms.to_string())
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.min.messages", self.fetched_records_max.to_string())
            .set("queued.max.messages.kbytes", self.fetched_kib_max.to_string());
        config
    }
}

/// First wait before a broker is tried again, ms; doubled up to `reconnect_max_ms`.
const RECONNECT_MS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_every_fault_is_told() {
        assert_eq!(Settings::default().faults(), Vec::<String>::new());
        let bad =
            Settings { partitions: 0, group: " ".to_owned(), commit_interval_ms: 0, ..Settings::default() };
        assert_eq!(bad.faults().len(), 3, "{:?}", bad.faults());
        assert!(matches!(bad.checked(), Err(Error::Config(_))));
    }

    #[test]
    fn librdkafka_takes_every_compression() {
        for compression in
            [Compression::None, Compression::Lz4, Compression::Zstd, Compression::Gzip, Compression::Snappy]
        {
            let settings = Settings { compression, ..Settings::default() };
            settings.producer().create_native_config().expect("built in");
        }
    }
}
