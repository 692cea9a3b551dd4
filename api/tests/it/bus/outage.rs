//! Order over an outage, with librdkafka's own mock brokers.

use std::time::Duration;

use oort_api::bus::Error;
use oort_api::bus::kafka::{KafkaConsumer, KafkaProducer, Settings};
use rdkafka::mocking::MockCluster;

use super::reader::{Mark, Reader};
use super::{PATIENCE, record};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_keep_their_order_over_an_outage() {
    let cluster = MockCluster::new(1).expect("starts");
    let settings = Settings {
        brokers: cluster.bootstrap_servers(),
        reconnect_max_ms: 100,
        request_timeout_ms: 1_000,
        ..Settings::default()
    };
    cluster.create_topic(&settings.topic, 2, 1).expect("created");
    let producer = KafkaProducer::connect(&settings).expect("made");
    let mut reader = Reader::start(KafkaConsumer::join(&settings).expect("joins"), Mark::Done);
    let batch = |from: u32| (from..from + 10).map(|number| record("k", number)).collect::<Vec<_>>();
    producer.publish(batch(0), PATIENCE).await.expect("published");
    reader.until_count(10).await;

    cluster.broker_down(1).expect("down");
    let lost_patience = producer.publish(batch(10), Duration::from_millis(300)).await;
    assert!(matches!(lost_patience, Err(Error::Unavailable(_))), "{lost_patience:?}");
    let waits = producer.publish(batch(20), PATIENCE);
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cluster.broker_up(1).expect("up");
    };
    let (waited, ()) = tokio::join!(waits, back);
    waited.expect("published once it is back");
    // The publisher that lost patience tries again.
    producer.publish(batch(10), PATIENCE).await.expect("published");

    let seen = reader.until_count(40).await;
    let numbers: Vec<u32> = seen.values_of("k").iter().map(|value| value.parse().expect("number")).collect();
    let wanted: Vec<u32> = (0..30).chain(10..20).collect();
    assert_eq!(numbers, wanted);
    reader.close().await;
}
