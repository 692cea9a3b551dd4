//! Calls to servers of others: which addresses are talked to, by what client,
//! signed how, and when one that failed is made again.

pub(crate) mod backoff;
pub(crate) mod client;
pub(crate) mod guard;
pub(crate) mod signature;
