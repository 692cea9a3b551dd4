//! Accounts, conversations, the durable send path and the HTTP API.
//!
//! [`service::Service`] builds and runs the tier; [`app::App`] is what its two
//! doors, [`http`] and [`grpc`], share. The path of a message is
//! [`conversations`] → [`batcher`] → [`commits`] → [`publisher`], with
//! [`relay`] for what another process left behind.

pub mod accounts;
pub mod app;
pub mod backlog;
pub mod batcher;
mod bounds;
pub mod checks;
pub mod commits;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod cursors;
pub mod departures;
pub mod error;
pub mod events;
pub mod expiry;
pub mod exports;
pub mod failpoint;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod grpc;
pub mod hooks;
pub mod http;
pub mod keys;
pub mod kicks;
pub mod lanes;
pub mod mail;
pub mod messages;
pub mod metrics;
pub mod moderation;
pub mod notifications;
pub mod online;
pub mod operators;
pub mod outbox;
pub mod policy;
pub mod presence;
pub mod profiles;
pub mod published;
pub mod publisher;
pub mod pushes;
pub mod rates;
pub mod reads;
pub mod receipts;
pub mod relay;
pub mod replays;
pub mod search;
pub mod seen;
mod serve;
pub mod service;
pub mod store;
pub mod trails;
pub mod transactions;
pub mod users;
mod webhook;
pub mod words;

pub use config::Config;
pub use error::Error;
pub use metrics::Metrics;
pub use service::Service;
