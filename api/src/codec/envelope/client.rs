//! Frames a client sends, read into commands for logic.

use serde_json::value::RawValue;

use super::fields::{Envelope, Given, Item, Items, Object, Payload, RequestIdOnly};
use super::{Flavour, Limits, Typing, Watch, frame_types, watch};
use crate::codec::message_id::MessageId;
use crate::error::{Code, Refusal};
use crate::ids::{ConversationId, Seq};
use crate::pb::oort::v1::{
    CreateRoomCommand, CursorCommand, HistoryCommand, MessageKind, OutgoingMessage, SendCommand,
};

mod details;
#[cfg(test)]
mod tests;

frame_types! {
    /// Types of the frames a client sends.
    ClientType {
        /// Messages to one conversation.
        ClientMessages = "clientMessages",
        /// A page of a conversation's messages.
        RequestRoomHistory = "requestRoomHistory",
        /// A new open room.
        ClientCreateRoom = "clientCreateRoom",
        /// Asks for `pong`; V1 only.
        Ping = "ping",
        /// How far the client has got; V1 only.
        Cursor = "cursor",
        /// What the client shows just now; V1 only.
        Watch = "watch",
        /// The user types; V1 only.
        Typing = "typing",
        /// The device is left alone, or no longer; V1 only.
        Away = "away",
    }
}

/// A frame, ready for logic. The request id is echoed in the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientFrame {
    /// `clientMessages`
    Send {
        /// For logic.
        command: SendCommand,
        /// For the answer.
        request_id: Option<String>,
    },
    /// `requestRoomHistory`
    History {
        /// For logic.
        command: HistoryCommand,
        /// For the answer.
        request_id: Option<String>,
    },
    /// `clientCreateRoom`
    CreateRoom {
        /// For logic.
        command: CreateRoomCommand,
        /// For the answer.
        request_id: Option<String>,
    },
    /// `ping`
    Ping,
    /// `cursor`
    Cursor {
        /// For logic.
        command: CursorCommand,
        /// For the answer.
        request_id: Option<String>,
    },
    /// `watch`
    Watch {
        /// All of it.
        watch: Watch,
        /// For the answer.
        request_id: Option<String>,
    },
    /// `typing`
    Typing(Typing),
    /// `away`: whether the device is left alone.
    Away(bool),
}

/// Why a frame was refused. V1 clients are told, with `error`; Classic ones
/// have no such frame, so it is only counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct EnvelopeError {
    /// The code, and a sentence that names the field.
    pub refusal: Refusal,
    /// The frame's request id, when it could be read.
    pub request_id: Option<String>,
}

/// Reads one text frame.
///
/// # Errors
/// [`Code::InvalidRequest`]: not JSON, not `{type, payload}`, or no such type.
/// [`Code::InvalidField`]: a field is missing or outside its limits; the
/// message names it. [`Code::TooLarge`]: frame or content.
pub fn parse(text: &str, flavour: Flavour, limits: &Limits) -> Result<ClientFrame, EnvelopeError> {
    let (frame_type, raw) = envelope(text, flavour, limits)
        .map_err(|(refusal, raw)| EnvelopeError { refusal, request_id: rescue_request_id(raw, limits) })?;
    let payload = match raw.map(|raw| serde_json::from_str::<Object<Payload<'_>>>(raw.get())) {
        None => Payload::default(),
        Some(Ok(Object(payload))) => payload,
        Some(Err(_)) => {
            let text = "payload must be an object with each field once, its messages objects too";
            return Err(EnvelopeError {
                refusal: Refusal::new(Code::InvalidRequest, text),
                request_id: rescue_request_id(raw, limits),
            });
        }
    };
    let request_id =
        request_id(&payload, limits).map_err(|refusal| EnvelopeError { refusal, request_id: None })?;
    match command(frame_type, payload, limits) {
        Ok(Command::Send(command)) => Ok(ClientFrame::Send { command, request_id }),
        Ok(Command::History(command)) => Ok(ClientFrame::History { command, request_id }),
        Ok(Command::CreateRoom(command)) => Ok(ClientFrame::CreateRoom { command, request_id }),
        Ok(Command::Ping) => Ok(ClientFrame::Ping),
        Ok(Command::Cursor(command)) => Ok(ClientFrame::Cursor { command, request_id }),
        Ok(Command::Watch(watch)) => Ok(ClientFrame::Watch { watch, request_id }),
        Ok(Command::Typing(typing)) => Ok(ClientFrame::Typing(typing)),
        Ok(Command::Away(is_away)) => Ok(ClientFrame::Away(is_away)),
        Err(refusal) => Err(EnvelopeError { refusal, request_id }),
    }
}

enum Command {
    Send(SendCommand),
    History(HistoryCommand),
    CreateRoom(CreateRoomCommand),
    Ping,
    Cursor(CursorCommand),
    Watch(Watch),
    Typing(Typing),
    Away(bool),
}

type Raw<'a> = Option<&'a RawValue>;

fn envelope<'a>(
    text: &'a str,
    flavour: Flavour,
    limits: &Limits,
) -> Result<(ClientType, Raw<'a>), (Refusal, Raw<'a>)> {
    if text.len() > limits.frame_bytes_max {
        return Err((too_large("the frame", text.len(), limits.frame_bytes_max), None));
    }
    let Object(Envelope { kind, payload }) = serde_json::from_str(text).map_err(|error| {
        let text = match error.classify() {
            serde_json::error::Category::Data => "a frame is an object {type, payload}".to_owned(),
            _ => format!("the frame is not JSON: {error}"),
        };
        (Refusal::new(Code::InvalidRequest, text), None)
    })?;
    let Given::Text(kind) = kind else {
        return Err((Refusal::new(Code::InvalidRequest, "type must be a string"), payload));
    };
    match ClientType::named(&kind) {
        Some(
            ClientType::Ping | ClientType::Cursor | ClientType::Watch | ClientType::Typing | ClientType::Away,
        ) if flavour == Flavour::Classic => {}
        Some(known) => return Ok((known, payload)),
        None => {}
    }
    Err((Refusal::new(Code::InvalidRequest, "there is no such type of frame"), payload))
}

fn command(frame_type: ClientType, payload: Payload<'_>, limits: &Limits) -> Result<Command, Refusal> {
    match frame_type {
        ClientType::ClientMessages => send(payload, limits).map(Command::Send),
        ClientType::RequestRoomHistory => history(&payload, limits).map(Command::History),
        ClientType::ClientCreateRoom => create_room(payload.room_name, limits).map(Command::CreateRoom),
        ClientType::Ping => Ok(Command::Ping),
        ClientType::Cursor => cursor(&payload).map(Command::Cursor),
        ClientType::Watch => watch::watch(payload.room_ids, payload.user_ids).map(Command::Watch),
        ClientType::Typing => watch::typing(room_id(&payload.room_id)?, payload.active).map(Command::Typing),
        ClientType::Away => watch::flag("away", payload.away).map(Command::Away),
    }
}

fn send(payload: Payload<'_>, limits: &Limits) -> Result<SendCommand, Refusal> {
    let conversation = room_id(&payload.room_id)?.get();
    let (items, count) = match payload.messages {
        Items::List { items, count } => (items, count),
        Items::Absent => return Err(missing("messages")),
        Items::Other => return Err(invalid("messages must be a list of {content, clientMsgId}")),
    };
    if count == 0 || count > limits.messages_per_frame_max {
        let max = limits.messages_per_frame_max;
        return Err(invalid(format!("messages has {count} messages; 1 to {max} are taken")));
    }
    let messages = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| message(index, item, limits))
        .collect::<Result<_, _>>()?;
    Ok(SendCommand { conversation, messages })
}

fn message(index: usize, item: Item<'_>, limits: &Limits) -> Result<OutgoingMessage, Refusal> {
    let details = details::of(index, &item)?;
    let is_text = details.as_ref().is_none_or(|details| details.kind() == MessageKind::Text);
    let content = match item.content {
        Given::Text(text) if text.len() > limits.content_bytes_max => {
            return Err(too_large(
                &format!("messages[{index}].content"),
                text.len(),
                limits.content_bytes_max,
            ));
        }
        Given::Text(text) if !text.is_empty() || !is_text => text.into_owned(),
        Given::Absent if !is_text => String::new(),
        Given::Text(_) => return Err(invalid(format!("messages[{index}].content is empty"))),
        Given::Absent => return Err(missing(format!("messages[{index}].content"))),
        Given::Integer(_) | Given::Other => {
            return Err(invalid(format!("messages[{index}].content must be a string")));
        }
    };
    let client_msg_id = match item.client_msg_id {
        Given::Absent => String::new(),
        Given::Text(id) if is_id(&id, limits.client_msg_id_bytes_max) => id.into_owned(),
        _ => {
            let max = limits.client_msg_id_bytes_max;
            return Err(invalid(format!(
                "messages[{index}].clientMsgId must be a string of 1 to {max} bytes without control characters"
            )));
        }
    };
    Ok(OutgoingMessage { client_msg_id, content, details })
}

fn history(payload: &Payload<'_>, limits: &Limits) -> Result<HistoryCommand, Refusal> {
    let conversation = room_id(&payload.room_id)?;
    let before = before(&payload.first_message_id, conversation)?;
    let after = match payload.after_seq {
        Given::Absent => None,
        Given::Integer(seq) if seq >= 0 => Some(seq),
        _ => return Err(invalid("afterSeq must be a whole number from 0")),
    };
    if before.is_some() && after.is_some() {
        return Err(invalid("give firstMessageId or afterSeq, not both"));
    }
    let limit = match payload.count {
        Given::Integer(count) if count >= 1 => count.min(i64::from(limits.history_count_max)),
        Given::Absent => return Err(missing("count")),
        _ => return Err(invalid("count must be a whole number from 1")),
    };
    Ok(HistoryCommand {
        conversation: conversation.get(),
        before: before.map_or(0, Seq::get),
        after: after.unwrap_or(0),
        after_set: after.is_some(),
        limit: i32::try_from(limit).unwrap_or(i32::MAX),
    })
}

/// The oldest message a client has, or none: older clients send "" then.
fn before(given: &Given<'_>, conversation: ConversationId) -> Result<Option<Seq>, Refusal> {
    let text = match given {
        Given::Absent => return Ok(None),
        Given::Text(text) if text.is_empty() => return Ok(None),
        Given::Text(text) => text,
        Given::Integer(seq) => return Seq::new(*seq).map(Some).ok_or_else(bad_message_id),
        Given::Other => return Err(bad_message_id()),
    };
    if let Ok(seq) = text.parse() {
        return Ok(Some(seq));
    }
    let id: MessageId = text.parse().map_err(|_| bad_message_id())?;
    if id.conversation != conversation {
        return Err(invalid("firstMessageId is a message of another room than roomId"));
    }
    Ok(Some(id.seq))
}

fn create_room(name: Given<'_>, limits: &Limits) -> Result<CreateRoomCommand, Refusal> {
    let max = limits.room_name_chars_max;
    match name {
        Given::Text(name) if !name.trim().is_empty() && name.chars().take(max + 1).count() <= max => {
            Ok(CreateRoomCommand { name: name.into_owned() })
        }
        Given::Absent => Err(missing("roomName")),
        _ => Err(invalid(format!("roomName must be a string of 1 to {max} characters, not all spaces"))),
    }
}

fn cursor(payload: &Payload<'_>) -> Result<CursorCommand, Refusal> {
    let conversation = room_id(&payload.room_id)?.get();
    let delivered_seq = position("deliveredSeq", &payload.delivered_seq)?;
    let read_seq = position("readSeq", &payload.read_seq)?;
    if delivered_seq.is_none() && read_seq.is_none() {
        return Err(invalid("give deliveredSeq, readSeq, or both"));
    }
    let (delivered_seq, read_seq) = (delivered_seq.unwrap_or(0), read_seq.unwrap_or(0));
    Ok(CursorCommand { conversation, delivered_seq, read_seq })
}

fn position(name: &str, given: &Given<'_>) -> Result<Option<i64>, Refusal> {
    match *given {
        Given::Absent => Ok(None),
        Given::Integer(seq) if seq >= 0 => Ok(Some(seq)),
        _ => Err(invalid(format!("{name} must be a whole number from 0"))),
    }
}

fn room_id(given: &Given<'_>) -> Result<ConversationId, Refusal> {
    match given {
        Given::Absent => Err(missing("roomId")),
        Given::Text(text) if let Ok(id) = text.parse() => Ok(id),
        _ => Err(invalid("roomId must be a room's id as a string, such as \"7\"")),
    }
}

fn request_id(payload: &Payload<'_>, limits: &Limits) -> Result<Option<String>, Refusal> {
    match &payload.request_id {
        Given::Absent => Ok(None),
        Given::Text(id) if is_id(id, limits.request_id_bytes_max) => Ok(Some(id.as_ref().to_owned())),
        _ => {
            let max = limits.request_id_bytes_max;
            Err(invalid(format!("requestId must be a string of 1 to {max} bytes without control characters")))
        }
    }
}

fn rescue_request_id(raw: Raw<'_>, limits: &Limits) -> Option<String> {
    let Object(RequestIdOnly { request_id }) = serde_json::from_str(raw?.get()).ok()?;
    match request_id {
        Given::Text(id) if is_id(&id, limits.request_id_bytes_max) => Some(id.into_owned()),
        _ => None,
    }
}

fn is_id(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

fn missing(field: impl std::fmt::Display) -> Refusal {
    invalid(format!("{field} is missing"))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

fn bad_message_id() -> Refusal {
    invalid("firstMessageId must be a message's id, such as \"7-42\"")
}

fn too_large(what: &str, bytes: usize, bytes_max: usize) -> Refusal {
    Refusal::new(Code::TooLarge, format!("{what} has {bytes} bytes, at most {bytes_max} are taken"))
}
