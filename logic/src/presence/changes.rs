//! Who came online or went, until it is told. Sans-I/O, bounded.
//!
//! Who went is told only after a grace, so that a reconnect within it is not
//! shown at all.

use std::collections::{BTreeMap, HashMap};

use oort_api::ids::UserId;
use tokio::time::Instant;

/// What is to be told of a user, if the directory still says so then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Came,
    Went {
        /// ms since the epoch.
        at_ms: i64,
        /// That they came before was not told.
        is_untold: bool,
    },
    /// A device was left alone, or no longer.
    Altered,
    /// They appear offline from now on, or no longer.
    Veiled {
        /// ms since the epoch.
        at_ms: i64,
    },
}

impl Change {
    /// What to tell, now that it is known whether they are shown as online.
    pub(super) fn told(self, is_online: bool) -> Option<bool> {
        match self {
            Self::Came | Self::Altered => is_online.then_some(true),
            Self::Went { is_untold, .. } => (!is_online || is_untold).then_some(is_online),
            Self::Veiled { .. } => Some(is_online),
        }
    }

    /// Since when they are gone, ms since the epoch.
    pub(super) fn at_ms(self) -> Option<i64> {
        match self {
            Self::Went { at_ms, .. } | Self::Veiled { at_ms } => Some(at_ms),
            Self::Came | Self::Altered => None,
        }
    }

    /// Told of who appears offline as well: all else would tell that they are there.
    pub(super) fn is_of_the_veiled(self) -> bool {
        matches!(self, Self::Veiled { .. })
    }
}

/// When, and which of those at the same time.
type Turn = (Instant, u64);

/// Changes that are not told yet: one per user, the latest.
#[derive(Debug)]
pub(super) struct Changes {
    by_user: HashMap<UserId, (Turn, Change)>,
    by_turn: BTreeMap<Turn, UserId>,
    count: u64,
    users_max: usize,
}

impl Changes {
    pub(super) fn new(users_max: usize) -> Self {
        Self { by_user: HashMap::new(), by_turn: BTreeMap::new(), count: 0, users_max }
    }

    /// A session of the user was recorded. False: there is no room to tell it.
    pub(super) fn came(&mut self, user: UserId, now: Instant) -> bool {
        match self.remove(user) {
            // Nobody was told that they had gone.
            Some((_, Change::Went { is_untold: false, .. })) => true,
            Some((turn, kept @ (Change::Came | Change::Veiled { .. }))) => self.insert(user, turn.0, kept),
            _ => self.insert(user, now, Change::Came),
        }
    }

    /// A session of the user ended. False: there is no room to tell it.
    pub(super) fn went(&mut self, user: UserId, at_ms: i64, due: Instant) -> bool {
        let is_untold = match self.remove(user) {
            Some((turn, veiled @ Change::Veiled { .. })) => return self.insert(user, turn.0, veiled),
            Some((_, Change::Came)) => true,
            Some((_, Change::Went { is_untold, .. })) => is_untold,
            Some((_, Change::Altered)) | None => false,
        };
        self.insert(user, due, Change::Went { at_ms, is_untold })
    }

    /// A device of the user was left alone, or no longer. What waits already tells it. False: there is no room.
    pub(super) fn altered(&mut self, user: UserId, now: Instant) -> bool {
        self.by_user.contains_key(&user) || self.insert(user, now, Change::Altered)
    }

    /// The user appears offline from now on, or no longer. False: there is no room to tell it.
    pub(super) fn veiled(&mut self, user: UserId, at_ms: i64, now: Instant) -> bool {
        self.remove(user);
        self.insert(user, now, Change::Veiled { at_ms })
    }

    fn insert(&mut self, user: UserId, at: Instant, change: Change) -> bool {
        if self.by_user.len() >= self.users_max {
            return false;
        }
        let turn = (at, self.count);
        self.count += 1;
        self.by_user.insert(user, (turn, change));
        self.by_turn.insert(turn, user);
        true
    }

    fn remove(&mut self, user: UserId) -> Option<(Turn, Change)> {
        let removed = self.by_user.remove(&user)?;
        self.by_turn.remove(&removed.0);
        Some(removed)
    }

    /// When the next is to be told.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.by_turn.first_key_value().map(|(turn, _)| turn.0)
    }

    /// Those to be told by now, at most so many.
    pub(super) fn take_due(&mut self, now: Instant, count_max: usize) -> Vec<(UserId, Change)> {
        let mut taken = Vec::new();
        while taken.len() < count_max
            && let Some(first) = self.by_turn.first_entry()
            && first.key().0 <= now
        {
            let user = first.remove();
            if let Some((_, change)) = self.by_user.remove(&user) {
                taken.push((user, change));
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const GRACE_MS: u64 = 50;

    fn user(id: i64) -> UserId {
        UserId::new(id).expect("positive")
    }

    #[test]
    fn a_reconnect_within_the_grace_is_not_told() {
        let mut changes = Changes::new(10);
        let now = Instant::now();
        let grace = Duration::from_millis(GRACE_MS);
        assert!(changes.went(user(1), 5, now + grace));
        assert_eq!(changes.next_due(), Some(now + grace));
        assert!(changes.came(user(1), now));
        assert_eq!((changes.next_due(), changes.take_due(now + grace * 9, 9)), (None, Vec::new()));
        // Without a reconnect it is, when the grace is over.
        changes.went(user(1), 6, now + grace);
        assert_eq!(changes.take_due(now, 9), Vec::new());
        let went = Change::Went { at_ms: 6, is_untold: false };
        assert_eq!(changes.take_due(now + grace, 9), [(user(1), went)]);
        assert_eq!((went.told(false), went.told(true)), (Some(false), None), "they may be online elsewhere");
    }

    #[test]
    fn one_user_more_than_there_is_room_for_is_shed() {
        let mut changes = Changes::new(2);
        let now = Instant::now();
        assert!(changes.came(user(1), now) && changes.came(user(2), now));
        assert!(!changes.came(user(3), now));
        assert!(changes.went(user(2), 1, now), "who waits already has room");
        assert_eq!(changes.take_due(now, 9).len(), 2);
        assert!(changes.by_turn.is_empty() && changes.by_user.is_empty());
    }

    #[test]
    fn who_veils_themselves_is_told_as_they_are_shown_whatever_waits() {
        let mut changes = Changes::new(10);
        let now = Instant::now();
        let grace = Duration::from_millis(GRACE_MS);
        let veiled = Change::Veiled { at_ms: 7 };
        assert!(changes.came(user(1), now) && changes.veiled(user(1), 7, now));
        assert!(
            changes.altered(user(1), now)
                && changes.came(user(1), now)
                && changes.went(user(1), 8, now + grace)
        );
        assert_eq!(changes.take_due(now, 9), [(user(1), veiled)]);
        assert_eq!((veiled.told(false), veiled.told(true)), (Some(false), Some(true)));
        assert!(changes.altered(user(2), now));
        assert_eq!(changes.take_due(now, 9), [(user(2), Change::Altered)]);
        assert_eq!((Change::Altered.told(true), Change::Altered.told(false)), (Some(true), None));
        // A departure that waits is not put off by what is left alone before it.
        assert!(changes.altered(user(3), now) && changes.went(user(3), 9, now + grace));
        assert_eq!(changes.take_due(now, 9), []);
        assert!(veiled.is_of_the_veiled() && !Change::Came.is_of_the_veiled());
    }

    proptest! {
        /// One user, sessions that come and go, and now and then the teller:
        /// once all is told, those who watch know the truth.
        #[test]
        fn who_watches_knows_the_truth_in_the_end(steps in proptest::collection::vec((0u8..4, 0u64..80), 0..60)) {
            let mut changes = Changes::new(10);
            let (mut now, mut sessions, mut known) = (Instant::now(), 0_u32, false);
            let grace = Duration::from_millis(GRACE_MS);
            let tell = |changes: &mut Changes, now, sessions: u32, known: &mut bool| {
                for (_, change) in changes.take_due(now, 10) {
                    *known = change.told(sessions > 0).unwrap_or(*known);
                }
            };
            for (step, wait_ms) in steps {
                match step {
                    0 | 1 => {
                        sessions += 1;
                        changes.came(user(1), now);
                    }
                    2 if sessions > 0 => {
                        sessions -= 1;
                        changes.went(user(1), 0, now + grace);
                    }
                    _ => tell(&mut changes, now, sessions, &mut known),
                }
                prop_assert!(changes.by_user.len() <= 1 && changes.by_turn.len() == changes.by_user.len());
                now += Duration::from_millis(wait_ms);
            }
            tell(&mut changes, now + grace, sessions, &mut known);
            prop_assert_eq!(known, sessions > 0);
        }
    }
}
