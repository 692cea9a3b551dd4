//! The tool as its users start it: against the server that it brings along, and against `oort`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails where it stands")]

mod fanout;
mod harness;
mod whole;
