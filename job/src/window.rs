//! Batches sent to one comet and not yet acknowledged. Sans-I/O.
//!
//! Batches are numbered from 1 without holes. A comet acknowledges them in
//! order; on a new stream everything unacknowledged is sent again under the
//! same numbers, and the comet drops what it had taken before.

use std::collections::VecDeque;
use std::mem;

use oort_api::pb::oort::v1::{Delivery, PushBatch};
use tokio::time::Instant;

/// The window of one stream of batches; `S` is what is owed to whoever asked
/// for a delivery, one for each.
#[derive(Debug)]
pub(crate) struct Window<S> {
    job_id: String,
    comet_epoch: i64,
    batches_max: usize,
    last: u64,
    unacked: VecDeque<Sent<S>>,
}

/// A batch under way.
#[derive(Debug)]
pub(crate) struct Sent<S> {
    /// As it was sent.
    pub(crate) batch: PushBatch,
    /// One for each delivery; `None` = nobody waits for it any longer.
    pub(crate) shares: Vec<Option<S>>,
    /// When it was sent on the present stream.
    pub(crate) sent_at: Instant,
    refusals: u32,
}

/// What an ack meant.
#[derive(Debug)]
pub(crate) enum Acked<S> {
    /// The oldest batch is done.
    Batch(Sent<S>),
    /// That batch was acknowledged before.
    Repeat,
    /// That batch is not the oldest, or was never sent.
    Fault,
}

impl<S> Window<S> {
    pub(crate) fn new(job_id: String, comet_epoch: i64, batches_max: usize) -> Self {
        Self { job_id, comet_epoch, batches_max, last: 0, unacked: VecDeque::new() }
    }

    /// There is room for one more batch.
    pub(crate) fn has_room(&self) -> bool {
        self.unacked.len() < self.batches_max
    }

    /// Takes the next batch into the window; answers with what to send.
    pub(crate) fn send(
        &mut self,
        deliveries: Vec<Delivery>,
        shares: Vec<Option<S>>,
        resync: bool,
        now: Instant,
    ) -> PushBatch {
        self.last += 1;
        let batch = PushBatch {
            batch: self.last,
            job_id: self.job_id.clone(),
            deliveries,
            resync,
            comet_epoch: self.comet_epoch,
        };
        self.unacked.push_back(Sent { batch: batch.clone(), shares, sent_at: now, refusals: 0 });
        batch
    }

    /// Takes an ack.
    pub(crate) fn ack(&mut self, batch: u64) -> Acked<S> {
        let next = self.last + 1 - self.unacked.len() as u64;
        if batch < next {
            return Acked::Repeat;
        }
        if batch > next {
            return Acked::Fault;
        }
        self.unacked.pop_front().map_or(Acked::Fault, Acked::Batch)
    }

    /// A new stream: what to send again, in order.
    pub(crate) fn resend(&mut self, now: Instant) -> Vec<PushBatch> {
        self.unacked
            .iter_mut()
            .map(|sent| {
                sent.sent_at = now;
                sent.batch.clone()
            })
            .collect()
    }

    /// The comet could not read what it was sent. The oldest batch is to
    /// blame; after `refusals_max` times it is emptied, keeps its number and
    /// asks for a resync. Answers with what was owed for it then.
    pub(crate) fn refuse(&mut self, refusals_max: u32) -> Option<Vec<S>> {
        let oldest = self.unacked.front_mut()?;
        oldest.refusals += 1;
        if oldest.refusals < refusals_max {
            return None;
        }
        oldest.refusals = 0;
        oldest.batch.deliveries.clear();
        oldest.batch.resync = true;
        Some(mem::take(&mut oldest.shares).into_iter().flatten().collect())
    }

    /// Takes what is owed for all batches under way; the batches stay.
    pub(crate) fn take_shares(&mut self) -> Vec<S> {
        self.unacked.iter_mut().flat_map(|sent| &mut sent.shares).filter_map(Option::take).collect()
    }

    /// What is owed for all batches under way.
    pub(crate) fn shares(&self) -> impl Iterator<Item = &S> {
        self.unacked.iter().flat_map(|sent| &sent.shares).flatten()
    }

    /// When the oldest batch was sent on the present stream.
    pub(crate) fn oldest_sent_at(&self) -> Option<Instant> {
        self.unacked.front().map(|sent| sent.sent_at)
    }

    /// Batches under way.
    pub(crate) fn len(&self) -> usize {
        self.unacked.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn window(batches_max: usize) -> Window<u64> {
        Window::new("job".to_owned(), 7, batches_max)
    }

    fn send(window: &mut Window<u64>, share: u64) -> PushBatch {
        window.send(vec![Delivery::default()], vec![Some(share)], false, Instant::now())
    }

    #[test]
    fn an_ack_out_of_order_is_a_fault_and_a_late_one_a_repeat() {
        let mut window = window(3);
        assert!(matches!(window.ack(1), Acked::Fault));
        send(&mut window, 10);
        send(&mut window, 11);
        assert!(matches!(window.ack(2), Acked::Fault));
        assert!(matches!(window.ack(1), Acked::Batch(sent) if sent.shares == [Some(10)]));
        assert!(matches!(window.ack(1), Acked::Repeat));
        assert!(matches!(window.ack(3), Acked::Fault));
        assert!(matches!(window.ack(2), Acked::Batch(_)));
    }

    #[test]
    fn a_batch_nobody_can_read_is_emptied_but_keeps_its_number() {
        let mut window = window(3);
        send(&mut window, 10);
        send(&mut window, 11);
        assert_eq!(window.refuse(2), None);
        assert_eq!(window.refuse(2), Some(vec![10]));
        let again = window.resend(Instant::now());
        assert_eq!(again.iter().map(|batch| batch.batch).collect::<Vec<_>>(), [1, 2]);
        assert!(again[0].resync && again[0].deliveries.is_empty());
        assert!(!again[1].resync && again[1].deliveries.len() == 1);
    }

    /// A comet at the other end: takes batches in order, drops repeats.
    #[derive(Default)]
    struct Comet {
        taken: Vec<u64>,
        acks: VecDeque<u64>,
    }

    impl Comet {
        fn take(&mut self, batch: u64) -> Result<(), TestCaseError> {
            let last = self.taken.last().copied().unwrap_or(0);
            if batch > last {
                prop_assert_eq!(batch, last + 1, "a batch was skipped");
                self.taken.push(batch);
            }
            self.acks.push_back(batch);
            Ok(())
        }
    }

    proptest! {
        /// Whatever the order of sends, arrivals, acks and cuts: each batch
        /// arrives in order, none is skipped, and each share is given back once.
        #[test]
        fn each_batch_arrives_in_order_and_none_is_dropped(
            batches_max in 1_usize..5,
            steps in prop::collection::vec(0_u8..8, 1..300),
        ) {
            let mut window = window(batches_max);
            let mut wire: VecDeque<u64> = VecDeque::new();
            let mut comet = Comet::default();
            let mut sent = 0;
            let mut given_back = Vec::new();
            for step in steps.into_iter().chain([7].into_iter().chain([3, 6].into_iter().cycle().take(40))) {
                match step {
                    0..=2 if window.has_room() => {
                        sent += 1;
                        wire.push_back(send(&mut window, sent).batch);
                    }
                    3..=4 => if let Some(batch) = wire.pop_front() { comet.take(batch)?; },
                    5..=6 => if let Some(batch) = comet.acks.pop_front() {
                        match window.ack(batch) {
                            Acked::Batch(done) => given_back.extend(done.shares.into_iter().flatten()),
                            Acked::Repeat => {}
                            Acked::Fault => prop_assert!(false, "ack {} is no fault", batch),
                        }
                    },
                    // The stream is cut: what is on the wire either way is lost.
                    7 => {
                        comet.acks.clear();
                        wire = window.resend(Instant::now()).into_iter().map(|batch| batch.batch).collect();
                    }
                    _ => {}
                }
                prop_assert!(window.len() <= batches_max);
            }
            let all: Vec<u64> = (1..=sent).collect();
            prop_assert_eq!(&comet.taken, &all);
            prop_assert_eq!(&given_back, &all);
            prop_assert_eq!(window.len(), 0);
        }
    }
}
