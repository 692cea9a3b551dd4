//! The load: senders over HTTP and WebSocket whose sends are due at times fixed before the run, and members that
//! follow what is sent. It shares the machine with the server, so it is written to need little of it: a thread with an
//! epoll of its own and bytes made once.

mod acked;
pub(crate) mod cast;
mod connect;
mod driver;
mod follower;
pub(crate) mod frames;
mod http;
mod http_sender;
pub(crate) mod options;
pub(crate) mod push_sender;
pub(crate) mod pushes;
pub(crate) mod receiver;
pub(crate) mod run;
mod schedule;
mod socket;
pub(crate) mod stored;
pub(crate) mod tag;
pub(crate) mod tally;
mod timer;
mod websocket;
mod wire;

#[cfg(test)]
mod tests;
