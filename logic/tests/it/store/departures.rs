//! Profiles, and the end of accounts.

use std::sync::Arc;

use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{MessageExtra, MessageKind, User};
use oort_logic::policy::operators::OperatorRole;
use oort_logic::store::{Erased, Error, NewUser, OutboxRow, Profile, ProfileChange, Range, Sex, Store};

use super::changes::{change, react};
use super::fixture::{Fixture, NOW, conversation, erase, id, pushed_message, records, say, user};

fn account(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        username_key: name.to_owned(),
        email: Some(format!("{name}@example.org")),
        password_hash: "hash".to_owned(),
        created_at_ms: NOW,
        key: None,
    }
}

async fn with_address(store: &Arc<dyn Store>, name: &str) -> User {
    store.create_user(&account(name)).await.expect("creates")
}

pub(crate) async fn profiles_are_changed_and_told(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = with_address(&store, "ada").await;
    let person = store.person(id(&ada)).await.expect("answers").expect("is there");
    assert_eq!((&person.user, person.profile), (&ada, Profile::default()));
    assert_eq!((person.email.as_deref(), person.created_at_ms), (Some("ada@example.org"), NOW));
    let change = ProfileChange {
        nick: Some("Ada 漢 😀".to_owned()),
        sex: Some(Sex::Female),
        ..ProfileChange::default()
    };
    let (person, row) = store.change_profile("node", id(&ada), &change, NOW).await.expect("changes");
    assert_eq!((person.profile.nick.as_str(), person.profile.sex), ("Ada 漢 😀", Sex::Female));
    assert_eq!(records(&row.expect("a row")).len(), 1);
    let (same, row) = store.change_profile("node", id(&ada), &change, NOW).await.expect("changes");
    assert_eq!((same, row), (person.clone(), None), "the same again changes nothing");
    let more = ProfileChange { description: Some("a\nb".to_owned()), ..ProfileChange::default() };
    let (person, _) = store.change_profile("node", id(&ada), &more, NOW).await.expect("changes");
    assert_eq!((person.profile.nick.as_str(), person.profile.description.as_str()), ("Ada 漢 😀", "a\nb"));
    assert_eq!(store.person(id(&ada)).await.expect("answers"), Some(person));
    let events = store.user_events(id(&ada), 0, 10).await.expect("answers").events;
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    assert!(events.iter().all(|event| event.kind == "profile_changed"), "{events:?}");
}

pub(crate) async fn a_deactivated_account_is_not_found_and_comes_back(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = with_address(&store, "ada").await;
    let is_found = async || {
        let listed = !store.find_users("ad", 10).await.expect("answers").is_empty();
        assert_eq!(store.person(id(&ada)).await.expect("answers").is_some(), listed);
        listed
    };
    assert!(is_found().await);
    for now_ms in [NOW, NOW + 5] {
        assert!(store.deactivate(id(&ada), now_ms).await.expect("deactivates").is_empty());
    }
    assert!(!is_found().await);
    for found in [
        store.credentials_by_name("ada").await,
        store.credentials_by_email("ada@example.org").await,
        store.credentials_by_id(id(&ada)).await,
    ] {
        let found = found.expect("answers").expect("may come back");
        assert_eq!(found.deactivated_at_ms, Some(NOW), "the first time counts");
    }
    assert_eq!(store.user(id(&ada)).await.expect("answers"), Some(ada.clone()), "messages still name her");
    store.reactivate(id(&ada)).await.expect("comes back");
    assert!(is_found().await);
    let found = store.credentials_by_name("ada").await.expect("answers").expect("is there");
    assert_eq!(found.deactivated_at_ms, None);
    let nobody = oort_api::ids::UserId::new(999).expect("positive");
    assert!(
        store.deactivate(nobody, NOW).await.is_err()
            && store.delete_account(nobody, true, NOW).await.is_err()
    );
}

pub(crate) async fn a_deleted_account_is_gone_and_its_address_free(fixture: Fixture) {
    let store = fixture.open().await;
    let other = super::fixture::user(&store, "zoe").await;
    for (name, erase) in [("ada", false), ("bob", true)] {
        let user = with_address(&store, name).await;
        store.grant_operator(id(&user), OperatorRole::Administrator, NOW).await.expect("grants");
        store.deactivate(id(&user), NOW).await.expect("deactivates");
        store.delete_account(id(&user), erase, NOW).await.expect("deletes");
        assert!(store.credentials_by_name(name).await.expect("answers").is_none());
        assert!(store.credentials_by_id(id(&user)).await.expect("answers").is_none());
        assert!(store.find_users(name, 100).await.expect("answers").is_empty());
        assert!(store.person(id(&user)).await.expect("answers").is_none());
        assert_eq!(store.operator_role(id(&user)).await.expect("answers"), None);
        let audit = store.audit(i64::MAX, 1).await.expect("answers").remove(0);
        assert_eq!((audit.action.as_str(), audit.subject), ("operator_revoked", user.id.to_string()));
        assert_eq!((audit.actor_id, audit.at_ms), (user.id, NOW), "by the user, with the account");
        // Deleted is deleted.
        store.reactivate(id(&user)).await.expect("answers");
        store.deactivate(id(&user), NOW).await.expect("answers");
        assert!(store.credentials_by_id(id(&user)).await.expect("answers").is_none());
        assert_eq!(store.set_password(id(&user), "", "new", "").await.expect("answers"), None);
        let shown = store.user(id(&user)).await.expect("answers").expect("has a row").username;
        assert_eq!(shown == name, !erase, "{shown}");
        let group = store.create_group("node", "us", &other, &[id(&user)], NOW).await;
        assert!(matches!(group, Err(Error::NoUser(_))), "nobody is with them any more");
        // The address is free; the name where nothing is left of it.
        let again = NewUser { email: None, ..account(name) };
        assert_eq!(store.create_user(&again).await.is_ok(), erase, "{name}");
        let other = NewUser { email: account(name).email, ..account(&format!("other {name}")) };
        store.create_user(&other).await.expect("the address is free");
    }
    let departing = store.departing(NOW, 10).await.expect("answers");
    assert!(departing.is_empty(), "not before their time: {departing:?}");
    let departing = store.departing(NOW + 1, 10).await.expect("answers");
    assert_eq!(departing.iter().map(|departure| departure.erase).collect::<Vec<_>>(), [false, true]);
    for departure in &departing {
        store.departed(id(&departure.user)).await.expect("notes it");
    }
    assert!(store.departing(NOW + 1, 10).await.expect("answers").is_empty());
}

pub(crate) async fn messages_are_erased_in_steps_and_places_stay(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (with_address(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("meets");
    let rooms = [conversation(1), conversation(2), direct.id];
    for room in rooms {
        for number in 0..4 {
            say(&store, room, &ada, &format!("secret {number}")).await;
            say(&store, room, &bob, "mine").await;
        }
        assert!(change(&store, (room, 1), &bob, react("👍")).await.1.is_some());
    }
    say(&store, conversation(3), &bob, "mine").await;
    let mine = store.messages_by(id(&ada), (0, 0), 5).await.expect("answers");
    let last = mine.last().map(|message| (message.conversation, message.seq)).expect("messages");
    let rest = store.messages_by(id(&ada), last, 100).await.expect("answers");
    let places: Vec<(i64, i64)> =
        mine.iter().chain(&rest).map(|message| (message.conversation, message.seq)).collect();
    assert_eq!(places.len(), 12);
    assert!(places.is_sorted(), "{places:?}");

    // What she did to messages of others stays done, under another name.
    assert!(change(&store, (conversation(2), 2), &ada, react("👍")).await.1.is_some());
    store.delete_account(id(&ada), true, NOW).await.expect("deletes");
    let changes = store.changes(conversation(2), 0, 10).await.expect("answers").changes;
    let names: Vec<String> =
        changes.into_iter().map(|change| change.actor.expect("an actor").username).collect();
    assert_eq!(names, ["bob".to_owned(), format!("deleted-{}", ada.id)]);
    let gone = store.departing(NOW + 1, 10).await.expect("answers").remove(0).user;
    let mut told: Vec<OutboxRow> = Vec::new();
    let mut steps = 0;
    // Two nodes at it, as may be.
    let other = fixture.open().await;
    loop {
        let (node, owner) = if steps % 2 == 0 { (&store, "node") } else { (&other, "other") };
        match erase(node, owner, &gone, 2).await {
            Erased::Some(row) => told.extend(row),
            Erased::All => break,
        }
        steps += 1;
    }
    assert_eq!(steps, 6, "two at a time");
    for (row, room) in told.iter().zip(rooms) {
        let said = pushed_message(&records(row)[0].1);
        assert_eq!((said.conversation, said.seq), (room.get(), 9));
        assert!(said.content.contains("messages_erased"), "{}", said.content);
    }
    assert_eq!(told.len(), rooms.len());
    for room in rooms {
        let page = store.history(room, Range::After(0), 100).await.expect("answers");
        let seqs: Vec<i64> = page.messages.iter().map(|message| message.seq).collect();
        assert_eq!(seqs, (1..=9).collect::<Vec<_>>(), "dense");
        for message in &page.messages {
            let name = &message.sender.as_ref().expect("a sender").username;
            match (message.kind(), name.as_str()) {
                (MessageKind::Text, "bob") => assert_eq!(message.content, "mine"),
                (MessageKind::Text, _) => {
                    let rest = MessageExtra { gone: Gone::Erased.into(), ..MessageExtra::default() };
                    assert_eq!((&message.content, name), (&String::new(), &gone.username));
                    assert_eq!(message.extra, Some(rest), "reactions neither");
                }
                (_, _) => assert_eq!((message.seq, name), (9, &gone.username)),
            }
        }
    }
    assert_eq!(
        store.history(conversation(3), Range::After(0), 100).await.expect("answers").messages.len(),
        1
    );
}

/// From a node that took its log-in for live, and for longer than it is waited for: known and documented.
pub(crate) async fn what_a_deleted_account_says_after_it_was_erased_stays(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = with_address(&store, "ada").await;
    say(&store, conversation(1), &ada, "in time").await;
    store.delete_account(id(&ada), true, NOW).await.expect("deletes");
    let gone = store.departing(NOW + 1, 10).await.expect("answers").remove(0).user;
    while erase(&store, "node", &gone, 10).await != Erased::All {}
    store.departed(id(&ada)).await.expect("notes it");
    say(&store, conversation(1), &ada, "late").await;
    assert!(store.departing(NOW + 1, 10).await.expect("answers").is_empty(), "nobody comes back to it");
    let page = store.history(conversation(1), Range::After(0), 10).await.expect("answers");
    let kept: Vec<&str> = page.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!((kept.first(), kept.last()), (Some(&""), Some(&"late")));
}

pub(crate) async fn who_departs_leaves_groups_behind(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (with_address(&store, "ada").await, user(&store, "bob").await);
    let mut groups = Vec::new();
    for name in ["one", "two"] {
        let (group, _) = store.create_group("node", name, &bob, &[id(&ada)], NOW).await.expect("creates");
        groups.push(group.id);
    }
    store.direct("node", &ada, id(&bob), NOW).await.expect("meets");
    assert_eq!(store.groups_of(id(&ada), 10).await.expect("answers"), groups, "no direct ones, no rooms");
    assert_eq!(store.groups_of(id(&ada), 1).await.expect("answers"), groups[..1]);
}
