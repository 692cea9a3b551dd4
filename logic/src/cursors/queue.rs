//! Changes that wait for the writer, one entry per cursor, bounded by number
//! and time.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::Config;
use crate::metrics::Metrics;
use crate::store::{CursorMove, Moved};

pub(super) type Answer = Result<Moved, Refusal>;

/// A cursor to move, and everyone who waits for that.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) step: CursorMove,
    pub(super) answers: Vec<oneshot::Sender<Answer>>,
    since: Instant,
}

#[derive(Debug)]
pub(super) struct Queue {
    rows_max: usize,
    queue_max: usize,
    wait_max: Duration,
    metrics: Metrics,
    state: Mutex<State>,
    changed: Notify,
}

type Cursor = (UserId, ConversationId);

#[derive(Debug, Default)]
struct State {
    by_cursor: BTreeMap<Cursor, Asked>,
    /// In the order of arrival.
    order: VecDeque<Cursor>,
    /// Everyone who waits.
    asked: usize,
    closed: bool,
}

pub(super) fn draining() -> Refusal {
    Refusal::new(Code::Draining, "this server is shutting down; go to another")
}

impl Queue {
    pub(super) fn new(config: &Config, metrics: Metrics) -> Self {
        Self {
            rows_max: config.rows_max,
            queue_max: config.queue_max,
            wait_max: Duration::from_millis(config.wait_max_ms),
            metrics,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Puts a change to those that wait; the furthest of one cursor counts.
    pub(super) fn submit(&self, step: CursorMove) -> Result<oneshot::Receiver<Answer>, Refusal> {
        let (answer, receiver) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(draining());
            }
            if state.asked >= self.queue_max {
                self.metrics.cursor_overloads.inc();
                return Err(Refusal::new(Code::Overloaded, "too many cursors wait to be stored; try again"));
            }
            state.asked += 1;
            let cursor = (step.user, step.conversation);
            if let Some(held) = state.by_cursor.get_mut(&cursor) {
                held.step.delivered_seq = held.step.delivered_seq.max(step.delivered_seq);
                held.step.read_seq = held.step.read_seq.max(step.read_seq);
                held.step.asker_keys.extend(step.asker_keys);
                held.answers.push(answer);
                self.metrics.cursors_merged.inc();
            } else {
                state.by_cursor.insert(cursor, Asked { step, answers: vec![answer], since: Instant::now() });
                state.order.push_back(cursor);
            }
            self.note(&state);
        }
        self.changed.notify_one();
        Ok(receiver)
    }

    /// The cursors that wait, as far as one transaction takes them.
    pub(super) fn take(&self) -> Vec<Asked> {
        let mut taken = Vec::new();
        let mut state = self.state.lock();
        while taken.len() < self.rows_max
            && let Some(cursor) = state.order.pop_front()
        {
            let Some(asked) = state.by_cursor.remove(&cursor) else { continue };
            state.asked = state.asked.saturating_sub(asked.answers.len());
            if asked.since.elapsed() > self.wait_max {
                self.metrics.cursors_expired.inc_by(asked.answers.len() as u64);
                let refusal =
                    Refusal::new(Code::Overloaded, "the cursor waited too long to be stored; try again");
                asked.answers.into_iter().for_each(|answer| drop(answer.send(Err(refusal.clone()))));
                continue;
            }
            taken.push(asked);
        }
        self.note(&state);
        taken
    }

    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn note(&self, state: &State) {
        self.metrics.cursor_queue.set(i64::try_from(state.asked).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use oort_api::metrics::Registry;

    use super::*;

    fn queue(config: &Config) -> Queue {
        Queue::new(config, Metrics::register(&mut Registry::default()))
    }

    fn step(user: i64, delivered_seq: i64, read_seq: i64) -> CursorMove {
        CursorMove {
            user: UserId::new(user).expect("positive"),
            conversation: ConversationId::new(7).expect("positive"),
            delivered_seq,
            read_seq,
            asker_keys: vec![format!("k{user}-{read_seq}")],
        }
    }

    #[test]
    fn changes_of_one_cursor_become_one() {
        let queue = queue(&Config::default());
        let _answers = [step(1, 5, 2), step(2, 1, 1), step(1, 4, 4)].map(|step| queue.submit(step));
        let taken = queue.take();
        let seen: Vec<_> = taken
            .iter()
            .map(|asked| {
                let step = &asked.step;
                (step.user.get(), step.delivered_seq, step.read_seq, asked.answers.len())
            })
            .collect();
        assert_eq!(seen, [(1, 5, 4, 2), (2, 1, 1, 1)]);
        assert_eq!(taken[0].step.asker_keys, ["k1-2", "k1-4"]);
        assert!(queue.take().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_waited_too_long_too() {
        let config = Config { queue_max: 2, rows_max: 1, wait_max_ms: 0, pause_ms: 0, ..Config::default() };
        let queue = queue(&config);
        let mut answers = [step(1, 1, 1), step(2, 1, 1)].map(|step| queue.submit(step).expect("fits"));
        assert_eq!(queue.submit(step(1, 2, 2)).map(|_| ()).map_err(|r| r.code), Err(Code::Overloaded));
        std::thread::sleep(Duration::from_millis(2));
        assert!(queue.take().is_empty());
        for answer in &mut answers {
            assert_eq!(answer.try_recv().expect("answered").map_err(|r| r.code), Err(Code::Overloaded));
        }
        assert_eq!(queue.metrics.cursor_overloads.get(), 1);
        queue.close();
        assert_eq!(queue.submit(step(1, 2, 2)).map(|_| ()).map_err(|r| r.code), Err(Code::Draining));
    }
}
