//! Signing up with a mailed code, and passwords.

use oort_logic::accounts::SignUp;
use oort_logic::mail::Mode;
use secrecy::SecretString;
use serde_json::json;

use super::harness::{Client, Node, Reply, Setup};
use crate::support::smtp::Smtp;

fn setup(smtp: &Smtp) -> Setup {
    let mut setup = Setup::default();
    setup.config.mail.mode = Mode::Smtp;
    setup.config.mail.url = SecretString::from(smtp.url());
    setup.config.mail.from = "Oort <oort@chat.example>".to_owned();
    setup
}

async fn ask(node: &Node, purpose: &str, email: &str) -> Reply {
    node.anyone().post("/api/codes", &json!({ "purpose": purpose, "email": email })).await
}

async fn log_in(node: &Node, login: &str, password: &str) -> Reply {
    node.anyone().post("/api/sessions", &json!({ "login": login, "password": password })).await
}

/// Somebody with this address, who is logged in.
async fn with_address(node: &Node, name: &str) -> Client {
    let account =
        json!({ "username": name, "email": format!("{name}@example.org"), "password": "correct horse" });
    let created = node.anyone().post("/api/accounts", &account).await;
    assert_eq!(created.status, 201, "{created:?}");
    node.anyone().bearer(created.text("accessToken"))
}

#[tokio::test]
async fn a_code_is_needed_where_it_is_asked_for() {
    let smtp = Smtp::start();
    let mut setup = setup(&smtp);
    setup.config.accounts.sign_up = SignUp::Code;
    setup.config.accounts.email_allowed = vec!["example.org".to_owned()];
    let node = Node::with(setup).await;
    let sign_up = async |name: &str, email: Option<&str>, code: Option<&str>| {
        let account = json!({ "username": name, "email": email, "password": "correct horse", "code": code });
        node.anyone().post("/api/accounts", &account).await
    };
    let ada = Some("Ada@Example.org");
    sign_up("ada", ada, None).await.is_refused(400, "invalid_field");
    sign_up("ada", None, Some("123456")).await.is_refused(403, "forbidden");
    sign_up("ada", Some("ada@other.example"), Some("123456")).await.is_refused(403, "forbidden");
    sign_up("ada", ada, Some("123456")).await.is_refused(403, "wrong_code");
    ask(&node, "sign_up", "ada@other.example").await.is_refused(403, "forbidden");
    ask(&node, "sign_up", "nonsense").await.is_refused(400, "invalid_field");
    let web4 = json!({ "username": "ada", "email": "ada@example.org", "password": "0".repeat(32) });
    assert_eq!(node.anyone().post("/api/create-account", &web4).await.status, 400, "it knows of no codes");

    let asked = ask(&node, "sign_up", " Ada@example.ORG ").await;
    assert_eq!(asked.status, 202, "{asked:?}");
    assert!(asked.json()["expiresAtMs"].as_i64() > Some(0));
    let code = smtp.newest_to("ada@example.org").code();
    assert_eq!(code.len(), 6);
    sign_up("x", ada, Some(&code)).await.is_refused(400, "invalid_field");
    let created = sign_up("ada", ada, Some(&code)).await;
    assert_eq!(created.status, 201, "a name that was refused did not use it up: {created:?}");
    sign_up("bob", ada, Some(&code)).await.is_refused(403, "wrong_code");
    assert_eq!(log_in(&node, "ada@example.org", "correct horse").await.status, 200);

    // Whoever asks again learns nothing; whoever reads the mail does.
    let again = ask(&node, "sign_up", "ada@example.org").await;
    assert_eq!((again.status, again.json().as_object().map(serde_json::Map::len)), (asked.status, Some(1)));
    let mail = smtp.newest_to("ada@example.org");
    assert_eq!(mail.subject, "You have an account already");
    assert_eq!(node.counter("codes_mailed_total"), 2);
    assert_eq!(node.counter("mails_sent_total"), 2);
}

#[tokio::test]
async fn a_code_given_freely_must_be_right() {
    let smtp = Smtp::start();
    let node = Node::with(setup(&smtp)).await;
    assert_eq!(ask(&node, "sign_up", "ada@example.org").await.status, 202);
    let code = smtp.newest_to("ada@example.org").code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let account = |code: &str| json!({ "username": "ada", "email": "ada@example.org", "password": "correct horse", "code": code });
    node.anyone().post("/api/accounts", &account(wrong)).await.is_refused(403, "wrong_code");
    assert_eq!(node.anyone().post("/api/accounts", &account(&code)).await.status, 201);
}

#[tokio::test]
async fn guessing_codes_and_asking_for_them_has_an_end() {
    let smtp = Smtp::start();
    let mut setup = setup(&smtp);
    setup.config.accounts.attempts_free = 100;
    let node = Node::with(setup).await;
    with_address(&node, "ada").await;
    let reset = async |email: &str, code: &str| {
        let body = json!({ "email": email, "code": code, "password": "another horse" });
        node.anyone().post("/api/password-resets", &body).await
    };
    assert_eq!(ask(&node, "reset", "ada@example.org").await.status, 202);
    let code = smtp.newest_to("ada@example.org").code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        reset("ada@example.org", wrong).await.is_refused(403, "wrong_code");
    }
    reset("ada@example.org", &code).await.is_refused(403, "wrong_code");
    for _ in 0..2 {
        assert_eq!(ask(&node, "reset", "ada@example.org").await.status, 202);
    }
    let refused = ask(&node, "reset", "ada@example.org").await;
    refused.is_refused(429, "rate_limited");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(ask(&node, "reset", "nobody@example.org").await.status, 202, "another address");
    assert_eq!(smtp.newest_to("nobody@example.org").subject, "There is no account with this address");
    reset("nobody@example.org", "123456").await.is_refused(403, "wrong_code");
    assert_eq!(reset("ada@example.org", &smtp.newest_to("ada@example.org").code()).await.status, 204);
    assert_eq!(node.counter("code_refusals_total"), 1);
    assert_eq!(node.counter("code_failures_total"), 7);
}

#[tokio::test]
async fn a_mail_that_is_not_sent_is_told_and_does_not_count() {
    let smtp = Smtp::start();
    let node = Node::with(setup(&smtp)).await;
    smtp.refuse(true);
    for _ in 0..5 {
        let refused = ask(&node, "reset", "ada@example.org").await;
        refused.is_refused(503, "unavailable");
    }
    smtp.refuse(false);
    assert_eq!(ask(&node, "reset", "ada@example.org").await.status, 202);
    assert_eq!(node.counter("mail_failures_total"), 5);
    let off = Node::start().await;
    ask(&off, "reset", "ada@example.org").await.is_refused(503, "unavailable");
    assert_eq!(off.counter("mail_refusals_total"), 1);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_log_ins() {
    let node = Node::start().await;
    let ada = with_address(&node, "ada").await;
    let laptop = log_in(&node, "ada", "correct horse").await;
    let laptop = node.anyone().bearer(laptop.text("accessToken"));
    let change = |old: &str, new: &str| json!({ "oldPassword": old, "newPassword": new });
    let path = "/api/me/password";
    ada.put(path, &change("wrong horse", "another horse")).await.is_refused(403, "wrong_password");
    ada.put(path, &change("correct horse", "abc")).await.is_refused(400, "invalid_field");
    node.anyone()
        .put(path, &change("correct horse", "another horse"))
        .await
        .is_refused(401, "unauthenticated");
    assert_eq!(laptop.get("/api/me").await.status, 200);
    assert_eq!(ada.put(path, &change("correct horse", "another horse")).await.status, 204);
    laptop.get("/api/me").await.is_refused(401, "unauthenticated");
    assert_eq!(ada.get("/api/me").await.status, 200, "the one that changed it goes on");
    log_in(&node, "ada", "correct horse").await.is_refused(401, "login_failed");
    assert_eq!(log_in(&node, "ada", "another horse").await.status, 200);
    assert_eq!(node.counter("password_changes_total"), 1);
}

#[tokio::test]
async fn a_reset_ends_all_log_ins() {
    let smtp = Smtp::start();
    let node = Node::with(setup(&smtp)).await;
    let ada = with_address(&node, "ada").await;
    assert_eq!(ask(&node, "reset", "ada@example.org").await.status, 202);
    let code = smtp.newest_to("ada@example.org").code();
    let reset = |password: &str| json!({ "email": "ada@example.org", "code": code, "password": password });
    node.anyone().post("/api/password-resets", &reset("abc")).await.is_refused(400, "invalid_field");
    assert_eq!(node.anyone().post("/api/password-resets", &reset("another horse")).await.status, 204);
    ada.get("/api/me").await.is_refused(401, "unauthenticated");
    log_in(&node, "ada", "correct horse").await.is_refused(401, "login_failed");
    assert_eq!(log_in(&node, "ada", "another horse").await.status, 200);
}

#[tokio::test]
async fn people_log_in_by_name_address_or_id() {
    let node = Node::start().await;
    let ada = with_address(&node, "ada").await;
    let id = ada.get("/api/me").await.json()["user"]["id"].as_str().expect("an id").to_owned();
    for login in ["ada", "ada@example.org", &id] {
        assert_eq!(log_in(&node, login, "correct horse").await.status, 200, "{login}");
    }
    // A name of digits is a name first: nobody is kept out by another's id.
    let account = json!({ "username": format!("{id}0"), "password": "battery staple" });
    assert_eq!(node.anyone().post("/api/accounts", &account).await.status, 201);
    assert_eq!(log_in(&node, &format!("{id}0"), "battery staple").await.status, 200);
    for nobody in ["0", "-1", "99999", "99999999999999999999", "+1"] {
        log_in(&node, nobody, "correct horse").await.is_refused(401, "login_failed");
    }
}
