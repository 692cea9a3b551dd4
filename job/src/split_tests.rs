use std::collections::HashMap;
use std::sync::Arc;

use oort_api::directory::Routes;

use super::*;

fn comet(id: &str, epoch: i64) -> CometRef {
    CometRef { id: id.to_owned(), epoch }
}

fn user(id: i64) -> UserId {
    UserId::new(id).expect("positive")
}

fn record(push: PushMsg, audience: Audience) -> Record {
    Record { offset: 1, push, audience, is_fence: false, was_pushed: false }
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

fn found(routes: Routes, comets: &[CometRef]) -> Found {
    Found { routes, comets: comets.into(), unsettled: Vec::new() }
}

#[test]
fn each_comet_gets_one_delivery_with_its_own_users() {
    let (a, b) = (comet("a", 1), comet("b", 1));
    let routes = routes_of_users(&[(1, &[&a]), (2, &[&a, &b])]);
    let split = split(&to_users(&[1, 2, 3]), &found(routes, &[]));
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
    let split = split(&record(push, Audience::Room(room)), &found(routes, &[]));
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
        replay: 0,
    };
    assert_eq!((delivery.frame.as_ref(), delivery.room.as_str(), delivery.speed), (Some(&expected), "9", 0));
}

#[test]
fn the_speed_of_a_broadcast_is_shared_out() {
    let push = PushMsg { r#type: Type::Broadcast.into(), speed: 100, ..PushMsg::default() };
    let broadcast = record(push, Audience::Everyone);
    assert!(split(&broadcast, &Found::default()).deliveries.is_empty());
    let comets = [comet("a", 1), comet("b", 2), comet("c", 1)];
    let split = split(&broadcast, &found(Routes::default(), &comets));
    assert_eq!(split.deliveries.values().map(|delivery| delivery.speed).collect::<Vec<_>>(), [33, 33, 33]);
    assert_eq!((speed_each(1, 3), speed_each(0, 3), speed_each(-5, 3), speed_each(9, 0)), (1, 0, 0, 9));
}

#[test]
fn a_named_comet_gets_it_whole() {
    let push = PushMsg { server: "b".into(), keys: vec!["k".into()], ..PushMsg::default() };
    let direct = record(push, Audience::Comet("b".into()));
    let here = split(&direct, &found(Routes::default(), &[comet("a", 1), comet("b", 4)]));
    assert_eq!(here.deliveries[&comet("b", 4)].keys, ["k"]);
    let gone = split(&direct, &found(Routes::default(), &[comet("a", 1)]));
    assert_eq!((gone.deliveries.len(), gone.not_online), (0, 1));
}

#[test]
fn only_a_route_that_is_new_is_followed() {
    let (a, a_again, b, c) = (comet("a", 1), comet("a", 2), comet("b", 1), comet("c", 1));
    let first = routes_of_users(&[(1, &[&a, &b]), (2, &[&a]), (3, &[&a])]);
    let now = routes_of_users(&[(1, &[&a, &b, &c]), (2, &[&a_again]), (3, &[&a])]);
    let missing = Missing { user_ids: vec![1, 2, 3], ..Missing::default() };
    let split = split_missing(&to_users(&[1, 2, 3]), &missing, &a, &found(first, &[]), &found(now, &[]));
    assert_eq!(split.deliveries[&c].user_ids, [1]);
    assert_eq!(split.deliveries[&a_again].user_ids, [2]);
    assert_eq!((split.deliveries.len(), split.not_online), (2, 1));
}

#[test]
fn an_unsettled_comet_gets_the_whole_record() {
    let (a, b, c) = (comet("a", 1), comet("b", 1), comet("c", 1));
    let routes = routes_of_users(&[(1, &[&a, &c])]);
    let unsettled = Found { routes, comets: Arc::default(), unsettled: vec![a.clone(), b.clone()] };
    let both = split(&to_users(&[1, 2]), &unsettled);
    assert_eq!((&both.deliveries[&a].user_ids, &both.deliveries[&b].user_ids), (&vec![1, 2], &vec![1, 2]));
    assert_eq!(both.deliveries[&c].user_ids, [1]);
    assert_eq!((both.deliveries.len(), both.unsettled, both.not_online), (3, 1, 0));
    let room = RoomKey::new("9").expect("valid");
    let push = PushMsg { r#type: Type::Room.into(), room: "9".into(), ..PushMsg::default() };
    let to_room = split(&record(push, Audience::Room(room)), &unsettled);
    assert_eq!((to_room.deliveries.len(), to_room.deliveries[&b].room.as_str()), (2, "9"));
}

#[test]
fn what_an_unsettled_comet_lacks_matters_only_if_a_route_named_it() {
    let (a, b) = (comet("a", 1), comet("b", 1));
    let found = Arc::new(found(routes_of_users(&[(1, &[&a])]), &[]));
    let routed = Routed { record: to_users(&[1, 2]), found };
    let all = || Missing { user_ids: vec![1, 2], keys: vec!["k".into()], room: true, delivery: 3 };
    assert_eq!(
        only_routed(all(), &a, &routed),
        Missing { user_ids: vec![1], delivery: 3, ..Missing::default() }
    );
    assert_eq!(only_routed(all(), &b, &routed), Missing { delivery: 3, ..Missing::default() });
}

#[test]
fn who_is_missed_is_looked_for_on_comets_that_were_lost_since() {
    let (a, b, c) = (comet("a", 1), comet("b", 1), comet("c", 1));
    let first = Found { unsettled: vec![c.clone()], ..found(routes_of_users(&[(1, &[&a])]), &[]) };
    let now = Found { unsettled: vec![a.clone(), b.clone(), c], ..Found::default() };
    let missing = Missing { user_ids: vec![1], ..Missing::default() };
    let split = split_missing(&to_users(&[1, 2]), &missing, &a, &first, &now);
    assert_eq!(
        split.deliveries.keys().collect::<Vec<_>>(),
        [&b],
        "a was asked, and c had the record already"
    );
    assert_eq!((&split.deliveries[&b].user_ids, split.unsettled, split.not_online), (&vec![1], 1, 0));
}
