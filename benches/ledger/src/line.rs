//! One line of a ledger.

use serde::{Deserialize, Serialize};

/// Something that happened, when and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Monotonic clock of the machine, ns.
    pub at_ns: u64,
    /// The device; absent for what is no device's: sends by HTTP, the final reading, faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    #[serde(flatten)]
    /// What happened.
    pub event: Event,
}

/// A message at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Its place.
    pub seq: i64,
    /// The client message id; empty when the server wrote it.
    pub id: String,
}

/// What happened. Conversations are told by their number in the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says what its fields are")]
pub enum Event {
    /// A conversation of the run; messages up to `base` are older than it.
    Conversation { room: usize, base: i64 },
    /// The device is to see everything of the conversation that is newer than its base.
    Member { room: usize },
    /// An attempt to send.
    Send { room: usize, id: String },
    /// An attempt was answered: stored.
    Ack { room: usize, id: String, seq: i64 },
    /// An attempt was refused; it may be made again.
    Refused { room: usize, id: String, code: String },
    /// The device begins to connect.
    Connecting,
    /// It is connected, and was told these heads.
    Hello { heads: Vec<(usize, i64)> },
    /// A message came by itself.
    Live { room: usize, message: Placed },
    /// The device was told that messages were left out; head 0 = not told.
    Behind { room: usize, head: i64 },
    /// The device asks for what is newer than `after`, or for the newest page.
    Asked { room: usize, after: Option<i64> },
    /// A page came, oldest first.
    Page { room: usize, after: Option<i64>, messages: Vec<Placed>, more: bool, head: i64 },
    /// The connection ended.
    Closed,
    /// The device claims to have everything up to `seq`.
    Whole { room: usize, seq: i64 },
    /// The device was told how many messages it has not read, as of `head`. `own` are its account's.
    Unread { room: usize, account: usize, read: i64, head: i64, unread: i64 },
    /// The store holds this message, read when all was over. `account` sent it.
    Stored { room: usize, account: Option<usize>, message: Placed },
    /// Something was broken, or mended, on purpose.
    Fault { what: String },
}

impl Event {
    /// The conversation, where there is one.
    #[must_use]
    pub fn room(&self) -> Option<usize> {
        match self {
            Self::Conversation { room, .. }
            | Self::Member { room }
            | Self::Send { room, .. }
            | Self::Ack { room, .. }
            | Self::Refused { room, .. }
            | Self::Live { room, .. }
            | Self::Behind { room, .. }
            | Self::Asked { room, .. }
            | Self::Page { room, .. }
            | Self::Whole { room, .. }
            | Self::Unread { room, .. }
            | Self::Stored { room, .. } => Some(*room),
            Self::Connecting | Self::Hello { .. } | Self::Closed | Self::Fault { .. } => None,
        }
    }

    /// Whether the line speaks of this message: by its place, or by its id.
    #[must_use]
    pub fn concerns(&self, seq: Option<i64>, id: Option<&str>) -> bool {
        let is_it = |message: &Placed| {
            seq == Some(message.seq) || id.is_some_and(|id| !id.is_empty() && id == message.id)
        };
        match self {
            Self::Send { id: named, .. } | Self::Refused { id: named, .. } => id == Some(named.as_str()),
            Self::Ack { id: named, seq: at, .. } => id == Some(named.as_str()) || seq == Some(*at),
            Self::Live { message, .. } | Self::Stored { message, .. } => is_it(message),
            Self::Page { messages, .. } => messages.iter().any(is_it),
            Self::Whole { seq: to, .. } => seq.is_some_and(|seq| seq <= *to),
            Self::Unread { head, .. } => seq == Some(*head),
            Self::Behind { .. }
            | Self::Fault { .. }
            | Self::Conversation { .. }
            | Self::Member { .. }
            | Self::Connecting
            | Self::Hello { .. }
            | Self::Asked { .. }
            | Self::Closed => false,
        }
    }
}
