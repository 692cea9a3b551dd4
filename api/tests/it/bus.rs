//! The contract of the bus, run against each implementation.

#![allow(clippy::expect_used, clippy::panic, reason = "what goes wrong here fails the test")]

mod contract;
mod kafka;
mod memory;
mod outage;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oort_api::bus::{Consumer, DeadLetters, Producer, Record};
use tonic::async_trait;

/// Longer than anything takes here, shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// An implementation under test: a fresh bus of four partitions that fetches
/// few records ahead, with one consumer group.
#[async_trait]
trait Bus: Send + Sync {
    fn producer(&self) -> Arc<dyn Producer>;
    fn join(&self) -> Box<dyn Consumer>;
    fn letters(&self) -> Arc<dyn DeadLetters>;
    /// The first dead letter, with its reason.
    async fn dead_letter(&self) -> (Record, String);
}

fn record(key: impl ToString, value: impl ToString) -> Record {
    Record { key: key.to_string(), value: Bytes::from(value.to_string()), traceparent: None }
}

/// Makes a test of each contract for one implementation.
macro_rules! contract_tests {
    ($make:expr; $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::bus::contract::$name(&$make).await;
            }
        )*
    };
}

macro_rules! every_contract {
    ($make:expr) => {
        crate::bus::contract_tests! { $make;
            keys_keep_their_order
            overlapping_publishes_keep_their_order
            a_group_shares_and_rebalances
            what_was_not_done_is_read_again
            what_was_done_stays_done
            what_was_done_ahead_is_told
            large_batches_arrive_whole
            too_large_is_refused
            a_slow_partition_blocks_no_other
            dead_letters_are_kept_apart
            dead_letters_are_read_page_by_page
            a_closed_consumer_gives_no_partitions
        }
    };
}

use {contract_tests, every_contract};
