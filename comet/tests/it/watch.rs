//! What JSON clients watch, their typing, and the ends of their sessions that logic asks for.

use oort_api::op;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::goim::protocol::Proto;
use oort_api::pb::oort::v1::{Delivery, Presence, PresenceEvent, TypingEvent, User};
use oort_comet::WatchConfig;
use prost::Message as _;
use serde_json::{Value, json};

use crate::logic::Scripted;
use crate::world::{Client, config, effect, eventually, start, start_with};

fn watch(rooms: &[&str], users: &[&str]) -> Value {
    json!({"type": "watch", "payload": {"roomIds": rooms, "userIds": users, "requestId": "w"}})
}

fn typing(room: &str) -> Delivery {
    let user = Some(User { id: 9, username: "nine".into() });
    let event = TypingEvent { conversation: room.parse().unwrap(), user, active: true };
    Delivery {
        frame: Some(Proto { op: op::TYPING, body: event.encode_to_vec().into(), ..Proto::default() }),
        r#type: Type::Room.into(),
        room: format!("typing://{room}"),
        ..Delivery::default()
    }
}

fn presence(user: i64, online: bool) -> Delivery {
    let users = vec![Presence { user_id: user, online, last_seen_ms: 1, ..Presence::default() }];
    let body = PresenceEvent { users }.encode_to_vec().into();
    Delivery {
        frame: Some(Proto { op: op::PRESENCE, body, ..Proto::default() }),
        r#type: Type::Room.into(),
        room: format!("presence://{user}"),
        ..Delivery::default()
    }
}

async fn answered(client: &mut Client) -> Value {
    let frame = client.next().await;
    assert_eq!(
        (&frame["type"], &frame["payload"]["requestId"]),
        (&json!("presence"), &json!("w")),
        "{frame}"
    );
    frame["payload"]["users"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_recorded_answered_and_replaced_by_the_next() {
    let world = start().await;
    let (mut client, mut other) = (world.v1(7).await, world.v1(8).await);
    client.send(watch(&["1"], &["3", "4", "3"])).await;
    let users = answered(&mut client).await;
    let (three, four) = (
        json!({"id": "3", "online": false, "lastSeenMs": 30}),
        json!({"id": "4", "online": true, "lastSeenMs": 40}),
    );
    assert_eq!(users, json!([three, four]));
    for room in ["typing://1", "presence://3", "presence://4"] {
        assert!(world.logic.state.lock().entered.contains_key(room), "recorded before the answer: {room}");
    }
    let mut job = world.job("j");
    job.push(vec![typing("1"), presence(3, true)]).await;
    let frame = client.next().await;
    assert_eq!(
        frame["payload"],
        json!({"roomId": "1", "user": {"id": "9", "username": "nine"}, "active": true})
    );
    assert_eq!(client.next().await["payload"]["users"][0]["online"], true);

    client.send(watch(&[], &["4"])).await;
    assert_eq!(answered(&mut client).await, json!([four]));
    job.push(vec![typing("1"), presence(3, false), presence(4, false)]).await;
    assert_eq!(client.next().await["payload"]["users"][0]["id"], "4");
    client.send(watch(&[], &[])).await;
    assert_eq!(answered(&mut client).await, json!([]));
    job.push(vec![presence(4, true)]).await;
    client.sync().await;
    other.sync().await;
    eventually("the rooms are left", || {
        let state = world.logic.state.lock();
        !state.entered.keys().any(|room| room.contains("://"))
    })
    .await;
    // Counts are of goim's rooms alone.
    assert!(world.logic.state.lock().renewals.iter().all(|renewal| renewal.room_counts.is_empty()));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_types_is_told_to_members_alone() {
    let world = start().await;
    world.logic.state.lock().directs = vec![50];
    let mut client = world.v1(7).await;
    client.send(watch(&["1", "50", "60"], &[])).await;
    answered(&mut client).await;
    let watched = |room: &str| world.logic.state.lock().entered.contains_key(room);
    assert!(watched("typing://1"), "a room it is in");
    assert!(watched("typing://50"), "a direct conversation, which logic knows");
    assert!(!watched("typing://60"), "not its own");
    // A member who is removed is told no more.
    let mut job = world.job("j");
    job.push(vec![effect(&[7], 1, Effect::Leave)]).await;
    assert_eq!(client.next().await["type"], "conversation");
    job.push(vec![typing("1"), typing("50")]).await;
    let frame = client.next().await;
    assert_eq!((&frame["type"], &frame["payload"]["roomId"]), (&json!("typing"), &json!("50")));
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_left_alone_is_told_once_and_announced_again() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let away = |away: bool| json!({"type": "away", "payload": {"away": away}});
    for is_away in [false, true, true, false, true] {
        client.send(away(is_away)).await;
    }
    client.sync().await;
    eventually("logic is told of what changed", || world.logic.state.lock().away.len() == 3).await;
    let told: Vec<_> = world.logic.state.lock().away.clone();
    let platforms: Vec<_> =
        told.iter().map(|command| command.session.as_ref().unwrap().platform.as_str()).collect();
    assert_eq!(platforms, ["web;away", "web", "web;away"]);
    assert!(told.iter().all(|command| command.comet.is_some()));
    world.logic.state.lock().announce_next = true;
    eventually("it is announced as it is", || {
        let state = world.logic.state.lock();
        state.sessions.values().any(|session| session.user_id == 7 && session.platform == "web;away")
    })
    .await;
    // Who is excluded by user gets nothing, on none of their connections.
    let mut other = world.v1(8).await;
    for client in [&mut client, &mut other] {
        client.send(watch(&["1"], &[])).await;
        answered(client).await;
    }
    let mut job = world.job("j");
    let excluded = Delivery { exclude_user_ids: vec![7], ..typing("1") };
    job.push(vec![excluded]).await;
    assert_eq!(other.next().await["type"], "typing");
    client.sync().await;
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_be_watched_is_refused_and_changes_nothing() {
    let watch_config = WatchConfig { rooms_max: 1, users_max: 2, ..WatchConfig::default() };
    let rates = oort_comet::Config { frames_per_second: 1, frames_burst: 30, ..config() };
    let world = start_with(oort_comet::Config { watch: watch_config, ..rates }, Scripted::new()).await;
    let mut client = world.v1(7).await;
    client.send(watch(&[], &["3"])).await;
    answered(&mut client).await;
    for (rooms, users, field) in [(&["1", "2"][..], &[][..], "roomIds"), (&[], &["3", "4", "5"], "userIds")] {
        client.send(watch(rooms, users)).await;
        let error = client.next().await;
        assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!("invalid_field")));
        assert_eq!(error["payload"]["requestId"], "w");
        assert!(error["payload"]["message"].as_str().unwrap().starts_with(field), "{error}");
    }
    world.job("j").push(vec![presence(3, true)]).await;
    assert_eq!(client.next().await["payload"]["users"][0]["id"], "3", "it still watches");
    // What is named costs as much as frames.
    let mut refused = false;
    for _ in 0..10 {
        client.send(watch(&[], &["3", "4"])).await;
        let frame = client.next().await;
        refused = refused || frame["payload"]["code"] == "rate_limited";
    }
    assert!(refused && world.handle.metrics().closed_for("rate_limited") == 0);
    // Classic clients have no such frame, and goim's no such room.
    let mut classic = world.classic(7).await;
    classic.send(watch(&[], &["3"])).await;
    classic.send(json!({"type": "typing", "payload": {"roomId": "1", "active": true}})).await;
    classic
        .send(json!({"type": "requestRoomHistory", "payload": {"roomId": "1", "firstMessageId": "1-1", "count": 1}}))
        .await;
    assert_eq!(classic.next().await["type"], "serverRoomHistory");
    assert_eq!(world.logic.state.lock().typing.len(), 0);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_passed_on_at_a_bounded_rate() {
    let watch_config = WatchConfig { typing_interval_ms: 3_600_000, ..WatchConfig::default() };
    let world = start_with(oort_comet::Config { watch: watch_config, ..config() }, Scripted::new()).await;
    let mut client = world.v1(7).await;
    let frame =
        |room: &str, active: bool| json!({"type": "typing", "payload": {"roomId": room, "active": active}});
    for active in [true, false, true] {
        client.send(frame("1", active)).await;
    }
    client.send(frame("50", false)).await;
    client.sync().await;
    let typed: Vec<_> = {
        let state = world.logic.state.lock();
        state.typing.iter().map(|typing| (typing.conversation, typing.active, typing.is_member)).collect()
    };
    assert_eq!(typed, [(1, true, true), (50, false, false)]);
    assert_eq!(world.handle.metrics().typing_dropped.get(), 2);
    client.send(json!({"type": "typing", "payload": {"roomId": "1"}})).await;
    assert_eq!(client.next().await["payload"]["code"], "invalid_field");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_named_are_closed_with_the_reason() {
    let world = start().await;
    let (mut first, mut second, mut third) = (world.v1(7).await, world.v1(7).await, world.v1(7).await);
    let key = |client: &Client| client.hello["payload"]["session"]["key"].as_str().unwrap().to_owned();
    let kick = |keys: Vec<String>, reason: &'static str| Delivery {
        frame: Some(Proto { op: op::KICK, body: reason.into(), ..Proto::default() }),
        r#type: Type::Push.into(),
        keys,
        ..Delivery::default()
    };
    let mut job = world.job("j");
    let ack = job.push(vec![kick(vec![key(&first), "not here".to_owned()], op::KICK_SESSION_ENDED)]).await;
    assert!(ack.missing.is_empty(), "who is not here has ended: {ack:?}");
    assert_eq!(first.closed().await, (1008, "session_ended".to_owned()));
    job.push(vec![kick(vec![key(&second)], op::KICK_BY_OPERATOR)]).await;
    assert_eq!(second.closed().await, (1008, "kicked".to_owned()));
    third.sync().await;
    assert_eq!(world.handle.metrics().closed_for("session_ended"), 1);
    eventually("both are told as gone", || world.logic.state.lock().disconnects.len() == 2).await;
    // As the directory has them: by the log-in that opened them.
    assert!(world.logic.state.lock().disconnects.iter().all(|session| session.login == 7));
    world.stop().await.unwrap();
}

/// Who comes while the answer is on its way is told at once, and then by the answer, which was read before.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_may_be_told_before_the_answer_that_does_not_know_of_it() {
    let world = start().await;
    let mut client = world.v1(7).await;
    let all = u32::try_from(world.logic.answer_gate.available_permits()).unwrap();
    let held = world.logic.answer_gate.clone().acquire_many_owned(all).await.unwrap();
    client.send(watch(&[], &["3"])).await;
    eventually("it is read", || world.logic.state.lock().carried_out == 1).await;
    world.job("j").push(vec![presence(3, true)]).await;
    let change = client.next().await;
    assert_eq!(
        (&change["type"], &change["payload"]["users"][0]["online"]),
        (&json!("presence"), &json!(true))
    );
    drop(held);
    assert_eq!(answered(&mut client).await[0]["online"], false, "the older of the two is shown last");
    world.stop().await.unwrap();
}
