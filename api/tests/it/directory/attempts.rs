//! Guesses at a secret are counted once for all who share the directory.

use std::time::Duration;

use oort_api::directory::{Attempt, AttemptKey, AttemptRules, Settled};

use super::Fresh;

const HOUR: Duration = Duration::from_secs(3_600);
const KEY: AttemptKey = AttemptKey([1; 16]);

/// No wait ends while a test runs.
const RULES: AttemptRules = AttemptRules {
    free: 3,
    wait_min: HOUR,
    wait_max: Duration::from_secs(86_400),
    forget_after: HOUR,
    remembered_max: 100,
};

/// Whether it has to be waited for so long, less what the test has taken.
fn is_about(attempt: Attempt, hours: u32) -> bool {
    matches!(attempt, Attempt::Wait(wait) if wait <= HOUR * hours && wait + HOUR / 2 > HOUR * hours)
}

pub(super) async fn attempts_count_wherever_they_are_made(fresh: &impl Fresh) {
    let (here, there) = (fresh.directory(), fresh.elsewhere());
    assert_eq!(here.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(1)));
    assert_eq!(there.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(2)));
    assert_eq!(here.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(3)));
    for directory in [&here, &there] {
        assert!(is_about(directory.attempt(&KEY, &RULES).await.expect("answers"), 1));
        assert_eq!(directory.attempt(&AttemptKey([2; 16]), &RULES).await.map(|_| ()), Ok(()), "another key");
    }
    there.settle(&KEY, Settled::Right).await.expect("settled");
    assert_eq!(here.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(1)), "the right one forgives");
}

pub(super) async fn the_wait_doubles_to_its_longest(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let at_once = AttemptRules { wait_min: Duration::ZERO, ..RULES };
    for (made, hours) in [(5, 4), (6, 8), (60, 24)] {
        directory.settle(&KEY, Settled::Right).await.expect("settled");
        for earlier in 1..made {
            assert_eq!(directory.attempt(&KEY, &at_once).await, Ok(Attempt::Admitted(earlier)));
        }
        assert_eq!(directory.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(made)));
        let refused = directory.attempt(&KEY, &RULES).await.expect("answers");
        assert!(is_about(refused, hours), "{made}: {refused:?}");
    }
}

pub(super) async fn an_attempt_that_was_not_made_is_taken_back(fresh: &impl Fresh) {
    let directory = fresh.directory();
    for _ in 0..10 {
        assert_eq!(directory.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(1)));
        directory.settle(&KEY, Settled::NotMade).await.expect("settled");
    }
    for made in 1..=3 {
        assert_eq!(directory.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(made)));
    }
    directory.settle(&KEY, Settled::NotMade).await.expect("settled");
    assert_eq!(directory.attempt(&KEY, &RULES).await, Ok(Attempt::Admitted(3)));
}

pub(super) async fn attempts_are_forgotten_in_time(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let brief = AttemptRules {
        wait_min: Duration::from_millis(20),
        forget_after: Duration::from_millis(20),
        ..RULES
    };
    for made in 1..=3 {
        // Forgotten earlier on a slow machine.
        assert!(
            matches!(directory.attempt(&KEY, &brief).await, Ok(Attempt::Admitted(count)) if count <= made)
        );
    }
    tokio::time::timeout(super::PATIENCE, async {
        while directory.attempt(&KEY, &brief).await != Ok(Attempt::Admitted(1)) {
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    })
    .await
    .expect("it is forgotten");
}

pub(super) async fn many_at_once_get_no_further_than_one_by_one(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let attempts = (0..50).map(|_| directory.attempt(&KEY, &RULES));
    let answers = futures_util::future::join_all(attempts).await;
    let admitted = answers.iter().filter(|answer| matches!(answer, Ok(Attempt::Admitted(_)))).count();
    assert_eq!(admitted, 3);
}
