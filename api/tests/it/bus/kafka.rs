//! The bus over a real Kafka: the contract, and what only Kafka has.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oort_api::bus::kafka::{KafkaConsumer, KafkaDeadLetters, KafkaProducer, Settings, ensure_topics};
use oort_api::bus::{Consumer, DeadLetters, DoneAhead, Error, Producer, Record};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tonic::async_trait;

use super::reader::{Mark, Reader};
use super::{Bus, PATIENCE, record};

struct Kafka {
    settings: Settings,
    producer: Arc<dyn Producer>,
}

fn brokers() -> String {
    std::env::var("OORT_TEST_KAFKA_BROKERS").expect("start the services first: make test does it")
}

impl Kafka {
    async fn fresh() -> Self {
        let topic = format!("it-{}", uuid::Uuid::new_v4());
        let settings = Settings {
            brokers: brokers(),
            dead_letter_topic: format!("{topic}-dead"),
            group: topic.clone(),
            topic,
            fetched_records_max: 100,
            fetched_kib_max: 64,
            metadata_refresh_ms: 300,
            request_timeout_ms: 5_000,
            ..Settings::default()
        };
        ensure_topics(&settings).await.expect("created");
        let producer = KafkaProducer::connect(&settings).expect("made");
        Self { settings, producer }
    }
}

#[async_trait]
impl Bus for Kafka {
    fn producer(&self) -> Arc<dyn Producer> {
        self.producer.clone()
    }

    fn join(&self) -> Box<dyn Consumer> {
        KafkaConsumer::join(&self.settings).expect("joins")
    }

    fn letters(&self) -> Arc<dyn DeadLetters> {
        KafkaDeadLetters::of(&self.settings)
    }

    async fn dead_letter(&self) -> (Record, String) {
        let settings = self.settings.clone();
        tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = ClientConfig::new()
                .set("bootstrap.servers", &settings.brokers)
                .set("group.id", format!("{}-dead", settings.group))
                .set("auto.offset.reset", "earliest")
                .create()
                .expect("made");
            consumer.subscribe(&[&settings.dead_letter_topic]).expect("subscribes");
            let deadline = Instant::now() + PATIENCE;
            // A poll also ends when it served an event of the group.
            let message = std::iter::repeat_with(|| consumer.poll(Duration::from_millis(100)))
                .take_while(|_| Instant::now() < deadline)
                .find_map(|polled| polled)
                .expect("in time")
                .expect("a record")
                .detach();
            let header = |key: &str| {
                let found = message.headers()?.iter().find(|header| header.key == key)?;
                String::from_utf8(found.value?.to_vec()).ok()
            };
            let record = Record {
                key: String::from_utf8(message.key().expect("key").to_vec()).expect("text"),
                value: message.payload().expect("value").to_vec().into(),
                traceparent: header("traceparent"),
            };
            (record, header("reason").expect("a reason"))
        })
        .await
        .expect("read")
    }
}

super::every_contract!(Kafka::fresh().await);

#[tokio::test]
async fn topics_are_made_once() {
    let kafka = Kafka::fresh().await;
    ensure_topics(&kafka.settings).await.expect("there already");
    kafka.producer.check().await.expect("ready");
    let settings = Settings { topic: format!("{}-none", kafka.settings.topic), ..kafka.settings };
    let too_many = Settings { replication: 3, ..settings };
    let refused = ensure_topics(&too_many).await;
    assert!(matches!(refused, Err(Error::Config(_))), "one broker holds one copy: {refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_is_woken_by_each_record() {
    let kafka = Kafka::fresh().await;
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    reader.until("all partitions", |seen| seen.held.len() == 4).await;
    for number in 0..50 {
        kafka.producer.publish(vec![record("k", number)], PATIENCE).await.expect("published");
        reader.until_count(number + 1).await;
    }
    reader.close().await;
}

/// What the group committed so far, over all partitions.
fn committed(consumer: &BaseConsumer, topic: &str) -> i64 {
    let mut partitions = TopicPartitionList::new();
    for number in 0..4 {
        partitions.add_partition(topic, number);
    }
    let committed = consumer.committed_offsets(partitions, PATIENCE).expect("committed offsets");
    committed
        .elements()
        .iter()
        .filter_map(|element| element.offset().to_raw())
        .filter(|offset| *offset > 0)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_committed_while_reading_goes_on() {
    let kafka = Kafka::fresh().await;
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    reader.until("all partitions", |seen| seen.held.len() == 4).await;
    let onlooker: Arc<BaseConsumer> = Arc::new(
        ClientConfig::new()
            .set("bootstrap.servers", &kafka.settings.brokers)
            .set("group.id", &kafka.settings.group)
            .create()
            .expect("made"),
    );
    // More than once: a first commit alone would do for a while.
    for round in 1..=3 {
        kafka.producer.publish(vec![record("k", round)], PATIENCE).await.expect("published");
        reader.until_count(round).await;
        let (onlooker, topic) = (onlooker.clone(), kafka.settings.topic.clone());
        tokio::task::spawn_blocking(move || {
            let deadline = Instant::now() + PATIENCE;
            let done = i64::try_from(round).expect("few");
            while committed(&onlooker, &topic) < done {
                assert!(Instant::now() < deadline, "round {round} is not committed");
                std::thread::sleep(Duration::from_millis(20));
            }
            assert_eq!(committed(&onlooker, &topic), done, "and nothing that nobody did");
        })
        .await
        .expect("committed");
    }
    reader.close().await;
}

/// As librdkafka commits by itself what it knows: less than what the reader did until its partition went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_that_was_done_is_what_the_next_reader_goes_on_from() {
    const RECORDS: i64 = 10;
    let kafka = Kafka::fresh().await;
    let records = (0..400).map(|key| record(key, key)).collect();
    kafka.producer.publish(records, PATIENCE).await.expect("published");
    let mut first = kafka.join();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let next = tokio::time::timeout(PATIENCE, first.next_partition()).await.expect("in time");
        let mut partition = next.expect("given");
        readers.spawn(async move {
            let mut read = 0;
            while read < RECORDS {
                let batch = partition.next_batch(1).await.expect("held");
                read = batch[0].offset + 1;
            }
            partition.done(0);
            while partition.next_batch(100).await.is_some() {}
            partition.hand_over(RECORDS, DoneAhead::default());
        });
    }
    let onlooker: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.settings.brokers)
        .set("group.id", &kafka.settings.group)
        .create()
        .expect("made");
    let topic = kafka.settings.topic.clone();
    let first_committed = tokio::task::spawn_blocking(move || {
        let deadline = Instant::now() + PATIENCE;
        while committed(&onlooker, &topic) < 4 {
            assert!(Instant::now() < deadline, "the first of each is not committed");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    first_committed.await.expect("committed");
    let mut second = kafka.join();
    for _ in 0..2 {
        let next = tokio::time::timeout(PATIENCE, second.next_partition()).await.expect("in time");
        let mut partition = next.expect("given");
        let batch = tokio::time::timeout(PATIENCE, partition.next_batch(1)).await.expect("in time");
        assert_eq!(batch.expect("held")[0].offset, RECORDS);
    }
    first.close().await;
    readers.join_all().await;
    second.close().await;
    let mut third = kafka.join();
    for _ in 0..4 {
        let next = tokio::time::timeout(PATIENCE, third.next_partition()).await.expect("in time");
        let mut partition = next.expect("given");
        let batch = tokio::time::timeout(PATIENCE, partition.next_batch(1)).await.expect("in time");
        assert_eq!(batch.expect("held")[0].offset, RECORDS, "also of those whose reader left");
    }
    third.close().await;
}

/// Told that its partition goes, a reader has its last word before another one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_ahead_moves_with_the_partition() {
    let kafka = Kafka::fresh().await;
    let ahead_of = |partition: i32| {
        let mut ahead = DoneAhead::default();
        // So many runs that not all of them find room.
        (0..2_000).for_each(|run| ahead.push(i64::from(partition) + 1 + 2 * run));
        ahead
    };
    let mut first = kafka.join();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let next = tokio::time::timeout(PATIENCE, first.next_partition()).await.expect("in time");
        let mut partition = next.expect("given");
        assert!(partition.found_ahead().is_empty());
        readers.spawn(async move {
            while partition.next_batch(10).await.is_some() {}
            partition.hand_over(0, ahead_of(partition.number()));
        });
    }
    let mut second = kafka.join();
    let next = tokio::time::timeout(PATIENCE, second.next_partition()).await.expect("in time");
    let partition = next.expect("given");
    let (found, said) = (partition.found_ahead(), ahead_of(partition.number()));
    let told = (0..4_100).filter(|offset| found.contains(*offset)).collect::<Vec<_>>();
    assert!(told.iter().all(|offset| said.contains(*offset)));
    assert!((500..2_000).contains(&told.len()), "as much as Kafka has room for: {}", told.len());
    drop(partition);
    second.close().await;
    first.close().await;
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_producer_has_written_to_every_partition() {
    let kafka = Kafka::fresh().await;
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    kafka.producer.warm_up(PATIENCE).await.expect("warm");
    let seen = reader.until_count(4).await;
    let partitions: std::collections::BTreeSet<i32> = seen.records.iter().map(|(of, _)| *of).collect();
    assert_eq!(partitions.len(), 4);
    assert!(seen.records.iter().all(|(_, record)| record.value.is_empty() && record.published_at_ms > 0));
    reader.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_are_noticed() {
    let kafka = Kafka::fresh().await;
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    reader.until("all partitions", |seen| seen.held.len() == 4).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers()).create().expect("made");
    let more = NewPartitions::new(&kafka.settings.topic, 6);
    admin.create_partitions(&[more], &AdminOptions::new()).await.expect("answers")[0]
        .as_ref()
        .expect("added");
    reader.until("the new partitions", |seen| seen.held.len() == 6).await;
    reader.close().await;
}

/// The only copy is gone, or a job was away for longer than records are kept: what was acknowledged is passed over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kafka_loses_is_missed_by_nobody_who_reads() {
    let kafka = Kafka::fresh().await;
    let publish = async |number: i32| {
        kafka.producer.publish(vec![record("k", number)], PATIENCE).await.expect("acknowledged");
    };
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    publish(1).await;
    reader.until_count(1).await;
    reader.close().await;
    publish(2).await;
    publish(3).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers()).create().expect("made");
    let mut all = TopicPartitionList::new();
    for number in 0..4 {
        all.add_partition_offset(&kafka.settings.topic, number, Offset::End).expect("an offset");
    }
    admin.delete_records(&all, &AdminOptions::new()).await.expect("deleted");
    publish(4).await;
    let mut reader = Reader::start(kafka.join(), Mark::Done);
    let seen = reader.until("the last", |seen| seen.values_of("k").contains(&"4".to_owned())).await;
    assert_eq!(seen.values_of("k"), ["4"]);
    reader.close().await;
}

#[tokio::test]
async fn without_brokers_publishing_waits_then_refuses() {
    let settings = Settings {
        // Nothing listens on the discard port here.
        brokers: "127.0.0.1:9".to_owned(),
        unacked_records_max: 10,
        request_timeout_ms: 1_000,
        ..Settings::default()
    };
    let producer = KafkaProducer::connect(&settings).expect("needs no broker");
    let records = (0..8).map(|number| record("k", number)).collect::<Vec<_>>();
    let refused = producer.publish(records.clone(), Duration::from_millis(200)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(producer.publish(records, PATIENCE).await, Err(Error::Full), "eight are still on their way");
    assert!(matches!(producer.check().await, Err(Error::Unavailable(_))));
    assert!(matches!(ensure_topics(&settings).await, Err(Error::Unavailable(_))));
    let mut consumer = KafkaConsumer::join(&settings).expect("needs no broker");
    let waited = tokio::time::timeout(Duration::from_millis(300), consumer.next_partition()).await;
    assert!(waited.is_err(), "an outage makes it wait, not end");
    tokio::time::timeout(PATIENCE, consumer.close()).await.expect("leaves all the same");
}
