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
mod faults;
mod forgery;
mod groups;
mod log_injection;
mod messages;
mod operators;
mod packets;
mod pages;
mod presence;
mod pushes;
mod refusals;
mod resume;
mod sessions;
mod smuggling;
mod trails;
mod windows;
