//! What operators see and do, and that nobody else does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use http::Method;
use serde_json::{Value, json};

use crate::harness::eventually;
use crate::harness::http::Account;
use crate::harness::over_both_shapes;
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    only_operators_may,
    every_process_is_listed_with_live_numbers,
    connections_are_listed_wherever_they_are,
    a_broadcast_reaches_everyone_and_is_audited,
);

async fn get(system: &System, operator: &Account, path: &str) -> Value {
    system.api(0).get(path, &operator.token).await.ok()
}

async fn only_operators_may(system: &System) {
    let ann = system.account("ann").await;
    let paths = [
        "nodes",
        "users?query=a",
        "users/1/connections",
        "outbox",
        "dead-letters",
        "audit",
        "messages/1/1/trace",
    ];
    for path in paths {
        let path = format!("/api/admin/{path}");
        let refused = system.api(0).get(&path, &ann.token).await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{path}");
        let refused = system.api(1).get(&path, "").await;
        assert_eq!(refused.refusal(), (401, "unauthenticated".to_owned()), "{path}");
    }
    let body = json!({ "operation": 1000, "body": "x" });
    let refused = system.api(0).post("/api/admin/broadcast", &ann.token, body).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    let refused =
        system.api(0).call(Method::DELETE, "/api/admin/users/1/connections", &ann.token, None).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));

    assert_eq!(get(system, &ann, "/api/me").await["operator"], false);
    system.admin(&["create", &ann.username]);
    assert_eq!(get(system, &ann, "/api/me").await["operator"], true);
    get(system, &ann, "/api/admin/outbox").await;
    assert!(system.admin(&["list"]).contains(&ann.username));
    let audit = get(system, &ann, "/api/admin/audit?limit=200").await;
    let is_told = |action: &str, entry: &Value| entry["action"] == action && entry["subject"] == *ann.id;
    let entries = audit["entries"].as_array().expect("entries");
    let granted = entries.iter().find(|entry| is_told("operator_granted", entry)).expect("it is audited");
    assert_eq!(granted["actorId"], "0", "by the command line");
    system.admin(&["remove", &ann.username]);
    let refused = system.api(0).get("/api/admin/outbox", &ann.token).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "at once");
}

async fn every_process_is_listed_with_live_numbers(system: &System) {
    let ann = system.operator().await;
    let room = system.api(0).room(&ann).await;
    let sockets =
        [Socket::v1(system.door(0), &ann.token).await, Socket::v1(system.door(1), &ann.token).await];
    let expected = match system.logics.is_empty() {
        true => vec!["standalone"],
        false => vec!["comet", "comet", "job", "job", "logic", "logic"],
    };
    let (mut sent, mut rates) = (0, [false; 3]);
    eventually("each role with its numbers", async || {
        sent += 1;
        system.api(sent).send(&ann, &room, &format!("m{sent}"), "x").await.ok();
        let nodes = get(system, &ann, "/api/admin/nodes").await["nodes"].clone();
        let nodes = nodes.as_array().expect("nodes").clone();
        // Jobs and logics that other tests started and ended may still be there.
        let roles: Vec<&str> = nodes.iter().filter_map(|node| node["role"].as_str()).collect();
        let missing = expected.iter().any(|role| {
            let count = |roles: &[&str]| roles.iter().filter(|other| *other == role).count();
            count(&roles) < count(&expected)
        });
        let connected: i64 = nodes.iter().filter_map(|node| node["connections"].as_i64()).sum();
        let positive = |name: &str| nodes.iter().any(|node| node["metrics"][name].as_f64() > Some(0.0));
        for (is_seen, name) in rates.iter_mut().zip(["sendsPerS", "framesPerS", "p99Ms"]) {
            *is_seen |= positive(name);
        }
        let has_all = nodes.iter().all(|node| {
            node["metrics"]["rssBytes"].as_i64() > Some(0)
                && node["metrics"]["cpuPercent"].is_number()
                && node["version"] == env!("CARGO_PKG_VERSION")
                && node["address"].as_str().is_some_and(|address| address.contains(':'))
                && node["draining"] == false
                && node["seenMs"].as_i64() >= node["startedAtMs"].as_i64()
        });
        (!missing && connected >= 2 && has_all && rates.iter().all(|seen| *seen)).then_some(())
    })
    .await;
    drop(sockets);
}

async fn connections_are_listed_wherever_they_are(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    let state = async || {
        let users = get(system, &ann, &format!("/api/admin/users?query={}", bob.username)).await;
        users["users"][0].clone()
    };
    let offline = json!({ "id": bob.id, "username": bob.username, "operator": false, "online": false });
    assert_eq!(state().await, offline);
    let path = format!("/api/admin/users/{}/connections", bob.id);
    assert_eq!(get(system, &ann, &path).await, json!({ "connections": [] }));
    let sockets =
        [Socket::v1(system.door(0), &bob.token).await, Socket::v1(system.door(1), &bob.token).await];
    let mut keys: Vec<String> = sockets
        .iter()
        .map(|socket| socket.hello["session"]["key"].as_str().expect("a key").to_owned())
        .collect();
    let listed = get(system, &ann, &path).await["connections"].clone();
    let listed = listed.as_array().expect("connections");
    let field = |name: &str| {
        let mut texts: Vec<_> =
            listed.iter().map(|one| one[name].as_str().expect("a text").to_owned()).collect();
        texts.sort();
        texts
    };
    keys.sort();
    assert_eq!(field("key"), keys);
    let comets = field("comet");
    assert_eq!(comets[0] == comets[1], system.comets.len() == 1, "{comets:?}");
    assert_eq!(state().await["online"], true);
    drop(sockets);
    eventually("they are gone", async || {
        (get(system, &ann, &path).await == json!({ "connections": [] })).then_some(())
    })
    .await;
}

async fn a_broadcast_reaches_everyone_and_is_audited(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    let sockets = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let mark = unique("broadcast");
    let body = json!({ "operation": 1000, "body": mark });
    // Through a comet's door, as the web client does.
    let door = crate::harness::http::Http::new(system.door(1));
    let reply = door.post("/api/admin/broadcast", &ann.token, body).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    for socket in &sockets {
        socket.wait_frame("push", |push| push["body"] == *mark && push["operation"] == 1000).await;
    }
    let audit = get(system, &ann, "/api/admin/audit?limit=200").await;
    let mut entries = audit["entries"].as_array().expect("entries").iter();
    let entry = entries.find(|entry| entry["actorId"] == *ann.id).expect("it is audited");
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("broadcast"), &json!(ann.username)));
}

/// The letter with this key, once it is there.
async fn letter(system: &System, operator: &Account, key: &str) -> Value {
    eventually("the dead letter is listed", async || {
        let page = get(system, operator, "/api/admin/dead-letters?limit=200").await;
        page["letters"].as_array().expect("letters").iter().find(|letter| letter["key"] == key).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_listed_in_one_process() {
    let system = System::standalone(&[("OORT_JOB__PIPELINE__RECORD_BYTES_MAX", "2000")]);
    let ann = system.operator().await;
    let body = json!({ "operation": 1000, "body": "x".repeat(3000) });
    assert_eq!(system.api(0).post("/api/admin/broadcast", &ann.token, body).await.status, 202);
    let letter = letter(&system, &ann, "all").await;
    assert!(letter["bytes"].as_i64() > Some(3000) && letter["atMs"].as_i64() > Some(0), "{letter}");
    assert!(letter["reason"].as_str().expect("a reason").contains("larger"), "{letter}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_listed_and_published_again_in_a_cluster() {
    let system = crate::harness::system::shared_cluster().await;
    let ann = system.operator().await;
    let setting = |name: &str| {
        let found = system.settings.iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name}")).1.clone()
    };
    let bus = oort_api::bus::kafka::Settings {
        brokers: setting("OORT_BUS__BROKERS"),
        topic: setting("OORT_BUS__TOPIC"),
        dead_letter_topic: setting("OORT_BUS__DEAD_LETTER_TOPIC"),
        ..oort_api::bus::kafka::Settings::default()
    };
    let producer = oort_api::bus::kafka::KafkaProducer::connect(&bus).expect("made");
    let key = unique("broken-");
    let record = oort_api::bus::Record { key: key.clone(), value: vec![0xff; 9].into(), traceparent: None };
    producer.publish(vec![record], crate::harness::PATIENCE).await.expect("published");
    let first = letter(system, &ann, &key).await;
    assert_eq!((&first["bytes"], &first["reason"]), (&json!(9), &json!("not a goim.logic.PushMsg")));

    let listed = || {
        let said = system.oort(&["dlq", "list", "--limit", "1000"]);
        said.lines().filter(|line| line.contains(&key)).count()
    };
    assert_eq!(listed(), 1);
    // Published again it still makes no sense, so it comes back.
    let offset = first["offset"].as_i64().expect("an offset");
    let before = offset.checked_sub(1).filter(|before| *before >= 0).map(|before| format!("0-{before}"));
    let mut replay = vec!["dlq", "replay", "--limit", "1"];
    replay.extend(before.as_deref().map(|before| ["--after", before]).into_iter().flatten());
    let said = system.oort(&replay);
    assert!(said.contains("1 published again") && said.contains(&format!("--after 0-{offset}")), "{said}");
    eventually("it is given up on again", async || (listed() == 2).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_operator_gets_a_password_that_works() {
    let system = System::standalone(&[]);
    let name = unique("op");
    let said = system.admin(&["create", &name]);
    let password = said.trim().rsplit(' ').next().expect("a password").to_owned();
    assert!(password.len() >= 32, "{said}");
    let login = async |password: &str| {
        system.api(0).post("/api/sessions", "", json!({ "login": name, "password": password })).await
    };
    let session = login(&password).await.ok();
    let token = session["accessToken"].as_str().expect("a token");
    system.api(0).get("/api/admin/nodes", token).await.ok();
    assert!(!system.admin(&["create", &name]).contains(&password), "it is shown once");
    login(&password).await.ok();

    let create = |name: &str, password: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oort"));
        command.args(["admin", "create", name, "--password-stdin"]).env_clear();
        command.envs(system.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("oort runs");
        let mut stdin = child.stdin.take().expect("its standard input");
        stdin.write_all(password.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    let other = unique("op");
    let output = create(&other, "correct horse\n");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !said.contains("horse"), "{output:?}");
    let body = json!({ "login": other, "password": "correct horse" });
    system.api(0).post("/api/sessions", "", body).await.ok();
    assert!(!create(&other, "another").status.success(), "an account keeps its password");
    assert!(!create(&unique("op"), "x").status.success(), "passwords are checked");
}
