//! Words that the operator does not want to be said: texts that have one are refused, or the word is masked, before
//! they are stored.
//!
//! Letters count as the same in capitals. A word that begins or ends with an ASCII letter or digit is found only where
//! none stands beside it, so that `ass` is not found in `class`; others, as those of scripts without blanks, are found
//! anywhere.

use std::fmt;

use aho_corasick::AhoCorasick;
use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::metrics::{Counter, Registry};

mod config;

pub use config::{Action, Config};

use config::{WORD_BYTES_MAX, WORDS_MAX, fault};

/// Largest file of words: all of them, with their line ends.
const FILE_BYTES_MAX: u64 = (WORDS_MAX * (WORD_BYTES_MAX + 2)) as u64;

/// Counters of [`Words`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    refused: Counter,
    masked: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "texts_refused_by_words",
            "Texts refused for a word of the operator's list",
            metrics.refused.clone(),
        );
        registry.register(
            "texts_masked_by_words",
            "Texts in which a word of the operator's list was masked",
            metrics.masked.clone(),
        );
        metrics
    }
}

/// The words, and what is done about them.
#[derive(Default)]
pub struct Words {
    automaton: Option<AhoCorasick>,
    action: Action,
    metrics: Metrics,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.automaton.as_ref().map_or(0, AhoCorasick::patterns_len);
        f.debug_struct("Words").field("words", &words).field("action", &self.action).finish_non_exhaustive()
    }
}

impl Words {
    /// Reads the words. Blocks the thread for as long as the file takes.
    ///
    /// # Errors
    /// A sentence, when the file cannot be read or what is in it is no list of words.
    pub fn new(config: &Config, metrics: Metrics) -> Result<Self, String> {
        let mut words = config.list.clone();
        if !config.file.as_os_str().is_empty() {
            words.extend(read(config).map_err(|fault| format!("{}: {fault}", config.file.display()))?);
        }
        if let Some(fault) = fault(&words) {
            return Err(fault);
        }
        let automaton = match words.is_empty() {
            true => None,
            false => Some(build(&words)?),
        };
        Ok(Self { automaton, action: config.action, metrics })
    }

    /// Lets a text pass as it is, or with words masked.
    ///
    /// # Errors
    /// `forbidden`, when it has one of the words and those are refused.
    pub fn screen(&self, text: &mut String) -> Result<(), Refusal> {
        let Some(automaton) = &self.automaton else { return Ok(()) };
        let found: Vec<(usize, usize)> = automaton
            .find_overlapping_iter(text.as_str())
            .map(|found| (found.start(), found.end()))
            .filter(|&(start, end)| stands_alone(text, start, end))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        match self.action {
            Action::Refuse => {
                self.metrics.refused.inc();
                Err(Refusal::new(Code::Forbidden, "content: has a word that is not to be said here"))
            }
            Action::Mask => {
                self.metrics.masked.inc();
                *text = masked(text, &found);
                Ok(())
            }
        }
    }
}

fn read(config: &Config) -> Result<Vec<String>, String> {
    let size = std::fs::metadata(&config.file).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(&config.file).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn build(words: &[String]) -> Result<AhoCorasick, String> {
    let mut patterns: Vec<String> = Vec::with_capacity(words.len());
    for word in words.iter().map(|word| word.trim()) {
        patterns.push(word.to_owned());
        // The automaton knows the capitals of ASCII.
        if !word.is_ascii() {
            patterns.extend([word.to_lowercase(), word.to_uppercase()]);
        }
    }
    patterns.sort_unstable();
    patterns.dedup();
    AhoCorasick::builder().ascii_case_insensitive(true).build(patterns).map_err(|error| error.to_string())
}

/// Whether no ASCII letter or digit goes on where the word begins or ends with one.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let joins = |left: Option<&u8>, right: Option<&u8>| {
        left.is_some_and(u8::is_ascii_alphanumeric) && right.is_some_and(u8::is_ascii_alphanumeric)
    };
    let before = start.checked_sub(1).and_then(|index| bytes.get(index));
    let last = end.checked_sub(1).and_then(|index| bytes.get(index));
    !joins(before, bytes.get(start)) && !joins(last, bytes.get(end))
}

/// With a `*` for each character of what was found.
fn masked(text: &str, found: &[(usize, usize)]) -> String {
    let mut ranges = found.to_vec();
    ranges.sort_unstable();
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (start, end) in ranges {
        let start = start.max(done);
        if end <= done {
            continue;
        }
        out.push_str(text.get(done..start).unwrap_or_default());
        out.extend(text.get(start..end).unwrap_or_default().chars().map(|_| '*'));
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(list: &[&str], action: Action) -> Words {
        let list = list.iter().map(|&word| word.to_owned()).collect();
        Words::new(&Config { list, action, ..Config::default() }, Metrics::default()).expect("words")
    }

    fn screened(words: &Words, text: &str) -> Result<String, Code> {
        let mut text = text.to_owned();
        words.screen(&mut text).map_err(|refusal| refusal.code).map(|()| text)
    }

    #[test]
    fn words_are_masked_where_they_stand_alone() {
        let words = words(&["ass", "bad word", "坏话", "дурак", "word"], Action::Mask);
        for (text, expected) in [
            ("a class of grass", "a class of grass"),
            ("Ass! (ASS) ass", "***! (***) ***"),
            ("a bad word", "a ********"),
            ("这是坏话吗", "这是**吗"),
            ("ДУРАК и дурак", "***** и *****"),
            ("ass坏话", "*****"),
            ("ass1 1ass", "ass1 1ass"),
            ("", ""),
        ] {
            assert_eq!(screened(&words, text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(words.metrics.masked.get(), 5);
    }

    #[test]
    fn texts_are_refused_and_counted() {
        let words = words(&["spam"], Action::Refuse);
        assert_eq!(screened(&words, "no SPAM please"), Err(Code::Forbidden));
        assert_eq!(screened(&words, "spammers").as_deref(), Ok("spammers"));
        assert_eq!(words.metrics.refused.get(), 1);
        assert_eq!(screened(&Words::default(), "spam").as_deref(), Ok("spam"), "there are no words");
    }

    #[test]
    fn a_file_has_further_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("words.txt");
        std::fs::write(&file, "# not these\n\n one \r\ntwo\n").expect("written");
        let config = Config { list: vec!["three".to_owned()], file: file.clone(), action: Action::Mask };
        let words = Words::new(&config, Metrics::default()).expect("words");
        assert_eq!(screened(&words, "one two three four #").as_deref(), Ok("*** *** ***** four #"));
        for content in [&b"\xff\xfe"[..], "x".repeat(WORD_BYTES_MAX + 1).as_bytes()] {
            std::fs::write(&file, content).expect("written");
            assert!(Words::new(&config, Metrics::default()).is_err());
        }
        std::fs::remove_file(&file).expect("removed");
        let fault = Words::new(&config, Metrics::default()).expect_err("it is gone");
        assert!(fault.contains("words.txt"), "{fault}");
    }

    proptest! {
        #[test]
        fn a_masked_text_has_as_many_characters_and_passes(text in "[asw坏话 ]{0,30}") {
            let words = words(&["ass", "坏话", "话坏", "s s"], Action::Mask);
            let once = screened(&words, &text).expect("masked");
            prop_assert_eq!(once.chars().count(), text.chars().count());
            prop_assert_eq!(screened(&words, &once), Ok(once));
        }
    }
}
