//! Where is my message? What the store says of it, and what every process noted of its way.

use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::directory::{Answer, Directory, NodeEntry, Question};
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::Message;
use tokio::time::{Instant, sleep};

use crate::error::directory_refusal;
use crate::store::{Range, Store};

/// Between two looks for answers.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Members looked at for how far they have got.
const MEMBERS_MAX: u32 = 10_000;

/// Asks the store and all processes.
#[derive(Debug)]
pub struct Trails {
    /// Messages and cursors.
    pub store: Arc<dyn Store>,
    /// Carries questions and answers.
    pub directory: Arc<dyn Directory>,
    /// Longest wait for answers.
    pub wait: Duration,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The stored message.
    pub message: Message,
    /// Of every process that answered in time.
    pub answers: Vec<Answer>,
    /// Processes that reported lately and did not answer in time.
    pub silent: Vec<NodeEntry>,
    /// How far its readers have got.
    pub members: Members,
}

/// Members of a group or direct conversation, the sender left out; all 0 of an open room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Members {
    /// Those looked at.
    pub known: usize,
    /// Of those, whose clients said that they have it.
    pub delivered: usize,
    /// Of those, who have read it.
    pub read: usize,
}

impl Trails {
    /// Where the message has been.
    ///
    /// # Errors
    /// `not_found` when there is no such message; `unavailable` when the store or the directory is.
    pub async fn of(&self, conversation: ConversationId, seq: Seq) -> Result<Found, Refusal> {
        let page = self.store.history(conversation, Range::After(seq.get() - 1), 1).await?;
        let message = page.messages.into_iter().find(|message| message.seq == seq.get());
        let message = message.ok_or_else(|| Refusal::new(Code::NotFound, "there is no such message"))?;
        let members = self.members(conversation, &message).await?;
        let question = Question {
            id: uuid::Uuid::new_v4().to_string(),
            conversation: conversation.get(),
            seq: seq.get(),
        };
        let nodes = self.directory.nodes().await.map_err(directory_refusal)?;
        self.directory.ask(&question).await.map_err(directory_refusal)?;
        let deadline = Instant::now() + self.wait;
        let (answers, silent) = loop {
            let answers = self.directory.answers(&question.id).await.map_err(directory_refusal)?;
            let has_answered = |node: &&NodeEntry| !answers.iter().any(|answer| answer.node == node.id);
            let silent: Vec<NodeEntry> = nodes.iter().filter(has_answered).cloned().collect();
            if silent.is_empty() || Instant::now() >= deadline {
                break (answers, silent);
            }
            sleep(LOOK_AGAIN).await;
        };
        Ok(Found { message, answers, silent, members })
    }

    async fn members(&self, conversation: ConversationId, message: &Message) -> Result<Members, Refusal> {
        let sender = message.sender.as_ref().map_or(0, |sender| sender.id);
        let cursors = self.store.cursors(conversation, MEMBERS_MAX).await?;
        let mut members = Members::default();
        for cursor in cursors.iter().filter(|cursor| cursor.user != sender) {
            members.known += 1;
            members.delivered += usize::from(cursor.delivered_seq.max(cursor.read_seq) >= message.seq);
            members.read += usize::from(cursor.read_seq >= message.seq);
        }
        Ok(members)
    }
}
