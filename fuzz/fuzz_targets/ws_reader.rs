//! Any bytes of a WebSocket client: our reader against tungstenite's.
#![no_main]

#[path = "../../comet/tests/it/framing_oracle.rs"]
mod framing_oracle;

libfuzzer_sys::fuzz_target!(|data: &[u8]| framing_oracle::check(data));
