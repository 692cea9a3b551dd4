//! A message that a packet client sends with op 4: JSON
//! `{roomId, clientMsgId, content}`. Any other body of op 4 is taken and
//! counted as goim does, and answered without one.

use bytes::Bytes;
use oort_api::codec::message_id::MessageId;
use oort_api::error::Refusal;
use oort_api::ids::{ConversationId, UserId};
use oort_api::op;
use oort_api::pb::oort::v1 as pb;
use serde::{Deserialize, Serialize};

use super::LogicService;
use crate::conversations::{Outgoing, Sent};

/// The body of op 4. The client's id is a must: without one a repeat, by the
/// client or by the comet, could not be told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    room_id: ConversationId,
    client_msg_id: String,
    content: String,
}

/// The body of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ack {
    client_msg_id: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    #[serde(rename_all = "camelCase")]
    Stored { seq: i64, id: String, timestamp: i64, duplicate: bool },
    #[serde(rename_all = "camelCase")]
    Refused { error: Error },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl LogicService {
    /// The body to answer a packet with.
    pub(super) async fn goim_upstream(
        &self,
        request: &pb::GoimUpstream,
        user: i64,
        traceparent: &str,
    ) -> Result<Bytes, Refusal> {
        self.app.metrics.goim_upstream.inc();
        let (op::SEND_MESSAGE, Some(user)) = (request.op, UserId::new(user)) else { return Ok(Bytes::new()) };
        let Ok(body) = serde_json::from_slice::<Body>(&request.body) else { return Ok(Bytes::new()) };
        let sender = self.app.users.get(user).await?;
        let message =
            Outgoing { client_msg_id: Some(body.client_msg_id), content: body.content, details: None };
        let outcomes = self.app.conversations.send(&sender, body.room_id, vec![message], traceparent).await;
        let ack = outcomes
            .into_iter()
            .next()
            .map(|(client_msg_id, outcome)| Ack { client_msg_id, outcome: told(body.room_id, outcome) });
        // Strings and numbers always serialise.
        Ok(ack.and_then(|ack| serde_json::to_vec(&ack).ok()).unwrap_or_default().into())
    }
}

fn told(conversation: ConversationId, outcome: Result<Sent, Refusal>) -> Outcome {
    match outcome {
        Ok(Sent { seq, created_at_ms, duplicate }) => Outcome::Stored {
            seq: seq.get(),
            id: MessageId { conversation, seq }.to_string(),
            timestamp: created_at_ms,
            duplicate,
        },
        Err(Refusal { code, message, retry_after_ms }) => {
            Outcome::Refused { error: Error { code: code.as_str(), message, retry_after_ms } }
        }
    }
}
