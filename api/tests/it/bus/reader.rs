//! A consumer that reads all it is given and remembers it.

use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::{Consumed, Consumer};
use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::PATIENCE;

/// What a [`Reader`] saw.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Records in the order they were read, with their partition.
    pub(super) records: Vec<(i32, Consumed)>,
    /// Partitions held now.
    pub(super) held: Vec<i32>,
}

impl Seen {
    pub(super) fn values_of(&self, key: &str) -> Vec<String> {
        let of_key = self.records.iter().filter(|(_, record)| record.key == key);
        of_key.map(|(_, record)| String::from_utf8(record.value.to_vec()).expect("text")).collect()
    }
}

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Done,
    Nothing,
}

pub(super) struct Reader {
    seen: watch::Receiver<Seen>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Box<dyn Consumer>>,
}

impl Reader {
    pub(super) fn start(mut consumer: Box<dyn Consumer>, mark: Mark) -> Self {
        let (sender, seen) = watch::channel(Seen::default());
        let sender = Arc::new(Mutex::new(sender));
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut partitions = JoinSet::new();
            loop {
                let next = tokio::select! {
                    next = consumer.next_partition() => next,
                    _ = &mut stopped => break,
                };
                let Some(mut partition) = next else { break };
                let sender = sender.clone();
                sender.lock().await.send_modify(|seen| seen.held.push(partition.number()));
                partitions.spawn(async move {
                    let number = partition.number();
                    while let Some(batch) = partition.next_batch(100).await {
                        assert!(!batch.is_empty() && batch.len() <= 100);
                        let last = batch.last().expect("not empty").offset;
                        // First, so that whoever saw a record may close.
                        if mark == Mark::Done {
                            partition.done(last);
                        }
                        sender.lock().await.send_modify(|seen| {
                            seen.records.extend(batch.into_iter().map(|record| (number, record)));
                        });
                    }
                    sender.lock().await.send_modify(|seen| {
                        let place = seen.held.iter().position(|&held| held == number).expect("held");
                        seen.held.remove(place);
                    });
                });
            }
            consumer
        });
        Self { seen, stop: Some(stop), task }
    }

    /// Waits until what was seen satisfies the condition.
    pub(super) async fn until(&mut self, what: &str, condition: impl FnMut(&Seen) -> bool) -> Seen {
        if let Ok(seen) = tokio::time::timeout(PATIENCE, self.seen.wait_for(condition)).await {
            return seen.expect("reader runs").clone();
        }
        let seen = self.seen.borrow();
        panic!("never: {what}; {} records, holding {:?}", seen.records.len(), seen.held)
    }

    pub(super) async fn until_count(&mut self, count: usize) -> Seen {
        self.until(&format!("{count} records"), |seen| seen.records.len() >= count).await
    }

    /// Sees nothing more for a while.
    pub(super) async fn stays_at(&mut self, count: usize) {
        let more = tokio::time::timeout(
            Duration::from_millis(300),
            self.seen.wait_for(|seen| seen.records.len() > count),
        );
        assert!(more.await.is_err(), "saw more than {count}");
    }

    async fn stop(mut self) -> Box<dyn Consumer> {
        self.stop.take().expect("once").send(()).ok();
        self.task.await.expect("reader ends")
    }

    /// Leaves the group in good order.
    pub(super) async fn close(self) {
        self.stop().await.close().await;
    }

    /// Lets go of the consumer without a word.
    pub(super) async fn drop_it(self) {
        drop(self.stop().await);
    }
}
