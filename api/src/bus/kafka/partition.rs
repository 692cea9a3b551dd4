//! One partition held by this member, read from its own librdkafka queue.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use tokio::sync::Notify;
use tonic::async_trait;

use super::TRACEPARENT;
use super::consumer::Rebalances;
use crate::bus::{Consumed, DoneAhead, Partition};

/// One generation of a partition: shared by its reader and the thread that
/// serves the group.
pub(super) struct Hold {
    number: i32,
    /// `None` once the partition was taken away.
    queue: Mutex<Option<PartitionQueue<Rebalances>>>,
    /// Told when the queue is no longer empty, or gone.
    arrived: Arc<Notify>,
    /// Everything before this offset is done.
    done_before: AtomicI64,
    /// … and known to be committed.
    stored_before: AtomicI64,
    /// What the reader before did behind what it committed.
    found: Mutex<DoneAhead>,
    /// What this one did behind that offset: its last word.
    handed_over: Mutex<Option<(i64, DoneAhead)>>,
    /// No reader has it: not yet, or no longer.
    free: Mutex<bool>,
    freed: Condvar,
}

/// What a look at the queue found.
enum Look {
    Records(Vec<Consumed>),
    Empty,
    Gone,
}

impl Hold {
    pub(super) fn new(number: i32, mut queue: PartitionQueue<Rebalances>) -> Arc<Self> {
        let arrived = Arc::new(Notify::new());
        let told = arrived.clone();
        queue.set_nonempty_callback(move || told.notify_one());
        Arc::new(Self {
            number,
            queue: Mutex::new(Some(queue)),
            arrived,
            done_before: AtomicI64::new(NOTHING),
            stored_before: AtomicI64::new(NOTHING),
            found: Mutex::default(),
            handed_over: Mutex::default(),
            free: Mutex::new(true),
            freed: Condvar::new(),
        })
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    /// The partition was taken away.
    pub(super) fn end(&self) {
        drop(self.queue.lock().take());
        self.arrived.notify_one();
    }

    /// A reader has it until its [`KafkaPartition`] is dropped.
    pub(super) fn read(self: Arc<Self>) -> KafkaPartition {
        *self.free.lock() = false;
        KafkaPartition { hold: self }
    }

    /// Waits until no reader has it; tells whether that came about.
    pub(super) fn wait_free(&self, deadline: Instant) -> bool {
        let mut free = self.free.lock();
        while !*free {
            if self.freed.wait_until(&mut free, deadline).timed_out() {
                return *free;
            }
        }
        true
    }

    /// Before it is given to a reader.
    pub(super) fn found(&self, ahead: DoneAhead) {
        *self.found.lock() = ahead;
    }

    /// The last word of its reader, when it is still true of what was done.
    pub(super) fn handed_over(&self) -> Option<(i64, DoneAhead)> {
        self.handed_over.lock().clone().filter(|(before, _)| Some(*before) >= self.done())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.queue.lock().is_none()
    }

    /// The offset before which everything is done, if anything is.
    pub(super) fn done(&self) -> Option<i64> {
        Some(self.done_before.load(Ordering::Acquire)).filter(|before| *before > NOTHING)
    }

    /// The same, when it is further than what was stored.
    pub(super) fn to_commit(&self) -> Option<i64> {
        self.done().filter(|before| *before > self.stored_before.load(Ordering::Acquire))
    }

    pub(super) fn stored(&self, before: i64) {
        self.stored_before.fetch_max(before, Ordering::AcqRel);
    }

    fn look(&self, max: usize) -> Look {
        let queue = self.queue.lock();
        let Some(queue) = queue.as_ref() else { return Look::Gone };
        let mut records = Vec::new();
        while records.len() < max {
            match queue.poll(Duration::ZERO) {
                Some(Ok(message)) => records.push(consumed(&message)),
                // librdkafka goes on by itself after every error of a partition.
                Some(Err(error)) => tracing::warn!(partition = self.number, %error, "bus partition"),
                None => break,
            }
        }
        if records.is_empty() { Look::Empty } else { Look::Records(records) }
    }
}

/// Below every offset.
const NOTHING: i64 = -1;

fn consumed(message: &BorrowedMessage<'_>) -> Consumed {
    let traceparent = message.headers().and_then(|headers| {
        let header = headers.iter().find(|header| header.key == TRACEPARENT)?;
        String::from_utf8(header.value?.to_vec()).ok()
    });
    Consumed {
        offset: message.offset(),
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        value: bytes::Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        published_at_ms: message.timestamp().to_millis().unwrap_or(0),
        traceparent,
    }
}

/// The reader's end.
pub(super) struct KafkaPartition {
    hold: Arc<Hold>,
}

impl Drop for KafkaPartition {
    fn drop(&mut self) {
        *self.hold.free.lock() = true;
        self.hold.freed.notify_all();
    }
}

impl fmt::Debug for KafkaPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaPartition").field("number", &self.hold.number).finish_non_exhaustive()
    }
}

#[async_trait]
impl Partition for KafkaPartition {
    fn number(&self) -> i32 {
        self.hold.number
    }

    async fn next_batch(&mut self, max: usize) -> Option<Vec<Consumed>> {
        loop {
            match self.hold.look(max.max(1)) {
                Look::Records(records) => return Some(records),
                Look::Gone => return None,
                // One permit is kept, so an arrival since the look ends this.
                Look::Empty => self.hold.arrived.notified().await,
            }
        }
    }

    fn done(&mut self, offset: i64) {
        self.hold.done_before.fetch_max(offset.saturating_add(1), Ordering::AcqRel);
    }

    fn found_ahead(&self) -> DoneAhead {
        self.hold.found.lock().clone()
    }

    fn hand_over(&mut self, before: i64, ahead: DoneAhead) {
        *self.hold.handed_over.lock() = Some((before, ahead));
    }
}
