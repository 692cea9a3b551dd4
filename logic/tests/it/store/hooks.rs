//! What the operator's hooks need of the store: what is known before a send, and the queue of what is to be told.

use std::collections::BTreeSet;
use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq};
use oort_api::pb::oort::v1::{ConversationKind, User};
use oort_logic::store::{
    Alteration, Appended, Asking, ChangeBounds, HookBacklog, HookDue, HookKinds, HookPlace, HookSettled,
    NewChange, NewMessage, Range, Store,
};
use tokio::task::JoinSet;

use super::fixture::{Fixture, NOW, conversation, id, message, say, stored, user};

/// What is taken is left to whoever took it for so long, ms.
const LEASE: i64 = 1_000;
const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: 60_000, recall_within_ms: 60_000, reaction_kinds_max: 3 };

async fn take(store: &Arc<dyn Store>, now_ms: i64) -> Vec<HookDue> {
    store.take_hooks(now_ms, LEASE, 10).await.expect("answers")
}

async fn settle(store: &Arc<dyn Store>, place: &HookPlace, settled: HookSettled, now_ms: i64) -> u64 {
    store.settle_hook(place, settled, now_ms).await.expect("settles")
}

fn told(seq: i64, change_seq: i64) -> HookSettled {
    HookSettled::Told { seq, change_seq }
}

fn place(conversation: ConversationId, seq: i64, change_seq: i64) -> HookPlace {
    HookPlace { conversation, seq, change_seq }
}

async fn edit(store: &Arc<dyn Store>, at: ConversationId, seq: i64, actor: &User, text: &str) {
    let seq = Seq::new(seq).expect("positive");
    let alteration = Alteration::Edit(text.to_owned());
    let change = NewChange { conversation: at, seq, actor: actor.clone(), alteration };
    store.change("node", &change, &BOUNDS, NOW + 1).await.expect("answers");
}

fn all() -> HookKinds {
    HookKinds::of([ConversationKind::Direct, ConversationKind::Group, ConversationKind::Room])
}

pub(crate) async fn what_is_known_before_a_send(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let direct = store.direct("node", &ada, id(&bob), NOW).await.expect("creates").0.id;
    let (room, nowhere) = (conversation(1), conversation(9_999));
    let batch = [message(direct, &ada, "a", "x"), message(room, &bob, "a", "x")];
    store.append("node", &batch, &[], NOW).await.expect("appends");
    let of = async |who: &User, messages: &[(ConversationId, &str)]| {
        let keys: Vec<_> = messages.iter().map(|&(place, id)| (place, id.to_owned())).collect();
        store.askings(id(who), &keys).await.expect("answers")
    };
    let asking = |kind, is_stored| Asking { kind, is_stored };
    let (in_direct, in_room) = (Some(ConversationKind::Direct), Some(ConversationKind::Room));
    assert_eq!(
        of(&ada, &[(direct, "a"), (room, "b"), (nowhere, "c"), (direct, "A"), (room, "a")]).await,
        [
            asking(in_direct, true),
            asking(in_room, false),
            asking(None, false),
            asking(in_direct, false),
            asking(in_room, true)
        ]
    );
    assert_eq!(of(&eve, &[(direct, "a"), (room, "a")]).await, [asking(None, false), asking(in_room, false)]);
    assert_eq!(of(&eve, &[]).await, []);
}

pub(crate) async fn what_a_hook_put_in_place_is_compared_by_what_was_written(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let plain = message(conversation(1), &ada, "a", "written");
    let replaced = NewMessage { content: "stored".into(), written: Some("written".into()), ..plain.clone() };
    let append = async |message: &NewMessage| {
        let outcomes =
            store.append("node", std::slice::from_ref(message), &[], NOW).await.expect("appends").0;
        outcomes.into_iter().next().expect("one")
    };
    let (seq, created_at_ms) = stored(&append(&replaced).await);
    let again = Appended::Duplicate { seq: Seq::new(seq).expect("positive"), created_at_ms };
    assert_eq!(append(&plain).await, again, "its sender wrote that");
    assert_eq!(append(&replaced).await, again);
    let other = NewMessage { content: "other".into(), ..replaced.clone() };
    assert_eq!(append(&other).await, again, "whatever the hook said the second time");
    let stored_text = NewMessage { content: "stored".into(), ..plain.clone() };
    assert_eq!(append(&stored_text).await, Appended::Conflict, "that was never written");
    let page = store.history(conversation(1), Range::Newest, 1).await.expect("reads");
    assert_eq!(page.messages[0].content, "stored");
    edit(&store, conversation(1), seq, &ada, "edited").await;
    assert_eq!(append(&plain).await, again, "also when it was edited since");
}

pub(crate) async fn what_is_said_is_queued_while_a_hook_wants_it(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let direct = store.direct("node", &ada, id(&bob), NOW).await.expect("creates").0.id;
    say(&store, direct, &ada, "before there was a hook").await;
    assert_eq!(take(&store, NOW + 9).await, []);
    store.want_hooks(HookKinds::of([ConversationKind::Direct]));
    say(&store, conversation(1), &ada, "in an open room").await;
    say(&store, direct, &ada, "two").await;
    say(&store, direct, &bob, "three").await;
    let due =
        HookDue { place: place(direct, 1, 0), kind: ConversationKind::Direct, attempts: 0, since_ms: NOW };
    assert_eq!(take(&store, NOW + 9).await, [due], "one row, from where the hook came in");
    assert_eq!(take(&store, NOW + 9 + LEASE - 1).await, [], "another has it");
    assert_eq!(take(&store, NOW + 9 + LEASE).await, [due], "who had it died");

    let at = NOW + 20;
    settle(&store, &due.place, HookSettled::Again { due_at_ms: at }, NOW + 10).await;
    assert_eq!(take(&store, at - 1).await, []);
    assert_eq!(take(&store, at).await, [HookDue { attempts: 1, ..due }]);
    assert_eq!(settle(&store, &due.place, told(2, 0), at).await, 0);
    let rest = HookDue { place: place(direct, 2, 0), since_ms: at, ..due };
    assert_eq!(take(&store, at).await, [rest], "it stays, as there is more, and counts anew");
    settle(&store, &due.place, told(3, 0), at).await;
    settle(&store, &due.place, HookSettled::Again { due_at_ms: 0 }, at).await;
    assert_eq!(take(&store, at).await, [], "who came too late changes nothing");
    settle(&store, &rest.place, told(3, 0), at).await;
    assert_eq!(take(&store, at + 9 * LEASE).await, [], "all is told");

    edit(&store, direct, 2, &ada, "zwei").await;
    let changed = HookDue { place: place(direct, 3, 0), since_ms: NOW + 1, ..due };
    assert_eq!(take(&store, at).await, [changed]);
    settle(&store, &changed.place, told(3, 1), at).await;
    store.want_hooks(HookKinds::default());
    say(&store, direct, &ada, "nobody wants it").await;
    edit(&store, direct, 2, &ada, "deux").await;
    assert_eq!(take(&store, at + 9 * LEASE).await, []);
}

pub(crate) async fn what_is_given_up_is_counted(fixture: Fixture) {
    let store = fixture.open().await;
    store.want_hooks(all());
    let ada = user(&store, "ada").await;
    let places = [1, 2, 3].map(conversation);
    for (index, &room) in places.iter().enumerate() {
        let at = NOW + i64::try_from(index).expect("small");
        for _ in 0..=index {
            let batch = [message(room, &ada, &super::fixture::unique(), "x")];
            store.append("node", &batch, &[], at).await.expect("appends");
        }
    }
    let backlog = async |count_max| store.hook_backlog(NOW + 5, count_max).await.expect("answers");
    assert_eq!(backlog(10).await, HookBacklog { conversations: 3, oldest_ms: 5 });
    assert_eq!(backlog(2).await.conversations, 2, "counted up to there");
    let oldest = store.oldest_hooks(2).await.expect("answers");
    assert_eq!(oldest.iter().map(|one| one.conversation).collect::<Vec<_>>(), places[..2]);
    assert_eq!(settle(&store, &oldest[1], HookSettled::Dropped, NOW + 5).await, 2);
    assert_eq!(settle(&store, &oldest[1], HookSettled::Dropped, NOW + 5).await, 0, "once");
    assert_eq!(settle(&store, &oldest[0], HookSettled::Dropped, NOW + 5).await, 1);
    assert_eq!(backlog(10).await, HookBacklog { conversations: 1, oldest_ms: 3 });
    // What became of messages that were told counts, too.
    edit(&store, places[0], 1, &ada, "y").await;
    let waits = store.oldest_hooks(9).await.expect("answers");
    let waits = waits.iter().find(|one| one.conversation == places[0]).expect("it waits");
    assert_eq!(settle(&store, waits, HookSettled::Dropped, NOW + 5).await, 1);
}

/// Whatever is said while others take and settle is told.
pub(crate) async fn nothing_is_passed_over_while_it_is_said(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    let room = conversation(1);
    stores.iter().for_each(|store| store.want_hooks(all()));
    let mut saying = JoinSet::new();
    for store in stores.clone() {
        let ada = ada.clone();
        saying.spawn(async move {
            for _ in 0..40 {
                say(&store, room, &ada, "x").await;
            }
        });
    }
    // Takes one message at a time, from either store, until all were said and nothing waits.
    let (mut heard, mut now_ms, mut is_said) = (BTreeSet::new(), NOW, false);
    loop {
        let store = &stores[usize::from(now_ms % 2 == 0)];
        now_ms += 1;
        let due = take(store, now_ms).await;
        if due.is_empty() && is_said {
            break;
        }
        while saying.try_join_next().is_some() {}
        is_said = saying.is_empty();
        for HookDue { place, .. } in due {
            let page = store.history(room, Range::After(place.seq), 1).await.expect("reads");
            let seq = page.messages.first().map_or(place.seq, |message| message.seq);
            heard.insert(seq);
            settle(store, &place, told(seq, place.change_seq), now_ms).await;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), (1..=80).collect::<Vec<i64>>());
}
