//! The floor: what the operating system alone costs. A server that lets everybody in, holds one file descriptor each, and
//! gives them bytes that somebody else has built, one `send(2)` per connection.

mod conns;
mod server;
mod wire;

pub(crate) use server::{Addresses, Options, run};
pub(crate) use wire::{Order, REPLY_BYTES, Reply};
