//! Accounts over a SQLite store.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use oort_api::Code;
use oort_api::directory::Directory;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::error::Refusal;
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::User;
use oort_logic::accounts::{Accounts, Config, Metrics, Registration, Scope};
use oort_logic::store::{NewDevice, SigningKey, Store};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::http::harness::open_store;
use crate::support::{account_parts, account_parts_over, until};

fn cheap() -> Config {
    Config { argon2_memory_kib: 64, argon2_passes: 1, ..Config::default() }
}

async fn node(store: &Arc<dyn Store>, config: Config) -> Accounts {
    Accounts::new(account_parts(store.clone()), config, Metrics::register(&mut Registry::default()))
        .await
        .expect("starts")
}

async fn ada(accounts: &Accounts) -> User {
    let registration =
        Registration { username: "ada".to_owned(), email: None, password: "correct horse".to_owned() };
    accounts.register(registration).await.expect("registers")
}

fn code<T>(outcome: Result<T, Refusal>) -> Option<Code> {
    outcome.err().map(|refusal| refusal.code)
}

/// The parts of a token, read without its key.
fn parts(token: &str) -> (Value, Value) {
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap_or_default()));
    (parts.next().expect("a header").expect("JSON"), parts.next().expect("claims").expect("JSON"))
}

#[tokio::test]
async fn nodes_of_one_store_share_the_signing_key_and_another_store_has_another() {
    let (folder, elsewhere) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let store = open_store(folder.path());
    let (one, two) = (node(&store, cheap()).await, node(&store, cheap()).await);
    let user = ada(&one).await;
    let session = one.begin_session(user.clone(), &NewDevice::default()).await.expect("a session");
    let identity = two.authenticate_bearer(&session.access_token).await.expect("the other node");
    assert_eq!(identity.user, user);
    let server = one.issue_server_token(&[Scope::Push], Duration::from_secs(60)).expect("a token");
    assert_eq!(two.authorise_server(&server, Scope::Push), Ok(()));

    let other_store = open_store(elsewhere.path());
    let other = node(&other_store, cheap()).await;
    assert_eq!(ada(&other).await.id, user.id, "the same claims but for the key");
    assert_eq!(code(other.authenticate_bearer(&session.access_token).await), Some(Code::Unauthenticated));
    assert_eq!(code(other.authorise_server(&server, Scope::Push)), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn a_token_says_what_it_is_and_nothing_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let accounts = node(&store, cheap()).await;
    let session =
        accounts.begin_session(ada(&accounts).await, &NewDevice::default()).await.expect("a session");
    let (header, claims) = parts(&session.access_token);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("JWT")));
    assert!(header["kid"].is_string());
    let names: Vec<&String> = claims.as_object().expect("claims").keys().collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "name", "sid", "sub"]);
    assert_eq!(claims["exp"].as_i64().map(|s| s * 1000), Some(session.access_expires_at_ms));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(900));
    assert!(!format!("{session:?}").contains(&session.refresh_token), "not in logs");
}

#[tokio::test]
async fn a_forged_token_is_refused_and_a_forged_server_token_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let accounts = node(&store, cheap()).await;
    let session =
        accounts.begin_session(ada(&accounts).await, &NewDevice::default()).await.expect("a session");
    let (header, mut claims) = parts(&session.access_token);
    let candidate = SigningKey { id: "x".to_owned(), secret: vec![0; 32], created_at_ms: 0 };
    let keys = store.signing_keys(&candidate).await.expect("keys");
    assert_eq!(keys.len(), 1, "the candidate was not needed");
    assert_eq!((header["kid"].as_str(), keys[0].secret.len()), (Some(keys[0].id.as_str()), 32));

    claims["sub"] = json!("2");
    let encode = |value: &Value| BASE64.encode(value.to_string());
    let signature = session.access_token.rsplit('.').next().expect("a signature");
    let none = json!({"alg": "none", "typ": "JWT", "kid": header["kid"]});
    for forged in [
        format!("{}.{}.{signature}", encode(&header), encode(&claims)),
        format!("{}.{}.", encode(&none), encode(&claims)),
        format!("{}.{}", encode(&none), encode(&claims)),
    ] {
        assert_eq!(
            code(accounts.authenticate_bearer(&forged).await),
            Some(Code::Unauthenticated),
            "{forged}"
        );
        assert_eq!(code(accounts.authorise_server(&forged, Scope::Push)), Some(Code::Unauthenticated));
    }
    assert!(accounts.authenticate_bearer(&session.access_token).await.is_ok());
    assert_eq!(
        code(accounts.authorise_server(&session.access_token, Scope::Push)),
        Some(Code::Unauthenticated)
    );
    let server = accounts.issue_server_token(&[Scope::Push], Duration::from_secs(60)).expect("a token");
    assert_eq!(code(accounts.authenticate_bearer(&server).await), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn a_log_out_takes_effect_on_other_nodes_within_the_check_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let config = Config { login_check_ms: 300, ..cheap() };
    let (one, two) = (node(&store, config.clone()).await, node(&store, config).await);
    let user = ada(&one).await;
    let session = one.begin_session(user.clone(), &NewDevice::default()).await.expect("a session");
    let cookie = one.begin_cookie_session(user, &NewDevice::default()).await.expect("a session");
    for accounts in [&one, &two] {
        assert!(accounts.authenticate_bearer(&session.access_token).await.is_ok());
        assert!(accounts.authenticate_cookie(&cookie.sid).await.is_ok());
    }
    for identity in [
        one.authenticate_bearer(&session.access_token).await.expect("live"),
        one.authenticate_cookie(&cookie.sid).await.expect("live"),
    ] {
        one.logout(&identity).await.expect("logs out");
    }
    assert_eq!(
        code(one.authenticate_bearer(&session.access_token).await),
        Some(Code::Unauthenticated),
        "here at once"
    );
    assert_eq!(code(one.authenticate_cookie(&cookie.sid).await), Some(Code::Unauthenticated), "here at once");
    let deadline = Instant::now() + Duration::from_secs(5);
    while two.authenticate_bearer(&session.access_token).await.is_ok()
        || two.authenticate_cookie(&cookie.sid).await.is_ok()
    {
        assert!(Instant::now() < deadline, "the other node never noticed");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn log_ins_end_by_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let config = Config {
        access_ttl_ms: 1000,
        refresh_ttl_ms: 2000,
        cookie_ttl_ms: 1000,
        login_check_ms: 100,
        ..cheap()
    };
    assert_eq!(config.faults(), Vec::<String>::new());
    let accounts = node(&store, config).await;
    let user = ada(&accounts).await;
    let session = accounts.begin_session(user.clone(), &NewDevice::default()).await.expect("a session");
    let cookie = accounts.begin_cookie_session(user, &NewDevice::default()).await.expect("a session");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let bearer = code(accounts.authenticate_bearer(&session.access_token).await);
        let by_cookie = code(accounts.authenticate_cookie(&cookie.sid).await);
        if (bearer, by_cookie) == (Some(Code::Unauthenticated), Some(Code::Unauthenticated)) {
            break;
        }
        assert!(Instant::now() < deadline, "{bearer:?} {by_cookie:?}");
        sleep(Duration::from_millis(50)).await;
    }
    let now_ms = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_millis()).expect("fits")
    };
    while now_ms() <= session.refresh_expires_at_ms {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(code(accounts.refresh(&session.refresh_token).await), Some(Code::Unauthenticated));
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_at_most_one_gets_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let accounts = Arc::new(node(&store, cheap()).await);
    let session =
        accounts.begin_session(ada(&accounts).await, &NewDevice::default()).await.expect("a session");
    let attempts = (0..8).map(|_| {
        let (accounts, token) = (accounts.clone(), session.refresh_token.clone());
        tokio::spawn(async move { accounts.refresh(&token).await })
    });
    let mut outcomes = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        outcomes.push(attempt.await.expect("joined"));
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().any(|outcome| code(outcome.clone()) == Some(Code::RefreshReused)));
    let winner = outcomes.into_iter().find_map(Result::ok).expect("one");
    assert_eq!(
        code(accounts.refresh(&winner.refresh_token).await),
        Some(Code::Unauthenticated),
        "the log-in is ended"
    );
}

#[tokio::test]
async fn hashing_is_bounded_and_refusals_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let config = Config {
        argon2_memory_kib: 16 * 1024,
        argon2_passes: 3,
        hashing_threads: 1,
        hashing_waiters_max: 2,
        attempts_free: 1000,
        ..Config::default()
    };
    let mut registry = Registry::default();
    let accounts =
        Accounts::new(account_parts(store), config, Metrics::register(&mut registry)).await.expect("starts");
    let accounts = Arc::new(accounts);
    let attempts: Vec<_> = (0..32)
        .map(|_| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.check_password("nobody", "wrong one", None).await })
        })
        .collect();
    let mut refused = 0;
    for attempt in attempts {
        match code(attempt.await.expect("joined")) {
            Some(Code::LoginFailed) => {}
            Some(Code::Overloaded) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(refused > 0, "32 at once for one thread and two places");
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
    assert!(text.contains(&format!("hashing_refusals_total {refused}\n")), "{text}");
}

/// Nodes of one store and one directory, on which waits do not end while a test runs.
async fn two_nodes(store: &Arc<dyn Store>) -> [Accounts; 2] {
    let directory: Arc<dyn Directory> = Arc::new(MemoryDirectory::default());
    let config = Config { attempts_wait_min_ms: 600_000, attempts_wait_max_ms: 3_600_000, ..cheap() };
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let parts = account_parts_over(store.clone(), directory.clone());
        let metrics = Metrics::register(&mut Registry::default());
        nodes.push(Accounts::new(parts, config.clone(), metrics).await.expect("starts"));
    }
    nodes.try_into().expect("two")
}

#[tokio::test]
async fn guesses_on_all_nodes_are_counted_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let nodes = two_nodes(&open_store(folder.path())).await;
    ada(&nodes[0]).await;
    let (here, there) = (Some([10, 0, 0, 1].into()), Some([10, 0, 0, 2].into()));
    for name in ["ada", "nobody"] {
        for attempt in 0..5 {
            let wrong = nodes[attempt % 2].check_password(name, "wrong one", here).await;
            assert_eq!(code(wrong), Some(Code::LoginFailed), "{name}, attempt {attempt}");
        }
        for node in &nodes {
            let refusal = node.check_password(name, "correct horse", here).await.expect_err("to wait");
            assert_eq!(refusal.code, Code::RateLimited, "{name}: also the right one has to wait");
            assert!(
                refusal.retry_after_ms.is_some_and(|ms| (300_000..=600_001).contains(&ms)),
                "{refusal:?}"
            );
        }
    }
    // Whoever guesses from elsewhere does not keep ada out.
    nodes[1].check_password("ada", "correct horse", there).await.expect("logs in");
}

#[tokio::test]
async fn the_right_password_forgives_on_all_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let nodes = two_nodes(&open_store(folder.path())).await;
    ada(&nodes[0]).await;
    for round in 0..3 {
        for attempt in 0..4 {
            let wrong = nodes[attempt % 2].check_password("ada", "wrong one", None).await;
            assert_eq!(code(wrong), Some(Code::LoginFailed), "round {round}, attempt {attempt}");
        }
        nodes[round % 2].check_password("ada", "correct horse", None).await.expect("logs in");
    }
}

#[tokio::test]
async fn operators_are_told_of_guesses_at_an_account_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open_store(folder.path());
    let nodes = two_nodes(&store).await;
    let ada = ada(&nodes[0]).await;
    for name in ["nobody", "ada"] {
        for _ in 0..8 {
            nodes[0].check_password(name, "wrong one", Some([10, 0, 0, 1].into())).await.expect_err("wrong");
        }
    }
    until("it is audited", async || !store.audit(i64::MAX, 10).await.expect("read").is_empty()).await;
    let entries = store.audit(i64::MAX, 10).await.expect("read");
    assert_eq!(entries.len(), 1, "once, and nothing of who is not there: {entries:?}");
    assert_eq!((entries[0].action.as_str(), &entries[0].subject), ("login_locked", &ada.id.to_string()));
    assert!(entries[0].details.contains("10.0.0.1"), "{entries:?}");
}
