//! Order and duplicates of one conversation, by its dense seqs. Sans-I/O.
//!
//! A reader that sees seqs from several writers may see them out of order for
//! a moment, or twice. [`SeqWindow`] says what to do with each: pass it on,
//! hold it until an earlier one arrives, or drop it as seen.

use std::collections::{BTreeMap, BTreeSet};

/// What [`SeqWindow::offer`] decided.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// Pass these on now, in this order.
    Deliver(Vec<T>),
    /// It waits for an earlier seq.
    Held,
    /// It was passed on before.
    Duplicate,
}

/// The window of one conversation. Starts with the first seq it is shown;
/// seqs below that one pass whenever they come. Seqs are positive.
///
/// What is held is not bounded here: whoever offers looks at
/// [`SeqWindow::held_len`] and the time, and gives up.
#[derive(Debug)]
pub struct SeqWindow<T> {
    /// The next seq to pass on; 0 = nothing seen yet.
    next: i64,
    /// Nothing is known of seqs below this one: they pass as new.
    known_from: i64,
    held: BTreeMap<i64, T>,
    /// Seqs below `next` that never came: given up, but welcome when late.
    skipped: BTreeSet<i64>,
}

/// Most seqs remembered as given up. Beyond it the oldest are forgotten, and
/// everything up to them passes as new: a duplicate at worst, never a loss.
const SKIPPED_MAX: i64 = 1024;

impl<T> Default for SeqWindow<T> {
    fn default() -> Self {
        Self { next: 0, known_from: 0, held: BTreeMap::new(), skipped: BTreeSet::new() }
    }
}

impl<T> SeqWindow<T> {
    /// A window that waits for the first seq of all, whatever it is shown first.
    #[must_use]
    pub fn from_first() -> Self {
        Self { next: 1, known_from: 1, ..Self::default() }
    }

    /// Whether it has been shown nothing yet and waits for nothing.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.next == 0
    }

    /// Takes one item.
    pub fn offer(&mut self, seq: i64, item: T) -> Verdict<T> {
        if self.next == 0 {
            self.known_from = seq;
            self.next = seq.saturating_add(1);
            return Verdict::Deliver(vec![item]);
        }
        if seq < self.next {
            let is_new = seq < self.known_from || self.skipped.remove(&seq);
            return if is_new { Verdict::Deliver(vec![item]) } else { Verdict::Duplicate };
        }
        if seq > self.next {
            return if self.held.insert(seq, item).is_some() { Verdict::Duplicate } else { Verdict::Held };
        }
        self.next = seq.saturating_add(1);
        let mut ready = vec![item];
        self.take_ready(&mut ready);
        Verdict::Deliver(ready)
    }

    /// Stops waiting: passes on all that is held and remembers the holes.
    pub fn give_up(&mut self) -> Vec<T> {
        let mut ready = Vec::new();
        while let Some((&seq, _)) = self.held.first_key_value() {
            self.skip_to(seq);
            self.take_ready(&mut ready);
        }
        ready
    }

    /// Items waiting for an earlier seq.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.held.len()
    }

    fn take_ready(&mut self, ready: &mut Vec<T>) {
        while let Some(item) = self.held.remove(&self.next) {
            ready.push(item);
            self.next = self.next.saturating_add(1);
        }
    }

    /// Remembers the seqs up to this one as given up.
    fn skip_to(&mut self, seq: i64) {
        let remembered_from = seq.saturating_sub(SKIPPED_MAX);
        if remembered_from > self.next {
            self.known_from = remembered_from;
            self.skipped.clear();
        }
        self.skipped.extend(self.next.max(remembered_from)..seq);
        self.next = seq;
        while i64::try_from(self.skipped.len()).is_ok_and(|count| count > SKIPPED_MAX)
            && let Some(forgotten) = self.skipped.pop_first()
        {
            self.known_from = forgotten + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_early_waits_and_what_is_seen_is_dropped() {
        let mut window = SeqWindow::default();
        assert_eq!(window.offer(7, "7"), Verdict::Deliver(vec!["7"]));
        assert_eq!(window.offer(9, "9"), Verdict::Held);
        assert_eq!(window.offer(9, "9"), Verdict::Duplicate);
        assert_eq!(window.offer(10, "10"), Verdict::Held);
        assert_eq!(window.held_len(), 2);
        assert_eq!(window.offer(7, "7"), Verdict::Duplicate);
        assert_eq!(window.offer(8, "8"), Verdict::Deliver(vec!["8", "9", "10"]));
        assert_eq!(window.offer(8, "8"), Verdict::Duplicate);
        assert_eq!(window.offer(3, "3"), Verdict::Deliver(vec!["3"]), "before the window began");
        assert_eq!((window.held_len(), window.give_up()), (0, vec![]));
    }

    #[test]
    fn what_was_given_up_is_welcome_once() {
        let mut window = SeqWindow::default();
        window.offer(1, 1);
        assert_eq!(window.offer(4, 4), Verdict::Held);
        assert_eq!(window.offer(6, 6), Verdict::Held);
        assert_eq!(window.give_up(), [4, 6]);
        for late in [3, 5, 2] {
            assert_eq!(window.offer(late, late), Verdict::Deliver(vec![late]));
            assert_eq!(window.offer(late, late), Verdict::Duplicate);
        }
        assert_eq!(window.offer(7, 7), Verdict::Deliver(vec![7]));
    }

    #[test]
    fn a_wild_seq_loses_nothing_and_holds_little() {
        let mut window = SeqWindow::default();
        window.offer(1, 1);
        assert_eq!(window.offer(i64::MAX, i64::MAX), Verdict::Held);
        assert_eq!(window.give_up(), [i64::MAX]);
        assert!(window.skipped.len() <= 1024);
        for seq in 2..100 {
            assert_eq!(window.offer(seq, seq), Verdict::Deliver(vec![seq]));
        }
    }

    /// What happens to a window.
    #[derive(Debug, Clone)]
    enum Step {
        Offer(i64),
        GiveUp,
    }

    /// Seqs from `first` on, each at least once, shuffled, some repeated,
    /// the lowest before all others, with give-ups strewn in.
    fn steps(count: i64, give_ups: usize) -> impl Strategy<Value = (i64, i64, Vec<Step>)> {
        (1_i64..1_000_000, 1..=count, 0..=give_ups).prop_flat_map(|(first, count, give_ups)| {
            let seqs = first..first + count;
            let repeats = proptest::collection::vec(seqs.clone(), 0..=20);
            let steps = repeats.prop_map(move |repeats| {
                let offers = seqs.clone().chain(repeats).map(Step::Offer);
                offers.chain(std::iter::repeat_n(Step::GiveUp, give_ups)).collect::<Vec<_>>()
            });
            let shuffled = steps.prop_shuffle().prop_map(move |mut steps| {
                steps.insert(0, Step::Offer(first));
                steps
            });
            (Just(first), Just(count), shuffled)
        })
    }

    /// Everything delivered, in order; the rest is given up at the end.
    fn delivered(steps: &[Step]) -> Vec<i64> {
        let mut window = SeqWindow::default();
        let mut delivered = Vec::new();
        for step in steps {
            match step {
                Step::Offer(seq) => {
                    if let Verdict::Deliver(items) = window.offer(*seq, *seq) {
                        delivered.extend(items);
                    }
                }
                Step::GiveUp => delivered.extend(window.give_up()),
            }
        }
        delivered.extend(window.give_up());
        delivered
    }

    proptest! {
        #[test]
        fn without_giving_up_all_come_once_and_in_order((first, count, steps) in steps(200, 0)) {
            prop_assert_eq!(delivered(&steps), (first..first + count).collect::<Vec<_>>());
        }

        #[test]
        fn with_giving_up_all_come_once((first, count, steps) in steps(200, 8)) {
            let mut delivered = delivered(&steps);
            delivered.sort_unstable();
            prop_assert_eq!(delivered, (first..first + count).collect::<Vec<_>>());
        }

        /// Holes far wider than what is remembered: duplicates at worst.
        #[test]
        fn whatever_is_forgotten_nothing_is_lost(
            seqs in proptest::collection::vec(1_i64..20_000, 1..200),
            give_up_every in 1_usize..20,
        ) {
            let steps: Vec<Step> = seqs
                .chunks(give_up_every)
                .flat_map(|part| part.iter().map(|&seq| Step::Offer(seq)).chain([Step::GiveUp]))
                .collect();
            let mut times: HashMap<i64, usize> = HashMap::new();
            for seq in delivered(&steps) {
                *times.entry(seq).or_default() += 1;
            }
            for seq in &seqs {
                let offered = seqs.iter().filter(|&other| other == seq).count();
                let times = times.get(seq).copied().unwrap_or(0);
                prop_assert!((1..=offered).contains(&times), "{seq} came {times} times of {offered}");
            }
        }
    }
}
