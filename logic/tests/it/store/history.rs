//! Pages and lists.

use oort_api::ids::Seq;
use oort_logic::store::{Entry, Error, Filling, Page, Range};

use super::fixture::{Fixture, NOW, conversation, id, message, say, unique, user};

fn seqs(page: &Page) -> Vec<i64> {
    page.messages.iter().map(|message| message.seq).collect()
}

pub(crate) async fn pages_end_exactly_at_the_edges(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let room = conversation(1);
    let read = |range, limit| {
        let store = store.clone();
        async move { store.history(room, range, limit).await.expect("answers") }
    };
    let empty = read(Range::Newest, 10).await;
    assert_eq!((seqs(&empty), empty.has_more, empty.head), (vec![], false, 0));
    let batch: Vec<_> = (0..10).map(|_| message(room, &ada, &unique(), "x")).collect();
    store.append("node", &batch, &[], NOW).await.expect("appends");
    let before = |seq| Range::Before(Seq::new(seq).expect("positive"));
    let cases = [
        (Range::Newest, 3, vec![10, 9, 8], true),
        (Range::Newest, 9, (2..=10).rev().collect(), true),
        (Range::Newest, 10, (1..=10).rev().collect(), false),
        (Range::Newest, 11, (1..=10).rev().collect(), false),
        (before(8), 3, vec![7, 6, 5], true),
        (before(4), 3, vec![3, 2, 1], false),
        (before(4), 2, vec![3, 2], true),
        (before(1), 3, vec![], false),
        (before(99), 1, vec![10], true),
        (Range::After(0), 3, vec![1, 2, 3], true),
        (Range::After(7), 3, vec![8, 9, 10], false),
        (Range::After(7), 2, vec![8, 9], true),
        (Range::After(10), 5, vec![], false),
        (Range::After(99), 5, vec![], false),
        (Range::Newest, 0, vec![], true),
    ];
    for (range, limit, expected, more) in cases {
        let page = read(range, limit).await;
        assert_eq!((seqs(&page), page.has_more, page.head), (expected, more, 10), "{range:?} {limit}");
    }
    let none = store.history(conversation(999), Range::Newest, 1).await;
    assert!(matches!(none, Err(Error::NoConversation)), "{none:?}");
}

pub(crate) async fn lists_carry_heads_and_newest_messages(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    for _ in 0..3 {
        say(&store, conversation(2), &ada, "room").await;
    }
    say(&store, group.id, &ada, "one").await;
    say(&store, group.id, &bob, "two").await;

    let list = store.conversations_of(id(&bob), 2, 2).await.expect("answers");
    let seen: Vec<_> = list
        .iter()
        .map(|entry| {
            let latest: Vec<_> = entry.latest.iter().map(|message| message.seq).collect();
            (entry.id, entry.name.as_str(), entry.head, latest, entry.has_more)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, "General", 0, vec![], false),
            (2, "Random", 3, vec![3, 2], true),
            (group.id.get(), "Team", 2, vec![2, 1], false),
            (direct.id.get(), "ada", 0, vec![], false),
        ]
    );
    let heads = store.conversations_of(id(&bob), 2, 0).await.expect("answers");
    assert!(heads.iter().all(|entry| entry.latest.is_empty() && entry.has_more == (entry.head > 0)));
}

pub(crate) async fn many_readers_together_get_what_each_gets_alone(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    // He begins before anything is said.
    store.entries_of(id(&bob), 3).await.expect("answers");
    for text in ["one", "two", "three"] {
        say(&store, conversation(2), &ada, text).await;
    }
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    say(&store, group.id, &bob, "in the group").await;
    say(&store, direct.id, &ada, "to bob").await;
    // She is in nothing but the open rooms, and younger than what was said there.
    let eve = user(&store, "eve").await;
    let readers = [id(&bob), id(&eve), id(&ada), id(&bob)];

    let rooms = store.rooms_of_all(&readers, 3).await.expect("answers");
    let together = store.entries_of_all(&readers, 3).await.expect("answers");
    let fillings: Vec<Filling> = readers
        .iter()
        .zip(&together)
        .zip([2, 2, 0, 5])
        .map(|((user, entries), latest)| {
            let list = entries.iter().map(|entry: &Entry| entry.conversation.clone()).collect();
            Filling { user: *user, list, latest }
        })
        .collect();
    let filled = store.filled_all(&fillings).await.expect("answers");
    assert_eq!((rooms.len(), together.len(), filled.len()), (4, 4, 4));
    for (index, reader) in readers.iter().enumerate() {
        assert_eq!(rooms[index], store.rooms_of(*reader, 3).await.expect("answers"), "{reader}");
        assert_eq!(together[index], store.entries_of(*reader, 3).await.expect("answers"), "{reader}");
        let alone = store.conversations_of(*reader, 3, fillings[index].latest).await.expect("answers");
        assert_eq!(filled[index], alone, "{reader}");
    }
    let ids = |index: usize| filled[index].iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(1), [1, 2, 3]);
    assert_eq!(ids(0), [1, 2, 3, group.id.get(), direct.id.get()]);
    let unread = |index: usize| filled[index].iter().map(|entry| entry.unread).collect::<Vec<_>>();
    assert_eq!((unread(0), unread(2)), (vec![0, 3, 0, 0, 1], vec![0, 0, 0, 1, 0]));
    assert_eq!((filled[0][1].latest.len(), filled[3][1].latest.len()), (2, 3));
    let nobody = store.entries_of_all(&[], 3).await.expect("answers");
    assert!(nobody.is_empty() && store.filled_all(&[]).await.expect("answers").is_empty());
    assert!(store.rooms_of_all(&[], 3).await.expect("answers").is_empty());
}

/// Else who reads on from the head would pass over a message.
pub(crate) async fn no_page_tells_of_a_head_that_it_lacks(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let room = conversation(1);
    let writing = tokio::spawn({
        let (store, ada) = (store.clone(), ada.clone());
        async move {
            for _ in 0..150 {
                say(&store, room, &ada, "x").await;
            }
        }
    });
    let mut told = 0;
    while !writing.is_finished() || told < 150 {
        let page = store.history(room, Range::After(told), 500).await.expect("answers");
        let expected: Vec<i64> = (told + 1..=page.head).collect();
        assert_eq!(seqs(&page), expected);
        told = page.head;
    }
    writing.await.expect("writes");
}

pub(crate) async fn what_is_pruned_is_gone_and_places_go_on(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let room = conversation(1);
    let batch: Vec<_> = (0..10).map(|_| message(room, &ada, &unique(), "x")).collect();
    store.append("node", &batch, &[], NOW).await.expect("appends");
    let below = |seq| Seq::new(seq).expect("positive");
    assert_eq!(store.prune(room, below(4), 2).await.expect("pruned"), 2, "at most so many");
    assert_eq!(store.prune(room, below(4), 100).await.expect("pruned"), 1);
    assert_eq!(store.prune(room, below(4), 100).await.expect("pruned"), 0);
    assert_eq!(store.prune(conversation(99), below(4), 100).await.expect("pruned"), 0);
    let page = store.history(room, Range::After(0), 100).await.expect("read");
    assert_eq!((seqs(&page), page.head), ((4..=10).collect(), 10));
    store.append("node", &[message(room, &ada, &unique(), "y")], &[], NOW).await.expect("appends");
    let page = store.history(room, Range::After(10), 100).await.expect("read");
    assert_eq!(seqs(&page), [11]);
}
