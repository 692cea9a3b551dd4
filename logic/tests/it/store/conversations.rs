//! Rooms, direct conversations, groups and their members.

use oort_api::ids::UserId;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::{ConversationKind, MessageKind};
use oort_logic::store::{Appended, Error, Range};

use super::fixture::{
    Changes, Fixture, NOW, conversation, id, message, pushed_event, pushed_message, records, say, unique,
    user,
};

pub(crate) async fn default_rooms_are_there(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let list = store.conversations_of(id(&ada), 100, 3).await.expect("answers");
    let seen: Vec<_> = list.iter().map(|entry| (entry.id, entry.name.as_str())).collect();
    let names = ["General", "Random", "Help", "News", "Music", "Games", "Sports", "Tech"];
    assert_eq!(seen, (1..=8).zip(names).collect::<Vec<_>>());
    assert!(list.iter().all(|entry| entry.kind() == ConversationKind::Room && entry.head == 0));
    let (room, _) = store.create_room("node", "Ninth", &ada, NOW).await.expect("creates");
    assert!(room.id > conversation(8));
}

pub(crate) async fn room_names_are_unique_whatever_their_case(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (room, row) = store.create_room("node", "Café 漢", &ada, NOW).await.expect("creates");
    assert_eq!(
        (room.kind, room.name.as_str(), room.creator_id, room.head),
        (ConversationKind::Room, "Café 漢", 1, 0)
    );
    for taken in ["Café 漢", "CAFÉ 漢", "GENERAL"] {
        let refused = store.create_room("node", taken, &ada, NOW).await;
        assert!(matches!(refused, Err(Error::RoomNameTaken)), "{refused:?}");
    }
    store.create_room("node", "Cafe 漢", &ada, NOW).await.expect("accents tell names apart");

    let records = records(&row);
    let (key, push) = &records[0];
    assert_eq!(
        (records.len(), key.as_str(), push.room.as_str()),
        (1, room.id.to_string().as_str(), key.as_str())
    );
    assert_eq!(
        (push.operation, push.r#type(), push.effect()),
        (op::CONVERSATION, Type::Broadcast, Effect::Join)
    );
    let event = pushed_event(push);
    assert_eq!((event.change(), event.actor), (Change::Created, Some(ada)));
    let seen = event.conversation.expect("a conversation");
    assert_eq!(
        (seen.id, seen.name.as_str(), seen.kind()),
        (room.id.get(), "Café 漢", ConversationKind::Room)
    );
}

pub(crate) async fn a_direct_conversation_is_one_and_seen_from_both_sides(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, row) = store.direct("node", &bob, id(&ada), NOW).await.expect("creates");
    let (again, none) = store.direct("node", &ada, id(&bob), NOW).await.expect("finds");
    assert_eq!((direct.id, none), (again.id, None));
    assert_eq!(
        (direct.kind, direct.name.as_str(), direct.creator_id),
        (ConversationKind::Direct, "", bob.id)
    );
    let nobody = store.direct("node", &ada, UserId::new(50).expect("positive"), NOW).await;
    assert!(matches!(nobody, Err(Error::NoUser(50))), "{nobody:?}");

    let records = records(&row.expect("tells both"));
    let told: Vec<_> = records
        .iter()
        .map(|(_, push)| {
            let seen = pushed_event(push).conversation.expect("a conversation");
            assert_eq!((push.r#type(), push.effect()), (Type::Push, Effect::None));
            (push.user_ids.clone(), seen.name, seen.peer_id)
        })
        .collect();
    assert_eq!(told, [(vec![bob.id], "ada".to_owned(), ada.id), (vec![ada.id], "bob".to_owned(), bob.id)]);

    say(&store, direct.id, &ada, "hello").await;
    for (reader, peer) in [(&ada, &bob), (&bob, &ada)] {
        let list = store.conversations_of(id(reader), 0, 5).await.expect("answers");
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].name.as_str(), list[0].peer_id), (peer.username.as_str(), peer.id));
        assert_eq!((list[0].head, list[0].latest.len(), list[0].kind()), (1, 1, ConversationKind::Direct));
        assert!(store.rooms_of(id(reader), 0).await.expect("answers").is_empty(), "pushed by user");
    }
}

pub(crate) async fn two_users_who_meet_at_the_same_time_meet_once(fixture: Fixture) {
    let one = fixture.open().await;
    let two = fixture.open().await;
    let ada = user(&one, "ada").await;
    for round in 0..10 {
        let peer = user(&one, &format!("peer{round}")).await;
        let ((a, b), (c, d)) = tokio::join!(
            async {
                tokio::join!(one.direct("n1", &ada, id(&peer), NOW), one.direct("n2", &peer, id(&ada), NOW))
            },
            async {
                tokio::join!(two.direct("n3", &ada, id(&peer), NOW), two.direct("n4", &peer, id(&ada), NOW))
            },
        );
        let answers = [a, b, c, d].map(|answer| answer.expect("meets"));
        assert!(answers.iter().all(|(info, _)| info.id == answers[0].0.id), "{answers:?}");
        assert_eq!(answers.iter().filter(|(_, row)| row.is_some()).count(), 1, "told once");
    }
}

pub(crate) async fn groups_have_members(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let twice = [id(&bob), id(&ada), id(&bob)];
    let (group, row) = store.create_group("node", "Team", &ada, &twice, NOW).await.expect("creates");
    let members = store.members(group.id, 0, 10).await.expect("answers");
    assert_eq!(
        members.iter().map(|member| member.user.clone()).collect::<Vec<_>>(),
        [ada.clone(), bob.clone()]
    );
    assert_eq!(members[0].joined_at_ms, NOW);
    assert_eq!(store.members(group.id, ada.id, 10).await.expect("answers").len(), 1);
    assert_eq!(store.members(group.id, 0, 1).await.expect("answers").len(), 1);
    let none = store.create_group("node", "X", &ada, &[UserId::new(50).expect("positive")], NOW).await;
    assert!(matches!(none, Err(Error::NoUser(50))), "{none:?}");

    let records = records(&row);
    let push = &records[0].1;
    assert_eq!(
        (push.r#type(), push.effect(), push.user_ids.clone()),
        (Type::Push, Effect::Join, vec![ada.id, bob.id])
    );
    assert_eq!(push.room, group.id.to_string());
    assert_eq!(
        store.rooms_of(id(&bob), 2).await.expect("answers"),
        [conversation(1), conversation(2), group.id]
    );
    assert_eq!(store.rooms_of(id(&eve), 2).await.expect("answers"), [conversation(1), conversation(2)]);
    let second = store.create_group("node", "Team", &bob, &[], NOW).await.expect("names may repeat");
    assert_ne!(second.0.id, group.id);
}

pub(crate) async fn members_come_and_go_in_order_with_messages(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    say(&store, group.id, &ada, "first").await;

    let both = [id(&bob), id(&eve)];
    let row = store.add_members("node", group.id, &ada, &both, NOW).await.expect("adds").expect("one is new");
    let joined = records(&row);
    assert_eq!(joined.len(), 2);
    let (event, said) = (&joined[0].1, &joined[1].1);
    assert_eq!(
        (event.effect(), event.user_ids.clone(), event.room.clone()),
        (Effect::Join, vec![eve.id], group.id.to_string())
    );
    assert_eq!(pushed_event(event).change(), Change::Joined);
    assert_eq!(pushed_event(event).conversation.expect("a conversation").head, 1);
    assert_eq!((said.r#type(), said.seq, said.effect()), (Type::Room, 2, Effect::None));
    let system = pushed_message(said);
    assert_eq!(
        (system.kind(), system.seq, system.sender.clone()),
        (MessageKind::System, 2, Some(ada.clone()))
    );
    let content: serde_json::Value = serde_json::from_str(&system.content).expect("JSON");
    assert_eq!(
        content,
        serde_json::json!({
            "event": "members_added", "users": [{ "id": eve.id.to_string(), "username": "eve" }]
        })
    );
    let nobody_new = store.add_members("node", group.id, &ada, &both, NOW).await.expect("answers");
    assert_eq!(nobody_new, None);

    let row =
        store.remove_member("node", group.id, &ada, id(&eve), NOW).await.expect("removes").expect("was one");
    let left = records(&row);
    assert_eq!((left[0].1.effect(), left[0].1.user_ids.clone()), (Effect::Leave, vec![eve.id]));
    assert_eq!(pushed_event(&left[0].1).change(), Change::Left);
    assert_eq!(pushed_message(&left[1].1).seq, 3);
    let again = store.remove_member("node", group.id, &ada, id(&eve), NOW).await.expect("answers");
    assert_eq!(again, None);
    let refused =
        store.append("node", &[message(group.id, &eve, &unique(), "x")], &[], NOW).await.expect("answers");
    assert_eq!(refused.0, [Appended::NotMember]);

    let page = store.history(group.id, Range::After(0), 10).await.expect("answers");
    let kinds: Vec<_> = page.messages.iter().map(|message| (message.seq, message.kind())).collect();
    assert_eq!(kinds, [(1, MessageKind::Text), (2, MessageKind::System), (3, MessageKind::System)]);
    assert_eq!(page.messages[1], system, "history shows what was pushed");
    let room = store.add_members("node", conversation(1), &ada, &both, NOW).await;
    assert!(matches!(room, Err(Error::NoConversation)), "{room:?}");
    let room = store.remove_member("node", conversation(999), &ada, id(&bob), NOW).await;
    assert!(matches!(room, Err(Error::NoConversation)), "{room:?}");
    let ghost = [UserId::new(50).expect("positive")];
    let refused = store.add_members("node", group.id, &ada, &ghost, NOW).await;
    assert!(matches!(refused, Err(Error::NoUser(50))), "{refused:?}");
    assert_eq!(say(&store, group.id, &bob, "on").await, 4, "a refusal takes no seq");
}

pub(crate) async fn membership_decides_who_may_read(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    let may = |conversation, reader| {
        let store = store.clone();
        async move { store.conversation(conversation, reader).await.expect("answers").map(|(_, may)| may) }
    };
    assert_eq!(may(group.id, id(&ada)).await, Some(true));
    assert_eq!(may(group.id, id(&eve)).await, Some(false));
    assert_eq!(may(direct.id, id(&bob)).await, Some(true));
    assert_eq!(may(direct.id, id(&eve)).await, Some(false));
    assert_eq!(may(conversation(1), id(&eve)).await, Some(true));
    assert_eq!(may(conversation(999), id(&eve)).await, None);
    say(&store, group.id, &ada, "x").await;
    let (info, _) = store.conversation(group.id, id(&ada)).await.expect("answers").expect("is there");
    assert_eq!((info.head, info.name.as_str(), info.creator_id), (1, "Team", ada.id));
}
