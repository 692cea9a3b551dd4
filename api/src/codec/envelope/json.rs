//! How protobuf types look in JSON, by flavour.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Flavour, visible_in};
use crate::pb::oort::v1::message_extra::Gone;
use crate::pb::oort::v1::{
    Conversation, ConversationKind, MemberRole, Message, MessageExtra, MessageKind, Quote, Reaction, User,
};

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
        let mut json = serializer.serialize_struct("Message", 12)?;
        json.serialize_field("id", &Id { conversation: message.conversation, seq: message.seq })?;
        if flavour == Flavour::V1 {
            json.serialize_field("seq", &message.seq)?;
            json.serialize_field("kind", kind_of_message(message))?;
            if !message.client_msg_id.is_empty() {
                json.serialize_field("clientMsgId", &message.client_msg_id)?;
            }
        }
        match flavour {
            Flavour::V1 => json.serialize_field("content", &message.content)?,
            Flavour::Classic => json.serialize_field("content", &fallback(message))?,
        }
        json.serialize_field("timestamp", &message.created_at_ms)?;
        let nobody = User::default();
        json.serialize_field("user", &In(message.sender.as_ref().unwrap_or(&nobody), flavour))?;
        if flavour == Flavour::V1
            && let Some(extra) = &message.extra
        {
            write_extra(message, extra, &mut json)?;
        }
        json.end()
    }
}

/// What a client is shown that knows texts only.
fn fallback(message: &Message) -> Cow<'_, str> {
    if !message.content.is_empty() || matches!(message.kind(), MessageKind::Text | MessageKind::System) {
        return Cow::Borrowed(&message.content);
    }
    let attachment = message.extra.as_ref().and_then(|extra| extra.details.as_ref());
    let attachment = attachment.and_then(|details| serde_json::from_str::<Value>(&details.attachment).ok());
    let attachment = attachment.unwrap_or_default();
    let told = ["name", "address", "url", "type"].into_iter().find_map(|field| attachment[field].as_str());
    let place = || Some(format!("{}, {}", attachment["lat"].as_f64()?, attachment["lon"].as_f64()?));
    let told = told.map(str::to_owned).or_else(place).unwrap_or_default();
    let kind = kind_of_message(message);
    Cow::Owned(if told.is_empty() { format!("[{kind}]") } else { format!("[{kind}] {told}") })
}

/// The fields a message has beside those of every message.
fn write_extra<S: SerializeStruct>(
    message: &Message,
    extra: &MessageExtra,
    json: &mut S,
) -> Result<(), S::Error> {
    if let Some(details) = &extra.details {
        if let Ok(attachment) = serde_json::from_str::<&RawValue>(&details.attachment) {
            json.serialize_field("attachment", attachment)?;
        }
        if !details.mentions.is_empty() {
            json.serialize_field("mentions", &UserIds(&details.mentions))?;
        }
        if details.mentions_all {
            json.serialize_field("mentionsAll", &true)?;
        }
        if let Some(sender) = details.forwarded.as_ref().and_then(|origin| origin.sender.as_ref()) {
            json.serialize_field("forwardedFrom", &In(sender, Flavour::V1))?;
        }
    }
    if extra.hidden {
        json.serialize_field("hidden", &true)?;
    }
    if let Some(quote) = &extra.quote {
        json.serialize_field("reply", &QuoteJson::new(message.conversation, quote))?;
    }
    if extra.change_seq > 0 {
        json.serialize_field("changeSeq", &extra.change_seq)?;
    }
    if extra.edited_at_ms > 0 {
        json.serialize_field("editedAt", &extra.edited_at_ms)?;
    }
    match extra.gone() {
        Gone::NotGone => {}
        Gone::Recalled => json.serialize_field("gone", "recalled")?,
        Gone::Erased => json.serialize_field("gone", "erased")?,
        Gone::Expired => json.serialize_field("gone", "expired")?,
    }
    if extra.expires_at_ms > 0 {
        json.serialize_field("expiresAtMs", &extra.expires_at_ms)?;
    }
    if !extra.reactions.is_empty() {
        json.serialize_field("reactions", &Reactions(&extra.reactions))?;
    }
    Ok(())
}

struct UserIds<'a>(&'a [i64]);

impl Serialize for UserIds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|&id| UserIdIn(id, Flavour::V1)))
    }
}

#[derive(Serialize)]
struct QuoteJson<'a> {
    id: Id,
    seq: i64,
    kind: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<In<'a, User>>,
    #[serde(rename = "expiresAtMs", skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
}

impl<'a> QuoteJson<'a> {
    fn new(conversation: i64, quote: &'a Quote) -> Self {
        Self {
            id: Id { conversation, seq: quote.seq },
            seq: quote.seq,
            kind: name_of_kind(quote.kind()),
            content: &quote.content,
            user: quote.sender.as_ref().map(|sender| In(sender, Flavour::V1)),
            expires_at_ms: (quote.expires_at_ms > 0).then_some(quote.expires_at_ms),
        }
    }
}

struct Reactions<'a>(&'a [Reaction]);

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct ReactionJson<'a> {
            emoji: &'a str,
            count: i64,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            mine: bool,
        }
        let reactions = self.0.iter();
        serializer.collect_seq(reactions.map(|&Reaction { ref emoji, count, mine }| ReactionJson {
            emoji,
            count,
            mine,
        }))
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
        let mut json = serializer.serialize_struct("Room", 15)?;
        json.serialize_field("id", &RoomId(room.id))?;
        json.serialize_field("name", &room.name)?;
        if flavour == Flavour::V1 {
            json.serialize_field("kind", name_of_conversation_kind(room.kind()))?;
            if room.creator_id != 0 {
                json.serialize_field("creatorId", &UserIdIn(room.creator_id, flavour))?;
            }
            if room.peer_id != 0 {
                json.serialize_field("peerId", &UserIdIn(room.peer_id, flavour))?;
            }
            json.serialize_field("head", &room.head)?;
            json.serialize_field("lastAtMs", &room.last_at_ms)?;
            if room.change_seq > 0 {
                json.serialize_field("changeSeq", &room.change_seq)?;
            }
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
            write_shared(room, &mut json)?;
        }
        json.serialize_field("hasMoreMessages", &room.has_more)?;
        json.serialize_field("messages", &In(room.latest.as_slice(), flavour))?;
        json.end()
    }
}

/// What all members see alike.
fn write_shared<S: SerializeStruct>(room: &Conversation, json: &mut S) -> Result<(), S::Error> {
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
    if room.expires_in_ms != 0 {
        json.serialize_field("expiresInMs", &room.expires_in_ms)?;
    }
    Ok(())
}

/// A conversation after a change, as all its members see it: nothing of the reader's own.
pub(super) struct Changed<'a>(pub(super) &'a Conversation);

impl Serialize for Changed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(room) = *self;
        let mut json = serializer.serialize_struct("Room", 9)?;
        json.serialize_field("id", &RoomId(room.id))?;
        json.serialize_field("name", &room.name)?;
        json.serialize_field("kind", name_of_conversation_kind(room.kind()))?;
        json.serialize_field("head", &room.head)?;
        json.serialize_field("announcement", &room.announcement)?;
        write_shared(room, &mut json)?;
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
    name_of_kind(message.kind())
}

/// A kind as clients know it.
#[must_use]
pub const fn name_of_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::System => "system",
        MessageKind::Image => "image",
        MessageKind::Voice => "voice",
        MessageKind::Video => "video",
        MessageKind::File => "file",
        MessageKind::Location => "location",
        MessageKind::Custom => "custom",
    }
}

/// The kind that a sender may name; `None`: there is none of this name.
#[must_use]
pub fn kind_named(name: &str) -> Option<MessageKind> {
    use MessageKind::{Custom, File, Image, Location, Text, Video, Voice};
    [Text, Image, Voice, Video, File, Location, Custom].into_iter().find(|kind| name_of_kind(*kind) == name)
}

/// A kind of conversation as clients know it. Kinds this build does not know
/// look like rooms: the least that is true.
#[must_use]
pub const fn name_of_conversation_kind(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Direct => "direct",
        ConversationKind::Group => "group",
        ConversationKind::Room | ConversationKind::Unspecified => "room",
    }
}
