//! What is put together of several servers: here the even shards are where the users are, the odd ones elsewhere.

use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::{Details, MessageKind, User};
use oort_logic::store::mysql::{MysqlStore, Settings};
use oort_logic::store::shards::{Shard, ShardedStore, settle};
use oort_logic::store::{
    Appended, Discard, Discarded, Error, Finished, Look, Metrics, NewFile, NewMessage, NewPart, Range,
    SettingsChange, Store,
};

use super::fixture::{Fixture, NOW, id, message, say, stored, unique, user};

/// Groups of these, until there is one at each of both servers: the even one first.
async fn both(store: &Arc<dyn Store>, creator: &User, members: &[UserId]) -> [ConversationId; 2] {
    let mut found = [None; 2];
    for now_ms in NOW.. {
        let (group, row) =
            store.create_group("node", &unique(), creator, members, now_ms).await.expect("creates");
        assert_eq!(row.id % 64, group.id.get() % 2, "the row is where the group is");
        let side = usize::try_from(group.id.get() % 2).expect("0 or 1");
        found[side].get_or_insert(group.id);
        if let [Some(even), Some(odd)] = found {
            return [even, odd];
        }
    }
    unreachable!("there are shards of both kinds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_one_whatever_servers_its_conversations_are_at() {
    let fixture = Fixture::halved().await;
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let groups = both(&store, &ada, &[id(&bob)]).await;
    for (group, count) in groups.into_iter().zip([2, 3]) {
        for _ in 0..count {
            say(&store, group, &ada, "hello").await;
        }
    }
    let pins = SettingsChange {
        user: id(&bob),
        conversation: groups[1],
        is_pinned: Some(true),
        muted_until_ms: None,
        now_ms: NOW + 5_000,
    };
    store.set_for_user("node", &pins).await.expect("pins");
    let hidden = Seq::new(2).expect("positive");
    store.hide("node", id(&bob), groups[0], hidden, NOW).await.expect("hides");

    let entries = store.entries_of(id(&bob), 100).await.expect("answers");
    let ids: Vec<i64> = entries.iter().map(|entry| entry.conversation.id).collect();
    assert!(ids.is_sorted() && ids.starts_with(&[1, 2, 3, 4, 5, 6, 7, 8]), "{ids:?}");
    let pinned = entries.iter().find(|entry| entry.conversation.id == groups[1].get()).expect("is there");
    assert_eq!((pinned.conversation.pinned, pinned.changed_at_ms), (true, NOW + 5_000));
    let few = store.entries_of(id(&bob), 3).await.expect("answers");
    assert_eq!(few.len(), entries.len() - 5, "the three oldest rooms, whichever server they are at");

    let list = store.conversations_of(id(&bob), 3, 1).await.expect("answers");
    assert_eq!(list.iter().map(|one| one.id).collect::<Vec<_>>()[..3], [1, 2, 3]);
    for (group, count) in groups.into_iter().zip([2, 3]) {
        let one = list.iter().find(|one| one.id == group.get()).expect("is there");
        assert_eq!((one.unread, one.latest.len(), one.latest[0].seq), (count, 1, count));
        assert_eq!(one.has_hidden, group == groups[0]);
    }
    let rooms = store.rooms_of(id(&bob), 100).await.expect("answers");
    assert!(rooms.is_sorted() && groups.iter().all(|group| rooms.contains(group)), "{rooms:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_all_servers_comes_in_one_order() {
    let fixture = Fixture::halved().await;
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let [even, odd] = both(&store, &ada, &[id(&bob)]).await;
    for group in [even, odd, even] {
        say(&store, group, &bob, "a needle").await;
    }
    let mut places = vec![(even.get(), 1), (even.get(), 2), (odd.get(), 1)];
    places.sort_unstable();
    let mut seen = Vec::new();
    while let Some(found) =
        store.messages_by(id(&bob), seen.last().copied().unwrap_or((0, 0)), 1).await.expect("answers").pop()
    {
        seen.push((found.conversation, found.seq));
    }
    assert_eq!(seen, places, "a page at a time");
    places.reverse();
    let found = store.messages_at(&places).await.expect("answers");
    assert_eq!(found.iter().map(|one| (one.conversation, one.seq)).collect::<Vec<_>>(), places);

    let (mut after, mut behind) = (0, Vec::new());
    loop {
        let compared = store.compare(after, 3).await.expect("answers");
        behind.extend(compared.behind);
        let Some(last) = compared.last else { break };
        assert!(last.get() > after);
        after = last.get();
    }
    let mut all = vec![even, odd];
    all.sort_unstable();
    assert_eq!(behind, all);
    assert_eq!(store.index(&all, 10).await.expect("indexes").messages, 3);
    let looks = all.iter().map(|group| Look { conversation: group.get(), before_ms: i64::MAX });
    let looks: Vec<Look> = looks.collect();
    let found = store.postings(&["needle".to_owned()], &looks, 10).await.expect("answers");
    let counts: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(counts, if even < odd { [2, 1] } else { [1, 2] }, "each where it was looked for");

    // A batch is written at one server: whoever makes it sees to that.
    let batch = [even, odd].map(|group| message(group, &bob, &unique(), "x"));
    let refused = store.append("node", &batch, &[], NOW).await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(store.history(even, Range::Newest, 10).await.expect("answers").head, 2, "nothing is written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outbox_rows_of_all_servers_are_read_and_deleted_by_their_ids() {
    let fixture = Fixture::halved().await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let groups = both(&store, &ada, &[]).await;
    let mut ids = Vec::new();
    for group in [groups[0], groups[1], groups[1], groups[0]] {
        let sent = [message(group, &ada, &unique(), "x")];
        ids.push(store.append("other", &sent, &[], NOW).await.expect("appends").1.expect("a row").id);
    }
    let of_server = |server: i64| ids.iter().copied().filter(move |id| id % 64 == server).collect::<Vec<_>>();
    assert!([0, 1].iter().all(|&server| of_server(server).len() == 2 && of_server(server).is_sorted()));
    ids.sort_unstable();
    let mut read = Vec::new();
    while let Some(row) =
        store.outbox("other", read.last().copied().unwrap_or(0), 1).await.expect("reads").pop()
    {
        read.push(row.id);
    }
    assert_eq!(read, ids);
    // One with the next transaction, whichever server it is at, the rest by themselves.
    let sent = [message(groups[0], &ada, &unique(), "x")];
    let (_, next) = store.append("third", &sent, &ids[..3], NOW).await.expect("appends");
    store.outbox_delete(&ids[3..]).await.expect("deletes");
    assert!(store.outbox("other", 0, 10).await.expect("reads").is_empty());
    assert!(next.is_some());
    let (rows, _) = store.outbox_backlog(NOW).await.expect("answers");
    assert_eq!(store.outbox_adopt("heir", 100).await.expect("adopts"), rows, "of both");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_and_a_name_are_one_wherever_they_are() {
    let fixture = Fixture::halved().await;
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    let mut sides = [0, 0];
    for round in 0..8 {
        let bob = user(&stores[0], &format!("bob{round}")).await;
        let (there, back) = tokio::join!(
            stores[0].direct("one", &ada, id(&bob), NOW),
            stores[1].direct("two", &bob, id(&ada), NOW)
        );
        let (there, back) = (there.expect("meets").0.id, back.expect("meets").0.id);
        assert_eq!(there, back);
        sides[usize::try_from(there.get() % 2).expect("0 or 1")] += 1;
        let name = format!("Room {round}");
        let made = tokio::join!(
            stores[0].create_room("one", &name, &ada, NOW),
            stores[1].create_room("two", &name, &bob, NOW)
        );
        let taken = [made.0, made.1].into_iter().filter(|made| matches!(made, Err(Error::RoomNameTaken)));
        assert_eq!(taken.count(), 1, "{name}");
    }
    assert!(sides.iter().all(|&count| count > 0), "pairs at both servers: {sides:?}");
    let ids: Vec<ConversationId> = stores[0].rooms_of(id(&ada), 100).await.expect("answers");
    let shards: std::collections::HashSet<Shard> = ids.into_iter().map(Shard::of).collect();
    assert!(shards.len() > 4, "{shards:?}");
}

fn carrying(group: ConversationId, sender: &User, file: oort_api::ids::FileId) -> NewMessage {
    let attachment = format!(r#"{{"fileId":"{file}","name":"a"}}"#);
    let details = Details { kind: MessageKind::File.into(), attachment, ..Details::default() };
    NewMessage { details: Some(Box::new(details)), ..message(group, sender, &unique(), "") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_from_server_to_server_with_who_may_read_it() {
    let fixture = Fixture::halved().await;
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let [even, odd] = both(&store, &ada, &[id(&bob)]).await;
    let [bobs_even, bobs_odd] = both(&store, &bob, &[id(&eve)]).await;
    let new = NewFile {
        owner: id(&ada),
        name: "a".to_owned(),
        size: 10,
        part_bytes: 10,
        digest: None,
        key: None,
        files_max: 10,
        bytes_max: 1_000,
        now_ms: NOW,
        due_ms: NOW,
    };
    let file = store.create_file(&new).await.expect("begins").id;
    let part = NewPart { offset: 0, len: 10, name: 1, due_ms: NOW };
    assert!(store.add_part(file, &part).await.expect("answers"));
    assert!(store.finish_file(file, &Finished::default(), NOW).await.expect("answers"));
    let send = async |group: ConversationId, sender: &User| {
        store.append("node", &[carrying(group, sender, file)], &[], NOW).await.expect("answers").0.remove(0)
    };
    assert_eq!(send(bobs_odd, &eve).await, Appended::NoFile, "whose it is not");
    assert_eq!(send(bobs_even, &bob).await, Appended::NoFile, "nobody has sent it to them");
    for [from, to] in [[odd, bobs_even], [even, bobs_odd]] {
        stored(&send(from, &ada).await);
        assert!(store.may_read_file(file, id(&bob)).await.expect("answers"));
        stored(&send(to, &bob).await);
        assert!(store.may_read_file(file, id(&eve)).await.expect("answers"));
        let wanted = store.discard_file(file, Discard::Owner(id(&ada))).await.expect("answers");
        assert_eq!(wanted, Discarded::Carried);
    }
    assert_eq!(store.discard_file(file, Discard::Owner(id(&bob))).await.expect("answers"), Discarded::No);
}

/// Databases of the tests' server, migrated: what a store over several is made of.
async fn migrated(count: usize) -> (Vec<Fixture>, Vec<Settings>) {
    let fixtures: Vec<Fixture> = (0..count).map(|_| Fixture::mysql_called("oort_settle_")).collect();
    for fixture in &fixtures {
        fixture.migrate().await.expect("migrates");
    }
    let settings = fixtures.iter().map(|fixture| fixture.mysql_settings().clone()).collect();
    (fixtures, settings)
}

async fn refusal(of: impl Future<Output = Result<impl Sized, Error>>) -> String {
    match of.await {
        Err(Error::Schema(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("is taken"),
    }
}

#[tokio::test]
async fn new_servers_become_one_store_in_their_order_for_ever() {
    let (_databases, all) = migrated(4).await;
    let metrics = Metrics::default();
    let (two, three) = (&all[..2], &all[..3]);
    assert!(refusal(ShardedStore::open(two, &metrics)).await.contains("oort migrate"));
    let map = settle(two).await.expect("settles");
    assert_eq!((map.shards_at(0).len(), map.shards_at(1).len()), (8, 8));
    assert_eq!(settle(two).await.expect("again"), map);
    drop(ShardedStore::open(two, &metrics).await.expect("opens"));

    // Neither is taken for a whole store, nor for another place in this one.
    assert!(refusal(MysqlStore::open(&all[0], &metrics)).await.contains("logic.store.shards.urls"));
    assert!(refusal(MysqlStore::open(&all[1], &metrics)).await.contains("server 1"));
    let turned = [all[1].clone(), all[0].clone()];
    assert!(refusal(ShardedStore::open(&turned, &metrics)).await.contains("its first one"));
    let twice = [all[0].clone(), all[1].clone(), all[1].clone()];
    assert!(refusal(settle(&twice)).await.contains("is server 1 of this store"));
    assert!(refusal(settle(&[all[2].clone(), all[1].clone()])).await.contains("another store's"));
    assert!(refusal(ShardedStore::open(&all[..1], &metrics)).await.contains("server 1: name it"));

    // A further one is taken in without shards.
    assert!(refusal(ShardedStore::open(three, &metrics)).await.contains("server 2 is not in this store"));
    assert_eq!(settle(&[all[0].clone(), all[1].clone(), all[3].clone()]).await.expect("settles"), map);
}

#[tokio::test]
async fn a_store_that_has_something_keeps_it_where_it_is() {
    let (databases, all) = migrated(3).await;
    let store = databases[0].open().await;
    let ada = user(&store, "ada").await;
    let (group, row) = store.create_group("node", "g", &ada, &[], NOW).await.expect("creates");
    say(&store, group.id, &ada, "hello").await;
    store.outbox_renew("node", 60_000).await.expect("renews");
    assert!(refusal(settle(&all[..2])).await.contains("stop all nodes"), "a node is at it");
    store.outbox_renew("node", 0).await.expect("ends");
    let map = settle(&all[..2]).await.expect("settles");
    assert_eq!(map.shards_at(0).len(), 16);
    let whole = ShardedStore::open(&all[..2], &Metrics::default()).await.expect("opens");
    assert_eq!(whole.history(group.id, Range::Newest, 10).await.expect("answers").head, 1);
    let rows = whole.outbox("node", 0, 10).await.expect("reads");
    assert_eq!(rows.first().map(|found| found.id), Some(row.id * 64), "what is not yet published is as well");

    user(&databases[2].open().await, "eve").await;
    let taken = [all[0].clone(), all[1].clone(), all[2].clone()];
    assert!(refusal(settle(&taken)).await.contains("has data of its own"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_did_not_copy_is_copied_by_another() {
    use mysql_async::prelude::Queryable;
    let fixture = Fixture::sharded().await;
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let direct = store.direct("node", &ada, id(&bob), NOW).await.expect("meets").0.id;
    stored(&store.append("node", &[message(direct, &ada, "1", "x")], &[], NOW).await.expect("appends").0[0]);
    // Bob blocks Ada and Ada is muted, at home alone: what is left of nodes that died right then.
    let mut home = fixture.home_connection().await;
    for sql in [
        format!(
            "INSERT INTO contacts (user_id, peer_id, state, blocked, remark, message, changed_at_ms, expires_at_ms)
             VALUES ({}, {}, 0, 1, '', '', 1, 0)",
            bob.id, ada.id
        ),
        format!("INSERT INTO copies_due (id, one, other, at_ms) VALUES (7, {}, {}, 0)", bob.id, ada.id),
    ] {
        home.query_drop(sql).await.expect("writes");
    }
    stored(&store.append("node", &[message(direct, &ada, "2", "x")], &[], NOW).await.expect("appends").0[0]);
    let home_of = Arc::clone(&store).outboxes();
    home_of[0].outbox_adopt("node", 10).await.expect("adopts");
    let refused =
        store.append("node", &[message(direct, &ada, "3", "x")], &[], NOW).await.expect("answers").0;
    assert_eq!(refused, [Appended::Blocked]);

    let until =
        "INSERT INTO sanctions (kind, user_id, until_ms, reason, actor_id, at_ms) VALUES (2, ?, 0, '', 1, 1)";
    home.exec_drop(until, (bob.id,)).await.expect("writes");
    home.exec_drop("INSERT INTO copies_due (id, one, other, at_ms) VALUES (8, ?, 0, 0)", (bob.id,))
        .await
        .expect("writes");
    home_of[1].outbox_adopt("node", 10).await.expect("adopts");
    stored(&store.append("node", &[message(direct, &bob, "4", "x")], &[], NOW).await.expect("appends").0[0]);
    home_of[0].outbox_adopt("node", 10).await.expect("adopts");
    let refused =
        store.append("node", &[message(direct, &bob, "5", "x")], &[], NOW).await.expect("answers").0;
    assert!(matches!(refused[..], [Appended::Silenced(_) | Appended::Muted(_)]), "{refused:?}");
    let left: Option<i64> = home.query_first("SELECT COUNT(*) FROM copies_due").await.expect("answers");
    assert_eq!(left, Some(0), "each once");
    home.disconnect().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_asked_for_before_they_were_there_is_known_afterwards() {
    let fixture = Fixture::sharded().await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let next = UserId::new(ada.id + 1).expect("positive");
    let missing = store.direct("node", &ada, next, NOW).await;
    assert!(matches!(missing, Err(Error::NoUser(_))), "{missing:?}");
    let bob = user(&store, "bob").await;
    assert_eq!(id(&bob), next);
    store.direct("node", &ada, next, NOW).await.expect("meets");
    let rooms = store.rooms_of(next, 100).await.expect("answers");
    assert!(rooms.len() >= 8, "{rooms:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sends_a_file_that_is_about_to_be_discarded() {
    use mysql_async::prelude::Queryable;
    let fixture = Fixture::sharded().await;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (group, _) = store.create_group("node", "g", &ada, &[], NOW).await.expect("creates");
    let new = NewFile {
        owner: id(&ada),
        name: "a".to_owned(),
        size: 10,
        part_bytes: 10,
        digest: None,
        key: None,
        files_max: 10,
        bytes_max: 1_000,
        now_ms: NOW,
        due_ms: NOW,
    };
    let file = store.create_file(&new).await.expect("begins").id;
    let part = NewPart { offset: 0, len: 10, name: 1, due_ms: NOW };
    assert!(store.add_part(file, &part).await.expect("answers"));
    assert!(store.finish_file(file, &Finished::default(), NOW).await.expect("answers"));
    let send = async || {
        let batch = [message(group.id, &ada, &unique(), "text"), carrying(group.id, &ada, file)];
        store.append("node", &batch, &[], NOW).await.expect("answers").0
    };
    // Somebody looks at other servers whether it is carried there.
    let mut home = fixture.home_connection().await;
    let intended = "INSERT INTO file_holds (file_id, token, until_ms) VALUES (?, -7, ?)";
    home.exec_drop(intended, (file.get(), NOW + 1)).await.expect("writes");
    let sent = send().await;
    assert!(matches!(sent[..], [Appended::Stored { .. }, Appended::NoFile]), "{sent:?}");
    home.query_drop("DELETE FROM file_holds WHERE token = -7").await.expect("takes it back");
    let sent = send().await;
    assert_eq!(sent.iter().map(stored).map(|(seq, _)| seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(store.discard_file(file, Discard::Due(NOW)).await.expect("answers"), Discarded::Carried);
    let left: Option<i64> = home.query_first("SELECT COUNT(*) FROM file_holds").await.expect("answers");
    assert_eq!(left, Some(0), "what was held and intended is not any more");
    home.disconnect().await.expect("closes");
}
