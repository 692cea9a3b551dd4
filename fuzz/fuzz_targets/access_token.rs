//! Any access token.
#![no_main]

#[path = "../checks/access_token.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
