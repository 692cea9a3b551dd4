//! Users, log-ins, signing keys.

use std::sync::Arc;

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use oort_logic::store::{Device, Error, Login, NewUser, Rotation, Sightings, SigningKey};

use super::fixture::{Fixture, NOW, id, user};

fn new_user(name: &str, email: Option<&str>) -> NewUser {
    NewUser {
        username: name.to_owned(),
        username_key: name.to_lowercase(),
        email: email.map(str::to_owned),
        password_hash: format!("hash of {name}"),
        created_at_ms: NOW,
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
    store.create_login(&first, "phone").await.expect("creates");
    assert_eq!(store.login("first", NOW).await.expect("answers"), Some((first.clone(), ada.clone())));
    let by_cookie = store.login_by_cookie(&[101; 32], NOW).await.expect("answers");
    assert_eq!(by_cookie, Some((first, ada.clone())));
    assert_eq!(store.login("first", NOW + 1_000).await.expect("answers"), None, "expired");
    assert_eq!(store.login_by_cookie(&[101; 32], NOW + 1_000).await.expect("answers"), None, "expired");
    assert_eq!(store.login_by_cookie(&[1; 32], NOW).await.expect("answers"), None);

    let without_cookie = Login { cookie_hash: None, ..login(id(&ada), "second", 2) };
    store.create_login(&without_cookie, "phone").await.expect("creates");
    let other = Login { cookie_hash: None, ..login(id(&ada), "third", 3) };
    store.create_login(&other, "phone").await.expect("two without a cookie");
    let bob = user(&store, "bob").await;
    assert!(!store.end_login("second", id(&bob)).await.expect("answers"), "it is another's");
    assert!(store.end_login("second", id(&ada)).await.expect("ends"));
    assert!(!store.end_login("second", id(&ada)).await.expect("ends"), "it is over");
    assert_eq!(store.login("second", NOW).await.expect("answers"), None);
    assert!(store.login("third", NOW).await.expect("answers").is_some());

    let nobody = login(UserId::new(77).expect("positive"), "fourth", 4);
    let refused = store.create_login(&nobody, "phone").await;
    assert!(matches!(refused, Err(Error::NoUser(77))), "{refused:?}");
}

fn reused(user: &User) -> Rotation {
    Rotation::Reused { login_id: "one".to_owned(), user_id: id(user) }
}

pub(crate) async fn many_log_ins_are_looked_up_together(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let without_cookie = |user, name, number| Login { cookie_hash: None, ..login(user, name, number) };
    store.create_login(&without_cookie(id(&ada), "first", 1), "phone").await.expect("creates");
    store.create_login(&without_cookie(id(&bob), "it's", 2), "phone").await.expect("creates");
    store.create_login(&without_cookie(id(&bob), "over", 3), "phone").await.expect("creates");
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
    store.create_login(&login(id(&ada), "first", 1), "Firefox on Linux").await.expect("creates");
    store.create_login(&later, "").await.expect("creates");
    store.create_login(&login(id(&bob), "bobs", 3), "phone").await.expect("creates");
    let listed = |now_ms: i64, limit: u32| {
        let (store, ada) = (store.clone(), id(&ada));
        async move { store.devices_of(ada, now_ms, limit).await.expect("answers") }
    };
    let first = Device {
        login_id: "first".to_owned(),
        name: "Firefox on Linux".to_owned(),
        created_at_ms: NOW,
        last_seen_ms: NOW,
    };
    let second = Device {
        login_id: "later".to_owned(),
        name: String::new(),
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
    store.create_login(&login(id(&ada), "one", 1), "phone").await.expect("creates");
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

    store.create_login(&login(id(&ada), "two", 20), "phone").await.expect("creates");
    assert_eq!(rotate(20, 21, NOW + 1_000).await, Rotation::Unknown, "expired");
}

pub(crate) async fn concurrent_rotations_of_one_token_rotate_once(fixture: Fixture) {
    let store = fixture.open().await;
    let other = fixture.open().await;
    let ada = user(&store, "ada").await;
    store.create_login(&login(id(&ada), "one", 1), "phone").await.expect("creates");
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
