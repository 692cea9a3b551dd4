//! Tests of the logic tier over real stores.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod batcher;
mod cursors;
mod files;
mod fuzz_seeds;
mod grpc;
mod http;
mod mail;
mod openapi;
mod presence;
mod publisher;
mod pushes;
mod service;
mod store;
mod store_calls;
mod support;
