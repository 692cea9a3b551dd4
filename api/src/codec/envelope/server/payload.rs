//! The payload of each server frame.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Serialize, Serializer};

use super::super::Flavour;
use super::super::json::{Changed, Id, In, RoomId, UserIdIn, name_of_conversation_kind};
use super::{Head, Listing, Session};
use crate::error::Refusal;
use crate::pb::oort::v1::conversation_event::Change;
use crate::pb::oort::v1::{
    Conversation, ConversationEvent, ConversationKind, CursorEvent, Message, SendOutcome, User,
};

#[derive(Serialize)]
pub(super) struct HelloJson<'a> {
    /// Not told to whom it was told before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) me: Option<In<'a, User>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<SessionJson<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) partial: bool,
    pub(super) rooms: In<'a, [Conversation]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ids: Option<IdsJson<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) cursor: &'a str,
    #[serde(rename = "eventSeq", skip_serializing_if = "Option::is_none")]
    pub(super) event_seq: Option<i64>,
}

impl Default for HelloJson<'_> {
    fn default() -> Self {
        Self {
            me: None,
            session: None,
            partial: false,
            rooms: In(&[], Flavour::V1),
            ids: None,
            cursor: "",
            event_seq: None,
        }
    }
}

impl<'a> HelloJson<'a> {
    pub(super) fn v1(
        me: &'a User,
        rooms: &'a [Conversation],
        session: Session<'a>,
        Listing { cursor, is_partial, ids, event_seq }: Listing<'a>,
    ) -> Self {
        let session = SessionJson::from(session);
        let limits = if is_partial { None } else { session.limits };
        Self {
            me: (!is_partial).then_some(In(me, Flavour::V1)),
            session: Some(SessionJson { limits, ..session }),
            partial: is_partial,
            rooms: In(rooms, Flavour::V1),
            ids: ids.map(IdsJson),
            cursor,
            event_seq: Some(event_seq),
        }
    }
}

/// Ids of rooms.
pub(super) struct IdsJson<'a>(&'a [i64]);

impl Serialize for IdsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|&id| RoomId(id)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson<'a> {
    pub(super) key: &'a str,
    pub(super) heartbeat_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limits: Option<LimitsJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LimitsJson {
    pub(super) frame_bytes_max: usize,
    pub(super) messages_per_frame_max: usize,
    pub(super) content_bytes_max: usize,
    pub(super) client_msg_id_bytes_max: usize,
    pub(super) request_id_bytes_max: usize,
    pub(super) room_name_chars_max: usize,
    pub(super) history_count_max: u32,
}

impl<'a> From<Session<'a>> for SessionJson<'a> {
    fn from(Session { key, heartbeat_ms, limits }: Session<'a>) -> Self {
        let limits = LimitsJson {
            frame_bytes_max: limits.frame_bytes_max,
            messages_per_frame_max: limits.messages_per_frame_max,
            content_bytes_max: limits.content_bytes_max,
            client_msg_id_bytes_max: limits.client_msg_id_bytes_max,
            request_id_bytes_max: limits.request_id_bytes_max,
            room_name_chars_max: limits.room_name_chars_max,
            history_count_max: limits.history_count_max,
        };
        Self { key, heartbeat_ms, limits: Some(limits) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesJson<'a> {
    pub(super) room_id: RoomId,
    pub(super) messages: In<'a, [Message]>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) replay: bool,
}

impl<'a> MessagesJson<'a> {
    pub(super) const fn new(conversation: i64, messages: &'a [Message], flavour: Flavour) -> Self {
        Self { room_id: RoomId(conversation), messages: In(messages, flavour), replay: false }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryJson<'a> {
    pub(super) room_id: RoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    pub(super) messages: In<'a, [Message]>,
    pub(super) has_more_messages: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change_seq: Option<i64>,
}

/// The id of a room, or "" when there is none.
pub(super) struct RoomIdOrEmpty(i64);

impl Serialize for RoomIdOrEmpty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 0 { serializer.serialize_str("") } else { serializer.collect_str(&self.0) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateRoomJson<'a> {
    pub(super) room_id: RoomIdOrEmpty,
    pub(super) room_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) creator_id: Option<UserIdIn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
}

impl<'a> CreateRoomJson<'a> {
    pub(super) const fn classic(conversation: i64, room_name: &'a str) -> Self {
        let room_id = RoomIdOrEmpty(conversation);
        Self { room_id, room_name, creator_id: None, kind: None, request_id: None }
    }

    pub(super) fn v1(conversation: i64, name: &'a str, creator_id: i64, request_id: Option<&'a str>) -> Self {
        let exists = conversation != 0;
        Self {
            creator_id: exists.then_some(UserIdIn(creator_id, Flavour::V1)),
            kind: exists.then(|| name_of_conversation_kind(ConversationKind::Room)),
            request_id,
            ..Self::classic(conversation, name)
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AckJson<'a> {
    pub(super) room_id: RoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    pub(super) results: OutcomesJson<'a>,
}

pub(super) struct OutcomesJson<'a> {
    pub(super) conversation: i64,
    pub(super) outcomes: &'a [SendOutcome],
}

impl Serialize for OutcomesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.outcomes.iter().map(|outcome| OutcomeJson::new(self.conversation, outcome)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutcomeJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) client_msg_id: &'a str,
    #[serde(flatten)]
    pub(super) end: OutcomeEnd<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum OutcomeEnd<'a> {
    Stored {
        seq: i64,
        id: Id,
        timestamp: i64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    },
    Refused {
        error: ErrorJson<'a>,
    },
}

impl<'a> OutcomeJson<'a> {
    pub(super) fn new(conversation: i64, outcome: &'a SendOutcome) -> Self {
        let end = if outcome.seq > 0 {
            OutcomeEnd::Stored {
                seq: outcome.seq,
                id: Id { conversation, seq: outcome.seq },
                timestamp: outcome.created_at_ms,
                duplicate: outcome.duplicate,
            }
        } else {
            OutcomeEnd::Refused {
                error: ErrorJson {
                    code: &outcome.error_code,
                    message: &outcome.error_message,
                    retry_after_ms: u64::try_from(outcome.retry_after_ms).ok().filter(|&ms| ms > 0),
                    request_id: None,
                },
            }
        };
        Self { client_msg_id: &outcome.client_msg_id, end }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorJson<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
}

impl<'a> From<&'a Refusal> for ErrorJson<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            code: refusal.code.as_str(),
            message: &refusal.message,
            request_id: None,
            retry_after_ms: refusal.retry_after_ms,
        }
    }
}

#[derive(Serialize)]
pub(super) struct EventJson<'a> {
    pub(super) change: &'static str,
    pub(super) room: EventRoom<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<In<'a, User>>,
}

/// The conversation of an event: as its reader sees it, or what all members see alike.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EventRoom<'a> {
    Own(In<'a, Conversation>),
    Changed(Changed<'a>),
}

impl<'a> EventJson<'a> {
    pub(super) fn new(event: &'a ConversationEvent) -> Option<Self> {
        let change = match event.change() {
            Change::Created => "created",
            Change::Joined => "joined",
            Change::Left => "left",
            Change::Changed => "changed",
        };
        let room = event.conversation.as_ref()?;
        let room = match event.change() {
            Change::Changed => EventRoom::Changed(Changed(room)),
            _ => EventRoom::Own(In(room, Flavour::V1)),
        };
        Some(Self { change, room, actor: event.actor.as_ref().map(|actor| In(actor, Flavour::V1)) })
    }
}

#[derive(Serialize)]
pub(super) struct BehindJson<'a> {
    pub(super) rooms: HeadsJson<'a>,
}

pub(super) struct HeadsJson<'a>(pub(super) &'a [Head]);

impl Serialize for HeadsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct HeadJson {
            room_id: RoomId,
            head: i64,
        }
        let heads = self.0.iter();
        serializer.collect_seq(
            heads.map(|&Head { conversation, head }| HeadJson { room_id: RoomId(conversation), head }),
        )
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReconnectJson<'a> {
    pub(super) after_ms: u64,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushJson<'a> {
    pub(super) operation: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body_base64: Option<String>,
}

impl<'a> PushJson<'a> {
    pub(super) fn new(operation: i32, body: &'a [u8]) -> Self {
        let text = std::str::from_utf8(body).ok();
        let body_base64 = text.is_none().then(|| BASE64.encode(body));
        Self { operation, body: text, body_base64 }
    }
}

#[derive(Serialize)]
pub(super) struct PongJson {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CursorJson<'a> {
    pub(super) room_id: RoomId,
    pub(super) user_id: UserIdIn,
    pub(super) delivered_seq: i64,
    pub(super) read_seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unread: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
}

impl<'a> CursorJson<'a> {
    pub(super) fn new(event: &CursorEvent, request_id: Option<&'a str>) -> Self {
        Self {
            room_id: RoomId(event.conversation),
            user_id: UserIdIn(event.user_id, Flavour::V1),
            delivered_seq: event.delivered_seq,
            read_seq: event.read_seq,
            head: event.own.then_some(event.head),
            unread: event.own.then_some(event.unread),
            request_id,
        }
    }
}
