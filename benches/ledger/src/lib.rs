//! The ledger: what clients did and saw, line by line, and the checker that proves from it that nothing was lost.
//!
//! A ledger has its lines in the order in which things happened. So "was acknowledged before this page was asked for" is
//! "stands above it". Whoever acts as a client keeps a [`Log`] of what it has.

mod checker;
mod line;
mod log;
mod story;
mod violation;

pub use checker::{Checker, Summary};
pub use line::{Event, Line, Placed};
pub use log::Log;
pub use story::tell;
pub use violation::{Promise, Violation};

#[cfg(test)]
mod tests;
