//! All tiers of Oort in one thread, on simulated time: logic, jobs and comets as they are, and around them a store, a bus,
//! a directory and links that fail, processes that die and come back, and clients that keep a ledger. Everything that
//! happens follows from a seed.
//!
//! | module | what |
//! |---|---|
//! | `entropy`, `dice` | the one source of every random choice, the standard library's and the libraries' included |
//! | `life` | an incarnation of a process: what it has begun stays undone when it dies |
//! | `store`, `bus`, `directory` | the seams of the tiers, with their faults |
//! | `links` | the network between tiers |
//! | `logic`, `job`, `comet` | processes: started, killed, started again |
//! | `device` | a client of the dialect `oort.v1` |
//! | `faults` | what breaks, when, for how long |
//! | `run` | one seed, from the first device to the verdict |
//!
//! `OORT_SIM_SEED=7 cargo test -p oort-simulation --all-features` runs one seed, `OORT_SIM_SEEDS=100000` that many.

#[cfg(test)]
mod book;
#[cfg(test)]
mod bus;
#[cfg(test)]
mod comet;
#[cfg(test)]
mod device;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod entropy;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod job;
#[cfg(test)]
mod life;
#[cfg(test)]
mod links;
#[cfg(test)]
mod logic;
#[cfg(test)]
mod run;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tests;
