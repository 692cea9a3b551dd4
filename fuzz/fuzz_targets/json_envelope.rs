//! Any text frame of a browser.
#![no_main]

#[path = "../checks/json_envelope.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
