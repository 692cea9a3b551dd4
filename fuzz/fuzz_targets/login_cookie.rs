//! Any `Cookie` header.
#![no_main]

#[path = "../checks/login_cookie.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
