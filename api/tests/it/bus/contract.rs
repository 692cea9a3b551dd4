//! What every bus does.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use oort_api::bus::{DoneAhead, Error, Letters, Record};

use super::reader::{Mark, Reader};
use super::{Bus, PATIENCE, record};

pub(super) async fn keys_keep_their_order(bus: &impl Bus) {
    let mut reader = Reader::start(bus.join(), Mark::Done);
    for batch in 0..20 {
        let records = (0..100).map(|number| Record {
            traceparent: Some(format!("00-{number}")),
            ..record(number % 25, batch * 100 + number)
        });
        bus.producer().publish(records.collect(), PATIENCE).await.expect("published");
    }
    let seen = reader.until_count(2000).await;
    assert_eq!(seen.records.len(), 2000);
    for key in 0..25 {
        let values: Vec<u32> =
            seen.values_of(&key.to_string()).iter().map(|value| value.parse().expect("number")).collect();
        assert_eq!(values.len(), 80);
        assert!(values.is_sorted(), "key {key}: {values:?}");
    }
    for partition in 0..4 {
        let offsets: Vec<i64> =
            seen.records.iter().filter(|(of, _)| *of == partition).map(|(_, record)| record.offset).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b), "partition {partition}");
        assert!(!offsets.is_empty(), "keys spread over the partitions");
    }
    for (_, record) in &seen.records {
        let number: u32 = std::str::from_utf8(&record.value).expect("text").parse().expect("number");
        assert_eq!(record.traceparent, Some(format!("00-{}", number % 100)));
    }
    reader.close().await;
}

pub(super) async fn overlapping_publishes_keep_their_order(bus: &impl Bus) {
    let mut reader = Reader::start(bus.join(), Mark::Done);
    let producer = bus.producer();
    // `join_all` polls them first in this order.
    let publishes = (0..100).map(|number| {
        let records = vec![record("k", number * 2), record("k", number * 2 + 1)];
        producer.publish(records, PATIENCE)
    });
    for result in join_all(publishes).await {
        result.expect("published");
    }
    let seen = reader.until_count(200).await;
    let wanted: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(seen.values_of("k"), wanted);
    reader.close().await;
}

pub(super) async fn a_group_shares_and_rebalances(bus: &impl Bus) {
    let mut first = Reader::start(bus.join(), Mark::Done);
    first.until("all partitions", |seen| seen.held.len() == 4).await;
    let mut second = Reader::start(bus.join(), Mark::Done);
    let seconds = second.until("half of them", |seen| seen.held.len() == 2).await.held;
    let firsts = first.until("the other half", |seen| seen.held.len() == 2).await.held;
    let together: BTreeSet<i32> = firsts.iter().chain(&seconds).copied().collect();
    assert_eq!(together.len(), 4, "{firsts:?} {seconds:?}");

    let keys = (0..200).map(|key| record(key, key)).collect();
    bus.producer().publish(keys, PATIENCE).await.expect("published");
    let mut count_of_first = 0;
    first
        .until("its share", |seen| {
            count_of_first = seen.records.len();
            count_of_first > 20
        })
        .await;
    second.until("its share", |seen| seen.records.len() > 20).await;
    second.close().await;
    first.until("all partitions again", |seen| seen.held.len() == 4).await;
    let keys = (0..200).map(|key| record(key, "again")).collect();
    bus.producer().publish(keys, PATIENCE).await.expect("published");
    first
        .until("everything", |seen| {
            seen.records.iter().filter(|(_, record)| record.value == "again").count() == 200
        })
        .await;
    first.close().await;
}

pub(super) async fn what_was_not_done_is_read_again(bus: &impl Bus) {
    let mut first = Reader::start(bus.join(), Mark::Nothing);
    let records = (0..40).map(|key| record(key, key)).collect();
    bus.producer().publish(records, PATIENCE).await.expect("published");
    first.until_count(40).await;
    first.drop_it().await;
    let mut second = Reader::start(bus.join(), Mark::Done);
    second.until_count(40).await;
    second.close().await;
    let mut third = Reader::start(bus.join(), Mark::Done);
    third.until("all partitions", |seen| seen.held.len() == 4).await;
    third.stays_at(0).await;
    third.close().await;
}

pub(super) async fn what_was_done_stays_done(bus: &impl Bus) {
    let producer = bus.producer();
    let records = (0..10).map(|number| record("k", number)).collect();
    producer.publish(records, PATIENCE).await.expect("published");
    {
        let mut consumer = bus.join();
        // The key's partition is one of the four given.
        let mut partitions = Vec::new();
        for _ in 0..4 {
            let next = tokio::time::timeout(PATIENCE, consumer.next_partition()).await.expect("in time");
            partitions.push(next.expect("given"));
        }
        let reads = partitions.iter_mut().map(|partition| async {
            let mut taken = Vec::new();
            while taken.len() < 10 {
                let batch = partition.next_batch(3).await.expect("held");
                assert!(batch.len() <= 3);
                taken.extend(batch);
            }
            partition.done(taken[6].offset);
        });
        let (_, _, _rest) =
            tokio::time::timeout(PATIENCE, futures_util::future::select_all(reads.map(Box::pin)))
                .await
                .expect("in time");
        consumer.close().await;
    }
    let mut again = Reader::start(bus.join(), Mark::Nothing);
    let seen = again.until_count(3).await;
    assert_eq!(seen.values_of("k"), ["7", "8", "9"]);
    again.close().await;
}

/// Also when nothing was done before it, and when nobody read it meanwhile.
pub(super) async fn what_was_done_ahead_is_told(bus: &impl Bus) {
    let producer = bus.producer();
    let records = (0..10).map(|number| record("k", number)).collect();
    producer.publish(records, PATIENCE).await.expect("published");
    let mut ahead = DoneAhead::default();
    for round in 0..3 {
        let mut consumer = bus.join();
        let mut partitions = Vec::new();
        for _ in 0..4 {
            let next = tokio::time::timeout(PATIENCE, consumer.next_partition()).await.expect("in time");
            partitions.push(next.expect("given"));
        }
        // The key's partition is one of the four given.
        let reads = partitions.iter_mut().map(|partition| async {
            let batch = partition.next_batch(10).await.expect("held");
            (partition, batch)
        });
        let reads = futures_util::future::select_all(reads.map(Box::pin));
        let ((partition, batch), _, _rest) = tokio::time::timeout(PATIENCE, reads).await.expect("in time");
        let first = batch[0].offset;
        let found = partition.found_ahead();
        for offset in first..first + 20 {
            assert_eq!(found.contains(offset), ahead.contains(offset), "{offset} in round {round}");
        }
        match round {
            0 => {
                [2, 3, 5].iter().for_each(|place| ahead.push(first + place));
                partition.hand_over(first, ahead.clone());
            }
            // As one that does nothing.
            1 => {}
            _ => {
                partition.done(first + 3);
                ahead = DoneAhead::default();
                ahead.push(first + 5);
                partition.hand_over(first + 4, ahead.clone());
            }
        }
        consumer.close().await;
    }
    let mut again = Reader::start(bus.join(), Mark::Nothing);
    let seen = again.until_count(6).await;
    assert_eq!(seen.values_of("k"), ["4", "5", "6", "7", "8", "9"], "it is read all the same");
    again.close().await;
}

pub(super) async fn large_batches_arrive_whole(bus: &impl Bus) {
    let mut reader = Reader::start(bus.join(), Mark::Done);
    let value = Bytes::from(vec![7_u8; 2000]);
    for batch in 0..4 {
        let records =
            (0..2500).map(|number| Record { value: value.clone(), ..record(batch * 2500 + number, "") });
        bus.producer().publish(records.collect(), PATIENCE).await.expect("published");
    }
    let seen = reader.until_count(10_000).await;
    let keys: BTreeSet<&str> = seen.records.iter().map(|(_, record)| record.key.as_str()).collect();
    assert_eq!(keys.len(), 10_000);
    assert!(seen.records.iter().all(|(_, record)| record.value == value));
    reader.close().await;
}

pub(super) async fn too_large_is_refused(bus: &impl Bus) {
    let producer = bus.producer();
    let huge = Record { value: Bytes::from(vec![0_u8; 2 << 20]), ..record("k", "") };
    let result = producer.publish(vec![record("k", 1), huge, record("k", 2)], PATIENCE).await;
    assert_eq!(result, Err(Error::TooLarge { bytes: 2 << 20 }));
    let mut reader = Reader::start(bus.join(), Mark::Done);
    producer.publish(vec![record("k", 3)], PATIENCE).await.expect("goes on");
    let seen = reader.until_count(1).await;
    assert_eq!(seen.values_of("k"), ["3"], "none of a refused publish arrives");
    reader.close().await;
}

pub(super) async fn a_slow_partition_blocks_no_other(bus: &impl Bus) {
    let mut consumer = bus.join();
    let mut partitions = Vec::new();
    for _ in 0..4 {
        let next = tokio::time::timeout(PATIENCE, consumer.next_partition()).await.expect("in time");
        partitions.push(next.expect("given"));
    }
    let slow = partitions.remove(0);
    let producer = bus.producer();
    // Far more than is fetched ahead of one reader.
    for batch in 0..10 {
        let records = (0..400).map(|key| record(key, format!("{batch}:{}", "x".repeat(500))));
        producer.publish(records.collect(), PATIENCE).await.expect("published");
    }
    let keys = |batch: &[oort_api::bus::Consumed]| batch.len();
    let mut counts = [0_usize; 3];
    let reads = partitions.iter_mut().zip(&mut counts).map(|(partition, count)| async move {
        // Ends when nothing came for a while after something did.
        while let Ok(batch) = tokio::time::timeout(Duration::from_secs(2), partition.next_batch(1000)).await {
            let batch = batch.expect("held");
            *count += keys(&batch);
            partition.done(batch.last().expect("not empty").offset);
        }
    });
    join_all(reads).await;
    let mut slow = slow;
    let mut slow_count = 0;
    while counts.iter().sum::<usize>() + slow_count < 4000 {
        let batch =
            tokio::time::timeout(PATIENCE, slow.next_batch(1000)).await.expect("in time").expect("held");
        slow_count += batch.len();
    }
    assert!(slow_count >= 400 && counts.iter().all(|&count| count >= 400), "{counts:?} {slow_count}");
    assert_eq!(counts.iter().sum::<usize>() + slow_count, 4000);
    consumer.close().await;
}

pub(super) async fn dead_letters_are_kept_apart(bus: &impl Bus) {
    let producer = bus.producer();
    let poison = Record { traceparent: Some("00-1".to_owned()), ..record("k", "poison") };
    producer.publish_dead_letter(poison.clone(), "does not decode", PATIENCE).await.expect("published");
    producer.publish(vec![record("k", "healthy")], PATIENCE).await.expect("published");
    let mut reader = Reader::start(bus.join(), Mark::Done);
    assert_eq!(reader.until_count(1).await.values_of("k"), ["healthy"]);
    reader.stays_at(1).await;
    assert_eq!(bus.dead_letter().await, (poison, "does not decode".to_owned()));
    producer.check().await.expect("answers");
    reader.close().await;
}

pub(super) async fn dead_letters_are_read_page_by_page(bus: &impl Bus) {
    let (producer, letters) = (bus.producer(), bus.letters());
    assert_eq!(letters.read(None, 10).await, Ok(Letters::default()));
    for number in 0..5 {
        let reason = format!("reason {number}");
        producer.publish_dead_letter(record("k", number), &reason, PATIENCE).await.expect("published");
    }
    let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = letters.read(after, 2).await.expect("read");
        assert!((1..=2).contains(&page.letters.len()), "{page:?}");
        after = page.letters.last().map(|letter| letter.place);
        pages += 1;
        seen.extend(page.letters);
        if !page.has_more {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (5, 3));
    assert!(seen.iter().is_sorted_by_key(|letter| letter.place));
    for (number, letter) in seen.iter().enumerate() {
        assert_eq!(letter.record, record("k", number));
        assert_eq!(letter.reason, format!("reason {number}"));
        assert!(letter.at_ms > 0);
    }
    assert_eq!(letters.read(after, 2).await, Ok(Letters::default()), "nothing is behind the last");
    assert_eq!(letters.read(None, 100).await.expect("read").letters, seen, "nothing was taken");
}

pub(super) async fn a_closed_consumer_gives_no_partitions(bus: &impl Bus) {
    let mut consumer = bus.join();
    let next = tokio::time::timeout(PATIENCE, consumer.next_partition()).await.expect("in time");
    let mut partition = next.expect("given");
    consumer.close().await;
    assert!(consumer.next_partition().await.is_none());
    assert_eq!(tokio::time::timeout(PATIENCE, partition.next_batch(1)).await, Ok(None));
    // Too late to count.
    partition.done(0);
}
