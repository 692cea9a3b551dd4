//! Any record on the bus.
#![no_main]

#[path = "../checks/bus_record.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
