//! Chaos: a crowd chats while parts of the system die, stand still or lose each other, one after the other, and its
//! ledger proves what became of every message.

mod backends;
mod breaker;
mod clocks;
mod disk;
mod fault;
mod flat;
mod herd;
mod links;
mod memory;
mod mysql;
pub(crate) mod options;
mod outcome;
mod past;
mod proxy;
mod run;
mod schedule;
mod shown;
mod slow;
mod table;
mod topic;

pub(crate) use run::run;
