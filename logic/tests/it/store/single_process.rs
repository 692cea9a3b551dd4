//! What only SQLite promises: one process per file, and that it survives it.

use std::sync::Arc;

use oort_logic::store::sqlite::{Settings, SqliteStore};
use oort_logic::store::{Error, Metrics, NewAudit, Range};

use super::fixture::{Fixture, NOW, conversation, id, message, say, unique, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_everything() {
    let fixture = Fixture::sqlite().await;
    let settings = fixture.sqlite_settings();
    let open = || SqliteStore::open(settings, &Metrics::default()).expect("opens");
    let store = open();
    let ada = user(&store, "ada").await;
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let sent = message(group.id, &ada, "id", "text");
    let (first, row) = store.append("node", std::slice::from_ref(&sent), &[], NOW).await.expect("appends");
    let row = row.expect("stored");
    store.outbox_delete(&[row.id]).await.expect("deletes");
    drop(store);

    let store = open();
    let page = store.history(group.id, Range::Newest, 10).await.expect("answers");
    assert_eq!((page.head, page.messages[0].content.as_str()), (1, "text"));
    let (again, _) = store.append("node", &[sent], &[], NOW).await.expect("appends");
    assert_eq!(super::fixture::stored(&first[0]).0, 1);
    assert!(matches!(again[0], oort_logic::store::Appended::Duplicate { .. }), "{again:?}");
    let batch = [message(group.id, &ada, &unique(), "next")];
    let (_, next) = store.append("node", &batch, &[], NOW).await.expect("appends");
    assert!(next.expect("stored").id > row.id, "ids of deleted rows do not come back");
    assert_eq!(store.user(id(&ada)).await.expect("answers"), Some(ada));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_store_on_the_file_is_refused() {
    let fixture = Fixture::sqlite().await;
    let settings = Settings { busy_timeout_ms: 50, ..fixture.sqlite_settings().clone() };
    let store = SqliteStore::open(&settings, &Metrics::default()).expect("opens");
    let refused = SqliteStore::open(&settings, &Metrics::default());
    assert!(
        matches!(&refused, Err(Error::Unavailable(text)) if text.contains("another process")),
        "{refused:?}"
    );
    drop(store);
    SqliteStore::open(&settings, &Metrics::default()).expect("the file is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_takes_no_writes_refuses_and_recovers() {
    let fixture = Fixture::sqlite().await;
    let settings = Settings { busy_timeout_ms: 50, ..fixture.sqlite_settings().clone() };
    let store = SqliteStore::open(&settings, &fixture.metrics).expect("opens");
    let ada = user(&store, "ada").await;
    say(&store, conversation(1), &ada, "before").await;
    // A writer from outside, which the lock beside the file does not keep out.
    let intruder = rusqlite::Connection::open(&settings.path).expect("opens");
    intruder.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let batch = [message(conversation(1), &ada, &unique(), "during")];
    let append = store.append("node", &batch, &[], NOW).await;
    assert!(matches!(append, Err(Error::Unavailable(_))), "{append:?}");
    let check = store.check().await;
    assert!(matches!(check, Err(Error::Unavailable(_))), "{check:?}");
    let page = store.history(conversation(1), Range::Newest, 10).await.expect("reads go on");
    assert_eq!(page.head, 1);
    intruder.execute_batch("ROLLBACK").expect("unlocks");
    assert_eq!(say(&store, conversation(1), &ada, "after").await, 2);
    assert_eq!(fixture.metrics.unavailable.get(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_whose_caller_went_away_is_adopted() {
    let fixture = Fixture::sqlite().await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    store.outbox_renew("node", 60_000).await.expect("renews");
    // Callers give up at many moments; whatever was committed must be published
    // by its caller or by the relay.
    let mut told = 0;
    for round in 0..200_u64 {
        let batch = [message(conversation(1), &ada, &unique(), "x")];
        let call = store.append("node", &batch, &[], NOW);
        let patience = std::time::Duration::from_micros(round * 5);
        if tokio::time::timeout(patience, call).await.is_ok() {
            told += 1;
        }
    }
    // One more write, so that what is under way has ended and is disowned.
    say(&store, conversation(2), &ada, "last").await;
    let adopted = store.outbox_adopt("relay", 1_000).await.expect("adopts");
    let head = store.history(conversation(1), Range::Newest, 1).await.expect("answers").head;
    assert_eq!(i64::try_from(adopted).expect("small") + told, head, "told {told}, adopted {adopted}");
    let shared: Arc<dyn oort_logic::store::Store> = store;
    assert_eq!(shared.outbox("relay", 0, 1_000).await.expect("answers").len() as u64, adopted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_beside_the_server_disturbs_nothing() {
    let fixture = Fixture::sqlite().await;
    let settings = Settings { busy_timeout_ms: 10_000, ..fixture.sqlite_settings().clone() };
    let server = SqliteStore::open(&settings, &Metrics::default()).expect("opens");
    let command = SqliteStore::open_beside(&settings, &Metrics::default()).expect("opens beside it");
    let ada = user(&server, "ada").await;
    let audits = tokio::spawn(async move {
        for number in 0..200 {
            let audit = NewAudit {
                at_ms: NOW,
                actor_id: 0,
                action: "test",
                subject: number.to_string(),
                details: "{}".to_owned(),
            };
            command.add_audit(&audit).await.expect("recorded");
        }
    });
    let mut sent = 0;
    while !audits.is_finished() {
        sent = say(&server, conversation(1), &ada, "text").await;
    }
    audits.await.expect("every audit was taken");
    assert!(sent > 0);
    assert_eq!(server.audit(i64::MAX, 500).await.expect("answers").len(), 200);
}
