//! Mailed codes and passwords.

use std::sync::Arc;

use oort_api::ids::UserId;
use oort_logic::store::{Admission, CodeGuess, Error, Login, MailedCode, NewDevice, NewUser, Purpose, Store};

use super::fixture::{Fixture, NOW, id, unique, user};

const EMAIL: &str = "ada@example.org";

fn mailed(purpose: Purpose, hash: u8) -> MailedCode {
    let (created_at_ms, expires_at_ms) = (NOW, NOW + 1_000);
    MailedCode { email: EMAIL.to_owned(), purpose, hash: [hash; 32], created_at_ms, expires_at_ms }
}

fn guess(purpose: Purpose, hash: u8) -> CodeGuess {
    CodeGuess { email: EMAIL.to_owned(), purpose, hash: [hash; 32], attempts_max: 3, now_ms: NOW }
}

fn account(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        username_key: name.to_owned(),
        email: Some(EMAIL.to_owned()),
        password_hash: "old".to_owned(),
        created_at_ms: NOW,
        key: None,
    }
}

async fn log_in(store: &Arc<dyn Store>, user: UserId, name: &str, hash: u8) {
    let login = Login {
        id: name.to_owned(),
        user_id: user,
        refresh_hash: [hash; 32],
        cookie_hash: None,
        created_at_ms: NOW,
        expires_at_ms: NOW + 1_000,
    };
    let admission = Admission { logins_max: 100, ..Admission::default() };
    store.create_login(&login, &NewDevice::default(), &admission).await.expect("creates");
}

async fn names_of_logins(store: &Arc<dyn Store>, user: UserId) -> Vec<String> {
    let devices = store.devices_of(user, NOW, 100).await.expect("answers");
    let mut names: Vec<String> = devices.into_iter().map(|device| device.login_id).collect();
    names.sort();
    names
}

pub(crate) async fn a_code_makes_one_account(fixture: Fixture) {
    let store = fixture.open().await;
    let make = async |hash| store.create_user_by_code(&account("ada"), &guess(Purpose::SignUp, hash)).await;
    assert_eq!(make(1).await.expect("answers"), None, "none was sent");
    store.put_code(&mailed(Purpose::Reset, 1)).await.expect("keeps");
    assert_eq!(make(1).await.expect("answers"), None, "it is for something else");
    store.put_code(&mailed(Purpose::SignUp, 1)).await.expect("keeps");
    store.put_code(&mailed(Purpose::SignUp, 2)).await.expect("keeps");
    assert_eq!(make(1).await.expect("answers"), None, "it was replaced");
    let ada = make(2).await.expect("answers").expect("created");
    let found = store.credentials_by_email(EMAIL).await.expect("answers").expect("is there");
    assert_eq!((found.user, found.deactivated_at_ms), (ada.clone(), None));
    let by_id = store.credentials_by_id(id(&ada)).await.expect("answers").expect("is there");
    assert_eq!((by_id.user, by_id.password_hash.as_str()), (ada, "old"));
    assert_eq!(make(2).await.expect("answers"), None, "it was used");
}

pub(crate) async fn a_taken_name_leaves_the_code(fixture: Fixture) {
    let store = fixture.open().await;
    user(&store, "bob").await;
    store.put_code(&mailed(Purpose::SignUp, 1)).await.expect("keeps");
    let code = guess(Purpose::SignUp, 1);
    let taken = store.create_user_by_code(&account("bob"), &code).await;
    assert!(matches!(taken, Err(Error::UsernameTaken)), "{taken:?}");
    let made = store.create_user_by_code(&account("ada"), &code).await.expect("answers");
    assert_eq!(made.map(|user| user.username).as_deref(), Some("ada"));
}

pub(crate) async fn wrong_codes_are_counted_and_old_ones_are_void(fixture: Fixture) {
    let store = fixture.open().await;
    store.create_user(&account("ada")).await.expect("creates");
    // As hashes are, each is another one.
    let reset =
        async |guess: CodeGuess| store.reset_password(&guess, &unique()).await.expect("answers").is_some();
    store.put_code(&mailed(Purpose::Reset, 1)).await.expect("keeps");
    for _ in 0..3 {
        assert!(!reset(guess(Purpose::Reset, 9)).await);
    }
    assert!(!reset(guess(Purpose::Reset, 1)).await, "it was tried too often");
    store.put_code(&mailed(Purpose::Reset, 2)).await.expect("keeps");
    assert!(!reset(CodeGuess { now_ms: NOW + 1_000, ..guess(Purpose::Reset, 2) }).await, "it has expired");
    assert!(reset(CodeGuess { now_ms: NOW + 999, ..guess(Purpose::Reset, 2) }).await);

    // The next code clears the expired ones away, whosever they are.
    store.put_code(&mailed(Purpose::Reset, 3)).await.expect("keeps");
    let later = NOW + 5_000;
    let other = MailedCode {
        email: "bob@example.org".to_owned(),
        created_at_ms: later,
        expires_at_ms: later + 1_000,
        ..mailed(Purpose::Reset, 4)
    };
    store.put_code(&other).await.expect("keeps");
    assert!(!reset(guess(Purpose::Reset, 3)).await, "it is gone");
}

pub(crate) async fn a_code_used_twice_at_once_works_once(fixture: Fixture) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    for round in 0..4 {
        store.put_code(&mailed(Purpose::SignUp, 1)).await.expect("keeps");
        let email = format!("ada{round}@example.org");
        let make = async |store: &Arc<dyn Store>, name: &str| {
            let account =
                NewUser { email: Some(format!("{name}-{email}")), ..account(&format!("{name}{round}")) };
            store.create_user_by_code(&account, &guess(Purpose::SignUp, 1)).await.expect("answers")
        };
        let (one, two) = tokio::join!(make(&store, "one"), make(&other, "two"));
        assert_ne!(one.is_some(), two.is_some(), "{one:?} {two:?}");
    }
}

pub(crate) async fn a_reset_ends_every_log_in(fixture: Fixture) {
    let store = fixture.open().await;
    let ada = id(&store.create_user(&account("ada")).await.expect("creates"));
    let bob = id(&user(&store, "bob").await);
    log_in(&store, ada, "phone", 1).await;
    log_in(&store, ada, "laptop", 2).await;
    log_in(&store, bob, "bobs", 3).await;
    store.put_code(&mailed(Purpose::Reset, 1)).await.expect("keeps");
    let reset =
        store.reset_password(&guess(Purpose::Reset, 1), "new").await.expect("answers").expect("right");
    let mut ended = reset.ended;
    ended.sort();
    assert_eq!((reset.user, ended), (ada, vec!["laptop".to_owned(), "phone".to_owned()]));
    assert!(names_of_logins(&store, ada).await.is_empty());
    assert_eq!(names_of_logins(&store, bob).await, ["bobs"]);
    let found = store.credentials_by_id(ada).await.expect("answers").expect("is there");
    assert_eq!(found.password_hash, "new");

    // A code for an address without an account is good for nothing.
    let nobody = "nobody@example.org".to_owned();
    let code = MailedCode { email: nobody.clone(), ..mailed(Purpose::Reset, 5) };
    store.put_code(&code).await.expect("keeps");
    let guess = CodeGuess { email: nobody, ..guess(Purpose::Reset, 5) };
    assert_eq!(store.reset_password(&guess, "new").await.expect("answers"), None);
}

pub(crate) async fn a_password_is_changed_by_who_knows_it(fixture: Fixture) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    let ada = id(&store.create_user(&account("ada")).await.expect("creates"));
    for (name, hash) in [("phone", 1), ("laptop", 2)] {
        log_in(&store, ada, name, hash).await;
    }
    assert_eq!(store.set_password(ada, "wrong", "new", "phone").await.expect("answers"), None);
    assert_eq!(names_of_logins(&store, ada).await.len(), 2);
    let (one, two) = tokio::join!(
        store.set_password(ada, "old", "new", "phone"),
        other.set_password(ada, "old", "newer", "phone"),
    );
    let (one, two) = (one.expect("answers"), two.expect("answers"));
    assert_ne!(one.is_some(), two.is_some(), "{one:?} {two:?}");
    assert_eq!(one.or(two), Some(vec!["laptop".to_owned()]));
    assert_eq!(names_of_logins(&store, ada).await, ["phone"]);
}
