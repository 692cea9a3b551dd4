//! Sends that lie ready behind each other go to logic in one call, and are answered as if each had gone alone.

use futures_util::SinkExt;
use oort_comet::Config;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::Message;

use crate::logic::Scripted;
use crate::world::{Client, World, config, eventually, start, start_with};

/// A frame of messages whose client ids begin with its request id.
fn frame(room: i64, request_id: &str, messages: usize) -> Value {
    let message =
        |n| json!({"content": format!("{request_id}.{n}"), "clientMsgId": format!("{request_id}.{n}")});
    let messages: Vec<Value> = (0..messages).map(message).collect();
    let payload = json!({"roomId": room.to_string(), "requestId": request_id, "messages": messages});
    json!({"type": "clientMessages", "payload": payload})
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}

/// Writes all in one piece, so that whoever reads the first finds the others behind it.
async fn send_together(client: &mut Client, messages: impl IntoIterator<Item = Message>) {
    for message in messages {
        client.socket.feed(message).await.expect("taken");
    }
    client.socket.flush().await.expect("sent");
}

/// Sends a frame, and lets nobody answer it.
async fn hold(world: &World, client: &mut Client) -> OwnedSemaphorePermit {
    let all = u32::try_from(world.logic.receive_gate.available_permits()).unwrap();
    let held = world.logic.receive_gate.clone().acquire_many_owned(all).await.unwrap();
    client.send(frame(1, "first", 1)).await;
    eventually("the first is under way", || world.logic.state.lock().received.len() == 1).await;
    held
}

fn calls(world: &World) -> Vec<(&'static str, usize)> {
    world.logic.state.lock().received.clone()
}

async fn ack(client: &mut Client, request_id: &str) -> Value {
    let ack = client.next().await;
    assert_eq!(
        (&ack["type"], &ack["payload"]["requestId"]),
        (&json!("sendAck"), &json!(request_id)),
        "{ack}"
    );
    ack["payload"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_meanwhile_goes_in_one_call_and_each_frame_has_its_ack() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let held = hold(&world, &mut client).await;
    let frames: Vec<Value> =
        (0..10).map(|n| frame([1, 2, 404][n % 3], &format!("r{n}"), n % 4 + 1)).collect();
    send_together(&mut client, frames.iter().map(text)).await;
    drop(held);
    ack(&mut client, "first").await;
    let (mut heads, mut stored) = ([1, 0], vec!["first.0".to_owned()]);
    for n in 0..10 {
        let ack = ack(&mut client, &format!("r{n}")).await;
        let room = [1, 2, 404][n % 3];
        assert_eq!(ack["roomId"], room.to_string());
        let results = ack["results"].as_array().unwrap();
        assert_eq!(results.len(), n % 4 + 1);
        for (index, result) in results.iter().enumerate() {
            let id = format!("r{n}.{index}");
            assert_eq!(result["clientMsgId"], id);
            if room == 404 {
                assert_eq!(result["error"]["code"], "not_member", "{result}");
            } else {
                heads[n % 3] += 1;
                assert_eq!(result["seq"], heads[n % 3]);
                stored.push(id);
            }
        }
    }
    assert_eq!(calls(&world), [("send", 1), ("sends", 10)]);
    let sends = world.logic.state.lock().sends.clone();
    assert_eq!(sends.into_iter().map(|(_, _, id, _)| id).collect::<Vec<_>>(), stored);
    client.send(frame(1, "alone", 1)).await;
    ack(&mut client, "alone").await;
    assert_eq!(calls(&world).last(), Some(&("send", 1)));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_frame_among_them_is_refused_alone_and_in_its_place() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let held = hold(&world, &mut client).await;
    let bad =
        json!({"type": "clientMessages", "payload": {"roomId": "1", "requestId": "bad", "messages": []}});
    let frames = [frame(1, "a", 1), frame(1, "b", 2), bad, frame(1, "c", 1), frame(2, "d", 1)];
    send_together(&mut client, frames.iter().map(text)).await;
    drop(held);
    for request_id in ["first", "a", "b"] {
        ack(&mut client, request_id).await;
    }
    let refused = client.next().await;
    assert_eq!((&refused["type"], &refused["payload"]["requestId"]), (&json!("error"), &json!("bad")));
    for request_id in ["c", "d"] {
        ack(&mut client, request_id).await;
    }
    assert_eq!(calls(&world), [("send", 1), ("sends", 2), ("sends", 2)]);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_takes_no_more_than_its_bounds() {
    let with = |frames, per_frame, messages| {
        let mut config = config();
        config.json.merged_frames_max = frames;
        config.json.messages_per_frame_max = per_frame;
        config.json.merged_messages_max = messages;
        config
    };
    let send = ("send", 1);
    for (config, expected) in [
        (with(4, 3, 1024), vec![send, ("sends", 4), ("sends", 4), ("sends", 2)]),
        (with(64, 3, 8), vec![send, ("sends", 2), ("sends", 2), ("sends", 2), ("sends", 2), ("sends", 2)]),
        (with(64, 3, 2), vec![send; 11]),
        (with(1, 3, 1024), vec![send; 11]),
    ] {
        let world = start_with(config, Scripted::new()).await;
        let mut client = world.v1(7).await;
        let held = hold(&world, &mut client).await;
        send_together(&mut client, (0..10).map(|n| text(&frame(1, &format!("r{n}"), 3)))).await;
        drop(held);
        ack(&mut client, "first").await;
        for n in 0..10 {
            ack(&mut client, &format!("r{n}")).await;
        }
        assert_eq!(calls(&world), expected);
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_keep_their_place_between_sends() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let held = hold(&world, &mut client).await;
    let history =
        json!({"type": "requestRoomHistory", "payload": {"roomId": "1", "afterSeq": 0, "count": 50}});
    let ping = json!({"type": "ping", "payload": {}});
    let frames = [
        frame(1, "a", 1),
        frame(1, "b", 1),
        history,
        frame(1, "c", 1),
        frame(1, "d", 1),
        ping,
        frame(1, "e", 1),
        frame(1, "f", 1),
    ];
    let control = [Message::Ping("x".into()), text(&frame(1, "g", 1))];
    send_together(&mut client, frames.iter().map(text).chain(control)).await;
    drop(held);
    for request_id in ["first", "a", "b"] {
        ack(&mut client, request_id).await;
    }
    let page = client.next().await;
    assert_eq!(page["type"], "serverRoomHistory");
    assert_eq!(
        page["payload"]["messages"].as_array().unwrap().len(),
        3,
        "what was sent before it, and no more"
    );
    for request_id in ["c", "d"] {
        ack(&mut client, request_id).await;
    }
    assert_eq!(client.next().await["type"], "pong");
    for request_id in ["e", "f", "g"] {
        ack(&mut client, request_id).await;
    }
    let expected = [("send", 1), ("sends", 2), ("history", 1), ("sends", 2), ("sends", 2), ("send", 1)];
    assert_eq!(calls(&world), expected);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_refused_refuses_each_frame() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let held = hold(&world, &mut client).await;
    send_together(&mut client, ["a", "b", "c"].map(|id| text(&frame(1, id, 1)))).await;
    world.logic.state.lock().fail_receive = true;
    drop(held);
    for request_id in ["first", "a", "b", "c"] {
        let refused = client.next().await;
        assert_eq!(refused["type"], "error", "{refused}");
        let payload = &refused["payload"];
        assert_eq!((&payload["code"], &payload["requestId"]), (&json!("overloaded"), &json!(request_id)));
        assert!(payload["retryAfterMs"].is_i64(), "{payload}");
    }
    world.logic.state.lock().fail_receive = false;
    client.send(frame(1, "again", 1)).await;
    ack(&mut client, "again").await;
    world.stop().await.unwrap();
}

/// What ends a connection comes after the acks of what was sent before it.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_connection_waits_for_the_sends_before_it() {
    let slow = Config { frames_per_second: 1, frames_burst: 4, ..config() };
    let too_long = Message::text("x".repeat(70_000));
    for (config, last, code) in [
        (config(), Message::binary("no text"), 1003),
        (config(), too_long, 1009),
        (config(), Message::Close(None), 1005),
        (slow, text(&frame(1, "too much", 1)), 1008),
    ] {
        let world = start_with(config, Scripted::new()).await;
        let mut client = world.v1(7).await;
        let held = hold(&world, &mut client).await;
        let frames = ["a", "b", "c"].map(|id| text(&frame(1, id, 1)));
        send_together(&mut client, frames.into_iter().chain([last])).await;
        drop(held);
        for request_id in ["first", "a", "b", "c"] {
            ack(&mut client, request_id).await;
        }
        match client.raw().await {
            Message::Close(frame) => assert_eq!(frame.map_or(1005, |frame| frame.code.into()), code),
            other => panic!("{other:?} instead of {code}"),
        }
        assert_eq!(calls(&world), [("send", 1), ("sends", 3)]);
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_none_breaks_off_behind_the_sends_before_it() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let held = hold(&world, &mut client).await;
    let mut bytes = Vec::new();
    for payload in [frame(1, "a", 1).to_string().as_bytes(), frame(1, "b", 1).to_string().as_bytes(), b"\xff"]
    {
        // Masked with zeros, so that the payload is as given.
        bytes.extend([0x81, 0x80 | 126]);
        bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
    }
    client.socket.get_mut().write_all(&bytes).await.unwrap();
    drop(held);
    for request_id in ["first", "a", "b"] {
        ack(&mut client, request_id).await;
    }
    assert_eq!(client.closed().await.0, 1007);
    assert_eq!(calls(&world), [("send", 1), ("sends", 2)]);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_of_classic_clients_go_together_too() {
    let world = start().await;
    let mut client = world.classic(7).await;
    let held = hold(&world, &mut client).await;
    let plain = |n: usize| json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [{"content": n.to_string()}]}});
    send_together(&mut client, (0..5).map(|n| text(&plain(n)))).await;
    drop(held);
    eventually("all are stored", || world.logic.state.lock().sends.len() == 6).await;
    assert_eq!(calls(&world), [("send", 1), ("sends", 5)]);
    let sends = world.logic.state.lock().sends.clone();
    for (n, (_, _, id, content)) in sends[1..].iter().enumerate() {
        assert_eq!((id.len(), content), (36, &n.to_string()), "the comet makes up an id for each");
    }
    world.stop().await.unwrap();
}
