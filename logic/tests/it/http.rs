//! The HTTP API, called through its router.

mod admin;
mod codes;
mod conversations;
mod directory;
mod goim;
pub(crate) mod harness;
mod layers;
mod malformed;
mod me;
mod push;
mod rates;
mod sessions;
mod web4;
