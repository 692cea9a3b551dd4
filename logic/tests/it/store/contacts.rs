//! Contacts: both sides at once, events of whom it concerns, blocks, bounds, who finds whom.

use std::sync::Arc;

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::{User, UserEvent};
use oort_logic::contacts::policy::{Operation, Tie};
use oort_logic::store::metrics::{Cause, Retry};
use oort_logic::store::{
    Appended, Bound, Contact, ContactAct, ContactBounds, ContactList, ContactStep, Error, Finders, NewUser,
    OutboxRow, Privacy, Sought, Stepped, Store,
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::fixture::{Fixture, NOW, id, message, records, unique, user};

const BOUNDS: ContactBounds =
    ContactBounds { contacts_max: 3, requests_max: 2, blocks_max: 2, request_ttl_ms: 1_000 };

const NOBODY: [i64; 0] = [];

const LISTS: [ContactList; 4] =
    [ContactList::Contacts, ContactList::Asking, ContactList::Asked, ContactList::Blocked];

fn ask(message: &str) -> ContactAct {
    ContactAct::Request(message.to_owned())
}

fn plain(operation: Operation) -> ContactAct {
    ContactAct::Plain(operation)
}

fn step(actor: &User, peer: &User, act: ContactAct) -> ContactStep {
    ContactStep { actor: actor.clone(), peer: id(peer), act, bounds: BOUNDS }
}

async fn take_at(
    store: &Arc<dyn Store>,
    (actor, peer): (&User, &User),
    act: ContactAct,
    now_ms: i64,
) -> (Stepped, Option<OutboxRow>) {
    store.step_contact("node", &step(actor, peer, act), now_ms).await.expect("answers")
}

async fn take(store: &Arc<dyn Store>, pair: (&User, &User), act: ContactAct) -> (Stepped, Option<OutboxRow>) {
    take_at(store, pair, act, NOW).await
}

/// What the actor holds after a step that is allowed, and who is told what.
async fn done(
    store: &Arc<dyn Store>,
    pair: (&User, &User),
    act: ContactAct,
) -> (Contact, Vec<(i64, String, Value)>) {
    let (stepped, row) = take(store, pair, act).await;
    let Stepped::Stands(contact) = stepped else { panic!("{stepped:?}") };
    (contact, row.iter().flat_map(told).collect())
}

fn told(row: &OutboxRow) -> Vec<(i64, String, Value)> {
    let event = |push: oort_api::pb::goim::logic::PushMsg| {
        let event = UserEvent::decode(push.msg.clone()).expect("an event");
        let data = serde_json::from_str(&event.data).expect("JSON");
        (push.user_ids[0], event.kind, data)
    };
    records(row).into_iter().map(|(_, push)| event(push)).collect()
}

/// Who is told of which kind.
fn kinds(told: &[(i64, String, Value)]) -> Vec<(i64, &str)> {
    told.iter().map(|(user, kind, _)| (*user, kind.as_str())).collect()
}

/// The ids in each of the lists of a user.
async fn lists(store: &Arc<dyn Store>, user: &User, now_ms: i64) -> [Vec<i64>; 4] {
    let mut found = [const { Vec::new() }; 4];
    for (found, list) in found.iter_mut().zip(LISTS) {
        let contacts = store.contacts(id(user), list, 0, 100, now_ms).await.expect("answers");
        *found = contacts.into_iter().map(|contact| contact.peer.id).collect();
    }
    found
}

/// What a user holds of another, as the lists show it.
async fn tie(store: &Arc<dyn Store>, user: &User, peer: &User) -> Tie {
    let [contacts, asking, asked, _] = lists(store, user, NOW).await.map(|list| list.contains(&peer.id));
    match (contacts, asking, asked) {
        (true, false, false) => Tie::Contact,
        (false, true, false) => Tie::Asking,
        (false, false, true) => Tie::Asked,
        (false, false, false) => Tie::None,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn requests_become_contacts_on_both_sides(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (asked, events) = done(&store, (&ada, &bob), ask("it's \\ me \u{1F600}")).await;
    assert_eq!((asked.tie, asked.expires_at_ms, asked.changed_at_ms), (Tie::Asked, NOW + 1_000, NOW));
    let data = |user: &User, direction: &str, message: &str| {
        json!({
            "user": { "id": user.id.to_string(), "username": user.username },
            "direction": direction, "message": message, "expiresAtMs": NOW + 1_000
        })
    };
    let expected = [
        (ada.id, "contact_requested".to_owned(), data(&bob, "out", "it's \\ me \u{1F600}")),
        (bob.id, "contact_requested".to_owned(), data(&ada, "in", "it's \\ me \u{1F600}")),
    ];
    assert_eq!(events, expected);
    // Once more: nothing; with another message: that one, to both.
    assert_eq!(done(&store, (&ada, &bob), ask("it's \\ me \u{1F600}")).await, (asked, Vec::new()));
    let (_, events) = done(&store, (&ada, &bob), ask("ada of the club")).await;
    assert_eq!(events[1].2, data(&ada, "in", "ada of the club"));
    let incoming = store.contacts(id(&bob), ContactList::Asking, 0, 10, NOW).await.expect("answers");
    assert_eq!(incoming.len(), 1);
    assert_eq!((incoming[0].peer.clone(), incoming[0].message.as_str()), (ada.clone(), "ada of the club"));

    let (contact, events) = done(&store, (&bob, &ada), plain(Operation::Accept)).await;
    assert_eq!((contact.tie, contact.message.as_str(), contact.expires_at_ms), (Tie::Contact, "", 0));
    assert_eq!(kinds(&events), [(bob.id, "contact_added"), (ada.id, "contact_added")]);
    assert_eq!(events[1].2, json!({ "user": { "id": bob.id.to_string(), "username": "bob" } }));
    assert_eq!(done(&store, (&bob, &ada), plain(Operation::Accept)).await, (contact, Vec::new()));
    for (one, other) in [(&ada, &bob), (&bob, &ada)] {
        assert_eq!(lists(&store, one, NOW).await, [vec![other.id], vec![], vec![], vec![]]);
    }

    let remark = || ContactAct::Remark("the carpenter".to_owned());
    let (noted, events) = done(&store, (&ada, &bob), remark()).await;
    assert_eq!((noted.remark.as_str(), kinds(&events)), ("the carpenter", vec![(ada.id, "contact_changed")]));
    assert_eq!(done(&store, (&ada, &bob), remark()).await, (noted, Vec::new()));
    let other_side = store.contacts(id(&bob), ContactList::Contacts, 0, 10, NOW).await.expect("answers");
    assert_eq!(other_side[0].remark, "", "it is nobody else's");

    let (gone, events) = done(&store, (&ada, &bob), plain(Operation::Delete)).await;
    assert_eq!((gone.tie, gone.remark.as_str()), (Tie::None, ""));
    assert_eq!(kinds(&events), [(ada.id, "contact_removed"), (bob.id, "contact_removed")]);
    assert_eq!(done(&store, (&ada, &bob), plain(Operation::Delete)).await.1, []);
    for one in [&ada, &bob] {
        assert_eq!(lists(&store, one, NOW).await.concat(), NOBODY);
    }
    for act in [plain(Operation::Accept), remark()] {
        assert_eq!(take(&store, (&ada, &bob), act).await, (Stepped::Missing, None));
    }
    let nobody = User { id: 50, username: String::new() };
    let refused = store.step_contact("node", &step(&ada, &nobody, ask("")), NOW).await;
    assert!(matches!(refused, Err(Error::NoUser(50))), "{refused:?}");
}

pub(crate) async fn a_refusal_is_told_or_kept(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    done(&store, (&ada, &bob), ask("hi")).await;
    let (_, events) = done(&store, (&bob, &ada), plain(Operation::Refuse)).await;
    assert_eq!(kinds(&events), [(bob.id, "contact_refused"), (ada.id, "contact_refused")]);
    assert_eq!((&events[0].2["direction"], &events[1].2["direction"]), (&json!("in"), &json!("out")));
    assert_eq!((tie(&store, &ada, &bob).await, tie(&store, &bob, &ada).await), (Tie::None, Tie::None));

    done(&store, (&ada, &bob), ask("hi")).await;
    let (_, events) = done(&store, (&bob, &ada), plain(Operation::Shelve)).await;
    assert_eq!(kinds(&events), [(bob.id, "contact_refused")], "ada learns nothing");
    assert_eq!((tie(&store, &ada, &bob).await, tie(&store, &bob, &ada).await), (Tie::Asked, Tie::None));
    let (_, events) = done(&store, (&ada, &bob), ask("please")).await;
    assert_eq!(kinds(&events), [(ada.id, "contact_requested")], "and bob is left alone");
    assert_eq!(tie(&store, &bob, &ada).await, Tie::None);
    // It ends for both at the same time; then she may ask anew.
    let (_, row) = take_at(&store, (&ada, &bob), ask("again"), NOW + 1_000).await;
    assert_eq!(row.map(|row| told(&row).len()), Some(2));
    let (_, events) = done(&store, (&ada, &bob), plain(Operation::Withdraw)).await;
    assert_eq!(kinds(&events), [(ada.id, "contact_withdrawn"), (bob.id, "contact_withdrawn")]);
    // Who changed their mind asks themselves.
    done(&store, (&ada, &bob), ask("hi")).await;
    done(&store, (&bob, &ada), plain(Operation::Shelve)).await;
    let (contact, events) = done(&store, (&bob, &ada), ask("well")).await;
    assert_eq!((contact.tie, kinds(&events).len()), (Tie::Contact, 2));
}

/// Transactions that had to be run again because two waited for each other.
fn deadlocks(fixture: &Fixture) -> u64 {
    fixture.metrics.retries.get_or_create(&Retry { cause: Cause::Deadlock }).get()
}

/// What becomes of a message of each of two.
async fn sends(
    store: &Arc<dyn Store>,
    conversation: oort_api::ids::ConversationId,
    both: [&User; 2],
) -> [bool; 2] {
    let batch = both.map(|sender| message(conversation, sender, &unique(), "x"));
    let (outcomes, _) = store.append("node", &batch, &[], NOW).await.expect("appends");
    let stored = |outcome: &Appended| match outcome {
        Appended::Stored { .. } => true,
        Appended::Blocked => false,
        other => panic!("{other:?}"),
    };
    [stored(&outcomes[0]), stored(&outcomes[1])]
}

pub(crate) async fn a_block_stops_requests_and_direct_messages(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    done(&store, (&ada, &bob), ask("hi")).await;
    done(&store, (&bob, &ada), plain(Operation::Accept)).await;
    let (direct, _) = store.direct("node", &bob, id(&ada), NOW).await.expect("creates");
    assert_eq!(sends(&store, direct.id, [&ada, &bob]).await, [true, true]);
    let sent = message(direct.id, &bob, "before", "x");
    let (before, _) = store.append("node", std::slice::from_ref(&sent), &[], NOW).await.expect("appends");

    let (blocked, events) = done(&store, (&ada, &bob), plain(Operation::Block)).await;
    assert_eq!((blocked.tie, blocked.blocks), (Tie::Contact, true), "the contact is not forgotten");
    assert_eq!(kinds(&events), [(ada.id, "block_changed")], "bob is not told");
    assert_eq!(done(&store, (&ada, &bob), plain(Operation::Block)).await, (blocked, Vec::new()));
    assert_eq!(sends(&store, direct.id, [&ada, &bob]).await, [true, false]);
    let (again, _) = store.append("node", &[sent], &[], NOW).await.expect("appends");
    let Appended::Stored { seq, .. } = before[0] else { panic!("{before:?}") };
    assert!(matches!(again[0], Appended::Duplicate { seq: found, .. } if found == seq), "{again:?}");
    assert_eq!(lists(&store, &ada, NOW).await, [vec![bob.id], vec![], vec![], vec![bob.id]]);
    assert_eq!(lists(&store, &bob, NOW).await, [vec![ada.id], vec![], vec![], vec![]]);
    done(&store, (&bob, &ada), plain(Operation::Block)).await;
    assert_eq!(sends(&store, direct.id, [&ada, &bob]).await, [false, false]);
    let (_, events) = done(&store, (&ada, &bob), plain(Operation::Unblock)).await;
    assert_eq!(events[0].2["blocked"], json!(false));
    assert_eq!(sends(&store, direct.id, [&ada, &bob]).await, [false, true]);

    // Before there is a conversation.
    let eve = user(&store, "eve").await;
    done(&store, (&eve, &ada), ask("hi")).await;
    let (_, events) = done(&store, (&ada, &eve), plain(Operation::Block)).await;
    assert_eq!(kinds(&events), [(ada.id, "contact_refused"), (ada.id, "block_changed")]);
    assert_eq!(tie(&store, &eve, &ada).await, Tie::Asked, "eve sees nothing of it");
    let refused = store.direct("node", &eve, id(&ada), NOW).await;
    assert!(matches!(refused, Err(Error::Blocked)), "{refused:?}");
    let (direct, _) = store.direct("node", &ada, id(&eve), NOW).await.expect("who blocks may");
    assert_eq!(sends(&store, direct.id, [&ada, &eve]).await, [true, false]);
    done(&store, (&eve, &ada), plain(Operation::Withdraw)).await;
    assert_eq!(take(&store, (&eve, &ada), ask("hi")).await, (Stepped::Blocked, None));
    assert_eq!(take(&store, (&ada, &eve), ask("hi")).await, (Stepped::Blocked, None));
    done(&store, (&ada, &eve), plain(Operation::Unblock)).await;
    assert_eq!(sends(&store, direct.id, [&ada, &eve]).await, [true, true]);
    assert_eq!(done(&store, (&eve, &ada), ask("hi")).await.1.len(), 2);
}

pub(crate) async fn bounds_hold_and_what_expired_does_not_count(fixture: Fixture) {
    let store = fixture.open().await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve", "joe", "kim"] {
        people.push(user(&store, name).await);
    }
    let [ada, bob, eve, joe, kim] = &people[..] else { panic!("five") };
    done(&store, (ada, bob), ask("")).await;
    done(&store, (ada, eve), ask("")).await;
    assert_eq!(take(&store, (ada, joe), ask("")).await, (Stepped::Full(Bound::Requests), None));
    assert_eq!(done(&store, (ada, eve), ask("")).await.1, [], "what is there is no more");
    done(&store, (kim, bob), ask("")).await;
    assert_eq!(take(&store, (joe, bob), ask("")).await, (Stepped::Full(Bound::RequestsOfPeer), None));
    // At its end a request is gone from both sides, and from the count.
    let later = NOW + 1_000;
    assert_eq!(lists(&store, ada, NOW + 999).await[2], [bob.id, eve.id]);
    assert_eq!(lists(&store, ada, later).await[2], NOBODY);
    assert_eq!(lists(&store, bob, later).await[1], NOBODY);
    assert_eq!(take_at(&store, (bob, ada), plain(Operation::Accept), later).await, (Stepped::Missing, None));
    for peer in [joe, bob] {
        let (stepped, _) = take_at(&store, (ada, peer), ask("anew"), later).await;
        assert!(matches!(stepped, Stepped::Stands(Contact { tie: Tie::Asked, .. })), "{stepped:?}");
    }
    assert_eq!(lists(&store, ada, later).await[2], [bob.id, joe.id]);
    for peer in [bob, joe] {
        take_at(&store, (ada, peer), plain(Operation::Withdraw), later).await;
    }

    for peer in [bob, eve] {
        done(&store, (ada, peer), plain(Operation::Block)).await;
    }
    assert_eq!(take(&store, (ada, joe), plain(Operation::Block)).await, (Stepped::Full(Bound::Blocks), None));
    for peer in [bob, eve] {
        done(&store, (ada, peer), plain(Operation::Unblock)).await;
    }
    for peer in [bob, eve, joe] {
        done(&store, (peer, ada), ask("")).await;
        done(&store, (ada, peer), plain(Operation::Accept)).await;
    }
    done(&store, (kim, ada), ask("")).await;
    let accept = || plain(Operation::Accept);
    assert_eq!(take(&store, (ada, kim), accept()).await, (Stepped::Full(Bound::Contacts), None));
    done(&store, (kim, ada), plain(Operation::Withdraw)).await;
    done(&store, (ada, kim), ask("")).await;
    assert_eq!(take(&store, (kim, ada), accept()).await, (Stepped::Full(Bound::ContactsOfPeer), None));
    let page = store.contacts(id(ada), ContactList::Contacts, bob.id, 1, NOW).await.expect("answers");
    assert_eq!(page.iter().map(|contact| contact.peer.id).collect::<Vec<_>>(), [eve.id]);
}

pub(crate) async fn two_who_ask_each_other_at_once_become_contacts(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob) = (user(&stores[0], "ada").await, user(&stores[0], "bob").await);
    for round in 0..20_u64 {
        let (one, two) = (step(&ada, &bob, ask("from ada")), step(&bob, &ada, ask("from bob")));
        let (one, two) = tokio::join!(
            stores[0].step_contact("node 0", &one, NOW),
            stores[1].step_contact("node 1", &two, NOW),
        );
        let (one, two) = (one.expect("answers"), two.expect("answers"));
        let ties = [&one.0, &two.0].map(|stepped| match stepped {
            Stepped::Stands(contact) => contact.tie,
            other => panic!("{other:?}"),
        });
        assert!(
            ties == [Tie::Asked, Tie::Contact] || ties == [Tie::Contact, Tie::Asked],
            "round {round}: {ties:?}: one came first"
        );
        assert_eq!(
            (tie(&stores[0], &ada, &bob).await, tie(&stores[1], &bob, &ada).await),
            (Tie::Contact, Tie::Contact)
        );
        let heads = stores[0].event_heads(&[id(&ada), id(&bob)]).await.expect("answers");
        let round = i64::try_from(round).expect("small");
        assert_eq!(heads, [round * 3 + 2, round * 3 + 2], "both were told of both");
        done(&stores[0], (&ada, &bob), plain(Operation::Delete)).await;
    }
    assert_eq!(deadlocks(&fixture), 0);
}

pub(crate) async fn whatever_both_do_on_two_nodes_both_sides_agree(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob) = (user(&stores[0], "ada").await, user(&stores[0], "bob").await);
    let (direct, _) = stores[0].direct("node 0", &ada, id(&bob), NOW).await.expect("creates");
    let acts = [
        ask("hi"),
        plain(Operation::Accept),
        plain(Operation::Block),
        plain(Operation::Refuse),
        plain(Operation::Unblock),
        ask("you"),
        plain(Operation::Withdraw),
        plain(Operation::Accept),
        plain(Operation::Delete),
    ];
    let mut nodes = JoinSet::new();
    for node in 0..4_usize {
        let (store, acts) = (Arc::clone(&stores[node % 2]), acts.clone());
        let (me, other) = if node < 2 { (ada.clone(), bob.clone()) } else { (bob.clone(), ada.clone()) };
        nodes.spawn(async move {
            for round in 0..30 {
                // Each in another order.
                let act = acts[(round * (node + 2) + node) % acts.len()].clone();
                let owner = format!("node {node}");
                store.step_contact(&owner, &step(&me, &other, act), NOW).await.expect("answers");
            }
        });
    }
    nodes.join_all().await;
    let ties = [tie(&stores[0], &ada, &bob).await, tie(&stores[1], &bob, &ada).await];
    // Who put a request away holds nothing that shows.
    let agreed = [
        [Tie::None, Tie::None],
        [Tie::Asked, Tie::Asking],
        [Tie::Asking, Tie::Asked],
        [Tie::Asked, Tie::None],
        [Tie::None, Tie::Asked],
        [Tie::Contact, Tie::Contact],
    ];
    assert!(agreed.contains(&ties), "{ties:?}");
    let blocks = async |user| !lists(&stores[0], user, NOW).await[3].is_empty();
    let (ada_blocks, bob_blocks) = (blocks(&ada).await, blocks(&bob).await);
    assert_eq!(sends(&stores[0], direct.id, [&bob, &ada]).await, [!ada_blocks, !bob_blocks]);
    assert_eq!(deadlocks(&fixture), 0);
}

pub(crate) async fn a_block_races_with_the_first_conversation(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    for round in 0..10 {
        let (ada, bob) =
            (user(&stores[0], &format!("ada{round}")).await, user(&stores[0], &format!("bob{round}")).await);
        let block = step(&ada, &bob, plain(Operation::Block));
        let (blocked, created) = tokio::join!(
            stores[0].step_contact("node 0", &block, NOW),
            stores[1].direct("node 1", &bob, id(&ada), NOW),
        );
        blocked.expect("blocks");
        match created {
            Ok((direct, _)) => assert_eq!(sends(&stores[0], direct.id, [&ada, &bob]).await, [true, false]),
            Err(error) => assert!(matches!(error, Error::Blocked), "{error:?}"),
        }
    }
}

pub(crate) async fn privacy_decides_who_finds_whom(fixture: Fixture) {
    let store = fixture.open().await;
    let bob = user(&store, "bob").await;
    let new = NewUser {
        username: "Ada".to_owned(),
        username_key: "ada".to_owned(),
        email: Some("ada@example.org".to_owned()),
        password_hash: "$argon2id$".to_owned(),
        created_at_ms: NOW,
        key: None,
    };
    let ada = store.create_user(&new).await.expect("creates");
    let find = async |reader: &User| {
        let sought =
            [Sought::Name("a".to_owned()), Sought::Email("ada@example.org".to_owned()), Sought::Id(id(&ada))];
        let mut found = [false; 3];
        for (found, sought) in found.iter_mut().zip(sought) {
            let users = store.find_people(id(reader), &sought, 10).await.expect("answers");
            assert!(users.iter().all(|user| *user == ada), "{users:?}");
            *found = !users.is_empty();
        }
        found
    };
    assert_eq!(find(&bob).await, [true, false, true], "what nobody chose");
    assert_eq!(find(&ada).await, [true; 3], "everyone finds themselves");
    // A row that something else made says the same as none.
    done(&store, (&bob, &ada), ask("")).await;
    assert_eq!(store.privacy(id(&ada)).await.expect("answers"), Privacy::default());
    assert_eq!(find(&bob).await, [true, false, true]);

    let contacts = Privacy {
        by_name: Finders::Nobody,
        by_email: Finders::Contacts,
        by_id: Finders::Contacts,
        sends_receipts: false,
        is_invisible: true,
    };
    let row = store.set_privacy("node", id(&ada), contacts, NOW).await.expect("sets").expect("is new");
    let events = told(&row);
    assert_eq!(kinds(&events), [(ada.id, "privacy_changed")]);
    assert_eq!(
        events[0].2,
        json!({
            "findByName": "nobody", "findByEmail": "contacts", "findById": "contacts",
            "sendReceipts": false, "invisible": true,
        })
    );
    assert_eq!(store.set_privacy("node", id(&ada), contacts, NOW).await.expect("sets"), None);
    assert_eq!(store.privacy(id(&ada)).await.expect("answers"), contacts);
    assert_eq!(store.invisible(&[id(&bob), id(&ada)]).await.expect("answers"), [(id(&ada), NOW)]);
    // Since the first time, whatever else changes.
    let later = Privacy { sends_receipts: true, ..contacts };
    store.set_privacy("node", id(&ada), later, NOW + 9).await.expect("sets").expect("is new");
    assert_eq!(store.invisible(&[id(&ada)]).await.expect("answers"), [(id(&ada), NOW)]);
    let shown = Privacy { is_invisible: false, ..later };
    store.set_privacy("node", id(&ada), shown, NOW + 9).await.expect("sets").expect("is new");
    assert_eq!(store.invisible(&[id(&ada)]).await.expect("answers"), []);
    store.set_privacy("node", id(&ada), contacts, NOW + 20).await.expect("sets").expect("is new");
    assert_eq!(store.invisible(&[id(&ada)]).await.expect("answers"), [(id(&ada), NOW + 20)]);
    assert_eq!(find(&bob).await, [false; 3], "a request is no contact");
    done(&store, (&ada, &bob), plain(Operation::Accept)).await;
    assert_eq!(find(&bob).await, [false, true, true]);
    assert_eq!(find(&ada).await, [true; 3]);
    let nobody = UserId::new(50).expect("positive");
    let refused = store.set_privacy("node", nobody, contacts, NOW).await;
    assert!(matches!(refused, Err(Error::NoUser(50))), "{refused:?}");
    assert_eq!(store.find_people(id(&bob), &Sought::Name("%".to_owned()), 10).await.expect("answers"), []);
}
