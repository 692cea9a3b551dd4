//! The payload of `change`.

use serde::Serialize;

use super::super::Flavour;
use super::super::json::{Id, In, RoomId};
use crate::pb::oort::v1::change_event::Kind;
use crate::pb::oort::v1::{ChangeEvent, User};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeJson<'a> {
    room_id: RoomId,
    change_seq: i64,
    message_id: Id,
    seq: i64,
    kind: &'static str,
    at: i64,
    /// Absent: the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<In<'a, User>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
}

impl<'a> ChangeJson<'a> {
    pub(super) fn new(event: &'a ChangeEvent) -> Self {
        let kind = event.kind();
        let is_reaction = matches!(kind, Kind::Reacted | Kind::Unreacted);
        let by = event.actor.as_ref().filter(|actor| actor.id > 0);
        Self {
            room_id: RoomId(event.conversation),
            change_seq: event.change_seq,
            message_id: Id { conversation: event.conversation, seq: event.seq },
            seq: event.seq,
            kind: match kind {
                Kind::Edited => "edited",
                Kind::Recalled => "recalled",
                Kind::Reacted => "reacted",
                Kind::Unreacted => "unreacted",
                Kind::Erased => "erased",
                Kind::Expired => "expired",
            },
            at: event.at_ms,
            by: by.map(|actor| In(actor, Flavour::V1)),
            content: (kind == Kind::Edited && !event.content.is_empty()).then_some(event.content.as_str()),
            emoji: is_reaction.then_some(event.emoji.as_str()),
            count: is_reaction.then_some(event.count),
        }
    }
}
