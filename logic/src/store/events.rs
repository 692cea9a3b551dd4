//! What changes of conversations publish: the same records from every dialect.

use bytes::Bytes;
use oort_api::ids::UserId;
use oort_api::pb::goim::logic::push_msg::Effect;
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::{Conversation, ConversationEvent, ConversationKind, Message, MessageKind, User};
use serde_json::json;

use super::ConversationInfo;
use crate::outbox::{self, Audience};

/// Payload of a room's creation: everyone's sessions enter it.
pub(super) fn room_created(info: &ConversationInfo, creator: &User, now_ms: i64) -> Bytes {
    let event = event(Change::Created, seen(info), creator);
    encode_one(info, &event, &Audience::Everyone, Effect::Join, now_ms)
}

/// Payload of a group's creation: the members' sessions enter it.
pub(super) fn group_created(
    info: &ConversationInfo,
    creator: &User,
    members: Vec<UserId>,
    now_ms: i64,
) -> Bytes {
    let event = event(Change::Created, seen(info), creator);
    encode_one(info, &event, &Audience::Users(members), Effect::Join, now_ms)
}

/// Payload of a direct conversation's creation: each side sees the other.
/// Direct conversations are pushed by user, so nobody enters anything.
pub(super) fn direct_created(info: &ConversationInfo, creator: &User, peer: &User, now_ms: i64) -> Bytes {
    let mut sides = vec![(creator, peer)];
    if creator.id != peer.id {
        sides.push((peer, creator));
    }
    let records = sides
        .into_iter()
        .map(|(reader, other)| {
            let conversation = Conversation { name: other.username.clone(), peer_id: other.id, ..seen(info) };
            let event = event(Change::Created, conversation, creator);
            let audience = Audience::Users(UserId::new(reader.id).into_iter().collect());
            outbox::conversation_record(info.id, &event, &audience, Effect::None, now_ms)
        })
        .collect();
    outbox::encode(records)
}

/// Payload of new members: they enter first, then everybody, they too, gets
/// the message.
pub(super) fn members_added(
    info: &ConversationInfo,
    actor: &User,
    added: Vec<UserId>,
    message: &Message,
) -> Bytes {
    // They begin where they joined.
    let conversation = Conversation { read_seq: info.head, delivered_seq: info.head, ..seen(info) };
    let event = event(Change::Joined, conversation, actor);
    let audience = Audience::Users(added);
    let joined = outbox::conversation_record(info.id, &event, &audience, Effect::Join, message.created_at_ms);
    outbox::encode(vec![joined, outbox::message_record(message, &Audience::Room, "")])
}

/// Payload of a removal: the member leaves first, then those who stay get
/// the message.
pub(super) fn member_removed(
    info: &ConversationInfo,
    actor: &User,
    member: UserId,
    message: &Message,
) -> Bytes {
    let event = event(Change::Left, seen(info), actor);
    let audience = Audience::Users(vec![member]);
    let left = outbox::conversation_record(info.id, &event, &audience, Effect::Leave, message.created_at_ms);
    outbox::encode(vec![left, outbox::message_record(message, &Audience::Room, "")])
}

/// A message of the server about members: `place` is (seq, created_at_ms).
pub(super) fn system_message(
    info: &ConversationInfo,
    place: (i64, i64),
    actor: &User,
    content: String,
) -> Message {
    Message {
        conversation: info.id.get(),
        seq: place.0,
        sender: Some(actor.clone()),
        client_msg_id: String::new(),
        content,
        created_at_ms: place.1,
        kind: MessageKind::System.into(),
    }
}

/// Content of the SYSTEM message about new members.
pub(super) fn added_content(added: &[User]) -> String {
    let users: Vec<_> = added.iter().map(person).collect();
    json!({ "event": "members_added", "users": users }).to_string()
}

/// Content of the SYSTEM message about a removed member.
pub(super) fn removed_content(actor: &User, member: &User) -> String {
    let event = if actor.id == member.id { "member_left" } else { "member_removed" };
    json!({ "event": event, "users": [person(member)] }).to_string()
}

/// What an unknown number means as a kind: a row of a newer schema.
pub(super) fn kind(raw: i64) -> ConversationKind {
    i32::try_from(raw).ok().and_then(|raw| ConversationKind::try_from(raw).ok()).unwrap_or_default()
}

fn person(user: &User) -> serde_json::Value {
    json!({ "id": user.id.to_string(), "username": user.username })
}

fn seen(info: &ConversationInfo) -> Conversation {
    Conversation {
        id: info.id.get(),
        kind: info.kind.into(),
        name: info.name.clone(),
        creator_id: info.creator_id,
        head: info.head,
        last_at_ms: info.last_at_ms,
        ..Conversation::default()
    }
}

fn event(change: Change, conversation: Conversation, actor: &User) -> ConversationEvent {
    ConversationEvent { change: change.into(), conversation: Some(conversation), actor: Some(actor.clone()) }
}

fn encode_one(
    info: &ConversationInfo,
    event: &ConversationEvent,
    audience: &Audience,
    effect: Effect,
    now_ms: i64,
) -> Bytes {
    outbox::encode(vec![outbox::conversation_record(info.id, event, audience, effect, now_ms)])
}
