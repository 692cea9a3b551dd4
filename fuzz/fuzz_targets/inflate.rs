//! Any compressed message of a browser.
#![no_main]

#[path = "../checks/inflate.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
