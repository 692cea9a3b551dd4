//! What a ledger may prove against a server.

use std::fmt;

/// A promise that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// What was acknowledged is stored, at the place that was acknowledged.
    AckedIsStored,
    /// Places are 1, 2, 3, … without holes.
    Dense,
    /// One send, one place, for ever.
    OnePlacePerSend,
    /// One place, one message, for everybody.
    OneMessagePerPlace,
    /// Every member has everything in the end.
    SeenByAll,
    /// Messages that come by themselves come in order.
    InOrder,
    /// "No more" and heads are true: nothing acknowledged before is missing.
    NoMoreIsTrue,
    /// Pages have no holes.
    PagesAreWhole,
    /// unread = head − read − own.
    UnreadIsRight,
    /// Every send was answered in the end.
    Answered,
}

impl Promise {
    fn text(self) -> &'static str {
        match self {
            Self::AckedIsStored => "an acknowledged message is not stored where it was acknowledged",
            Self::Dense => "a place holds no message",
            Self::OnePlacePerSend => "one send has two places",
            Self::OneMessagePerPlace => "one place has two messages",
            Self::SeenByAll => "a member never saw a message",
            Self::InOrder => "a message came after a later one of the same connection",
            Self::NoMoreIsTrue => {
                "an answer said that there is no more, or no newer head, while a message was missing"
            }
            Self::PagesAreWhole => "a page has a hole or is out of order",
            Self::UnreadIsRight => "a count of unread messages is wrong",
            Self::Answered => "a send was never answered",
        }
    }
}

/// A broken promise, and where it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// The conversation, by its number in the run.
    pub room: usize,
    /// Place of the message.
    pub seq: Option<i64>,
    /// Its client message id.
    pub id: Option<String>,
    /// The device that it concerns.
    pub device: Option<usize>,
    /// Line of the ledger, from 1; `None` = it shows at the end only.
    pub line: Option<usize>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: conversation {}", self.promise.text(), self.room)?;
        if let Some(seq) = self.seq {
            write!(f, ", seq {seq}")?;
        }
        if let Some(id) = &self.id {
            write!(f, ", message {id}")?;
        }
        if let Some(device) = self.device {
            write!(f, ", device {device}")?;
        }
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => write!(f, " (at the end)"),
        }
    }
}
