//! Accounts over all tiers: codes by mail, passwords, profiles, and the end of accounts.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Http, Reply};
use crate::harness::services::Backends;
use crate::harness::socket::{End, Socket};
use crate::harness::system::{System, smtp};
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    a_repeated_sign_up_logs_in,
    a_changed_password_closes_the_other_devices,
    a_reset_by_mail_closes_every_device,
    a_code_used_twice_at_once_works_once,
    a_changed_profile_reaches_every_device,
    a_deactivated_account_comes_back_by_id,
    a_deleted_account_leaves_its_groups_and_its_messages,
    an_export_passes_the_comet,
);

const PASSWORD: &str = "correct horse";

async fn log_in(http: &Http, login: &str, password: &str) -> Reply {
    http.post("/api/sessions", "", json!({ "login": login, "password": password })).await
}

async fn another_device(http: &Http, account: &Account) -> String {
    let session = log_in(http, &account.username, PASSWORD).await.ok();
    session["accessToken"].as_str().expect("a token").to_owned()
}

/// Somebody with an e-mail address.
async fn with_address(system: &System) -> (Account, String) {
    let username = unique("ann");
    let email = format!("{username}@example.org");
    let body = json!({ "username": username, "email": email, "password": PASSWORD });
    let created = system.api(0).post("/api/accounts", "", body).await.ok();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let account =
        Account { id: text(&created["user"]["id"]), username, token: text(&created["accessToken"]) };
    (account, email)
}

async fn mailed_code(http: &Http, purpose: &str, email: &str) -> String {
    let asked = http.post("/api/codes", "", json!({ "purpose": purpose, "email": email })).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    smtp().newest_to(email).code()
}

/// Whoever did not hear the answer asks again, of any node, and also both at once.
async fn a_repeated_sign_up_logs_in(system: &System) {
    let (ann, email) = (unique("ann"), format!("{}@example.org", unique("ann")));
    let code = mailed_code(&system.api(0), "sign_up", &email).await;
    let post = async |node: usize, key: &str, account: &Value| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let body = account.to_string();
        system.api(node).raw(Method::POST, "/api/accounts", &headers, body).await.expect("an answer")
    };
    let account = json!({ "username": ann, "email": email, "password": PASSWORD, "code": code });
    let (one, two) = tokio::join!(post(0, "tab-1", &account), post(1, "tab-1", &account));
    let (one, two) = (one.ok(), two.ok());
    assert_eq!(one["user"], two["user"]);
    assert_ne!(one["accessToken"], two["accessToken"], "each is a log-in of its own");
    let later = post(1, "tab-1", &account).await.ok();
    assert_eq!(later["user"], one["user"], "the code is used up, and not needed");

    let changed = |field: &str, value: &str| {
        let mut changed = account.clone();
        changed[field] = value.into();
        changed
    };
    let guessed = post(0, "tab-1", &changed("password", "battery staple")).await;
    assert_eq!(guessed.refusal(), (401, "login_failed".to_owned()), "a key is no password");
    let moved = post(0, "tab-1", &changed("email", "other@example.org")).await;
    assert_eq!(moved.refusal(), (409, "idempotency_conflict".to_owned()));
    let mut other = changed("email", &format!("{}@example.org", unique("eve")));
    other["code"] = Value::Null;
    assert_eq!(post(0, "tab-2", &other).await.refusal(), (409, "username_taken".to_owned()));
    assert_eq!(post(0, "a key", &account).await.refusal(), (400, "invalid_field".to_owned()));
}

async fn a_changed_password_closes_the_other_devices(system: &System) {
    let ann = system.account("ann").await;
    let laptop = another_device(&system.api(1), &ann).await;
    let laptop_sockets =
        [Socket::v1(system.door(0), &laptop).await, Socket::v1(system.door(1), &laptop).await];
    let phone = Socket::v1(system.door(1), &ann.token).await.follow();

    let change = |old: &str| Some(json!({ "oldPassword": old, "newPassword": "battery staple" }));
    let path = "/api/me/password";
    let wrong = system.api(0).call(Method::PUT, path, &ann.token, change("wrong")).await;
    assert_eq!(wrong.refusal(), (403, "wrong_password".to_owned()));
    let changed = system.api(1).call(Method::PUT, path, &ann.token, change(PASSWORD)).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    for socket in laptop_sockets {
        assert_eq!(socket.end().await, End::Code(1008));
    }
    assert!(Socket::try_v1(system.door(0), &laptop).await.is_err(), "its log-in is over");
    let room = system.api(0).room(&ann).await;
    phone.say(&room, "1", "still here").await;
    phone.wait_for(&room, 1).await;
    assert!(phone.is_open());
    let old = log_in(&system.api(0), &ann.username, PASSWORD).await;
    assert_eq!(old.refusal(), (401, "login_failed".to_owned()));
    log_in(&system.api(0), &ann.username, "battery staple").await.ok();
}

async fn a_reset_by_mail_closes_every_device(system: &System) {
    let (ann, email) = with_address(system).await;
    let sockets =
        [Socket::v1(system.door(0), &ann.token).await, Socket::v1(system.door(1), &ann.token).await];
    let code = mailed_code(&system.api(0), "reset", &email).await;
    let reset = |code: &str| json!({ "email": email, "code": code, "password": "battery staple" });
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let refused = system.api(1).post("/api/password-resets", "", reset(wrong)).await;
    assert_eq!(refused.refusal(), (403, "wrong_code".to_owned()));
    // Asked of one node, used at another.
    let done = system.api(1).post("/api/password-resets", "", reset(&code)).await;
    assert_eq!(done.status, 204, "{done:?}");
    for socket in sockets {
        assert_eq!(socket.end().await, End::Code(1008));
    }
    log_in(&system.api(0), &email, "battery staple").await.ok();
    let again = system.api(0).post("/api/password-resets", "", reset(&code)).await;
    assert_eq!(again.refusal(), (403, "wrong_code".to_owned()));
}

async fn a_code_used_twice_at_once_works_once(system: &System) {
    let email = format!("{}@example.org", unique("ann"));
    let code = mailed_code(&system.api(0), "sign_up", &email).await;
    let sign_up = async |index: usize| {
        let body = json!({ "username": unique("ann"), "email": email, "password": PASSWORD, "code": code });
        system.api(index).post("/api/accounts", "", body).await
    };
    let (one, two) = tokio::join!(sign_up(0), sign_up(1));
    let mut outcomes = [one, two].map(|reply| (reply.status.as_u16(), reply.refusal().1));
    outcomes.sort();
    assert_eq!(outcomes, [(201, String::new()), (403, "wrong_code".to_owned())]);

    let code = mailed_code(&system.api(1), "reset", &email).await;
    let reset = async |index: usize, password: &str| {
        let body = json!({ "email": email, "code": code, "password": password });
        system.api(index).post("/api/password-resets", "", body).await.status.as_u16()
    };
    let (one, two) = tokio::join!(reset(0, "password one"), reset(1, "password two"));
    assert_eq!([one.min(two), one.max(two)], [204, 403]);
    let right = if one == 204 { "password one" } else { "password two" };
    log_in(&system.api(0), &email, right).await.ok();
}

async fn a_changed_profile_reaches_every_device(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let laptop = another_device(&system.api(0), &ann).await;
    let sockets = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(1), &laptop).await.follow(),
    ];
    let profile = json!({ "nick": "Ann 漢", "sex": "other" });
    let changed = system.api(1).call(Method::PATCH, "/api/me", &ann.token, Some(profile)).await.ok();
    for socket in &sockets {
        let event = socket.wait_frame("event", |event| event["kind"] == "profile_changed").await;
        assert_eq!((&event["seq"], &event["data"]), (&json!(1), &changed["profile"]));
    }
    // A device that was away learns it when it comes back.
    let missed = system.api(0).get("/api/events?after=0", &laptop).await.ok();
    assert_eq!((&missed["head"], &missed["events"][0]["data"]["nick"]), (&json!(1), &json!("Ann 漢")));
    let seen = system.api(0).get(&format!("/api/users/{}", ann.id), &bob.token).await.ok();
    assert_eq!(
        seen,
        json!({ "user": { "id": ann.id, "username": ann.username }, "profile": changed["profile"] })
    );
}

async fn a_deactivated_account_comes_back_by_id(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let socket = Socket::v1(system.door(1), &ann.token).await;
    let path = format!("/api/users/{}", ann.id);
    let body = json!({ "password": PASSWORD });
    assert_eq!(system.api(0).post("/api/me/deactivation", &ann.token, body).await.status, 204);
    assert_eq!(socket.end().await, End::Code(1008));
    assert_eq!(system.api(1).get(&path, &bob.token).await.refusal(), (404, "not_found".to_owned()));
    // What is written to her meanwhile waits.
    let direct = json!({ "userId": ann.id });
    let direct = system.api(0).post("/api/direct", &bob.token, direct).await.ok();
    let direct = direct["id"].as_str().expect("an id").to_owned();
    assert_eq!(system.api(0).send(&bob, &direct, "1", "where are you?").await.status, 200);
    let session = log_in(&system.api(1), &ann.id, PASSWORD).await.ok();
    let token = session["accessToken"].as_str().expect("a token").to_owned();
    system.api(0).get(&path, &bob.token).await.ok();
    let ann = Account { token, ..ann };
    assert_eq!(system.api(1).history(&ann, &direct).await, [(1, "where are you?".to_owned())]);
}

/// A deleted account whose last words are read by somebody at the other comet.
async fn delete_ann(system: &System) -> (Account, Account, String) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let group = json!({ "name": "us", "memberIds": [ann.id] });
    let group = system.api(0).post("/api/groups", &bob.token, group).await.ok();
    let group = group["id"].as_str().expect("an id").to_owned();
    for number in 0..5 {
        let sent = system.api(1).send(&ann, &group, &number.to_string(), &format!("text {number}")).await;
        assert_eq!(sent.status, 200, "{sent:?}");
    }
    let reader = Socket::v1(system.door(1), &bob.token).await.follow();
    let sockets =
        [Socket::v1(system.door(0), &ann.token).await, Socket::v1(system.door(1), &ann.token).await];
    let body = Some(json!({ "password": PASSWORD }));
    let deleted = system.api(1).call(Method::DELETE, "/api/me", &ann.token, body).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    for socket in sockets {
        assert_eq!(socket.end().await, End::Code(1008));
    }
    for login in [&ann.username, &ann.id] {
        assert_eq!(log_in(&system.api(0), login, PASSWORD).await.refusal(), (401, "login_failed".to_owned()));
    }
    eventually("she left the group", async || {
        reader.messages(&group).iter().any(|(_, text)| text.contains("member_left")).then_some(())
    })
    .await;
    let members = system.api(0).get(&format!("/api/groups/{group}/members"), &bob.token).await.ok();
    assert_eq!(members["members"].as_array().map(Vec::len), Some(1), "{members}");
    (ann, bob, group)
}

async fn a_deleted_account_leaves_its_groups_and_its_messages(system: &System) {
    let (ann, bob, group) = delete_ann(system).await;
    let history = system.api(0).history(&bob, &group).await;
    let texts: Vec<&str> = history.iter().map(|(_, text)| text.as_str()).take(5).collect();
    assert_eq!(texts, ["text 0", "text 1", "text 2", "text 3", "text 4"]);
    let again = json!({ "username": ann.username, "password": PASSWORD });
    let again = system.api(0).post("/api/accounts", "", again).await;
    assert_eq!(again.refusal(), (409, "username_taken".to_owned()));
}

/// Where messages are erased, those who read them are told, and every place stays.
async fn a_deleted_account_takes_its_words_along(system: &System) {
    let (ann, bob, group) = delete_ann(system).await;
    let history = eventually("the messages are erased", async || {
        let history = system.api(0).history(&bob, &group).await;
        history.iter().any(|(_, text)| text.contains("messages_erased")).then_some(history)
    })
    .await;
    let places: Vec<i64> = history.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(places, (1..=7).collect::<Vec<_>>(), "{history:?}");
    assert!(history[..5].iter().all(|(_, text)| text.is_empty()), "{history:?}");
    let page =
        system.api(1).get(&format!("/api/conversations/{group}/messages?after=0"), &bob.token).await.ok();
    assert!(!page.to_string().contains(&format!("\"username\":\"{}\"", ann.username)), "{page}");
    let again = json!({ "username": ann.username, "password": PASSWORD });
    assert_eq!(system.api(0).post("/api/accounts", "", again).await.status, 201, "the name is free");
}

const ERASE: [(&str, &str); 1] = [("OORT_LOGIC__ACCOUNTS__ON_DELETE", "erase")];

#[tokio::test(flavor = "multi_thread")]
async fn erased_in_one_process() {
    a_deleted_account_takes_its_words_along(&System::standalone(&ERASE)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_in_a_cluster() {
    a_deleted_account_takes_its_words_along(&System::cluster(&Backends::shared(), &ERASE).await).await;
}

async fn an_export_passes_the_comet(system: &System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    // More than one page of them.
    for number in 0..205 {
        let sent = system.api(0).send(&ann, &room, &number.to_string(), &format!("text {number}")).await;
        assert_eq!(sent.status, 200, "{sent:?}");
    }
    let export = Http::new(system.door(1)).get("/api/me/export", &ann.token).await.ok();
    assert_eq!(export["messages"].as_array().map(Vec::len), Some(205));
    assert_eq!(export["user"]["id"], json!(ann.id));
}
