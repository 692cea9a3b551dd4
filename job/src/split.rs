//! From a record and its routes to one delivery for each comet. Sans-I/O.

use std::collections::{BTreeMap, HashSet};

use oort_api::directory::CometRef;
use oort_api::ids::{RoomKey, SessionKey, UserId};
use oort_api::pb::goim::logic::PushMsg;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{Delivery, Missing};

use crate::decode::{Audience, Record};
use crate::flight::Routed;
use crate::routing::Found;

#[doc(hidden)]
pub mod bench;

/// What to look up for some records: each thing once.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    users: HashSet<UserId>,
    keys: HashSet<SessionKey>,
    rooms: HashSet<RoomKey>,
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
            // They need the list of comets, no more.
            Audience::Everyone | Audience::Comet(_) => {}
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
    /// Deliveries that no route asks for, to comets of which the directory
    /// does not say all.
    pub(crate) unsettled: u64,
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

    fn add_key(&mut self, push: &PushMsg, key: &SessionKey, comets: &[&CometRef]) {
        self.not_online += u64::from(comets.is_empty());
        for comet in comets {
            self.delivery(comet, push).keys.push(key.as_str().to_owned());
        }
    }

    /// Has comets that may hold more than the directory says look for all of it.
    fn add_unsettled(&mut self, record: &Record, comets: &[CometRef]) {
        let push = &record.push;
        if matches!(record.audience, Audience::Everyone | Audience::Comet(_)) {
            return;
        }
        // Whoever was not found may be there.
        self.not_online = 0;
        for comet in comets {
            self.unsettled += u64::from(!self.deliveries.contains_key(comet));
            let delivery = self.delivery(comet, push);
            if matches!(record.audience, Audience::Sessions { .. }) {
                delivery.user_ids.clone_from(&push.user_ids);
                delivery.keys.clone_from(&push.keys);
            }
        }
    }

    fn add_room(&mut self, push: &PushMsg, comets: &[&CometRef]) {
        self.not_online += u64::from(comets.is_empty());
        for comet in comets {
            self.delivery(comet, push);
        }
    }
}

/// Splits a record by comet. A comet of which the directory does not say all
/// gets the whole record and delivers it to those it has.
pub(crate) fn split(record: &Record, found: &Found) -> Split {
    let Found { routes, comets, unsettled } = found;
    let mut split = Split::default();
    let push = &record.push;
    match &record.audience {
        Audience::Sessions { users, keys } => {
            for user in users {
                split.add_user(push, *user, &refs(routes.users.get(user)));
            }
            for key in keys {
                split.add_key(push, key, &routes.keys.get(key).into_iter().collect::<Vec<_>>());
            }
        }
        Audience::Room(room) => split.add_room(push, &refs(routes.rooms.get(room))),
        Audience::Everyone => {
            for comet in comets.iter() {
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
    if !unsettled.is_empty() {
        split.add_unsettled(record, unsettled);
    }
    split
}

/// Of what a comet lacks, that which a route had said it has.
pub(crate) fn only_routed(mut missing: Missing, comet: &CometRef, routed: &Routed) -> Missing {
    let Routed { record, found } = routed;
    let routes = &found.routes;
    let names = |comets: Option<&Vec<CometRef>>| comets.is_some_and(|comets| comets.contains(comet));
    missing.user_ids.retain(|&id| UserId::new(id).is_some_and(|user| names(routes.users.get(&user))));
    missing.keys.retain(|key| SessionKey::new(key).is_ok_and(|key| routes.keys.get(&key) == Some(comet)));
    let is_routed = || RoomKey::new(&record.push.room).is_ok_and(|room| names(routes.rooms.get(&room)));
    missing.room = missing.room && is_routed();
    missing
}

/// Splits what `asked` did not have, by what was found anew. Followed only to
/// comets that were not asked the first time (`first`).
pub(crate) fn split_missing(
    record: &Record,
    missing: &Missing,
    asked: &CometRef,
    first: &Found,
    found: &Found,
) -> Split {
    let mut split = Split::default();
    let push = &record.push;
    let looks = Looks { asked, first, found };
    for &id in &missing.user_ids {
        let Some(user) = UserId::new(id) else { continue };
        let (before, now) = (refs(first.routes.users.get(&user)), refs(found.routes.users.get(&user)));
        split.add_user(push, user, &looks.to_follow(&before, now));
    }
    for key in &missing.keys {
        let Ok(key) = SessionKey::new(key) else { continue };
        let before: Vec<&CometRef> = first.routes.keys.get(&key).into_iter().collect();
        let now = found.routes.keys.get(&key).into_iter().collect();
        split.add_key(push, &key, &looks.to_follow(&before, now));
    }
    if missing.room
        && let Ok(room) = RoomKey::new(&push.room)
    {
        let (before, now) = (refs(first.routes.rooms.get(&room)), refs(found.routes.rooms.get(&room)));
        split.add_room(push, &looks.to_follow(&before, now));
    }
    if !found.unsettled.is_empty() {
        let guesses = split.deliveries.keys().filter(|comet| found.unsettled.contains(comet)).count();
        split.unsettled = guesses as u64;
    }
    split
}

/// Both looks at the directory for a record that a comet did not have all of.
struct Looks<'a> {
    asked: &'a CometRef,
    first: &'a Found,
    found: &'a Found,
}

impl<'a> Looks<'a> {
    /// Comets that were not asked `before`, of those there are `now` and those
    /// that the directory says less of than it did.
    fn to_follow(&self, before: &[&CometRef], mut now: Vec<&'a CometRef>) -> Vec<&'a CometRef> {
        for comet in &self.found.unsettled {
            if !now.contains(&comet) {
                now.push(comet);
            }
        }
        now.retain(|comet| {
            *comet != self.asked && !before.contains(comet) && !self.first.unsettled.contains(comet)
        });
        now
    }
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
            replay: push.replay,
        }),
        r#type: push.r#type,
        room: push.room.clone(),
        user_ids: Vec::new(),
        keys: Vec::new(),
        exclude_keys: push.exclude_keys.clone(),
        exclude_user_ids: push.exclude_user_ids.clone(),
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
