//! The dead-letter log, as people look at it.

use std::fmt;
use std::str::FromStr;

use tonic::async_trait;

use super::{Error, Record};

/// Place of a letter in the log. As text `<partition>-<offset>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterPlace {
    /// Partition of the log.
    pub partition: i32,
    /// Place in the partition.
    pub offset: i64,
}

impl fmt::Display for LetterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.partition, self.offset)
    }
}

/// The text is not a [`LetterPlace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the dead-letter log: <partition>-<offset>")]
pub struct NoPlace;

impl FromStr for LetterPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (partition, offset) = text.split_once('-').ok_or(NoPlace)?;
        let place = Self {
            partition: partition.parse().map_err(|_| NoPlace)?,
            offset: offset.parse().map_err(|_| NoPlace)?,
        };
        // Only the canonical form.
        let is_canonical = place.partition >= 0 && place.offset >= 0 && place.to_string() == text;
        is_canonical.then_some(place).ok_or(NoPlace)
    }
}

/// A record given up on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it is in the log.
    pub place: LetterPlace,
    /// When it was given up on, ms since the epoch; 0 = not known.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
    /// As it was read from the bus.
    pub record: Record,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letters {
    /// By place.
    pub letters: Vec<DeadLetter>,
    /// There are more behind the last.
    pub has_more: bool,
}

/// Reads the dead-letter log without taking anything from it.
#[async_trait]
pub trait DeadLetters: Send + Sync + fmt::Debug + 'static {
    /// At most `limit` letters behind `after` (`None` = from the oldest kept).
    /// Large ones make a page shorter than that, but never empty.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the bus does not answer, [`Error::Full`]
    /// when too many read at once.
    async fn read(&self, after: Option<LetterPlace>, limit: usize) -> Result<Letters, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_written() {
        for place in [LetterPlace { partition: 0, offset: 0 }, LetterPlace { partition: 3, offset: i64::MAX }]
        {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for bad in ["", "-", "1", "1-", "-1-2", "1--2", "01-2", "1-+2", "1-2-3", "x-1", " 1-2"] {
            assert_eq!(bad.parse::<LetterPlace>(), Err(NoPlace), "{bad:?}");
        }
    }
}
