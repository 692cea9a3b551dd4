//! Cursors: they never hold up sends, and what is told of them; hellos that show only what changed.

use oort_api::op;
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{CursorEvent, Delivery};
use prost::Message as _;
use serde_json::{Value, json};

use crate::logic::{SINCE, Scripted};
use crate::world::{Client, config, eventually, start, start_with, to_users};

fn cursor(room: &str, read_seq: i64, request_id: Option<&str>) -> Value {
    let mut payload = json!({"roomId": room, "readSeq": read_seq});
    if let Some(id) = request_id {
        payload["requestId"] = id.into();
    }
    json!({"type": "cursor", "payload": payload})
}

/// What a job brings to a user: user 3 has read so far.
pub(crate) fn cursor_of(user: i64, conversation: i64, read_seq: i64) -> Delivery {
    let event =
        CursorEvent { conversation, user_id: 3, delivered_seq: 4, read_seq, ..CursorEvent::default() };
    let body = event.encode_to_vec().into();
    let frame = Proto { ver: 1, op: op::CURSOR, body, conversation, ..Proto::default() };
    Delivery { frame: Some(frame), user_ids: vec![user], ..Delivery::default() }
}

async fn told(client: &mut Client) -> Value {
    let mut frame = client.next().await;
    assert_eq!(frame["type"], "cursor", "{frame}");
    frame["payload"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_answered_with_the_request_id() {
    let world = start().await;
    world.logic.state.lock().heads.insert(1, 9);
    let mut client = world.v1(7).await;
    client.send(cursor("1", 4, Some("r"))).await;
    let expected = json!({
        "roomId": "1", "userId": "7", "deliveredSeq": 0, "readSeq": 4, "head": 9, "unread": 5, "requestId": "r"
    });
    assert_eq!(told(&mut client).await, expected);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_do_not_wait_for_cursors_and_the_furthest_of_a_room_goes() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let all = u32::try_from(world.logic.cursor_gate.available_permits()).unwrap();
    let held = world.logic.cursor_gate.clone().acquire_many_owned(all).await.unwrap();
    client.send(cursor("1", 1, Some("a"))).await;
    eventually("it is under way", || world.logic.state.lock().received == [("cursor", 1)]).await;
    for (room, seq, id) in [("1", 2, None), ("2", 1, None), ("1", 5, Some("b")), ("1", 3, None)] {
        client.send(cursor(room, seq, id)).await;
    }
    let message = json!({"content": "hi", "clientMsgId": "c"});
    client.send(json!({"type": "clientMessages", "payload": {"roomId": "1", "messages": [message]}})).await;
    assert_eq!(client.next().await["type"], "sendAck", "it is stored while cursors wait");
    drop(held);
    let seen: Vec<Value> =
        [told(&mut client).await, told(&mut client).await, told(&mut client).await, told(&mut client).await]
            .into_iter()
            .map(|payload| json!([payload["roomId"], payload["readSeq"], payload["requestId"]]))
            .collect();
    assert_eq!(
        seen,
        [json!(["1", 1, "a"]), json!(["1", 5, "b"]), json!(["1", 5, null]), json!(["2", 1, null])]
    );
    let calls = world.logic.state.lock().received.clone();
    assert_eq!(calls.iter().filter(|(name, _)| *name == "cursor").count(), 3, "{calls:?}");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_wait_are_bounded() {
    let mut config = config();
    config.json.cursors_waiting_max = 2;
    let world = start_with(config, Scripted::new()).await;
    let mut client = world.v1(7).await;
    let all = u32::try_from(world.logic.cursor_gate.available_permits()).unwrap();
    let held = world.logic.cursor_gate.clone().acquire_many_owned(all).await.unwrap();
    for number in 1..=4 {
        client.send(cursor(&number.to_string(), 1, Some(&format!("r{number}")))).await;
    }
    let refused = client.next().await;
    assert_eq!((&refused["type"], &refused["payload"]["requestId"]), (&json!("error"), &json!("r4")));
    assert_eq!(refused["payload"]["code"], "overloaded");
    drop(held);
    for number in 1..=3 {
        assert_eq!(told(&mut client).await["requestId"], format!("r{number}"));
    }
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_jobs_bring_is_shown_to_v1_alone() {
    let world = start().await;
    let (mut v1, mut classic) = (world.v1(7).await, world.classic(7).await);
    world.job("j").push(vec![cursor_of(7, 99, 2), to_users(&[7], 99, 1)]).await;
    assert_eq!(told(&mut v1).await, json!({"roomId": "99", "userId": "3", "deliveredSeq": 4, "readSeq": 2}));
    assert_eq!(classic.next().await["type"], "serverMessages", "classic clients know no cursors");
    classic.send(cursor("1", 1, None)).await;
    let history = json!({"roomId": "1", "firstMessageId": "", "count": 1});
    classic.send(json!({"type": "requestRoomHistory", "payload": history})).await;
    assert_eq!(classic.next().await["type"], "serverRoomHistory", "it is not answered");
    assert!(world.logic.state.lock().received.iter().all(|(name, _)| *name != "cursor"));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_hello_is_small_and_the_session_is_in_all_its_rooms() {
    let world = start().await;
    world.logic.state.lock().heads.insert(1, 5);
    let path = format!("/api/ws?access_token=u7&since={SINCE}");
    let mut client = world.open(&path, &[("sec-websocket-protocol", "oort.v1")]).await.expect("upgraded");
    let hello = client.next().await;
    assert!(hello.to_string().len() < 200, "{hello}");
    assert_eq!(hello["payload"]["partial"], true);
    assert_eq!((&hello["payload"]["rooms"], hello["payload"].get("me")), (&json!([]), None));
    world.job("j").push(vec![crate::world::to_room(1, 6)]).await;
    assert_eq!(client.seqs(1).await, [(1, 6)]);
    world.stop().await.unwrap();
}
