//! Identifiers. Numbers inside, strings in our JSON.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(i64);

        impl $name {
            /// Accepts positive numbers only.
            #[must_use]
            pub const fn new(raw: i64) -> Option<Self> {
                if raw > 0 { Some(Self(raw)) } else { None }
            }

            /// The number, always positive.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the canonical decimal form: no sign, no leading zero.
                if text.is_empty() || text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(InvalidId);
                }
                text.parse().ok().and_then(Self::new).ok_or(InvalidId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

numeric_id! {
    /// A user. Positive and small enough, for as long as that lasts, to fit
    /// the int32 of older clients.
    UserId
}
numeric_id! {
    /// A conversation of any kind: direct, group or open room.
    ConversationId
}
numeric_id! {
    /// Place of a message in its conversation: dense from 1.
    Seq
}

numeric_id! {
    /// A file of a user.
    FileId
}

/// The text is not a positive decimal number that fits 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a positive decimal number")]
pub struct InvalidId;

/// Longest session key or room key accepted, in bytes.
pub const KEY_BYTES_MAX: usize = 128;

macro_rules! text_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts 1 to [`KEY_BYTES_MAX`] bytes without control characters.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidKey> {
                let text = text.as_ref();
                if text.is_empty() || text.len() > KEY_BYTES_MAX || text.chars().any(char::is_control) {
                    return Err(InvalidKey);
                }
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_key! {
    /// One connection of one user: unique among live connections.
    SessionKey
}
text_key! {
    /// What members share: a conversation id in decimal, or goim's
    /// `type://id`. The two cannot meet, as the latter contains `://`.
    RoomKey
}

impl RoomKey {
    /// The conversation this key names; `None` for goim's rooms.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        self.0.parse().ok()
    }
}

/// Type of the rooms of those who are told who types in a conversation.
const TYPING: &str = "typing://";
/// Type of the rooms of those who are told whether a user is online.
const PRESENCE: &str = "presence://";

impl RoomKey {
    /// The room of those who are told who types in this conversation.
    #[must_use]
    pub fn typing(id: ConversationId) -> Self {
        Self(format!("{TYPING}{id}").into())
    }

    /// The room of those who are told whether this user is online.
    #[must_use]
    pub fn presence(id: UserId) -> Self {
        Self(format!("{PRESENCE}{id}").into())
    }

    /// A room that a connection is in by what it watches, and in no other way.
    #[must_use]
    pub fn is_watch(&self) -> bool {
        self.0.starts_with(TYPING) || self.0.starts_with(PRESENCE)
    }
}

impl From<ConversationId> for RoomKey {
    fn from(id: ConversationId) -> Self {
        Self(id.to_string().into())
    }
}

/// Empty, too long, or with control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to {KEY_BYTES_MAX} bytes and no control characters")]
pub struct InvalidKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_positive_decimals_parse() {
        assert_eq!("42".parse::<UserId>().map(UserId::get), Ok(42));
        for bad in ["", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "9223372036854775808", "１"] {
            assert_eq!(bad.parse::<UserId>(), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_strings_in_json() {
        let id: ConversationId = serde_json::from_str("\"7\"").expect("parses");
        assert_eq!(serde_json::to_string(&id).expect("writes"), "\"7\"");
        assert!(serde_json::from_str::<ConversationId>("7").is_err());
    }

    #[test]
    fn a_goim_room_is_never_a_conversation() {
        assert_eq!(RoomKey::new("live://1").expect("valid").conversation(), None);
        let id = ConversationId::new(5).expect("positive");
        assert_eq!(RoomKey::from(id).conversation(), Some(id));
    }

    #[test]
    fn keys_are_bounded() {
        assert!(SessionKey::new("x".repeat(KEY_BYTES_MAX)).is_ok());
        assert!(SessionKey::new("x".repeat(KEY_BYTES_MAX + 1)).is_err());
        assert!(SessionKey::new("a\nb").is_err());
        assert!(SessionKey::new("").is_err());
    }
}
