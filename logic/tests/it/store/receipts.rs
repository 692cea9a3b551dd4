//! Receipts: who has read what, of whom it is shown, and who is not shown at all.

use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{ConversationKind, User};
use oort_logic::contacts::policy::Operation;
use oort_logic::store::{
    ContactAct, ContactBounds, ContactStep, Privacy, Reader, ReceiptOf, ReceiptPlace, Store,
};

use super::cursors::{advance, entry, step};
use super::fixture::{Changes, Fixture, NOW, conversation, id, say, user};

fn seq(seq: i64) -> Seq {
    Seq::new(seq).expect("positive")
}

async fn hide_receipts(store: &Arc<dyn Store>, of: &User) {
    let privacy = Privacy { sends_receipts: false, ..Privacy::default() };
    store.set_privacy("node", id(of), privacy, NOW).await.expect("sets");
}

async fn block(store: &Arc<dyn Store>, actor: &User, peer: &User) {
    let bounds = ContactBounds { contacts_max: 9, requests_max: 9, blocks_max: 9, request_ttl_ms: 1_000 };
    let act = ContactAct::Plain(Operation::Block);
    let step = ContactStep { actor: actor.clone(), peer: id(peer), act, bounds };
    store.step_contact("node", &step, NOW).await.expect("blocks");
}

pub(crate) async fn readers_are_listed_and_counted_but_for_those_who_send_no_receipts(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (dan, fay) = (user(&store, "dan").await, user(&store, "fay").await);
    let all = [id(&bob), id(&eve), id(&dan), id(&fay)];
    let (team, _) = store.create_group("node", "Team", &ada, &all, NOW).await.expect("creates");
    for _ in 0..4 {
        say(&store, team.id, &ada, "x").await;
    }
    for (who, read) in [(&ada, 4), (&bob, 4), (&eve, 2), (&dan, 3), (&fay, 4)] {
        advance(&store, step(who, team.id, 0, read)).await;
    }
    let of = |place| ReceiptOf { conversation: team.id, seq: seq(place), sender: ada.id };
    let readers = async |place, after, limit| {
        let found = store.readers(of(place), after, limit).await.expect("answers");
        found.into_iter().map(|Reader { user, read_seq }| (user.username, read_seq)).collect::<Vec<_>>()
    };
    let expected = |all: &[(&User, i64)]| -> Vec<_> {
        all.iter().map(|(user, read)| (user.username.clone(), *read)).collect()
    };
    assert_eq!(readers(3, 0, 9).await, expected(&[(&bob, 4), (&dan, 3), (&fay, 4)]), "not who sent it");
    assert_eq!(readers(3, bob.id, 1).await, expected(&[(&dan, 3)]));
    assert_eq!(readers(4, 0, 9).await, expected(&[(&bob, 4), (&fay, 4)]));
    let count = async |place, max| store.count_readers(of(place), max).await.expect("answers");
    assert_eq!((count(1, 9).await, count(3, 9).await, count(3, 2).await, count(4, 9).await), (4, 3, 2, 2));

    // Nor who came after it, though their cursor begins at the head.
    let gus = user(&store, "gus").await;
    store.add_members("node", team.id, &ada, &[id(&gus)], NOW + 1_000).await.expect("adds");
    assert_eq!(readers(4, 0, 9).await, expected(&[(&bob, 4), (&fay, 4)]));
    assert_eq!(count(4, 9).await, 2);

    // Who left is no reader; who sends no receipts is not shown to be one.
    store.remove_member("node", team.id, &ada, id(&bob), NOW).await.expect("removes");
    hide_receipts(&store, &fay).await;
    assert_eq!(readers(3, 0, 9).await, expected(&[(&dan, 3)]));
    assert_eq!((count(1, 9).await, count(4, 9).await), (2, 0));

    let place = async |of: ConversationId, place, user: &User| {
        store.receipt_place(of, seq(place), id(user)).await.expect("answers")
    };
    let kind = ConversationKind::Group;
    let shown = ReceiptPlace { kind, members: 5, sender: ada.id, is_shown: true };
    assert_eq!(place(team.id, 4, &eve).await, Some(shown));
    assert_eq!(place(team.id, 4, &fay).await, Some(ReceiptPlace { is_shown: false, ..shown }));
    assert_eq!((place(team.id, 99, &eve).await, place(conversation(999), 1, &eve).await), (None, None));
}

pub(crate) async fn who_sends_no_receipts_shows_none_in_lists_and_is_shown_none(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    for sender in [&ada, &bob] {
        say(&store, direct.id, sender, "x").await;
    }
    for who in [&ada, &bob] {
        advance(&store, step(who, direct.id, 0, 2)).await;
    }
    let read = async |reader: &User| {
        let seen = entry(&store, reader, direct.id).await;
        (seen.read_seq, seen.peer_read_seq, seen.peer_delivered_seq)
    };
    assert_eq!((read(&ada).await, read(&bob).await), ((2, 2, 2), (2, 2, 2)));
    hide_receipts(&store, &bob).await;
    assert_eq!((read(&ada).await, read(&bob).await), ((2, 0, 2), (2, 0, 2)), "neither is shown the other's");
    let cursors = store.cursors(direct.id, 9).await.expect("answers");
    let sends: Vec<_> = cursors.iter().map(|cursor| (cursor.user, cursor.sends_receipts)).collect();
    assert_eq!(sends, [(ada.id, true), (bob.id, false)]);
    store.set_privacy("node", id(&bob), Privacy::default(), NOW).await.expect("sets");
    assert_eq!(read(&ada).await, (2, 2, 2));
}

pub(crate) async fn blocks_are_found_from_both_ends(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    for (actor, peer) in [(&ada, &bob), (&ada, &eve), (&eve, &bob)] {
        block(&store, actor, peer).await;
    }
    let pair = |one: &User, other: &User| (id(one), id(other));
    let sorted = |mut pairs: Vec<_>| {
        pairs.sort_unstable();
        pairs
    };
    let by = store.blocked_by(&[id(&ada), id(&bob)], 9).await.expect("answers");
    assert_eq!(sorted(by), [pair(&ada, &bob), pair(&ada, &eve)]);
    let of = store.blockers_of(&[id(&bob), id(&ada)], 9).await.expect("answers");
    assert_eq!(sorted(of), [pair(&ada, &bob), pair(&eve, &bob)]);
    assert_eq!(store.blockers_of(&[id(&bob)], 1).await.expect("answers").len(), 1);
    assert_eq!(store.blocked_by(&[id(&ada), id(&eve)], 2).await.expect("answers").len(), 2);
    let among = store.blockers_among(&[id(&eve), id(&bob)], id(&bob)).await.expect("answers");
    assert_eq!(among, [id(&eve)]);
    for none in [store.blocked_by(&[], 9).await, store.blockers_of(&[], 9).await] {
        assert_eq!(none.expect("answers"), []);
    }
    assert_eq!(store.blockers_among(&[], id(&bob)).await.expect("answers"), []);
    assert_eq!(store.invisible(&[]).await.expect("answers"), []);
}
