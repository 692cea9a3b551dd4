//! The JSON dialect in both flavours.

use serde_json::json;

use crate::logic::Scripted;
use crate::world::{config, eventually, start, start_with, to_room, to_users};

#[tokio::test(flavor = "multi_thread")]
async fn hello_comes_first_and_shows_the_heads() {
    let world = start().await;
    world.logic.state.lock().heads.insert(1, 30);
    let client = world.v1(7).await;
    assert_eq!(client.protocol.as_deref(), Some("oort.v1"));
    let payload = &client.hello["payload"];
    assert_eq!(payload["me"], json!({"id": "7", "username": "user7"}));
    assert_eq!(payload["rooms"][0]["head"], 30);
    let messages = payload["rooms"][0]["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["id"]), (20, &json!("1-30")));
    let calls = world.logic.state.lock().calls.clone();
    assert_eq!(calls, ["authenticate", "enter_rooms", "hello"]);
    assert!(world.logic.state.lock().entered.contains_key("1"));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_clients_see_their_frames_only() {
    let world = start().await;
    let mut client = world.classic(7).await;
    assert_eq!(client.protocol, None);
    assert_eq!(client.hello["payload"]["me"]["id"], 7, "a number");
    let send = json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": "hi"}]}});
    client.send(send).await;
    // No ack: the next frame is the message itself, when the job brings it.
    eventually("the message is sent", || world.logic.state.lock().sends.len() == 1).await;
    let (user, room, id, content) = world.logic.state.lock().sends[0].clone();
    assert_eq!((user, room, content.as_str()), (7, 1, "hi"));
    assert_eq!(id.len(), 36, "the comet made one up: {id}");
    let mut job = world.job("j");
    job.push(vec![to_room(1, 1)]).await;
    let frame = client.next().await;
    assert_eq!(frame["type"], "serverMessages");
    assert_eq!(frame["payload"]["messages"][0]["user"], json!({"id": 9, "username": "nine"}));
    client
        .send(json!({"type": "clientMessages", "payload": {"roomId": "404", "messages": [{"content": "x"}]}}))
        .await;
    client.send(json!({"type": "requestRoomHistory", "payload": {"roomId": "1", "firstMessageId": "1-1", "count": 30}})).await;
    let frame = client.next().await;
    assert_eq!(frame["type"], "serverRoomHistory", "an error is not told: {frame}");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_in_order() {
    let world = start().await;
    let mut client = world.v1(7).await;
    for n in 1..=20 {
        let message = json!({"content": format!("m{n}"), "clientMsgId": format!("c{n}")});
        let payload = json!({"roomId": "1", "requestId": format!("r{n}"), "messages": [message]});
        client.send(json!({"type": "clientMessages", "payload": payload})).await;
    }
    for n in 1..=20 {
        let ack = client.next().await;
        assert_eq!(ack["type"], "sendAck", "{ack}");
        assert_eq!(ack["payload"]["requestId"], format!("r{n}"));
        assert_eq!(ack["payload"]["results"][0]["seq"], n);
        assert_eq!(ack["payload"]["results"][0]["clientMsgId"], format!("c{n}"));
    }
    client
        .send(json!({"type": "requestRoomHistory", "payload": {"roomId": "1", "afterSeq": 17, "count": 30}}))
        .await;
    let page = client.next().await;
    assert_eq!(page["payload"]["messages"].as_array().unwrap().len(), 3);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_to_v1() {
    let world = start().await;
    let mut client = world.v1(7).await;
    for (frame, code) in [
        (
            json!({"type": "clientMessages", "payload": {"roomId": "404", "requestId": "r", "messages": [{"content": "x"}]}}),
            "not_member",
        ),
        (json!({"type": "nonsense", "payload": {"requestId": "r"}}), "invalid_request"),
        (
            json!({"type": "clientMessages", "payload": {"roomId": 5, "requestId": "r", "messages": []}}),
            "invalid_field",
        ),
    ] {
        client.send(frame).await;
        let answer = client.next().await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!(
            (&answer["payload"]["code"], &answer["payload"]["requestId"]),
            (&json!(code), &json!("r"))
        );
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_room_name_is_told_to_the_asker_alone() {
    let world = start().await;
    let mut v1 = world.v1(7).await;
    let mut classic = world.classic(8).await;
    let create = json!({"type": "clientCreateRoom", "payload": {"roomName": "den"}});
    v1.send(create.clone()).await;
    let created = v1.next().await;
    assert_eq!((&created["type"], &created["payload"]["roomId"]), (&json!("serverCreateRoom"), &json!("77")));
    classic.send(create).await;
    let refused = classic.next().await;
    assert_eq!(refused, json!({"type": "serverCreateRoom", "payload": {"roomId": "", "roomName": "den"}}));
    v1.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_session_is_closed_with_1008_after_the_upgrade() {
    let world = start().await;
    for headers in [vec![], vec![("cookie", "sid=nobody")], vec![("authorization", "Bearer wrong")]] {
        let mut client = world.open("/api/ws", &headers).await.expect("upgraded");
        assert_eq!(client.closed().await.0, 1008);
    }
    for (path, headers) in [
        ("/api/ws?access_token=u3", vec![]),
        ("/api/ws", vec![("authorization", "Bearer u3")]),
        ("/api/ws", vec![("sec-websocket-protocol", "oort.v1, bearer.u3")]),
    ] {
        let mut client = world.open(path, &headers).await.expect("upgraded");
        assert_eq!(client.next().await["payload"]["me"]["username"], "user3");
        assert!(client.protocol.is_none_or(|protocol| protocol == "oort.v1"), "a token is never echoed");
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_origin_is_refused() {
    let world = start().await;
    let foreign = world.open("/api/ws", &[("origin", "https://evil.example"), ("cookie", "sid=u1")]).await;
    assert!(foreign.is_err());
    let own = format!("http://{}", world.addresses.http);
    assert!(world.open("/api/ws", &[("origin", &own), ("cookie", "sid=u1")]).await.is_ok());
    world.stop().await.unwrap();
}

/// What was committed after `hello` was read must follow it; what stands in it must not.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_come_before_the_greeting_follow_it_unless_it_shows_them() {
    let world = start().await;
    for classic in [false, true] {
        world.logic.state.lock().heads.insert(1, 5);
        let all = u32::try_from(world.logic.hello_gate.available_permits()).unwrap();
        let held = world.logic.hello_gate.clone().acquire_many_owned(all).await.unwrap();
        let calls = world.logic.state.lock().calls.len();
        let mut client = world.connect(7, (!classic).then_some("oort.v1")).await;
        eventually("hello is being read", || world.logic.state.lock().calls[calls..].contains(&"hello"))
            .await;
        let mut job = world.job(if classic { "a" } else { "b" });
        let seqs = [4, 5, 6, 7];
        job.push(seqs.iter().map(|seq| to_room(1, *seq)).collect()).await;
        job.push(vec![to_users(&[7], 99, 1)]).await;
        drop(held);
        assert_eq!(client.next().await["type"], "hello");
        assert_eq!(client.seqs(3).await, [(1, 6), (1, 7), (99, 1)]);
    }
    world.stop().await.unwrap();
}

/// A room the user was added to between authentication and greeting is entered before the greeting is believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_appears_in_the_greeting_is_entered_first() {
    let logic = Scripted::new();
    logic.state.lock().late_rooms.push(2);
    let world = start_with(config(), logic).await;
    let mut client = world.v1(7).await;
    let calls = world.logic.state.lock().calls.clone();
    assert_eq!(calls, ["authenticate", "enter_rooms", "hello", "enter_rooms", "hello"]);
    world.job("j").push(vec![to_room(2, 1)]).await;
    assert_eq!(client.seqs(1).await, [(2, 1)]);
    world.stop().await.unwrap();
}

/// A room the user was taken out of between authentication and greeting is not listened to.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_not_in_the_greeting_is_left() {
    let logic = Scripted::new();
    logic.state.lock().left_rooms.push(3);
    let world = start_with(config(), logic).await;
    let mut client = world.v1(7).await;
    eventually("it is left", || !world.logic.state.lock().entered.contains_key("3")).await;
    let ack = world.job("j").push(vec![to_room(3, 1)]).await;
    assert!(ack.missing[0].room);
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn logic_away_means_try_again_later() {
    let world = start().await;
    world.logic.state.lock().fail_enter = true;
    let mut client = world.connect(7, Some("oort.v1")).await;
    assert_eq!(client.closed().await.0, 1013);
    world.logic.state.lock().fail_enter = false;
    world.v1(7).await;
    world.stop().await.unwrap();
}
