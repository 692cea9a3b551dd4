//! A member of the group: one thread that serves rebalances and commits.
//! Records do not pass through it; they go from librdkafka's queue of their
//! partition straight to its reader, who is woken as they arrive.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{Notify, oneshot};
use tonic::async_trait;

use super::Settings;
use super::commits::{commit_and_wait, find_ahead, store};
use super::partition::Hold;
use crate::bus::{Consumer, Error, Partition};

/// A member of the consumer group. Dropping it leaves the group in the
/// background; [`Consumer::close`] waits for that.
pub struct KafkaConsumer {
    member: Arc<Member>,
    left: Option<oneshot::Receiver<()>>,
    close_patience: Duration,
}

/// What the thread, librdkafka's callbacks and the readers share.
pub(super) struct Member {
    topic: String,
    consumer: OnceLock<Weak<BaseConsumer<Rebalances>>>,
    holds: Mutex<HashMap<i32, Arc<Hold>>>,
    /// Partitions given and not yet fetched by `next_partition`; at most as
    /// many as the topic has, ended ones aside.
    given: Mutex<VecDeque<Arc<Hold>>>,
    told: Notify,
    /// How long the readers of partitions taken away may finish what they have.
    handover: Duration,
    /// It is to leave, or has left.
    leaving: AtomicBool,
}

/// librdkafka's callbacks, called on the thread of [`serve`].
pub(super) struct Rebalances {
    member: Arc<Member>,
}

impl ClientContext for Rebalances {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "bus consumer");
    }
}

impl ConsumerContext for Rebalances {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.member.prepare(partitions),
            Rebalance::Revoke(partitions) => self.member.revoke(consumer, partitions),
            Rebalance::Error(error) => tracing::error!(%error, "bus rebalance"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            self.member.give(consumer, partitions);
        }
    }
}

impl Member {
    /// Splits the partitions' queues off before their first record can come,
    /// so none takes the way of the group's events.
    fn prepare(&self, partitions: &TopicPartitionList) {
        let Some(consumer) = self.consumer.get().and_then(Weak::upgrade) else { return };
        for element in partitions.elements() {
            let number = element.partition();
            match consumer.split_partition_queue(&self.topic, number) {
                Some(queue) => {
                    if let Some(before) = self.holds.lock().insert(number, Hold::new(number, queue)) {
                        before.end();
                    }
                }
                None => tracing::error!(partition = number, "no queue for a partition"),
            }
        }
    }

    fn give(&self, consumer: &BaseConsumer<Rebalances>, partitions: &TopicPartitionList) {
        let (new, held) = {
            let holds = self.holds.lock();
            let elements = partitions.elements();
            let new = elements.iter().filter_map(|element| holds.get(&element.partition()).cloned());
            (new.collect::<Vec<_>>(), holds.len())
        };
        find_ahead(consumer, &self.topic, new.iter(), self.handover);
        let mut given = self.given.lock();
        given.retain(|hold| !hold.has_ended());
        given.extend(new);
        tracing::info!(given = partitions.count(), held, "bus partitions given");
        self.told.notify_one();
    }

    fn revoke(&self, consumer: &BaseConsumer<Rebalances>, partitions: &TopicPartitionList) {
        let ended: Vec<Arc<Hold>> = {
            let mut holds = self.holds.lock();
            partitions.elements().iter().filter_map(|element| holds.remove(&element.partition())).collect()
        };
        let lost = consumer.assignment_lost();
        tracing::info!(taken = ended.len(), lost, "bus partitions taken away");
        ended.iter().for_each(|hold| hold.end());
        if !lost {
            self.commit_the_last(consumer, &ended);
        }
    }

    /// Has the readers of these partitions finish what they have, and commits it.
    fn commit_the_last(&self, consumer: &BaseConsumer<Rebalances>, ended: &[Arc<Hold>]) {
        let deadline = Instant::now() + self.handover;
        let late = ended.iter().filter(|hold| !hold.wait_free(deadline)).count();
        if late > 0 {
            tracing::warn!(late, "readers were not done in time; their next ones repeat some records");
        }
        commit_and_wait(consumer, &self.topic, ended.iter());
    }

    fn end_all(&self) -> Vec<Arc<Hold>> {
        let ended: Vec<Arc<Hold>> = self.holds.lock().drain().map(|(_, hold)| hold).collect();
        ended.iter().for_each(|hold| hold.end());
        ended
    }
}

impl KafkaConsumer {
    /// Joins the group; the brokers need not be up.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work.
    pub fn join(settings: &Settings) -> Result<Box<dyn Consumer>, Error> {
        settings.checked()?;
        let unusable = |error: KafkaError| Error::Config(error.to_string());
        let member = Arc::new(Member {
            topic: settings.topic.clone(),
            consumer: OnceLock::new(),
            holds: Mutex::default(),
            given: Mutex::default(),
            told: Notify::new(),
            handover: Duration::from_millis(settings.handover_ms.into()),
            leaving: AtomicBool::new(false),
        });
        let rebalances = Rebalances { member: member.clone() };
        let consumer = BaseConsumer::from_config_and_context(&settings.consumer(), rebalances);
        let consumer = Arc::new(consumer.map_err(unusable)?);
        member.consumer.get_or_init(|| Arc::downgrade(&consumer));
        consumer.subscribe(&[&settings.topic]).map_err(unusable)?;
        let (left_sender, left) = oneshot::channel();
        let store_interval = Duration::from_millis(settings.commit_interval_ms.into());
        let served = member.clone();
        std::thread::Builder::new()
            .name("bus-consumer".to_owned())
            .spawn(move || {
                serve(consumer, &served, store_interval);
                // Nobody listens when the consumer was dropped, not closed.
                left_sender.send(()).ok();
            })
            .map_err(|error| Error::Config(format!("no thread for the consumer: {error}")))?;
        Ok(Box::new(Self { member, left: Some(left), close_patience: settings.request_timeout() }))
    }
}

/// Serves the group until the member is to leave, then leaves.
fn serve(consumer: Arc<BaseConsumer<Rebalances>>, member: &Member, store_interval: Duration) {
    let mut store_at = Instant::now() + store_interval;
    while !member.leaving.load(Ordering::Acquire) {
        let wait = store_at.saturating_duration_since(Instant::now()).min(LEAVING_NOTICED_WITHIN);
        match consumer.poll(wait) {
            None => {}
            Some(Ok(message)) => {
                // Queues are split before a partition is assigned, so this is
                // not to happen; if it does, the record is read again.
                let offset = Offset::Offset(message.offset());
                let again = consumer.seek(message.topic(), message.partition(), offset, Duration::ZERO);
                tracing::error!(partition = message.partition(), ?again, "record beside its queue");
            }
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                tracing::error!(%code, "bus consumer is broken");
                break;
            }
            // Outages among them: librdkafka goes on trying by itself.
            Some(Err(error)) => tracing::warn!(%error, "bus consumer"),
        }
        if Instant::now() >= store_at {
            store(&consumer, &member.topic, &member.holds.lock());
            store_at = Instant::now() + store_interval;
        }
    }
    member.leaving.store(true, Ordering::Release);
    member.commit_the_last(&consumer, &member.end_all());
    member.told.notify_one();
    // The last reference: leaves the group.
    drop(consumer);
}

/// How often the thread looks whether the member is to leave.
const LEAVING_NOTICED_WITHIN: Duration = Duration::from_millis(50);

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConsumer").field("topic", &self.member.topic).finish_non_exhaustive()
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.member.leaving.store(true, Ordering::Release);
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn next_partition(&mut self) -> Option<Box<dyn Partition>> {
        loop {
            if self.member.leaving.load(Ordering::Acquire) {
                return None;
            }
            let given = {
                let mut given = self.member.given.lock();
                given.retain(|hold| !hold.has_ended());
                given.pop_front()
            };
            if let Some(hold) = given {
                return Some(Box::new(hold.read()));
            }
            self.member.told.notified().await;
        }
    }

    async fn close(&mut self) {
        self.member.leaving.store(true, Ordering::Release);
        if let Some(left) = self.left.take()
            && tokio::time::timeout(self.close_patience, left).await.is_err()
        {
            tracing::warn!("left the bus without its answer");
        }
    }
}
