//! Replicas, as others see them.

/// A replica, as it was when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaState {
    /// Its host and port.
    pub name: String,
    /// Why it is not read; `None`: it has everything the primary has.
    pub fault: Option<String>,
}
