//! The ledger: what clients did and saw, line by line, and the checker that proves from it that nothing was lost.
//!
//! A ledger is a file of JSON lines in the order in which things happened: whoever writes takes the time and the place
//! in the file in one step. So "was acknowledged before this page was asked for" is "stands above it".

mod checker;
mod line;
pub(crate) mod options;
mod story;
mod violation;
mod writer;

pub(crate) use checker::Summary;
pub(crate) use line::{Event, Line, Placed};
pub(crate) use options::{check, failure, lines};
pub(crate) use writer::Ledger;

#[cfg(test)]
mod tests;
