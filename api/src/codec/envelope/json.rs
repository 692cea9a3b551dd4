//! How protobuf types look in JSON, by flavour.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Flavour, visible_in};
use crate::pb::oort::v1::{Conversation, ConversationKind, MemberRole, Message, MessageKind, User};

/// A value as clients of one flavour see it.
#[derive(Debug)]
pub(super) struct In<'a, T: ?Sized>(pub(super) &'a T, pub(super) Flavour);

/// A user id: a number for Classic clients, a string for V1.
pub(super) struct UserIdIn(pub(super) i64, pub(super) Flavour);

/// A room id: a string for all.
pub(super) struct RoomId(pub(super) i64);

/// `<conversation>-<seq>`.
pub(super) struct Id {
    pub(super) conversation: i64,
    pub(super) seq: i64,
}

impl Serialize for UserIdIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Flavour::Classic => serializer.serialize_i64(self.0),
            Flavour::V1 => serializer.collect_str(&self.0),
        }
    }
}

impl Serialize for RoomId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.conversation, self.seq))
    }
}

impl Serialize for In<'_, User> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(user, flavour) = *self;
        let mut json = serializer.serialize_struct("User", 2)?;
        json.serialize_field("id", &UserIdIn(user.id, flavour))?;
        json.serialize_field("username", &user.username)?;
        json.end()
    }
}

impl Serialize for In<'_, Message> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(message, flavour) = *self;
        let mut json = serializer.serialize_struct("Message", 7)?;
        json.serialize_field("id", &Id { conversation: message.conversation, seq: message.seq })?;
        if flavour == Flavour::V1 {
            json.serialize_field("seq", &message.seq)?;
            json.serialize_field("kind", kind_of_message(message))?;
            if !message.client_msg_id.is_empty() {
                json.serialize_field("clientMsgId", &message.client_msg_id)?;
            }
        }
        json.serialize_field("content", &message.content)?;
        json.serialize_field("timestamp", &message.created_at_ms)?;
        let nobody = User::default();
        json.serialize_field("user", &In(message.sender.as_ref().unwrap_or(&nobody), flavour))?;
        json.end()
    }
}

/// The messages a flavour shows.
impl Serialize for In<'_, [Message]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(messages, flavour) = *self;
        let shown = messages.iter().filter(|message| visible_in(message, flavour));
        serializer.collect_seq(shown.map(|message| In(message, flavour)))
    }
}

impl Serialize for In<'_, Conversation> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(room, flavour) = *self;
        let mut json = serializer.serialize_struct("Room", 14)?;
        json.serialize_field("id", &RoomId(room.id))?;
        json.serialize_field("name", &room.name)?;
        if flavour == Flavour::V1 {
            json.serialize_field("kind", kind_of_conversation(room.kind))?;
            if room.creator_id != 0 {
                json.serialize_field("creatorId", &UserIdIn(room.creator_id, flavour))?;
            }
            if room.peer_id != 0 {
                json.serialize_field("peerId", &UserIdIn(room.peer_id, flavour))?;
            }
            json.serialize_field("head", &room.head)?;
            json.serialize_field("lastAtMs", &room.last_at_ms)?;
            json.serialize_field("readSeq", &room.read_seq)?;
            json.serialize_field("deliveredSeq", &room.delivered_seq)?;
            json.serialize_field("unread", &room.unread)?;
            if room.kind() == ConversationKind::Direct {
                json.serialize_field("peerReadSeq", &room.peer_read_seq)?;
                json.serialize_field("peerDeliveredSeq", &room.peer_delivered_seq)?;
            }
            if room.pinned {
                json.serialize_field("pinned", &true)?;
            }
            if room.muted_until_ms != 0 {
                json.serialize_field("mutedUntil", &room.muted_until_ms)?;
            }
            if let Some(role) = role_of_member(room) {
                json.serialize_field("role", role)?;
            }
            if room.silenced_until_ms != 0 {
                json.serialize_field("silencedUntil", &room.silenced_until_ms)?;
            }
            write_group(room, &mut json)?;
        }
        json.serialize_field("hasMoreMessages", &room.has_more)?;
        json.serialize_field("messages", &In(room.latest.as_slice(), flavour))?;
        json.end()
    }
}

/// What all members see of a group.
fn write_group<S: SerializeStruct>(room: &Conversation, json: &mut S) -> Result<(), S::Error> {
    if room.members != 0 {
        json.serialize_field("members", &room.members)?;
    }
    if !room.avatar.is_empty() {
        json.serialize_field("avatar", &room.avatar)?;
    }
    if room.mute_all {
        json.serialize_field("muteAll", &true)?;
    }
    if room.dissolved_at_ms != 0 {
        json.serialize_field("dissolvedAtMs", &room.dissolved_at_ms)?;
    }
    Ok(())
}

/// A group after a change, as all its members see it: nothing of the reader's own.
pub(super) struct Changed<'a>(pub(super) &'a Conversation);

impl Serialize for Changed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(room) = *self;
        let mut json = serializer.serialize_struct("Room", 9)?;
        json.serialize_field("id", &RoomId(room.id))?;
        json.serialize_field("name", &room.name)?;
        json.serialize_field("kind", kind_of_conversation(room.kind))?;
        json.serialize_field("head", &room.head)?;
        json.serialize_field("announcement", &room.announcement)?;
        write_group(room, &mut json)?;
        json.end()
    }
}

impl Serialize for In<'_, [Conversation]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(rooms, flavour) = *self;
        serializer.collect_seq(rooms.iter().map(|room| In(room, flavour)))
    }
}

/// What the reader is in a group; nothing elsewhere.
fn role_of_member(room: &Conversation) -> Option<&'static str> {
    match room.role() {
        MemberRole::Unspecified => None,
        MemberRole::Member => Some("member"),
        MemberRole::Admin => Some("admin"),
        MemberRole::Owner => Some("owner"),
    }
}

fn kind_of_message(message: &Message) -> &'static str {
    match message.kind() {
        MessageKind::Text => "text",
        MessageKind::System => "system",
    }
}

/// Kinds this build does not know look like rooms: the least that is true.
pub(super) fn kind_of_conversation(kind: i32) -> &'static str {
    match ConversationKind::try_from(kind) {
        Ok(ConversationKind::Direct) => "direct",
        Ok(ConversationKind::Group) => "group",
        Ok(ConversationKind::Room | ConversationKind::Unspecified) | Err(_) => "room",
    }
}
