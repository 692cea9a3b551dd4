//! A server of the operator's is asked before a message is stored: by every way a message comes in, within its time.
//! (What is told after it was stored: `hooks_after.rs`.)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::hook::{BEFORE, messages};
use crate::harness::http::{Account, Reply};
use crate::harness::packets::{Packet, PacketClient, auth_body};
use crate::harness::receiver::Received;
use crate::harness::services::Backends;
use crate::harness::socket::Socket;
use crate::harness::system::{System, receiver};
use crate::harness::{eventually, unique};

/// What calls are signed with.
const KEY: [u8; 32] = [9; 32];

/// Settings of a system with both hooks at paths of its own, and these.
fn hooked(extra: &[(&str, &str)]) -> Vec<(String, String)> {
    let path = unique("");
    let ours = [
        ("SECRET", format!("whsec_{}", STANDARD.encode(KEY))),
        ("BEFORE__URL", receiver().url(&format!("{BEFORE}{path}"))),
        ("BEFORE__TIMEOUT_MS", "3000".to_owned()),
        ("AFTER__URL", receiver().url(&format!("/after/{path}"))),
        ("AFTER__INTERVAL_MS", "50".to_owned()),
        ("AFTER__TIMEOUT_MS", "2000".to_owned()),
        ("AFTER__LEASE_MS", "4000".to_owned()),
        ("AFTER__RETRY_MIN_MS", "20".to_owned()),
        ("AFTER__RETRY_MAX_MS", "500".to_owned()),
    ];
    let extra = extra.iter().map(|&(name, value)| (name, value.to_owned()));
    ours.into_iter().chain(extra).map(|(name, value)| (format!("OORT_LOGIC__HOOKS__{name}"), value)).collect()
}

pub(crate) fn standalone(extra: &[(&str, &str)]) -> System {
    let settings = hooked(extra);
    System::standalone(&borrowed(&settings))
}

pub(crate) async fn cluster(extra: &[(&str, &str)]) -> System {
    let settings = hooked(extra);
    System::cluster(&Backends::shared(), &borrowed(&settings)).await
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

pub(crate) async fn shared_standalone() -> &'static System {
    static SHARED: OnceCell<System> = OnceCell::const_new();
    SHARED.get_or_init(async || standalone(&[])).await
}

pub(crate) async fn shared_cluster() -> &'static System {
    static SHARED: OnceCell<System> = OnceCell::const_new();
    SHARED.get_or_init(async || cluster(&[]).await).await
}

/// Each scenario over a standalone process and a cluster that have hooks, and that all scenarios share.
macro_rules! over_both_hooked {
    ($($scenario:ident),* $(,)?) => {
        mod standalone {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario($crate::hooks::shared_standalone().await).await;
            })*
        }
        mod cluster {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                super::$scenario($crate::hooks::shared_cluster().await).await;
            })*
        }
    };
}
pub(crate) use over_both_hooked;

over_both_hooked!(
    what_the_hook_says_is_done_at_every_door,
    another_text_is_what_everybody_sees_and_a_repeat_is_known,
    edits_are_asked_about,
    no_answer_is_told_and_delays_nobody_else,
    messages_of_one_frame_are_asked_about_together_and_keep_their_order,
);

/// Path of a hook of this system.
pub(crate) fn path_of(system: &System, hook: &str) -> String {
    let name = format!("OORT_LOGIC__HOOKS__{hook}__URL");
    let (_, url) = system.settings.iter().find(|(known, _)| *known == name).expect("a hook");
    let path = url.splitn(4, '/').nth(3).expect("a path");
    format!("/{path}")
}

/// Calls in which the first hook was asked about something of this person.
pub(crate) fn asked_of(system: &System, sender: &Account) -> Vec<Received> {
    let mut calls = receiver().received(&path_of(system, "BEFORE"));
    calls.retain(|call| messages(call).iter().any(|message| message["sender"]["id"] == *sender.id));
    calls
}

pub(crate) fn verify(received: &Received) {
    let (id, at) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &KEY);
    let signature = received.header("webhook-signature").strip_prefix("v1,").expect("version 1");
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", &received.body].concat();
    aws_lc_rs::hmac::verify(&key, &signed, &STANDARD.decode(signature).expect("base64"))
        .expect("signed with the secret");
    assert_eq!(received.json()["data"]["id"], id);
}

fn refused(reply: &Reply, reason: &str) {
    assert_eq!(reply.refusal(), (403, "rejected".to_owned()), "{reply:?}");
    assert_eq!(reply.json()["message"], reason);
}

async fn what_the_hook_says_is_done_at_every_door(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).group(&ann, &[&bob]).await;
    system.api(0).send(&ann, &room, "1", "Hello").await.ok();
    refused(&system.api(1).send(&ann, &room, "2", "refuse not here").await, "not here");
    let calls = asked_of(system, &ann);
    calls.iter().for_each(verify);
    let asked = messages(&calls[0]);
    let [message] = &asked[..] else { panic!("{asked:?}") };
    for (key, expected) in [
        ("conversationId", json!(room)),
        ("conversationKind", json!("group")),
        ("sender", json!({ "id": ann.id, "username": ann.username })),
        ("clientMsgId", json!("1")),
        ("content", json!("Hello")),
        ("edit", json!(false)),
    ] {
        assert_eq!(message[key], expected, "{key}");
    }
    // Over sockets.
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    socket.say(&room, "3", "refuse nor here").await;
    let ack = socket.wait_frame("sendAck", |ack| ack["results"][0]["clientMsgId"] == "3").await;
    assert_eq!(ack["results"][0]["error"]["code"], "rejected", "{ack}");
    assert_eq!(ack["results"][0]["error"]["message"], "nor here");
    let mut packets = PacketClient::tcp(system.packets(0)).await;
    packets.auth(auth_body(&ann.id, "", "", &[], &ann.token)).await;
    let body = json!({ "roomId": room, "clientMsgId": "4", "content": "refuse nor so" }).to_string();
    packets.send(&[Packet::new(4, 5, body)]).await;
    let reply = loop {
        let packet = packets.next_op(4).await;
        if packet.seq == 5 {
            break packet;
        }
    };
    let reply: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((&reply["error"]["code"], &reply["error"]["message"]), (&json!("rejected"), &json!("nor so")));
    // Sent on.
    let other = system.api(0).group(&bob, &[&ann]).await;
    system.api(0).send(&ann, &room, "5", "only here").await.ok();
    let forward = json!({ "clientMsgId": "6", "forward": { "conversationId": room, "seq": seq_of(system, &ann, &room).await } });
    let sent_on =
        system.api(1).post(&format!("/api/conversations/{other}/messages"), &bob.token, forward).await;
    assert_eq!(sent_on.refusal(), (403, "rejected".to_owned()));
    // Nothing of what was refused is anywhere, and who is not in a conversation is not asked about.
    let texts: Vec<String> =
        system.api(0).history(&bob, &room).await.into_iter().map(|(_, text)| text).collect();
    assert!(texts.iter().all(|text| !text.starts_with("refuse")), "{texts:?}");
    let eve = system.account("eve").await;
    let reply = system.api(0).send(&eve, &room, "7", "refuse me").await;
    assert_eq!(reply.refusal(), (403, "not_member".to_owned()));
    assert_eq!(asked_of(system, &eve).len(), 0);
}

/// The newest place.
async fn seq_of(system: &System, who: &Account, room: &str) -> i64 {
    system.api(0).history(who, room).await.last().expect("something").0
}

async fn another_text_is_what_everybody_sees_and_a_repeat_is_known(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    let devices = [(0, &ann), (1, &ann), (1, &bob)];
    let mut sockets = Vec::new();
    for (door, who) in devices {
        sockets.push(Socket::v1(system.door(door), &who.token).await.follow());
    }
    let sent = system.api(0).send(&ann, &room, "1", "replace something kind").await.ok();
    for socket in &sockets {
        assert_eq!(socket.wait_for(&room, 1).await, [(1, "something kind".to_owned())]);
    }
    assert_eq!(system.api(1).history(&bob, &room).await, [(1, "something kind".to_owned())]);
    let asked = asked_of(system, &ann).len();
    for node in 0..2 {
        let again = system.api(node).send(&ann, &room, "1", "replace something kind").await.ok();
        assert_eq!((&again["seq"], &again["duplicate"]), (&sent["seq"], &json!(true)));
        let other = system.api(node).send(&ann, &room, "1", "something kind").await;
        assert_eq!(other.refusal(), (409, "idempotency_conflict".to_owned()), "it is not what was written");
    }
    assert_eq!(asked_of(system, &ann).len(), asked, "it is not asked again");
}

async fn edits_are_asked_about(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).room(&ann).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    system.api(0).send(&ann, &room, "1", "Hello").await.ok();
    let path = format!("/api/conversations/{room}/messages/1");
    let edit_by = async |who: &Account, node: usize, text: &str| {
        let body = Some(json!({ "content": text }));
        system.api(node).call(Method::PATCH, &path, &who.token, body).await
    };
    let edit = async |node: usize, text: &str| edit_by(&ann, node, text).await;
    assert_eq!(edit_by(&bob, 0, "refuse worse").await.refusal(), (403, "forbidden".to_owned()));
    assert!(asked_of(system, &bob).is_empty(), "nobody is asked about another's message");
    refused(&edit(0, "refuse worse").await, "worse");
    assert_eq!(edit(1, "replace better").await.ok()["content"], "better");
    socket.wait_frame("change", |change| change["roomId"] == *room && change["content"] == "better").await;
    let calls = asked_of(system, &ann);
    let edits: Vec<Value> = calls.iter().flat_map(messages).filter(|one| one["edit"] == true).collect();
    assert_eq!(edits.len(), 2);
    assert!(edits.iter().all(|edit| edit["seq"] == 1 && edit["conversationId"] == *room), "{edits:?}");
    edit(0, "replace better").await.ok();
    let last = asked_of(system, &ann);
    let id = |call: &Received| call.header("webhook-id").to_owned();
    assert_eq!(id(&last[last.len() - 1]), id(&last[last.len() - 2]), "the same once more has the same id");
}

async fn no_answer_is_told_and_delays_nobody_else(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let (anns, bobs) = (system.api(0).room(&ann).await, system.api(0).room(&bob).await);
    let api = system.api(0);
    let held = {
        let (api, ann, anns) = (api.clone(), ann.clone(), anns.clone());
        tokio::spawn(async move { api.send(&ann, &anns, "1", "hold once, then not").await })
    };
    eventually("it is asked", async || (asked_of(system, &ann).len() == 1).then_some(())).await;
    api.send(&bob, &bobs, "1", "Hello").await.ok();
    assert!(!held.is_finished(), "others do not wait for it");
    let reply = held.await.expect("answers");
    assert_eq!(reply.refusal(), (503, "unavailable".to_owned()));
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!(system.api(1).history(&ann, &anns).await, [], "nothing was stored");
    system.api(1).send(&ann, &anns, "1", "hold once, then not").await.ok();
    let calls = asked_of(system, &ann);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    let failed = api.send(&ann, &anns, "2", "fail").await;
    assert_eq!(failed.refusal(), (503, "unavailable".to_owned()));
    assert!(system.counted("oort_logic_hook_before_failures_total", "timeout").await >= 1.0);
    assert!(system.counted("oort_logic_hook_before_failures_total", "status").await >= 1.0);
    assert!(system.counted("oort_logic_hook_before_messages_total", "refused_unasked").await >= 2.0);
}

async fn messages_of_one_frame_are_asked_about_together_and_keep_their_order(system: &System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let texts: Vec<String> = (0..9)
        .map(|number| match number % 3 {
            0 => format!("text {number}"),
            1 => format!("refuse {number}"),
            _ => format!("replace text {number}"),
        })
        .collect();
    let frame: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| json!({ "clientMsgId": number.to_string(), "content": text }))
        .collect();
    socket.send("clientMessages", json!({ "roomId": room, "messages": frame, "requestId": "r" })).await;
    let ack = socket.wait_frame("sendAck", |ack| ack["requestId"] == "r").await;
    let results = ack["results"].as_array().expect("results");
    let seqs: Vec<i64> = results.iter().map(|result| result["seq"].as_i64().unwrap_or(0)).collect();
    assert_eq!(seqs, [1, 0, 2, 3, 0, 4, 5, 0, 6], "{ack}");
    let expected: Vec<(i64, String)> =
        [0, 2, 3, 5, 6, 8].iter().zip(1..).map(|(number, seq)| (seq, format!("text {number}"))).collect();
    assert_eq!(socket.wait_for(&room, 6).await, expected);
    let calls = asked_of(system, &ann);
    assert_eq!(calls.iter().map(|call| messages(call).len()).collect::<Vec<_>>(), [9], "one call for all");
    // Frames written without waiting are stored in their order, however many calls they make.
    for number in 9..40 {
        socket.say(&room, &number.to_string(), &format!("text {number}")).await;
    }
    let shown = socket.wait_for(&room, 37).await;
    let numbers: Vec<String> = shown[6..].iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(numbers, (9..40).map(|number| format!("text {number}")).collect::<Vec<_>>());
}

/// With `on_failure = "open"` a hook that is away stops nobody.
async fn open(system: System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    for (number, text) in ["hold", "fail", "refuse it"].iter().enumerate() {
        let reply = system.api(number).send(&ann, &room, &number.to_string(), text).await;
        assert_eq!(reply.status, if *text == "refuse it" { 403 } else { 200 }, "{text}");
    }
    assert_eq!(system.api(1).history(&ann, &room).await.len(), 2);
    assert_eq!(system.counted("oort_logic_hook_before_messages_total", "passed_unasked").await, 2.0);
}

const OPEN: [(&str, &str); 2] = [("BEFORE__ON_FAILURE", "open"), ("BEFORE__TIMEOUT_MS", "1500")];

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_away_stops_nobody_where_that_is_set_standalone() {
    open(standalone(&OPEN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_away_stops_nobody_where_that_is_set_cluster() {
    open(cluster(&OPEN).await).await;
}

/// All faults of the settings are told at the start.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_faulty_hooks_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_oort"))
        .env_clear()
        .env("OORT_NODE__DATA_DIR", folder.path())
        .env("OORT_LOGIC__HOOKS__SECRET", "whsec_c2hvcnQ=")
        .env("OORT_LOGIC__HOOKS__BEFORE__URL", "hook.example")
        .env("OORT_LOGIC__HOOKS__AFTER__URL", "https://user@hook.example")
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for fault in ["hooks: secret is not whsec_", "hooks: before.url", "hooks: after.url"] {
        assert!(said.contains(fault), "{fault} is not in {said}");
    }
    assert!(!said.contains("c2hvcnQ"), "a secret is not told");
}
