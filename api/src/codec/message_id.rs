//! How a message is named to clients: `<conversation>-<seq>`, both decimal.
//! Derived, never stored, so the id of a live message and of the same message
//! in history are equal.

use std::fmt;
use std::str::FromStr;

use crate::ids::{ConversationId, InvalidId, Seq};

/// The id of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.conversation, self.seq)
    }
}

impl FromStr for MessageId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (conversation, seq) = text.split_once('-').ok_or(InvalidId)?;
        Ok(Self { conversation: conversation.parse()?, seq: seq.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_parses() {
        let id: MessageId = "7-42".parse().expect("canonical");
        assert_eq!((id.conversation.get(), id.seq.get()), (7, 42));
        assert_eq!(id.to_string(), "7-42");
        for bad in ["", "7", "-", "7-", "-42", "7-0", "07-1", "7--1", "7-1-1", "7-1 ", "a-b"] {
            assert_eq!(bad.parse::<MessageId>(), Err(InvalidId), "{bad:?}");
        }
    }
}
