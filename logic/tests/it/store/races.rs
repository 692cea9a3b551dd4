//! Several nodes on one database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use oort_logic::store::metrics::{Cause, Retry};
use oort_logic::store::{Appended, Range, Store};
use tokio::task::JoinSet;

use super::fixture::{
    Changes, Fixture, NOW, conversation, id, message, pushed_message, records, unique, user,
};

const ROOMS: i64 = 5;

pub(crate) async fn twenty_senders_on_two_nodes_lose_nothing(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    let mut senders = JoinSet::new();
    for sender in 0..20_usize {
        let (store, ada) = (Arc::clone(&stores[sender % 2]), ada.clone());
        senders.spawn(async move {
            // Each its own owner: so the transactions of a node overlap, too.
            let owner = format!("node {sender}");
            let mut published: Vec<i64> = Vec::new();
            let mut mine = Vec::new();
            for round in 0..10_usize {
                // In an order of conversations that differs from sender to sender.
                let batch: Vec<_> = (0..10_i64)
                    .map(|index| 1 + (index * 3 + i64::try_from(sender + round).expect("small")) % ROOMS)
                    .map(|room| message(conversation(room), &ada, &unique(), "x"))
                    .collect();
                let (outcomes, row) = store.append(&owner, &batch, &published, NOW).await.expect("appends");
                let row = row.expect("stored");
                published = vec![row.id];
                let pushed = records(&row).into_iter().map(|(_, push)| pushed_message(&push));
                for ((sent, outcome), pushed) in batch.iter().zip(&outcomes).zip(pushed) {
                    let Appended::Stored { seq, created_at_ms } = outcome else { panic!("{outcome:?}") };
                    assert_eq!((pushed.seq, pushed.created_at_ms), (seq.get(), *created_at_ms));
                    mine.push((sent.conversation.get(), seq.get(), sent.client_msg_id.clone()));
                }
            }
            store.outbox_delete(&published).await.expect("deletes");
            mine
        });
    }
    let accepted: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    assert_eq!(accepted.len(), 2_000);
    let by_place: HashMap<(i64, i64), String> =
        accepted.into_iter().map(|(room, seq, id)| ((room, seq), id)).collect();
    assert_eq!(by_place.len(), 2_000, "no place was given twice");
    for room in 1..=ROOMS {
        let page = stores[1].history(conversation(room), Range::After(0), 1_000).await.expect("answers");
        assert_eq!(page.head, 400);
        for (message, seq) in page.messages.iter().zip(1..) {
            assert_eq!(message.seq, seq, "dense");
            assert_eq!(by_place.get(&(room, seq)), Some(&message.client_msg_id), "where it was answered");
        }
        assert_eq!(page.messages.len(), 400);
        assert!(page.messages.windows(2).all(|pair| pair[0].created_at_ms < pair[1].created_at_ms));
    }
    assert_eq!(stores[0].outbox_backlog(NOW).await.expect("answers").0, 0);
}

pub(crate) async fn the_same_message_sent_on_two_nodes_is_stored_once(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    for round in 0..20_i64 {
        // Even rounds: one conversation. Odd rounds: two, so that only the
        // unique key sees the race.
        let rooms = [1, 1 + round % 2];
        let name = unique();
        let mut sends = JoinSet::new();
        for (node, room) in rooms.into_iter().enumerate() {
            let store = Arc::clone(&stores[node]);
            let batch = [message(conversation(room), &ada, &name, "x")];
            sends.spawn(async move {
                let (outcomes, row) =
                    store.append(&format!("node {node}"), &batch, &[], NOW).await.expect("appends");
                (outcomes[0].clone(), row.is_some())
            });
        }
        let answers = sends.join_all().await;
        let stored = answers.iter().filter(|(outcome, _)| matches!(outcome, Appended::Stored { .. })).count();
        assert_eq!(stored, 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(_, row)| *row).count(), 1, "published once");
        let conflict = answers.iter().any(|(outcome, _)| *outcome == Appended::Conflict);
        assert_eq!(conflict, rooms[0] != rooms[1], "{answers:?}");
    }
}

pub(crate) async fn crossing_identities_deadlock_and_are_retried(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    for _ in 0..20 {
        // The same identities into two conversations, in opposite orders: the
        // heads do not meet, the unique keys do.
        let names: Vec<String> = (0..100).map(|_| unique()).collect();
        let forth: Vec<_> = names.iter().map(|name| message(conversation(1), &ada, name, "x")).collect();
        let back: Vec<_> = names.iter().rev().map(|name| message(conversation(2), &ada, name, "x")).collect();
        let (one, two) = tokio::join!(
            stores[0].append("node 0", &forth, &[], NOW),
            stores[1].append("node 1", &back, &[], NOW),
        );
        let outcomes = [one.expect("appends").0, two.expect("appends").0].concat();
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, Appended::Stored { .. })).count();
        let refused = outcomes.iter().filter(|outcome| **outcome == Appended::Conflict).count();
        assert_eq!((stored, refused), (100, 100));
    }
    let heads: i64 =
        stores[0].conversations_of(id(&ada), 2, 0).await.expect("answers").iter().map(|c| c.head).sum();
    assert_eq!(heads, 2_000);
    if fixture.is_mysql() {
        let causes = [Cause::Deadlock, Cause::UniqueRace];
        let retries: u64 =
            causes.iter().map(|&cause| fixture.metrics.retries.get_or_create(&Retry { cause }).get()).sum();
        assert!(retries > 0, "no race in twenty rounds");
    }
}

pub(crate) async fn membership_races_with_sends(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob) = (user(&stores[0], "ada").await, user(&stores[0], "bob").await);
    let (group, _) = stores[0].create_group("node 0", "Team", &ada, &[], NOW).await.expect("creates");
    let (sending, changing): (Arc<dyn Store>, Arc<dyn Store>) =
        (Arc::clone(&stores[0]), Arc::clone(&stores[1]));
    let actor = ada.clone();
    let changes = tokio::spawn(async move {
        let mut system = HashSet::new();
        for _ in 0..15 {
            let member = id(&bob);
            let added = changing.add_members("node 1", group.id, &actor, &[member], NOW).await.expect("adds");
            let removed =
                changing.remove_member("node 1", group.id, &actor, member, NOW).await.expect("removes");
            for row in [added, removed].into_iter().flatten() {
                system.insert(records(&row)[1].1.seq);
            }
        }
        system
    });
    let mut seqs = HashSet::new();
    for _ in 0..30 {
        let batch = [message(group.id, &ada, &unique(), "x")];
        let (outcomes, _) = sending.append("node 0", &batch, &[], NOW).await.expect("appends");
        seqs.insert(super::fixture::stored(&outcomes[0]).0);
    }
    let system = changes.await.expect("ends");
    assert_eq!((seqs.len(), system.len()), (30, 30));
    let all: HashSet<i64> = seqs.union(&system).copied().collect();
    assert_eq!(all, (1..=60).collect(), "one dense line of both");
}
