//! Messages whose time ends: shown to nobody from then on, erased once, by whichever node comes first.
//!
//! The times of these tests lie years back: what stays a day has ended, what stays an [`AGE`] has not.

use std::collections::BTreeSet;
use std::sync::Arc;

use oort_api::Code;
use oort_api::clock::now_ms;
use oort_api::expiry::next_ms;
use oort_api::ids::{ConversationId, Seq, UserId};
use oort_api::pb::oort::v1::change_event::Kind;
use oort_api::pb::oort::v1::message_extra::Gone;
use oort_api::pb::oort::v1::{Details, Message, MessageKind, User};
use oort_logic::store::{
    Alteration, Appended, ChangeBounds, Changed, DirectExpiry, Error, ExpirySettled, Filling, Finished,
    GroupChange, GroupEdit, Look, NewChange, NewFile, NewMessage, NewPart, Range, Store,
};

use super::fixture::{Changes as _, Fixture, NOW, id, message, pushed_message, records, say, stored, user};

const DAY_MS: i64 = 24 * 3_600_000;
/// Much longer than it is since [`NOW`].
const AGE_MS: i64 = 100 * 366 * DAY_MS;
const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: DAY_MS, recall_within_ms: DAY_MS, reaction_kinds_max: 3 };

fn staying(message: NewMessage, expires_in_ms: i64) -> NewMessage {
    let details = Details { expires_in_ms, ..message.details.as_deref().cloned().unwrap_or_default() };
    NewMessage { details: Some(Box::new(details)), ..message }
}

fn with(message: NewMessage, details: Details) -> NewMessage {
    NewMessage { details: Some(Box::new(details)), ..message }
}

async fn send(store: &Arc<dyn Store>, batch: &[NewMessage]) -> Vec<i64> {
    let (outcomes, _) = store.append("node", batch, &[], NOW).await.expect("appends");
    outcomes.iter().map(|outcome| stored(outcome).0).collect()
}

async fn history(store: &Arc<dyn Store>, place: ConversationId) -> Vec<Message> {
    store.history(place, Range::After(0), 100).await.expect("answers").messages
}

fn gone(message: &Message) -> Gone {
    message.extra.as_ref().map_or(Gone::NotGone, |extra| extra.gone())
}

fn quoted(message: &Message) -> Option<&str> {
    Some(message.extra.as_ref()?.quote.as_ref()?.content.as_str())
}

async fn change(
    store: &Arc<dyn Store>,
    (conversation, seq): (ConversationId, i64),
    actor: &User,
    alteration: Alteration,
    at_ms: i64,
) -> (Changed, bool) {
    let seq = Seq::new(seq).expect("positive");
    let new = NewChange { conversation, seq, actor: actor.clone(), alteration };
    let (changed, row) =
        oort_logic::store::Changes::change(&**store, "node", &new, &BOUNDS, at_ms).await.expect("answers");
    (changed, row.is_some())
}

/// What the sweep does, once.
async fn sweep(store: &Arc<dyn Store>) -> Vec<i64> {
    sweep_at(store, now_ms()).await
}

async fn sweep_at(store: &Arc<dyn Store>, at_ms: i64) -> Vec<i64> {
    let taken = store.take_expiries(at_ms, 60_000, 100).await.expect("answers");
    let mut settled = Vec::new();
    for &(conversation, seq) in &taken {
        let at = (conversation, seq.get());
        let (changed, _) = change(store, at, &User::default(), Alteration::Expire, at_ms).await;
        let Changed::Stands(message) = changed else { panic!("{changed:?}") };
        let next_ms = message.extra.as_ref().and_then(next_ms);
        settled.push(ExpirySettled { conversation, seq, next_ms });
    }
    store.settle_expiries(&settled).await.expect("settles");
    taken.into_iter().map(|(_, seq)| seq.get()).collect()
}

/// As it is in the store, whatever the time.
async fn bare(fixture: &Fixture, store: &Arc<dyn Store>, place: ConversationId) -> Vec<String> {
    fixture.execute(&format!("UPDATE messages SET extra = NULL WHERE conversation_id = {place}")).await;
    history(store, place).await.into_iter().map(|message| message.content).collect()
}

pub(crate) async fn what_ended_is_shown_to_nobody(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let place = group.id;
    let batch = [
        staying(message(place, &ada, "a", "ended"), DAY_MS),
        staying(message(place, &ada, "b", "stays"), AGE_MS),
        message(place, &ada, "c", "for ever"),
    ];
    assert_eq!(send(&store, &batch).await, [1, 2, 3]);
    let expected = [("", Gone::Expired), ("stays", Gone::NotGone), ("for ever", Gone::NotGone)];
    let shown = |messages: &[Message]| {
        messages.iter().map(|message| (message.content.clone(), gone(message))).collect::<Vec<_>>()
    };
    let expected = expected.map(|(text, gone)| (text.to_owned(), gone));
    let page = history(&store, place).await;
    assert_eq!(shown(&page), expected);
    let ends: Vec<i64> =
        page.iter().map(|message| message.extra.as_ref().map_or(0, |extra| extra.expires_at_ms)).collect();
    assert_eq!(ends, [page[0].created_at_ms + DAY_MS, page[1].created_at_ms + AGE_MS, 0]);

    let entries = store.entries_of(id(&bob), 10).await.expect("answers");
    let list: Vec<_> = entries.into_iter().map(|entry| entry.conversation).collect();
    let list: Vec<_> = list.into_iter().filter(|conversation| conversation.id == place.get()).collect();
    let filling = Filling { user: id(&bob), list, latest: 3 };
    let filled = store.filled_all(&[filling]).await.expect("answers").remove(0).remove(0);
    assert_eq!(shown(&filled.latest), expected.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(filled.unread, 3, "its place counts as before");
    assert_eq!(shown(&store.messages_by(id(&ada), (0, 0), 10).await.expect("answers")), expected);

    // Its words are in the index still: who finds it by them is shown nothing of it.
    store.index(&[place], 10).await.expect("indexes");
    let words = ["ended".to_owned()];
    let look = Look { conversation: place.get(), before_ms: i64::MAX };
    let found = store.postings(&words, &[look], 10).await.expect("answers").remove(0);
    assert_eq!(found.iter().map(|posting| posting.seq).collect::<Vec<_>>(), [1]);
    let read = store.messages_at(&[(place.get(), 1)]).await.expect("answers");
    assert_eq!(shown(&read), [("".to_owned(), Gone::Expired)]);

    // It cannot be answered with its text, changed or taken back any more.
    let answer = with(message(place, &bob, "d", "yes"), Details { reply_to: 1, ..Details::default() });
    let (outcomes, row) = store.append("node", &[answer], &[], NOW).await.expect("appends");
    assert_eq!(stored(&outcomes[0]).0, 4);
    let told = pushed_message(&records(&row.expect("a row"))[0].1);
    assert_eq!((quoted(&told), quoted(&history(&store, place).await[3])), (Some(""), Some("")));
    for alteration in [Alteration::Edit("again".to_owned()), Alteration::React("+".to_owned())] {
        assert_eq!(change(&store, (place, 1), &ada, alteration, now_ms()).await, (Changed::Gone, false));
    }
    let (recalled, is_told) = change(&store, (place, 1), &ada, Alteration::Recall, now_ms()).await;
    assert!(matches!(recalled, Changed::Stands(message) if gone(&message) == Gone::Expired) && !is_told);
}

pub(crate) async fn what_ended_is_not_told_as_a_change_either(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    send(&store, &[staying(message(group.id, &ada, "a", "first"), DAY_MS)]).await;
    let edit = Alteration::Edit("a secret".to_owned());
    assert!(change(&store, (group.id, 1), &ada, edit, NOW).await.1, "its time was not over then");
    assert!(change(&store, (group.id, 1), &ada, Alteration::React("+".to_owned()), NOW).await.1);
    let page = store.changes(group.id, 0, 10).await.expect("answers");
    let shown: Vec<_> =
        page.changes.iter().map(|change| (change.kind(), change.content.as_str(), change.count)).collect();
    assert_eq!(shown, [(Kind::Edited, "", 0), (Kind::Reacted, "", 0)]);
    assert_eq!(history(&store, group.id).await[0].extra.as_ref().map(|extra| extra.change_seq), Some(2));
}

pub(crate) async fn what_ended_is_erased_once_and_its_place_stays(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let place = group.id;
    let batch = [
        staying(message(place, &ada, "a", "ended"), DAY_MS),
        staying(message(place, &ada, "b", "stays"), AGE_MS),
        with(message(place, &bob, "c", "an answer"), Details { reply_to: 2, ..Details::default() }),
    ];
    send(&store, &batch[..2]).await;
    // Written while what it answers is shown.
    send(&store, &batch[2..]).await;
    store.index(&[place], 10).await.expect("indexes");
    assert!(change(&store, (place, 1), &bob, Alteration::React("+".to_owned()), NOW).await.1);
    assert_eq!(quoted(&history(&store, place).await[2]), Some("stays"));

    assert_eq!(sweep(&store).await, [1]);
    assert_eq!(sweep(&store).await, [] as [i64; 0], "once");
    let later_ms = NOW + AGE_MS + DAY_MS;
    assert_eq!(
        sweep_at(&store, later_ms).await.into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([2, 3]),
        "what is quoted ends with it"
    );
    let page = store.changes(place, 0, 10).await.expect("answers");
    let kinds: Vec<_> = page.changes.iter().map(|change| (change.seq, change.kind())).collect();
    assert_eq!(
        kinds,
        [(1, Kind::Reacted), (1, Kind::Expired), (2, Kind::Expired)],
        "clients know by themselves when a quote ends"
    );
    let shown = history(&store, place).await;
    let extra = shown[0].extra.clone().expect("gone");
    assert_eq!((shown[0].content.as_str(), extra.gone(), extra.reactions.len()), ("", Gone::Expired, 0));
    assert_eq!(extra.expires_at_ms, shown[0].created_at_ms + DAY_MS);
    let words = ["ended".to_owned()];
    let look = Look { conversation: place.get(), before_ms: i64::MAX };
    assert_eq!(store.postings(&words, &[look], 10).await.expect("answers"), [vec![]]);

    // What was sent is still known when it is sent again.
    let (again, row) = store.append("node", &batch, &[], NOW).await.expect("appends");
    assert!(again.iter().all(|outcome| matches!(outcome, Appended::Duplicate { .. })), "{again:?}");
    assert_eq!(row, None);
    let other = staying(message(place, &ada, "a", "ended"), 2 * DAY_MS);
    assert_eq!(store.append("node", &[other], &[], NOW).await.expect("answers").0, [Appended::Conflict]);

    // As its sender would have seen it a moment after they sent it.
    let (edited, _) = change(&store, (place, 3), &bob, Alteration::Edit("edited".to_owned()), NOW).await;
    let Changed::Stands(edited) = edited else { panic!("{edited:?}") };
    assert_eq!(quoted(&edited), Some(""), "what it quoted is erased, not only hidden");
    assert_eq!(bare(&fixture, &store, place).await, ["", "", "edited"]);
}

pub(crate) async fn what_was_recalled_before_is_left_alone(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    send(&store, &[staying(message(group.id, &ada, "a", "x"), DAY_MS)]).await;
    assert!(change(&store, (group.id, 1), &ada, Alteration::Recall, NOW).await.1);
    assert_eq!(sweep(&store).await, [1]);
    assert_eq!(sweep(&store).await, [] as [i64; 0]);
    assert_eq!(gone(&history(&store, group.id).await[0]), Gone::Recalled);
    // One that is taken too early, by a clock that is ahead, is looked at again.
    send(&store, &[staying(message(group.id, &ada, "b", "y"), AGE_MS)]).await;
    let taken = store.take_expiries(NOW + 2 * AGE_MS, 0, 10).await.expect("answers");
    assert_eq!(taken.len(), 1);
    let (changed, is_told) =
        change(&store, (group.id, 2), &User::default(), Alteration::Expire, now_ms()).await;
    let Changed::Stands(left) = changed else { panic!("{changed:?}") };
    assert_eq!((left.content.as_str(), is_told), ("y", false));
    let ends_ms = left.extra.as_ref().and_then(next_ms);
    assert_eq!(ends_ms, Some(left.created_at_ms + AGE_MS));
    let (conversation, seq) = taken[0];
    let settled = ExpirySettled { conversation, seq, next_ms: ends_ms };
    store.settle_expiries(&[settled]).await.expect("settles");
    assert_eq!(store.take_expiries(left.created_at_ms + AGE_MS - 1, 0, 10).await.expect("answers"), []);
    assert_eq!(store.take_expiries(left.created_at_ms + AGE_MS, 0, 10).await.expect("answers").len(), 1);
}

pub(crate) async fn of_two_who_erase_each_takes_others(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let batch: Vec<_> =
        (0..20).map(|number| staying(message(group.id, &ada, &number.to_string(), "x"), DAY_MS)).collect();
    send(&store, &batch).await;
    let (one, other) = (fixture.open().await, fixture.open().await);
    let (now_ms, hold_ms) = (now_ms(), 60_000);
    let (first, second) =
        tokio::join!(one.take_expiries(now_ms, hold_ms, 10), other.take_expiries(now_ms, hold_ms, 10));
    let mut all: Vec<i64> = [first, second]
        .into_iter()
        .flat_map(|taken| taken.expect("answers"))
        .map(|(_, seq)| seq.get())
        .collect();
    all.extend(store.take_expiries(now_ms, hold_ms, 100).await.expect("answers").iter().map(|at| at.1.get()));
    all.sort_unstable();
    assert_eq!(all, (1..=20).collect::<Vec<_>>(), "each once");
    assert_eq!(store.take_expiries(now_ms, hold_ms, 100).await.expect("answers"), []);
    let later = store.take_expiries(now_ms + hold_ms, hold_ms, 100).await.expect("answers");
    assert_eq!(later.len(), 20, "what was not erased is taken again");
}

async fn file(store: &Arc<dyn Store>, owner: &User) -> oort_api::ids::FileId {
    let new = NewFile {
        owner: id(owner),
        name: "a.png".to_owned(),
        size: 1,
        part_bytes: 1,
        digest: None,
        key: None,
        files_max: 9,
        bytes_max: 9,
        now_ms: NOW,
        due_ms: NOW,
    };
    let file = store.create_file(&new).await.expect("begins").id;
    let part = NewPart { offset: 0, len: 1, name: 1, due_ms: NOW };
    assert!(store.add_part(file, &part).await.expect("answers"));
    assert!(store.finish_file(file, &Finished::default(), i64::MAX).await.expect("answers"));
    file
}

pub(crate) async fn a_file_is_read_as_long_as_its_message_stays(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let file = file(&store, &ada).await;
    let carrying = |name: &str, expires_in_ms| {
        let attachment = format!(r#"{{"fileId":"{file}","name":"a"}}"#);
        let kind = MessageKind::File.into();
        let details = Details { kind, attachment, expires_in_ms, ..Details::default() };
        with(message(group.id, &ada, name, ""), details)
    };
    let may = async |user: &User| store.may_read_file(file, id(user)).await.expect("answers");
    send(&store, &[carrying("a", DAY_MS)]).await;
    assert_eq!((may(&ada).await, may(&bob).await), (true, false), "its time is over");
    send(&store, &[carrying("b", AGE_MS)]).await;
    assert!(may(&bob).await, "another message carries it");
    assert_eq!(sweep(&store).await, [1]);
    assert!(may(&bob).await && store.due_files(NOW, 10).await.expect("answers") == [file]);
}

async fn set(
    store: &Arc<dyn Store>,
    conversation: ConversationId,
    actor: &User,
    expires_in_ms: i64,
) -> Result<Option<Message>, Error> {
    let asked = DirectExpiry { conversation, actor: actor.clone(), expires_in_ms, now_ms: NOW };
    let row = store.set_direct_expiry("node", &asked).await?;
    Ok(row.map(|row| pushed_message(&records(&row)[0].1)))
}

async fn stays(store: &Arc<dyn Store>, user: UserId, place: ConversationId) -> i64 {
    let entries = store.entries_of(user, 10).await.expect("answers");
    let found = entries.iter().find(|entry| entry.conversation.id == place.get()).expect("is listed");
    found.conversation.expires_in_ms
}

pub(crate) async fn a_conversation_says_how_long_its_messages_stay(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("opens");
    say(&store, direct.id, &ada, "before").await;
    let said = set(&store, direct.id, &bob, DAY_MS).await.expect("may").expect("is told");
    assert_eq!(
        (said.seq, said.kind(), said.content.as_str()),
        (2, MessageKind::System, r#"{"event":"expiry_changed","expiresInMs":86400000}"#)
    );
    assert_eq!(set(&store, direct.id, &ada, DAY_MS).await.expect("may"), None, "it is so already");
    assert_eq!(
        (stays(&store, id(&ada), direct.id).await, stays(&store, id(&bob), direct.id).await),
        (DAY_MS, DAY_MS)
    );
    let batch = [
        message(direct.id, &ada, "a", "after"),
        staying(message(direct.id, &ada, "b", "its own is longer"), AGE_MS),
    ];
    assert_eq!(send(&store, &batch).await, [3, 4]);
    let texts: Vec<_> = history(&store, direct.id).await.into_iter().map(|message| message.content).collect();
    assert_eq!((texts[0].as_str(), texts[2].as_str(), texts[3].as_str()), ("before", "", ""));
    set(&store, direct.id, &ada, 0).await.expect("may").expect("is told");
    say(&store, direct.id, &ada, "for ever").await;
    assert_eq!(history(&store, direct.id).await[5].content, "for ever");
    let refused = set(&store, direct.id, &eve, DAY_MS).await;
    assert!(
        matches!(&refused, Err(Error::Refused(refusal)) if refusal.code == Code::NotMember),
        "{refused:?}"
    );

    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    assert!(matches!(set(&store, group.id, &ada, DAY_MS).await, Err(Error::NoConversation)));
    let edit = || GroupChange::Edit(GroupEdit { expires_in_ms: Some(DAY_MS), ..GroupEdit::default() });
    let refused = store.change("node", group.id, &bob, edit(), NOW).await;
    assert!(
        matches!(&refused, Err(Error::Refused(refusal)) if refusal.code == Code::Forbidden),
        "{refused:?}"
    );
    let row = store.change("node", group.id, &ada, edit(), NOW).await.expect("may").expect("is told");
    let told = records(&row);
    assert_eq!(pushed_message(&told[0].1).content, r#"{"event":"expiry_changed","expiresInMs":86400000}"#);
    let shown = super::fixture::pushed_event(&told[1].1).conversation.expect("a conversation");
    assert_eq!(shown.expires_in_ms, DAY_MS);
    assert_eq!(store.change("node", group.id, &ada, edit(), NOW).await.expect("answers"), None);
    assert_eq!(stays(&store, id(&bob), group.id).await, DAY_MS);
    say(&store, group.id, &bob, "gone tomorrow").await;
    let shown = history(&store, group.id).await;
    assert_eq!(
        (gone(&shown[0]), gone(&shown[1])),
        (Gone::NotGone, Gone::Expired),
        "what the server says stays"
    );
}

pub(crate) async fn a_message_speaks_to_who_is_in_its_conversation(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("opens");
    let to = |place, name: &str, users: &[&User]| {
        let mentions = users.iter().map(|user| user.id).collect();
        with(message(place, &ada, name, "hi"), Details { mentions, ..Details::default() })
    };
    let room = super::fixture::conversation(1);
    let batch = [
        to(group.id, "a", &[&bob, &eve]),
        to(group.id, "b", &[&ada, &bob]),
        to(direct.id, "c", &[&eve]),
        to(direct.id, "d", &[&bob]),
        to(room, "e", &[&eve]),
    ];
    let (outcomes, _) = store.append("node", &batch, &[], NOW).await.expect("answers");
    let stranger = Appended::MentionedNotMember(eve.id);
    assert_eq!((&outcomes[0], &outcomes[2]), (&stranger, &stranger));
    assert_eq!([1, 3, 4].map(|index: usize| stored(&outcomes[index]).0), [1, 1, 1]);
    // Whatever becomes of them afterwards: the same again is the same.
    store.remove_member("node", group.id, &ada, id(&bob), NOW).await.expect("removes");
    let (again, _) = store.append("node", &batch[1..2], &[], NOW).await.expect("answers");
    assert!(matches!(again[0], Appended::Duplicate { .. }));
    let (late, _) = store.append("node", &[to(group.id, "f", &[&bob])], &[], NOW).await.expect("answers");
    assert_eq!(late, [Appended::MentionedNotMember(bob.id)]);
}
