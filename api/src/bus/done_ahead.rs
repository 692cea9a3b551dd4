//! What is done behind a record that is not: a partition's next reader need not do it again. Sans-I/O.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// Offsets that are done beyond the first one that is not, as runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoneAhead {
    /// Everything below it was done when this was written, where that is known.
    before: i64,
    /// In rising order, none adjoining the next.
    runs: Vec<RangeInclusive<i64>>,
}

/// Begins the text form, so that nobody else's is taken for one.
const NAME: &str = "done-ahead";

impl DoneAhead {
    /// Adds an offset that is higher than all before it; a lower one is left out.
    pub fn push(&mut self, offset: i64) {
        match self.runs.last_mut() {
            Some(last) if offset <= *last.end() => {}
            Some(last) if offset - 1 == *last.end() => *last = *last.start()..=offset,
            _ => self.runs.push(offset..=offset),
        }
    }

    /// Adds what `other` has beyond `offset`, all of which is beyond what is here.
    pub fn extend_beyond(&mut self, offset: i64, other: &Self) {
        let beyond = other.runs.iter().filter(|run| *run.end() > offset);
        for run in beyond {
            let first = (*run.start()).max(offset.saturating_add(1));
            self.push(first);
            if let Some(last) = self.runs.last_mut() {
                *last = *last.start()..=(*run.end()).max(*last.end());
            }
        }
    }

    /// Whether the record there is done.
    #[must_use]
    pub fn contains(&self, offset: i64) -> bool {
        let behind = self.runs.partition_point(|run| *run.end() < offset);
        self.runs.get(behind).is_some_and(|run| run.contains(&offset))
    }

    /// Whether it is of the log that a reader sees who is given this offset first. One that goes back behind what was done has
    /// lost its end: what stands at the same offsets by now is something else.
    #[must_use]
    pub fn is_of_log_at(&self, first_read: i64) -> bool {
        first_read >= self.before
    }

    /// Whether nothing is done ahead.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// As text: for each run how many offsets behind `before` or the last run are left out, `+`, and how many are done.
    ///
    /// Runs that `bytes_max` has no room for are left out, the last first: they are done twice.
    #[must_use]
    pub fn to_text(&self, before: i64, bytes_max: usize) -> String {
        let (mut text, mut next) = (NAME.to_owned(), before);
        for run in &self.runs {
            let begun = text.len();
            // A `String` takes all that is written.
            write!(text, " {}+{}", run.start() - next, run.end() - run.start() + 1).ok();
            if text.len() > bytes_max {
                text.truncate(begun);
                break;
            }
            next = run.end() + 1;
        }
        if next == before { String::new() } else { text }
    }

    /// Reads [`DoneAhead::to_text`]. What is anything else says that nothing is done ahead.
    #[must_use]
    pub fn parse(before: i64, text: &str) -> Self {
        Self::parse_runs(before, text).unwrap_or_default()
    }

    fn parse_runs(before: i64, text: &str) -> Option<Self> {
        let (mut runs, mut next) = (Vec::new(), before);
        for run in text.strip_prefix(NAME)?.split_ascii_whitespace() {
            let (left_out, done) = run.split_once('+')?;
            let (left_out, done): (i64, i64) = (left_out.parse().ok()?, done.parse().ok()?);
            if left_out < 1 || done < 1 {
                return None;
            }
            let first = next.checked_add(left_out)?;
            let last = first.checked_add(done - 1)?;
            next = last.checked_add(1)?;
            runs.push(first..=last);
        }
        Some(Self { before, runs })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(offsets: impl IntoIterator<Item = i64>) -> DoneAhead {
        let mut done = DoneAhead::default();
        offsets.into_iter().for_each(|offset| done.push(offset));
        done
    }

    #[test]
    fn the_text_says_runs() {
        let done = of([101, 102, 103, 110]);
        let text = done.to_text(100, 100);
        assert_eq!(text, "done-ahead 1+3 6+1");
        let read = DoneAhead::parse(100, &text);
        assert_eq!((&read.runs, read.is_empty()), (&done.runs, false));
        assert!(read.is_of_log_at(100) && !read.is_of_log_at(99));
        assert_eq!(DoneAhead::default().to_text(100, 100), "");
        assert_eq!(done.to_text(100, 14), "done-ahead 1+3", "what has no room is done twice");
        assert_eq!(done.to_text(100, 13), "");
    }

    #[test]
    fn nothing_is_taken_for_done_that_was_not_said() {
        let wrong = [
            "",
            "done-ahead",
            "someone else's",
            "done-ahead 0+1",
            "done-ahead 1+0",
            "done-ahead -5+9",
            "done-ahead 1+3 x",
            "done-ahead 1+3 2",
            "done-ahead 9223372036854775807+1",
            "done-ahead 1+9223372036854775807",
        ];
        for text in wrong {
            assert!(DoneAhead::parse(100, text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_set_of_its_offsets(
            before in 0_i64..1_000_000,
            offsets in prop::collection::btree_set(1_i64..200, 0..100),
            bytes_max in 0_usize..400,
        ) {
            let offsets: BTreeSet<i64> = offsets.into_iter().map(|offset| before + offset).collect();
            let done = of(offsets.iter().copied());
            let read = DoneAhead::parse(before, &done.to_text(before, usize::MAX));
            let text = done.to_text(before, bytes_max);
            prop_assert!(text.len() <= bytes_max);
            let cut = DoneAhead::parse(before, &text);
            for offset in before - 1..before + 201 {
                prop_assert_eq!(read.contains(offset), offsets.contains(&offset));
                prop_assert!(!cut.contains(offset) || offsets.contains(&offset));
            }
        }

        #[test]
        fn what_was_found_and_not_yet_read_is_handed_on(
            mine in prop::collection::btree_set(0_i64..100, 0..50),
            found in prop::collection::btree_set(0_i64..200, 0..100),
        ) {
            let mut done = of(mine.iter().copied());
            done.extend_beyond(99, &of(found.iter().copied()));
            let expected = mine.iter().chain(found.range(100..)).copied();
            prop_assert_eq!(done, of(expected));
        }
    }
}
