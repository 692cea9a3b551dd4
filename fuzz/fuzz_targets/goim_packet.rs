//! Any bytes of a goim client, on TCP and in WebSocket messages.
#![no_main]

#[path = "../checks/goim_packet.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
