//! The job tier over the in-process bus and directory, with scripted comets.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod acks;
mod comet;
mod comets;
mod fences;
mod fuzz_seeds;
mod grpc;
mod order;
mod overflow;
mod routes;
mod wiped;
mod world;
