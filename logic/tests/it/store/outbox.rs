//! Rows to publish, and whose they are.

use std::collections::HashSet;

use super::fixture::{Fixture, NOW, conversation, message, unique, user};

pub(crate) async fn rows_of_an_owner_are_read_in_order(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    assert_eq!(store.outbox_backlog(NOW).await.expect("answers"), (0, 0));
    let mut rows = Vec::new();
    for owner in ["one", "two", "one", "one"] {
        let batch = [message(conversation(1), &ada, &unique(), owner)];
        let (_, row) = store.append(owner, &batch, &[], NOW).await.expect("appends");
        rows.push(row.expect("stored"));
    }
    let (_, room) = store.create_room("one", "Room", &ada, NOW + 5).await.expect("creates");
    let own = [rows[0].clone(), rows[2].clone(), rows[3].clone(), room.clone()];
    assert_eq!(store.outbox("one", 0, 10).await.expect("answers"), own);
    assert_eq!(store.outbox("one", rows[0].id, 2).await.expect("answers"), own[1..3]);
    assert!(store.outbox("one", room.id, 10).await.expect("answers").is_empty());
    assert_eq!(store.outbox_backlog(NOW + 100).await.expect("answers"), (5, 100));

    store.outbox_delete(&[rows[0].id, rows[3].id, 12_345]).await.expect("deletes");
    store.outbox_delete(&[]).await.expect("nothing to delete");
    assert_eq!(store.outbox("one", 0, 10).await.expect("answers"), [rows[2].clone(), room]);
    assert_eq!(store.outbox_backlog(NOW).await.expect("answers").0, 3);
}

pub(crate) async fn rows_of_the_dead_are_adopted_once(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let mut lost = HashSet::new();
    for index in 0..60 {
        let owner = ["dead 1", "dead 2", "dead 3"][index % 3];
        let batch = [message(conversation(1), &ada, &unique(), "x")];
        let (_, row) = store.append(owner, &batch, &[], NOW).await.expect("appends");
        lost.insert(row.expect("stored").payload);
    }
    let batch = [message(conversation(1), &ada, &unique(), "x")];
    let (_, own) = store.append("alive 0", &batch, &[], NOW).await.expect("appends");
    let own = own.expect("stored");

    let mut nodes = tokio::task::JoinSet::new();
    for node in 0..4 {
        let store = fixture.open().await;
        nodes.spawn(async move {
            let owner = format!("alive {node}");
            store.outbox_renew(&owner, 60_000).await.expect("renews");
            // Whom a node does not see locked rows of, it comes back to.
            let mut adopted = 0;
            while store.outbox_backlog(NOW).await.expect("answers").0 > 0 {
                let got = store.outbox_adopt(&owner, 7).await.expect("adopts");
                assert!(got <= 7);
                if got == 0 {
                    break;
                }
                adopted += got;
            }
            adopted
        });
    }
    let adopted: u64 = nodes.join_all().await.iter().sum();
    // The last rows may have been locked while others looked.
    let late = store.outbox_adopt("alive 0", 100).await.expect("adopts");
    assert_eq!(adopted + late, 60);
    let mut found = Vec::new();
    for node in 0..4 {
        let rows = store.outbox(&format!("alive {node}"), own.id, 100).await.expect("answers");
        assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id));
        found.extend(rows.into_iter().map(|row| row.payload));
    }
    assert_eq!(found.len(), 60, "a reader past its own last id finds them");
    assert_eq!(found.into_iter().collect::<HashSet<_>>(), lost);
    assert_eq!(store.outbox("alive 0", 0, 1).await.expect("answers"), [own], "its own stays");
}

pub(crate) async fn a_lease_keeps_rows(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    store.outbox_renew("one", 60_000).await.expect("renews");
    let batch = [message(conversation(1), &ada, &unique(), "x")];
    store.append("one", &batch, &[], NOW).await.expect("appends");
    assert_eq!(store.outbox_adopt("two", 10).await.expect("adopts"), 0, "the lease runs");
    assert_eq!(store.outbox_adopt("one", 10).await.expect("adopts"), 0, "its own");
    store.outbox_renew("one", 0).await.expect("renews");
    assert_eq!(store.outbox_adopt("two", 10).await.expect("adopts"), 1, "the lease is over");
    assert_eq!(store.outbox("two", 0, 10).await.expect("answers").len(), 1);
    assert!(store.outbox("one", 0, 10).await.expect("answers").is_empty());
    store.check().await.expect("takes writes");
}
