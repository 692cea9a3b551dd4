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
}

impl Change {
    /// What to tell, now that the directory says whether they are online.
    pub(super) fn told(self, is_online: bool) -> Option<bool> {
        match self {
            Self::Came => is_online.then_some(true),
            Self::Went { is_untold, .. } => (!is_online || is_untold).then_some(is_online),
        }
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
            Some((turn, Change::Came)) => self.insert(user, turn.0, Change::Came),
            _ => self.insert(user, now, Change::Came),
        }
    }

    /// A session of the user ended. False: there is no room to tell it.
    pub(super) fn went(&mut self, user: UserId, at_ms: i64, due: Instant) -> bool {
        let is_untold = match self.remove(user) {
            Some((_, Change::Came)) => true,
            Some((_, Change::Went { is_untold, .. })) => is_untold,
            None => false,
        };
        self.insert(user, due, Change::Went { at_ms, is_untold })
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
