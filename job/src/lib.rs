//! The job tier: reads records from the bus, puts them in order, looks up
//! where their readers are connected, and pushes them to those comets.
//!
//! * [`Service`]: the tier; one pipeline per partition.
//! * `decode`, `reorder`, `split`, `offsets`: the stages of a pipeline that do no I/O.
//! * `pipeline`: the stages put together for one partition.
//! * `window`, `queue`: what one comet's stream holds; no I/O either.
//! * `comet_link`, `links`: the streams, and the watch over comets' leases.
//! * [`CometDialer`], [`GrpcDialer`]: how a stream to a comet is opened.
//!
//! An offset is committed when everything before it was acknowledged, or given
//! up in a way that is counted and made good by a resync of the comet.

mod backoff;
mod comet_link;
mod config;
mod dead_letters;
mod decode;
mod error;
mod flight;
mod link;
mod links;
mod metrics;
mod offsets;
mod pipeline;
mod queue;
mod reorder;
mod routing;
mod service;
mod split;
mod window;

pub use config::{Config, GrpcConfig, LinkConfig, PipelineConfig};
#[doc(hidden)]
pub use decode::fuzzing;
pub use error::Error;
pub use link::{AckStream, CometDialer, GrpcDialer};
pub use metrics::Metrics;
pub use service::{Check, Handle, Parts, Service};
#[doc(hidden)]
pub use split::bench as split_bench;
