//! What becomes of messages after they were sent: everybody sees the same, whoever was away included.

use http::Method;
use serde_json::{Value, json};

use crate::classic::sign_up;
use crate::harness::http::{Account, Reply};
use crate::harness::socket::{Follower, Socket};
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    every_kind_reaches_everybody,
    a_message_is_sent_on_by_those_who_may_read_it,
    what_one_hides_others_see,
    an_edit_reaches_every_device,
    a_device_that_was_away_reads_what_changed,
    what_was_recalled_is_nowhere,
    an_edit_and_a_recall_at_once_end_the_same_for_all,
    reactions_of_many_at_once_are_all_counted,
    nobody_changes_what_they_may_not,
);

fn path(room: &str, rest: &str) -> String {
    format!("/api/conversations/{room}/messages/{rest}")
}

async fn edit(system: &System, node: usize, who: &Account, room: &str, seq: i64, text: &str) -> Reply {
    let body = Some(json!({ "content": text }));
    system.api(node).call(Method::PATCH, &path(room, &seq.to_string()), &who.token, body).await
}

async fn recall(system: &System, node: usize, who: &Account, room: &str, seq: i64) -> Reply {
    system.api(node).call(Method::POST, &path(room, &format!("{seq}/recall")), &who.token, None).await
}

async fn react(
    system: &System,
    node: usize,
    who: &Account,
    room: &str,
    emoji: &str,
    method: Method,
) -> Reply {
    let encoded: String = emoji.bytes().map(|byte| format!("%{byte:02X}")).collect();
    system.api(node).call(method, &path(room, &format!("1/reactions/{encoded}")), &who.token, None).await
}

/// Changes of a room by their place, as frames came.
async fn changes(socket: &Follower, room: &str, count: usize) -> Vec<Value> {
    let last = i64::try_from(count).expect("small");
    socket.wait_frame("change", |change| change["roomId"] == room && change["changeSeq"] == last).await;
    let mut found: Vec<Value> = Vec::new();
    for place in 1..=last {
        let is_it = |change: &Value| change["roomId"] == room && change["changeSeq"] == place;
        found.push(socket.wait_frame("change", is_it).await);
    }
    found
}

/// The message as HTTP shows it to somebody.
async fn read(system: &System, node: usize, reader: &Account, room: &str, seq: i64) -> Value {
    let path = format!("/api/conversations/{room}/messages?after={}&limit=1", seq - 1);
    let page = system.api(node).get(&path, &reader.token).await.ok();
    page["messages"][0].clone()
}

async fn every_kind_reaches_everybody(system: &System) {
    let ann = system.account("ann").await;
    let bob = system.account("bob").await;
    let room = system.api(0).room(&ann).await;
    let sid = sign_up(system, &unique("old")).await;
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let old = Socket::classic(system.door(1), &sid).await.follow();
    system.api(0).send(&bob, &room, "1", "Where are you?").await.ok();
    let attachments = [
        (
            "image",
            json!({ "url": "https://files.example/i.png", "width": 640, "height": 480, "size": 9000, "mime": "image/png" }),
        ),
        ("voice", json!({ "url": "https://files.example/v.ogg", "durationMs": 7000 })),
        (
            "video",
            json!({ "url": "https://files.example/v.mp4", "thumbnailUrl": "https://files.example/t.png" }),
        ),
        ("file", json!({ "url": "https://files.example/a.pdf", "name": "a.pdf" })),
        ("location", json!({ "lat": 52.5, "lon": 13.4, "address": "Berlin" })),
        ("custom", json!({ "type": "poll", "data": { "options": ["a", "b"] } })),
    ];
    for (index, (kind, attachment)) in attachments.iter().enumerate() {
        let message = json!({
            "clientMsgId": format!("k{index}"), "kind": kind, "attachment": attachment,
            "replyTo": 1, "mentions": [bob.id],
        });
        // In turn by HTTP and by the socket.
        if index % 2 == 0 {
            let path = format!("/api/conversations/{room}/messages");
            system.api(index).post(&path, &ann.token, message).await.ok();
        } else {
            anns.send("clientMessages", json!({ "roomId": room, "messages": [message] })).await;
        }
        let seq = i64::try_from(index + 2).expect("small");
        bobs.wait_for(&room, index + 2).await;
        let frames = bobs.frames("serverMessages");
        let live = frames.iter().flat_map(|frame| frame["messages"].as_array().expect("messages"));
        let live =
            live.into_iter().find(|message| message["id"] == format!("{room}-{seq}")).expect("it came");
        let stored = read(system, index, &bob, &room, seq).await;
        for seen in [live, &stored] {
            assert_eq!((&seen["kind"], &seen["attachment"]), (&json!(kind), attachment));
            assert_eq!(
                (&seen["reply"]["content"], &seen["mentions"]),
                (&json!("Where are you?"), &json!([bob.id]))
            );
        }
    }
    let texts = [
        "Where are you?",
        "[image] https://files.example/i.png",
        "[voice] https://files.example/v.ogg",
        "[video] https://files.example/v.mp4",
        "[file] a.pdf",
        "[location] Berlin",
        "[custom] poll",
    ];
    let shown = eventually("the old client sees texts", async || {
        let frames = old.frames("serverMessages");
        let of_room = frames.iter().filter(|frame| frame["roomId"] == *room);
        let shown: Vec<String> = of_room
            .flat_map(|frame| frame["messages"].as_array().expect("messages").clone())
            .map(|message| message["content"].as_str().expect("a text").to_owned())
            .collect();
        (shown.len() == texts.len()).then_some(shown)
    });
    assert_eq!(shown.await, texts);
    for (message, code) in [
        (json!({ "kind": "image" }), "invalid_field"),
        (json!({ "kind": "image", "attachment": { "url": "javascript:x" } }), "invalid_field"),
        (json!({ "content": "x", "replyTo": 99 }), "invalid_field"),
        (json!({ "content": "x", "kind": "system" }), "invalid_request"),
        (
            json!({ "kind": "location", "attachment": { "lat": 1, "lon": 1 }, "clientMsgId": "k0" }),
            "idempotency_conflict",
        ),
    ] {
        let path = format!("/api/conversations/{room}/messages");
        let refused = system.api(1).post(&path, &ann.token, message.clone()).await;
        assert_eq!(refused.json()["code"], code, "{message}");
    }
}

async fn a_message_is_sent_on_by_those_who_may_read_it(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let (from, to) = (system.api(0).direct(&ann, &bob).await, system.api(0).direct(&bob, &eve).await);
    let eves = Socket::v1(system.door(1), &eve.token).await.follow();
    let attachment = json!({ "lat": 52.5, "lon": 13.4 });
    let new = json!({ "clientMsgId": "1", "kind": "location", "attachment": attachment, "content": "Here" });
    system.api(0).post(&format!("/api/conversations/{from}/messages"), &ann.token, new).await.ok();
    let forward = |id: &str, room: &str, seq: i64| json!({ "clientMsgId": id, "forward": { "conversationId": room, "seq": seq } });
    let path = format!("/api/conversations/{to}/messages");
    system.api(1).post(&path, &bob.token, forward("f", &from, 1)).await.ok();
    eves.wait_for(&to, 1).await;
    let seen = read(system, 0, &eve, &to, 1).await;
    assert_eq!(
        (&seen["kind"], &seen["attachment"], &seen["content"]),
        (&json!("location"), &attachment, &json!("Here"))
    );
    assert_eq!((&seen["sender"]["id"], &seen["forwardedFrom"]["id"]), (&json!(bob.id), &json!(ann.id)));
    edit(system, 0, &ann, &from, 1, "There").await.ok();
    let again = system.api(0).post(&path, &bob.token, forward("f", &from, 1)).await.ok();
    assert_eq!(
        (&again["seq"], &again["duplicate"]),
        (&json!(1), &json!(true)),
        "the same message is sent on"
    );
    assert_eq!(read(system, 1, &eve, &to, 1).await["content"], "Here", "it is a copy");
    recall(system, 0, &ann, &from, 1).await.ok();
    let again = system.api(0).post(&path, &bob.token, forward("f", &from, 1)).await.ok();
    assert_eq!(
        (&again["seq"], &again["duplicate"]),
        (&json!(1), &json!(true)),
        "also when the original is gone"
    );
    for (who, new, refusal) in [
        (&bob, forward("f", &from, 9), (409, "idempotency_conflict")),
        (&bob, forward("g", &from, 1), (410, "message_gone")),
        (&bob, forward("h", &from, 9), (404, "not_found")),
        (&eve, forward("i", &from, 1), (403, "not_member")),
        (
            &bob,
            json!({ "content": "x", "forward": { "conversationId": to, "seq": 1 } }),
            (400, "invalid_field"),
        ),
    ] {
        let refused = system.api(1).post(&path, &who.token, new.clone()).await;
        assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()), "{new}");
    }
}

async fn what_one_hides_others_see(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    for number in 1..=3 {
        system.api(0).send(&ann, &room, &number.to_string(), "seen").await.ok();
    }
    let phone = Socket::v1(system.door(1), &bob.token).await.follow();
    for node in 0..2 {
        let hidden = system.api(node).call(Method::DELETE, &path(&room, "2"), &bob.token, None).await;
        assert_eq!(hidden.status, 204, "again, too");
    }
    let told = phone.wait_frame("event", |event| event["kind"] == "message_hidden").await;
    assert_eq!((&told["seq"], &told["data"]), (&json!(1), &json!({ "conversationId": room, "seq": 2 })));
    // Pages stay exact: its place is there, and nothing else of it.
    phone.send("requestRoomHistory", json!({ "roomId": room, "count": 3, "requestId": "r" })).await;
    let page = phone.wait_frame("serverRoomHistory", |page| page["requestId"] == "r").await;
    let hello = Socket::v1(system.door(0), &bob.token).await.hello;
    let rooms = hello["rooms"].as_array().expect("rooms");
    let listed = rooms.iter().find(|seen| seen["id"] == *room).expect("is listed");
    for messages in [&page["messages"], &listed["messages"]] {
        let shown: Vec<_> = messages.as_array().expect("messages").iter().collect();
        let shown: Vec<_> =
            shown.iter().map(|message| (message["seq"].clone(), message["content"].clone())).collect();
        assert_eq!(shown, [(json!(3), json!("seen")), (json!(2), json!("")), (json!(1), json!("seen"))]);
        assert_eq!(messages[1]["hidden"], true);
    }
    let seen = read(system, 1, &bob, &room, 2).await;
    assert_eq!((&seen["hidden"], &seen["content"]), (&json!(true), &json!("")));
    let seen = read(system, 1, &ann, &room, 2).await;
    assert_eq!((seen.get("hidden"), &seen["content"]), (None, &json!("seen")));
    let missing = system.api(0).call(Method::DELETE, &path(&room, "9"), &bob.token, None).await;
    assert_eq!(missing.refusal(), (404, "not_found".to_owned()));
}

async fn an_edit_reaches_every_device(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let devices = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(1), &ann.token).await.follow(),
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    system.api(0).send(&ann, &room, "1", "helo").await.ok();
    let edited = edit(system, 1, &ann, &room, 1, "hello").await.ok();
    assert_eq!((&edited["content"], &edited["changeSeq"]), (&json!("hello"), &json!(1)));
    let again = edit(system, 0, &ann, &room, 1, "hello").await.ok();
    assert_eq!(again, edited, "the same once more is no change");
    let expected = json!({
        "roomId": room, "changeSeq": 1, "messageId": format!("{room}-1"), "seq": 1, "kind": "edited",
        "at": edited["editedAtMs"], "by": { "id": ann.id, "username": ann.username }, "content": "hello"
    });
    for device in &devices {
        assert_eq!(changes(device, &room, 1).await, std::slice::from_ref(&expected));
    }
    // A repeat of the send is still known, with what was sent.
    let repeat = system.api(1).send(&ann, &room, "1", "helo").await.ok();
    assert_eq!((&repeat["seq"], &repeat["duplicate"]), (&json!(1), &json!(true)));
    let other = system.api(1).send(&ann, &room, "1", "hello").await;
    assert_eq!(other.refusal(), (409, "idempotency_conflict".to_owned()));
}

async fn a_device_that_was_away_reads_what_changed(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    for number in 1..=3 {
        system.api(0).send(&ann, &room, &number.to_string(), "sent").await.ok();
    }
    let socket = Socket::v1(system.door(0), &bob.token).await;
    let cursor = socket.hello["cursor"].as_str().expect("a cursor").to_owned();
    drop(socket);
    edit(system, 0, &ann, &room, 1, "edited").await.ok();
    recall(system, 1, &ann, &room, 2).await.ok();
    react(system, 0, &ann, &room, "👍", Method::PUT).await.ok();
    let hello = Socket::since(system.door(1), &bob.token, &cursor).await.hello;
    let rooms = hello["rooms"].as_array().expect("rooms");
    let seen = rooms.iter().find(|seen| seen["id"] == *room).expect("it changed, though nothing was sent");
    assert_eq!((&seen["changeSeq"], &seen["head"]), (&json!(3), &json!(3)));
    let (mut after, mut kinds) = (0, Vec::new());
    loop {
        let path = format!("/api/conversations/{room}/changes?after={after}&limit=2");
        let page = system.api(1).get(&path, &bob.token).await.ok();
        for change in page["changes"].as_array().expect("changes") {
            after = change["changeSeq"].as_i64().expect("a place");
            kinds.push((after, change["kind"].clone(), change["seq"].clone()));
        }
        if page["hasMore"] != json!(true) {
            break;
        }
    }
    let expected = [(1, "edited", 1), (2, "recalled", 2), (3, "reacted", 1)];
    assert_eq!(kinds, expected.map(|(place, kind, seq)| (place, json!(kind), json!(seq))));
    // By the socket, too, and as it is now.
    let socket = Socket::v1(system.door(0), &bob.token).await.follow();
    socket.send("requestRoomHistory", json!({ "roomId": room, "count": 3, "requestId": "r" })).await;
    let page = socket.wait_frame("serverRoomHistory", |page| page["requestId"] == "r").await;
    assert_eq!(page["changeSeq"], 3);
    let first = &page["messages"][2];
    assert_eq!((&first["content"], &first["changeSeq"]), (&json!("edited"), &json!(3)));
    assert_eq!(first["reactions"], json!([{ "emoji": "👍", "count": 1 }]));
    assert_eq!(
        (&page["messages"][1]["gone"], &page["messages"][1]["content"]),
        (&json!("recalled"), &json!(""))
    );
}

async fn what_was_recalled_is_nowhere(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let room = system.api(0).group(&ann, &[&bob, &eve]).await;
    let eves = Socket::v1(system.door(1), &eve.token).await.follow();
    system.api(0).send(&bob, &room, "1", "top-secret").await.ok();
    edit(system, 0, &bob, &room, 1, "top-secret, too").await.ok();
    react(system, 1, &eve, &room, "🎉", Method::PUT).await.ok();
    assert_eq!(recall(system, 1, &eve, &room, 1).await.refusal(), (403, "forbidden".to_owned()));
    let recalled = recall(system, 0, &ann, &room, 1).await.ok();
    assert_eq!(
        (&recalled["gone"], &recalled["changeSeq"]),
        (&json!("recalled"), &json!(3)),
        "who made the group may"
    );
    let told = changes(&eves, &room, 3).await;
    assert_eq!((&told[2]["kind"], &told[2]["by"]["id"]), (&json!("recalled"), &json!(ann.id)));
    for node in 0..2 {
        let page = system.api(node).get(&format!("/api/conversations/{room}/changes"), &eve.token).await;
        let history = system.api(node).get(&format!("/api/conversations/{room}/messages"), &eve.token).await;
        for reply in [page, history] {
            let text = reply.ok().to_string();
            assert!(!text.contains("top-secret"), "{text}");
        }
    }
    for reply in [
        edit(system, 0, &bob, &room, 1, "again").await,
        react(system, 1, &eve, &room, "🎉", Method::PUT).await,
    ] {
        assert_eq!(reply.refusal(), (410, "message_gone".to_owned()));
    }
    assert_eq!(recall(system, 1, &bob, &room, 1).await.ok(), recalled, "it is so already");
}

async fn an_edit_and_a_recall_at_once_end_the_same_for_all(system: &System) {
    const ROUNDS: i64 = 5;
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let bobs = [
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let mut made = 0;
    for seq in 1..=ROUNDS {
        system.api(0).send(&ann, &room, &seq.to_string(), "sent").await.ok();
        let (one, two, three) = tokio::join!(
            edit(system, 0, &ann, &room, seq, "edited"),
            recall(system, 1, &ann, &room, seq),
            edit(system, 1, &ann, &room, seq, "edited"),
        );
        assert_eq!(two.ok()["gone"], "recalled");
        let edited = [one, three].map(|reply| reply.status.as_u16());
        assert!(edited.iter().all(|status| [200, 410].contains(status)), "{edited:?}");
        made += if edited.contains(&200) { 2 } else { 1 };
    }
    for socket in &bobs {
        let mut gone = std::collections::BTreeMap::new();
        for change in changes(socket, &room, made).await {
            let is_first = gone.insert(change["seq"].as_i64(), change["kind"] == "recalled").is_none();
            assert!(is_first || change["kind"] == "recalled", "an edit never comes after: {change}");
        }
        assert!(gone.values().all(|gone| *gone));
    }
    for seq in 1..=ROUNDS {
        assert_eq!(read(system, 0, &bob, &room, seq).await, read(system, 1, &bob, &room, seq).await);
    }
}

async fn reactions_of_many_at_once_are_all_counted(system: &System) {
    let ann = system.account("ann").await;
    let room = system.api(0).room(&ann).await;
    system.api(0).send(&ann, &room, "1", "react").await.ok();
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(system.account("bob").await);
    }
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    // Each on two devices at once.
    let reactions = people.iter().enumerate().flat_map(|(index, person)| {
        let react = |node| react(system, node, person, &room, "👍", Method::PUT);
        [react(index), react(index + 1)]
    });
    for reply in futures_util::future::join_all(reactions).await {
        reply.ok();
    }
    let told = changes(&socket, &room, 4).await;
    let counts: Vec<_> = told.iter().map(|change| change["count"].clone()).collect();
    assert_eq!(counts, [1, 2, 3, 4]);
    let seen = read(system, 0, &people[0], &room, 1).await;
    assert_eq!(seen["reactions"], json!([{ "emoji": "👍", "count": 4, "mine": true }]));
    react(system, 1, &people[0], &room, "👍", Method::DELETE).await.ok();
    let seen = read(system, 1, &people[0], &room, 1).await;
    assert_eq!(seen["reactions"], json!([{ "emoji": "👍", "count": 3, "mine": false }]));
}

async fn nobody_changes_what_they_may_not(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let room = system.api(0).direct(&ann, &bob).await;
    system.api(0).send(&ann, &room, "1", "mine").await.ok();
    let list = format!("/api/conversations/{room}/changes");
    for (reply, refusal) in [
        (edit(system, 0, &bob, &room, 1, "x").await, (403, "forbidden")),
        (edit(system, 0, &eve, &room, 1, "x").await, (403, "not_member")),
        (edit(system, 1, &ann, &room, 9, "x").await, (404, "not_found")),
        (edit(system, 1, &ann, &room, 1, "").await, (400, "invalid_field")),
        (edit(system, 1, &ann, &room, 1, &"x".repeat(9000)).await, (413, "too_large")),
        (recall(system, 0, &bob, &room, 1).await, (403, "forbidden")),
        (recall(system, 0, &bob, "99999999", 1).await, (404, "not_found")),
        (react(system, 0, &eve, &room, "👍", Method::PUT).await, (403, "not_member")),
        (react(system, 0, &bob, &room, "a b", Method::PUT).await, (400, "invalid_field")),
        (react(system, 0, &bob, &room, &"👍".repeat(9), Method::PUT).await, (400, "invalid_field")),
        (system.api(0).get(&list, &eve.token).await, (403, "not_member")),
        (system.api(0).get(&format!("{list}?after=-1"), &bob.token).await, (400, "invalid_field")),
    ] {
        let (status, code) = refusal;
        assert_eq!(reply.refusal(), (status, code.to_owned()));
    }
    assert_eq!(read(system, 1, &bob, &room, 1).await["content"], "mine");
    assert_eq!(system.api(1).get(&list, &bob.token).await.ok()["head"], 0);
}
