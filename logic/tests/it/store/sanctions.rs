//! Bans and mutes.

use std::sync::Arc;

use mysql_async::prelude::Queryable as _;
use oort_api::ids::{Seq, UserId};
use oort_api::pb::oort::v1::User;
use oort_logic::store::{
    Admission, Alteration, Appended, Begun, ChangeBounds, Changed, Error, Login, NewChange, NewDevice,
    NewSanction, Sanction, SanctionKind, Store,
};

use super::fixture::{Fixture, NOW, id, message, say, unique, user};

const OPERATOR: i64 = 77;

fn sanction(user: &User, kind: SanctionKind, until_ms: i64, now_ms: i64) -> NewSanction {
    NewSanction {
        user: id(user),
        kind,
        until_ms,
        reason: "spam, å'\\".to_owned(),
        actor_id: OPERATOR,
        now_ms,
    }
}

async fn log_in(store: &Arc<dyn Store>, user: &User, login: &str, now_ms: i64) -> Begun {
    let mut refresh_hash = [0; 32];
    refresh_hash[..login.len()].copy_from_slice(login.as_bytes());
    let login = Login {
        id: login.to_owned(),
        user_id: id(user),
        refresh_hash,
        cookie_hash: None,
        created_at_ms: now_ms,
        expires_at_ms: now_ms + 1_000_000,
    };
    let admission = Admission { logins_max: 10, ..Admission::default() };
    store.create_login(&login, &NewDevice::default(), &admission).await.expect("answers")
}

fn users(sanctions: &[Sanction]) -> Vec<i64> {
    sanctions.iter().map(|sanction| sanction.user.id).collect()
}

pub(crate) async fn a_ban_ends_every_log_in_and_refuses_new_ones(fixture: Fixture) {
    let store = fixture.open().await;
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    for login in ["a1", "a2"] {
        log_in(&store, &ann, login, NOW).await;
    }
    log_in(&store, &bob, "b1", NOW).await;
    let ban = sanction(&ann, SanctionKind::Ban, NOW + 100, NOW);
    let mut done = store.sanction("node", &ban).await.expect("bans");
    done.ended.sort();
    assert_eq!((done.ended, done.row), (vec!["a1".to_owned(), "a2".to_owned()], None));
    let ids = ["a1", "b1"].map(Arc::from);
    assert_eq!(store.live_logins(&ids, NOW).await.expect("answers"), [None, Some(id(&bob))]);
    let banned = Begun::Banned(NOW + 100, ban.reason.clone());
    assert_eq!(log_in(&store, &ann, "a3", NOW + 99).await, banned);
    assert!(matches!(log_in(&store, &ann, "a4", NOW + 100).await, Begun::Admitted { .. }), "it is over");
    // Another takes its place, without end.
    let for_ever = NewSanction { until_ms: 0, ..ban.clone() };
    assert_eq!(store.sanction("node", &for_ever).await.expect("bans").ended, ["a4"]);
    assert_eq!(log_in(&store, &ann, "a5", NOW + 1_000_000_000).await, Begun::Banned(0, ban.reason.clone()));
    assert!(store.sanction("node", &for_ever).await.expect("bans").ended.is_empty(), "once more");
    assert!(store.lift("node", SanctionKind::Ban, id(&ann), NOW).await.expect("lifts").0);
    assert!(!store.lift("node", SanctionKind::Ban, id(&ann), NOW).await.expect("answers").0, "there is none");
    assert!(matches!(log_in(&store, &ann, "a6", NOW).await, Begun::Admitted { .. }));
    let nobody = NewSanction { user: UserId::new(999).expect("positive"), ..ban };
    assert!(matches!(store.sanction("node", &nobody).await, Err(Error::NoUser(999))));
}

pub(crate) async fn a_log_in_that_races_with_a_ban_does_not_outlive_it(fixture: Fixture) {
    let store = fixture.open().await;
    for round in 0..10 {
        let ann = user(&store, &format!("ann{round}")).await;
        let name = format!("l{round}");
        let ban = sanction(&ann, SanctionKind::Ban, 0, NOW);
        let (begun, banned) = tokio::join!(log_in(&store, &ann, &name, NOW), store.sanction("node", &ban));
        banned.expect("bans");
        let live = store.live_logins(&[name.as_str().into()], NOW).await.expect("answers");
        assert_eq!(live, [None], "{begun:?}");
    }
}

pub(crate) async fn who_is_muted_says_nothing_anywhere(fixture: Fixture) {
    let store = fixture.open().await;
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let (room, _) = store.create_room("node", "Open", &ann, NOW).await.expect("creates");
    let (group, _) = store.create_group("node", "Team", &bob, &[id(&ann)], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &ann, id(&bob), NOW).await.expect("creates");
    let seq = say(&store, room.id, &ann, "before").await;
    let done =
        store.sanction("node", &sanction(&ann, SanctionKind::Mute, NOW + 100, NOW)).await.expect("mutes");
    assert!(done.ended.is_empty() && done.row.is_some(), "her devices are told");
    let again = store.sanction("node", &sanction(&ann, SanctionKind::Mute, NOW + 100, NOW + 1)).await;
    assert_eq!(again.expect("mutes").row, None, "it is so already");
    let batch = async |now_ms| {
        let batch = [
            message(room.id, &ann, &unique(), "x"),
            message(group.id, &ann, &unique(), "x"),
            message(direct.id, &ann, &unique(), "x"),
            message(room.id, &bob, &unique(), "x"),
        ];
        store.append("node", &batch, &[], now_ms).await.expect("answers").0
    };
    let outcomes = batch(NOW + 99).await;
    assert_eq!(outcomes[..3], vec![Appended::Silenced(NOW + 100); 3]);
    assert!(matches!(outcomes[3], Appended::Stored { .. }), "{outcomes:?}");
    let bounds = ChangeBounds { edit_within_ms: 1_000, recall_within_ms: 1_000, reaction_kinds_max: 9 };
    let change = async |alteration| {
        let seq = Seq::new(seq).expect("positive");
        let change = NewChange { conversation: room.id, seq, actor: ann.clone(), alteration };
        store.change("node", &change, &bounds, NOW + 50).await.expect("answers").0
    };
    assert_eq!(change(Alteration::Edit("y".to_owned())).await, Changed::Silenced(NOW + 100));
    assert_eq!(change(Alteration::React("👍".to_owned())).await, Changed::Silenced(NOW + 100));
    assert!(matches!(change(Alteration::Recall).await, Changed::Stands(_)), "she may take back");
    assert!(batch(NOW + 100).await.iter().all(|one| matches!(one, Appended::Stored { .. })), "it is over");
    store.sanction("node", &sanction(&ann, SanctionKind::Mute, 0, NOW)).await.expect("mutes");
    assert_eq!(batch(NOW + 1_000_000_000).await[0], Appended::Silenced(0));
    let (was_in_force, row) = store.lift("node", SanctionKind::Mute, id(&ann), NOW).await.expect("lifts");
    assert!(was_in_force && row.is_some());
    assert!(matches!(batch(NOW).await[0], Appended::Stored { .. }));
    let events = store.user_events(id(&ann), 0, 10).await.expect("answers").events;
    let told: Vec<_> =
        events.iter().filter(|event| event.kind == "mute_changed").map(|event| &event.data).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("\"muted\":true") && told[2].contains("\"muted\":false"), "{told:?}");
}

/// A window, documented: it looked at the mutes before, and waits for what another connection holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_being_stored_as_the_mute_is_answered_is_stored() {
    let fixture = Fixture::mysql().await;
    let store = fixture.open().await;
    let ann = user(&store, "ann").await;
    let (room, _) = store.create_room("node", "Room", &ann, NOW).await.expect("creates");
    let (mut holder, mut looker) = (fixture.mysql_connection().await, fixture.mysql_connection().await);
    let hold =
        "INSERT INTO messages (conversation_id, seq, sender_id, sender_name, client_msg_id, kind, content,
        created_at_ms) VALUES (?, 1, ?, '', 'held', 0, '', 0)";
    holder.query_drop("START TRANSACTION").await.expect("begins");
    holder.exec_drop(hold, (1_000_000, ann.id)).await.expect("holds the id");
    let sending = {
        let (store, held) = (store.clone(), message(room.id, &ann, "held", "x"));
        tokio::spawn(async move { store.append("node", &[held], &[], NOW).await.expect("answers").0 })
    };
    let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx t
        JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
        WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()";
    while looker.query_first::<i64, _>(waiting).await.expect("answers") == Some(0) {
        assert!(!sending.is_finished(), "it waits for the id");
        // What is asked more often than every 100 ms has the old answer.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }
    store.sanction("other", &sanction(&ann, SanctionKind::Mute, 0, NOW)).await.expect("mutes");
    holder.query_drop("ROLLBACK").await.expect("lets go");
    let outcomes = sending.await.expect("ends");
    assert!(matches!(outcomes[0], Appended::Stored { .. }), "{outcomes:?}");
    let next =
        store.append("node", &[message(room.id, &ann, "next", "x")], &[], NOW).await.expect("answers").0;
    assert_eq!(next, [Appended::Silenced(0)]);
}

pub(crate) async fn what_is_in_force_is_listed(fixture: Fixture) {
    let store = fixture.open().await;
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(user(&store, &format!("user{number}")).await);
    }
    for person in &people[..4] {
        let until_ms = if person.id == people[1].id { NOW + 10 } else { 0 };
        store.sanction("node", &sanction(person, SanctionKind::Ban, until_ms, NOW)).await.expect("bans");
    }
    store.sanction("node", &sanction(&people[4], SanctionKind::Mute, 0, NOW)).await.expect("mutes");
    let page = async |after, limit, now_ms| {
        users(&store.sanctions(SanctionKind::Ban, after, limit, now_ms).await.expect("answers"))
    };
    let ids: Vec<i64> = people.iter().map(|person| person.id).collect();
    assert_eq!(page(0, 10, NOW).await, ids[..4]);
    assert_eq!(page(0, 2, NOW + 10).await, [ids[0], ids[2]], "one is over");
    assert_eq!(page(ids[0], 1, NOW).await, [ids[1]]);
    let asked: Vec<UserId> = [1, 4, 3].map(|index: usize| id(&people[index])).to_vec();
    let found = store.sanctions_of(&asked, NOW).await.expect("answers");
    let kinds: Vec<_> = found.iter().map(|one| (one.user.id, one.kind)).collect();
    assert!(kinds.contains(&(ids[1], SanctionKind::Ban)) && kinds.contains(&(ids[4], SanctionKind::Mute)));
    assert_eq!(kinds.len(), 3);
    let one = found.iter().find(|one| one.user.id == ids[4]).expect("there");
    assert_eq!(
        (one.reason.as_str(), one.actor_id, one.at_ms, one.until_ms),
        ("spam, å'\\", OPERATOR, NOW, 0)
    );
    assert_eq!(one.user.username, "user4");
    assert!(store.sanctions_of(&[], NOW).await.expect("answers").is_empty());
}
