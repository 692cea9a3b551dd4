//! Notifications for devices that are away: targets, feed and queue.

use std::sync::Arc;

use oort_api::ids::{ConversationId, UserId};
use oort_api::pb::oort::v1::{ConversationKind, User};
use oort_logic::store::{
    Admission, ConversationInfo, Due, Login, NewDevice, NewNotification, Settled, Store, Target, TargetKind,
};

use super::fixture::{Fixture, NOW, id, say, user};

/// Both take for so long, ms.
const LEASE: i64 = 1_000;

async fn log_in(store: &Arc<dyn Store>, user: &User, name: &str, hash: u8) {
    let login = Login {
        id: name.to_owned(),
        user_id: id(user),
        refresh_hash: [hash; 32],
        cookie_hash: None,
        created_at_ms: NOW,
        expires_at_ms: NOW + 100_000,
    };
    let admission = Admission { logins_max: 100, ..Admission::default() };
    store.create_login(&login, &NewDevice::default(), &admission).await.expect("logs in");
}

fn hook(user: &User, login_id: &str, id: &str) -> Target {
    Target {
        id: id.to_owned(),
        login_id: login_id.to_owned(),
        user: UserId::new(user.id).expect("positive"),
        kind: TargetKind::Webhook,
        address: "https://hook.example/".to_owned(),
        secret: id.as_bytes().to_vec(),
        created_at_ms: NOW,
    }
}

fn new(user: &User, login_id: &str, conversation: ConversationId, seq: i64) -> NewNotification {
    let user = id(user);
    NewNotification { login_id: login_id.to_owned(), user, conversation, seq, due_at_ms: NOW + 10 }
}

fn done(due: &Due) -> Settled {
    let login_id = due.target.login_id.clone();
    Settled::Done { login_id, conversation: due.conversation, seq: due.seq }
}

/// Ada and Bob, who talk; Bob's log-in `b1` has a target.
struct Talk {
    store: Arc<dyn Store>,
    ada: User,
    bob: User,
    direct: ConversationInfo,
}

impl Talk {
    async fn start(fixture: &Fixture) -> Self {
        let store = fixture.open().await;
        let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
        log_in(&store, &ada, "a1", 1).await;
        log_in(&store, &bob, "b1", 2).await;
        log_in(&store, &bob, "b2", 3).await;
        store.put_target(&hook(&bob, "b1", "t1")).await.expect("answers").expect("is live");
        let (direct, _) = store.direct("node", &ada, id(&bob), NOW).await.expect("creates");
        Self { store, ada, bob, direct }
    }

    async fn queue(&self, new: &[NewNotification], device_rows_max: u32, now_ms: i64) -> u64 {
        self.store.queue_notifications(new, device_rows_max, now_ms).await.expect("queues")
    }

    async fn take(&self, now_ms: i64) -> Vec<Due> {
        self.store.take_notifications(now_ms, LEASE, 10).await.expect("answers")
    }

    async fn settle(&self, settled: Settled, now_ms: i64) {
        self.store.settle_notifications(&[settled], now_ms).await.expect("settles");
    }
}

pub(crate) async fn a_log_in_has_one_target_and_takes_it_along(fixture: Fixture) {
    let Talk { store, ada, bob, .. } = Talk::start(&fixture).await;
    let held = async |login: &str, who: &User| store.target(login, id(who)).await.expect("answers");
    assert_eq!(held("b1", &bob).await, Some(hook(&bob, "b1", "t1")));
    assert_eq!(held("b1", &ada).await, None, "it is another's");
    let same = store.put_target(&hook(&bob, "b1", "t2")).await.expect("answers");
    assert_eq!(same, Some(hook(&bob, "b1", "t1")), "nothing else was asked for");
    for nobodys in [hook(&ada, "b1", "t2"), hook(&bob, "b9", "t2")] {
        assert_eq!(store.put_target(&nobodys).await.expect("answers"), None);
    }
    let browser = |login: &str, id: &str| Target { kind: TargetKind::WebPush, ..hook(&bob, login, id) };
    store.put_target(&browser("b1", "t3")).await.expect("answers").expect("in its place");
    store
        .put_target(&browser("b2", "t4"))
        .await
        .expect("answers")
        .expect("another log-in of the same browser");
    assert_eq!(held("b1", &bob).await, None, "it moved");
    assert_eq!(held("b2", &bob).await.map(|target| target.id), Some("t4".to_owned()));
    assert!(!store.remove_target("b2", "t3").await.expect("answers"), "another is there by now");
    assert!(store.end_login("b2", id(&bob)).await.expect("ends"));
    assert_eq!(held("b2", &bob).await, None);
    store.put_target(&hook(&bob, "b1", "t5")).await.expect("answers").expect("is live");
    assert!(store.remove_target("b1", "t5").await.expect("answers"));
}

pub(crate) async fn sends_are_fed_while_there_are_targets(fixture: Fixture) {
    let Talk { store, ada, bob, direct } = Talk::start(&fixture).await;
    let room = store.create_room("node", "Lobby", &ada, NOW).await.expect("creates").0;
    say(&store, room.id, &ada, "to everyone").await;
    assert_eq!(
        store.take_feed(NOW + 60_000, LEASE, 10).await.expect("answers"),
        [],
        "open rooms wake nobody"
    );
    say(&store, direct.id, &ada, "one").await;
    say(&store, direct.id, &bob, "two").await;
    let at = NOW + 60_000;
    let rows = store.take_feed(at, LEASE, 10).await.expect("answers");
    let mut sent: Vec<_> =
        rows.iter().flat_map(|row| row.sent.iter().flatten()).map(|sent| (sent.seq, sent.sender)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(1, ada.id), (2, bob.id)]);
    assert_eq!(store.take_feed(at, LEASE, 10).await.expect("answers"), [], "another has them");
    let again = store.take_feed(at + LEASE, LEASE, 10).await.expect("answers");
    assert_eq!(again.len(), 2, "who had them died");
    store.delete_feed(&[again[0].id, again[1].id]).await.expect("deletes");
    assert_eq!(store.take_feed(at + 9 * LEASE, LEASE, 10).await.expect("answers"), []);
    assert_eq!(store.notification_backlog(at).await.expect("answers").feed, 0);
    for text in ["a", "b", "c", "d"] {
        say(&store, direct.id, &ada, text).await;
    }
    assert_eq!(store.trim_feed(2, 1).await.expect("trims"), 1, "as many as it may");
    assert_eq!(store.trim_feed(2, 10).await.expect("trims"), 1);
    assert_eq!(store.trim_feed(2, 10).await.expect("trims"), 0);
    let kept = store.take_feed(at + 9 * LEASE, LEASE, 10).await.expect("answers");
    let kept: Vec<i64> = kept.iter().flat_map(|row| row.sent.iter().flatten()).map(|sent| sent.seq).collect();
    assert_eq!(kept, [5, 6], "the newest");
    store.trim_feed(0, 10).await.expect("trims");
    assert_eq!(store.trim_feed(0, 10).await.expect("an empty one"), 0);
    store.remove_target("b1", "t1").await.expect("removes");
    say(&store, direct.id, &ada, "three").await;
    assert_eq!(store.take_feed(at + 9 * LEASE, LEASE, 10).await.expect("answers"), [], "nobody to be told");
}

pub(crate) async fn listeners_are_paged_by_members(fixture: Fixture) {
    let Talk { store, ada, bob, direct } = Talk::start(&fixture).await;
    store.put_target(&hook(&bob, "b2", "t2")).await.expect("answers").expect("is live");
    let of = async |after, limit| {
        let found = store.listeners(direct.id, after, limit).await.expect("answers");
        let mut found: Vec<_> = found.into_iter().map(|one| (one.user.get(), one.login_id)).collect();
        found.sort();
        found
    };
    let bobs = [(bob.id, Some("b1".to_owned())), (bob.id, Some("b2".to_owned()))];
    assert_eq!(of(0, 1).await, [(ada.id, None)]);
    assert_eq!(of(ada.id, 1).await, bobs, "a page counts members");
    assert_eq!(of(0, 9).await.len(), 3);
    assert_eq!(of(bob.id, 9).await, []);
}

pub(crate) async fn a_row_waits_until_it_is_settled(fixture: Fixture) {
    let talk = Talk::start(&fixture).await;
    let (ada, bob, place) = (&talk.ada, &talk.bob, talk.direct.id);
    for text in ["one", "two", "three"] {
        say(&talk.store, place, ada, text).await;
    }
    let gone = new(bob, "b9", place, 1);
    assert_eq!(talk.queue(&[new(bob, "b1", place, 1), gone], 10, NOW).await, 0, "who went is passed over");
    talk.queue(&[new(bob, "b1", place, 2)], 10, NOW + 5).await;
    assert_eq!(talk.take(NOW + 9).await, [], "not before its time");
    let backlog = talk.store.notification_backlog(NOW + 9).await.expect("answers");
    assert_eq!((backlog.queue, backlog.oldest_ms), (1, 9), "one for the conversation");

    let taken = talk.take(NOW + 10).await;
    let [due] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((due.target.id.as_str(), due.seq, due.attempts, due.created_at_ms), ("t1", 2, 0, NOW));
    assert_eq!((due.sender, due.sender_name.as_str(), due.content.as_str()), (ada.id, "ada", "two"));
    assert_eq!((due.unread, due.read_seq, due.kind), (3, 0, ConversationKind::Direct));
    assert!(due.is_member && !due.is_sender_blocked && !due.is_hidden && !due.is_untold);
    assert_eq!((due.login_expires_at_ms, due.muted_until_ms), (NOW + 100_000, 0));

    assert_eq!(talk.take(NOW + 11).await, [], "another has it");
    let again = |due_at_ms, counts| Settled::Again {
        login_id: "b1".to_owned(),
        conversation: place,
        due_at_ms,
        counts,
    };
    talk.settle(again(NOW + 50, true), NOW + 12).await;
    assert_eq!(talk.take(NOW + 49).await, []);
    let later = talk.take(NOW + 50).await;
    assert_eq!(later.iter().map(|due| due.attempts).collect::<Vec<_>>(), [1]);
    assert_eq!(talk.take(NOW + 50 + LEASE).await.len(), 1, "who had it died");

    // Something newer comes while it is under way.
    talk.queue(&[new(bob, "b1", place, 3)], 10, NOW + 60).await;
    talk.settle(done(&later[0]), NOW + 70).await;
    let newer = talk.take(NOW + 70).await;
    assert_eq!(newer.iter().map(|due| (due.seq, due.attempts)).collect::<Vec<_>>(), [(3, 0)]);
    talk.settle(done(&newer[0]), NOW + 80).await;
    assert_eq!(talk.take(NOW + 99 * LEASE).await, []);
}

pub(crate) async fn a_device_keeps_the_newest_of_its_rows(fixture: Fixture) {
    let talk = Talk::start(&fixture).await;
    let mut places = Vec::new();
    for name in ["x", "y", "z"] {
        let bob = id(&talk.bob);
        let group = talk.store.create_group("node", name, &talk.ada, &[bob], NOW).await.expect("creates").0;
        say(&talk.store, group.id, &talk.ada, name).await;
        places.push(group.id);
    }
    let mut lost = 0;
    for (&place, at) in places.iter().zip(NOW..) {
        lost += talk.queue(&[new(&talk.bob, "b1", place, 2)], 2, at).await;
    }
    assert_eq!(lost, 1);
    let mut left: Vec<_> = talk.take(NOW + 100).await.iter().map(|due| due.name.clone()).collect();
    left.sort();
    assert_eq!(left, ["y", "z"]);
}

pub(crate) async fn with_a_target_goes_what_waits_for_it(fixture: Fixture) {
    let talk = Talk::start(&fixture).await;
    say(&talk.store, talk.direct.id, &talk.ada, "one").await;
    talk.queue(&[new(&talk.bob, "b1", talk.direct.id, 1)], 10, NOW).await;
    assert!(talk.store.end_login("b1", id(&talk.bob)).await.expect("ends"));
    assert_eq!(talk.store.notification_backlog(NOW).await.expect("answers").queue, 0);
    assert_eq!(talk.take(NOW + 100).await, []);
}

pub(crate) async fn of_two_who_take_each_gets_other_rows(fixture: Fixture) {
    let talk = Talk::start(&fixture).await;
    let mut rows = Vec::new();
    for number in 0..20 {
        let bob = id(&talk.bob);
        let name = format!("g{number}");
        let group = talk.store.create_group("node", &name, &talk.ada, &[bob], NOW).await.expect("creates").0;
        rows.push(new(&talk.bob, "b1", group.id, 1));
    }
    talk.queue(&rows, 100, NOW).await;
    let (first, second) = tokio::join!(
        talk.store.take_notifications(NOW + 10, LEASE, 15),
        talk.store.take_notifications(NOW + 10, LEASE, 15),
    );
    let mut taken: Vec<_> = [first.expect("answers"), second.expect("answers")].concat();
    taken.extend(talk.store.take_notifications(NOW + 10, LEASE, 15).await.expect("answers"));
    let mut places: Vec<_> = taken.iter().map(|due| due.conversation.get()).collect();
    places.sort_unstable();
    let mut expected: Vec<_> = rows.iter().map(|row| row.conversation.get()).collect();
    expected.sort_unstable();
    assert_eq!(places, expected, "each once");
}
