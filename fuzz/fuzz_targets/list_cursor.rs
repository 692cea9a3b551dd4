//! Any cursor of the list of conversations.
#![no_main]

#[path = "../checks/list_cursor.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
