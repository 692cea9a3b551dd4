//! Changes of messages: what they do, who may, their one order, and what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oort_api::ids::{ConversationId, Seq};
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::Type;
use oort_api::pb::oort::v1::change_event::Kind;
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{ChangeEvent, Message, User};
use oort_logic::policy::Role;
use oort_logic::store::{
    Alteration, Appended, ChangeBounds, Changed, GroupChange, GroupOrder, NewChange, NewMessage, OutboxRow,
    Range, Store,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use prost::Message as _;
use tokio::task::JoinSet;

use super::cursors::entry;
use super::fixture::{Fixture, NOW, conversation, id, message, records, say, user};

const DAY_MS: i64 = 24 * 3_600_000;
const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: DAY_MS, recall_within_ms: 2 * DAY_MS, reaction_kinds_max: 3 };

fn edit(text: &str) -> Alteration {
    Alteration::Edit(text.to_owned())
}

pub(super) fn react(emoji: &str) -> Alteration {
    Alteration::React(emoji.to_owned())
}

fn unreact(emoji: &str) -> Alteration {
    Alteration::Unreact(emoji.to_owned())
}

fn new(place: ConversationId, seq: i64, actor: &User, alteration: Alteration) -> NewChange {
    NewChange { conversation: place, seq: Seq::new(seq).expect("positive"), actor: actor.clone(), alteration }
}

async fn change_at(
    store: &Arc<dyn Store>,
    (place, seq): (ConversationId, i64),
    actor: &User,
    alteration: Alteration,
    now_ms: i64,
) -> (Changed, Option<OutboxRow>) {
    store.change("node", &new(place, seq, actor, alteration), &BOUNDS, now_ms).await.expect("answers")
}

pub(super) async fn change(
    store: &Arc<dyn Store>,
    at: (ConversationId, i64),
    actor: &User,
    alteration: Alteration,
) -> (Changed, Option<OutboxRow>) {
    change_at(store, at, actor, alteration, NOW + 1_000).await
}

fn stands(changed: Changed) -> Message {
    match changed {
        Changed::Stands(message) => *message,
        other => panic!("refused: {other:?}"),
    }
}

async fn read(store: &Arc<dyn Store>, place: ConversationId, seq: i64) -> Message {
    let page = store.history(place, Range::After(seq - 1), 1).await.expect("answers");
    page.messages.into_iter().next().expect("it is there")
}

fn told(row: &OutboxRow) -> Vec<ChangeEvent> {
    let pushes = records(row).into_iter();
    let event = |push: oort_api::pb::goim::logic::PushMsg| {
        assert_eq!((push.operation, push.seq), (op::CHANGE, 0));
        ChangeEvent::decode(push.msg).expect("a change")
    };
    pushes.map(|(_, push)| event(push)).collect()
}

fn counts(message: &Message) -> Vec<(String, i64)> {
    let reactions = message.extra.iter().flat_map(|extra| &extra.reactions);
    reactions.map(|reaction| (reaction.emoji.clone(), reaction.count)).collect()
}

pub(crate) async fn a_change_is_counted_stored_and_told_once(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
    let at = (direct.id, say(&store, direct.id, &ada, "helo").await);
    let (changed, row) = change(&store, at, &ada, edit("hello")).await;
    let changed = stands(changed);
    assert_eq!(changed.content, "hello");
    assert_eq!(read(&store, direct.id, 1).await, changed, "as it is stored");
    let extra = changed.extra.expect("changed");
    assert_eq!((extra.change_seq, extra.edited_at_ms, extra.gone()), (1, NOW + 1_000, Gone::NotGone));
    let row = row.expect("a row");
    let pushes = records(&row);
    assert_eq!((pushes[0].1.r#type(), pushes[0].1.user_ids.clone()), (Type::Push, vec![ada.id, bob.id]));
    let expected = ChangeEvent {
        conversation: direct.id.get(),
        change_seq: 1,
        seq: 1,
        kind: Kind::Edited.into(),
        actor: Some(ada.clone()),
        at_ms: NOW + 1_000,
        content: "hello".to_owned(),
        ..ChangeEvent::default()
    };
    assert_eq!(told(&row), std::slice::from_ref(&expected));
    let again = change(&store, at, &ada, edit("hello")).await;
    assert_eq!((stands(again.0).content.as_str(), again.1), ("hello", None), "the same edit is no change");

    let room = (conversation(1), say(&store, conversation(1), &bob, "x").await);
    let (_, row) = change(&store, room, &ada, react("👍")).await;
    let push = records(&row.expect("a row")).remove(0).1;
    assert_eq!((push.r#type(), push.room.as_str()), (Type::Room, "1"), "each conversation counts its own");

    let page = store.changes(direct.id, 0, 10).await.expect("answers");
    assert_eq!((page.changes, page.head, page.has_more), (vec![expected], 1, false));
    let page = store.history(direct.id, Range::Newest, 10).await.expect("answers");
    assert_eq!((page.head, page.change_seq), (1, 1));
    let listed = store.entries_of(id(&bob), 100).await.expect("answers");
    let listed = listed.iter().find(|entry| entry.conversation.id == direct.id.get()).expect("is listed");
    assert_eq!((listed.conversation.change_seq, listed.conversation.head), (1, 1));
    assert!(listed.changed_at_ms >= NOW + 1_000, "lists of what changed have it");
    assert_eq!(entry(&store, &ada, conversation(1)).await.change_seq, 1);
}

pub(crate) async fn nothing_is_left_of_what_was_recalled(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let at = (group.id, say(&store, group.id, &bob, "a secret").await);
    stands(change(&store, at, &bob, edit("another secret")).await.0);
    stands(change(&store, at, &ada, react("🎉")).await.0);
    let (changed, row) = change(&store, at, &bob, Alteration::Recall).await;
    let changed = stands(changed);
    let extra = changed.extra.clone().expect("changed");
    assert_eq!((changed.content.as_str(), extra.gone(), extra.reactions.len()), ("", Gone::Recalled, 0));
    assert_eq!((extra.change_seq, extra.edited_at_ms), (3, 0));
    assert_eq!(told(&row.expect("a row"))[0].kind(), Kind::Recalled);
    assert_eq!(store.own_reactions(id(&ada), &[(group.id.get(), 1)]).await.expect("answers"), []);
    let page = store.changes(group.id, 0, 10).await.expect("answers");
    let shown: Vec<_> =
        page.changes.iter().map(|change| (change.kind(), change.content.as_str(), change.count)).collect();
    assert_eq!(shown, [(Kind::Edited, "", 0), (Kind::Reacted, "", 0), (Kind::Recalled, "", 0)]);

    // It is so for good, and says so, whoever asks again and when.
    let late = change_at(&store, at, &bob, Alteration::Recall, NOW + 9 * DAY_MS).await;
    assert_eq!((stands(late.0), late.1), (changed.clone(), None));
    let server = User::default();
    assert_eq!(change(&store, at, &server, Alteration::Erase).await.1, None);
    for late in [edit("again"), react("🎉")] {
        assert_eq!(change(&store, at, &bob, late).await, (Changed::Gone, None));
    }
    assert_eq!(stands(change(&store, at, &bob, unreact("🎉")).await.0), changed);
    let other = (group.id, say(&store, group.id, &bob, "spam").await);
    let erased = stands(change_at(&store, other, &server, Alteration::Erase, NOW + 99 * DAY_MS).await.0);
    assert_eq!(erased.extra.expect("changed").gone(), Gone::Erased);
}

pub(crate) async fn a_repeat_of_a_send_is_known_whatever_became_of_it(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let room = conversation(1);
    let sent = ["one", "two", "three"].map(|text| message(room, &ada, text, text));
    store.append("node", &sent, &[], NOW).await.expect("appends");
    stands(change(&store, (room, 1), &ada, edit("uno")).await.0);
    stands(change(&store, (room, 1), &ada, edit("eins")).await.0);
    stands(change(&store, (room, 2), &ada, Alteration::Recall).await.0);
    stands(change(&store, (room, 3), &ada, react("👍")).await.0);
    let (outcomes, row) = store.append("node", &sent, &[], NOW).await.expect("appends");
    let is_repeat = |outcome: &Appended| matches!(outcome, Appended::Duplicate { .. });
    assert!(outcomes.iter().all(is_repeat) && row.is_none(), "{outcomes:?}");
    let others = ["uno", "eins", ""].map(|text| NewMessage { content: text.into(), ..sent[0].clone() });
    let (outcomes, _) = store.append("node", &others, &[], NOW).await.expect("appends");
    assert_eq!(outcomes, [Appended::Conflict, Appended::Conflict, Appended::Conflict]);
}

pub(crate) async fn who_may_change_what_and_when(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let at = (group.id, say(&store, group.id, &bob, "hi").await);
    let late = NOW + DAY_MS;
    let later = NOW + 2 * DAY_MS;
    for (actor, at, alteration, now_ms, expected) in [
        (&ada, at, edit("ho"), NOW, Changed::Forbidden),
        (&eve, at, react("👍"), NOW, Changed::NotMember),
        (&eve, at, Alteration::Recall, NOW, Changed::NotMember),
        (&bob, at, Alteration::Erase, NOW, Changed::Forbidden),
        (&bob, at, edit("ho"), late, Changed::TooLate),
        (&bob, at, Alteration::Recall, later, Changed::TooLate),
        (&bob, (group.id, 99), Alteration::Recall, NOW, Changed::NoMessage),
        (&bob, (conversation(999), 1), Alteration::Recall, NOW, Changed::NoConversation),
    ] {
        let changed = change_at(&store, at, actor, alteration.clone(), now_ms).await;
        assert_eq!(changed, (expected, None), "{} {alteration:?}", actor.username);
    }
    assert_eq!(stands(change_at(&store, at, &bob, edit("hi"), later).await.0).content, "hi", "it is so");
    stands(change_at(&store, at, &bob, edit("ho"), late - 1).await.0);
    stands(change_at(&store, at, &ada, Alteration::Recall, later).await.0);
    // What the server said stays.
    order(&store, group.id, &ada, GroupChange::Add(vec![id(&eve)])).await;
    for alteration in [edit("x"), Alteration::Recall, react("👍")] {
        assert_eq!(change(&store, (group.id, 2), &ada, alteration).await.0, Changed::Forbidden);
    }
}

async fn order(store: &Arc<dyn Store>, group: ConversationId, actor: &User, change: GroupChange) {
    let order = GroupOrder {
        group,
        actor: actor.clone(),
        is_by_operator: false,
        change,
        members_max: 500,
        admins_max: 3,
        now_ms: NOW,
    };
    store.change_group("node", &order).await.expect("orders");
}

pub(crate) async fn who_may_not_send_may_not_change(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) =
        store.create_group("node", "Team", &ada, &[id(&bob), id(&eve)], NOW).await.expect("creates");
    let group = group.id;
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push((group, say(&store, group, &bob, "hi").await));
    }
    assert_eq!(change(&store, places[0], &eve, Alteration::Recall).await.0, Changed::Forbidden);
    order(&store, group, &ada, GroupChange::SetRole(id(&eve), Role::Admin)).await;
    let until_ms = NOW + DAY_MS;
    order(&store, group, &eve, GroupChange::Mute(id(&bob), until_ms)).await;
    for alteration in [edit("ho"), react("👍")] {
        let muted = change(&store, places[0], &bob, alteration.clone()).await;
        assert_eq!(muted, (Changed::Muted(until_ms), None), "{alteration:?}");
    }
    stands(change(&store, places[0], &bob, Alteration::Recall).await.0);
    stands(change_at(&store, places[1], &eve, Alteration::Recall, NOW + 9 * DAY_MS).await.0);
    order(&store, group, &ada, GroupChange::Dissolve).await;
    for actor in [&ada, &bob, &eve] {
        assert_eq!(change(&store, places[2], actor, Alteration::Recall).await, (Changed::Dissolved, None));
    }
}

pub(crate) async fn reactions_count_each_user_once(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let at = (conversation(2), say(&store, conversation(2), &ada, "x").await);
    for emoji in ["👍", "🎉", "👍", "👩‍👩‍👧‍👦"] {
        stands(change(&store, at, &bob, react(emoji)).await.0);
    }
    let (changed, row) = change(&store, at, &ada, react("👍")).await;
    let expected = [("👍".to_owned(), 2), ("🎉".to_owned(), 1), ("👩‍👩‍👧‍👦".to_owned(), 1)];
    assert_eq!(counts(&stands(changed)), expected);
    let event = told(&row.expect("a row")).remove(0);
    assert_eq!((event.kind(), event.emoji.as_str(), event.count), (Kind::Reacted, "👍", 2));
    assert_eq!(change(&store, at, &ada, react("😀")).await, (Changed::TooManyReactions, None));
    assert_eq!(change(&store, at, &ada, unreact("🎉")).await.1, None, "she does not react so");
    let (changed, row) = change(&store, at, &bob, unreact("🎉")).await;
    assert_eq!(counts(&stands(changed)).len(), 2);
    assert_eq!(told(&row.expect("a row"))[0].count, 0);
    stands(change(&store, at, &ada, react("😀")).await.0);
    let asked = [(2, 1), (2, 2), (1, 1)];
    let mut own = store.own_reactions(id(&ada), &asked).await.expect("answers");
    own.sort_unstable();
    assert_eq!(own, [(2, 1, "👍".to_owned()), (2, 1, "😀".to_owned())]);
    let page = store.changes(at.0, 2, 2).await.expect("answers");
    assert_eq!((page.changes.len(), page.changes[0].change_seq, page.head, page.has_more), (2, 3, 6, true));
    assert_eq!(page.changes[1].count, 2, "as it is now");
}

/// What a client makes of changes, in their order.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    text: BTreeMap<i64, Option<String>>,
    reactions: BTreeMap<(i64, String), i64>,
    change_seq: i64,
}

impl Shown {
    fn apply(&mut self, change: &ChangeEvent) {
        assert_eq!(change.change_seq, self.change_seq + 1, "dense");
        self.change_seq = change.change_seq;
        let seq = change.seq;
        match change.kind() {
            // Without its text it is gone by now, and a later change says so.
            Kind::Edited if change.content.is_empty() => {}
            Kind::Edited => _ = self.text.insert(seq, Some(change.content.clone())),
            Kind::Recalled | Kind::Erased | Kind::Expired => {
                self.text.insert(seq, None);
                self.reactions.retain(|(of, _), _| *of != seq);
            }
            Kind::Reacted | Kind::Unreacted => {
                self.reactions.insert((seq, change.emoji.clone()), change.count);
                self.reactions.retain(|_, count| *count > 0);
            }
        }
    }

    /// The same from the messages as they are read.
    fn read(messages: &[Message], change_seq: i64) -> Self {
        let mut shown = Self { change_seq, ..Self::default() };
        for message in messages {
            let is_gone = message.extra.as_ref().is_some_and(|extra| extra.gone() != Gone::NotGone);
            shown.text.insert(message.seq, (!is_gone).then(|| message.content.clone()));
            let counted = counts(message).into_iter();
            shown.reactions.extend(counted.map(|(emoji, count)| ((message.seq, emoji), count)));
        }
        shown
    }
}

async fn all_changes(store: &Arc<dyn Store>, place: ConversationId, limit: u32) -> Vec<ChangeEvent> {
    let mut all: Vec<ChangeEvent> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.change_seq);
        let page = store.changes(place, after, limit).await.expect("answers");
        all.extend(page.changes);
        if !page.has_more {
            return all;
        }
    }
}

pub(crate) async fn changes_made_on_two_nodes_have_one_order(fixture: Fixture) {
    const ROUNDS: usize = 12;
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob) = (user(&stores[0], "ada").await, user(&stores[0], "bob").await);
    let (group, _) = stores[0].create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    for seq in 1..=3 {
        assert_eq!(say(&stores[0], group.id, &ada, "sent").await, seq);
    }
    let mut devices = JoinSet::new();
    for device in 0..6_usize {
        let (store, place) = (Arc::clone(&stores[device % 2]), group.id);
        let actor = if device < 4 { ada.clone() } else { bob.clone() };
        devices.spawn(async move {
            let owner = format!("node {device}");
            let mut told_of = Vec::new();
            for round in 0..ROUNDS {
                let seq = 1 + i64::try_from(round % 3).expect("small");
                let alteration = match (device, round) {
                    // Two devices of one user do the same at once.
                    (0 | 1, _) => edit(&format!("edit {round}")),
                    // Against the edits, and twice.
                    (2 | 3, 9) => Alteration::Recall,
                    _ => react(["👍", "🎉"][round % 2]),
                };
                let new = new(place, seq, &actor, alteration);
                let (changed, row) = store.change(&owner, &new, &BOUNDS, NOW).await.expect("answers");
                assert!(matches!(changed, Changed::Stands(_) | Changed::Gone), "{changed:?}");
                told_of.extend(row.iter().flat_map(told));
            }
            told_of
        });
    }
    let mut told_of: Vec<ChangeEvent> = devices.join_all().await.into_iter().flatten().collect();
    told_of.sort_unstable_by_key(|change| change.change_seq);
    let recalled = told_of.iter().filter(|change| change.kind() == Kind::Recalled).count();
    assert_eq!(recalled, 1, "who recalls the same message later changes nothing");
    let page = stores[1].history(group.id, Range::After(0), 100).await.expect("answers");
    let now = Shown::read(&page.messages, page.change_seq);
    let mut client =
        Shown { text: (1..=3).map(|seq| (seq, Some("sent".into()))).collect(), ..Shown::default() };
    told_of.iter().for_each(|change| client.apply(change));
    assert_eq!(client, now, "who applies what was told has what is stored");
    let mut late =
        Shown { text: (1..=3).map(|seq| (seq, Some("sent".into()))).collect(), ..Shown::default() };
    all_changes(&stores[0], group.id, 7).await.iter().for_each(|change| late.apply(change));
    assert_eq!(late, now, "and so has who reads the changes later");
    assert!(page.messages[0].extra.as_ref().is_some_and(|extra| extra.gone() == Gone::Recalled));
}

/// The contract in its simplest words.
#[derive(Debug)]
struct Model {
    senders: Vec<i64>,
    texts: Vec<Option<String>>,
    reactions: BTreeMap<(usize, String), BTreeSet<i64>>,
}

impl Model {
    /// `Ok`: whether it is a change.
    fn change(&mut self, seq: i64, actor: &User, alteration: &Alteration) -> Result<bool, Changed> {
        let index = usize::try_from(seq - 1).expect("positive");
        let Some(sender) = self.senders.get(index) else { return Err(Changed::NoMessage) };
        let is_own = *sender == actor.id;
        let is_gone = self.texts[index].is_none();
        match alteration {
            Alteration::Edit(_) | Alteration::Recall if !is_own => Err(Changed::Forbidden),
            Alteration::Erase | Alteration::Expire => Err(Changed::Forbidden),
            Alteration::Edit(_) if is_gone => Err(Changed::Gone),
            Alteration::Edit(text) => {
                Ok(self.texts[index].replace(text.clone()).as_deref() != Some(text.as_str()))
            }
            Alteration::Recall => {
                self.reactions.retain(|(of, _), _| *of != index);
                Ok(self.texts[index].take().is_some())
            }
            Alteration::React(_) if is_gone => Err(Changed::Gone),
            Alteration::React(emoji) => {
                let kinds = self.reactions.keys().filter(|(of, _)| *of == index).count();
                let key = (index, emoji.clone());
                if !self.reactions.contains_key(&key) && kinds >= BOUNDS.reaction_kinds_max {
                    return Err(Changed::TooManyReactions);
                }
                Ok(self.reactions.entry(key).or_default().insert(actor.id))
            }
            Alteration::Unreact(emoji) => {
                let key = (index, emoji.clone());
                let removed = self.reactions.get_mut(&key).is_some_and(|users| users.remove(&actor.id));
                self.reactions.retain(|_, users| !users.is_empty());
                Ok(removed)
            }
        }
    }

    fn shown(&self, change_seq: i64) -> Shown {
        let place = |index: usize| i64::try_from(index + 1).expect("small");
        let counts = self.reactions.iter().map(|((index, emoji), users)| {
            ((place(*index), emoji.clone()), i64::try_from(users.len()).expect("small"))
        });
        Shown {
            text: self.texts.iter().enumerate().map(|(index, text)| (place(index), text.clone())).collect(),
            reactions: counts.collect(),
            change_seq,
        }
    }
}

pub(crate) async fn changes_agree_with_the_model(fixture: Fixture) {
    let store = fixture.open().await;
    let users = [user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await];
    let room = conversation(5);
    let mut model = Model { senders: Vec::new(), texts: Vec::new(), reactions: BTreeMap::new() };
    for sender in [0, 1, 2, 0, 1, 2, 0] {
        say(&store, room, &users[sender], "sent").await;
        model.senders.push(users[sender].id);
        model.texts.push(Some("sent".to_owned()));
    }
    let mut client = model.shown(0);
    let alteration = prop_oneof![
        4 => (0..3).prop_map(|text| Alteration::Edit(format!("text {text}"))),
        1 => Just(Alteration::Recall),
        6 => (0..5).prop_map(|emoji| Alteration::React(format!("e{emoji}"))),
        4 => (0..5).prop_map(|emoji| Alteration::Unreact(format!("e{emoji}"))),
        1 => Just(Alteration::Erase),
    ];
    let script = prop::collection::vec((1_i64..9, 0..users.len(), alteration, -50_i64..50), 250..300);
    // One long script, always the same: its steps build on each other.
    let script = script.new_tree(&mut TestRunner::deterministic()).expect("generates").current();
    let mut last_at_ms = 0;
    for (step, (seq, actor, alteration, drift)) in script.into_iter().enumerate() {
        let expected = model.change(seq, &users[actor], &alteration);
        let now_ms = NOW + i64::try_from(step).expect("small") * 20 + drift;
        let (changed, row) = change_at(&store, (room, seq), &users[actor], alteration.clone(), now_ms).await;
        match expected {
            Err(refused) => assert_eq!((changed, row), (refused, None), "step {step}: {alteration:?}"),
            Ok(is_change) => {
                let message = stands(changed);
                assert_eq!(row.is_some(), is_change, "step {step}: {alteration:?}");
                for event in row.iter().flat_map(told) {
                    assert!(event.at_ms >= last_at_ms, "times never fall");
                    last_at_ms = event.at_ms;
                    assert_eq!(message.extra.as_ref().map(|extra| extra.change_seq), Some(event.change_seq));
                    client.apply(&event);
                }
            }
        }
        assert_eq!(client, model.shown(client.change_seq), "step {step}: {alteration:?}");
    }
    let page = store.history(room, Range::After(0), 100).await.expect("answers");
    assert_eq!(Shown::read(&page.messages, page.change_seq), client);
    for limit in [1, 9, 1_000] {
        let mut late =
            Shown { text: (1..=7).map(|seq| (seq, Some("sent".into()))).collect(), ..Shown::default() };
        all_changes(&store, room, limit).await.iter().for_each(|change| late.apply(change));
        assert_eq!(late, client);
    }
}
