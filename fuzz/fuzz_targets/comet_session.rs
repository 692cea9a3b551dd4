//! Any bytes of any client of a whole comet.
#![no_main]
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "shared with the tests")]

#[path = "../checks/comet_session.rs"]
mod check;
#[path = "../../comet/tests/it/framing_oracle.rs"]
mod framing_oracle;
#[path = "../../comet/tests/it/logic.rs"]
mod logic;
#[path = "../../comet/tests/it/world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
