//! The bus over Kafka.
