//! The web client of seed system 003, byte for byte in shape: cookies, hello,
//! messages, history, rooms, close codes.

use http::Method;
use serde_json::{Value, json};

use crate::harness::over_both_shapes;
use crate::harness::socket::{End, Socket, open};
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    accounts_answer_with_cookies_and_ids_of_errors,
    hello_messages_history_and_rooms,
    a_bad_session_is_closed_with_1008,
);

/// What the form sends: the MD5 of what was typed.
pub(crate) const PASSWORD: &str = "5f4dcc3b5aa765d61d8327deb882cf99";

async fn form(system: &System, path: &str, body: Value) -> crate::harness::http::Reply {
    let http = crate::harness::http::Http::new(system.door(1));
    http.raw(Method::POST, path, &[("content-type", "application/json")], body.to_string())
        .await
        .expect("an answer")
}

/// Creates an account as the form does; returns its sid.
pub(crate) async fn sign_up(system: &System, username: &str) -> String {
    let email = format!("{username}@example.org");
    let reply = form(
        system,
        "/api/create-account",
        json!({ "username": username, "email": email, "password": PASSWORD }),
    )
    .await;
    assert_eq!((reply.status.as_u16(), reply.bytes.len()), (204, 0), "{reply:?}");
    sid(&reply)
}

fn sid(reply: &crate::harness::http::Reply) -> String {
    let cookie = reply.headers["set-cookie"].to_str().expect("text");
    for attribute in ["HttpOnly", "SameSite=Strict", "Max-Age=86400"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    cookie.strip_prefix("sid=").and_then(|rest| rest.split(';').next()).expect("sid first").to_owned()
}

async fn accounts_answer_with_cookies_and_ids_of_errors(system: &System) {
    let name = unique("user");
    sign_up(system, &name).await;
    let email = format!("{name}@example.org");
    let error = async |path: &str, body: Value| {
        let reply = form(system, path, body).await;
        (reply.status.as_u16(), reply.json()["id"].as_str().expect("an id").to_owned())
    };
    let taken = json!({ "username": name, "email": format!("x{email}"), "password": PASSWORD });
    assert_eq!(error("/api/create-account", taken).await, (400, "USERNAME_EXISTS".to_owned()));
    let taken = json!({ "username": format!("x{name}"), "email": email, "password": PASSWORD });
    assert_eq!(error("/api/create-account", taken).await, (400, "EMAIL_EXISTS".to_owned()));
    let wrong = json!({ "email": email, "password": "00000000000000000000000000000000" });
    assert_eq!(error("/api/login", wrong).await, (400, "LOGIN_FAILED".to_owned()));
    assert_eq!(error("/api/login", json!({ "email": 1 })).await, (400, String::new()));
    let right = form(system, "/api/login", json!({ "email": email, "password": PASSWORD })).await;
    assert_eq!(right.status, 204);
    sid(&right);
}

async fn hello_messages_history_and_rooms(system: &System) {
    let (ann, bob) = (unique("ann"), unique("bob"));
    let (ann_sid, bob_sid) = (sign_up(system, &ann).await, sign_up(system, &bob).await);
    let mut ann_socket = Socket::classic(system.door(0), &ann_sid).await;
    let mut bob_socket = Socket::classic(system.door(1), &bob_sid).await;

    let me = &ann_socket.hello["me"];
    assert!(me["id"].is_i64() && me["username"] == ann, "{me}");
    let rooms = ann_socket.hello["rooms"].as_array().expect("an array").clone();
    assert!(rooms.len() >= 8);
    for room in &rooms {
        assert!(
            room["id"].is_string() && room["name"].is_string() && room["hasMoreMessages"].is_boolean(),
            "{room}"
        );
        assert!(room["messages"].is_array());
    }

    ann_socket.send("clientCreateRoom", json!({ "roomName": unique("room ") })).await;
    let created = ann_socket.next("serverCreateRoom").await;
    let room = created["roomId"].as_str().expect("an id").to_owned();
    // Rooms of other scenarios are told, too.
    while bob_socket.next("serverCreateRoom").await["roomId"] != *room {}
    ann_socket.send("clientCreateRoom", json!({ "roomName": created["roomName"] })).await;
    assert_eq!(ann_socket.next("serverCreateRoom").await["roomId"], "", "taken");

    let texts = [
        "hello",
        "with spaces  and %s",
        "'; DROP TABLE users; --",
        "<img src=x onerror=alert(1)>",
        "\"中文 🎉\\",
        "a\u{0}b",
    ];
    let messages: Vec<_> = texts.iter().map(|text| json!({ "content": text })).collect();
    ann_socket.send("clientMessages", json!({ "roomId": room, "messages": messages })).await;
    let mut ids = Vec::new();
    for socket in [&mut ann_socket, &mut bob_socket] {
        let mut seen = Vec::new();
        ids.clear();
        while seen.len() < texts.len() {
            let frame = socket.next("serverMessages").await;
            if frame["roomId"] != *room {
                continue;
            }
            for message in frame["messages"].as_array().expect("an array") {
                assert_eq!(message["user"]["username"], ann);
                assert!(
                    message["user"]["id"].is_i64()
                        && message["timestamp"].is_i64()
                        && message["id"].is_string(),
                    "{message}"
                );
                seen.push(message["content"].as_str().expect("text").to_owned());
                ids.push(message["id"].clone());
            }
        }
        assert_eq!(seen, texts, "oldest first");
    }

    // Paging from an id of a live frame: newest first, strictly older.
    bob_socket
        .send("requestRoomHistory", json!({ "roomId": room, "firstMessageId": ids[4], "count": 3 }))
        .await;
    let page = bob_socket.next("serverRoomHistory").await;
    let contents: Vec<_> = page["messages"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|message| message["content"].clone())
        .collect();
    assert_eq!(contents, [texts[3], texts[2], texts[1]]);
    assert_eq!(page["hasMoreMessages"], true);

    // A new connection sees the same, newest first.
    let again = Socket::classic(system.door(1), &ann_sid).await;
    let rooms = again.hello["rooms"].as_array().expect("an array");
    let shown = rooms.iter().find(|candidate| candidate["id"] == *room).expect("the room");
    let shown: Vec<_> =
        shown["messages"].as_array().expect("an array").iter().map(|message| message["id"].clone()).collect();
    assert_eq!(shown, ids.iter().rev().cloned().collect::<Vec<_>>());
}

async fn a_bad_session_is_closed_with_1008(system: &System) {
    for headers in [
        vec![],
        vec![("cookie", "sid=00000000-0000-0000-0000-000000000000")],
        vec![("cookie", "other=1; sid=")],
    ] {
        let stream = open(system.door(0), "/api/ws", &headers).await.expect("an upgrade");
        let socket = Socket { stream, hello: Value::Null };
        assert_eq!(socket.end().await, End::Code(1008), "{headers:?}");
    }
}
