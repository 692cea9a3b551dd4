use std::collections::HashMap;

use super::*;

fn comet(id: &str, epoch: i64) -> CometRef {
    CometRef { id: id.to_owned(), epoch }
}

fn user(id: i64) -> UserId {
    UserId::new(id).expect("positive")
}

fn record(push: PushMsg, audience: Audience) -> Record {
    Record { offset: 1, push, audience, is_fence: false }
}

fn to_users(ids: &[i64]) -> Record {
    let push = PushMsg { user_ids: ids.to_vec(), exclude_keys: vec!["x".into()], ..PushMsg::default() };
    record(push, Audience::Sessions { users: ids.iter().copied().map(user).collect(), keys: Vec::new() })
}

fn routes_of_users(users: &[(i64, &[&CometRef])]) -> Routes {
    let users = users
        .iter()
        .map(|(id, comets)| (user(*id), comets.iter().map(|comet| (*comet).clone()).collect()))
        .collect();
    Routes { users, ..Routes::default() }
}

#[test]
fn each_comet_gets_one_delivery_with_its_own_users() {
    let (a, b) = (comet("a", 1), comet("b", 1));
    let routes = routes_of_users(&[(1, &[&a]), (2, &[&a, &b])]);
    let split = split(&to_users(&[1, 2, 3]), &routes, &[]);
    assert_eq!(split.deliveries[&a].user_ids, [1, 2]);
    assert_eq!(split.deliveries[&b].user_ids, [2]);
    assert_eq!(split.deliveries[&b].exclude_keys, ["x"]);
    assert_eq!((split.deliveries.len(), split.not_online), (2, 1));
}

#[test]
fn the_frame_says_what_the_record_said() {
    let push = PushMsg {
        r#type: Type::Room.into(),
        operation: 4,
        speed: 7,
        room: "9".into(),
        msg: vec![1, 2].into(),
        conversation: 9,
        seq: 3,
        created_at_ms: 55,
        traceparent: "t".into(),
        ..PushMsg::default()
    };
    let room = RoomKey::new("9").expect("valid");
    let routes = Routes { rooms: HashMap::from([(room.clone(), vec![comet("a", 1)])]), ..Routes::default() };
    let split = split(&record(push, Audience::Room(room)), &routes, &[]);
    let delivery = &split.deliveries[&comet("a", 1)];
    let expected = Proto {
        ver: 1,
        op: 4,
        seq: 0,
        body: vec![1, 2].into(),
        conversation: 9,
        message_seq: 3,
        created_at_ms: 55,
        traceparent: "t".into(),
    };
    assert_eq!((delivery.frame.as_ref(), delivery.room.as_str(), delivery.speed), (Some(&expected), "9", 0));
}

#[test]
fn the_speed_of_a_broadcast_is_shared_out() {
    let push = PushMsg { r#type: Type::Broadcast.into(), speed: 100, ..PushMsg::default() };
    let broadcast = record(push, Audience::Everyone);
    assert!(split(&broadcast, &Routes::default(), &[]).deliveries.is_empty());
    let comets = [comet("a", 1), comet("b", 2), comet("c", 1)];
    let split = split(&broadcast, &Routes::default(), &comets);
    assert_eq!(split.deliveries.values().map(|delivery| delivery.speed).collect::<Vec<_>>(), [33, 33, 33]);
    assert_eq!((speed_each(1, 3), speed_each(0, 3), speed_each(-5, 3), speed_each(9, 0)), (1, 0, 0, 9));
}

#[test]
fn a_named_comet_gets_it_whole() {
    let push = PushMsg { server: "b".into(), keys: vec!["k".into()], ..PushMsg::default() };
    let direct = record(push, Audience::Comet("b".into()));
    let here = split(&direct, &Routes::default(), &[comet("a", 1), comet("b", 4)]);
    assert_eq!(here.deliveries[&comet("b", 4)].keys, ["k"]);
    let gone = split(&direct, &Routes::default(), &[comet("a", 1)]);
    assert_eq!((gone.deliveries.len(), gone.not_online), (0, 1));
}

#[test]
fn only_a_route_that_is_new_is_followed() {
    let (a, a_again, b, c) = (comet("a", 1), comet("a", 2), comet("b", 1), comet("c", 1));
    let first = routes_of_users(&[(1, &[&a, &b]), (2, &[&a]), (3, &[&a])]);
    let now = routes_of_users(&[(1, &[&a, &b, &c]), (2, &[&a_again]), (3, &[&a])]);
    let missing = Missing { user_ids: vec![1, 2, 3], ..Missing::default() };
    let split = split_missing(&to_users(&[1, 2, 3]), &missing, &a, &first, &now);
    assert_eq!(split.deliveries[&c].user_ids, [1]);
    assert_eq!(split.deliveries[&a_again].user_ids, [2]);
    assert_eq!((split.deliveries.len(), split.not_online), (2, 1));
}
