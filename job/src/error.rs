//! Why the tier could not start or had to stop.

/// Why the job tier could not start or had to stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The settings cannot work; every fault is listed.
    #[error("job settings: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The bus gives out no more partitions although nobody asked to stop.
    #[error("job: the bus is gone")]
    BusGone,
    /// A task of the tier ended that never should.
    #[error("job task {0} ended")]
    Task(&'static str),
}
