//! A crowd: devices that come and go, send, read history and resume, as people's devices do in a day, compressed. Each
//! keeps a log as the protocol asks of clients, and in the end every log has to be whole, in order and without repeats.

pub(crate) mod cutter;
mod device;
pub(crate) mod draw;
mod http_senders;
mod noted;
pub(crate) mod options;
pub(crate) mod run;
pub(crate) mod world;
