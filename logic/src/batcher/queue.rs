//! Requests that wait for the writer, bounded by messages, bytes and time.

use std::collections::VecDeque;
use std::time::Duration;

use oort_api::Code;
use oort_api::error::Refusal;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Config;
use crate::metrics::Metrics;
use crate::store::{Appended, NewMessage};

/// What became of the messages of one request, one each.
pub type Answer = Result<Vec<Appended>, Refusal>;

/// Messages of one sender that stay together.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) messages: Vec<NewMessage>,
    pub(super) since: Instant,
    pub(super) answer: oneshot::Sender<Answer>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    rows_max: usize,
    transaction_bytes_max: usize,
    messages_max: usize,
    bytes_max: usize,
    wait_max: Duration,
    metrics: Metrics,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    messages: usize,
    bytes: usize,
    closed: bool,
}

pub(super) fn draining() -> Refusal {
    Refusal::new(Code::Draining, "this server is shutting down; go to another")
}

/// What a message weighs beside its text and ids.
const MESSAGE_OVERHEAD_BYTES: usize = 128;

fn weight(message: &NewMessage) -> usize {
    let details = message.details.as_ref().map_or(0, |details| details.encoded_len());
    MESSAGE_OVERHEAD_BYTES
        + message.content.len()
        + details
        + message.client_msg_id.len()
        + message.traceparent.len()
}

impl Queue {
    pub(super) fn new(config: &Config, metrics: Metrics) -> Self {
        Self {
            rows_max: config.rows_max,
            transaction_bytes_max: config.transaction_bytes_max,
            messages_max: config.queue_messages_max,
            bytes_max: config.queue_bytes_max,
            wait_max: Duration::from_millis(config.wait_max_ms),
            metrics,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// How many groups from the first on fit one transaction together; at least one.
    pub(super) fn fitting(&self, groups: &[Vec<NewMessage>]) -> usize {
        let (mut messages, mut bytes) = (0, 0);
        let fit = groups.iter().take_while(|group| {
            messages += group.len();
            bytes += group.iter().map(weight).sum::<usize>();
            messages <= self.rows_max && bytes <= self.transaction_bytes_max
        });
        fit.count().max(1)
    }

    pub(super) fn submit(&self, messages: Vec<NewMessage>) -> Result<oneshot::Receiver<Answer>, Refusal> {
        if messages.len() > self.rows_max {
            return Err(Refusal::new(
                Code::TooLarge,
                format!("at most {} messages at a time", self.rows_max),
            ));
        }
        let bytes = messages.iter().map(weight).sum();
        let (answer, receiver) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(draining());
            }
            if state.messages + messages.len() > self.messages_max || state.bytes + bytes > self.bytes_max {
                self.metrics.batch_overloads.inc();
                return Err(Refusal::new(Code::Overloaded, "too many messages wait to be stored; try again"));
            }
            state.messages += messages.len();
            state.bytes += bytes;
            state.requests.push_back(Request { messages, since: Instant::now(), answer, bytes });
            self.note(&state);
        }
        self.changed.notify_one();
        Ok(receiver)
    }

    /// Everything that waits, as far as one transaction takes it.
    pub(super) fn take(&self) -> Vec<Request> {
        let mut taken = Vec::new();
        let (mut messages, mut bytes) = (0, 0);
        let mut state = self.state.lock();
        while let Some(next) = state.requests.front() {
            let is_late = next.since.elapsed() > self.wait_max;
            let is_full = messages + next.messages.len() > self.rows_max
                || (messages > 0 && bytes + next.bytes > self.transaction_bytes_max);
            if is_full && !is_late {
                break;
            }
            let Some(request) = state.requests.pop_front() else { break };
            state.messages -= request.messages.len();
            state.bytes -= request.bytes;
            if is_late {
                self.metrics.batch_expired.inc();
                let refusal =
                    Refusal::new(Code::Overloaded, "the message waited too long to be stored; try again");
                request.answer.send(Err(refusal)).ok();
                continue;
            }
            messages += request.messages.len();
            bytes += request.bytes;
            taken.push(request);
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
        self.metrics.batch_queue_messages.set(i64::try_from(state.messages).unwrap_or(i64::MAX));
        self.metrics.batch_queue_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
    }
}
