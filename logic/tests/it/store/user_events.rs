//! Events of users: dense places, what is published, and what is forgotten.

use oort_api::op;
use oort_api::pb::oort::v1::{User, UserEvent};
use oort_logic::store::NewUserEvent;
use prost::Message as _;
use serde_json::json;

use super::fixture::{Fixture, NOW, id, records, user};

fn event(user: &User, kind: &'static str) -> NewUserEvent {
    NewUserEvent { user: id(user), kind, data: json!({ "text": "it's \\ \"quoted\" \u{1F600}" }) }
}

pub(crate) async fn events_of_a_user_are_dense_and_published(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    assert_eq!(store.event_heads(&[id(&ada), id(&bob)]).await.expect("answers"), [0, 0]);
    let first = [event(&bob, "a"), event(&ada, "b"), event(&bob, "c")];
    let row = store.add_user_events("node", &first, NOW).await.expect("appends").expect("a row");
    let pushes = records(&row);
    let seen: Vec<_> = pushes
        .iter()
        .map(|(_, push)| {
            let event = UserEvent::decode(push.msg.clone()).expect("an event");
            assert_eq!((push.operation, push.conversation, push.seq), (op::EVENT, 0, 0));
            (push.user_ids.clone(), event.seq, event.kind)
        })
        .collect();
    let of = |user: &User, seq, kind: &str| (vec![user.id], seq, kind.to_owned());
    assert_eq!(seen, [of(&bob, 1, "a"), of(&ada, 1, "b"), of(&bob, 2, "c")]);
    // A clock that went back.
    store.add_user_events("node", &[event(&bob, "d")], NOW - 50).await.expect("appends");
    assert!(store.add_user_events("node", &[], NOW).await.expect("nothing to do").is_none());
    assert_eq!(store.event_heads(&[id(&bob), id(&ada)]).await.expect("answers"), [3, 1]);
    let page = store.user_events(id(&bob), 1, 10).await.expect("answers");
    let places: Vec<_> = page.events.iter().map(|event| (event.seq, event.at_ms, &*event.kind)).collect();
    assert_eq!((places, page.head), (vec![(2, NOW, "c"), (3, NOW, "d")], 3));
    let data: serde_json::Value = serde_json::from_str(&page.events[0].data).expect("JSON");
    assert_eq!(data, first[2].data);
    assert_eq!(store.user_events(id(&bob), 0, 1).await.expect("answers").events.len(), 1);
}

pub(crate) async fn old_events_are_forgotten_from_the_start(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    for at_ms in [NOW, NOW + 1, NOW + 2] {
        store.add_user_events("node", &[event(&ada, "a")], at_ms).await.expect("appends");
    }
    assert_eq!(store.forget_user_events(NOW + 2, 1).await.expect("deletes"), 1);
    assert_eq!(store.forget_user_events(NOW + 2, 10).await.expect("deletes"), 1);
    let page = store.user_events(id(&ada), 0, 10).await.expect("answers");
    assert_eq!((page.events.len(), page.events[0].seq, page.head), (1, 3, 3));
    assert_eq!(store.forget_user_events(NOW + 3, 10).await.expect("deletes"), 1);
    let row = store.add_user_events("node", &[event(&ada, "b")], NOW).await.expect("appends");
    assert!(row.is_some());
    assert_eq!(store.event_heads(&[id(&ada)]).await.expect("answers"), [4], "places are not used again");
}

pub(crate) async fn nodes_that_append_for_the_same_users_agree(fixture: Fixture) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    let (ada, bob) = (user(&one, "ada").await, user(&one, "bob").await);
    let tasks = [(one, "one"), (two, "two")].map(|(store, owner)| {
        let events = [event(&ada, "a"), event(&bob, "b")];
        tokio::spawn(async move {
            for round in 0..20 {
                let mut events = events.clone();
                if round % 2 == 0 {
                    events.reverse();
                }
                store.add_user_events(owner, &events, NOW).await.expect("appends");
            }
            store
        })
    });
    for task in tasks {
        let store = task.await.expect("runs");
        drop(store);
    }
    let store = fixture.open().await;
    assert_eq!(store.event_heads(&[id(&ada), id(&bob)]).await.expect("answers"), [40, 40]);
    let page = store.user_events(id(&ada), 0, 100).await.expect("answers");
    assert!(page.events.iter().map(|event| event.seq).eq(1..=40));
}
