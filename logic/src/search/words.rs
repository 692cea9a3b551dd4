//! The words of a text, as messages are found by them: the same for every database, and for texts and questions.
//!
//! Letters are folded (no case, no accents, full and half width alike). A script that puts blanks between words gives
//! words; one that does not, as Chinese, gives each character and each pair of neighbours. No I/O, no state.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

/// Of a longer word only the beginning counts, characters.
pub const WORD_CHARS_MAX: usize = 32;
/// Longest word, bytes: four for each character.
pub const WORD_BYTES_MAX: usize = 4 * WORD_CHARS_MAX;
/// Different words by which one message is found: of a longer one the first.
pub const WORDS_OF_TEXT_MAX: usize = 1_024;

/// A part of a text, in UTF-16 code units, as scripts in browsers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// From here.
    pub start: usize,
    /// To before here.
    pub end: usize,
}

/// How a script writes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// With something between them.
    Spaced,
    /// Without.
    Unspaced,
}

/// Letters of one kind without anything between them.
#[derive(Debug)]
struct Run {
    script: Script,
    letters: Vec<(char, Span)>,
}

impl Run {
    fn text(&self, letters: std::ops::Range<usize>) -> String {
        self.letters[letters].iter().map(|(letter, _)| letter).collect()
    }

    fn word(&self) -> String {
        self.text(0..self.letters.len().min(WORD_CHARS_MAX))
    }
}

/// Scripts without anything between words: Thai, Lao, Myanmar, Khmer, kana, Bopomofo, Han.
fn script(letter: char) -> Script {
    match u32::from(letter) {
        0x0E00..=0x0EFF
        | 0x1000..=0x109F
        | 0x1780..=0x17FF
        | 0x2E80..=0x2FDF
        | 0x3005..=0x3007
        | 0x3040..=0x312F
        | 0x31A0..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0x1B000..=0x1B16F
        | 0x20000..=0x3FFFF => Script::Unspaced,
        _ => Script::Spaced,
    }
}

/// Accents of Latin, Greek and Cyrillic letters.
fn is_accent(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// Marks that belong to the letter before, in scripts that cannot be read without them.
fn is_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter)
}

fn fold(letter: char) -> impl Iterator<Item = char> {
    std::iter::once(letter)
        .nfkd()
        .filter(|letter| !is_accent(*letter))
        .nfc()
        .flat_map(char::to_lowercase)
        .filter(|letter| !is_accent(*letter))
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut is_open = false;
    let mut start = 0;
    for original in text.chars() {
        let span = Span { start, end: start + original.len_utf16() };
        start = span.end;
        if is_accent(original) {
            // It widens the letter that it is on.
            if let Some((_, last)) =
                runs.last_mut().filter(|_| is_open).and_then(|run| run.letters.last_mut())
            {
                last.end = span.end;
            }
            continue;
        }
        for letter in fold(original) {
            let belongs = letter.is_alphanumeric() || (is_open && is_mark(letter));
            if !belongs {
                is_open = false;
                continue;
            }
            let script = script(letter);
            match runs.last_mut().filter(|run| is_open && (run.script == script || is_mark(letter))) {
                Some(run) => run.letters.push((letter, span)),
                None => runs.push(Run { script, letters: vec![(letter, span)] }),
            }
            is_open = true;
        }
    }
    runs
}

/// What a text is found by.
#[must_use]
pub fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for run in runs(text) {
        let of_run: Box<dyn Iterator<Item = String>> = match run.script {
            Script::Spaced => Box::new(std::iter::once(run.word())),
            Script::Unspaced => {
                let count = run.letters.len();
                let run = &run;
                let pairs = (1..=2).flat_map(move |size| {
                    (0..(count + 1).saturating_sub(size)).map(move |first| run.text(first..first + size))
                });
                Box::new(pairs.collect::<Vec<_>>().into_iter())
            }
        };
        for word in of_run {
            if words.len() >= WORDS_OF_TEXT_MAX {
                return words;
            }
            words.insert(word);
        }
    }
    words
}

/// What is looked for: all of it must be in a text, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// A whole word.
    Word(String),
    /// Characters next to each other.
    Characters(Vec<char>),
}

impl Query {
    /// What somebody typed; `None` when there is no word in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut terms = Vec::new();
        for run in runs(text) {
            let term = match run.script {
                Script::Spaced => Term::Word(run.word()),
                Script::Unspaced => Term::Characters(run.letters.iter().map(|&(letter, _)| letter).collect()),
            };
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        (!terms.is_empty()).then_some(Self { terms })
    }

    /// The words of which a text has every one, if it has what is looked for; the longest first, which is as a rule the
    /// rarest.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = BTreeSet::new();
        for term in &self.terms {
            match term {
                Term::Word(word) => _ = words.insert(word.clone()),
                Term::Characters(letters) if letters.len() == 1 => words.extend([letters.iter().collect()]),
                Term::Characters(letters) => {
                    words.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
                }
            }
        }
        let mut words: Vec<String> = words.into_iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }

    /// Where it is in a text, in order and apart from each other; `None` when not all of it is there.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Vec<Span>> {
        let runs = runs(text);
        let mut spans = Vec::new();
        for term in &self.terms {
            let before = spans.len();
            for run in &runs {
                match term {
                    Term::Word(word) if run.script == Script::Spaced && run.word() == *word => {
                        spans.extend(over(&run.letters));
                    }
                    Term::Characters(letters) if run.script == Script::Unspaced => {
                        let found = run.letters.windows(letters.len()).filter(|window| {
                            window.iter().map(|&(letter, _)| letter).eq(letters.iter().copied())
                        });
                        spans.extend(found.filter_map(over));
                    }
                    _ => {}
                }
            }
            if spans.len() == before {
                return None;
            }
        }
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut().filter(|last| span.start < last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => merged.push(span),
            }
        }
        Some(merged)
    }
}

fn over(letters: &[(char, Span)]) -> Option<Span> {
    let (_, first) = letters.first()?;
    let (_, last) = letters.last()?;
    Some(Span { start: first.start, end: last.end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> Option<Vec<String>> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let part = |span: Span| String::from_utf16(&units[span.start..span.end]).expect("whole characters");
        Query::parse(query)?.find(text).map(|spans| spans.into_iter().map(part).collect())
    }

    #[test]
    fn texts_are_taken_apart_as_people_read_them() {
        for (text, expected) in [
            ("Hello, hello WORLD!", &["hello", "world"][..]),
            ("don't e-mail x_1", &["1", "don", "e", "mail", "t", "x"]),
            ("Cafe\u{301} CAFÉ Straße ΣΑΣ", &["cafe", "straße", "σασ"]),
            ("ＡＢＣ１２３", &["abc123"]),
            ("我们在家", &["们", "们在", "在", "在家", "家", "我", "我们"]),
            ("买iPhone吧", &["iphone", "买", "吧"]),
            ("한국어 хорошо", &["хорошо", "한국어"]),
            ("हिन्दी", &["हिन्दी"]),
            ("👍 … \u{301}\u{0}", &[]),
        ] {
            let found: Vec<String> = words(text).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_looked_for_is_shown_where_it_is() {
        let some = |parts: &[&str]| Some(parts.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        assert_eq!(found("world HELLO", "👍 Hello, wörld"), some(&["Hello", "wörld"]));
        assert_eq!(found("cafe", "un cafe\u{301}."), some(&["cafe\u{301}"]));
        assert_eq!(found("hell", "Hello"), None, "whole words");
        assert_eq!(found("在家", "我们在家里，在家"), some(&["在家", "在家"]));
        assert_eq!(found("家在", "我们在家，在"), None, "next to each other");
        assert_eq!(found("ABC", "AB BC"), None);
        assert_eq!(found("哈哈", "哈哈哈"), some(&["哈哈哈"]));
        assert_eq!(found("iphone 买", "我买了 iPhone"), some(&["买", "iPhone"]));
        assert_eq!(found("abc", "ＡＢＣ"), some(&["ＡＢＣ"]));
        assert_eq!(found("...", "..."), None);
    }

    #[test]
    fn a_long_text_is_found_by_its_first_words() {
        let text: String = (0..5_000).map(|number| format!("w{number} ")).collect();
        assert_eq!(words(&text).len(), WORDS_OF_TEXT_MAX);
        let word = "x".repeat(5_000);
        assert_eq!(words(&word).first().map(String::len), Some(WORD_CHARS_MAX));
        assert!(Query::parse(&word).expect("a word").find(&word).is_some());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_found_by_all_of_itself(text in "\\PC{0,40}|[a-c我们在 é👍\u{301}ガﾞ한हि]{0,20}") {
            let words = words(&text);
            proptest::prop_assert!(words.iter().all(|word| !word.is_empty() && word.len() <= WORD_BYTES_MAX));
            let Some(query) = Query::parse(&text) else {
                proptest::prop_assert!(words.is_empty());
                return Ok(());
            };
            proptest::prop_assert!(query.words().iter().all(|word| words.contains(word)));
            let spans = query.find(&text).expect("a text has itself");
            let units: Vec<u16> = text.encode_utf16().collect();
            let mut end = 0;
            for span in spans {
                proptest::prop_assert!(span.start >= end && span.start < span.end && span.end <= units.len());
                proptest::prop_assert!(String::from_utf16(&units[span.start..span.end]).is_ok());
                end = span.end;
            }
        }

        #[test]
        fn what_is_found_has_all_the_words(query in "[a-b我们 ]{1,6}", text in "[a-b我们 ]{0,12}") {
            let Some(query) = Query::parse(&query) else { return Ok(()) };
            if query.find(&text).is_some() {
                let words = words(&text);
                proptest::prop_assert!(query.words().iter().all(|word| words.contains(word)));
            }
        }
    }
}
