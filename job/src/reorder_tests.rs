use proptest::prelude::*;

use super::*;

const WAIT: Duration = Duration::from_millis(300);
const START_WAIT: Duration = Duration::from_millis(100);

fn reorder() -> Reorder<&'static str> {
    Reorder::new(Bounds { wait: WAIT, start_wait: START_WAIT, held_max: 100, conversations_max: 100 })
}

fn offer<T>(conversation: i64, seq: i64, item: T) -> Offer<T> {
    Offer { conversation, seq, item }
}

#[test]
fn racing_writers_come_out_in_order() {
    let mut reorder = reorder();
    let now = Instant::now();
    assert_eq!(reorder.offer(vec![offer(1, 1, "1")], now).ready, ["1"]);
    let early = reorder.offer(vec![offer(1, 3, "3"), offer(2, 109, "other")], now);
    assert_eq!((early.ready, early.held, reorder.held_len()), (vec!["other"], 1, 1));
    assert_eq!(reorder.offer(vec![offer(1, 2, "2")], now).ready, ["2", "3"]);
    assert_eq!((reorder.held_len(), reorder.deadline()), (0, None));
}

#[test]
fn a_window_starts_with_the_lowest_seq_of_its_first_poll() {
    let mut reorder = reorder();
    let offers = vec![offer(1, 0, "event"), offer(1, 103, "3"), offer(2, 105, "other"), offer(1, 102, "2")];
    assert_eq!(reorder.offer(offers, Instant::now()).ready, ["other", "2", "event", "3"]);
}

#[test]
fn the_first_messages_of_a_conversation_wait_for_the_very_first() {
    let mut reorder = reorder();
    let now = Instant::now();
    assert!(reorder.offer(vec![offer(1, 2, "2"), offer(1, 3, "3")], now).ready.is_empty());
    assert_eq!(reorder.offer(vec![offer(1, 1, "1")], now).ready, ["1", "2", "3"]);
    // One that had begun long before this job waits once, then goes on.
    assert!(reorder.offer(vec![offer(2, 7, "7")], now).ready.is_empty());
    assert_eq!(reorder.expire(now + START_WAIT).ready, ["7"]);
    assert_eq!(reorder.offer(vec![offer(2, 8, "8")], now).ready, ["8"]);
    // Begun, it is certain that 2 is missing: the longer wait.
    reorder.offer(vec![offer(3, 3, "3")], now);
    assert_eq!(reorder.offer(vec![offer(3, 1, "1")], now).ready, ["1"]);
    assert_eq!(reorder.deadline(), Some(now + WAIT));
}

#[test]
fn a_repeat_is_dropped_whether_passed_on_or_waiting() {
    let mut reorder = reorder();
    let offers = vec![offer(1, 1, "1"), offer(1, 1, "again"), offer(1, 3, "3"), offer(1, 3, "also again")];
    let released = reorder.offer(offers, Instant::now());
    assert_eq!((released.ready, released.duplicates), (vec!["1"], vec!["again", "also again"]));
    assert_eq!(reorder.offer(vec![offer(1, 2, "2")], Instant::now()).ready, ["2", "3"]);
}

#[test]
fn what_waited_long_enough_goes_on_and_the_late_one_follows() {
    let mut reorder = reorder();
    let now = Instant::now();
    reorder.offer(vec![offer(1, 1, "1"), offer(1, 3, "3"), offer(1, 5, "5")], now);
    assert_eq!(reorder.deadline(), Some(now + WAIT));
    assert!(reorder.expire(now + WAIT / 2).ready.is_empty());
    let released = reorder.expire(now + WAIT);
    assert_eq!((released.ready, released.give_ups), (vec!["3", "5"], 1));
    assert_eq!(reorder.offer(vec![offer(1, 4, "4")], now).ready, ["4"]);
    assert_eq!(reorder.offer(vec![offer(1, 4, "4")], now).duplicates, ["4"]);
}

#[test]
fn an_event_keeps_its_place_behind_what_waits() {
    let mut reorder = reorder();
    let now = Instant::now();
    let offers =
        vec![offer(1, 1, "1"), offer(1, 3, "3"), offer(1, 0, "join"), offer(1, 4, "4"), offer(1, 6, "6")];
    assert_eq!(reorder.offer(offers, now).ready, ["1"]);
    assert_eq!(reorder.held_len(), 4);
    let released = reorder.offer(vec![offer(1, 0, "leave"), offer(1, 2, "2")], now);
    assert_eq!(released.ready, ["2", "3", "join", "4"]);
    assert_eq!(reorder.offer(vec![offer(1, 5, "5")], now).ready, ["5", "6", "leave"]);
    assert_eq!(reorder.held_len(), 0);
}

#[test]
fn beyond_the_bound_the_one_that_waited_longest_goes_on() {
    let mut reorder =
        Reorder::new(Bounds { wait: WAIT, start_wait: START_WAIT, held_max: 1, conversations_max: 100 });
    let now = Instant::now();
    reorder.offer(vec![offer(1, 1, "a1"), offer(2, 1, "b1"), offer(1, 3, "a3")], now);
    let released = reorder.offer(vec![offer(2, 3, "b3")], now + WAIT / 3);
    assert_eq!((released.ready, released.give_ups), (vec!["a3"], 1));
    assert_eq!(reorder.deadline(), Some(now + WAIT / 3 + WAIT));
}

#[test]
fn conversations_are_forgotten_but_none_that_waits() {
    let mut reorder =
        Reorder::new(Bounds { wait: WAIT, start_wait: START_WAIT, held_max: 100, conversations_max: 10 });
    let now = Instant::now();
    reorder.offer(vec![offer(1, 1, 1), offer(1, 3, 3)], now);
    for conversation in 2..1000 {
        reorder.offer(vec![offer(conversation, 1, 0)], now);
        assert!(reorder.recent.len() + reorder.older.len() <= 11);
    }
    assert_eq!(reorder.offer(vec![offer(1, 2, 2)], now).ready, [2, 3]);
}

proptest! {
    /// Two writers, each in order, merged in any way, with repeats, in polls
    /// of any size: each message comes out once and in order, as none has to
    /// wait too long. Events stay behind the messages before them.
    #[test]
    fn every_merge_of_two_writers_is_put_in_order(
        picks in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..60),
        owner in prop::collection::vec(any::<bool>(), 60),
        poll_len in 1_usize..8,
    ) {
        let mut writers = [Vec::new(), Vec::new()];
        for (seq, owner) in (2..=i64::try_from(picks.len()).expect("small")).zip(owner) {
            writers[usize::from(owner)].push(seq);
        }
        let mut offers = vec![offer(1, 1, 1_i64)];
        let mut writers = writers.map(|seqs| seqs.into_iter().peekable());
        let mut last = None;
        for (which, is_repeat, is_event) in picks.iter().copied().chain(std::iter::repeat_n((true, false, false), 60)
            .chain(std::iter::repeat_n((false, false, false), 60))) {
            if let Some(seq) = last.filter(|_| is_repeat) { offers.push(offer(1, seq, seq)); }
            if let Some(seq) = writers[usize::from(which)].next() {
                offers.push(offer(1, seq, seq));
                last = Some(seq);
            }
            if is_event { offers.push(offer(1, 0, -offers.last().map_or(0, |last| last.item.abs()))); }
        }
        let total = offers.len();
        let mut reorder = Reorder::new(Bounds { wait: WAIT, start_wait: START_WAIT, held_max: 100, conversations_max: 4 });
        let (mut ready, mut duplicates) = (Vec::new(), 0);
        let now = Instant::now();
        let mut offers = offers.into_iter().peekable();
        while offers.peek().is_some() {
            let released = reorder.offer(offers.by_ref().take(poll_len).collect(), now);
            ready.extend(released.ready);
            duplicates += released.duplicates.len();
        }
        prop_assert_eq!(ready.len() + duplicates, total);
        prop_assert_eq!(reorder.held_len(), 0);
        let mut passed = 0;
        for item in ready {
            if item > 0 {
                prop_assert_eq!(item, passed + 1);
                passed = item;
            } else {
                prop_assert!(-item <= passed, "event behind {} came after {}", -item, passed);
            }
        }
        prop_assert_eq!(usize::try_from(passed), Ok(picks.len()));
    }
}
