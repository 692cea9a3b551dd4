//! From a record and its routes to one delivery for each comet. Sans-I/O.

use std::collections::{BTreeMap, HashSet};

use oort_api::directory::{CometRef, Routes};
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{Delivery, Missing};

use crate::decode::{Audience, Record};

/// What to look up for some records: each thing once.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    users: HashSet<UserId>,
    keys: HashSet<SessionKey>,
    rooms: HashSet<RoomKey>,
    /// The list of comets is needed as well.
    pub(crate) needs_comets: bool,
}

impl Lookups {
    pub(crate) fn add(&mut self, audience: &Audience) {
        match audience {
            Audience::Sessions { users, keys } => {
                self.users.extend(users);
                self.keys.extend(keys.iter().cloned());
            }
            Audience::Room(room) => {
                self.rooms.insert(room.clone());
            }
            Audience::Everyone | Audience::Comet(_) => self.needs_comets = true,
        }
    }

    /// Adds what a comet did not have. Keys that are not valid are nowhere.
    pub(crate) fn add_missing(&mut self, record: &Record, missing: &Missing) {
        self.users.extend(missing.user_ids.iter().filter_map(|&id| UserId::new(id)));
        self.keys.extend(missing.keys.iter().filter_map(|key| SessionKey::new(key).ok()));
        if missing.room {
            self.rooms.extend(RoomKey::new(&record.push.room).ok());
        }
    }

    /// Nothing of it is in the directory's tables.
    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.keys.is_empty() && self.rooms.is_empty()
    }

    pub(crate) fn lists(self) -> (Vec<UserId>, Vec<SessionKey>, Vec<RoomKey>) {
        (self.users.into_iter().collect(), self.keys.into_iter().collect(), self.rooms.into_iter().collect())
    }
}

/// Where a record goes.
#[derive(Debug, Default)]
pub(crate) struct Split {
    /// At most one delivery for each comet.
    pub(crate) deliveries: BTreeMap<CometRef, Delivery>,
    /// Users, sessions and rooms that are nowhere.
    pub(crate) not_online: u64,
}

impl Split {
    fn delivery(&mut self, comet: &CometRef, push: &PushMsg) -> &mut Delivery {
        if !self.deliveries.contains_key(comet) {
            self.deliveries.insert(comet.clone(), delivery(push));
        }
        self.deliveries.entry(comet.clone()).or_default()
    }

    fn add_user(&mut self, push: &PushMsg, user: UserId, comets: &[&CometRef]) {
        self.not_online += u64::from(comets.is_empty());
        for comet in comets {
            self.delivery(comet, push).user_ids.push(user.get());
        }
    }

    fn add_key(&mut self, push: &PushMsg, key: &SessionKey, comet: Option<&CometRef>) {
        match comet {
            Some(comet) => self.delivery(comet, push).keys.push(key.as_str().to_owned()),
            None => self.not_online += 1,
        }
    }

    fn add_room(&mut self, push: &PushMsg, comets: &[&CometRef]) {
        self.not_online += u64::from(comets.is_empty());
        for comet in comets {
            self.delivery(comet, push);
        }
    }
}

/// Splits a record by comet. `comets` are the live ones, read no earlier than
/// `routes`; they matter for broadcasts and records that name their comet.
pub(crate) fn split(record: &Record, routes: &Routes, comets: &[CometRef]) -> Split {
    let mut split = Split::default();
    let push = &record.push;
    match &record.audience {
        Audience::Sessions { users, keys } => {
            for user in users {
                split.add_user(push, *user, &refs(routes.users.get(user)));
            }
            for key in keys {
                split.add_key(push, key, routes.keys.get(key));
            }
        }
        Audience::Room(room) => split.add_room(push, &refs(routes.rooms.get(room))),
        Audience::Everyone => {
            for comet in comets {
                split.delivery(comet, push).speed = speed_each(push.speed, comets.len());
            }
        }
        Audience::Comet(id) => match comets.iter().find(|comet| comet.id == *id) {
            Some(comet) => {
                let delivery = split.delivery(comet, push);
                delivery.user_ids.clone_from(&push.user_ids);
                delivery.keys.clone_from(&push.keys);
            }
            None => split.not_online += 1,
        },
    }
    split
}

/// Splits what `asked` did not have, by `routes` read anew. Followed only to
/// comets that were not asked the first time (`first`).
pub(crate) fn split_missing(
    record: &Record,
    missing: &Missing,
    asked: &CometRef,
    first: &Routes,
    routes: &Routes,
) -> Split {
    let mut split = Split::default();
    let push = &record.push;
    let is_new = |comet: &&CometRef, before: &[&CometRef]| *comet != asked && !before.contains(comet);
    for &id in &missing.user_ids {
        let Some(user) = UserId::new(id) else { continue };
        let before = refs(first.users.get(&user));
        let now = refs(routes.users.get(&user));
        split.add_user(
            push,
            user,
            &now.into_iter().filter(|comet| is_new(comet, &before)).collect::<Vec<_>>(),
        );
    }
    for key in &missing.keys {
        let Ok(key) = SessionKey::new(key) else { continue };
        let before: Vec<&CometRef> = first.keys.get(&key).into_iter().collect();
        split.add_key(push, &key, routes.keys.get(&key).filter(|comet| is_new(comet, &before)));
    }
    if missing.room
        && let Ok(room) = RoomKey::new(&push.room)
    {
        let before = refs(first.rooms.get(&room));
        let now = refs(routes.rooms.get(&room));
        split.add_room(push, &now.into_iter().filter(|comet| is_new(comet, &before)).collect::<Vec<_>>());
    }
    split
}

/// The record as one comet gets it, without users and keys.
fn delivery(push: &PushMsg) -> Delivery {
    Delivery {
        frame: Some(Proto {
            ver: 1,
            op: push.operation,
            seq: 0,
            body: push.msg.clone(),
            conversation: push.conversation,
            message_seq: push.seq,
            created_at_ms: push.created_at_ms,
            traceparent: push.traceparent.clone(),
        }),
        r#type: push.r#type,
        room: push.room.clone(),
        user_ids: Vec::new(),
        keys: Vec::new(),
        exclude_keys: push.exclude_keys.clone(),
        speed: if push.r#type == i32::from(Type::Broadcast) { push.speed.max(0) } else { 0 },
        effect: push.effect,
    }
}

/// A broadcast's frames per second, shared out over the comets; at least 1,
/// as 0 means no limit.
fn speed_each(speed: i32, comets: usize) -> i32 {
    if speed <= 0 {
        return 0;
    }
    i32::try_from(comets).map_or(1, |comets| speed.checked_div(comets).unwrap_or(speed)).max(1)
}

fn refs(comets: Option<&Vec<CometRef>>) -> Vec<&CometRef> {
    comets.into_iter().flatten().collect()
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
