//! Devices: what log-ins are of, and how many a user may have. Decided without a
//! database; both dialects read what is [`Held`], [`admit`], and write.

use std::collections::HashSet;

use oort_api::directory::LoginTag;
use serde::{Deserialize, Serialize};

/// What kind of device a log-in is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// It did not say.
    #[default]
    Other,
    /// A browser.
    Web,
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// A program on a desk.
    Desktop,
}

impl DeviceKind {
    /// Every kind with its name.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::Other, "other"),
        (Self::Web, "web"),
        (Self::Phone, "phone"),
        (Self::Tablet, "tablet"),
        (Self::Desktop, "desktop"),
    ];

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("other", |(_, name)| name)
    }

    /// Its number in the store.
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    /// By its number; one of a newer schema is [`DeviceKind::Other`].
    pub(super) fn of_number(number: i64) -> Self {
        Self::NAMES.iter().map(|(kind, _)| *kind).find(|kind| kind.number() == number).unwrap_or_default()
    }
}

/// The device a log-in begins on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewDevice {
    /// What its client is called; may be empty.
    pub name: String,
    /// Its kind.
    pub kind: DeviceKind,
}

/// How many log-ins a user may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DevicePolicy {
    /// Many.
    #[default]
    Multi,
    /// One of each kind; a new one ends the earlier one of its kind.
    OnePerKind,
    /// One; a new one ends the earlier ones.
    NewestWins,
    /// One; a second is refused while the earlier one has a connection, and ends it otherwise.
    RefuseSecond,
}

/// What a log-in that begins is measured by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// How many log-ins a user may have.
    pub policy: DevicePolicy,
    /// And at most so many whatever the policy: beyond it the oldest end.
    pub logins_max: u32,
    /// Log-ins of the user that had a connection just now. For [`DevicePolicy::RefuseSecond`].
    pub connected: HashSet<LoginTag>,
}

/// What became of a log-in that was to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is live. `ended`: earlier ones that had to make way.
    Admitted {
        /// Ids of log-ins.
        ended: Vec<String>,
    },
    /// It is live: an earlier attempt recorded it, whose answer was lost. Which had to make way is not known.
    Found,
    /// The policy refuses it; nothing changed.
    Refused,
    /// The user is banned until then, ms since the epoch (0 = without end), for this reason; nothing changed.
    Banned(i64, String),
}

/// A live log-in of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) kind: DeviceKind,
}

/// Decides on a log-in of this kind beside those that are `held`, the newest first.
pub(super) fn admit(admission: &Admission, kind: DeviceKind, held: &[Held]) -> Begun {
    let is_connected = |login: &&Held| admission.connected.contains(&LoginTag::of(&login.id));
    if admission.policy == DevicePolicy::RefuseSecond && held.iter().any(|login| is_connected(&login)) {
        return Begun::Refused;
    }
    let makes_way = |login: &Held| match admission.policy {
        DevicePolicy::Multi => false,
        DevicePolicy::OnePerKind => login.kind == kind,
        DevicePolicy::NewestWins | DevicePolicy::RefuseSecond => true,
    };
    // The new one is one of them.
    let others_max = (admission.logins_max as usize).saturating_sub(1);
    let (mut ended, staying): (Vec<&Held>, Vec<&Held>) = held.iter().partition(|login| makes_way(login));
    ended.extend(staying.into_iter().skip(others_max));
    Begun::Admitted { ended: ended.into_iter().map(|login| login.id.clone()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(logins: &[(&str, DeviceKind)]) -> Vec<Held> {
        logins.iter().map(|&(id, kind)| Held { id: id.to_owned(), kind }).collect()
    }

    fn admission(policy: DevicePolicy, logins_max: u32, connected: &[&str]) -> Admission {
        Admission { policy, logins_max, connected: connected.iter().map(|id| LoginTag::of(id)).collect() }
    }

    fn ended(ids: &[&str]) -> Begun {
        Begun::Admitted { ended: ids.iter().map(|&id| id.to_owned()).collect() }
    }

    #[test]
    fn each_policy_says_who_makes_way() {
        use DeviceKind::{Phone, Web};
        let two = held(&[("b", Phone), ("a", Web)]);
        for (policy, connected, expected) in [
            (DevicePolicy::Multi, &["a"][..], ended(&[])),
            (DevicePolicy::OnePerKind, &["a"], ended(&["a"])),
            (DevicePolicy::NewestWins, &["a"], ended(&["b", "a"])),
            (DevicePolicy::RefuseSecond, &["a"], Begun::Refused),
            (DevicePolicy::RefuseSecond, &[], ended(&["b", "a"])),
            (DevicePolicy::RefuseSecond, &["somebody else's"], ended(&["b", "a"])),
        ] {
            assert_eq!(admit(&admission(policy, 100, connected), Web, &two), expected, "{policy:?}");
        }
        assert_eq!(admit(&admission(DevicePolicy::RefuseSecond, 1, &["a"]), Web, &[]), ended(&[]));
    }

    #[test]
    fn beyond_the_bound_the_oldest_ends() {
        use DeviceKind::{Phone, Web};
        let three = held(&[("c", Phone), ("b", Web), ("a", Phone)]);
        assert_eq!(admit(&admission(DevicePolicy::Multi, 4, &[]), Web, &three), ended(&[]));
        assert_eq!(admit(&admission(DevicePolicy::Multi, 3, &[]), Web, &three), ended(&["a"]));
        assert_eq!(admit(&admission(DevicePolicy::OnePerKind, 2, &[]), Web, &three), ended(&["b", "a"]));
    }

    #[test]
    fn kinds_have_names_and_numbers() {
        for (kind, name) in DeviceKind::NAMES {
            assert_eq!((DeviceKind::parse(name), kind.as_str()), (Some(kind), name));
            assert_eq!(DeviceKind::of_number(kind.number()), kind);
        }
        assert_eq!((DeviceKind::parse("toaster"), DeviceKind::of_number(99)), (None, DeviceKind::Other));
    }
}
