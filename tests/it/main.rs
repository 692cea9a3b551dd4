//! The cross-tier suite: spawns the real binary and talks to it as its users
//! do. Every scenario runs over both shapes: one process, and two comets, two
//! logics and two jobs over MariaDB, Redis and Kafka.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on says why"
)]

mod harness;

mod abuse;
mod accounts;
mod canary;
mod classic;
mod command;
mod contacts;
mod conversations;
mod curl;
mod cursors;
mod delivery;
mod encrypted;
mod expiry;
mod faults;
mod files;
mod forgery;
mod groups;
mod hooks;
mod hooks_after;
mod keys;
mod log_injection;
mod messages;
mod mobile_push;
mod moderation;
mod operators;
mod packets;
mod pages;
mod presence;
mod push_services;
mod pushes;
mod receipts;
mod refusals;
mod replicas;
mod resume;
mod search;
mod sessions;
mod shards;
mod smuggling;
mod trails;
mod windows;
