//! What clients send over their sockets.

use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1 as pb;
use oort_api::pb::oort::v1::receive_reply::Result as Reply;
use oort_api::pb::oort::v1::receive_request::Command;

use super::{LogicService, invalid, user_id};
use crate::conversations::{Answers, Group, Outgoing, Sent};
use crate::store::Range;

/// Page of a history command that names no limit.
const HISTORY_LIMIT: u32 = 30;

impl LogicService {
    pub(super) async fn heads(&self, request: &pb::HelloRequest) -> Result<pb::HelloReply, Refusal> {
        let user = user_id(request.user_id)?;
        let latest = u32::try_from(request.latest).map_err(|_| invalid("latest is negative"))?;
        let listing = self.app.conversations.list(user, latest, &request.since);
        let (listing, event_seq) = tokio::try_join!(listing, self.app.events.head(user))?;
        Ok(pb::HelloReply {
            conversations: listing.conversations,
            cursor: listing.cursor,
            partial: listing.partial,
            set_changed: listing.set_changed,
            places: if listing.partial { listing.places } else { Vec::new() },
            event_seq,
        })
    }

    pub(super) async fn command(&self, request: pb::ReceiveRequest) -> Result<pb::ReceiveReply, Refusal> {
        let command = request.command.ok_or_else(|| invalid("command is missing"))?;
        let result = match command {
            Command::Send(command) => {
                Reply::Send(self.send(user_id(request.user_id)?, command, &request.traceparent).await?)
            }
            Command::Sends(batch) => {
                Reply::Sends(self.send_batch(user_id(request.user_id)?, batch, &request.traceparent).await?)
            }
            Command::History(command) => {
                Reply::History(self.history(user_id(request.user_id)?, &command).await?)
            }
            Command::CreateRoom(command) => {
                let creator = self.app.users.get(user_id(request.user_id)?).await?;
                let room = self.app.conversations.create_room(&creator, &command.name).await?;
                Reply::CreateRoom(pb::CreateRoomResult { conversation: room.id.get() })
            }
            Command::Cursor(command) => {
                let at = (command.delivered_seq, command.read_seq);
                let conversation = conversation(command.conversation)?;
                let key = Some(request.key).filter(|key| !key.is_empty());
                let user = user_id(request.user_id)?;
                let cursor = self.app.conversations.advance(user, conversation, at, key).await?;
                Reply::Cursor(pb::CursorResult { cursor: Some(cursor) })
            }
            Command::Watch(command) => Reply::Watch(self.watch(user_id(request.user_id)?, command).await?),
            Command::Away(command) => Reply::Away(self.away(user_id(request.user_id)?, command).await?),
            Command::Typing(command) => {
                Reply::Typing(self.typing(user_id(request.user_id)?, &request.key, &command)?)
            }
            Command::Goim(upstream) => {
                let body = self.goim_upstream(&upstream, request.user_id, &request.traceparent).await?;
                Reply::Goim(pb::GoimUpstreamResult { body })
            }
        };
        Ok(pb::ReceiveReply { result: Some(result) })
    }

    async fn send(
        &self,
        user: UserId,
        command: pb::SendCommand,
        traceparent: &str,
    ) -> Result<pb::SendResult, Refusal> {
        let Group { conversation, messages } = group(command)?;
        let sender = self.app.users.get(user).await?;
        Ok(result(self.app.conversations.send(&sender, conversation, messages, traceparent).await))
    }

    /// Frames that came together, each with its own result.
    async fn send_batch(
        &self,
        user: UserId,
        batch: pb::SendBatch,
        traceparent: &str,
    ) -> Result<pb::SendBatchResult, Refusal> {
        let groups = batch.sends.into_iter().map(group).collect::<Result<_, _>>()?;
        let sender = self.app.users.get(user).await?;
        let answers = self.app.conversations.send_all(&sender, groups, traceparent).await;
        Ok(pb::SendBatchResult { results: answers.into_iter().map(result).collect() })
    }

    async fn history(
        &self,
        user: UserId,
        command: &pb::HistoryCommand,
    ) -> Result<pb::HistoryResult, Refusal> {
        let range = match (command.before, command.after_set) {
            (0, true) => Range::After(command.after),
            (0, false) => Range::Newest,
            (before, _) => Range::Before(Seq::new(before).ok_or_else(|| invalid("before is negative"))?),
        };
        let limit = match command.limit {
            0 => HISTORY_LIMIT,
            limit => u32::try_from(limit).map_err(|_| invalid("limit is negative"))?,
        };
        let page =
            self.app.conversations.history(user, conversation(command.conversation)?, range, limit).await?;
        Ok(pb::HistoryResult {
            messages: page.messages,
            has_more: page.has_more,
            head: page.head,
            change_seq: page.change_seq,
        })
    }
}

fn conversation(raw: i64) -> Result<ConversationId, Refusal> {
    ConversationId::new(raw).ok_or_else(|| invalid("conversation: a positive number"))
}

fn group(command: pb::SendCommand) -> Result<Group, Refusal> {
    let outgoing = |message: pb::OutgoingMessage| Outgoing {
        client_msg_id: Some(message.client_msg_id).filter(|id| !id.is_empty()),
        content: message.content,
        details: message.details.map(Box::new),
    };
    let messages = command.messages.into_iter().map(outgoing).collect();
    Ok(Group { conversation: conversation(command.conversation)?, messages })
}

fn result(answers: Answers) -> pb::SendResult {
    pb::SendResult { outcomes: answers.into_iter().map(outcome).collect() }
}

fn outcome((client_msg_id, outcome): (String, Result<Sent, Refusal>)) -> pb::SendOutcome {
    match outcome {
        Ok(sent) => pb::SendOutcome {
            client_msg_id,
            seq: sent.seq.get(),
            created_at_ms: sent.created_at_ms,
            duplicate: sent.duplicate,
            ..pb::SendOutcome::default()
        },
        Err(refusal) => pb::SendOutcome {
            client_msg_id,
            error_code: refusal.code.as_str().to_owned(),
            error_message: refusal.message,
            retry_after_ms: refusal.retry_after_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            ..pb::SendOutcome::default()
        },
    }
}
