//! Migrations.

use oort_logic::store::Error;
use tokio::task::JoinSet;

use super::fixture::{Fixture, user};

pub(crate) async fn a_second_run_does_nothing(fixture: Fixture) {
    let empty = fixture.empty();
    let before = empty.plan().await.expect("plans");
    assert_eq!((before.version, before.pending.first().map(String::as_str)), (0, Some("0001_initial")));
    let first = empty.migrate().await.expect("migrates");
    assert_eq!(first.applied, before.pending);
    let store = empty.open().await;
    user(&store, "ada").await;
    let second = empty.migrate().await.expect("runs beside an open store when there is nothing to do");
    assert_eq!((second.applied.len(), second.version), (0, first.version));
    assert!(empty.plan().await.expect("plans").pending.is_empty());
    assert!(store.credentials_by_name("ada").await.expect("answers").is_some());
}

pub(crate) async fn concurrent_runs_apply_once(fixture: Fixture) {
    let empty = std::sync::Arc::new(fixture.empty());
    let pending = empty.plan().await.expect("plans").pending.len();
    let mut runs = JoinSet::new();
    for _ in 0..6 {
        let empty = std::sync::Arc::clone(&empty);
        runs.spawn(async move { empty.migrate().await.expect("migrates").applied.len() });
    }
    assert_eq!(runs.join_all().await.iter().sum::<usize>(), pending);
    empty.open().await.check().await.expect("works");
}

pub(crate) async fn a_changed_file_is_refused(fixture: Fixture) {
    fixture.execute("UPDATE schema_migrations SET checksum = 'ff' WHERE version = 1").await;
    for refused in [
        fixture.migrate().await.map(drop),
        fixture.plan().await.map(drop),
        fixture.try_open().await.map(drop),
    ] {
        assert!(matches!(&refused, Err(Error::Schema(text)) if text.contains("differs")), "{refused:?}");
    }
}

pub(crate) async fn a_newer_database_is_refused(fixture: Fixture) {
    fixture
        .execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at_ms) VALUES (999, 'later', 'x', 0)",
        )
        .await;
    for refused in [fixture.migrate().await.map(drop), fixture.try_open().await.map(drop)] {
        assert!(
            matches!(&refused, Err(Error::Schema(text)) if text.contains("newer release")),
            "{refused:?}"
        );
    }
}

pub(crate) async fn an_old_schema_is_not_opened(fixture: Fixture) {
    let empty = fixture.empty();
    let refused = empty.try_open().await.map(drop);
    assert!(matches!(&refused, Err(Error::Schema(text)) if text.contains("oort migrate")), "{refused:?}");
}
