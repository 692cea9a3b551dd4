//! Integration tests of the api crate.

mod bus;
mod directory;
mod errors;
mod fuzz_seeds;
mod generated;
mod protocol;
