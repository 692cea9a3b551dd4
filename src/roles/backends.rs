//! What a role stands on: store, bus, directory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use oort_api::bus::kafka::{self, KafkaConsumer, KafkaDeadLetters, KafkaProducer};
use oort_api::bus::{Consumer, DeadLetters, Producer};
use oort_api::directory::Directory;
use oort_api::directory::redis::RedisDirectory;
use oort_api::metrics::Registry;
use oort_logic::config::StoreSettings;
use oort_logic::store::{self, Store};

use crate::config::Config;

/// The store that the settings name.
pub(crate) fn store_settings(config: &Config) -> anyhow::Result<StoreSettings> {
    config.logic.store.settings().context("logic.store.url is neither sqlite:PATH nor mysql://…")
}

/// Opens the store; its schema must be current.
pub(crate) async fn open_store(config: &Config, registry: &mut Registry) -> anyhow::Result<Arc<dyn Store>> {
    let metrics = store::Metrics::register(registry);
    store_settings(config)?.open(&metrics).await.context("the store cannot be opened")
}

/// The bus, to write, over Kafka.
pub(crate) fn producer(config: &Config) -> anyhow::Result<Arc<dyn Producer>> {
    KafkaProducer::connect(&config.bus).context("the bus")
}

/// The same, ready to take messages without delay. The bus need not be up: what is sent meanwhile waits in the outbox.
pub(crate) async fn warm_producer(config: &Config) -> anyhow::Result<Arc<dyn Producer>> {
    let producer = producer(config)?;
    let ready = async {
        kafka::ensure_topics(&config.bus).await?;
        producer.warm_up(WARM_UP_PATIENCE).await
    };
    match tokio::time::timeout(WARM_UP_PATIENCE, ready).await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => tracing::warn!(%cause, "the bus is not ready; messages wait in the outbox"),
        Err(_) => tracing::warn!("the bus does not answer; messages wait in the outbox"),
    }
    Ok(producer)
}

/// Longest time a start waits for the bus.
const WARM_UP_PATIENCE: Duration = Duration::from_secs(3);

/// The bus, to read, over Kafka; makes sure that its topics exist.
pub(crate) async fn consumer(config: &Config) -> anyhow::Result<Box<dyn Consumer>> {
    kafka::ensure_topics(&config.bus)
        .await
        .with_context(|| format!("Kafka at {} (bus.brokers); is it running?", config.bus.brokers))?;
    KafkaConsumer::join(&config.bus).context("the bus")
}

/// The dead-letter topic, to be looked at.
pub(crate) fn dead_letters(config: &Config) -> Arc<dyn DeadLetters> {
    KafkaDeadLetters::of(&config.bus)
}

/// The directory over Redis.
pub(crate) fn directory(config: &Config) -> anyhow::Result<Arc<dyn Directory>> {
    RedisDirectory::connect(&config.directory).context("the directory")
}
