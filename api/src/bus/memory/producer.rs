//! The writing side: a publish that finds a partition full stands in line.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::oneshot;
use tonic::async_trait;

use super::{MemoryBus, Shared, State};
use crate::bus::{Error, Producer, Record};

/// Publishes that wait for room, by ticket.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    next: u64,
    waiting: HashMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    records_left: usize,
    all_taken: oneshot::Sender<()>,
}

impl Tickets {
    /// One more record of this ticket was taken.
    pub(super) fn taken(&mut self, ticket: u64) {
        let Some(waiting) = self.waiting.get_mut(&ticket) else { return };
        waiting.records_left -= 1;
        if waiting.records_left == 0
            && let Some(waiting) = self.waiting.remove(&ticket)
        {
            // A publish that stopped waiting withdraws its ticket by itself.
            waiting.all_taken.send(()).ok();
        }
    }
}

/// A place in line; given back when dropped.
struct Place<'a> {
    shared: &'a Shared,
    ticket: u64,
    all_taken: oneshot::Receiver<()>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if state.tickets.waiting.remove(&self.ticket).is_none() {
            return;
        }
        let State { partitions, tickets, .. } = &mut *state;
        for (partition, log) in partitions.iter_mut().enumerate() {
            log.withdraw(self.ticket);
            if log.admit(&self.shared.settings, tickets) {
                self.shared.changed[partition].notify_waiters();
            }
        }
    }
}

impl Shared {
    /// Appends in order; what finds no room stands in line.
    fn enqueue(&self, records: Vec<Record>) -> Result<Option<Place<'_>>, Error> {
        if let Some(large) = records.iter().find(|record| record.value.len() > self.settings.record_bytes_max)
        {
            return Err(Error::TooLarge { bytes: large.value.len() });
        }
        let targets: Vec<usize> = records.iter().map(|record| self.partition_of(&record.key)).collect();
        let mut state = self.state.lock();
        let State { partitions, tickets, .. } = &mut *state;
        if targets.iter().any(|&target| !partitions[target].line_takes(records.len(), &self.settings)) {
            return Err(Error::Full);
        }
        let ticket = tickets.next;
        tickets.next += 1;
        let mut records_left = 0;
        for (record, &target) in records.into_iter().zip(&targets) {
            let taken = partitions[target].push(record, ticket, &self.settings);
            records_left += usize::from(!taken);
        }
        let place = (records_left > 0).then(|| {
            let (sender, all_taken) = oneshot::channel();
            tickets.waiting.insert(ticket, Waiting { records_left, all_taken: sender });
            Place { shared: self, ticket, all_taken }
        });
        drop(state);
        for target in targets.into_iter().collect::<BTreeSet<_>>() {
            self.changed[target].notify_waiters();
        }
        Ok(place)
    }
}

#[async_trait]
impl Producer for MemoryBus {
    async fn publish(&self, records: Vec<Record>, patience: Duration) -> Result<(), Error> {
        let Some(mut place) = self.shared.enqueue(records)? else { return Ok(()) };
        match tokio::time::timeout(patience, &mut place.all_taken).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unavailable(format!("no room after {} ms", patience.as_millis()))),
        }
    }

    async fn publish_dead_letter(
        &self,
        record: Record,
        reason: &str,
        _patience: Duration,
    ) -> Result<(), Error> {
        let most = self.shared.settings.dead_letters_max;
        self.shared.state.lock().dead_letters.push(record, reason, most);
        Ok(())
    }

    async fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
