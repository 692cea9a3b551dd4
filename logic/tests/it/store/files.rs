//! Files: how far they have come, who may have as many as they want, and which messages carry them.

use std::sync::Arc;

use oort_api::ids::{ConversationId, FileId, Seq, UserId};
use oort_api::pb::oort::v1::{Details, MessageKind, User};
use oort_logic::store::{
    Alteration, Appended, ChangeBounds, Changes as Recalls, ClientKey, Discard, Discarded, Erased, Error,
    FileState, Finished, NewChange, NewFile, NewMessage, NewPart, Store, StoredFile,
};
use tokio::task::JoinSet;

use super::fixture::{Changes as _, Fixture, NOW, conversation, erase, id, message, stored, unique, user};

const BOUNDS: ChangeBounds =
    ChangeBounds { edit_within_ms: 1_000, recall_within_ms: 1_000, reaction_kinds_max: 1 };
const DUE: i64 = NOW + 1_000;
const LATER: i64 = NOW + 5_000;

fn new(owner: &User, size: u64) -> NewFile {
    NewFile {
        owner: id(owner),
        name: "a ö'\\.png".to_owned(),
        size,
        part_bytes: 100,
        digest: Some([7; 32]),
        key: None,
        files_max: 3,
        bytes_max: 1_000,
        now_ms: NOW,
        due_ms: DUE,
    }
}

async fn create(store: &Arc<dyn Store>, owner: &User, size: u64) -> StoredFile {
    store.create_file(&new(owner, size)).await.expect("begins")
}

async fn add(store: &Arc<dyn Store>, file: FileId, offset: u64, len: u64, name: u64) -> bool {
    store.add_part(file, &NewPart { offset, len, name, due_ms: DUE }).await.expect("answers")
}

/// A whole file.
async fn ready(store: &Arc<dyn Store>, owner: &User) -> FileId {
    let file = create(store, owner, 100).await.id;
    assert!(add(store, file, 0, 100, 1).await);
    assert!(store.finish_file(file, &Finished::default(), DUE).await.expect("answers"));
    file
}

fn carrying(room: ConversationId, sender: &User, file: FileId) -> NewMessage {
    let attachment = format!(r#"{{"fileId":"{file}","name":"a"}}"#);
    let details = Details { kind: MessageKind::File.into(), attachment, ..Details::default() };
    NewMessage { details: Some(Box::new(details)), ..message(room, sender, &unique(), "") }
}

async fn send(store: &Arc<dyn Store>, room: ConversationId, sender: &User, file: FileId) -> Appended {
    let batch = [carrying(room, sender, file)];
    store.append("node", &batch, &[], NOW).await.expect("answers").0.remove(0)
}

async fn recall(store: &Arc<dyn Store>, room: ConversationId, actor: &User, seq: i64) {
    let seq = Seq::new(seq).expect("positive");
    let change = NewChange { conversation: room, seq, actor: actor.clone(), alteration: Alteration::Recall };
    let (_, row) = Recalls::change(&**store, "node", &change, &BOUNDS, NOW).await.expect("answers");
    assert!(row.is_some(), "it is taken back");
}

async fn readers(store: &Arc<dyn Store>, file: FileId, users: &[&User]) -> Vec<bool> {
    let mut may = Vec::new();
    for user in users {
        may.push(store.may_read_file(file, id(user)).await.expect("answers"));
    }
    may
}

pub(crate) async fn an_upload_advances_from_where_it_is(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let begun = create(&store, &ada, 250).await;
    assert_eq!(
        (begun.size, begun.part_bytes, begun.received, begun.state),
        (250, 100, 0, FileState::Uploading)
    );
    assert_eq!((begun.name.as_str(), begun.digest, begun.owner), ("a ö'\\.png", Some([7; 32]), id(&ada)));
    assert!(!add(&store, begun.id, 100, 100, 1).await, "not behind a hole");
    let (first, last) = (0xff00_0000_0027_005c, u64::MAX);
    assert!(add(&store, begun.id, 0, 100, first).await);
    assert!(!add(&store, begun.id, 0, 100, 2).await, "once");
    let whole = Finished {
        mime: "image/png".to_owned(),
        width: 640,
        height: 480,
        thumbnail: "image/jpeg".to_owned(),
    };
    assert!(!store.finish_file(begun.id, &whole, LATER).await.expect("answers"), "it is not whole");
    assert!(add(&store, begun.id, 100, 100, 0).await);
    assert!(add(&store, begun.id, 200, 50, last).await);
    assert!(!store.may_read_file(begun.id, id(&ada)).await.expect("answers"), "not before it is ready");
    assert!(store.finish_file(begun.id, &whole, LATER).await.expect("answers"));
    assert!(!store.finish_file(begun.id, &whole, LATER).await.expect("answers"), "once");
    assert!(!add(&store, begun.id, 250, 1, 3).await, "nothing comes after the end");
    let file = store.file(begun.id).await.expect("answers").expect("is there");
    let expected = StoredFile {
        received: 250,
        parts: vec![first, 0, last],
        state: FileState::Ready,
        finished: whole,
        ..begun
    };
    assert_eq!(file, expected);
    assert_eq!(store.files_of(id(&ada), 0, 10).await.expect("answers"), [expected]);
    assert_eq!(store.files_of(id(&ada), file.id.get(), 10).await.expect("answers"), []);
}

pub(crate) async fn of_two_writers_on_two_nodes_one_wins_each_place(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let file =
        store.create_file(&NewFile { bytes_max: 10_000, ..new(&ada, 1_000) }).await.expect("begins").id;
    let mut writers = JoinSet::new();
    for writer in 1..=4_u64 {
        let store = fixture.open().await;
        writers.spawn(async move {
            let mut won = Vec::new();
            for place in 0..10 {
                if add(&store, file, place * 100, 100, writer).await {
                    won.push(place);
                }
            }
            (writer, won)
        });
    }
    let mut by_place = [0; 10];
    while let Some(done) = writers.join_next().await {
        let (writer, won) = done.expect("ends");
        for place in won {
            let place = usize::try_from(place).expect("small");
            assert_eq!(std::mem::replace(&mut by_place[place], writer), 0, "a place has one winner");
        }
    }
    let file = store.file(file).await.expect("answers").expect("is there");
    let received = usize::try_from(file.received / 100).expect("small");
    assert_eq!(file.parts, by_place[..received], "the names are those of the winners");
    assert!(by_place[received..].iter().all(|&winner| winner == 0));
}

pub(crate) async fn a_user_has_as_much_as_they_may(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let is_refused = async |owner: &User, size| {
        matches!(store.create_file(&new(owner, size)).await, Err(Error::Refused(_)))
    };
    let large = create(&store, &ada, 900).await;
    assert!(is_refused(&ada, 101).await, "too many bytes");
    create(&store, &ada, 50).await;
    create(&store, &ada, 49).await;
    assert!(is_refused(&ada, 1).await, "too many files");
    create(&store, &bob, 1_000).await;
    assert_eq!(store.discard_file(large.id, Discard::Owner(id(&bob))).await.expect("answers"), Discarded::No);
    assert_eq!(
        store.discard_file(large.id, Discard::Owner(id(&ada))).await.expect("answers"),
        Discarded::Yes
    );
    assert_eq!(store.discard_file(large.id, Discard::Owner(id(&ada))).await.expect("answers"), Discarded::No);
    assert_eq!(store.file(large.id).await.expect("answers"), None);
    create(&store, &ada, 901).await;

    // Of many at once as many get through as may.
    let eve = user(&store, "eve").await;
    let mut makers = JoinSet::new();
    for _ in 0..6 {
        let (store, new) = (fixture.open().await, new(&eve, 10));
        makers.spawn(async move { store.create_file(&new).await.is_ok() });
    }
    let made = makers.join_all().await.into_iter().filter(|&made| made).count();
    assert_eq!(made, 3);

    let key = |text: &str, part: &str| Some(ClientKey::new(id(&bob), text, &["create_file", part], 60_000));
    store.discard_files_of(id(&bob)).await.expect("discards");
    let once = NewFile { key: key("k", "a"), ..new(&bob, 10) };
    let first = store.create_file(&once).await.expect("begins");
    assert_eq!(store.create_file(&once).await.expect("answers"), first, "one key makes one");
    let other = NewFile { key: key("k", "b"), ..new(&bob, 11) };
    assert!(matches!(store.create_file(&other).await, Err(Error::KeyConflict)));
    store.discard_file(first.id, Discard::Owner(id(&bob))).await.expect("answers");
    assert!(matches!(store.create_file(&once).await, Err(Error::Refused(_))), "what was made is gone");
}

pub(crate) async fn messages_say_who_may_read_a_file(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let everybody = [&ada, &bob, &eve];
    let file = ready(&store, &ada).await;
    let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("meets");
    let (group, _) = store.create_group("node", "us", &bob, &[id(&eve)], NOW).await.expect("founds");
    assert_eq!(readers(&store, file, &everybody).await, [true, false, false]);
    assert_eq!(send(&store, group.id, &bob, file).await, Appended::NoFile, "not who may not read it");
    let uploading = create(&store, &ada, 10).await.id;
    assert_eq!(send(&store, direct.id, &ada, uploading).await, Appended::NoFile, "not before it is ready");
    let nowhere = FileId::new(999).expect("positive");
    assert_eq!(send(&store, direct.id, &ada, nowhere).await, Appended::NoFile);

    let (first, _) = stored(&send(&store, direct.id, &ada, file).await);
    assert_eq!(readers(&store, file, &everybody).await, [true, true, false]);
    // Who may read it may send it on, and so it goes on.
    let (second, _) = stored(&send(&store, group.id, &bob, file).await);
    assert_eq!(readers(&store, file, &everybody).await, [true, true, true]);
    store.remove_member("node", group.id, &bob, id(&eve), NOW).await.expect("removes");
    assert_eq!(readers(&store, file, &everybody).await, [true, true, false], "not who left");
    store.add_members("node", group.id, &bob, &[id(&eve)], NOW).await.expect("comes back");
    recall(&store, direct.id, &ada, first).await;
    assert_eq!(readers(&store, file, &everybody).await, [true, true, true], "the copy carries it");
    recall(&store, group.id, &bob, second).await;
    assert_eq!(readers(&store, file, &everybody).await, [true, false, false]);
    // In an open room everybody is.
    stored(&send(&store, conversation(3), &ada, file).await);
    assert_eq!(readers(&store, file, &everybody).await, [true, true, true]);
}

pub(crate) async fn what_nobody_needs_is_due(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let room = conversation(3);
    let (file, given_up) = (ready(&store, &ada).await, create(&store, &ada, 10).await.id);
    let due = async |now_ms| store.due_files(now_ms, 10).await.expect("answers");
    let discard = async |file, now_ms| store.discard_file(file, Discard::Due(now_ms)).await.expect("answers");
    assert_eq!(due(DUE - 1).await, []);
    assert_eq!(due(DUE).await, [file, given_up]);
    assert_eq!(discard(given_up, DUE - 1).await, Discarded::No);
    let (seq, _) = stored(&send(&store, room, &ada, file).await);
    let (again, _) = stored(&send(&store, room, &bob, file).await);
    assert_eq!(
        store.discard_file(file, Discard::Owner(id(&ada))).await.expect("answers"),
        Discarded::Carried
    );
    assert_eq!(discard(file, DUE).await, Discarded::Carried);
    assert_eq!(discard(given_up, DUE).await, Discarded::Yes);
    assert_eq!(due(DUE).await, [given_up], "until it is forgotten, and what is carried no more");
    store.forget_file(given_up).await.expect("forgets");
    assert_eq!(due(i64::MAX - 1).await, []);

    recall(&store, room, &ada, seq).await;
    assert_eq!(due(0).await, [file], "somebody has to see");
    assert_eq!(discard(file, 0).await, Discarded::Carried);
    // Erasing what a user wrote takes back what they sent on as well.
    store.delete_account(id(&bob), true, NOW).await.expect("deletes");
    while let Erased::Some(_) = erase(&store, "node", &bob, 10).await {}
    assert_eq!(due(0).await, [file], "seq {again}");
    assert_eq!(discard(file, 0).await, Discarded::Yes);
    assert_eq!(discard(file, 0).await, Discarded::Yes, "by another node, too");
    assert_eq!(send(&store, room, &ada, file).await, Appended::NoFile);
    store.forget_file(file).await.expect("forgets");
    assert_eq!(discard(file, 0).await, Discarded::No);

    // All of a user's go, whatever carries them.
    let kept = ready(&store, &ada).await;
    stored(&send(&store, room, &ada, kept).await);
    store.discard_files_of(id(&ada)).await.expect("discards");
    assert_eq!(readers(&store, kept, &[&ada]).await, [false]);
    assert_eq!(due(0).await, [kept]);
    assert_eq!(discard(kept, 0).await, Discarded::Yes);
    store.forget_file(kept).await.expect("forgets");
    assert_eq!(store.create_file(&new(&ada, 1_000)).await.expect("begins").owner, id(&ada));
    let nobody = UserId::new(999).expect("positive");
    store.discard_files_of(nobody).await.expect("answers");
}
