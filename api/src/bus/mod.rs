//! The bus: an ordered, partitioned, at-least-once log between logic and job.
//!
//! Records with one key keep their order. A consumer group shares the
//! partitions; each partition is read by one member at a time and is an
//! independent pipeline: its reader commits an offset when everything before
//! it is done, and what was not committed is read again after a restart or a
//! rebalance. A reader that lets go in good order says what else it did.
//!
//! [`memory`] serves one process, [`kafka`] a cluster. Both pass one contract
//! suite (`api/tests/it/bus.rs`).

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tonic::async_trait;

mod dead_letters;
mod done_ahead;
pub mod kafka;
pub mod memory;

pub use dead_letters::{DeadLetter, DeadLetters, LetterPlace, Letters, NoPlace};
pub use done_ahead::DoneAhead;

/// One record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Decides the partition: a conversation id or user id in decimal.
    pub key: String,
    /// An encoded `goim.logic.PushMsg`.
    pub value: Bytes,
    /// W3C traceparent, as a header where the bus has them.
    pub traceparent: Option<String>,
}

/// One record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// Place in the partition; rises, not always by one.
    pub offset: i64,
    /// The key it was published with.
    pub key: String,
    /// The value it was published with; empty = it means nothing ([`Producer::warm_up`]).
    pub value: Bytes,
    /// When the bus got it, ms since the epoch; 0 = not known.
    pub published_at_ms: i64,
    /// W3C traceparent it was published with.
    pub traceparent: Option<String>,
}

/// Writes to the bus. Cheap to clone behind an `Arc`.
#[async_trait]
pub trait Producer: Send + Sync + fmt::Debug + 'static {
    /// Publishes in order and returns when the bus holds all of them durably.
    ///
    /// Calls that overlap keep the order in which they were first polled. A
    /// call waits at most `patience` for a bus that cannot be reached; then
    /// it fails and *some of the records may still arrive later* (at least
    /// once, never out of order among themselves).
    ///
    /// # Errors
    /// [`Error::Unavailable`] after `patience`, [`Error::Full`] at once when
    /// the producer's bounded buffer cannot take the records,
    /// [`Error::TooLarge`] when one can never be taken.
    async fn publish(&self, records: Vec<Record>, patience: Duration) -> Result<(), Error>;

    /// Publishes one record to the dead-letter log, beside the bus.
    ///
    /// # Errors
    /// As [`Producer::publish`].
    async fn publish_dead_letter(
        &self,
        record: Record,
        reason: &str,
        patience: Duration,
    ) -> Result<(), Error>;

    /// Does beforehand what the first publish would otherwise wait for. May
    /// put records with an empty value on the bus; they mean nothing.
    ///
    /// # Errors
    /// As [`Producer::publish`].
    async fn warm_up(&self, _patience: Duration) -> Result<(), Error> {
        Ok(())
    }

    /// Tells whether the bus answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the cause.
    async fn check(&self) -> Result<(), Error>;
}

/// A member of a consumer group.
#[async_trait]
pub trait Consumer: Send + fmt::Debug + 'static {
    /// Waits for the next partition given to this member. A partition taken
    /// away ends its [`Partition`] (`next_batch` returns `None`), and may come
    /// back later as a new one.
    ///
    /// Cancel safe. `None` after [`Consumer::close`] or when the bus is gone.
    async fn next_partition(&mut self) -> Option<Box<dyn Partition>>;

    /// Leaves the group after committing what was marked done.
    async fn close(&mut self);
}

/// One partition held by this member.
#[async_trait]
pub trait Partition: Send + fmt::Debug + 'static {
    /// Its number.
    fn number(&self) -> i32;

    /// Waits for at least one record, then returns all that are there, at
    /// most `max`, in order. `None` when the partition was taken away.
    ///
    /// Cancel safe. A bus that cannot be reached makes it wait, not fail.
    async fn next_batch(&mut self, max: usize) -> Option<Vec<Consumed>>;

    /// Everything up to and with `offset` is done. The commit itself follows
    /// within the bus's commit interval; a crash before it repeats records.
    /// After the partition was taken away the bus waits a bounded time for
    /// its reader to finish and to drop it; then this is ignored.
    fn done(&mut self, offset: i64);

    /// What the reader before said in [`Partition::hand_over`]. Its records
    /// are read all the same.
    fn found_ahead(&self) -> DoneAhead;

    /// The last word of its reader: everything below `before` is done, the
    /// record there is not, and of those behind it these are. The bus may
    /// have room for some of them only, and none after a crash.
    fn hand_over(&mut self, before: i64, ahead: DoneAhead);
}

/// Why the bus refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bus cannot be reached or did not answer in time.
    #[error("the bus does not answer: {0}")]
    Unavailable(String),
    /// The producer's bounded buffer is full.
    #[error("the bus's send buffer is full")]
    Full,
    /// One record is larger than the bus takes.
    #[error("a record of {bytes} bytes is larger than the bus takes")]
    TooLarge {
        /// Size of the record's value.
        bytes: usize,
    },
    /// The settings cannot work.
    #[error("bus settings: {0}")]
    Config(String),
}
