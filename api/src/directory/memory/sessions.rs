//! Where users and addressable sessions are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::directory::{CometRef, SessionEntry, UserSession, Version};
use crate::ids::{SessionKey, UserId};

#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) by_user: BTreeMap<UserId, Vec<(SessionKey, Place)>>,
    pub(super) by_key: BTreeMap<SessionKey, Place>,
    /// One shared copy of the first kinds of clients seen.
    platforms: HashSet<Arc<str>>,
}

/// Kinds of clients that are shared; there are few, but clients name them.
const PLATFORMS_SHARED: usize = 64;

/// Where a session is, and when it was registered.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) comet: Arc<CometRef>,
    version: Version,
    platform: Arc<str>,
}

impl Place {
    /// Of one comet the later registration stays; another comet's is newer.
    fn yields_to(&self, later: &Self) -> bool {
        self.comet.id != later.comet.id
            || (self.comet.epoch, self.version) < (later.comet.epoch, later.version)
    }

    fn is(&self, comet: &CometRef, version: Version) -> bool {
        *self.comet == *comet && self.version == version
    }
}

impl Sessions {
    pub(super) fn add(&mut self, comet: &Arc<CometRef>, entry: &SessionEntry) {
        let platform = self.platform(&entry.platform);
        let place = Place { comet: comet.clone(), version: entry.version, platform };
        if let Some(user) = entry.user {
            let sessions = self.by_user.entry(user).or_default();
            match sessions.iter_mut().find(|(key, _)| *key == entry.key) {
                Some((_, recorded)) if recorded.yields_to(&place) => *recorded = place.clone(),
                Some(_) => {}
                None => sessions.push((entry.key.clone(), place.clone())),
            }
        }
        if entry.addressable {
            let recorded = self.by_key.entry(entry.key.clone()).or_insert_with(|| place.clone());
            if recorded.yields_to(&place) {
                *recorded = place;
            }
        }
    }

    pub(super) fn remove(&mut self, comet: &CometRef, entry: &SessionEntry) {
        if let Some(user) = entry.user
            && let Some(sessions) = self.by_user.get_mut(&user)
        {
            sessions.retain(|(key, place)| *key != entry.key || !place.is(comet, entry.version));
            if sessions.is_empty() {
                self.by_user.remove(&user);
            }
        }
        if entry.addressable
            && self.by_key.get(&entry.key).is_some_and(|place| place.is(comet, entry.version))
        {
            self.by_key.remove(&entry.key);
        }
    }

    fn platform(&mut self, name: &str) -> Arc<str> {
        if let Some(shared) = self.platforms.get(name) {
            return shared.clone();
        }
        let platform: Arc<str> = name.into();
        if self.platforms.len() < PLATFORMS_SHARED {
            self.platforms.insert(platform.clone());
        }
        platform
    }

    pub(super) fn of_user(&self, user: UserId, live: impl Fn(&CometRef) -> bool) -> Vec<UserSession> {
        let sessions = self.by_user.get(&user).into_iter().flatten();
        let session = |(key, place): &(SessionKey, Place)| UserSession {
            key: key.clone(),
            comet: (*place.comet).clone(),
            platform: place.platform.to_string(),
        };
        sessions.filter(|(_, place)| live(&place.comet)).map(session).collect()
    }

    pub(super) fn comets_of(&self, user: UserId, live: impl Fn(&CometRef) -> bool) -> Option<Vec<CometRef>> {
        let mut comets: Vec<CometRef> = Vec::new();
        for (_, place) in self.by_user.get(&user)? {
            if !comets.contains(&place.comet) && live(&place.comet) {
                comets.push((*place.comet).clone());
            }
        }
        (!comets.is_empty()).then_some(comets)
    }

    pub(super) fn comet_of(&self, key: &SessionKey, live: impl Fn(&CometRef) -> bool) -> Option<CometRef> {
        self.by_key.get(key).filter(|place| live(&place.comet)).map(|place| (*place.comet).clone())
    }
}
