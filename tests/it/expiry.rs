//! Messages whose time ends: nobody is shown them from then on, on whatever way they ask, and every device learns of it.

use http::Method;
use oort_api::clock::now_ms;
use serde_json::{Value, json};

use crate::harness::http::{Account, Reply};
use crate::harness::packets::{PacketClient, auth_body};
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes};

over_both_shapes!(
    a_message_ends_on_time_for_every_device,
    a_device_that_was_away_finds_its_place_alone,
    what_ended_is_found_quoted_and_sent_on_by_nobody,
    a_direct_conversation_says_how_long_its_messages_stay,
    who_looks_after_a_group_says_how_long_its_messages_stay,
    times_that_may_not_be_are_refused,
    who_is_not_there_is_not_spoken_to,
);

/// Long enough to be read before, short enough to be waited for.
const STAYS_MS: i64 = 2_500;

fn path(room: &str) -> String {
    format!("/api/conversations/{room}/messages")
}

async fn send(system: &System, node: usize, who: &Account, room: &str, message: Value) -> Reply {
    system.api(node).post(&path(room), &who.token, message).await
}

/// A message that stays so long; answers when it ends.
async fn say(system: &System, who: &Account, room: &str, text: &str, stays_ms: i64) -> i64 {
    let message = json!({ "content": text, "expiresInMs": stays_ms });
    let sent = send(system, 0, who, room, message).await.ok();
    sent["createdAtMs"].as_i64().expect("a time") + stays_ms
}

async fn set(system: &System, node: usize, who: &Account, room: &str, stays_ms: i64) -> Reply {
    let (path, body) = (format!("/api/conversations/{room}/expiry"), json!({ "expiresInMs": stays_ms }));
    system.api(node).call(Method::PUT, &path, &who.token, Some(body)).await
}

/// The message as HTTP shows it to somebody.
async fn read(system: &System, node: usize, reader: &Account, room: &str, seq: i64) -> Value {
    let path = format!("{}?after={}&limit=1", path(room), seq - 1);
    let page = system.api(node).get(&path, &reader.token).await.ok();
    page["messages"][0].clone()
}

/// Waits until a time is over.
async fn wait_until(at_ms: i64) {
    eventually("the time is over", async || (now_ms() >= at_ms).then_some(())).await;
}

async fn a_message_ends_on_time_for_every_device(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let devices = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(0), &bob.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let mut packets = PacketClient::tcp(system.packets(1)).await;
    packets.auth(auth_body(&bob.id, "", "", &[], &bob.token)).await;
    // By the socket, too.
    let new = json!({ "clientMsgId": "1", "content": "a secret", "expiresInMs": STAYS_MS });
    devices[0].send("clientMessages", json!({ "roomId": room, "messages": [new] })).await;
    let ack = devices[0].wait_frame("sendAck", |ack| ack["roomId"] == *room).await;
    let sent_ms = ack["results"][0]["timestamp"].as_i64().expect("it is stored");
    let ends_ms = sent_ms + STAYS_MS;
    for device in &devices {
        let has = |frame: &Value| frame["roomId"] == *room;
        let frame = device.wait_frame("serverMessages", has).await;
        let live = &frame["messages"][0];
        assert_eq!((&live["content"], &live["expiresAtMs"]), (&json!("a secret"), &json!(ends_ms)));
    }
    let packet = packets.next_json(4).await;
    assert_eq!((&packet["content"], &packet["expiresAtMs"]), (&json!("a secret"), &json!(ends_ms)));

    // Before: it is shown, with its end. From then on: nothing of it, whether it is erased by then or not.
    let mut was_shown = false;
    for node in (0..2).cycle() {
        let asked_ms = now_ms();
        let seen = read(system, node, &bob, &room, 1).await;
        let answered_ms = now_ms();
        assert_eq!(seen["expiresAtMs"], ends_ms);
        match seen["gone"].as_str() {
            None => {
                assert!(asked_ms < ends_ms, "it was shown {} ms too long", asked_ms - ends_ms);
                assert_eq!(seen["content"], "a secret");
                was_shown = true;
            }
            Some(gone) => {
                assert!(answered_ms >= ends_ms, "it was hidden too soon");
                assert_eq!((gone, &seen["content"]), ("expired", &json!("")));
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    assert!(was_shown);
    for device in &devices {
        let change = device.wait_frame("change", |change| change["roomId"] == *room).await;
        assert_eq!(
            (&change["kind"], &change["seq"], change.get("by"), &change["changeSeq"]),
            (&json!("expired"), &json!(1), None, &json!(1))
        );
        assert!(change["at"].as_i64().expect("a time") >= ends_ms);
    }
    // A repeat of the send is known as before, and the next place is the next one.
    let new = json!({ "clientMsgId": "1", "content": "a secret", "expiresInMs": STAYS_MS });
    let again = send(system, 1, &ann, &room, new).await.ok();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(1), &json!(true)));
    assert_eq!(system.api(1).send(&bob, &room, "2", "next").await.ok()["seq"], 2);
}

async fn a_device_that_was_away_finds_its_place_alone(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let socket = Socket::v1(system.door(0), &bob.token).await;
    let cursor = socket.hello["cursor"].as_str().expect("a cursor").to_owned();
    drop(socket);
    system.api(0).send(&ann, &room, "1", "stays").await.ok();
    let ends_ms = say(system, &ann, &room, "missed", 1_000).await;
    wait_until(ends_ms).await;
    for (node, since) in [(0, ""), (1, cursor.as_str())] {
        let hello = Socket::since(system.door(node), &bob.token, since).await.hello;
        let rooms = hello["rooms"].as_array().expect("rooms");
        let seen = rooms.iter().find(|seen| seen["id"] == *room).expect("is listed");
        assert_eq!((&seen["head"], &seen["unread"]), (&json!(2), &json!(2)), "its place counts");
        let newest = &seen["messages"][0];
        assert_eq!((&newest["content"], &newest["gone"]), (&json!(""), &json!("expired")));
        assert_eq!(seen["messages"][1]["content"], "stays");
    }
    let phone = Socket::v1(system.door(1), &bob.token).await.follow();
    phone.send("requestRoomHistory", json!({ "roomId": room, "count": 2, "requestId": "r" })).await;
    let page = phone.wait_frame("serverRoomHistory", |page| page["requestId"] == "r").await;
    assert_eq!(page["messages"][0]["content"], "");
    eventually("it is erased, and who reads what changed finds that", async || {
        let path = format!("/api/conversations/{room}/changes");
        let page = system.api(1).get(&path, &bob.token).await.ok();
        (page["changes"][0]["kind"] == "expired" && page["changes"][0]["seq"] == 2).then_some(())
    })
    .await;
    phone.send("cursor", json!({ "roomId": room, "readSeq": 2, "requestId": "c" })).await;
    let moved = phone.wait_frame("cursor", |cursor| cursor["requestId"] == "c").await;
    assert_eq!(moved["unread"], 0);
}

async fn what_ended_is_found_quoted_and_sent_on_by_nobody(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).group(&ann, &[&bob]).await;
    let word = crate::harness::unique("word");
    let found = async |node: usize| {
        let page = system.api(node).get(&format!("/api/search?q={word}"), &bob.token).await.ok();
        page["results"].as_array().expect("results").len()
    };
    let ends_ms = say(system, &ann, &room, &word, 3 * STAYS_MS).await;
    let answer = json!({ "clientMsgId": "a", "content": "yes", "replyTo": 1 });
    send(system, 1, &bob, &room, answer.clone()).await.ok();
    let seen = read(system, 0, &bob, &room, 2).await;
    assert_eq!((&seen["reply"]["content"], &seen["reply"]["expiresAtMs"]), (&json!(word), &json!(ends_ms)));
    eventually("it is found before", async || (found(0).await == 1).then_some(())).await;
    wait_until(ends_ms).await;
    for node in 0..2 {
        assert_eq!(found(node).await, 0);
        let seen = read(system, node, &bob, &room, 2).await;
        assert_eq!((&seen["reply"]["content"], &seen["content"]), (&json!(""), &json!("yes")));
        let forward = json!({ "forward": { "conversationId": room, "seq": 1 } });
        let refused = send(system, node, &bob, &room, forward).await;
        assert_eq!(refused.refusal(), (410, "message_gone".to_owned()));
        let edit = Some(json!({ "content": "again" }));
        let edited =
            system.api(node).call(Method::PATCH, &format!("{}/1", path(&room)), &ann.token, edit).await;
        assert_eq!(edited.refusal(), (410, "message_gone".to_owned()));
        let export = system.api(node).get("/api/me/export", &ann.token).await.ok();
        assert!(!export.to_string().contains(&word));
    }
    let again = send(system, 0, &bob, &room, answer).await.ok();
    assert_eq!(again["duplicate"], true);
    let late = json!({ "content": "late", "replyTo": 1 });
    let seq = send(system, 0, &bob, &room, late).await.ok()["seq"].as_i64().expect("a place");
    assert_eq!(read(system, 1, &ann, &room, seq).await["reply"]["content"], "");
    // A copy that was made before has its own time.
    let ends_ms = say(system, &ann, &room, "copied", STAYS_MS).await;
    let forward = json!({ "forward": { "conversationId": room, "seq": seq + 1 }, "expiresInMs": 600_000 });
    send(system, 1, &bob, &room, forward).await.ok();
    wait_until(ends_ms).await;
    assert_eq!(read(system, 0, &ann, &room, seq + 1).await["gone"], "expired");
    let copy = read(system, 0, &ann, &room, seq + 2).await;
    assert_eq!(copy["content"], "copied");
    let stays_ms = copy["expiresAtMs"].as_i64().zip(copy["createdAtMs"].as_i64());
    assert_eq!(stays_ms.map(|(end, begin)| end - begin), Some(600_000));
}

async fn a_direct_conversation_says_how_long_its_messages_stay(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let anns = Socket::v1(system.door(1), &ann.token).await.follow();
    system.api(0).send(&ann, &room, "1", "before").await.ok();
    for node in 0..2 {
        assert_eq!(set(system, node, &bob, &room, 60_000).await.status, 204, "again, too");
    }
    let is_told = |frame: &Value| frame["messages"][0]["kind"] == "system";
    let told = anns.wait_frame("serverMessages", is_told).await;
    let content = told["messages"][0]["content"].as_str().expect("a text");
    let content: Value = serde_json::from_str(content).expect("JSON");
    assert_eq!(content, json!({ "event": "expiry_changed", "expiresInMs": 60_000 }));
    assert_eq!(
        (&told["messages"][0]["seq"], &told["messages"][0]["user"]["id"]),
        (&json!(2), &json!(bob.id))
    );
    let hello = Socket::v1(system.door(0), &ann.token).await.hello;
    let rooms = hello["rooms"].as_array().expect("rooms");
    let seen = rooms.iter().find(|seen| seen["id"] == *room).expect("is listed");
    assert_eq!(seen["expiresInMs"], 60_000);
    let lasts = async |node: usize, seq: i64| {
        let seen = read(system, node, &ann, &room, seq).await;
        Some(seen["expiresAtMs"].as_i64()? - seen["createdAtMs"].as_i64()?)
    };
    system.api(0).send(&ann, &room, "2", "after").await.ok();
    say(system, &bob, &room, "shorter", 30_000).await;
    say(system, &bob, &room, "longer", 90_000).await;
    let all = [lasts(0, 1).await, lasts(1, 2).await, lasts(0, 3).await, lasts(1, 4).await, lasts(0, 5).await];
    assert_eq!(all, [None, None, Some(60_000), Some(30_000), Some(60_000)]);
    assert_eq!(set(system, 1, &ann, &room, 0).await.status, 204);
    system.api(1).send(&ann, &room, "3", "for ever").await.ok();
    assert_eq!(lasts(0, 7).await, None);
    assert_eq!(set(system, 0, &eve, &room, 60_000).await.refusal(), (403, "not_member".to_owned()));
    let body = Some(json!({}));
    let blocking = format!("/api/contacts/{}/block", ann.id);
    system.api(0).call(Method::PUT, &blocking, &bob.token, body).await.ok();
    assert_eq!(set(system, 0, &ann, &room, 60_000).await.refusal(), (403, "blocked".to_owned()));
}

async fn who_looks_after_a_group_says_how_long_its_messages_stay(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).group(&ann, &[&bob]).await;
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    assert_eq!(set(system, 0, &bob, &room, 60_000).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(set(system, 1, &ann, &room, 60_000).await.status, 204);
    let changed = bobs.wait_frame("conversation", |event| event["change"] == "changed").await;
    assert_eq!((&changed["room"]["id"], &changed["room"]["expiresInMs"]), (&json!(room), &json!(60_000)));
    let seen = system.api(0).get(&format!("/api/groups/{room}"), &bob.token).await.ok();
    assert_eq!(seen["expiresInMs"], 60_000);
    let seq = system.api(0).send(&bob, &room, "1", "after").await.ok()["seq"].as_i64().expect("a place");
    let seen = read(system, 1, &ann, &room, seq).await;
    let lasts = seen["expiresAtMs"].as_i64().zip(seen["createdAtMs"].as_i64());
    assert_eq!(lasts.map(|(end, begin)| end - begin), Some(60_000));
    let open = system.api(0).room(&ann).await;
    assert_eq!(set(system, 0, &ann, &open, 60_000).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(set(system, 0, &ann, "99999999", 60_000).await.refusal(), (404, "not_found".to_owned()));
}

async fn times_that_may_not_be_are_refused(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let socket = Socket::v1(system.door(0), &ann.token).await.follow();
    for (index, stays_ms) in [-1_i64, 1, 999, 366 * 86_400_000 + 1, i64::MAX].into_iter().enumerate() {
        let refused = (400, "invalid_field".to_owned());
        let message = json!({ "content": "x", "expiresInMs": stays_ms });
        assert_eq!(send(system, index, &ann, &room, message).await.refusal(), refused, "{stays_ms}");
        assert_eq!(set(system, index, &ann, &room, stays_ms).await.refusal(), refused, "{stays_ms}");
        let (id, request) = (format!("m{index}"), format!("r{index}"));
        let message = json!({ "clientMsgId": id, "content": "x", "expiresInMs": stays_ms });
        let frame = json!({ "roomId": room, "messages": [message], "requestId": request });
        socket.send("clientMessages", frame).await;
        let code = eventually("it is refused", async || {
            let is_it = |frame: &&Value| frame["requestId"] == *request;
            let errors = socket.frames("error");
            let acks = socket.frames("sendAck");
            let error = errors.iter().find(is_it).map(|error| error["code"].clone());
            error.or_else(|| Some(acks.iter().find(is_it)?["results"][0]["error"]["code"].clone()))
        })
        .await;
        assert_eq!(code, "invalid_field", "{stays_ms}");
    }
    let zero = json!({ "content": "x", "expiresInMs": 0 });
    assert_eq!(send(system, 0, &ann, &room, zero).await.refusal(), (400, "invalid_field".to_owned()));
    assert_eq!(system.api(0).send(&ann, &room, "1", "fine").await.ok()["seq"], 1, "nothing was stored");
}

async fn who_is_not_there_is_not_spoken_to(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let team = system.api(0).group(&ann, &[&bob]).await;
    let open = system.api(0).room(&ann).await;
    let to = |id: &str, users: &[&Account]| {
        let users: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        json!({ "clientMsgId": id, "content": "hi", "mentions": users })
    };
    let refused = send(system, 0, &ann, &team, to("1", &[&bob, &eve])).await;
    assert_eq!(refused.refusal(), (400, "mentioned_not_member".to_owned()));
    assert!(refused.json()["message"].as_str().is_some_and(|text| text.contains(&eve.id)), "it says whom");
    send(system, 1, &ann, &team, to("1", &[&bob])).await.ok();
    send(system, 1, &ann, &open, to("2", &[&eve])).await.ok();
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let messages = json!([to("3", &[&eve]), to("4", &[&ann, &bob])]);
    socket.send("clientMessages", json!({ "roomId": team, "messages": messages, "requestId": "r" })).await;
    let ack = socket.wait_frame("sendAck", |ack| ack["requestId"] == "r").await;
    assert_eq!(ack["results"][0]["error"]["code"], "mentioned_not_member");
    assert_eq!(ack["results"][1]["seq"], 2, "each is judged by itself");
    // Who left is not there any more.
    let leave = format!("/api/groups/{team}/members/{}", bob.id);
    system.api(0).call(Method::DELETE, &leave, &bob.token, None).await;
    let refused = send(system, 1, &ann, &team, to("5", &[&bob])).await;
    assert_eq!(refused.refusal(), (400, "mentioned_not_member".to_owned()));
}
