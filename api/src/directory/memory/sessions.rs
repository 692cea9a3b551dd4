//! Where users and addressable sessions are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::{CometRef, LoginTag, SessionEntry, UserSession, Version};
use crate::ids::{SessionKey, UserId};

#[derive(Debug, Default)]
pub(super) struct Sessions {
    pub(super) by_user: BTreeMap<UserId, Vec<Session>>,
    pub(super) by_key: BTreeMap<SessionKey, Place>,
    /// Client's kinds, each once.
    platforms: Vec<Box<str>>,
}

/// A session of a user. There is one per connection, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) key: SessionKey,
    pub(super) place: Place,
    login: Option<LoginTag>,
    /// Index of its platform; [`OTHER_PLATFORM`] = one of too many.
    platform: u16,
}

/// Clients may name their platform as they like; so many names are kept.
const PLATFORMS_MAX: usize = 1000;
const OTHER_PLATFORM: u16 = u16::MAX;

/// Where a session is, and when it was registered.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) comet: Arc<CometRef>,
    version: Version,
}

impl Place {
    /// Of one comet the later registration stays; another comet's is newer.
    fn yields_to(&self, later: &Self) -> bool {
        self.comet.id != later.comet.id
            || (self.comet.epoch, self.version) < (later.comet.epoch, later.version)
    }

    fn is(&self, comet: &CometRef, version: Version) -> bool {
        #[cfg(feature = "simulation")]
        if crate::planted::is(crate::planted::Bug::DisconnectWithoutVersion) {
            return self.comet.id == comet.id;
        }
        *self.comet == *comet && self.version == version
    }
}

impl Sessions {
    pub(super) fn add(&mut self, comet: &Arc<CometRef>, entry: &SessionEntry) {
        let place = Place { comet: comet.clone(), version: entry.version };
        if let Some(user) = entry.user {
            let platform = self.platform(&entry.platform);
            let session =
                Session { key: entry.key.clone(), place: place.clone(), login: entry.login, platform };
            let sessions = self.by_user.entry(user).or_default();
            match sessions.iter_mut().find(|known| known.key == entry.key) {
                Some(recorded) if recorded.place.yields_to(&place) => *recorded = session,
                Some(_) => {}
                None => sessions.push(session),
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
            sessions.retain(|known| known.key != entry.key || !known.place.is(comet, entry.version));
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

    pub(super) fn restate(&mut self, comet: &CometRef, entry: &SessionEntry) {
        let platform = self.platform(&entry.platform);
        let sessions = entry.user.and_then(|user| self.by_user.get_mut(&user));
        let mut known = sessions.into_iter().flatten();
        let session = known.find(|known| known.key == entry.key && known.place.is(comet, entry.version));
        if let Some(session) = session {
            (session.platform, session.login) = (platform, entry.login);
        }
    }

    pub(super) fn comets_of(&self, user: UserId, live: impl Fn(&CometRef) -> bool) -> Option<Vec<CometRef>> {
        let mut comets: Vec<CometRef> = Vec::new();
        for Session { place, .. } in self.by_user.get(&user)? {
            if !comets.contains(&place.comet) && live(&place.comet) {
                comets.push((*place.comet).clone());
            }
        }
        (!comets.is_empty()).then_some(comets)
    }

    pub(super) fn of_user(&self, user: UserId, live: impl Fn(&CometRef) -> bool) -> Vec<UserSession> {
        let known = self.by_user.get(&user).into_iter().flatten();
        let mut sessions: Vec<UserSession> = known
            .filter(|session| live(&session.place.comet))
            .map(|session| UserSession {
                key: session.key.clone(),
                comet: (*session.place.comet).clone(),
                platform: self
                    .platforms
                    .get(usize::from(session.platform))
                    .map_or("other", |name| name)
                    .to_owned(),
                login: session.login,
            })
            .collect();
        sessions.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        sessions
    }

    fn platform(&mut self, name: &str) -> u16 {
        let known = self.platforms.iter().position(|known| **known == *name);
        let index = known.unwrap_or_else(|| {
            if self.platforms.len() < PLATFORMS_MAX {
                self.platforms.push(name.into());
                self.platforms.len() - 1
            } else {
                PLATFORMS_MAX
            }
        });
        if index < PLATFORMS_MAX { u16::try_from(index).unwrap_or(OTHER_PLATFORM) } else { OTHER_PLATFORM }
    }

    pub(super) fn comet_of(&self, key: &SessionKey, live: impl Fn(&CometRef) -> bool) -> Option<CometRef> {
        self.by_key.get(key).filter(|place| live(&place.comet)).map(|place| (*place.comet).clone())
    }
}
