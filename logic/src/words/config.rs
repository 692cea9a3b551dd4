//! Settings of the word filter.

use std::path::PathBuf;

use serde::Deserialize;

/// What becomes of a text that has one of the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is refused.
    #[default]
    Refuse,
    /// Each character of the word becomes a `*`.
    Mask,
}

/// Settings of [`super::Words`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Words that are not to be said.
    pub list: Vec<String>,
    /// A file with further ones, one a line; lines that begin with `#` are passed over. Empty = none.
    pub file: PathBuf,
    /// What becomes of a text that has one.
    pub action: Action,
}

/// All of them are in memory, as one automaton.
pub(super) const WORDS_MAX: usize = 100_000;
/// Longest word, bytes.
pub(super) const WORD_BYTES_MAX: usize = 200;

impl Config {
    /// Everything that cannot work, one sentence each. The file is read at the start, not here.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        fault(&self.list).into_iter().map(|fault| format!("list: {fault}")).collect()
    }
}

/// What is wrong with words.
pub(super) fn fault(words: &[String]) -> Option<String> {
    if words.len() > WORDS_MAX {
        return Some(format!("more than {WORDS_MAX} words"));
    }
    let bad = words.iter().find(|word| word.trim().is_empty() || word.len() > WORD_BYTES_MAX)?;
    Some(format!("{bad:?} is not of 1 to {WORD_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        for bad in [String::new(), " ".to_owned(), "x".repeat(WORD_BYTES_MAX + 1)] {
            assert_eq!(Config { list: vec![bad], ..Config::default() }.faults().len(), 1);
        }
        assert!(fault(&vec!["x".to_owned(); WORDS_MAX + 1]).is_some());
    }
}
