//! Integration tests of the comet crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails where it stands")]

mod admission;
mod behind;
mod ceilings;
mod cursors;
mod deflate;
mod draining;
mod fanout;
mod framing;
mod framing_client;
mod framing_oracle;
mod fuzz_seeds;
mod goim;
mod hostile;
mod json;
mod lifecycle;
mod link;
mod logic;
mod sends;
mod tls;
mod turns;
mod watch;
mod world;
