//! What can be measured.

mod cost;
pub(crate) mod fanout;
pub(crate) mod handshake;
pub(crate) mod idle;
mod lanes;
pub(crate) mod listing;
pub(crate) mod login;
pub(crate) mod mesh;
pub(crate) mod mixed;
mod outcome;
pub(crate) mod presence;
mod proof;
pub(crate) mod push;
pub(crate) mod pushes;
pub(crate) mod reconnect;
pub(crate) mod recovery;
pub(crate) mod send;
pub(crate) mod stuck;

pub(crate) use send::command;
