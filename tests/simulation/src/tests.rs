//! Runs of many seeds, of those that once found something, and of planted bugs.

use std::thread;

use oort_api::planted::Bug;
use oort_ledger::Promise;

use crate::run::{Outcome, run};

/// Seeds of one `make test`.
const SEEDS: u64 = 120;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The first seed that finds something, several at a time.
fn first(seeds: impl Iterator<Item = u64>, bug: Option<Bug>) -> Option<Outcome> {
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let mut seeds = seeds.peekable();
    while seeds.peek().is_some() {
        let some: Vec<u64> = seeds.by_ref().take(at_once).collect();
        let outcomes: Vec<Outcome> = thread::scope(|scope| {
            let runs: Vec<_> = some.into_iter().map(|seed| scope.spawn(move || run(seed, bug))).collect();
            runs.into_iter().map(|run| run.join().expect("a run")).collect()
        });
        if let Some(found) = outcomes.into_iter().find(|outcome| !outcome.broken.is_empty()) {
            return Some(found);
        }
    }
    None
}

#[test]
fn a_seed_is_one_run() {
    for seed in 1..=5 {
        let [one, other] =
            [run(seed, None), run(seed, None)].map(|outcome| serde_json::to_string(&outcome.lines));
        assert_eq!(one.expect("JSON"), other.expect("JSON"), "seed {seed}");
    }
}

#[test]
fn nothing_is_lost() {
    let seeds = match number("OORT_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("OORT_SIM_SEEDS").unwrap_or(SEEDS),
    };
    if let Some(outcome) = first(seeds, None) {
        if let Ok(file) = std::env::var("OORT_SIM_LEDGER") {
            let lines = outcome.lines.iter().map(|line| serde_json::to_string(line).expect("JSON") + "\n");
            std::fs::write(file, lines.collect::<String>()).expect("a file");
        }
        panic!(
            "replay: OORT_SIM_SEED={} cargo test -p oort-simulation --all-features nothing_is_lost\n{}",
            outcome.seed,
            outcome.story()
        );
    }
}

#[track_caller]
fn is_found(bug: Bug, seeds_max: u64, promises: &[Promise]) {
    let outcome = first(1..=number("OORT_SIM_SEEDS").unwrap_or(seeds_max), Some(bug))
        .unwrap_or_else(|| panic!("no seed finds {bug:?}"));
    let broken: Vec<Promise> = outcome.broken.iter().map(|violation| violation.promise).collect();
    let story = outcome.story();
    assert!(
        broken.iter().all(|promise| promises.contains(promise)),
        "seed {}: {broken:?}\n{story}",
        outcome.seed
    );
    println!("{bug:?} is found by seed {}: {story}", outcome.seed);
}

#[test]
fn an_offset_stored_before_the_ack_is_found() {
    is_found(Bug::OffsetBeforeAck, SEEDS, &[Promise::SeenByAll]);
}

#[test]
fn a_place_given_out_outside_the_transaction_is_found() {
    is_found(
        Bug::SeqOutsideTransaction,
        SEEDS,
        &[Promise::Dense, Promise::SeenByAll, Promise::PagesAreWhole],
    );
}

#[test]
fn a_disconnect_that_compares_nothing_is_found() {
    is_found(Bug::DisconnectWithoutVersion, SEEDS, &[Promise::SeenByAll]);
}

#[test]
fn a_row_published_before_the_bus_answered_is_found() {
    is_found(Bug::PublishedBeforeAnswer, SEEDS, &[Promise::SeenByAll]);
}

#[test]
fn heads_read_before_rooms_are_entered_is_found() {
    is_found(Bug::HeadsBeforeRooms, SEEDS, &[Promise::SeenByAll]);
}

#[test]
fn a_session_before_the_lease_is_found() {
    is_found(Bug::SessionsBeforeLease, 10 * SEEDS, &[Promise::SeenByAll]);
}
