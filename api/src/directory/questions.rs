//! What operators ask all processes, and what those answer. Tiers do not call each other for it: questions and answers lie in the
//! directory for a moment.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::trail::Hop;

/// Questions that are kept; a further one takes the place of the oldest.
pub(super) const QUESTIONS_MAX: usize = 16;
/// How long questions and answers are kept after the last of them.
pub(super) const KEPT: Duration = Duration::from_secs(30);
/// Longest id of a question, bytes.
const ID_BYTES_MAX: usize = 64;
/// Longest question or answer as JSON, bytes.
const BYTES_MAX: usize = 64 * 1024;

/// Where has this message been?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Its own, unlike any other.
    pub id: String,
    /// The message's conversation.
    pub conversation: i64,
    /// Its place there.
    pub seq: i64,
}

/// What one process knows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Id of the question.
    pub question: String,
    /// Id of the process, as in its [`NodeEntry`](super::NodeEntry).
    pub node: String,
    /// Name of the node in its settings.
    pub name: String,
    /// `comet`, `logic`, `job` or `standalone`.
    pub role: String,
    /// The process remembers everything from here on, µs since the epoch by its own clock; 0 = nothing passed it yet.
    pub since_us: i64,
    /// In the order of their times.
    pub hops: Vec<Hop>,
}

impl Question {
    /// As it is recorded.
    ///
    /// # Errors
    /// [`Error::Config`] for an id that would blur a key.
    pub fn to_json(&self) -> Result<String, Error> {
        check(&self.id)?;
        written(self)
    }

    /// As it was recorded; `None` when another version of the program wrote it.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        read(json)
    }
}

impl Answer {
    /// As it is recorded.
    ///
    /// # Errors
    /// [`Error::Config`] for an id that would blur a key, or more than the directory takes.
    pub fn to_json(&self) -> Result<String, Error> {
        check(&self.question)?;
        written(self)
    }

    /// As it was recorded; `None` when another version of the program wrote it.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        read(json)
    }
}

fn check(id: &str) -> Result<(), Error> {
    if id.is_empty() || id.len() > ID_BYTES_MAX || id.chars().any(char::is_control) {
        return Err(Error::Config(format!("a question's id has 1 to {ID_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn written(value: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_string(value).map_err(|error| Error::Config(error.to_string()))?;
    if json.len() > BYTES_MAX {
        return Err(Error::Config(format!("a question or answer has at most {BYTES_MAX} bytes")));
    }
    Ok(json)
}

fn read<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(json).ok()
}
