//! The index of words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq};
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::User;
use oort_logic::search::words::{Query, words};
use oort_logic::search::{Ask, Config, Metrics, Place, Searches};
use oort_logic::store::{Alteration, ChangeBounds, Changed, Erased, Look, NewChange, Searched, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::fixture::{
    Changes as _, Fixture, NOW, conversation, erase, id, message, say, stored, unique, user,
};

const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: i64::MAX, recall_within_ms: i64::MAX, reaction_kinds_max: 9 };

/// Takes in all that there is; answers how many messages that were.
async fn index_all(store: &Arc<dyn Store>) -> u32 {
    let (mut after, mut messages) = (0, 0);
    loop {
        let compared = store.compare(after, 7).await.expect("compares");
        let mut ids = compared.behind;
        while !ids.is_empty() {
            let indexed = store.index(&ids, 5).await.expect("indexes");
            messages += indexed.messages;
            ids = indexed.unfinished;
        }
        let Some(last) = compared.last else { return messages };
        after = last.get();
    }
}

/// The messages of a conversation that have all these words, by seq.
async fn having(store: &Arc<dyn Store>, place: ConversationId, words: &[&str]) -> Vec<i64> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let look = Look { conversation: place.get(), before_ms: i64::MAX };
    let found = store.postings(&words, &[look], 100).await.expect("answers").remove(0);
    let mut seqs: Vec<i64> =
        found.iter().filter(|posting| posting.has_all).map(|posting| posting.seq).collect();
    assert!(found.is_sorted_by(|a, b| a.at_ms > b.at_ms), "newest first: {found:?}");
    seqs.reverse();
    seqs
}

async fn alter(store: &Arc<dyn Store>, place: ConversationId, seq: i64, actor: &User, to: Alteration) {
    let seq = Seq::new(seq).expect("positive");
    let change = NewChange { conversation: place, seq, actor: actor.clone(), alteration: to };
    let (changed, _) =
        oort_logic::store::Changes::change(&**store, "node", &change, &BOUNDS, NOW).await.expect("answers");
    assert!(matches!(changed, Changed::Stands(_)), "{changed:?}");
}

fn edit(text: &str) -> Alteration {
    Alteration::Edit(text.to_owned())
}

pub(crate) async fn words_are_taken_in_once_from_where_it_stopped(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (one, other) = (conversation(1), conversation(2));
    for text in ["Hello world", "hello 我们在家", "other"] {
        say(&store, one, &ada, text).await;
    }
    say(&store, other, &ada, "hello").await;
    let first = store.compare(0, 3).await.expect("compares");
    assert_eq!((first.behind.clone(), first.last), (vec![one, other], Some(conversation(3))));
    assert_eq!(store.compare(3, 100).await.expect("compares"), oort_logic::store::Compared::default());
    let indexed = store.index(&[one, other], 4).await.expect("indexes");
    assert_eq!((indexed.messages, indexed.unfinished), (3, vec![one]), "two of each at most");
    assert_eq!(having(&store, one, &["hello"]).await, [1, 2]);
    assert_eq!(having(&store, other, &["hello"]).await, [1]);
    assert_eq!(having(&store, one, &["other"]).await, [0_i64; 0]);
    let indexed = store.index(&[one], 4).await.expect("indexes");
    assert_eq!((indexed.messages, indexed.unfinished.len()), (1, 0));
    assert_eq!(store.index(&[one, other], 4).await.expect("indexes").messages, 0);
    assert_eq!(having(&store, one, &["other"]).await, [3]);
    assert_eq!(having(&store, one, &["我们", "hello"]).await, [2]);
    assert_eq!(having(&store, one, &["家"]).await, [2]);
    assert_eq!(having(&store, one, &["world", "我们"]).await, [0_i64; 0]);
    // What is asked for has an end, on both sides.
    let words = ["hello".to_owned()];
    let newest = Look { conversation: 1, before_ms: i64::MAX };
    let found = store.postings(&words, &[newest, newest], 1).await.expect("answers");
    assert_eq!((found[0].len(), found[0][0].seq, found.len()), (1, 2, 2));
    let before = Look { conversation: 1, before_ms: found[0][0].at_ms };
    assert_eq!(store.postings(&words, &[before], 9).await.expect("answers")[0][0].seq, 1);
    assert!(store.postings(&words, &[], 9).await.expect("answers").is_empty());
    // Nothing of what the server wrote is found; places that are not there are left out.
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let bob = user(&store, "bob").await;
    store.add_members("node", group.id, &ada, &[id(&bob)], NOW).await.expect("adds");
    assert_eq!(index_all(&store).await, 1);
    assert_eq!(having(&store, group.id, &["bob"]).await, [0_i64; 0]);
    let found = store.messages_at(&[(1, 3), (2, 9), (2, 1)]).await.expect("reads");
    assert_eq!(found.iter().map(|message| &*message.content).collect::<Vec<_>>(), ["other", "hello"]);
    assert!(store.messages_at(&[]).await.expect("reads").is_empty());
    assert_eq!(store.index(&[], 9).await.expect("indexes").messages, 0);
}

pub(crate) async fn a_changed_message_has_its_new_words_at_once_and_no_old_ones(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let place = group.id;
    for text in ["red apple", "green apple", "blue apple", "old apple"] {
        say(&store, place, &ada, text).await;
    }
    say(&store, place, &bob, "apple of bob").await;
    // Edited before the index had it.
    alter(&store, place, 1, &ada, edit("red pear")).await;
    index_all(&store).await;
    assert_eq!(having(&store, place, &["apple"]).await, [2, 3, 4, 5]);
    assert_eq!(having(&store, place, &["red", "pear"]).await, [1]);
    // And after.
    alter(&store, place, 2, &ada, edit("green plum")).await;
    alter(&store, place, 3, &ada, Alteration::Recall).await;
    assert_eq!(having(&store, place, &["apple"]).await, [4, 5]);
    assert_eq!(having(&store, place, &["green", "plum"]).await, [2]);
    assert_eq!(having(&store, place, &["blue"]).await, [0_i64; 0]);
    alter(&store, place, 1, &ada, Alteration::React("+".to_owned())).await;
    assert_eq!(having(&store, place, &["pear"]).await, [1], "a reaction changes no words");
    // Erased with its account.
    store.delete_account(id(&bob), true, NOW).await.expect("deletes");
    let gone = User { id: bob.id, username: "deleted".to_owned() };
    while erase(&store, "node", &gone, 1).await != Erased::All {}
    assert_eq!(having(&store, place, &["bob"]).await, [0_i64; 0]);
    assert_eq!(having(&store, place, &["apple"]).await, [4]);
    // Pruned.
    store.prune(place, Seq::new(5).expect("positive"), 100).await.expect("prunes");
    for word in ["apple", "pear", "plum", "red", "green", "old"] {
        assert_eq!(having(&store, place, &[word]).await, [0_i64; 0], "{word}");
    }
    say(&store, place, &ada, "apple again").await;
    index_all(&store).await;
    assert_eq!(having(&store, place, &["apple"]).await.len(), 1);
}

/// Whoever is first: in the end the index has the words that the messages have.
pub(crate) async fn nodes_that_index_and_change_at_once_agree(fixture: Fixture) {
    let (store, second) = (fixture.open().await, fixture.open().await);
    let ada = user(&store, "ada").await;
    let place = conversation(1);
    for round in 0..12_i64 {
        for text in ["one first", "two first", "three first"] {
            say(&store, place, &ada, text).await;
        }
        let first = round * 4 + 1;
        tokio::join!(
            async { store.index(&[place], 9).await.expect("indexes") },
            async { second.index(&[place, conversation(2)], 9).await.expect("indexes") },
            alter(&second, place, first, &ada, edit("one second")),
            alter(&store, place, first + 1, &ada, Alteration::Recall),
            async { say(&second, place, &ada, "four first").await },
        );
        index_all(&store).await;
        let page = store.history(place, oort_logic::store::Range::After(0), 200).await.expect("reads");
        for word in ["one", "two", "three", "first", "second"] {
            let expected: Vec<i64> = page
                .messages
                .iter()
                .filter(|message| words(&message.content).contains(word))
                .map(|message| message.seq)
                .collect();
            assert_eq!(having(&second, place, &[word]).await, expected, "{word} in round {round}");
        }
    }
}

pub(crate) async fn one_node_compares_and_another_goes_on(fixture: Fixture) {
    let store = fixture.open().await;
    let lease =
        async |owner: &str, now_ms, at| store.lease_sweep(owner, now_ms, 1_000, at).await.expect("answers");
    assert_eq!(lease("one", NOW, None).await, Some(0));
    assert_eq!(lease("two", NOW + 999, None).await, None, "it is the first one's");
    assert_eq!(lease("one", NOW + 500, Some(40)).await, Some(40));
    assert_eq!(lease("two", NOW + 1_499, None).await, None);
    assert_eq!(lease("two", NOW + 1_500, Some(7)).await, Some(40), "it goes on where the first one was");
    assert_eq!(lease("one", NOW + 1_600, Some(80)).await, None);
    assert_eq!(lease("two", NOW + 1_700, None).await, Some(40));
    assert_eq!(lease("two", NOW + 1_700, Some(0)).await, Some(0));
}

pub(crate) async fn a_user_searches_where_they_may_read(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    say(&store, direct.id, &ada, "x").await;
    let searched = async |who: &User, rooms_max| {
        let mut found = store.searched(id(who), rooms_max).await.expect("answers");
        found.sort_unstable_by_key(|searched| searched.conversation);
        found
    };
    let of = |conversation, last_at_ms| Searched { conversation, last_at_ms };
    let (group_at, direct_at) = (of(group.id.get(), 0), of(direct.id.get(), NOW));
    assert_eq!(searched(&bob, 2).await, [of(1, 0), of(2, 0), group_at, direct_at]);
    store.remove_member("node", group.id, &ada, id(&bob), NOW).await.expect("removes");
    assert_eq!(searched(&bob, 1).await, [of(1, 0), direct_at]);
}

/// What is said, looked for and done to messages, as numbers.
type Deed = (u8, usize, usize, Vec<usize>, usize);

const SAID: [&str; 10] = ["Hello", "wörld", "HELLO", "我们", "在家", "们在", "家", "x", "a1", "…"];

fn text(of: &[usize]) -> String {
    let blank = if of.len().is_multiple_of(2) { " " } else { "" };
    of.iter().map(|&number| SAID[number % SAID.len()]).collect::<Vec<_>>().join(blank)
}

/// A random history, and everything that anybody may find in it, against the definition: both databases find the same.
pub(crate) async fn what_is_found_agrees_with_the_model(fixture: Fixture) {
    let store = fixture.open().await;
    let users = [user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await];
    let (group, _) =
        store.create_group("node", "Team", &users[0], &[id(&users[1])], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &users[1], id(&users[2]), NOW).await.expect("creates");
    let places = [conversation(1), group.id, direct.id];
    let may = [&[0, 1, 2][..], &[0, 1], &[1, 2]];
    // (conversation, seq) → (at_ms, sender, content).
    let mut model: BTreeMap<(i64, i64), (i64, usize, String)> = BTreeMap::new();
    let mut hidden: BTreeSet<(usize, i64, i64)> = BTreeSet::new();

    let deed = (0_u8..12, 0_usize..3, 0_usize..3, prop::collection::vec(0_usize..10, 1..5), 0_usize..999);
    let script = prop::collection::vec(deed, 250).new_tree(&mut TestRunner::deterministic());
    let script: Vec<Deed> = script.expect("generates").current();
    for (step, (what, place, who, said, which)) in script.into_iter().enumerate() {
        let now_ms = NOW + i64::try_from(step).expect("small") * 3;
        let (room, actor) = (places[place], may[place][who % may[place].len()]);
        let sent: Vec<_> = model.keys().filter(|(of, _)| *of == room.get()).copied().collect();
        let chosen = sent.get(which % sent.len().max(1)).copied();
        match (what, chosen) {
            (0..=7, _) | (_, None) => {
                let new = message(room, &users[actor], &unique(), &text(&said));
                let (outcome, _) = store.append("node", &[new], &[], now_ms).await.expect("appends");
                let (seq, at_ms) = stored(&outcome[0]);
                model.insert((room.get(), seq), (at_ms, actor, text(&said)));
            }
            (8 | 9, Some(at)) => {
                let message = model.get_mut(&at).expect("there");
                if !message.2.is_empty() {
                    alter(&store, room, at.1, &users[message.1], edit(&text(&said))).await;
                    message.2 = text(&said);
                }
            }
            (10, Some(at)) => {
                let message = model.get_mut(&at).expect("there");
                alter(&store, room, at.1, &users[message.1], Alteration::Recall).await;
                message.2.clear();
            }
            (_, Some(at)) => {
                let seq = Seq::new(at.1).expect("positive");
                store.hide("node", id(&users[actor]), room, seq, now_ms).await.expect("hides");
                hidden.insert((actor, at.0, at.1));
            }
        }
        if step % 25 == 24 {
            index_all(&store).await;
        }
    }
    let config =
        Config { entries_max: 24, conversations_max: 12, conversations_per_read: 2, ..Config::default() };
    let searches = Searches::new(config, store.clone(), 2, Metrics::register(&mut Registry::default()));
    for query in ["hello", "HELLO world", "我们", "家", "我们在家", "x a1", "家x", "a1 hello", "missing"]
    {
        let asked = Query::parse(query).expect("has words");
        for (reader, limit) in (0..users.len()).zip([1, 3, 50]) {
            for only in [None, Some(0), Some(1), Some(2)] {
                let is_asked = |place: usize| only.is_none_or(|only| only == place);
                let may_read = |room: i64| {
                    let place = places.iter().position(|place| place.get() == room);
                    place.is_some_and(|place| is_asked(place) && may[place].contains(&reader))
                };
                let mut expected: Vec<(i64, i64, i64)> = model
                    .iter()
                    .filter(|((room, seq), _)| may_read(*room) && !hidden.contains(&(reader, *room, *seq)))
                    .filter(|(_, (.., content))| asked.find(content).is_some())
                    .map(|((room, seq), (at_ms, ..))| (*at_ms, *room, *seq))
                    .collect();
                expected.sort_unstable_by(|a, b| b.cmp(a));
                let conversation = only.map(|only| places[only]);
                let (mut found, mut after) = (Vec::new(), None::<Place>);
                loop {
                    let ask = Ask { query: query.to_owned(), conversation, after, limit };
                    let page = match searches.search(id(&users[reader]), &ask).await {
                        Ok(page) => page,
                        Err(refusal) => {
                            assert_eq!(refusal.code, oort_api::Code::NotMember);
                            break;
                        }
                    };
                    assert!(page.hits.len() <= limit as usize);
                    for hit in &page.hits {
                        assert_eq!(Some(&hit.spans), asked.find(&hit.message.content).as_ref());
                    }
                    found.extend(
                        page.hits.into_iter().map(|hit| {
                            (hit.message.created_at_ms, hit.message.conversation, hit.message.seq)
                        }),
                    );
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(found, expected, "{query} for {reader} in {only:?}");
            }
        }
    }
}

pub(crate) async fn a_member_who_was_removed_finds_nothing_more(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    say(&store, group.id, &ada, "secret").await;
    index_all(&store).await;
    let searches =
        Searches::new(Config::default(), store.clone(), 9, Metrics::register(&mut Registry::default()));
    let found = async |who: &User| {
        let ask = Ask { query: "secret".to_owned(), conversation: None, after: None, limit: 9 };
        searches.search(id(who), &ask).await.expect("answers").hits.len()
    };
    assert_eq!((found(&ada).await, found(&bob).await), (1, 1));
    store.remove_member("node", group.id, &ada, id(&bob), NOW).await.expect("removes");
    assert_eq!((found(&ada).await, found(&bob).await), (1, 0));
}
