//! The payloads of `presence` and `typing`.

use serde::{Serialize, Serializer};

use super::super::Flavour;
use super::super::json::{In, RoomId, UserIdIn};
use crate::pb::oort::v1::{Presence, TypingEvent, User};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceJson<'a> {
    pub(super) users: PeopleJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
}

pub(super) struct PeopleJson<'a>(pub(super) &'a [Presence]);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonJson<'a> {
    id: UserIdIn,
    online: bool,
    last_seen_ms: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    away: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<DeviceJson<'a>>,
}

#[derive(Serialize)]
struct DeviceJson<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    away: bool,
}

impl Serialize for PeopleJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|person: &Presence| {
            PersonJson {
                id: UserIdIn(person.user_id, Flavour::V1),
                online: person.online,
                last_seen_ms: person.last_seen_ms,
                away: person.away,
                devices: person
                    .devices
                    .iter()
                    .map(|device| DeviceJson { kind: &device.kind, away: device.away })
                    .collect(),
            }
        }))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypingJson<'a> {
    room_id: RoomId,
    user: In<'a, User>,
    active: bool,
}

impl<'a> TypingJson<'a> {
    /// `None`: it does not say who types.
    pub(super) fn new(event: &'a TypingEvent) -> Option<Self> {
        let user = In(event.user.as_ref()?, Flavour::V1);
        Some(Self { room_id: RoomId(event.conversation), user, active: event.active })
    }
}
