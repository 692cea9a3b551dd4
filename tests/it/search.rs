//! Messages are found by their words, by whoever may read them, as they are now.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::Account;
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    what_was_sent_is_found_on_every_node,
    pages_are_newest_first_over_all_conversations,
    edits_and_recalls_change_what_is_found_at_once,
    nobody_finds_what_they_may_not_read,
    a_device_that_was_away_finds_what_was_sent_meanwhile,
    changes_and_searches_at_once_never_show_what_is_gone,
    what_cannot_be_asked_is_refused,
);

fn path(query: &str, more: &str) -> String {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/api/search?q={encoded}{more}")
}

async fn search(system: &System, node: usize, who: &Account, query: &str, more: &str) -> Value {
    system.api(node).get(&path(query, more), &who.token).await.ok()
}

/// The texts of a page.
fn texts(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().expect("results");
    results.iter().map(|hit| hit["message"]["content"].as_str().expect("a text").to_owned()).collect()
}

/// Waits until a search finds exactly these, on both nodes.
async fn finds(system: &System, who: &Account, query: &str, expected: &[&str]) {
    for node in 0..2 {
        eventually(&format!("{query} finds {expected:?}"), async || {
            (texts(&search(system, node, who, query, "").await) == expected).then_some(())
        })
        .await;
    }
}

async fn change(system: &System, who: &Account, room: &str, seq: i64, to: Option<&str>) {
    let path = format!("/api/conversations/{room}/messages/{seq}");
    let reply = match to {
        Some(text) => {
            system.api(0).call(Method::PATCH, &path, &who.token, Some(json!({ "content": text }))).await
        }
        None => system.api(1).call(Method::POST, &format!("{path}/recall"), &who.token, None).await,
    };
    reply.ok();
}

async fn what_was_sent_is_found_on_every_node(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let word = unique("w");
    let said = format!("👍 The Café at {word}，我们在家里见");
    // By HTTP and by the socket.
    system.api(0).send(&ann, &room, "1", &said).await.ok();
    let socket = Socket::v1(system.door(1), &bob.token).await.follow();
    socket.say(&room, "2", &format!("No, at home: {word}")).await;
    let second = format!("No, at home: {word}");
    finds(system, &bob, &word, &[&second, &said]).await;
    for query in ["CAFE", "在家", "家里见 the"] {
        finds(system, &ann, &format!("{query} {word}"), &[&said]).await;
    }
    for query in ["caf", "家在", "elsewhere"] {
        finds(system, &ann, &format!("{query} {word}"), &[]).await;
    }
    let page = search(system, 1, &ann, &format!("在家 cafe {word}"), "").await;
    let hit = &page["results"][0];
    assert_eq!(
        (&hit["message"]["seq"], &hit["message"]["conversationId"], page.get("next")),
        (&json!(1), &json!(room), None)
    );
    let units: Vec<u16> = said.encode_utf16().collect();
    let marked: Vec<String> = hit["ranges"]
        .as_array()
        .expect("ranges")
        .iter()
        .map(|range| {
            let at = |end: usize| usize::try_from(range[end].as_u64().expect("a place")).expect("small");
            String::from_utf16(&units[at(0)..at(1)]).expect("whole characters")
        })
        .collect();
    assert_eq!(marked, ["Café", word.as_str(), "在家"]);
}

async fn pages_are_newest_first_over_all_conversations(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let rooms = [
        system.api(0).direct(&ann, &bob).await,
        system.api(0).group(&ann, &[&bob]).await,
        system.api(0).room(&ann).await,
    ];
    let word = unique("w");
    let mut sent = Vec::new();
    for number in 0..10 {
        let text = format!("{word} number {number}");
        system.api(number % 2).send(&ann, &rooms[number % 3], &number.to_string(), &text).await.ok();
        sent.push(text);
    }
    sent.reverse();
    finds(system, &bob, &word, &sent.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let page = search(system, found.len() % 2, &bob, &word, &format!("&limit=3{before}")).await;
        assert!(texts(&page).len() <= 3);
        found.extend(texts(&page));
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(found, sent);
    let page = search(system, 1, &bob, &word, &format!("&conversation={}", rooms[1])).await;
    assert_eq!(texts(&page), [&*sent[2], &*sent[5], &*sent[8]]);
}

async fn edits_and_recalls_change_what_is_found_at_once(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let (word, other) = (unique("w"), unique("o"));
    for number in 1..=3 {
        system.api(0).send(&ann, &room, &number.to_string(), &format!("{word} {number}")).await.ok();
    }
    let [first, second, third] = [1, 2, 3].map(|number| format!("{word} {number}"));
    finds(system, &bob, &word, &[&third, &second, &first]).await;
    change(system, &ann, &room, 2, Some(&other)).await;
    change(system, &ann, &room, 3, None).await;
    // No waiting: who was answered is answered so from then on.
    for node in 0..2 {
        assert_eq!(texts(&search(system, node, &bob, &word, "").await), std::slice::from_ref(&first));
        assert_eq!(texts(&search(system, node, &bob, &other, "").await), std::slice::from_ref(&other));
    }
    let hide = format!("/api/conversations/{room}/messages/1");
    assert_eq!(system.api(1).call(Method::DELETE, &hide, &bob.token, None).await.status, 204);
    assert!(texts(&search(system, 0, &bob, &word, "").await).is_empty(), "removed for oneself");
    assert_eq!(texts(&search(system, 1, &ann, &word, "").await), [first], "and for nobody else");
}

async fn nobody_finds_what_they_may_not_read(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let (team, pair) = (system.api(0).group(&ann, &[&bob]).await, system.api(0).direct(&ann, &bob).await);
    let word = unique("w");
    for room in [&team, &pair] {
        system.api(0).send(&ann, room, room, &format!("{word} in {room}")).await.ok();
    }
    let [in_team, in_pair] = [&team, &pair].map(|room| format!("{word} in {room}"));
    finds(system, &bob, &word, &[&in_pair, &in_team]).await;
    for node in 0..2 {
        assert!(texts(&search(system, node, &eve, &word, "").await).is_empty());
        for room in [&team, &pair] {
            let refused =
                system.api(node).get(&path(&word, &format!("&conversation={room}")), &eve.token).await;
            assert_eq!(refused.refusal(), (403, "not_member".to_owned()));
        }
    }
    let member = format!("/api/groups/{team}/members/{}", bob.id);
    system.api(0).call(Method::DELETE, &member, &ann.token, None).await;
    for node in 0..2 {
        assert_eq!(texts(&search(system, node, &bob, &word, "").await), std::slice::from_ref(&in_pair));
    }
    let body = json!({ "userIds": [eve.id] });
    system.api(1).post(&format!("/api/groups/{team}/members"), &ann.token, body).await.ok();
    // A member reads all of the history, and finds all of it.
    finds(system, &eve, &word, &[&in_team]).await;
}

async fn a_device_that_was_away_finds_what_was_sent_meanwhile(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let word = unique("w");
    let socket = Socket::v1(system.door(0), &bob.token).await;
    drop(socket);
    let anns = Socket::v1(system.door(1), &ann.token).await.follow();
    let texts: Vec<String> = (0..300).map(|number| format!("{word} {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        anns.say(&room, &number.to_string(), text).await;
    }
    let back = Socket::v1(system.door(1), &bob.token).await.follow();
    finds(system, &bob, &format!("{word} 299"), &[&texts[299]]).await;
    finds(system, &bob, &format!("{word} 0"), &[&texts[0]]).await;
    assert!(back.is_open());
}

async fn changes_and_searches_at_once_never_show_what_is_gone(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let word = unique("w");
    for number in 1..=10 {
        system.api(0).send(&ann, &room, &number.to_string(), &format!("{word} secret{number}")).await.ok();
    }
    for number in 1..=10_i64 {
        let secret = format!("secret{number}");
        // In turn changed while they are on their way into the index, and when they are there.
        if number > 5 {
            finds(system, &bob, &format!("{word} {secret}"), &[&format!("{word} {secret}")]).await;
        }
        let to = format!("{word} public{number}");
        let changed = async { change(system, &ann, &room, number, (number % 2 == 0).then_some(&*to)).await };
        let searched = async {
            for turn in 0..4 {
                let page = search(system, turn % 2, &bob, &word, "").await;
                for hit in page["results"].as_array().expect("results") {
                    let text = hit["message"]["content"].as_str().expect("a text");
                    assert!(text.contains(&word), "{text}");
                }
            }
        };
        tokio::join!(changed, searched);
        for node in 0..2 {
            let found = texts(&search(system, node, &bob, &format!("{word} {secret}"), "").await);
            assert!(found.is_empty(), "{found:?}");
        }
    }
    let public: Vec<String> =
        [10, 8, 6, 4, 2].iter().map(|number| format!("{word} public{number}")).collect();
    finds(system, &bob, &word, &public.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

async fn what_cannot_be_asked_is_refused(system: &System) {
    let ann = system.account("ann").await;
    let long = "x".repeat(101);
    let many: String = (0..40).map(|number| format!("{number} ")).collect();
    for (query, more, refusal) in [
        ("", "", (400, "invalid_field")),
        ("… 👍", "", (400, "invalid_field")),
        (&*long, "", (400, "invalid_field")),
        (&*many, "", (400, "invalid_field")),
        ("x", "&limit=0", (400, "invalid_field")),
        ("x", "&before=x", (400, "invalid_field")),
        ("x", "&conversation=x", (400, "invalid_request")),
        ("x", "&conversation=999999999", (404, "not_found")),
    ] {
        let refused = system.api(1).get(&path(query, more), &ann.token).await;
        assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()), "{query} {more}");
    }
    assert_eq!(system.api(0).get("/api/search?q=x", "none").await.status, 401);
    assert_eq!(system.api(0).get("/api/search", &ann.token).await.refusal().0, 400);
}
