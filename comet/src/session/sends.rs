//! Sends of a JSON client. Those that lie ready behind each other go to logic in one call, so that a client that does not
//! wait for answers has all of them stored together. Nothing is waited for: a frame that is there alone goes alone.

use std::rc::Rc;

use oort_api::codec::envelope::{Limits, ServerFrame};
use oort_api::error::{Code, Refusal};
use oort_api::pb::oort::v1::receive_reply::Result as Answer;
use oort_api::pb::oort::v1::receive_request::Command;
use oort_api::pb::oort::v1::{SendBatch, SendCommand, SendOutcome};

use super::json::{receive, refuse, unexpected};
use crate::connection::Connection;
use crate::connection::drive::Job;
use crate::shard::Shard;

/// Sends that were read and are not under way yet, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    commands: Vec<SendCommand>,
    /// What the answer to each names.
    echoes: Vec<Echo>,
    messages: usize,
}

#[derive(Debug)]
struct Echo {
    conversation: i64,
    request_id: Option<String>,
}

impl Sends {
    pub(crate) fn push(&mut self, mut command: SendCommand, request_id: Option<String>) {
        for message in &mut command.messages {
            if message.client_msg_id.is_empty() {
                // So that a repetition of our own call stores it once.
                message.client_msg_id = uuid::Uuid::new_v4().to_string();
            }
        }
        self.messages += command.messages.len();
        self.echoes.push(Echo { conversation: command.conversation, request_id });
        self.commands.push(command);
    }

    /// Whether one more frame may join them, however many messages it has.
    fn has_room(&self, limits: &Limits) -> bool {
        self.commands.len() < limits.merged_frames_max
            && self.messages + limits.messages_per_frame_max <= limits.merged_messages_max
    }

    /// Begins them, unless there are none or a frame that `may_follow` may still join them.
    pub(crate) fn begin_unless(
        &mut self,
        may_follow: impl FnOnce() -> bool,
        shard: &Rc<Shard>,
        connection: &Rc<Connection>,
    ) -> Option<Job> {
        let is_waited = self.commands.is_empty() || (self.has_room(&shard.node.config.json) && may_follow());
        (!is_waited).then(|| self.begin(shard, connection, None))
    }

    /// Does at once what takes no time; if there are sends it must follow, begins them and does it then.
    pub(crate) fn before(
        &mut self,
        shard: &Rc<Shard>,
        connection: &Rc<Connection>,
        act: impl FnOnce(&Rc<Shard>, &Rc<Connection>) + 'static,
    ) -> Option<Job> {
        if self.commands.is_empty() {
            act(shard, connection);
            return None;
        }
        let (to, client) = (Rc::clone(shard), Rc::clone(connection));
        Some(self.begin(shard, connection, Some(Box::pin(async move { act(&to, &client) }))))
    }

    /// Begins them, and then what comes behind them.
    pub(crate) fn begin(
        &mut self,
        shard: &Rc<Shard>,
        connection: &Rc<Connection>,
        behind: Option<Job>,
    ) -> Job {
        let sends = std::mem::take(self);
        let (shard, connection) = (Rc::clone(shard), Rc::clone(connection));
        Box::pin(async move {
            sends.run(&shard, &connection).await;
            if let Some(behind) = behind
                && !connection.is_closing()
            {
                behind.await;
            }
        })
    }

    async fn run(mut self, shard: &Rc<Shard>, connection: &Connection) {
        let frames = self.commands.len();
        let answer = match (self.commands.pop(), frames) {
            (None, _) => return,
            (Some(command), 1) => one(shard, connection, command).await,
            (Some(last), _) => {
                self.commands.push(last);
                shard.node.metrics.merged_frames.inc_by(frames as u64 - 1);
                several(shard, connection, self.commands).await
            }
        };
        let results = match answer {
            Ok(results) if results.len() == frames => results.into_iter().map(Ok).collect(),
            Ok(_) => vec![Err(unexpected()); frames],
            Err(refusal) => vec![Err(refusal); frames],
        };
        for (echo, result) in self.echoes.iter().zip(results) {
            match result {
                Ok(outcomes) => acknowledge(shard, connection, echo, &outcomes),
                Err(refusal) => refuse(shard, connection, &refusal, echo.request_id.as_deref()),
            }
        }
    }
}

/// The outcomes of each command.
type Results = Result<Vec<Vec<SendOutcome>>, Refusal>;

async fn one(shard: &Rc<Shard>, connection: &Connection, command: SendCommand) -> Results {
    match receive(shard, connection, Command::Send(command)).await? {
        Some(Answer::Send(result)) => Ok(vec![result.outcomes]),
        _ => Err(unexpected()),
    }
}

async fn several(shard: &Rc<Shard>, connection: &Connection, sends: Vec<SendCommand>) -> Results {
    match receive(shard, connection, Command::Sends(SendBatch { sends })).await? {
        Some(Answer::Sends(batch)) => Ok(batch.results.into_iter().map(|result| result.outcomes).collect()),
        _ => Err(unexpected()),
    }
}

fn acknowledge(shard: &Rc<Shard>, connection: &Connection, echo: &Echo, outcomes: &[SendOutcome]) {
    for outcome in outcomes.iter().filter(|outcome| outcome.seq == 0) {
        let code = Code::ALL.iter().find(|code| code.as_str() == outcome.error_code);
        shard.node.metrics.refuse_frame(code.map_or("other", |code| code.as_str()));
    }
    let Echo { conversation, request_id } = echo;
    let ack =
        ServerFrame::SendAck { conversation: *conversation, outcomes, request_id: request_id.as_deref() };
    connection.send_json(&shard.node, &ack);
}
