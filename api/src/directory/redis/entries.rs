//! What the values of the directory's keys say.

use std::fmt;
use std::str::FromStr;

use ::redis::{FromRedisValue, Value, from_redis_value};

use crate::directory::{CometInfo, CometRef, Error, LoginTag, Version};

/// `comet|epoch|version`, and more behind it in a user's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) comet: CometRef,
    pub(super) version: Version,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.comet.id, self.comet.epoch, self.version)
    }
}

/// The text is not an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl FromStr for Place {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut parts = text.splitn(4, '|');
        let mut next = || parts.next().ok_or(Unreadable);
        let id = next()?.to_owned();
        let epoch = next()?.parse().map_err(|_| Unreadable)?;
        let version = next()?.parse().map_err(|_| Unreadable)?;
        Ok(Self { comet: CometRef { id, epoch }, version })
    }
}

/// What stands behind the place in a user's hash: `platform`, and `|` the tag of its log-in when it has one.
pub(super) fn client(text: &str) -> Option<(String, Option<LoginTag>)> {
    let mut parts = text.split('|').skip(3);
    let platform = parts.next()?.to_owned();
    Some((platform, parts.next().and_then(|tag| tag.parse().ok())))
}

/// A field of a room's hash: comet → `epoch|version`, or `epoch|version|left`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) comet: CometRef,
    pub(super) version: Version,
    pub(super) left: bool,
}

impl Presence {
    pub(super) fn parse(comet: String, text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '|');
        let epoch = parts.next()?.parse().ok()?;
        let version = parts.next()?.parse().ok()?;
        Some(Self { comet: CometRef { id: comet, epoch }, version, left: parts.next() == Some("left") })
    }
}

/// The epoch at the beginning of a comet's value.
pub(super) fn epoch(value: Value) -> Option<i64> {
    from_redis_value::<String>(value).ok()?.split_once('|')?.0.parse().ok()
}

/// The second part of a comet's value: whether it is announcing.
pub(super) fn flag(is_announcing: bool) -> &'static str {
    if is_announcing { "1" } else { "0" }
}

/// A comet's value: `epoch|announcing|announcements|JSON`.
pub(super) fn info(text: &str) -> Option<CometInfo> {
    let (_, rest) = text.split_once('|')?;
    let (announcing, rest) = rest.split_once('|')?;
    let (_, json) = rest.split_once('|')?;
    let info: CometInfo = serde_json::from_str(json).ok()?;
    Some(CometInfo { announcing: announcing == flag(true), ..info })
}

/// Reads an answer; one of another type means that the key is not ours.
pub(super) fn read<T: FromRedisValue>(value: Value) -> Result<T, Error> {
    from_redis_value(value).map_err(|error| Error::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_written() {
        let place = Place { comet: CometRef { id: "c-1".to_owned(), epoch: -5 }, version: i64::MAX };
        assert_eq!(place.to_string().parse(), Ok(place.clone()));
        assert_eq!(format!("{place}|web|x").parse(), Ok(place));
        for bad in ["", "c", "c|1", "c|x|1", "c|1|"] {
            assert_eq!(bad.parse::<Place>(), Err(Unreadable), "{bad:?}");
        }
        let tag = LoginTag::of("x");
        assert_eq!(client(&format!("c|1|2|web|{tag}")), Some(("web".to_owned(), Some(tag))));
        assert_eq!(client("c|1|2|web"), Some(("web".to_owned(), None)));
        assert_eq!(client("c|1|2|"), Some((String::new(), None)));
        assert_eq!(client("c|1|2"), None);
        assert!(Presence::parse("c".to_owned(), "1|2|left").is_some_and(|presence| presence.left));
        assert!(Presence::parse("c".to_owned(), "1|2").is_some_and(|presence| !presence.left));
        assert_eq!(Presence::parse("c".to_owned(), "1"), None);
    }
}
