//! Topics: made when missing, and whether they can be used.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext, DefaultClientContext};
use rdkafka::error::RDKafkaErrorCode;

use super::Settings;
use crate::bus::Error;

/// Creates the topics that are missing and waits until they can be used.
///
/// # Errors
/// [`Error::Config`] for settings that cannot work or that the brokers
/// refuse, [`Error::Unavailable`] when no broker answers in
/// `request_timeout_ms`.
pub async fn ensure_topics(settings: &Settings) -> Result<(), Error> {
    settings.checked()?;
    let admin: AdminClient<DefaultClientContext> =
        settings.client().create().map_err(|error| Error::Config(error.to_string()))?;
    let timeout = settings.request_timeout();
    let replication = i32::from(settings.replication);
    // One copy may be away without stopping the writers.
    let in_sync_min = (replication - 1).max(1).to_string();
    let topics = [(&settings.topic, settings.partitions), (&settings.dead_letter_topic, 1)];
    let new_topics: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, partitions)| {
            NewTopic::new(name, i32::from(*partitions), TopicReplication::Fixed(replication))
                .set("min.insync.replicas", &in_sync_min)
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout));
    let results = admin.create_topics(&new_topics, &options).await.map_err(|error| unavailable(&error))?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((
                topic,
                code @ (RDKafkaErrorCode::InvalidReplicationFactor
                | RDKafkaErrorCode::InvalidPartitions
                | RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::PolicyViolation
                | RDKafkaErrorCode::TopicAuthorizationFailed),
            )) => {
                return Err(Error::Config(format!("topic {topic}: {code}")));
            }
            Err((topic, code)) => return Err(Error::Unavailable(format!("topic {topic}: {code}"))),
        }
    }
    let names = topics.map(|(name, _)| name.clone());
    blocking(move || names.iter().try_for_each(|name| await_topic(admin.inner(), name, timeout))).await
}

/// A new topic is known to the controller a moment before all brokers lead it.
fn await_topic<C: ClientContext>(client: &Client<C>, topic: &str, patience: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    loop {
        match topic_is_ready(client, topic, patience) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            result => return result,
        }
    }
}

/// Asks a broker whether every partition of the topic has a leader. Blocks.
pub(super) fn topic_is_ready<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<(), Error> {
    partitions(client, topic, timeout).map(|_| ())
}

/// How many partitions the topic has, if each has a leader. Blocks.
pub(super) fn partitions<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<usize, Error> {
    let metadata = client.fetch_metadata(Some(topic), timeout).map_err(|error| unavailable(&error))?;
    let partitions = metadata.topics().iter().filter(|found| found.name() == topic).flat_map(|found| {
        tracing::trace!(topic, error = ?found.error(), "topic metadata");
        found.partitions()
    });
    let leaders: Vec<i32> = partitions.map(rdkafka::metadata::MetadataPartition::leader).collect();
    if leaders.is_empty() {
        return Err(Error::Unavailable(format!("topic {topic} does not exist")));
    }
    if leaders.iter().any(|&leader| leader < 0) {
        return Err(Error::Unavailable(format!("topic {topic} has partitions without a leader")));
    }
    Ok(leaders.len())
}

/// Runs what librdkafka only offers as a blocking call.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("the check was cut off".to_owned())))
}

fn unavailable(error: &rdkafka::error::KafkaError) -> Error {
    Error::Unavailable(error.to_string())
}
