//! What can end a comet.

use std::net::SocketAddr;

/// Why a comet could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot work; all faults at once.
    #[error("comet settings: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The certificate or its key cannot be used.
    #[error("comet.tls: {0}")]
    Tls(#[from] crate::tls::TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address of logic is not one.
    #[error("not an address of logic: {0}")]
    LogicAddress(String),
    /// A thread or its runtime cannot be made, or ended before its time.
    #[error("shard {shard}: {source}")]
    Shard {
        /// Which.
        shard: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// A newer comet of the same name is running: two processes share a name, or this one was replaced.
    #[error("a newer comet of this name is running: {0}")]
    Superseded(String),
    /// The gRPC server failed.
    #[error("comet's gRPC server: {0}")]
    Grpc(#[source] tonic::transport::Error),
}
