//! What is told of users: as they show themselves, and to whom.

use std::collections::{BTreeMap, HashMap};

use oort_api::bus::Record;
use oort_api::clock::now_ms;
use oort_api::directory::AWAY;
use oort_api::ids::{RoomKey, UserId};
use oort_api::op;
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1 as pb;
use prost::Message;

use super::changes::Change;

/// What is shown of users.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The kinds of clients of those who are online, whether they show it or not.
    pub(super) present: HashMap<UserId, Vec<String>>,
    /// Who appears offline, and since when (ms since the epoch).
    pub(super) veiled: HashMap<UserId, i64>,
}

impl Shown {
    /// What the user is online with, each kind once, as the viewer sees it; `None`: they appear offline.
    pub(super) fn devices(&self, user: UserId, viewer: UserId) -> Option<Vec<pb::PresentDevice>> {
        let sessions =
            self.present.get(&user).filter(|_| user == viewer || !self.veiled.contains_key(&user))?;
        let mut kinds: BTreeMap<&str, bool> = BTreeMap::new();
        for session in sessions {
            let kind = session.strip_suffix(AWAY);
            let is_away = kinds.entry(kind.unwrap_or(session)).or_insert(true);
            *is_away &= kind.is_some();
        }
        let device = |(kind, away): (&str, bool)| pb::PresentDevice { kind: kind.to_owned(), away };
        Some(kinds.into_iter().map(device).collect())
    }
}

/// A user who is online.
pub(super) fn here(user: UserId, devices: Vec<pb::PresentDevice>, now_ms: i64) -> pb::Presence {
    let away = devices.iter().all(|device| device.away);
    pb::Presence { user_id: user.get(), online: true, last_seen_ms: now_ms, away, devices }
}

/// A user who is not.
pub(super) fn gone(user: UserId, last_seen_ms: i64) -> pb::Presence {
    pb::Presence { user_id: user.get(), last_seen_ms, ..pb::Presence::default() }
}

/// `None`: it is not so any more, or not to be told.
pub(super) fn presence_record(
    user: UserId,
    change: Change,
    shown: &Shown,
    exclude_user_ids: Vec<i64>,
) -> Option<Record> {
    let is_veiled = shown.veiled.contains_key(&user);
    if is_veiled && !change.is_of_the_veiled() {
        return None;
    }
    let sessions = shown.present.get(&user).filter(|_| !is_veiled);
    let presence = match change.told(sessions.is_some())? {
        true => here(user, shown.devices(user, user)?, now_ms()),
        false => gone(user, change.at_ms().unwrap_or_else(now_ms)),
    };
    let room = RoomKey::presence(user);
    let push = to_room(&room, op::PRESENCE, &pb::PresenceEvent { users: vec![presence] });
    Some(record(&room, &PushMsg { exclude_user_ids, ..push }))
}

/// Tells somebody who is blocked, in the place of what they will not be told.
pub(super) fn gone_for(user: UserId, other: UserId) -> Record {
    let push = PushMsg {
        r#type: Type::Push.into(),
        user_ids: vec![other.get()],
        operation: op::PRESENCE,
        msg: pb::PresenceEvent { users: vec![gone(user, 0)] }.encode_to_vec().into(),
        created_at_ms: now_ms(),
        ..PushMsg::default()
    };
    // In the order of what else is told of the user.
    record(&RoomKey::presence(user), &push)
}

/// For those who watch.
pub(super) fn to_room(room: &RoomKey, operation: i32, body: &impl Message) -> PushMsg {
    PushMsg {
        r#type: Type::Room.into(),
        room: room.to_string(),
        operation,
        msg: body.encode_to_vec().into(),
        created_at_ms: now_ms(),
        ..PushMsg::default()
    }
}

/// In the order of the room.
pub(super) fn record(room: &RoomKey, push: &PushMsg) -> Record {
    Record { key: room.to_string(), value: push.encode_to_vec().into(), traceparent: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_by_kind_and_only_to_whom_they_are_shown() {
        let user = |id: i64| UserId::new(id).expect("positive");
        let sessions = ["web", "phone;away", "web;away", "tablet;away"].map(str::to_owned).to_vec();
        let mut shown = Shown { present: HashMap::from([(user(1), sessions)]), veiled: HashMap::new() };
        let devices = |shown: &Shown, viewer| {
            let devices = shown.devices(user(1), user(viewer))?;
            Some(devices.into_iter().map(|device| (device.kind, device.away)).collect::<Vec<_>>())
        };
        let all =
            [("phone", true), ("tablet", true), ("web", false)].map(|(kind, away)| (kind.to_owned(), away));
        assert_eq!(devices(&shown, 2), Some(all.to_vec()));
        shown.veiled.insert(user(1), 5);
        assert_eq!((devices(&shown, 2), devices(&shown, 1)), (None, Some(all.to_vec())));
        assert_eq!(shown.devices(user(2), user(1)), None);
    }
}
