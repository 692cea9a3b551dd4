//! The task that keeps a stream to a comet open: opens it, sends what waits,
//! takes acks, and opens it again when it breaks.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use oort_api::pb::oort::v1::{Missing, PushAck, PushBatch};
use oort_api::trail::{Mark, now_us};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tracing::{debug, warn};

use super::{CometLink, finish};
use crate::backoff::Backoff;
use crate::config::ms;
use crate::flight::Share;
use crate::link::{AckStream, CometDialer};
use crate::queue::Bounds;
use crate::window::Acked;

impl CometLink {
    /// Keeps a stream open until the comet is gone or `stop`. `recheck` is
    /// told when the directory should be read again.
    pub(crate) async fn run(
        self: Arc<Self>,
        dialer: Arc<dyn CometDialer>,
        turns: Arc<Semaphore>,
        recheck: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let mut backoff = Backoff::new(ms(self.config.reconnect_min_ms), ms(self.config.reconnect_max_ms));
        loop {
            let end = tokio::select! {
                biased;
                () = self.gone.cancelled() => break,
                () = stop.cancelled() => break,
                end = self.one_stream(dialer.as_ref(), &turns, &mut backoff) => end,
            };
            self.stream_ended(&end, &recheck);
            tokio::select! {
                () = self.gone.cancelled() => break,
                () = stop.cancelled() => break,
                () = sleep(backoff.next()) => {}
            }
        }
        self.disconnect();
    }

    /// One stream, from opening to its end; answers with why it ended.
    async fn one_stream(&self, dialer: &dyn CometDialer, turns: &Semaphore, backoff: &mut Backoff) -> Status {
        // The window bounds what is under way, so a send never finds it full.
        let (sender, batches) = mpsc::channel(self.config.window_batches);
        let mut acks = match self.open(dialer, turns, batches).await {
            Ok(acks) => acks,
            Err(status) => return status,
        };
        let mut to_send: VecDeque<PushBatch> = self.connected().into();
        loop {
            while let Some(batch) = to_send.pop_front().or_else(|| self.next_batch()) {
                if sender.try_send(batch).is_err() {
                    return Status::unavailable("the comet reads no longer");
                }
            }
            let ack_deadline = self.ack_deadline();
            tokio::select! {
                ack = acks.next() => match ack {
                    Some(Ok(ack)) => match self.acked(ack) {
                        Ok(()) => backoff.reset(),
                        Err(status) => return status,
                    },
                    Some(Err(status)) => return status,
                    None => return Status::unavailable("the comet ended the stream"),
                },
                () = self.work.notified() => {}
                () = sleep_until(ack_deadline.unwrap_or_else(Instant::now)), if ack_deadline.is_some() => {
                    self.metrics.ack_timeouts.inc();
                    return Status::deadline_exceeded("a batch was not acknowledged in time");
                }
            }
        }
    }

    /// Opens a stream when it is its turn, so that of very many that are to be
    /// opened at once each takes its time and none runs out of it. Those that
    /// take long, to a comet out of reach, do not keep the others waiting.
    async fn open(
        &self,
        dialer: &dyn CometDialer,
        turns: &Semaphore,
        batches: mpsc::Receiver<PushBatch>,
    ) -> Result<AckStream, Status> {
        let turn = turns.acquire().await;
        let info = self.state.lock().info.clone();
        let mut opening = pin!(timeout(ms(self.config.open_timeout_ms), dialer.open(&info, batches)));
        let opened = match timeout(ms(self.config.opening_turn_ms), &mut opening).await {
            Ok(opened) => opened,
            Err(_) => {
                drop(turn);
                opening.await
            }
        };
        opened.unwrap_or_else(|_| Err(Status::deadline_exceeded("the stream did not open in time")))
    }

    fn connected(&self) -> Vec<PushBatch> {
        self.metrics.streams_opened.inc();
        let mut state = self.state.lock();
        state.is_connected = true;
        state.is_unreachable = false;
        state.is_refused = false;
        state.is_shedding = false;
        state.may_resume = true;
        state.gauge();
        let again = state.window.resend(Instant::now());
        self.metrics.batches_resent.inc_by(again.len() as u64);
        debug!(comet = %self.comet.id, epoch = self.comet.epoch, resent = again.len(), "stream open");
        again
    }

    /// The next batch to send, if something waits and the window has room.
    fn next_batch(&self) -> Option<PushBatch> {
        let bounds = Bounds {
            deliveries_max: self.config.batch_deliveries_max,
            bytes_max: self.config.batch_bytes_max,
        };
        let batch = {
            let mut state = self.state.lock();
            if !state.window.has_room() || (state.is_given_up && !state.may_resume) {
                return None;
            }
            let mut items = Vec::new();
            while items.is_empty() && state.queue.len() > 0 {
                items = state.queue.take(bounds);
                // What a partition's former reader left is its next reader's to send.
                items.retain(|item| item.has_effect() || !item.share.as_ref().is_some_and(Share::is_closed));
            }
            let resync = std::mem::take(&mut state.owes_resync);
            if items.is_empty() && !resync {
                state.gauge();
                return None;
            }
            state.is_given_up = false;
            self.metrics.resyncs.inc_by(u64::from(resync));
            let (deliveries, shares) = items.into_iter().map(|item| (item.delivery, item.share)).unzip();
            let batch = state.window.send(deliveries, shares, resync, Instant::now());
            state.gauge();
            batch
        };
        self.space.notify_waiters();
        self.note_pushed(&batch);
        Some(batch)
    }

    fn note_pushed(&self, batch: &PushBatch) {
        let now_us = now_us();
        for frame in batch.deliveries.iter().filter_map(|delivery| delivery.frame.as_ref()) {
            let mark = Mark::Pushed { comet: self.name };
            self.trail.note(now_us, frame.conversation, frame.message_seq, mark);
        }
    }

    fn note_acked(&self, now_us: i64, share: &Share, missing: Option<&Missing>) {
        let push = &share.routed().record.push;
        let missing = missing.map_or(0, |one| one.user_ids.len() + one.keys.len() + usize::from(one.room));
        let mark = Mark::Acked { comet: self.name, missing: u32::try_from(missing).unwrap_or(u32::MAX) };
        self.trail.note(now_us, push.conversation, push.seq, mark);
    }

    fn ack_deadline(&self) -> Option<Instant> {
        let oldest = self.state.lock().window.oldest_sent_at()?;
        Some(oldest + ms(self.config.ack_timeout_ms))
    }

    fn acked(&self, ack: PushAck) -> Result<(), Status> {
        let sent = {
            let mut state = self.state.lock();
            match state.window.ack(ack.batch) {
                Acked::Repeat => return Ok(()),
                Acked::Fault => {
                    self.metrics.ack_faults.inc();
                    return Err(Status::internal("an ack out of order"));
                }
                Acked::Batch(sent) => {
                    state.may_resume = true;
                    state.is_shedding = false;
                    state.gauge();
                    sent
                }
            }
        };
        self.metrics.push_seconds.observe(sent.sent_at.elapsed().as_secs_f64());
        self.metrics.delivered.inc_by(sent.shares.len() as u64);
        let (mut missing, now_us) = (by_delivery(ack.missing), now_us());
        for (index, share) in sent.shares.into_iter().enumerate() {
            let Some(share) = share else { continue };
            let missing = missing.remove(&index);
            self.note_acked(now_us, &share, missing.as_ref());
            match missing {
                Some(missing) => share.miss(&self.comet, missing),
                None => share.finish(),
            }
        }
        Ok(())
    }

    fn stream_ended(&self, end: &Status, recheck: &Notify) {
        self.metrics.stream_failures.inc();
        warn!(
            comet = %self.comet.id, epoch = self.comet.epoch, code = ?end.code(), reason = end.message(),
            "stream to comet ended"
        );
        self.state.lock().is_unreachable = true;
        self.disconnect();
        match end.code() {
            Code::FailedPrecondition => {
                self.state.lock().is_refused = true;
                recheck.notify_one();
            }
            // The comet, or the codec on its side, could not read a batch. If
            // it is always the same one it must not stand in the way for ever.
            Code::InvalidArgument | Code::OutOfRange => self.refused(),
            _ => {}
        }
    }

    fn refused(&self) {
        let owed = self.state.lock().window.refuse(self.config.batch_refusals_max);
        if let Some(owed) = owed {
            warn!(comet = %self.comet.id, deliveries = owed.len(), "batch refused for good, resync follows");
            self.metrics.batches_refused.inc();
            self.metrics.shares_overflowed.inc_by(owed.len() as u64);
            self.metrics.resyncs.inc();
            finish(owed);
        }
    }

    fn disconnect(&self) {
        let mut state = self.state.lock();
        state.is_connected = false;
        state.gauge();
        drop(state);
        self.space.notify_waiters();
    }
}

/// What was missing, by the delivery's index in its batch.
fn by_delivery(missing: Vec<Missing>) -> HashMap<usize, Missing> {
    let mut by_delivery: HashMap<usize, Missing> = HashMap::new();
    for one in missing {
        let Ok(index) = usize::try_from(one.delivery) else { continue };
        let all = by_delivery.entry(index).or_default();
        all.user_ids.extend(one.user_ids);
        all.keys.extend(one.keys);
        all.room |= one.room;
    }
    by_delivery
}
