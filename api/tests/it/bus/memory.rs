//! The bus inside one process: the contract, and its bounds.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::memory::{DeadLetter, MemoryBus, Settings};
use oort_api::bus::{Consumer, DeadLetters, Error, Producer, Record};
use tonic::async_trait;

use super::reader::{Mark, Reader};
use super::{Bus, PATIENCE, record};

#[async_trait]
impl Bus for MemoryBus {
    fn producer(&self) -> Arc<dyn Producer> {
        self.producer()
    }

    fn join(&self) -> Box<dyn Consumer> {
        self.consumer("jobs")
    }

    fn letters(&self) -> Arc<dyn DeadLetters> {
        self.letters()
    }

    async fn dead_letter(&self) -> (Record, String) {
        let DeadLetter { record, reason, .. } = self.dead_letters().remove(0);
        (record, reason)
    }
}

super::every_contract!(MemoryBus::new(Settings::default()));

fn small() -> MemoryBus {
    MemoryBus::new(Settings { partitions: 1, records_max_per_partition: 3, ..Settings::default() })
}

#[tokio::test(start_paused = true)]
async fn a_full_partition_refuses_after_patience() {
    let bus = small();
    let records = |from: i32, to: i32| (from..to).map(|number| record("k", number)).collect::<Vec<_>>();
    bus.producer().publish(records(0, 3), Duration::ZERO).await.expect("fits");
    let started = tokio::time::Instant::now();
    let refused = bus.producer().publish(records(3, 4), Duration::from_secs(2)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    assert_eq!(bus.backlog(), 3);
}

#[tokio::test]
async fn waiting_publishes_come_in_order_as_room_is_made() {
    let bus = small();
    let producer = bus.producer();
    let publish = |number: i32| producer.publish(vec![record("k", number)], PATIENCE);
    let all = futures_util::future::join_all((0..6).map(publish));
    let mut reader = Reader::start(bus.join(), Mark::Done);
    for result in all.await {
        result.expect("published");
    }
    let seen = reader.until_count(6).await;
    assert_eq!(seen.values_of("k"), ["0", "1", "2", "3", "4", "5"]);
    reader.until("done", |_| bus.backlog() == 0).await;
}

#[tokio::test]
async fn the_line_is_bounded_too() {
    let bus = small();
    let producer = bus.producer();
    let publish = |number: i32| producer.publish(vec![record("k", number)], Duration::from_millis(50));
    let results = futures_util::future::join_all((0..8).map(publish)).await;
    let full = results.iter().filter(|result| **result == Err(Error::Full)).count();
    assert_eq!(full, 2, "three held, three in line: {results:?}");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
}

#[tokio::test]
async fn a_dropped_publish_leaves_the_line() {
    let bus = small();
    let producer = bus.producer();
    for number in 0..3 {
        producer.publish(vec![record("k", number)], PATIENCE).await.expect("fits");
    }
    {
        let mut waiting = producer.publish(vec![record("k", "dropped")], PATIENCE);
        assert!(futures_util::poll!(&mut waiting).is_pending());
    }
    let mut reader = Reader::start(bus.join(), Mark::Done);
    producer.publish(vec![record("k", "last")], PATIENCE).await.expect("published");
    let seen = reader.until_count(4).await;
    assert_eq!(seen.values_of("k"), ["0", "1", "2", "last"]);
}

#[tokio::test]
async fn bytes_are_bounded() {
    let settings =
        Settings { partitions: 1, bytes_max_per_partition: 10, record_bytes_max: 8, ..Settings::default() };
    assert_eq!(settings.faults(), Vec::<String>::new());
    let bus = MemoryBus::new(settings);
    let producer = bus.producer();
    producer.publish(vec![record("k", "12345678")], Duration::ZERO).await.expect("fits");
    producer.publish(vec![record("k", "12")], Duration::ZERO).await.expect("fits");
    let refused = producer.publish(vec![record("k", "1")], Duration::ZERO).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_record_goes_when_every_group_is_done() {
    let bus = MemoryBus::new(Settings::default());
    let mut one = Reader::start(bus.consumer("one"), Mark::Done);
    let mut two = Reader::start(bus.consumer("two"), Mark::Nothing);
    bus.producer().publish(vec![record("k", 1)], PATIENCE).await.expect("published");
    one.until_count(1).await;
    two.until_count(1).await;
    assert_eq!(bus.backlog(), 1);
    two.drop_it().await;
    let mut two = Reader::start(bus.consumer("two"), Mark::Done);
    two.until_count(1).await;
    tokio::time::timeout(PATIENCE, async {
        while bus.backlog() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("forgotten");
}

#[tokio::test]
async fn dead_letters_are_bounded() {
    let bus = MemoryBus::new(Settings { dead_letters_max: 2, ..Settings::default() });
    for number in 0..3 {
        bus.producer().publish_dead_letter(record("k", number), "bad", PATIENCE).await.expect("taken");
    }
    let kept: Vec<_> = bus.dead_letters().into_iter().map(|letter| letter.record.value).collect();
    assert_eq!(kept, ["1", "2"]);
    assert_eq!(bus.dead_letters_forgotten(), 1);
}
