//! Messages that users had removed for themselves.

use oort_api::ids::Seq;
use oort_api::op;
use oort_logic::store::{Hid, Stretch};

use super::fixture::{Fixture, NOW, conversation, id, records, say, user};

pub(crate) async fn what_a_user_hides_is_hidden_from_them_alone(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    for _ in 0..4 {
        say(&store, direct.id, &ada, "x").await;
    }
    let hide = async |who, place, seq| {
        let seq = Seq::new(seq).expect("positive");
        store.hide("node", id(who), place, seq, NOW).await.expect("answers")
    };
    let (hid, row) = hide(&bob, direct.id, 2).await;
    let pushes = records(&row.expect("a row"));
    assert_eq!((hid, pushes.len(), pushes[0].1.operation), (Hid::Stands, 1, op::EVENT));
    assert_eq!(pushes[0].1.user_ids, [bob.id], "nobody else is told");
    assert_eq!(hide(&bob, direct.id, 2).await, (Hid::Stands, None), "once");
    assert_eq!(hide(&bob, direct.id, 9).await, (Hid::NoMessage, None));
    assert_eq!(hide(&eve, direct.id, 2).await, (Hid::NotMember, None));
    assert_eq!(hide(&eve, conversation(999), 2).await, (Hid::NoConversation, None));
    hide(&bob, direct.id, 4).await;
    let events = store.user_events(id(&bob), 0, 10).await.expect("answers");
    let kinds: Vec<_> = events.events.iter().map(|event| (event.seq, event.kind.as_str())).collect();
    assert_eq!(kinds, [(1, "message_hidden"), (2, "message_hidden")]);

    let place = direct.id.get();
    let stretch = |first, last| Stretch { conversation: place, first, last };
    let hidden = store.hidden_of(id(&bob), &[stretch(1, 3), stretch(4, 9)]).await.expect("answers");
    assert_eq!(hidden, [(place, 2), (place, 4)]);
    assert_eq!(store.hidden_of(id(&bob), &[stretch(3, 3)]).await.expect("answers"), []);
    assert_eq!(store.hidden_of(id(&ada), &[stretch(1, 9)]).await.expect("answers"), []);
    for (who, expected) in [(&bob, true), (&ada, false)] {
        let list = store.entries_of(id(who), 100).await.expect("answers");
        let of: Vec<_> = list
            .iter()
            .filter(|entry| entry.conversation.has_hidden)
            .map(|entry| entry.conversation.id)
            .collect();
        assert_eq!(of, if expected { vec![place] } else { Vec::new() });
    }
}
