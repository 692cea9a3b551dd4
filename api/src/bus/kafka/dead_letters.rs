//! Reading the dead-letter topic, outside any consumer group.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::Semaphore;
use tonic::async_trait;

use super::{REASON, Settings, TRACEPARENT, admin};
use crate::bus::{DeadLetter, DeadLetters, Error, LetterPlace, Letters, Record};

/// Reads under way at once: each has a client, and threads, of its own.
const READS_MAX: usize = 2;
/// A page ends with the letter that reaches this.
const PAGE_BYTES: usize = 4 << 20;
/// Longest sleep of a poll.
const POLL: Duration = Duration::from_millis(100);

/// The dead-letter topic.
pub struct KafkaDeadLetters {
    settings: Settings,
    slots: Semaphore,
}

impl fmt::Debug for KafkaDeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaDeadLetters")
            .field("topic", &self.settings.dead_letter_topic)
            .finish_non_exhaustive()
    }
}

impl KafkaDeadLetters {
    /// Of these settings; the brokers need not be up.
    #[must_use]
    pub fn of(settings: &Settings) -> Arc<dyn DeadLetters> {
        Arc::new(Self { settings: settings.clone(), slots: Semaphore::new(READS_MAX) })
    }
}

#[async_trait]
impl DeadLetters for KafkaDeadLetters {
    async fn read(&self, after: Option<LetterPlace>, limit: usize) -> Result<Letters, Error> {
        let _slot = self.slots.try_acquire().map_err(|_| Error::Full)?;
        let settings = self.settings.clone();
        admin::blocking(move || Reading::begin(settings)?.page(after, limit.max(1))).await
    }
}

struct Reading {
    settings: Settings,
    consumer: BaseConsumer,
    deadline: Instant,
    page: Letters,
    bytes: usize,
}

impl Reading {
    fn begin(settings: Settings) -> Result<Self, Error> {
        let mut config = settings.client();
        config
            // librdkafka wants a name; nothing is committed under it and no group joined.
            .set("group.id", format!("{}-dead-letters", settings.group))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("queued.min.messages", "100")
            .set("queued.max.messages.kbytes", (PAGE_BYTES / 1024).to_string());
        let consumer = config.create().map_err(|error: KafkaError| Error::Config(error.to_string()))?;
        let deadline = Instant::now() + settings.request_timeout();
        Ok(Self { settings, consumer, deadline, page: Letters::default(), bytes: 0 })
    }

    fn page(mut self, after: Option<LetterPlace>, limit: usize) -> Result<Letters, Error> {
        let topic = self.settings.dead_letter_topic.clone();
        let count = admin::partitions(self.consumer.client(), &topic, self.time_left()?)?;
        let first = after.map_or(0, |place| place.partition);
        for partition in first..i32::try_from(count).unwrap_or(i32::MAX) {
            let (low, end) =
                self.consumer.fetch_watermarks(&topic, partition, self.time_left()?).map_err(unavailable)?;
            let behind = after.filter(|place| place.partition == partition);
            let from = behind.map_or(low, |place| low.max(place.offset.saturating_add(1)));
            if from < end && !self.read(partition, from, end, limit)? {
                self.page.has_more = true;
                break;
            }
        }
        Ok(self.page)
    }

    /// Reads a partition to its end; `false` = there is more than fits.
    fn read(&mut self, partition: i32, from: i64, end: i64, limit: usize) -> Result<bool, Error> {
        let mut start = TopicPartitionList::new();
        start
            .add_partition_offset(&self.settings.dead_letter_topic, partition, Offset::Offset(from))
            .map_err(unavailable)?;
        self.consumer.assign(&start).map_err(unavailable)?;
        loop {
            if self.page.letters.len() >= limit || self.bytes >= PAGE_BYTES {
                return Ok(false);
            }
            match self.consumer.poll(self.time_left()?.min(POLL)) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(true),
                Some(Err(error)) => return Err(unavailable(error)),
                Some(Ok(message)) => {
                    let (offset, letter) = (message.offset(), letter(&message));
                    self.bytes += letter.record.value.len();
                    self.page.letters.push(letter);
                    if offset + 1 >= end {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn time_left(&self) -> Result<Duration, Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let ms = self.settings.request_timeout_ms;
            return Err(Error::Unavailable(format!("the dead letters were not read in {ms} ms")));
        }
        Ok(left)
    }
}

fn letter(message: &BorrowedMessage<'_>) -> DeadLetter {
    let header = |name: &str| {
        let header = message.headers()?.iter().find(|header| header.key == name)?;
        String::from_utf8(header.value?.to_vec()).ok()
    };
    DeadLetter {
        place: LetterPlace { partition: message.partition(), offset: message.offset() },
        at_ms: message.timestamp().to_millis().unwrap_or(0),
        reason: header(REASON).unwrap_or_default(),
        record: Record {
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            value: bytes::Bytes::copy_from_slice(message.payload().unwrap_or_default()),
            traceparent: header(TRACEPARENT),
        },
    }
}

fn unavailable(error: impl fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}
