//! What changes of conversations publish: the same records from every dialect.

use bytes::Bytes;
use oort_api::ids::UserId;
use oort_api::pb::goim::logic::push_msg::Effect;
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::{
    Conversation, ConversationEvent, ConversationKind, MemberRole, Message, MessageKind, OutboxRecord, User,
};
use serde_json::json;

use super::{ConversationInfo, GroupEdit, GroupState, expiries};
use crate::outbox::{self, Audience};
use crate::policy::Role;

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

/// The record by which new members enter a group.
pub(super) fn joined(group: &GroupState, actor: &User, added: Vec<UserId>, now_ms: i64) -> OutboxRecord {
    let head = group.info.head;
    // They begin where they joined.
    let role = MemberRole::Member.into();
    let conversation = Conversation { read_seq: head, delivered_seq: head, role, ..shown(group) };
    let event = event(Change::Joined, conversation, actor);
    outbox::conversation_record(group.info.id, &event, &Audience::Users(added), Effect::Join, now_ms)
}

/// The record by which a member leaves a group.
pub(super) fn left(info: &ConversationInfo, actor: &User, member: UserId, now_ms: i64) -> OutboxRecord {
    let event = event(Change::Left, seen(info), actor);
    outbox::conversation_record(info.id, &event, &Audience::Users(vec![member]), Effect::Leave, now_ms)
}

/// The record of what a group shows now, for all its members.
pub(super) fn changed(group: &GroupState, head: i64, actor: &User, now_ms: i64) -> OutboxRecord {
    let event = event(Change::Changed, Conversation { head, ..shown(group) }, actor);
    outbox::conversation_record(group.info.id, &event, &Audience::Room, Effect::None, now_ms)
}

/// A message of the server about a group: `place` is (seq, created_at_ms).
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
        extra: None,
    }
}

/// Content of the SYSTEM message about new members.
pub(super) fn added_content(added: &[User]) -> String {
    let users: Vec<_> = added.iter().map(person).collect();
    json!({ "event": "members_added", "users": users }).to_string()
}

/// Content of the SYSTEM message about who came in by a link.
pub(super) fn joined_content(joined: &[User]) -> String {
    let users: Vec<_> = joined.iter().map(person).collect();
    json!({ "event": "member_joined", "users": users }).to_string()
}

/// Content of the SYSTEM message about a removed member.
pub(super) fn removed_content(actor: &User, member: &User) -> String {
    let event = if actor.id == member.id { "member_left" } else { "member_removed" };
    json!({ "event": event, "users": [person(member)] }).to_string()
}

/// Content of the SYSTEM message about a member's role.
pub(super) fn role_content(member: &User, role: Role) -> String {
    json!({ "event": "role_changed", "users": [person(member)], "role": role.as_str() }).to_string()
}

/// Content of the SYSTEM message about a new owner.
pub(super) fn owner_content(owner: &User) -> String {
    json!({ "event": "owner_changed", "users": [person(owner)] }).to_string()
}

/// Content of the SYSTEM message about a member who may not send until a time; 0 = may again.
pub(super) fn muted_content(member: &User, until_ms: i64) -> String {
    let content = match until_ms {
        0 => json!({ "event": "member_unmuted", "users": [person(member)] }),
        _ => json!({ "event": "member_muted", "users": [person(member)], "until": until_ms }),
    };
    content.to_string()
}

/// Content of the SYSTEM message about what a group shows: what changed of it.
pub(super) fn edited_content(edit: &GroupEdit) -> String {
    if let Some(expires_in_ms) = edit.expires_in_ms {
        return expiries::content(expires_in_ms);
    }
    let mut content = json!({ "event": "group_changed" });
    let texts = [("name", &edit.name), ("avatar", &edit.avatar), ("announcement", &edit.announcement)];
    for (key, text) in texts {
        if let Some(text) = text {
            content[key] = json!(text);
        }
    }
    if let Some(is_muted_all) = edit.is_muted_all {
        content["muteAll"] = json!(is_muted_all);
    }
    content.to_string()
}

/// Content of the SYSTEM message about a group's end.
pub(super) fn dissolved_content() -> String {
    json!({ "event": "group_dissolved" }).to_string()
}

/// What an unknown number means as a kind: a row of a newer schema.
pub(super) fn kind(raw: i64) -> ConversationKind {
    i32::try_from(raw).ok().and_then(|raw| ConversationKind::try_from(raw).ok()).unwrap_or_default()
}

/// What a member of a group is, as its reader is told; nothing elsewhere.
pub(super) fn member_role(kind: ConversationKind, stored: Option<i64>) -> MemberRole {
    match (kind, Role::of(stored)) {
        (ConversationKind::Group, Role::Owner) => MemberRole::Owner,
        (ConversationKind::Group, Role::Admin) => MemberRole::Admin,
        (ConversationKind::Group, Role::Member) => MemberRole::Member,
        _ => MemberRole::Unspecified,
    }
}

/// A user in JSON.
pub(super) fn person(user: &User) -> serde_json::Value {
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

/// What all members see of a group.
fn shown(group: &GroupState) -> Conversation {
    Conversation {
        members: group.members,
        avatar: group.avatar.clone(),
        announcement: group.announcement.clone(),
        mute_all: group.is_muted_all,
        dissolved_at_ms: group.dissolved_at_ms,
        expires_in_ms: group.expires_in_ms,
        ..seen(&group.info)
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
