//! Chaos: a crowd chats while parts of the system die, stand still or lose each other, one after the other, and its
//! ledger proves what became of every message.

mod backends;
mod breaker;
mod fault;
mod flat;
mod links;
mod memory;
pub(crate) mod options;
mod outcome;
mod past;
mod proxy;
mod run;
mod schedule;
mod shown;
mod table;

pub(crate) use run::run;
