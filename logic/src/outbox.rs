//! What a transaction publishes, as bytes of one outbox row.

use bytes::Bytes;
use oort_api::bus::Record;
use oort_api::ids::{ConversationId, UserId};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::goim::protocol::proto::Replay;
use oort_api::pb::oort::v1::{
    ChangeEvent, ConversationEvent, CursorEvent, Message, OutboxBatch, OutboxRecord, UserEvent,
};
use prost::Message as _;

/// Whom a record of a conversation goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Members of the conversation's room: groups and open rooms.
    Room,
    /// These users: direct conversations, and events about membership.
    Users(Vec<UserId>),
    /// Everyone online.
    Everyone,
}

/// A committed message as a record.
#[must_use]
pub fn message_record(message: &Message, audience: &Audience, traceparent: &str) -> OutboxRecord {
    record(message.conversation, &message_push(message, audience, traceparent), traceparent)
}

/// A message that went out before, once more: straight for the bus.
#[must_use]
pub fn replay_record(message: &Message, audience: &Audience, replay: Replay, traceparent: &str) -> Record {
    let push = PushMsg { replay: replay.into(), ..message_push(message, audience, traceparent) };
    Record {
        key: message.conversation.to_string(),
        value: push.encode_to_vec().into(),
        traceparent: Some(traceparent.to_owned()).filter(|traceparent| !traceparent.is_empty()),
    }
}

fn message_push(message: &Message, audience: &Audience, traceparent: &str) -> PushMsg {
    PushMsg {
        operation: op::SEND_MESSAGE,
        msg: message.encode_to_vec().into(),
        seq: message.seq,
        ..envelope(message.conversation, audience, message.created_at_ms, traceparent)
    }
}

/// A change of somebody's list of conversations as a record. `effect` is what
/// comets do to the membership of the audience's sessions.
#[must_use]
pub fn conversation_record(
    id: ConversationId,
    event: &ConversationEvent,
    audience: &Audience,
    effect: Effect,
    now_ms: i64,
) -> OutboxRecord {
    let push = PushMsg {
        operation: op::CONVERSATION,
        msg: event.encode_to_vec().into(),
        room: id.to_string(),
        effect: effect.into(),
        ..envelope(id.get(), audience, now_ms, "")
    };
    record(id.get(), &push, "")
}

/// The bytes of one outbox row.
#[must_use]
pub fn encode(records: Vec<OutboxRecord>) -> Bytes {
    OutboxBatch { records }.encode_to_vec().into()
}

fn envelope(conversation: i64, audience: &Audience, created_at_ms: i64, traceparent: &str) -> PushMsg {
    let (r#type, room, user_ids) = match audience {
        Audience::Room => (Type::Room, conversation.to_string(), Vec::new()),
        Audience::Users(users) => (Type::Push, String::new(), users.iter().map(|user| user.get()).collect()),
        Audience::Everyone => (Type::Broadcast, String::new(), Vec::new()),
    };
    PushMsg {
        r#type: r#type.into(),
        room,
        user_ids,
        conversation,
        created_at_ms,
        traceparent: traceparent.to_owned(),
        ..PushMsg::default()
    }
}

fn record(conversation: i64, push: &PushMsg, traceparent: &str) -> OutboxRecord {
    OutboxRecord {
        key: conversation.to_string(),
        push_msg: push.encode_to_vec().into(),
        traceparent: traceparent.to_owned(),
    }
}

/// A moved cursor as a record, for these users but not for these sessions.
#[must_use]
pub fn cursor_record(
    event: &CursorEvent,
    users: &[UserId],
    exclude_keys: &[String],
    now_ms: i64,
) -> OutboxRecord {
    let audience = Audience::Users(users.to_vec());
    let push = PushMsg {
        operation: op::CURSOR,
        msg: event.encode_to_vec().into(),
        exclude_keys: exclude_keys.to_vec(),
        ..envelope(event.conversation, &audience, now_ms, "")
    };
    record(event.conversation, &push, "")
}

/// An event of a user as a record, for all their sessions. Its key is the user, so that theirs keep their order.
#[must_use]
pub fn user_event_record(event: &UserEvent, user: UserId) -> OutboxRecord {
    let audience = Audience::Users(vec![user]);
    let push = PushMsg {
        operation: op::EVENT,
        msg: event.encode_to_vec().into(),
        ..envelope(0, &audience, event.at_ms, "")
    };
    record(user.get(), &push, "")
}

/// A change of a message as a record.
#[must_use]
pub fn change_record(event: &ChangeEvent, audience: &Audience) -> OutboxRecord {
    let push = PushMsg {
        operation: op::CHANGE,
        msg: event.encode_to_vec().into(),
        ..envelope(event.conversation, audience, event.at_ms, "")
    };
    record(event.conversation, &push, "")
}
