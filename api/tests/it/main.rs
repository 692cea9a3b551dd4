//! Integration tests of the api crate.

mod bus;
mod directory;
mod fuzz_seeds;
mod generated;
mod protocol;
