//! Devices that are away are notified: once for each conversation, of what they do not know, until somebody takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Http};
use crate::harness::receiver::Received;
use crate::harness::services::Backends;
use crate::harness::socket::Socket;
use crate::harness::system::{System, receiver};
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    an_offline_device_is_told_once_and_an_online_one_is_not,
    what_somebody_does_not_want_to_hear_wakes_nobody,
    a_receiver_that_was_down_gets_the_newest_of_each_conversation,
    who_is_gone_is_not_told_again,
    a_receiver_is_left_alone_for_as_long_as_it_says,
);

/// Where the device that asks is notified.
pub(crate) const CURRENT: &str = "/api/sessions/current/notifications";

/// One more device of somebody.
pub(crate) async fn device(api: &Http, of: &Account) -> Account {
    let body = json!({ "login": of.username, "password": "correct horse" });
    let reply = api.post("/api/sessions", "", body).await.ok();
    Account { token: reply["accessToken"].as_str().expect("a token").to_owned(), ..of.clone() }
}

/// Has a device notified at a webhook of its own: its path, and what was answered.
pub(crate) async fn hook(api: &Http, device: &Account) -> (String, Value) {
    let path = format!("/hook/{}", unique(""));
    let body = json!({ "kind": "webhook", "endpoint": receiver().url(&path) });
    let set = api.call(Method::PUT, CURRENT, &device.token, Some(body)).await.ok();
    (path, set)
}

/// Conversation, newest message and unread count of what webhooks got.
pub(crate) fn seen(received: &[Received]) -> Vec<(String, i64, i64)> {
    let one = |received: &Received| {
        let data = received.json()["data"].clone();
        let number = |key: &str| data[key].as_i64().expect("a number");
        (data["conversationId"].as_str().expect("an id").to_owned(), number("seq"), number("unread"))
    };
    received.iter().map(one).collect()
}

async fn an_offline_device_is_told_once_and_an_online_one_is_not(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let laptop = device(&api, &bob).await;
    let ((phone_path, set), (laptop_path, _), (anns_path, _)) =
        (hook(&api, &bob).await, hook(&api, &laptop).await, hook(&api, &ann).await);
    let socket = Socket::v1(system.door(1), &laptop.token).await.follow();
    let place = api.direct(&ann, &bob).await;
    system.api(1).send(&ann, &place, "1", "Hello").await.ok();
    socket.wait_for(&place, 1).await;

    let told = receiver().wait_taken(&phone_path, 1).await;
    let [one] = &told[..] else { panic!("{told:?}") };
    let body = one.json();
    assert_eq!(body["type"], "message");
    let data = &body["data"];
    for (key, expected) in [
        ("userId", json!(bob.id)),
        ("conversationId", json!(place)),
        ("conversationKind", json!("direct")),
        ("title", json!(ann.username)),
        ("sender", json!(ann.username)),
        ("text", json!("Hello")),
        ("kind", json!("text")),
        ("seq", json!(1)),
        ("unread", json!(1)),
    ] {
        assert_eq!(data[key], expected, "{key} of {data}");
    }
    let (id, at) = (one.header("webhook-id"), one.header("webhook-timestamp"));
    assert_eq!(data["id"], id);
    let secret = set["secret"].as_str().and_then(|secret| secret.strip_prefix("whsec_")).expect("a secret");
    let key =
        aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &STANDARD.decode(secret).expect("base64"));
    let signature = one.header("webhook-signature").strip_prefix("v1,").expect("version 1");
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &one.body].concat();
    let signature = STANDARD.decode(signature).expect("base64");
    aws_lc_rs::hmac::verify(&key, &signed, &signature).expect("signed with the secret");

    // The laptop goes away; now both are told, and what came before was never told to it.
    socket.cut();
    eventually("the laptop is offline", async || {
        let list = api.get(&format!("/api/presence?users={}", bob.id), &ann.token).await.json();
        (list["users"][0]["online"] == false).then_some(())
    })
    .await;
    let (mut sent, mut first) = (1, Vec::new());
    while first.is_empty() {
        sent += 1;
        api.send(&ann, &place, &sent.to_string(), "Again").await.ok();
        receiver().wait_taken(&phone_path, usize::try_from(sent).expect("small")).await;
        first = seen(&receiver().taken(&laptop_path));
    }
    assert!(first[0].1 > 1, "{first:?}");
    assert_eq!(receiver().received(&anns_path).len(), 0, "nobody is told what they said");
}

async fn what_somebody_does_not_want_to_hear_wakes_nobody(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let eve = system.account("eve").await;
    let (path, _) = hook(&api, &bob).await;
    let (quiet, loud) = (api.direct(&ann, &bob).await, api.direct(&eve, &bob).await);
    let body = json!({ "name": "team", "memberIds": [bob.id, eve.id] });
    let group =
        api.post("/api/groups", &ann.token, body).await.ok()["id"].as_str().expect("an id").to_owned();
    let muted = json!({ "mutedUntil": 4_000_000_000_000_i64 });
    let settings = format!("/api/conversations/{quiet}/settings");
    system.api(1).call(Method::PUT, &settings, &bob.token, Some(muted)).await.ok();
    api.send(&ann, &quiet, "q1", "muted").await.ok();
    // Read before it can be told: the receiver is down until then.
    receiver().answer(&path, 503, &[], "");
    api.send(&ann, &group, "g1", "read elsewhere").await.ok();
    receiver().wait_received(&path, 1).await;
    let history = api.history(&bob, &group).await;
    let newest = history.last().expect("something").0;
    let read = json!({ "readSeq": newest });
    let cursor = format!("/api/conversations/{group}/cursor");
    system.api(1).call(Method::PUT, &cursor, &bob.token, Some(read)).await.ok();
    // Whom Bob blocks says something in the group.
    let block = format!("/api/contacts/{}/block", eve.id);
    api.send(&eve, &loud, "l1", "before").await.ok();
    eventually("it is tried in vain", async || {
        let tried = seen(&receiver().received(&path));
        (tried.iter().filter(|(place, ..)| *place == loud).count() >= 2).then_some(())
    })
    .await;
    receiver().answer(&path, 200, &[], "");
    let heard = receiver().wait_taken(&path, 1).await;
    assert_eq!(seen(&heard)[0].0, loud);
    system.api(1).call(Method::PUT, &block, &bob.token, None).await.ok();
    api.send(&eve, &group, "g2", "blocked").await.ok();
    api.send(&ann, &group, "g3", "at last").await.ok();
    let last = eventually("what Bob wants to hear", async || {
        let seen = seen(&receiver().taken(&path));
        seen.iter().any(|(place, seq, _)| *place == group && *seq == newest + 2).then_some(seen)
    })
    .await;
    assert!(last.iter().all(|(place, ..)| *place != quiet), "muted: {last:?}");
    assert!(
        last.iter().all(|(place, seq, _)| *place != group || *seq == newest + 2),
        "read or blocked: {last:?}"
    );
}

async fn a_receiver_that_was_down_gets_the_newest_of_each_conversation(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (path, _) = hook(&api, &bob).await;
    receiver().answer(&path, 500, &[], "");
    let (one, two) = (api.direct(&ann, &bob).await, system.account("cid").await);
    let two = api.direct(&two, &bob).await;
    for number in 0..3 {
        system.api(number).send(&ann, &one, &number.to_string(), "Are you there?").await.ok();
    }
    receiver().wait_received(&path, 2).await;
    let failed = receiver().received(&path);
    assert_eq!(receiver().taken(&path).len(), 0);
    receiver().answer(&path, 200, &[], "");
    let told = eventually("the newest", async || {
        let taken = receiver().taken(&path);
        seen(&taken).contains(&(one.clone(), 3, 3)).then_some(taken)
    })
    .await;
    assert!(seen(&told).iter().all(|(place, ..)| *place != two));
    let of_newest = |received: &&Received| received.json()["data"]["seq"] == 3;
    let ids: Vec<String> =
        failed.iter().chain(&told).filter(of_newest).map(|one| one.header("webhook-id").to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "each attempt has the same id: {ids:?}");
}

async fn who_is_gone_is_not_told_again(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (path, _) = hook(&api, &bob).await;
    receiver().answer(&path, 410, &[], "");
    let place = api.direct(&ann, &bob).await;
    api.send(&ann, &place, "1", "Hello").await.ok();
    eventually("the target is removed", async || {
        let reply = system.api(1).get(CURRENT, &bob.token).await;
        (reply.refusal() == (404, "not_found".to_owned())).then_some(())
    })
    .await;
    assert_eq!(receiver().received(&path).len(), 1);
    // A log-in that ends takes its target along.
    let phone = device(&api, &bob).await;
    let (path, _) = hook(&api, &phone).await;
    api.call(Method::DELETE, "/api/sessions/current", &phone.token, None).await.ok();
    let (other, _) = hook(&api, &bob).await;
    api.send(&ann, &place, "2", "Hello again").await.ok();
    receiver().wait_taken(&other, 1).await;
    assert_eq!(receiver().received(&path).len(), 0);
}

async fn a_receiver_is_left_alone_for_as_long_as_it_says(system: &System) {
    let api = system.api(0);
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (path, _) = hook(&api, &bob).await;
    receiver().answer(&path, 429, &[("retry-after", "1")], "");
    let place = api.direct(&ann, &bob).await;
    api.send(&ann, &place, "1", "Hello").await.ok();
    let received = receiver().wait_received(&path, 2).await;
    // Without it the wait would be a few hundredths of a second.
    let waited = received[1].at - received[0].at;
    assert!(waited >= std::time::Duration::from_secs(1), "{waited:?}");
}

/// Whoever was to send dies: nothing of what waited is lost.
async fn survives(mut system: System, kill: impl AsyncFnOnce(&mut System)) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (path, _) = hook(&system.api(0), &bob).await;
    receiver().answer(&path, 503, &[], "");
    let place = system.api(0).direct(&ann, &bob).await;
    for number in 0..3 {
        system.api(0).send(&ann, &place, &number.to_string(), "Hello").await.ok();
    }
    receiver().wait_received(&path, 1).await;
    kill(&mut system).await;
    receiver().answer(&path, 200, &[], "");
    eventually("the newest is told", async || {
        seen(&receiver().taken(&path)).contains(&(place.clone(), 3, 3)).then_some(())
    })
    .await;
}

/// What a node had taken is left to it for so long.
const LEASE: [(&str, &str); 2] =
    [("OORT_LOGIC__NOTIFICATIONS__LEASE_MS", "1000"), ("OORT_LOGIC__NOTIFICATIONS__TIMEOUT_MS", "400")];

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_kill_of_the_only_process() {
    survives(System::standalone(&LEASE), async |system| {
        system.comets[0].kill();
        system.comets[0] = crate::harness::node::Node::start("", system.folder.path(), &system.settings);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_kill_of_a_logic_node() {
    let system = System::cluster(&Backends::shared(), &LEASE).await;
    survives(system, async |system| system.logics[0].kill()).await;
}
