//! One server of several: what [`shards`](crate::store::shards) asks of it beside the calls of a store.
//!
//! The first server has the users; each of the others has the conversations of some shards, and *copies* of what its
//! transactions need of users. A copy is brought up to date under a lock that whoever does so takes first, and reads
//! the first server's rows after: so the last one to do it writes what is so.

mod blocks;
mod due;
mod files;
mod ids;
mod notifications;
mod own;
mod people;
mod sends;

pub(in crate::store) use due::Copied;
pub(in crate::store) use notifications::{Place, Taken};

pub(super) use files::held_until;
pub(super) use ids::next_id;
