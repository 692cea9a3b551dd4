//! Frames the server sends, written as compact JSON.

use serde::Serialize;

use super::json::{In, RoomId};
use super::{Flavour, Limits, frame_types};
use crate::error::Refusal;
use crate::op;
use crate::pb::oort::v1::conversation_event::Change;
use crate::pb::oort::v1::message_extra::Gone;
use crate::pb::oort::v1::{
    ChangeEvent, Conversation, ConversationEvent, CursorEvent, HistoryResult, Message, MessageKind, Presence,
    SendOutcome, TypingEvent, User, UserEvent,
};

mod change;
mod event;
mod payload;
#[cfg(test)]
mod tests;
mod watch;

use change::ChangeJson;
use event::UserEventJson;
use payload::{
    AckJson, BehindJson, CreateRoomJson, CursorJson, ErrorJson, EventJson, HeadsJson, HelloJson, HistoryJson,
    MessagesJson, OutcomesJson, PongJson, PushJson, ReconnectJson,
};
use watch::{PeopleJson, PresenceJson, TypingJson};

frame_types! {
    /// Types of the frames the server sends.
    ServerType {
        /// First frame: who you are and where you are.
        Hello = "hello",
        /// New messages.
        ServerMessages = "serverMessages",
        /// Answer to `requestRoomHistory`.
        ServerRoomHistory = "serverRoomHistory",
        /// Answer to `clientCreateRoom`; for Classic clients any new room.
        ServerCreateRoom = "serverCreateRoom",
        /// Answer to `clientMessages`; V1 only.
        SendAck = "sendAck",
        /// A frame was refused; V1 only.
        Error = "error",
        /// The client's list of rooms changed; V1 only.
        Conversation = "conversation",
        /// The client was too slow; V1 only.
        Behind = "behind",
        /// The client is asked to reconnect; V1 only.
        Reconnect = "reconnect",
        /// An application's push; V1 only.
        Push = "push",
        /// Answer to `ping`; V1 only.
        Pong = "pong",
        /// How far somebody has got; also the answer to `cursor`; V1 only.
        Cursor = "cursor",
        /// Who is online of those watched; V1 only.
        Presence = "presence",
        /// Somebody types in a conversation watched; V1 only.
        Typing = "typing",
        /// Something changed for the user; V1 only.
        Event = "event",
        /// A message was changed; V1 only.
        Change = "change",
    }
}

/// A frame and what it says. Borrowed: encode once, send to many.
#[derive(Debug, Clone, Copy)]
pub enum ServerFrame<'a> {
    /// `hello`
    Hello {
        /// The user.
        me: &'a User,
        /// Their conversations, messages newest first.
        rooms: &'a [Conversation],
        /// About the connection.
        session: Session<'a>,
        /// What part of the list `rooms` is.
        listing: Listing<'a>,
    },
    /// `serverMessages`
    Messages {
        /// All messages are of this one.
        conversation: i64,
        /// Oldest first.
        messages: &'a [Message],
    },
    /// `serverMessages` that an operator had delivered once more: with `replay`, where the flavour has it.
    Replayed {
        /// All messages are of this one.
        conversation: i64,
        /// Oldest first.
        messages: &'a [Message],
    },
    /// `serverRoomHistory`
    History {
        /// As asked for.
        conversation: i64,
        /// Messages newest first; oldest first after `afterSeq`.
        result: &'a HistoryResult,
        /// As asked with.
        request_id: Option<&'a str>,
    },
    /// `serverCreateRoom`, to the asker alone.
    RoomCreated {
        /// 0 = the name is taken.
        conversation: i64,
        /// As asked for.
        name: &'a str,
        /// The asker.
        creator_id: i64,
        /// As asked with.
        request_id: Option<&'a str>,
    },
    /// `sendAck`
    SendAck {
        /// As asked for.
        conversation: i64,
        /// One per message, in order.
        outcomes: &'a [SendOutcome],
        /// As asked with.
        request_id: Option<&'a str>,
    },
    /// `error`
    Error {
        /// Code, text and retry time.
        refusal: &'a Refusal,
        /// As asked with.
        request_id: Option<&'a str>,
    },
    /// `conversation`; for Classic clients `serverCreateRoom`.
    Conversation {
        /// As logic said it. One without a conversation is not shown.
        event: &'a ConversationEvent,
    },
    /// `behind`
    Behind {
        /// The conversations to pull.
        rooms: &'a [Head],
    },
    /// `reconnect`
    Reconnect {
        /// When, ms from now.
        after_ms: u64,
        /// One word for logs, e.g. `draining`.
        reason: &'a str,
    },
    /// `push`; to Classic clients the body itself, with op 4 or 5.
    Push {
        /// The operation the pusher named.
        operation: i32,
        /// Opaque.
        body: &'a [u8],
    },
    /// `pong`
    Pong,
    /// `cursor`
    Cursor {
        /// As logic said it.
        event: &'a CursorEvent,
        /// As asked with, in the answer.
        request_id: Option<&'a str>,
    },
    /// `presence`
    Presence {
        /// All that were asked for, or whose presence changed.
        users: &'a [Presence],
        /// As asked with, in the answer to `watch`.
        request_id: Option<&'a str>,
    },
    /// `typing`
    Typing {
        /// As logic said it. One without a user is not shown.
        event: &'a TypingEvent,
    },
    /// `event`
    Event {
        /// As logic said it.
        event: &'a UserEvent,
    },
    /// `change`
    Change {
        /// As logic said it.
        event: &'a ChangeEvent,
    },
}

/// What part of the list of conversations a `hello` has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listing<'a> {
    /// Names the reading, for the next `since`; empty = there is none.
    pub cursor: &'a str,
    /// Only what changed.
    pub is_partial: bool,
    /// Partial only: ids of all conversations, when some came or went.
    pub ids: Option<&'a [i64]>,
    /// seq of the newest of the user's events, 0 = none.
    pub event_seq: i64,
}

/// About a connection, in `hello`.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// Its key, for pushes to this connection alone.
    pub key: &'a str,
    /// Silence after which the server gives the connection up, ms. Its own
    /// WebSocket pings come more often.
    pub heartbeat_ms: u64,
    /// Bounds of client frames.
    pub limits: &'a Limits,
}

/// A conversation and the seq of its newest message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub conversation: i64,
    /// 0 = not known: pull until there is no more.
    pub head: i64,
}

/// Clients of this flavour are shown the message. Classic ones would show the
/// JSON of system messages as if a person had written it, and nothing at all
/// for what was taken back.
///
/// A page of history may be empty once these are left out, while there is
/// more: go on from its last message then, as a Classic client cannot.
#[must_use]
pub fn visible_in(message: &Message, flavour: Flavour) -> bool {
    let is_gone =
        || message.extra.as_ref().is_some_and(|extra| extra.hidden || extra.gone() != Gone::NotGone);
    flavour == Flavour::V1 || (message.kind() != MessageKind::System && !is_gone())
}

/// Appends one message alone, as the object it is in `serverMessages`.
#[expect(clippy::expect_used, reason = "a Vec takes every byte and no key is not text")]
pub fn encode_message(message: &Message, flavour: Flavour, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &In(message, flavour)).expect("JSON is written to memory");
}

impl ServerFrame<'_> {
    /// The type a V1 client sees.
    #[must_use]
    pub const fn frame_type(&self) -> ServerType {
        match self {
            Self::Hello { .. } => ServerType::Hello,
            Self::Messages { .. } | Self::Replayed { .. } => ServerType::ServerMessages,
            Self::History { .. } => ServerType::ServerRoomHistory,
            Self::RoomCreated { .. } => ServerType::ServerCreateRoom,
            Self::SendAck { .. } => ServerType::SendAck,
            Self::Error { .. } => ServerType::Error,
            Self::Conversation { .. } => ServerType::Conversation,
            Self::Behind { .. } => ServerType::Behind,
            Self::Reconnect { .. } => ServerType::Reconnect,
            Self::Push { .. } => ServerType::Push,
            Self::Pong => ServerType::Pong,
            Self::Cursor { .. } => ServerType::Cursor,
            Self::Presence { .. } => ServerType::Presence,
            Self::Typing { .. } => ServerType::Typing,
            Self::Event { .. } => ServerType::Event,
            Self::Change { .. } => ServerType::Change,
        }
    }

    /// Appends the text frame as clients of this flavour get it. `false`: they
    /// get none, and nothing was written.
    #[must_use = "false means that there is nothing to send"]
    pub fn encode_into(&self, flavour: Flavour, out: &mut Vec<u8>) -> bool {
        match flavour {
            Flavour::Classic => self.encode_classic(out),
            Flavour::V1 => self.encode_v1(out),
        }
    }

    fn encode_classic(&self, out: &mut Vec<u8>) -> bool {
        const FLAVOUR: Flavour = Flavour::Classic;
        match *self {
            Self::Hello { me, rooms, .. } => write(
                out,
                ServerType::Hello,
                &HelloJson { me: Some(In(me, FLAVOUR)), rooms: In(rooms, FLAVOUR), ..HelloJson::default() },
            ),
            Self::Messages { conversation, messages } | Self::Replayed { conversation, messages } => {
                messages.iter().any(|message| visible_in(message, FLAVOUR))
                    && write(
                        out,
                        ServerType::ServerMessages,
                        &MessagesJson::new(conversation, messages, FLAVOUR),
                    )
            }
            Self::History { conversation, result, .. } => write(
                out,
                ServerType::ServerRoomHistory,
                &HistoryJson {
                    room_id: RoomId(conversation),
                    messages: In(&result.messages, FLAVOUR),
                    has_more_messages: result.has_more,
                    head: None,
                    change_seq: None,
                    request_id: None,
                },
            ),
            // The room itself comes with the event that every member gets; a
            // second frame would list it twice.
            Self::RoomCreated { conversation, name, .. } => {
                conversation == 0
                    && write(out, ServerType::ServerCreateRoom, &CreateRoomJson::classic(0, name))
            }
            Self::Conversation { event } => match &event.conversation {
                Some(room) if matches!(event.change(), Change::Created | Change::Joined) => {
                    write(out, ServerType::ServerCreateRoom, &CreateRoomJson::classic(room.id, &room.name))
                }
                _ => false,
            },
            Self::Push { operation: op::SEND_MESSAGE | op::SEND_MESSAGE_REPLY, body }
                if !body.is_empty() && std::str::from_utf8(body).is_ok() =>
            {
                out.extend_from_slice(body);
                true
            }
            Self::Push { .. }
            | Self::SendAck { .. }
            | Self::Error { .. }
            | Self::Behind { .. }
            | Self::Reconnect { .. }
            | Self::Pong
            | Self::Cursor { .. }
            | Self::Presence { .. }
            | Self::Typing { .. }
            | Self::Event { .. }
            | Self::Change { .. } => false,
        }
    }

    fn encode_v1(&self, out: &mut Vec<u8>) -> bool {
        const FLAVOUR: Flavour = Flavour::V1;
        let frame_type = self.frame_type();
        match *self {
            Self::Hello { me, rooms, session, listing } => {
                write(out, frame_type, &HelloJson::v1(me, rooms, session, listing))
            }
            Self::Messages { conversation, messages } => {
                !messages.is_empty()
                    && write(out, frame_type, &MessagesJson::new(conversation, messages, FLAVOUR))
            }
            Self::Replayed { conversation, messages } => {
                let json =
                    MessagesJson { replay: true, ..MessagesJson::new(conversation, messages, FLAVOUR) };
                !messages.is_empty() && write(out, frame_type, &json)
            }
            Self::History { conversation, result, request_id } => write(
                out,
                frame_type,
                &HistoryJson {
                    room_id: RoomId(conversation),
                    messages: In(&result.messages, FLAVOUR),
                    has_more_messages: result.has_more,
                    head: Some(result.head),
                    change_seq: Some(result.change_seq).filter(|&seq| seq > 0),
                    request_id,
                },
            ),
            Self::RoomCreated { conversation, name, creator_id, request_id } => {
                write(out, frame_type, &CreateRoomJson::v1(conversation, name, creator_id, request_id))
            }
            Self::SendAck { conversation, outcomes, request_id } => write(
                out,
                frame_type,
                &AckJson {
                    room_id: RoomId(conversation),
                    request_id,
                    results: OutcomesJson { conversation, outcomes },
                },
            ),
            Self::Error { refusal, request_id } => {
                write(out, frame_type, &ErrorJson { request_id, ..ErrorJson::from(refusal) })
            }
            Self::Conversation { event } => {
                EventJson::new(event).is_some_and(|event| write(out, frame_type, &event))
            }
            Self::Behind { rooms } => write(out, frame_type, &BehindJson { rooms: HeadsJson(rooms) }),
            Self::Reconnect { after_ms, reason } => {
                write(out, frame_type, &ReconnectJson { after_ms, reason })
            }
            Self::Push { operation, body } => write(out, frame_type, &PushJson::new(operation, body)),
            Self::Pong => write(out, frame_type, &PongJson {}),
            Self::Cursor { event, request_id } => write(out, frame_type, &CursorJson::new(event, request_id)),
            Self::Presence { users, request_id } => {
                write(out, frame_type, &PresenceJson { users: PeopleJson(users), request_id })
            }
            Self::Typing { event } => {
                TypingJson::new(event).is_some_and(|event| write(out, frame_type, &event))
            }
            Self::Event { event } => {
                UserEventJson::new(event).is_some_and(|event| write(out, frame_type, &event))
            }
            Self::Change { event } => write(out, frame_type, &ChangeJson::new(event)),
        }
    }
}

#[expect(clippy::expect_used, reason = "a Vec takes every byte and no payload has a key that is not text")]
fn write(out: &mut Vec<u8>, frame_type: ServerType, payload: &impl Serialize) -> bool {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(frame_type.as_str().as_bytes());
    out.extend_from_slice(b"\",\"payload\":");
    serde_json::to_writer(&mut *out, payload).expect("JSON is written to memory");
    out.push(b'}');
    true
}
