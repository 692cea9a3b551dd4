//! The writing side.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::oneshot;
use tonic::async_trait;

use super::{REASON, Settings, TRACEPARENT};
use crate::bus::{Error, Producer, Record};

/// Publishes to Kafka. Dropping it gives up what is not acknowledged, and may
/// block for half a second.
pub struct KafkaProducer {
    settings: Settings,
    /// Held while one publish is enqueued, so publishes never mix.
    client: Mutex<Arc<Client>>,
    unacked: Arc<Unacked>,
}

type Client = ThreadedProducer<Deliveries>;

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaProducer").field("topic", &self.settings.topic).finish_non_exhaustive()
    }
}

/// Where records go, and what they are.
#[derive(Debug, Clone, Copy)]
enum Placing<'a> {
    ByKey,
    /// The first record to partition 0, and so on.
    OnePerPartition,
    DeadLetter {
        reason: &'a str,
    },
}

/// What was sent and not yet acknowledged.
#[derive(Debug, Default)]
struct Unacked {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// One publish on its way.
struct Publish {
    records_left: AtomicUsize,
    unacked: Arc<Unacked>,
    outcome: Mutex<Outcome>,
}

struct Outcome {
    error: Option<Error>,
    finished: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Publish {
    /// One record less to wait for.
    fn settle(&self, error: Option<Error>) {
        if let Some(error) = error {
            self.outcome.lock().error.get_or_insert(error);
        }
        if self.records_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut outcome = self.outcome.lock();
            let result = outcome.error.take().map_or(Ok(()), Err);
            if let Some(finished) = outcome.finished.take() {
                // Whoever published may have lost patience.
                finished.send(result).ok();
            }
        }
    }
}

/// Receives librdkafka's delivery reports.
struct Deliveries;

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "bus producer");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Publish>;

    fn delivery(&self, report: &DeliveryResult<'_>, publish: Arc<Publish>) {
        let (message, error) = match report {
            Ok(message) => (message, None),
            Err((error, message)) => (message, Some(refusal(error, message.payload_len()))),
        };
        let bytes = message.payload_len() + message.key_len();
        publish.unacked.records.fetch_sub(1, Ordering::AcqRel);
        publish.unacked.bytes.fetch_sub(bytes, Ordering::AcqRel);
        publish.settle(error);
    }
}

impl KafkaProducer {
    /// Makes the producer; the brokers need not be up.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work.
    pub fn connect(settings: &Settings) -> Result<Arc<dyn Producer>, Error> {
        settings.checked()?;
        let client = Mutex::new(Arc::new(new_client(settings)?));
        Ok(Arc::new(Self { settings: settings.clone(), client, unacked: Arc::default() }))
    }

    /// Hands all records to librdkafka, or none when they do not fit.
    fn enqueue(
        &self,
        topic: &str,
        records: &[Record],
        placing: Placing<'_>,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let most = usize::try_from(self.settings.record_bytes_max).unwrap_or(usize::MAX);
        let size = |record: &Record| record.value.len() + record.key.len();
        if let Some(large) = records.iter().find(|record| size(record) > most) {
            return Err(Error::TooLarge { bytes: large.value.len() });
        }
        let (finished, receiver) = oneshot::channel();
        let publish = Arc::new(Publish {
            records_left: AtomicUsize::new(records.len()),
            unacked: self.unacked.clone(),
            outcome: Mutex::new(Outcome { error: None, finished: Some(finished) }),
        });
        let mut client = self.client.lock();
        self.replace_if_fatal(&mut client)?;
        self.reserve(records.len(), records.iter().map(size).sum())?;
        for (number, record) in (0..).zip(records) {
            let (partition, reason) = match placing {
                Placing::ByKey => (None, None),
                Placing::OnePerPartition => (Some(number), None),
                Placing::DeadLetter { reason } => (None, Some(reason)),
            };
            let message = BaseRecord {
                topic,
                partition,
                payload: Some(&record.value[..]),
                key: Some(&record.key),
                timestamp: None,
                headers: headers(record, reason),
                delivery_opaque: publish.clone(),
            };
            if let Err((error, _)) = client.send(message) {
                self.unacked.records.fetch_sub(1, Ordering::AcqRel);
                self.unacked.bytes.fetch_sub(size(record), Ordering::AcqRel);
                publish.settle(Some(refusal(&error, record.value.len())));
            }
        }
        Ok(receiver)
    }

    /// Counts the records as unacknowledged. The client's lock is held.
    fn reserve(&self, records: usize, bytes: usize) -> Result<(), Error> {
        let Unacked { records: record_count, bytes: byte_count } = &*self.unacked;
        let fits = |now: &AtomicUsize, more: usize, most: u32| {
            now.load(Ordering::Acquire) + more <= usize::try_from(most).unwrap_or(usize::MAX)
        };
        if !fits(record_count, records, self.settings.unacked_records_max)
            || !fits(byte_count, bytes, self.settings.unacked_bytes_max)
        {
            return Err(Error::Full);
        }
        record_count.fetch_add(records, Ordering::AcqRel);
        byte_count.fetch_add(bytes, Ordering::AcqRel);
        Ok(())
    }

    /// A producer whose idempotence was broken (by a broker that lost data)
    /// takes nothing any more; a new one does.
    fn replace_if_fatal(&self, client: &mut Arc<Client>) -> Result<(), Error> {
        if let Some((code, reason)) = client.client().fatal_error() {
            tracing::error!(%code, reason, "bus producer replaced");
            *client = Arc::new(new_client(&self.settings)?);
        }
        Ok(())
    }

    async fn send(
        &self,
        topic: &str,
        records: &[Record],
        placing: Placing<'_>,
        patience: Duration,
    ) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let finished = self.enqueue(topic, records, placing)?;
        match tokio::time::timeout(patience, finished).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Unavailable("the producer was dropped".to_owned())),
            Err(_) => Err(Error::Unavailable(format!("not acknowledged in {} ms", patience.as_millis()))),
        }
    }
}

#[async_trait]
impl Producer for KafkaProducer {
    async fn publish(&self, records: Vec<Record>, patience: Duration) -> Result<(), Error> {
        self.send(&self.settings.topic, &records, Placing::ByKey, patience).await
    }

    async fn publish_dead_letter(
        &self,
        record: Record,
        reason: &str,
        patience: Duration,
    ) -> Result<(), Error> {
        self.send(&self.settings.dead_letter_topic, &[record], Placing::DeadLetter { reason }, patience).await
    }

    /// librdkafka fetches its producer id when it feels like it: up to 1 s
    /// after a first failed attempt, for which the first records then wait.
    async fn warm_up(&self, patience: Duration) -> Result<(), Error> {
        let client = self.client.lock().clone();
        let (topic, timeout) = (self.settings.topic.clone(), patience.min(self.settings.request_timeout()));
        let partitions =
            super::admin::blocking(move || super::admin::partitions(client.client(), &topic, timeout))
                .await?;
        let empty = Record { key: String::new(), value: bytes::Bytes::new(), traceparent: None };
        let records = vec![empty; partitions];
        self.send(&self.settings.topic, &records, Placing::OnePerPartition, patience).await
    }

    async fn check(&self) -> Result<(), Error> {
        let client = self.client.lock().clone();
        let (topic, timeout) = (self.settings.topic.clone(), self.settings.request_timeout());
        super::admin::blocking(move || super::admin::topic_is_ready(client.client(), &topic, timeout)).await
    }
}

fn new_client(settings: &Settings) -> Result<Client, Error> {
    Client::from_config_and_context(&settings.producer(), Deliveries)
        .map_err(|error| Error::Config(error.to_string()))
}

fn headers(record: &Record, reason: Option<&str>) -> Option<OwnedHeaders> {
    let pairs = [(TRACEPARENT, record.traceparent.as_deref()), (REASON, reason)];
    pairs.into_iter().fold(None, |headers, (key, value)| match value {
        Some(value) => {
            let header = Header { key, value: Some(value) };
            Some(headers.unwrap_or_else(OwnedHeaders::new).insert(header))
        }
        None => headers,
    })
}

fn refusal(error: &KafkaError, bytes: usize) -> Error {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => Error::Full,
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::TooLarge { bytes },
        _ => Error::Unavailable(error.to_string()),
    }
}
