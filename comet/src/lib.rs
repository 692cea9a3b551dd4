//! The tier that holds the clients: connections, sessions, rooms, fan-out and the client dialects.
//!
//! * [`service`], `draining`: built, run, drained.
//! * `shard`: one pinned thread and runtime per core, with its own listener, connections, rooms and timers.
//! * `connection`: a client's socket, what it says, what waits for it; a task only while a command is under way.
//! * `session`: what a connection does with logic, per dialect.
//! * `admission`: how many clients are let in at once, and when the others come again.
//! * `dialect`, [`framing`], `compression`: bytes of clients, in and out.
//! * `transport`, [`tls`]: their sockets, plain or encrypted.
//! * `push`, `grpc`: batches of jobs, taken in order.
//! * `register`, `renewal`, `announcement`: what the comet as a whole holds, and how logic and the directory come to know.
//! * [`link`]: logic over the network.

mod admission;
mod announcement;
mod compression;
pub mod config;
mod connection;
mod delivery;
mod device;
mod dialect;
mod draining;
mod error;
pub mod framing;
mod grpc;
pub mod link;
mod logic;
pub mod metrics;
mod node;
pub mod pages;
mod push;
mod register;
mod renewal;
pub mod service;
mod session;
mod shard;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod tls;
mod trace;
mod transport;
mod watching;

pub use admission::AdmissionConfig;
pub use compression::DeflateConfig;
pub use config::Config;
pub use error::Error;
pub use link::RemoteLogic;
pub use metrics::Metrics;
pub use pages::{PageBody, PageFuture, Pages, error_page};
pub use register::addresses::AddressConfig;
pub use service::{Addresses, Handle, Parts, Service};
#[doc(hidden)]
pub use shard::fanout::bench as fanout_bench;
pub use tls::TlsConfig;
pub use watching::WatchConfig;
