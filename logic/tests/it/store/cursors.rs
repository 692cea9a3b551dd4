//! How far users have got: one cursor, what it tells, and where it begins.

use std::sync::Arc;

use oort_api::ids::ConversationId;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1::{Conversation, CursorEvent, User};
use oort_logic::store::{CursorMove, MemberCursor, Moved, NewUser, OutboxRow, Privacy, Standing, Store};
use prost::Message as _;

use super::fixture::{Changes, Fixture, NOW, conversation, id, pushed_event, records, say, user};

/// Members who are told of each other, in these tests.
pub(crate) const TOLD_MAX: u32 = 3;

pub(crate) fn step(
    user: &User,
    conversation: ConversationId,
    delivered_seq: i64,
    read_seq: i64,
) -> CursorMove {
    CursorMove { user: id(user), conversation, delivered_seq, read_seq, asker_keys: Vec::new() }
}

pub(crate) async fn advance(store: &Arc<dyn Store>, step: CursorMove) -> (Moved, Option<OutboxRow>) {
    let (mut moved, row) = store.move_cursors("node", &[step], TOLD_MAX, NOW).await.expect("answers");
    (moved.pop().expect("an answer"), row)
}

fn stands(delivered_seq: i64, read_seq: i64, head: i64, unread: i64, moved: bool) -> Moved {
    Moved::Stands(Standing { delivered_seq, read_seq, head, unread, moved })
}

/// An account created at this time.
pub(crate) async fn user_of(store: &Arc<dyn Store>, name: &str, created_at_ms: i64) -> User {
    let user = NewUser {
        username: name.to_owned(),
        username_key: name.to_owned(),
        email: None,
        password_hash: String::new(),
        created_at_ms,
        key: None,
    };
    store.create_user(&user).await.expect("creates a user")
}

pub(crate) async fn entry(store: &Arc<dyn Store>, reader: &User, place: ConversationId) -> Conversation {
    let list = store.conversations_of(id(reader), 100, 0).await.expect("answers");
    list.into_iter().find(|entry| entry.id == place.get()).expect("it is listed")
}

pub(crate) async fn a_cursor_goes_forward_only_and_not_above_the_head(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    for sender in [&bob, &ada, &bob, &bob] {
        say(&store, direct.id, sender, "x").await;
    }
    let (first, row) = advance(&store, step(&ada, direct.id, 3, 1)).await;
    assert_eq!(first, stands(3, 1, 4, 2, true));
    assert!(row.is_some());
    for (delivered, read) in [(0, 0), (3, 1), (2, 0)] {
        let (same, row) = advance(&store, step(&ada, direct.id, delivered, read)).await;
        assert_eq!((same, row), (stands(3, 1, 4, 2, false), None), "nothing moved, nothing is told");
    }
    assert_eq!(advance(&store, step(&ada, direct.id, 0, 99)).await.0, stands(4, 4, 4, 0, true));
    assert_eq!(advance(&store, step(&bob, direct.id, 0, 1)).await.0, stands(1, 1, 4, 1, true));

    let eve = user(&store, "eve").await;
    assert_eq!(advance(&store, step(&eve, direct.id, 1, 1)).await, (Moved::NotMember, None));
    assert_eq!(advance(&store, step(&eve, conversation(999), 1, 1)).await, (Moved::NoConversation, None));

    let seen = entry(&store, &ada, direct.id).await;
    assert_eq!((seen.read_seq, seen.delivered_seq, seen.unread), (4, 4, 0));
    assert_eq!((seen.peer_read_seq, seen.peer_delivered_seq), (1, 1));
    let seen = entry(&store, &bob, direct.id).await;
    assert_eq!((seen.read_seq, seen.unread, seen.peer_read_seq), (1, 1, 4));
    let all = store.cursors(direct.id, 10).await.expect("answers");
    let cursor = |user: &User, seq| MemberCursor {
        user: user.id,
        delivered_seq: seq,
        read_seq: seq,
        sends_receipts: true,
    };
    assert_eq!(all, [cursor(&ada, 4), cursor(&bob, 1)]);
    assert_eq!(store.cursors(direct.id, 1).await.expect("answers").len(), 1);
    assert!(store.cursors(conversation(1), 10).await.expect("answers").is_empty(), "rooms have no members");
}

pub(crate) async fn one_batch_moves_many_and_tells_whom_it_should(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let dan = user(&store, "dan").await;
    let both = [id(&bob), id(&eve)];
    let (small, _) = store.create_group("node", "Small", &ada, &both, NOW).await.expect("creates");
    let all = [id(&bob), id(&eve), id(&dan)];
    let (large, _) = store.create_group("node", "Large", &ada, &all, NOW).await.expect("creates");
    let room = conversation(2);
    for place in [small.id, large.id, room] {
        say(&store, place, &ada, "x").await;
        say(&store, place, &ada, "y").await;
    }
    let named = CursorMove { asker_keys: vec!["k1".into(), "k2".into()], ..step(&bob, small.id, 2, 1) };
    let steps = [
        named,
        step(&eve, small.id, 0, 2),
        step(&bob, large.id, 0, 2),
        step(&dan, small.id, 1, 1),
        step(&bob, room, 0, 1),
    ];
    let (moved, row) = store.move_cursors("node", &steps, TOLD_MAX, NOW).await.expect("moves");
    assert_eq!(moved[0], stands(2, 1, 2, 1, true));
    assert_eq!(moved[1..4], [stands(2, 2, 2, 0, true), stands(2, 2, 2, 0, true), Moved::NotMember]);
    assert_eq!(moved[4], stands(2, 2, 2, 0, true), "in an older room nobody begins below its head");
    let told: Vec<_> = records(&row.expect("a row"))
        .into_iter()
        .map(|(key, push)| {
            assert_eq!((push.operation, push.r#type(), push.seq), (op::CURSOR, Type::Push, 0));
            assert_eq!(key, push.conversation.to_string());
            let event = CursorEvent::decode(push.msg.clone()).expect("an event");
            assert_eq!(event.conversation, push.conversation);
            (event, push.user_ids, push.exclude_keys)
        })
        .collect();
    let event = |user: &User, place: ConversationId, at: (i64, i64), own: Option<(i64, i64)>| CursorEvent {
        conversation: place.get(),
        user_id: user.id,
        delivered_seq: at.0,
        read_seq: at.1,
        own: own.is_some(),
        head: own.map_or(0, |(head, _)| head),
        unread: own.map_or(0, |(_, unread)| unread),
    };
    let keys = vec!["k1".to_owned(), "k2".to_owned()];
    assert_eq!(
        told,
        [
            (event(&bob, small.id, (2, 1), Some((2, 1))), vec![bob.id], keys),
            (event(&bob, small.id, (2, 1), None), vec![ada.id, eve.id], vec![]),
            (event(&eve, small.id, (2, 2), Some((2, 0))), vec![eve.id], vec![]),
            (event(&eve, small.id, (2, 2), None), vec![ada.id, bob.id], vec![]),
            (event(&bob, large.id, (2, 2), Some((2, 0))), vec![bob.id], vec![]),
            (event(&bob, room, (2, 2), Some((2, 0))), vec![bob.id], vec![]),
        ]
    );
    let (none, row) = store.move_cursors("node", &[], TOLD_MAX, NOW).await.expect("answers");
    assert!(none.is_empty() && row.is_none());
}

pub(crate) async fn newcomers_begin_at_the_head(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (team, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let general = conversation(1);
    for place in [team.id, general, team.id, general] {
        say(&store, place, &ada, "before").await;
    }
    let bob = user(&store, "bob").await;
    let row = store.add_members("node", team.id, &ada, &[id(&bob)], NOW).await.expect("adds").expect("new");
    let joined = pushed_event(&records(&row)[0].1).conversation.expect("a conversation");
    assert_eq!((joined.head, joined.read_seq, joined.delivered_seq, joined.unread), (2, 2, 2, 0));
    let at = |seen: &Conversation| (seen.head, seen.read_seq, seen.delivered_seq, seen.unread);
    assert_eq!(at(&entry(&store, &bob, team.id).await), (3, 2, 2, 1), "the word that he was added");
    assert_eq!(at(&entry(&store, &ada, team.id).await), (3, 0, 0, 0), "all of it is her own");
    assert_eq!(at(&entry(&store, &bob, general).await), (2, 2, 2, 0), "older than his account");
    say(&store, general, &ada, "after").await;
    assert_eq!(at(&entry(&store, &bob, general).await), (3, 2, 2, 1), "he was shown it before");
    assert_eq!(at(&entry(&store, &bob, conversation(3)).await), (0, 0, 0, 0));
    say(&store, conversation(3), &ada, "first").await;
    assert_eq!(
        at(&entry(&store, &bob, conversation(3)).await),
        (1, 0, 0, 1),
        "it was empty when he was shown it"
    );

    // A room that is younger than the account is unread from its start, whenever it is looked at.
    let (young, _) = store.create_room("node", "Young", &ada, NOW + 1).await.expect("creates");
    say(&store, young.id, &ada, "x").await;
    assert_eq!(at(&entry(&store, &bob, young.id).await), (1, 0, 0, 1));
    // Whoever moves a cursor before he looks begins there too.
    let eve = user_of(&store, "eve", NOW + 2).await;
    assert_eq!(advance(&store, step(&eve, young.id, 0, 1)).await.0, stands(1, 1, 1, 0, true));
    assert_eq!(advance(&store, step(&eve, general, 1, 1)).await.0, stands(3, 3, 3, 0, true));

    // He leaves, and begins at the head again when he comes back.
    store.remove_member("node", team.id, &ada, id(&bob), NOW).await.expect("removes");
    say(&store, team.id, &ada, "meanwhile").await;
    store.add_members("node", team.id, &ada, &[id(&bob)], NOW).await.expect("adds");
    assert_eq!(at(&entry(&store, &bob, team.id).await), (6, 5, 5, 1));
}

pub(crate) async fn every_change_of_an_entry_has_a_stamp(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW + 10).await.expect("creates");
    let stamp = async |reader: &User| {
        let list = store.entries_of(id(reader), 0).await.expect("answers");
        list.into_iter().find(|entry| entry.conversation.id == direct.id.get()).expect("there").changed_at_ms
    };
    assert_eq!(stamp(&ada).await, NOW + 10);
    let new = super::fixture::message(direct.id, &bob, "m", "x");
    store.append("node", &[new], &[], NOW + 20).await.expect("appends");
    assert_eq!(stamp(&ada).await, NOW + 20);
    assert_eq!(entry(&store, &ada, direct.id).await.last_at_ms, NOW + 20);
    let moves = [step(&ada, direct.id, 1, 0)];
    store.move_cursors("node", &moves, TOLD_MAX, NOW + 30).await.expect("moves");
    assert_eq!((stamp(&ada).await, stamp(&bob).await), (NOW + 30, NOW + 30), "both are shown it");
    let privacy = Privacy { sends_receipts: false, ..Privacy::default() };
    store.set_privacy("node", id(&ada), privacy, NOW + 33).await.expect("sets");
    assert_eq!(
        (stamp(&ada).await, stamp(&bob).await),
        (NOW + 33, NOW + 33),
        "neither is shown what was read"
    );
    store.delete_account(id(&ada), true, NOW + 36).await.expect("deletes");
    assert_eq!(stamp(&bob).await, NOW + 36, "it has another name");
    let (room, _) = store.create_room("node", "Late", &ada, NOW + 40).await.expect("creates");
    let list = store.entries_of(id(&bob), 100).await.expect("answers");
    let late = list.iter().find(|entry| entry.conversation.id == room.id.get()).expect("there");
    assert_eq!(late.changed_at_ms, NOW + 40);
}

pub(crate) async fn cursors_moved_on_two_nodes_end_at_the_furthest(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob) = (user(&stores[0], "ada").await, user(&stores[0], "bob").await);
    let mut places = Vec::new();
    for number in 0..4 {
        let name = format!("g{number}");
        let (group, _) = stores[0].create_group("n", &name, &ada, &[id(&bob)], NOW).await.expect("creates");
        for _ in 0..30 {
            say(&stores[0], group.id, &ada, "x").await;
        }
        places.push(group.id);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (node, store) in stores.iter().enumerate() {
        for lane in 0..3 {
            let (store, bob, places) = (Arc::clone(store), bob.clone(), places.clone());
            tasks.spawn(async move {
                let owner = format!("node{node}-{lane}");
                for seq in 1..=30 {
                    let moves: Vec<_> = places.iter().map(|&place| step(&bob, place, seq, seq - 1)).collect();
                    let (moved, _) = store.move_cursors(&owner, &moves, TOLD_MAX, NOW).await.expect("moves");
                    for moved in moved {
                        let Moved::Stands(standing) = moved else { panic!("{moved:?}") };
                        assert!(
                            standing.delivered_seq >= seq && standing.read_seq >= seq - 1,
                            "{standing:?}"
                        );
                        assert_eq!(standing.unread, 30 - standing.read_seq);
                    }
                }
            });
        }
    }
    tasks.join_all().await;
    for place in places {
        let seen = entry(&stores[1], &bob, place).await;
        assert_eq!((seen.delivered_seq, seen.read_seq, seen.unread), (30, 29, 1));
    }
}
