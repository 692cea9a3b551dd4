//! The bus: it keeps what it has, in order, and how far the group's readers said they are, when that was committed.
//!
//! A publish stands in its producer's line until the bus takes it; one whose patience ends may still be taken. Offsets are
//! stored by `done` and committed now and then, so a reader that dies repeats. A partition changes hands when its reader
//! lets go of it, or a bounded time later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use oort_api::bus::{Consumed, Consumer, DoneAhead, Error, Partition, Producer, Record};
use oort_api::clock::now_ms;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::async_trait;

use crate::dice;
use crate::life::Life;

/// Between two commits of what was done.
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);
/// A reader that does not let go has so long.
const HANDOVER: Duration = Duration::from_secs(2);

/// The bus of a run.
#[derive(Debug)]
pub(crate) struct Bus {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    partitions: Vec<Log>,
    members: BTreeMap<u64, Life>,
    named: u64,
    is_down: bool,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<Consumed>,
    /// The next offset to read: what was done, and what of it survives.
    stored: i64,
    committed: i64,
    /// What is done behind the offset committed when it changed hands.
    ahead: DoneAhead,
    owner: Option<u64>,
    /// Who reads, or still holds what it read.
    reader: Option<u64>,
    /// The owner is new: the reader's time is over then.
    handover_until: Option<Instant>,
}

impl Bus {
    pub(crate) fn new(partitions: usize) -> Arc<Self> {
        let partitions = (0..partitions).map(|_| Log::default()).collect();
        let state = State { partitions, members: BTreeMap::new(), named: 0, is_down: false };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    /// Commits what was done, for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            sleep(COMMIT_INTERVAL).await;
            let mut state = self.state.lock();
            let State { partitions, members, is_down, .. } = &mut *state;
            // What a reader did shortly before it died is not committed by anybody.
            let lives = |reader: u64| members.get(&reader).is_some_and(|life| !life.is_over());
            for log in partitions.iter_mut().filter(|log| !*is_down && log.reader.is_none_or(lives)) {
                log.committed = log.stored;
            }
        }
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.state.lock().is_down = is_down;
        self.changed.notify_waiters();
    }

    fn is_down(&self) -> bool {
        self.state.lock().is_down
    }

    /// The writing side of one incarnation.
    pub(crate) fn producer(self: &Arc<Self>, life: &Life) -> Arc<dyn Producer> {
        let line = Arc::new(Line::default());
        tokio::spawn(pump(Arc::clone(self), Arc::clone(&line), life.clone()));
        Arc::new(Writer { line, life: life.clone() })
    }

    /// A new member of the group.
    pub(crate) fn consumer(self: &Arc<Self>, life: &Life) -> Box<dyn Consumer> {
        let mut state = self.state.lock();
        state.named += 1;
        let member = state.named;
        state.members.insert(member, life.clone());
        state.rebalance();
        drop(state);
        self.changed.notify_waiters();
        Box::new(Member { bus: Arc::clone(self), member, life: life.clone() })
    }

    /// A member that died is missed.
    pub(crate) fn expel_the_dead(&self) {
        let mut state = self.state.lock();
        let State { partitions, members, .. } = &mut *state;
        for log in partitions.iter_mut() {
            let is_dead = |member: u64| members.get(&member).is_none_or(Life::is_over);
            if log.reader.is_some_and(is_dead) {
                // What it did and nobody committed is done again.
                log.stored = log.committed;
                log.reader = None;
            }
        }
        members.retain(|_, life| !life.is_over());
        state.rebalance();
        drop(state);
        self.changed.notify_waiters();
    }

    fn leave(&self, member: u64) {
        let mut state = self.state.lock();
        if state.members.remove(&member).is_some() {
            state.rebalance();
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn append(&self, records: Vec<Record>) {
        let mut state = self.state.lock();
        let count = state.partitions.len();
        for Record { key, value, traceparent } in records {
            let number = key.bytes().fold(0, |sum: usize, byte| sum * 31 + usize::from(byte)) % count;
            let log = &mut state.partitions[number];
            let offset = i64::try_from(log.records.len()).expect("small");
            log.records.push(Consumed { offset, key, value, published_at_ms: now_ms(), traceparent });
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

impl State {
    fn rebalance(&mut self) {
        let members: Vec<u64> = self.members.keys().copied().collect();
        for (number, log) in self.partitions.iter_mut().enumerate() {
            let owner = (!members.is_empty()).then(|| members[number % members.len()]);
            if log.owner != owner {
                log.owner = owner;
                log.handover_until = Some(Instant::now() + HANDOVER);
            }
        }
    }
}

#[derive(Debug)]
struct Member {
    bus: Arc<Bus>,
    member: u64,
    life: Life,
}

impl Member {
    /// A partition that is this member's and nobody else's any more; else when to look again.
    fn take(&self) -> Result<Option<Box<dyn Partition>>, Option<Instant>> {
        let mut state = self.bus.state.lock();
        if !state.members.contains_key(&self.member) {
            return Ok(None);
        }
        let mut again_at: Option<Instant> = None;
        for (number, log) in state.partitions.iter_mut().enumerate() {
            if log.owner != Some(self.member) || log.reader == Some(self.member) {
                continue;
            }
            let until = log.handover_until.filter(|_| log.reader.is_some());
            if let Some(until) = until.filter(|until| *until > Instant::now()) {
                again_at = Some(again_at.map_or(until, |at| at.min(until)));
                continue;
            }
            log.committed = log.stored;
            log.reader = Some(self.member);
            log.handover_until = None;
            let (next, found, member) = (log.stored, log.ahead.clone(), self.member);
            let (bus, life) = (Arc::clone(&self.bus), self.life.clone());
            return Ok(Some(Box::new(Reader { bus, number, member, next, found, life })));
        }
        Err(again_at)
    }
}

#[async_trait]
impl Consumer for Member {
    async fn next_partition(&mut self) -> Option<Box<dyn Partition>> {
        let bus = Arc::clone(&self.bus);
        self.life
            .guard(async {
                loop {
                    let mut changed = std::pin::pin!(bus.changed.notified());
                    changed.as_mut().enable();
                    let again_at = match self.take() {
                        Ok(given) => return given,
                        Err(again_at) => again_at,
                    };
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = sleep_until(again_at.unwrap_or_else(Instant::now)), if again_at.is_some() => {}
                    }
                }
            })
            .await
    }

    async fn close(&mut self) {
        self.bus.leave(self.member);
    }
}

#[derive(Debug)]
struct Reader {
    bus: Arc<Bus>,
    number: usize,
    member: u64,
    next: i64,
    found: DoneAhead,
    life: Life,
}

impl Reader {
    /// `None` = the partition was taken away.
    fn read(&mut self, max: usize) -> Option<Vec<Consumed>> {
        let state = self.bus.state.lock();
        let log = &state.partitions[self.number];
        if log.owner != Some(self.member) || log.reader != Some(self.member) {
            return None;
        }
        if state.is_down {
            return Some(Vec::new());
        }
        let from = usize::try_from(self.next).expect("not negative").min(log.records.len());
        let batch: Vec<Consumed> = log.records[from..].iter().take(max).cloned().collect();
        self.next += i64::try_from(batch.len()).expect("small");
        Some(batch)
    }
}

#[async_trait]
impl Partition for Reader {
    fn number(&self) -> i32 {
        i32::try_from(self.number).expect("small")
    }

    async fn next_batch(&mut self, max: usize) -> Option<Vec<Consumed>> {
        let (bus, life) = (Arc::clone(&self.bus), self.life.clone());
        life.guard(async {
            loop {
                let mut changed = std::pin::pin!(bus.changed.notified());
                changed.as_mut().enable();
                let batch = self.read(max)?;
                if !batch.is_empty() {
                    return Some(batch);
                }
                changed.await;
            }
        })
        .await
    }

    fn done(&mut self, offset: i64) {
        let mut state = self.bus.state.lock();
        let log = &mut state.partitions[self.number];
        if log.reader == Some(self.member) && !self.life.is_over() {
            log.stored = log.stored.max(offset + 1);
            // The commit that follows says nothing of what is behind it.
            log.ahead = DoneAhead::default();
        }
    }

    fn found_ahead(&self) -> DoneAhead {
        self.found.clone()
    }

    fn hand_over(&mut self, before: i64, ahead: DoneAhead) {
        let mut state = self.bus.state.lock();
        let log = &mut state.partitions[self.number];
        if log.reader == Some(self.member) && !self.life.is_over() {
            (log.stored, log.ahead) = (log.stored.max(before), ahead);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.life.is_over() {
            return;
        }
        let mut state = self.bus.state.lock();
        let log = &mut state.partitions[self.number];
        if log.reader == Some(self.member) {
            log.committed = log.stored;
            log.reader = None;
        }
        drop(state);
        self.bus.changed.notify_waiters();
    }
}

/// What one producer was given and the bus has not taken.
#[derive(Debug, Default)]
struct Line {
    waiting: Mutex<VecDeque<Publish>>,
    added: Notify,
}

#[derive(Debug)]
struct Publish {
    records: Vec<Record>,
    answer: oneshot::Sender<()>,
}

/// Takes what stands in the line, one after the other, while its process lives.
async fn pump(bus: Arc<Bus>, line: Arc<Line>, life: Life) {
    loop {
        let taken = life.guard(next(&bus, &line));
        let Some(Publish { records, answer }) = (tokio::select! {
            biased;
            () = life.ended() => None,
            taken = taken => Some(taken),
        }) else {
            return;
        };
        bus.append(records);
        sleep(dice::latency()).await;
        if !dice::chance(5) {
            // Its publisher may have lost patience.
            answer.send(()).ok();
        }
    }
}

async fn next(bus: &Bus, line: &Line) -> Publish {
    loop {
        let has_some = !line.waiting.lock().is_empty();
        if !has_some {
            line.added.notified().await;
            continue;
        }
        sleep(dice::latency()).await;
        while bus.is_down() {
            bus.changed.notified().await;
        }
        let front = line.waiting.lock().pop_front();
        if let Some(publish) = front {
            return publish;
        }
    }
}

#[derive(Debug)]
struct Writer {
    line: Arc<Line>,
    life: Life,
}

#[async_trait]
impl Producer for Writer {
    async fn publish(&self, records: Vec<Record>, patience: Duration) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.line.waiting.lock().push_back(Publish { records, answer });
        self.line.added.notify_one();
        match self.life.guard(timeout(patience, answered)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::Unavailable("the answer is lost".to_owned())),
            Err(_) => {
                // In half of all cases what nobody waits for any more never arrives.
                if dice::chance(500) {
                    self.line.waiting.lock().retain(|publish| !publish.answer.is_closed());
                }
                Err(Error::Unavailable("no answer in time".to_owned()))
            }
        }
    }

    async fn publish_dead_letter(
        &self,
        record: Record,
        reason: &str,
        _patience: Duration,
    ) -> Result<(), Error> {
        panic!("a dead letter: {reason}: {record:?}");
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
