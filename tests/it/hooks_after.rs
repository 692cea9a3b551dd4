//! A server of the operator's is told after a message was stored: all of it, in order, whatever dies.

use std::collections::BTreeMap;

use http::Method;
use serde_json::json;

use crate::harness::eventually;
use crate::harness::node::Node;
use crate::harness::system::{System, receiver};
use crate::hooks::{asked_of, cluster, over_both_hooked, path_of, standalone, verify};

over_both_hooked!(what_was_stored_is_told_in_order_with_what_became_of_it, operators_see_how_the_hooks_are,);

/// What the second hook took of a conversation: messages and changes by their place, each as it first came.
#[derive(Debug, Default)]
struct Told {
    messages: BTreeMap<i64, String>,
    changes: BTreeMap<i64, (String, i64)>,
}

/// What was taken of a conversation; panics when anything came before what it follows.
fn told(system: &System, room: &str) -> Told {
    let mut told = Told::default();
    for call in receiver().taken(&path_of(system, "AFTER")) {
        let data = call.json()["data"].clone();
        if data["conversationId"] != *room {
            continue;
        }
        verify(&call);
        for message in data["messages"].as_array().expect("messages") {
            let seq = message["seq"].as_i64().expect("a seq");
            if !told.messages.contains_key(&seq) {
                let last = told.messages.last_key_value().map_or(0, |(last, _)| *last);
                assert!(seq > last, "{seq} after {last}");
                told.messages.insert(seq, message["content"].as_str().expect("a text").to_owned());
            }
        }
        for change in data["changes"].as_array().expect("changes") {
            let number = change["changeSeq"].as_i64().expect("a number");
            let seq = change["seq"].as_i64().expect("a seq");
            assert!(told.messages.contains_key(&seq), "a change of what was not told: {change}");
            let kind = change["kind"].as_str().expect("a kind").to_owned();
            told.changes.insert(number, (kind, seq));
        }
    }
    told
}

async fn wait_told(system: &System, room: &str, messages: usize, changes: usize) -> Told {
    eventually("all of it is told", async || {
        let told = told(system, room);
        (told.messages.len() >= messages && told.changes.len() >= changes).then_some(told)
    })
    .await
}

async fn what_was_stored_is_told_in_order_with_what_became_of_it(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).group(&ann, &[&bob]).await;
    let mut sends = tokio::task::JoinSet::new();
    for (node, who) in [&ann, &bob].into_iter().enumerate() {
        let (api, who, room) = (system.api(node), who.clone(), room.clone());
        sends.spawn(async move {
            for number in 0..20 {
                api.send(&who, &room, &number.to_string(), &format!("text {number}")).await.ok();
            }
        });
    }
    sends.join_all().await;
    let history = system.api(0).history(&ann, &room).await;
    let said: Vec<(i64, String)> =
        history.into_iter().filter(|(_, text)| text.starts_with("text ")).collect();
    let all = wait_told(system, &room, 40, 0).await;
    assert_eq!(all.messages.into_iter().collect::<Vec<_>>(), said, "all of it, as it is");
    let seq = said[0].0;
    let path = format!("/api/conversations/{room}/messages/{seq}");
    let body = Some(json!({ "content": "edited" }));
    let sender = if system.api(0).call(Method::PATCH, &path, &ann.token, body.clone()).await.status == 200 {
        &ann
    } else {
        system.api(0).call(Method::PATCH, &path, &bob.token, body).await.ok();
        &bob
    };
    system.api(1).call(Method::POST, &format!("{path}/recall"), &sender.token, None).await.ok();
    let changed = wait_told(system, &room, 40, 2).await.changes;
    let expected = [(1, ("edited".to_owned(), seq)), (2, ("recalled".to_owned(), seq))];
    assert_eq!(changed.into_iter().collect::<Vec<_>>(), expected);
}

async fn operators_see_how_the_hooks_are(system: &System) {
    let (ann, operator) = (system.account("ann").await, system.operator().await);
    let room = system.api(0).room(&ann).await;
    let api = system.api(0);
    api.send(&ann, &room, "1", "Hello").await.ok();
    api.send(&ann, &room, "2", "refuse it").await;
    wait_told(system, &room, 1, 0).await;
    let hooks = api.get("/api/admin/hooks", &operator.token).await.ok();
    assert_eq!(hooks["before"]["onFailure"], "closed");
    let count = |name: &str| hooks["before"][name].as_u64().expect("a number");
    assert!(count("allowed") >= 1 && count("refused") >= 1, "{hooks}");
    assert!(hooks["after"]["conversations"].is_u64() && hooks["after"]["oldestMs"].is_i64(), "{hooks}");
    assert!(!hooks.to_string().contains("whsec_"), "no secrets");
    assert_eq!(api.get("/api/admin/hooks", &ann.token).await.refusal(), (403, "forbidden".to_owned()));
}

/// Nodes die while the first hook is asked and while the second is down: a repeat is known by its id, and nothing that was
/// stored is not told.
async fn survives(mut system: System, kill: impl AsyncFnOnce(&mut System)) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    let after = path_of(&system, "AFTER");
    receiver().answer(&after, 503, &[], "");
    for number in 0..3 {
        system.api(0).send(&ann, &room, &number.to_string(), &format!("text {number}")).await.ok();
    }
    receiver().wait_received(&after, 1).await;
    let held = {
        let (api, ann, room) = (system.api(0), ann.clone(), room.clone());
        let path = format!("/api/conversations/{room}/messages");
        let body = json!({ "clientMsgId": "3", "content": "hold once" }).to_string();
        tokio::spawn(async move {
            let bearer = format!("Bearer {}", ann.token);
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            api.raw(Method::POST, &path, &headers, body).await
        })
    };
    eventually("it is asked", async || (asked_of(&system, &ann).len() == 4).then_some(())).await;
    kill(&mut system).await;
    assert!(held.await.expect("ends").is_err(), "whoever answers died");
    // Answered by another node, or by the next process.
    system.api(1).send(&ann, &room, "3", "hold once").await.ok();
    let calls = asked_of(&system, &ann);
    let ids: Vec<&str> = calls[3..].iter().map(|call| call.header("webhook-id")).collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]), "the same id");
    receiver().answer(&after, 200, &[], "");
    let all = wait_told(&system, &room, 4, 0).await;
    let expected = ["text 0", "text 1", "text 2", "hold once"].map(str::to_owned);
    assert_eq!(all.messages.into_iter().collect::<Vec<_>>(), (1..).zip(expected).collect::<Vec<_>>());
    eventually("nothing waits", async || {
        let waiting = system.counted("oort_logic_hook_after_conversations ", "").await;
        (waiting < 1.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_kill_of_the_only_process() {
    survives(standalone(&[]), async |system| {
        system.comets[0].kill();
        system.comets[0] = Node::start("", system.folder.path(), &system.settings);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_kill_of_a_logic_node() {
    survives(cluster(&[]).await, async |system| {
        system.logics[0].kill();
        // The door is the other one's from now on.
        system.logics.remove(0);
    })
    .await;
}
