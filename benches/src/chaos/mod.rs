//! Chaos: a crowd chats while parts of the system die, stand still or lose each other, one after the other, and its
//! ledger proves what became of every message.

mod backends;
mod fault;
mod links;
pub(crate) mod options;
mod outcome;
mod proxy;
mod run;
mod schedule;
mod table;

pub(crate) use run::run;
