//! The cross-tier suite: spawns the real binary and talks to it as its users
//! do. Every scenario runs over both shapes: one process, and two comets, two
//! logics and two jobs over MariaDB, Redis and Kafka.

mod harness;

mod classic;
mod conversations;
mod delivery;
mod faults;
mod packets;
mod refusals;
mod resume;
