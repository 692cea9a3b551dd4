//! Users, log-ins, signing keys.

use std::sync::Arc;

use oort_api::directory::LoginTag;
use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use oort_logic::store::{
    Admission, Begun, Device, DeviceKind, DevicePolicy, EarlyKey, Error, Login, NewDevice, NewUser, Rotation,
    Sightings, SigningKey, Store,
};

use super::fixture::{Fixture, NOW, id, user};

fn new_user(name: &str, email: Option<&str>) -> NewUser {
    NewUser {
        username: name.to_owned(),
        username_key: name.to_lowercase(),
        email: email.map(str::to_owned),
        password_hash: format!("hash of {name}"),
        created_at_ms: NOW,
        key: None,
    }
}

fn login(user_id: UserId, name: &str, hash: u8) -> Login {
    Login {
        id: name.to_owned(),
        user_id,
        refresh_hash: [hash; 32],
        cookie_hash: Some([hash.wrapping_add(100); 32]),
        created_at_ms: NOW,
        expires_at_ms: NOW + 1_000,
    }
}

/// A log-in that nothing keeps away.
async fn begin(store: &Arc<dyn Store>, login: &Login, device: &str) -> Result<Begun, Error> {
    let device = NewDevice { name: device.to_owned(), ..NewDevice::default() };
    store.create_login(login, &device, &Admission { logins_max: 100, ..Admission::default() }).await
}

pub(crate) async fn the_key_of_a_sign_up_is_kept_with_its_account(fixture: Fixture) {
    let store = fixture.open().await;
    let key = EarlyKey::new("tab-1", &["create_account", "Ada"], 1_000);
    let ada = NewUser { key: Some(key.clone()), ..new_user("Ada", None) };
    let ada = id(&store.create_user(&ada).await.expect("creates"));
    assert!(store.was_made(&key.of(ada), NOW + 999).await.expect("answers"));
    assert!(!store.was_made(&key.of(ada), NOW + 1_000).await.expect("answers"), "forgotten");
    let other = EarlyKey::new("tab-1", &["create_account", "ADA"], 1_000);
    let conflict = store.was_made(&other.of(ada), NOW).await;
    assert!(matches!(conflict, Err(Error::KeyConflict)), "{conflict:?}");
    let taken =
        NewUser { key: Some(EarlyKey::new("tab-2", &["create_account"], 1_000)), ..new_user("ada", None) };
    let refused = store.create_user(&taken).await;
    assert!(matches!(refused, Err(Error::UsernameTaken)), "{refused:?}");
    assert!(!store.was_made(&taken.key.expect("given").of(ada), NOW).await.expect("answers"));
    let bob = id(&store.create_user(&new_user("bob", None)).await.expect("creates"));
    assert!(!store.was_made(&key.of(bob), NOW).await.expect("answers"), "keys are each user's own");
}

pub(crate) async fn names_and_addresses_are_unique(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = store.create_user(&new_user("Ada", Some("ada@example.org"))).await.expect("creates");
    assert_eq!((ada.id, ada.username.as_str()), (1, "Ada"));
    let again = store.create_user(&new_user("ADA", None)).await;
    assert!(matches!(again, Err(Error::UsernameTaken)), "{again:?}");
    let again = store.create_user(&new_user("eva", Some("ada@example.org"))).await;
    assert!(matches!(again, Err(Error::EmailTaken)), "{again:?}");
    for name in ["bob", "Zoë 漢字 😀"] {
        store.create_user(&new_user(name, None)).await.expect("addresses are optional");
    }

    let found = store.credentials_by_name("ada").await.expect("answers").expect("is there");
    assert_eq!((found.user, found.password_hash.as_str()), (ada.clone(), "hash of Ada"));
    let found = store.credentials_by_email("ada@example.org").await.expect("answers").expect("is there");
    assert_eq!(found.user, ada);
    assert!(store.credentials_by_name("Ada").await.expect("answers").is_none(), "keys are exact");
    assert!(store.credentials_by_name("ada ").await.expect("answers").is_none(), "keys are not padded");
    assert_eq!(store.user(id(&ada)).await.expect("answers"), Some(ada));
    let unicode = store.credentials_by_name("zoë 漢字 😀").await.expect("answers").expect("is there");
    assert_eq!(unicode.user.username, "Zoë 漢字 😀");
    assert_eq!(store.user(UserId::new(99).expect("positive")).await.expect("answers"), None);
}

pub(crate) async fn users_are_found_by_prefix(fixture: Fixture) {
    let store = fixture.open().await;
    for name in ["anna", "Ann", "bob", "an_x", "an%x", "anz", "é"] {
        user(&store, name).await;
    }
    let found = |prefix: &'static str, limit| {
        let store = store.clone();
        async move {
            let users = store.find_users(prefix, limit).await.expect("answers");
            users.into_iter().map(|user| user.username).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("an", 10).await, ["an%x", "an_x", "Ann", "anna", "anz"]);
    assert_eq!(found("an", 2).await, ["an%x", "an_x"]);
    assert_eq!(found("an%", 10).await, ["an%x"]);
    assert_eq!(found("an_", 10).await, ["an_x"]);
    assert_eq!(found("é", 10).await, ["é"]);
    assert!(found("q", 10).await.is_empty());
}

pub(crate) async fn log_ins_live_until_they_end(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let first = login(id(&ada), "first", 1);
    begin(&store, &first, "phone").await.expect("creates");
    assert_eq!(store.login("first", NOW).await.expect("answers"), Some((first.clone(), ada.clone())));
    let by_cookie = store.login_by_cookie(&[101; 32], NOW).await.expect("answers");
    assert_eq!(by_cookie, Some((first, ada.clone())));
    assert_eq!(store.login("first", NOW + 1_000).await.expect("answers"), None, "expired");
    assert_eq!(store.login_by_cookie(&[101; 32], NOW + 1_000).await.expect("answers"), None, "expired");
    assert_eq!(store.login_by_cookie(&[1; 32], NOW).await.expect("answers"), None);

    let without_cookie = Login { cookie_hash: None, ..login(id(&ada), "second", 2) };
    begin(&store, &without_cookie, "phone").await.expect("creates");
    let other = Login { cookie_hash: None, ..login(id(&ada), "third", 3) };
    begin(&store, &other, "phone").await.expect("two without a cookie");
    let bob = user(&store, "bob").await;
    assert!(!store.end_login("second", id(&bob)).await.expect("answers"), "it is another's");
    assert!(store.end_login("second", id(&ada)).await.expect("ends"));
    assert!(!store.end_login("second", id(&ada)).await.expect("ends"), "it is over");
    assert_eq!(store.login("second", NOW).await.expect("answers"), None);
    assert!(store.login("third", NOW).await.expect("answers").is_some());

    let nobody = login(UserId::new(77).expect("positive"), "fourth", 4);
    let refused = begin(&store, &nobody, "phone").await;
    assert!(matches!(refused, Err(Error::NoUser(77))), "{refused:?}");
}

fn reused(user: &User) -> Rotation {
    Rotation::Reused { login_id: "one".to_owned(), user_id: id(user) }
}

pub(crate) async fn many_log_ins_are_looked_up_together(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let without_cookie = |user, name, number| Login { cookie_hash: None, ..login(user, name, number) };
    begin(&store, &without_cookie(id(&ada), "first", 1), "phone").await.expect("creates");
    begin(&store, &without_cookie(id(&bob), "it's", 2), "phone").await.expect("creates");
    begin(&store, &without_cookie(id(&bob), "over", 3), "phone").await.expect("creates");
    store.end_login("over", id(&bob)).await.expect("ends");
    let ids: Vec<Arc<str>> = ["it's", "none", "first", "over", "first"].map(Arc::from).into();
    let owners = store.live_logins(&ids, NOW).await.expect("answers");
    assert_eq!(owners, [Some(id(&bob)), None, Some(id(&ada)), None, Some(id(&ada))]);
    assert_eq!(store.live_logins(&ids, NOW + 1_000).await.expect("answers"), [None; 5], "expired");
    assert!(store.live_logins(&[], NOW).await.expect("answers").is_empty());
}

pub(crate) async fn a_user_sees_their_log_ins(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let later = Login { created_at_ms: NOW + 5, ..login(id(&ada), "later", 2) };
    begin(&store, &login(id(&ada), "first", 1), "Firefox on Linux").await.expect("creates");
    begin(&store, &later, "").await.expect("creates");
    begin(&store, &login(id(&bob), "bobs", 3), "phone").await.expect("creates");
    let listed = |now_ms: i64, limit: u32| {
        let (store, ada) = (store.clone(), id(&ada));
        async move { store.devices_of(ada, now_ms, limit).await.expect("answers") }
    };
    let first = Device {
        login_id: "first".to_owned(),
        name: "Firefox on Linux".to_owned(),
        kind: DeviceKind::Other,
        created_at_ms: NOW,
        last_seen_ms: NOW,
    };
    let second = Device {
        login_id: "later".to_owned(),
        name: String::new(),
        kind: DeviceKind::Other,
        created_at_ms: NOW + 5,
        last_seen_ms: NOW + 5,
    };
    assert_eq!(listed(NOW, 10).await, [second.clone(), first.clone()]);
    assert_eq!(listed(NOW, 1).await, std::slice::from_ref(&second));

    // Earlier times, and who is not there, change nothing.
    let logins = vec![("first".to_owned(), NOW + 9), ("later".to_owned(), NOW - 9), ("none".to_owned(), NOW)];
    let nobody = UserId::new(77).expect("positive");
    let seen = Sightings { logins, users: vec![(id(&ada), NOW + 7), (nobody, NOW)] };
    store.note_seen(&seen).await.expect("takes");
    store
        .note_seen(&Sightings { logins: Vec::new(), users: vec![(id(&ada), NOW + 6)] })
        .await
        .expect("takes");
    store.note_seen(&Sightings::default()).await.expect("takes nothing");
    assert_eq!(listed(NOW, 10).await, [second, Device { last_seen_ms: NOW + 9, ..first }]);
    let last = store.last_seen(&[id(&ada), id(&bob), nobody]).await.expect("answers");
    assert_eq!(last, [(id(&ada), NOW + 7)]);
    assert!(store.last_seen(&[]).await.expect("answers").is_empty());

    assert!(store.end_login("first", id(&ada)).await.expect("ends"));
    assert_eq!(listed(NOW, 10).await.len(), 1);
    assert!(listed(NOW + 1_000_000, 10).await.is_empty(), "expired");
}

pub(crate) async fn a_refresh_token_works_once(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    begin(&store, &login(id(&ada), "one", 1), "phone").await.expect("creates");
    let rotate = |old: u8, new: u8, now_ms: i64| {
        let store = store.clone();
        async move { store.rotate_refresh(&[old; 32], &[new; 32], now_ms, now_ms + 1_000).await.expect("answers") }
    };
    let Rotation::Rotated(login_now) = rotate(1, 2, NOW + 10).await else { panic!("not rotated") };
    assert_eq!((login_now.refresh_hash, login_now.expires_at_ms), ([2; 32], NOW + 1_010));
    assert_eq!(store.login("one", NOW).await.expect("answers").expect("lives").0, login_now);
    assert!(matches!(rotate(2, 3, NOW + 20).await, Rotation::Rotated(_)));
    assert_eq!(rotate(9, 4, NOW + 20).await, Rotation::Unknown);

    assert_eq!(rotate(1, 5, NOW + 30).await, reused(&ada), "the first token comes back");
    assert_eq!(store.login("one", NOW + 30).await.expect("answers"), None, "which ends the log-in");
    assert_eq!(rotate(3, 6, NOW + 40).await, Rotation::Unknown, "for its owner, too");
    assert_eq!(rotate(1, 7, NOW + 40).await, Rotation::Unknown);

    begin(&store, &login(id(&ada), "two", 20), "phone").await.expect("creates");
    assert_eq!(rotate(20, 21, NOW + 1_000).await, Rotation::Unknown, "expired");
}

pub(crate) async fn concurrent_rotations_of_one_token_rotate_once(fixture: Fixture) {
    let store = fixture.open().await;
    let other = fixture.open().await;
    let ada = user(&store, "ada").await;
    begin(&store, &login(id(&ada), "one", 1), "phone").await.expect("creates");
    let (first, second) = tokio::join!(
        store.rotate_refresh(&[1; 32], &[2; 32], NOW, NOW + 1_000),
        other.rotate_refresh(&[1; 32], &[3; 32], NOW, NOW + 1_000),
    );
    let outcomes = [first.expect("answers"), second.expect("answers")];
    let rotated = outcomes.iter().filter(|outcome| matches!(outcome, Rotation::Rotated(_))).count();
    assert_eq!(rotated, 1, "{outcomes:?}");
    assert!(outcomes.contains(&reused(&ada)), "{outcomes:?}");
}

pub(crate) async fn nodes_agree_on_the_first_signing_key(fixture: Fixture) {
    let mut calls = tokio::task::JoinSet::new();
    for node in 0..8_u8 {
        let store = fixture.open().await;
        calls.spawn(async move {
            let candidate =
                SigningKey { id: format!("key-{node}"), secret: vec![node; 32], created_at_ms: NOW };
            store.signing_keys(&candidate).await.expect("answers")
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers[0].len(), 1);
    assert!(answers.iter().all(|keys| *keys == answers[0]), "{answers:?}");
    assert_eq!(answers[0][0].secret.len(), 32);
}

pub(crate) async fn log_ins_make_way_as_the_policy_says(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    begin(&store, &login(id(&bob), "bobs", 50), "phone").await.expect("creates");
    let mut number = 0;
    let mut admitted = async |policy, kind, connected: &[&str]| {
        number += 1;
        let login =
            Login { created_at_ms: NOW + i64::from(number), ..login(id(&ada), &number.to_string(), number) };
        let connected = connected.iter().map(|id| LoginTag::of(id)).collect();
        let admission = Admission { policy, logins_max: 3, connected };
        store
            .create_login(&login, &NewDevice { name: String::new(), kind }, &admission)
            .await
            .expect("answers")
    };
    let ended = |ids: &[&str]| Begun::Admitted { ended: ids.iter().map(|&id| id.to_owned()).collect() };
    use DeviceKind::{Phone, Web};
    assert_eq!(admitted(DevicePolicy::Multi, Web, &[]).await, ended(&[]));
    assert_eq!(admitted(DevicePolicy::OnePerKind, Phone, &[]).await, ended(&[]));
    assert_eq!(admitted(DevicePolicy::OnePerKind, Web, &[]).await, ended(&["1"]));
    assert_eq!(admitted(DevicePolicy::Multi, Web, &[]).await, ended(&[]));
    assert_eq!(admitted(DevicePolicy::Multi, Web, &[]).await, ended(&["2"]), "three at most");
    assert_eq!(admitted(DevicePolicy::RefuseSecond, Web, &["4"]).await, Begun::Refused);
    let listed = async || {
        let devices = store.devices_of(id(&ada), NOW, 10).await.expect("answers");
        devices.into_iter().map(|device| device.login_id).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, ["5", "4", "3"], "the refused one changed nothing");
    assert_eq!(admitted(DevicePolicy::RefuseSecond, Web, &["1"]).await, ended(&["5", "4", "3"]));
    assert_eq!(admitted(DevicePolicy::NewestWins, Phone, &["7"]).await, ended(&["7"]));
    assert_eq!(admitted(DevicePolicy::Multi, Web, &[]).await, ended(&[]));
    assert_eq!(store.end_other_logins(id(&ada), "8").await.expect("ends"), ["9"]);
    assert_eq!(store.end_other_logins(id(&ada), "8").await.expect("ends"), [""; 0]);
    assert_eq!(listed().await, ["8"]);
    assert!(store.login("bobs", NOW).await.expect("answers").is_some(), "nobody else's");
}

pub(crate) async fn two_log_ins_at_once_leave_one_where_one_may_be(fixture: Fixture) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    let ada = user(&one, "ada").await;
    for round in 0..10_u8 {
        let begin = |store: &Arc<dyn Store>, number: u8| {
            let login = login(id(&ada), &format!("{round}-{number}"), 2 * round + number);
            let store = Arc::clone(store);
            async move {
                let admission =
                    Admission { policy: DevicePolicy::NewestWins, logins_max: 100, ..Admission::default() };
                store.create_login(&login, &NewDevice::default(), &admission).await.expect("answers")
            }
        };
        tokio::join!(begin(&one, 0), begin(&two, 1));
        assert_eq!(one.devices_of(id(&ada), NOW, 10).await.expect("answers").len(), 1);
    }
}
