//! Accounts, conversations, the durable send path and the HTTP API.

pub mod outbox;
pub mod store;
