//! The bus over Kafka.
//!
//! Producer: idempotent, `acks=all`, retried by librdkafka in order for as
//! long as an outage lasts. Consumer: each partition has its own librdkafka
//! queue, so a slow reader stops the fetching of its partition alone; one
//! thread serves rebalances and commits.

mod admin;
mod commits;
mod consumer;
mod dead_letters;
mod partition;
mod producer;
mod settings;

pub use admin::ensure_topics;
pub use consumer::KafkaConsumer;
pub use dead_letters::KafkaDeadLetters;
pub use producer::KafkaProducer;
pub use settings::{Compression, Settings};

/// Header with the W3C traceparent.
const TRACEPARENT: &str = "traceparent";
/// Header of a dead letter: why it is one.
const REASON: &str = "reason";
